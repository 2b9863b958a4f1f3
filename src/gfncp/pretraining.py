"""Contrastive pre-training of an embedding, without labels (SimCLR, Chen et al. 2020)."""

from collections.abc import Callable

import kornia.augmentation as K
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from gfncp.checkpoints import seeded
from gfncp.schedules import cosine
from gfncp.simulators.images import augmented_by

TEMPERATURE = 0.2
WARM_UP = 100  # iterations


def strong_augmentations() -> K.AugmentationSequential:
    """Rotation, shift, scale, shear, and a part erased: harder than what makes clusters."""
    return K.AugmentationSequential(
        K.RandomAffine(25.0, (0.1, 0.1), (0.7, 1.2), (-20.0, 20.0, -20.0, 20.0)),
        K.RandomErasing(p=0.5, scale=(0.02, 0.15)),
    )


def info_nce(first: Float[Tensor, "images dim"], second: Float[Tensor, "images dim"]) -> Float[Tensor, ""]:
    """The loss of telling an image's other view from all other images in the batch."""
    views = F.normalize(torch.cat([first, second]), dim=1)
    similarity = views @ views.T / TEMPERATURE
    similarity.fill_diagonal_(-torch.inf)
    return F.cross_entropy(similarity, torch.arange(len(views), device=views.device).roll(len(first)))


def pretrain(
    embedding: nn.Module,
    images: UInt8[Tensor, "images height width"],
    *,
    iterations: int,
    batch: int,
    learning_rate: float,
    seed: int,
    report: Callable[[int, float], None],
) -> None:
    """Train ``embedding`` in place; ``report`` gets the iteration and the loss.

    A projection between embedding and loss is trained along, and thrown away.
    """
    device = next(embedding.parameters()).device
    embedding.requires_grad_(True).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        projection = nn.Sequential(
            nn.ReLU(), nn.Linear(embedding.features, 128), nn.ReLU(), nn.Linear(128, 64)
        ).to(device)
    optimizer = torch.optim.Adam([*embedding.parameters(), *projection.parameters()], lr=learning_rate)
    augment = strong_augmentations()
    for iteration in range(iterations):
        for group in optimizer.param_groups:
            warm = min(1.0, (iteration + 1) / WARM_UP)
            group["lr"] = warm * cosine(learning_rate, 0.01 * learning_rate, iteration / iterations)
        generator = seeded(seed, iteration)
        chosen = images[torch.randint(len(images), (batch,), generator=generator)].to(device) / 255
        views = augmented_by(augment, torch.cat([chosen, chosen]), generator)
        loss = info_nce(*projection(embedding(views)).chunk(2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        report(iteration + 1, float(loss.detach()))
    embedding.requires_grad_(False).eval()
