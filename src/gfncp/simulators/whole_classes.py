"""Sets for tests: whole classes of labelled points."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import sample_crp


@dataclass(frozen=True)
class WholeClasses:
    """Sets for tests: a cluster is drawn from one class of labelled points, without replacement.

    Args:
        largest: a cluster has no more points, see `gfncp.partitions.sample_crp`; K is not bounded then.
    """

    points: Float[Tensor, "rows *shape"]
    classes: Int[Tensor, "rows"]
    alpha: float = 1.0
    n_clusters: int | tuple[int, int] | None = None
    largest: int | None = None

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points *shape"], Int[Tensor, "sets points"]]:
        names = self.classes.unique()
        labels = self._labels(sets, points, len(names), generator)
        chosen = torch.empty(sets, points, dtype=torch.long)
        for row in range(sets):
            order = torch.randperm(len(names), generator=generator)
            for k in range(int(labels[row].max()) + 1):
                members = (self.classes == names[order[k]]).nonzero()[:, 0]
                here = labels[row] == k
                size = int(here.sum())
                if size > len(members):
                    raise ValueError(
                        f"points={points}: class {int(names[order[k]])} has {len(members)} of them, "
                        f"a cluster needs {size}"
                    )
                chosen[row, here] = members[torch.randperm(len(members), generator=generator)[:size]]
        return self.points[chosen], labels

    def _labels(
        self, sets: int, points: int, most: int, generator: torch.Generator
    ) -> Int[Tensor, "sets points"]:
        if self.largest is not None:
            labels = sample_crp(sets, points, self.alpha, generator=generator, largest=self.largest)
            if labels.max() >= most:
                raise ValueError(f"points={points}: {int(labels.max()) + 1} clusters, but {most} classes")
            return labels
        bounds = self.n_clusters or (1, most)
        if np.max(bounds) > most:
            raise ValueError(f"n_clusters={self.n_clusters}: accepted is at most {most}, one per class")
        return sample_crp(sets, points, self.alpha, generator=generator, n_clusters=bounds)
