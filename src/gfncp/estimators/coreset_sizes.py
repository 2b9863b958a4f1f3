"""Sizes of coresets: by how many micro-clusters a set is summarised.

It is a compromise: means of several points are less noisy, and their counts show where points are dense; but
a micro-cluster may hold points of two clusters. A set has one for every four points, but half of the
checkpoint's at least and all of them at most. For points in a plane or in space half of them are enough,
unless the set is crowded: has nearly as many clusters.
"""

from dataclasses import dataclass

from gfncp.configuration import Configuration
from gfncp.configuration.summarised import SummarisedData
from gfncp.coresets.prepared import DistinctPoints
from gfncp.coresets.whitening import FLAT, filled

FEWEST = 40  # micro-clusters, if a checkpoint takes so many
MEMBERS = 4  # points of a micro-cluster, on average, unless half of the checkpoint's are too few for that
CROWDED = 0.9  # clusters for each micro-cluster, beyond which these are too few
SHARES = 3 / 8, 1 / 2, 3 / 4, 1  # of the micro-clusters
FLAT_SHARES = 3 / 4, 1
LARGE = 5000  # rows, beyond which summaries take so long that a set is shown once in each size


@dataclass(frozen=True)
class CoresetSizes:
    """Sizes of coresets for a checkpoint.

    Args:
        tokens: the most micro-clusters that the checkpoint takes.
        asked: the only size, where one is asked for.
        clusters: the fewest clusters that there may be.
    """

    tokens: int
    asked: int | None
    clusters: float

    @property
    def least(self) -> int:
        """The size of the smallest coresets: twice as many as clusters are asked for, or more."""
        return self.asked or min(self.tokens, max(FEWEST, int(2 * self.clusters)))

    def most(self, points: int) -> int:
        """Return the largest number of micro-clusters for this many distinct points."""
        return self.asked or min(self.tokens, max(self.tokens // 2, points // MEMBERS))

    def of(self, points: DistinctPoints, crowded: bool) -> list[int]:
        """Return the sizes of a set's coresets, in increasing order."""
        if self.asked:
            return [self.asked]
        if crowded:
            return [self.tokens]
        most, shares = self.most(len(points.places)), SHARES
        if is_flat(points) and len(points.distinct) <= LARGE:
            most, shares = self.tokens // 2, FLAT_SHARES
        return [max(self.least, int(share * most)) for share in shares]

    def may_be_crowded(self, points: int) -> bool:
        """Return True if a set of this many points may get more than half of the micro-clusters."""
        return not self.asked and points <= LARGE and self.most(points) > self.tokens // 2

    def crowded_by(self, clusters: int) -> bool:
        """Return True if half of the micro-clusters are too few for this many clusters."""
        return clusters > CROWDED * (self.tokens // 2)


def coreset_data(configuration: Configuration) -> SummarisedData:
    """Return the section of a configuration that says how sets become tokens.

    Raises:
        ValueError: it was trained on something else.
    """
    data = configuration.data
    if not isinstance(data, SummarisedData):
        raise ValueError(f"data.kind={data.kind!r}: accepted is what makes coresets")
    return data


def is_flat(points: DistinctPoints) -> bool:
    """Return True if points lie in a plane or in space, up to rounding."""
    return int(filled(points.places[None])) <= FLAT
