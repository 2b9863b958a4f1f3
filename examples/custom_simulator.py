"""Train a network on clusters of one's own kind: streaks, which nothing that ships with the package knows.

A simulator is any function of a number of sets, a number of points and a generator that returns points
(sets, points, ...) and labels (sets, points). A few hundred iterations show that it learns; thousands are
better.

Usage: python examples/custom_simulator.py
"""

import math

import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from gfncp.decoding.model import Model
from gfncp.networks.encoders import VectorEncoder
from gfncp.networks.layers import Gated
from gfncp.objectives.batch import Batch
from gfncp.objectives.two_orders import TwoOrdersLoss
from gfncp.partitions import sample_crp

LENGTH, WIDTH, SPREAD = 6.0, 0.3, 8.0


def streaks(sets: int, points: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points along segments of any direction, 1 to 5 of them in a set."""
    labels = sample_crp(sets, points, alpha=1.0, generator=generator, n_clusters=(1, 5))
    clusters = int(labels.max()) + 1
    centres = SPREAD * torch.randn(sets, clusters, 2, generator=generator)
    angles = math.pi * torch.rand(sets, clusters, generator=generator)
    along = torch.stack([angles.cos(), angles.sin()], 2)
    across = torch.stack([-angles.sin(), angles.cos()], 2)
    each = torch.arange(sets)[:, None]
    place = LENGTH * (torch.rand(sets, points, 1, generator=generator) - 0.5)
    aside = WIDTH * torch.randn(sets, points, 1, generator=generator)
    return centres[each, labels] + place * along[each, labels] + aside * across[each, labels], labels


def mean_ari(model: Model, sets: int, points: int) -> float:
    """Return the mean ARI of greedy clusterings of fresh sets."""
    x, labels = streaks(sets, points, torch.Generator().manual_seed(1))
    found = model.predict(x)
    return sum(map(adjusted_rand_score, labels.tolist(), found.tolist())) / sets


def main(iterations: int = 300, sets: int = 32, points: int = 50) -> tuple[float, float]:
    """Mean ARI before and after training."""
    torch.manual_seed(0)
    model = Model(VectorEncoder(2, scale=SPREAD), depth=3, width=64, cluster_width=64, body=Gated)
    objective = TwoOrdersLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    before = mean_ari(model, sets, points)
    for iteration in range(iterations):
        generator = torch.Generator().manual_seed(iteration)
        x, labels = streaks(sets, points, generator)
        terms = objective(model, Batch(x, labels, progress=iteration / iterations), generator)
        optimizer.zero_grad()
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (iteration + 1) % 50 == 0:
            print(f"iteration {iteration + 1}: loss {terms['loss'].item():.3f}")
    after = mean_ari(model, sets, points)
    print(f"Mean ARI of {sets} fresh sets: {before:.2f} before, {after:.2f} after training")
    return before, after


if __name__ == "__main__":
    main()
