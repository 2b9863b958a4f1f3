"""Contrastive pre-training of an embedding, without labels.

First each image must be told from all others (SimCLR, Chen et al. 2020). Then, round by round, positive pairs
are no longer views of one image but images near each other in the embedding learned so far (as in SCAN, Van
Gansbeke et al. 2020), which draws the members of a class together. Where the first stage is left out, the
first round's images are near each other in their pixels.

Computations run on the embedding's device. Random numbers are drawn on the CPU: the seed decides them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from gfncp.configuration.fields import Precision
from gfncp.networks.image_embeddings import ImageEmbedding, embed
from gfncp.schedules import cosine
from gfncp.seeds import seeded
from gfncp.simulators.images import Augmentation, augmented_by, global_streams, pixel_components
from gfncp.simulators.neighbours import NeighbourClusters, Walks, nearest_points
from gfncp.training.augmentations import AUGMENTATIONS
from gfncp.training.precision import DTYPES, products_in

WARM_UP = 100  # iterations
ANCHORS = 2000


class Pairs(NamedTuple):
    """Positive pairs of images, and which pairs are not told apart: at least each pair and itself."""

    first: Int[Tensor, "pairs"]
    second: Int[Tensor, "pairs"]
    alike: Bool[Tensor, "pairs pairs"]


DrawPairs = Callable[[int, torch.Generator], Pairs]


def same_image(images: int) -> DrawPairs:
    """Pair each image with itself alone."""

    def draw(pairs: int, generator: torch.Generator) -> Pairs:
        chosen = torch.randint(images, (pairs,), generator=generator)
        return Pairs(chosen, chosen, chosen[:, None] == chosen)

    return draw


def same_walk(walks: Walks, alike: float) -> DrawPairs:
    """Pair two points of one anchor's walk; walks that overlap by more than ``alike`` are not told apart."""

    def draw(pairs: int, generator: torch.Generator) -> Pairs:
        anchors, reach = walks.nearest.shape
        anchor = torch.randint(anchors, (pairs,), generator=generator)
        first, second = (
            walks.nearest[anchor, torch.randint(reach, (pairs,), generator=generator)] for _ in range(2)
        )
        return Pairs(first, second, (walks.overlap[anchor[:, None], anchor] > alike).fill_diagonal_(True))

    return draw


def same_neighbourhood(nearest: Int[Tensor, "images nearest"]) -> DrawPairs:
    """Pair each image with one of those near it; images near each other are not told apart."""

    def draw(pairs: int, generator: torch.Generator) -> Pairs:
        first = torch.randint(len(nearest), (pairs,), generator=generator)
        place = torch.randint(nearest.shape[1], (pairs,), generator=generator)
        near = (nearest[first][:, :, None] == first).any(1).fill_diagonal_(True)
        return Pairs(first, nearest[first, place], near | near.T)

    return draw


def info_nce(
    first: Float[Tensor, "pairs dim"],
    second: Float[Tensor, "pairs dim"],
    alike: Bool[Tensor, "pairs pairs"],
    temperature: float = 0.2,
) -> Float[Tensor, ""]:
    """Return the loss of telling a view's partner from all views in the batch that are not alike."""
    views = F.normalize(torch.cat([first, second]), dim=1)
    similarity = views @ views.T / temperature
    view = torch.arange(len(views), device=views.device)
    partner = view.roll(len(first))
    out = alike.repeat(2, 2)
    out[view, partner] = False
    return F.cross_entropy(similarity.masked_fill(out, -torch.inf), partner)


def pretrain(
    embedding: ImageEmbedding,
    images: UInt8[Tensor, "images height width"],
    *,
    iterations: int,
    rounds: int,
    round_iterations: int,
    neighbours: int | None = None,
    reach: float,
    alike: float,
    augmentations: str = "strong",
    strength: float,
    batch: int,
    temperature: float,
    learning_rate: float,
    precision: Precision = "float32",
    seed: int,
    report: Callable[[int, Float[Tensor, ""]], None],
) -> None:
    """Train ``embedding`` in place, on its device.

    Args:
        iterations: of telling each image from all others; with 0, the first round's neighbours are found in
            the principal components of pixels.
        rounds: number of times that neighbours are found in the embedding, and told from others.
        round_iterations: iterations of each round.
        neighbours: rounds pair each image with itself or one of so many nearest ones. If None, they pair
            two images of one anchor's walk, see `gfncp.simulators.neighbours`.
        reach: the share of all images that is near an anchor.
        alike: anchors whose neighbourhoods overlap by more are not told apart; 1 for identical ones.
        augmentations: name in `gfncp.training.augmentations`.
        strength: of the augmentations, from 0 to 1.
        batch: pairs per iteration.
        temperature: of the softmax by which a view's partner is told from others.
        precision: of the embedding's matrix products.
        report: gets the iteration, counted through all rounds, and the loss, which need not be computed yet.
    """
    images = images.to(next(embedding.parameters()).device)
    done = 0
    for stage in range(1 + rounds):
        if stage == 0:
            draw, length = same_image(len(images)), iterations
        else:
            features = embed(embedding, images / 255) if done else pixel_components(images)
            if neighbours is None:
                draw = same_walk(NeighbourClusters(features, reach, ANCHORS).walks, alike)
            else:
                draw = same_neighbourhood(nearest_points(features, 1 + neighbours).cpu())
            length = round_iterations
        augment = AUGMENTATIONS[augmentations](strength)
        losses = contrast(
            embedding,
            images,
            draw,
            augment,
            iterations=length,
            batch=batch,
            temperature=temperature,
            learning_rate=learning_rate,
            dtype=DTYPES[precision],
            seed=seed,
            stage=stage,
        )
        for loss in losses:
            done += 1
            report(done, loss)


def contrast(
    embedding: ImageEmbedding,
    images: Tensor,
    draw: DrawPairs,
    augment: Augmentation,
    *,
    iterations: int,
    batch: int,
    temperature: float,
    learning_rate: float,
    dtype: torch.dtype,
    seed: int,
    stage: int,
) -> Iterator[Float[Tensor, ""]]:
    """Train ``embedding`` to tell pairs from others, and yield the losses; then it is frozen.

    A projection between embedding and loss is trained as well, and discarded.
    """
    device = images.device
    on_cuda = device.type == "cuda"  # where a copy of this kind does not wait for the iteration before
    embedding.requires_grad_(True).train()
    with global_streams(seed, device):
        projection = nn.Sequential(
            nn.ReLU(), nn.Linear(embedding.features, 128), nn.ReLU(), nn.Linear(128, 64)
        ).to(device)
    optimizer = torch.optim.Adam([*embedding.parameters(), *projection.parameters()], lr=learning_rate)
    for iteration in range(iterations):
        for group in optimizer.param_groups:
            warm = min(1.0, (iteration + 1) / WARM_UP)
            group["lr"] = warm * cosine(learning_rate, 0.01 * learning_rate, iteration / iterations)
        generator = seeded(seed, stage, iteration)
        first, second, alike = (drawn.to(device, non_blocking=on_cuda) for drawn in draw(batch, generator))
        views = augmented_by(augment, images[torch.cat([first, second])] / 255, generator)
        with products_in(dtype, device):
            embedded = embedding(views)
        one, other = projection(embedded.float()).chunk(2)
        loss = info_nce(one, other, alike, temperature)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.detach()
    embedding.requires_grad_(False).eval()
