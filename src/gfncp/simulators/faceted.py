"""Classes of several facets: clusters that are near one another count as one, as ways to write a digit do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import cut_tree, linkage
from torch import Tensor

from gfncp.partitions import canonical_labels
from gfncp.simulators.draw import Draw

FEWEST, MOST = 0.2, 0.8  # classes for each facet
FEWEST_CLASSES = 2  # one class of two facets looks like two clusters


@dataclass(frozen=True)
class Faceted:
    """Sets of another family, of whose clusters, the facets, those near one another are one class.

    Average linkage of their means joins facets into a fifth to four fifths as many classes, two or more.

    Args:
        facets: the other family.
    """

    ambiguous: ClassVar[bool] = True

    facets: Callable[[int, int, torch.Generator], tuple[Tensor, Tensor]]

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        x, facet = self.facets(sets, points, generator)
        share = FEWEST + Draw(sets, generator).uniform(high=MOST - FEWEST)[:, 0]
        classes = [joined(*each) for each in zip(x, facet, share.tolist(), strict=True)]
        return x, canonical_labels(torch.stack(classes))


def joined(
    x: Float[Tensor, "points dim"], facet: Int[Tensor, "points"], share: float
) -> Int[Tensor, "points"]:
    """Return classes, about ``share`` times as many as facets; of at most two facets, the facets.

    Args:
        facet: of each point, from 0 without gaps.
    """
    count = int(facet.max()) + 1
    if count <= FEWEST_CLASSES:
        return facet
    member = torch.nn.functional.one_hot(facet, count).to(x.dtype)
    means = (member.T @ x) / member.sum(0)[:, None]
    tree = linkage(means.double().numpy(), "average")
    classes = cut_tree(tree, n_clusters=max(FEWEST_CLASSES, round(share * count)))[:, 0]
    return torch.from_numpy(classes).long()[facet]
