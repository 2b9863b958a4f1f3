"""Bounds on the number of clusters, kept while clusterings are decoded."""

from dataclasses import dataclass
from numbers import Integral

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class ClusterBounds:
    """Inclusive bounds on K, which admit at each step the options that can still reach such a K.

    A policy restricted to these options and renormalised over them, step by step, is a distribution over the
    partitions with low <= K <= high: its probabilities sum to one. It is not the exact conditional
    p(c | low <= K <= high), which would also weigh each option by the probability of keeping the bounds later
    on; `gfncp.Posterior.reweighted` corrects samples towards that one.
    """

    low: int
    high: int

    @classmethod
    def of(cls, n_clusters: object, points: int | None = None) -> "ClusterBounds | None":
        """Return bounds for sets of ``points`` points or more: None for no bounds, one K, or ``(low, high)``.

        Args:
            points: None for sets of any size.

        Raises:
            ValueError: ``n_clusters`` is none of these, or sets of ``points`` points cannot keep it.
        """
        if n_clusters is None:
            return None
        pair = n_clusters if isinstance(n_clusters, tuple | list) else (n_clusters, n_clusters)
        bounds = [int(k) for k in pair if isinstance(k, Integral) and not isinstance(k, bool)]
        accepted = f"n_clusters={n_clusters!r}: accepted are None, an integer, or (low, high), with"
        if not len(pair) == len(bounds) == 2 or not 1 <= bounds[0] <= bounds[1]:
            raise ValueError(f"{accepted} integers 1 <= low <= high")
        low, high = bounds
        if points is not None and low > points:
            raise ValueError(
                f"{accepted} low <= {points} for this set, the number of its points, or of micro-clusters "
                "that summarise it; those of one known cluster count once"
            )
        return cls(low, high)

    def admits(
        self, opened: Int[Tensor, "*states"], remaining: Int[Tensor, "*states"], options: int
    ) -> Bool[Tensor, "*states options"]:
        """Mask the options from which the bounds can still be kept; option ``opened`` is a new cluster.

        Args:
            opened: clusters before the step.
            remaining: points after the step.
            options: number of options, counted from the first cluster.
        """
        joining = opened + remaining >= self.low
        opening = opened < self.high
        new = torch.arange(options, device=opened.device) == opened[..., None]
        return torch.where(new, opening[..., None], joining[..., None])

    def restrict(
        self,
        energies: Float[Tensor, "*states options"],
        opened: Int[Tensor, "*#states"],
        remaining: Int[Tensor, "*#states"],
    ) -> Float[Tensor, "*states options"]:
        """Return energies that are infinite at options which `admits` excludes; see there."""
        admitted = self.admits(opened, remaining, energies.shape[-1])
        return energies.masked_fill(~admitted, torch.inf)
