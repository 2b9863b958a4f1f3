"""Sets from the prior with their true labels, and the answers of a checkpoint of coresets."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from gfncp.configuration.sources import Simulator
from gfncp.coresets.prepared import Prepared
from gfncp.estimators.coreset_inference import SETS_AT_ONCE, CoresetInference
from gfncp.estimators.inference import Given
from gfncp.seeds import CORESET_SETS, seeded
from gfncp.simulators.draw import draw_family
from gfncp.simulators.prior import FAMILIES

KNOWN = 0.2  # share of the rows whose labels are known


@dataclass(frozen=True)
class SimulatedSet:
    """Set from the prior.

    Attributes:
        family: the simulator that drew it.
        known: some of the true labels, -1 elsewhere.
    """

    family: str
    x: Float[np.ndarray, "rows *shape"]
    labels: Int[np.ndarray, "rows"]
    known: Int[np.ndarray, "rows"]


DrawSet = Callable[[int, int, int, int], SimulatedSet]  # from points, seed, number and stream


@dataclass(frozen=True)
class Answer:
    """Point estimate of one set, and samples of its posterior."""

    labels: Int[np.ndarray, "rows"]
    samples: Int[np.ndarray, "samples rows"]


def draw_set(points: int, seed: int, number: int, stream: int = CORESET_SETS) -> SimulatedSet:
    """Draw a set from the prior over families, as a function of its address alone."""
    generator = seeded(seed, stream, points, number)
    family = draw_family(FAMILIES, generator)
    return _simulated(re.sub(r"\w+=", "", repr(family)), family, points, generator)


def drawn_from(simulate: Simulator) -> DrawSet:
    """Return the function that draws the sets of a simulator, as `gfncp.evaluation.sets.draw_sets` does."""

    def draw(points: int, seed: int, number: int, stream: int) -> SimulatedSet:
        return _simulated(type(simulate).__name__, simulate, points, seeded(seed, stream, points, number))

    return draw


def _simulated(name: str, simulate: Simulator, points: int, generator: torch.Generator) -> SimulatedSet:
    x, labels = (part[0].numpy() for part in simulate(1, points, generator))
    return SimulatedSet(name, x.astype(np.float64), labels, some_known(x, labels, generator))


def some_known(
    x: Float[np.ndarray, "rows *shape"], labels: Int[np.ndarray, "rows"], generator: torch.Generator
) -> Int[np.ndarray, "rows"]:
    """Return the labels of a fifth of the rows, at most one of equal rows, and -1 for all others."""
    _, distinct = np.unique(x, axis=0, return_index=True)
    order = torch.randperm(len(distinct), generator=generator).numpy()
    chosen = distinct[order[: round(KNOWN * len(x))]]
    known = np.full(len(x), -1)
    known[chosen] = labels[chosen]
    return known


def medoid_rows(prepared: Prepared) -> Int[np.ndarray, "tokens"]:
    """Return the row that is the medoid of each token."""
    return prepared.first_rows[prepared.medoid].numpy()


def answer_sets(
    inference: CoresetInference, sets: list[Given], n_samples: int, generator: torch.Generator
) -> list[Answer]:
    """Cluster some sets side by side."""
    found = []
    for labels, posterior in inference.cluster(sets, n_samples, generator):
        found.append(Answer(labels, np.repeat(posterior.labels, posterior.counts, axis=0)))
    return found


def in_batches(places: list[int]) -> Iterator[list[int]]:
    """Yield batches of indices of sets that are clustered side by side."""
    yield from (places[first : first + SETS_AT_ONCE] for first in range(0, len(places), SETS_AT_ONCE))


def answer_sets_told(
    inference: CoresetInference,
    sets: list[Given],
    clusters: list[int],
    n_samples: int,
    generator: torch.Generator,
) -> list[Answer]:
    """Cluster each set given its number of clusters; sets with equal numbers are clustered side by side."""
    of_number = defaultdict(list)
    for place, number in enumerate(clusters):
        of_number[number].append(place)
    found: dict[int, Answer] = {}
    for number, places in of_number.items():
        told = replace(inference, n_clusters=number)
        for batch in in_batches(places):
            some = answer_sets(told, [sets[place] for place in batch], n_samples, generator)
            found |= zip(batch, some, strict=True)
    return [found[place] for place in range(len(sets))]


def log_probs(
    inference: CoresetInference,
    sets: list[Given],
    clusterings: list[Int[np.ndarray, "clusterings _"]],
) -> Float[np.ndarray, "sets clusterings"]:
    """Return log-probabilities of clusterings, as many for each set; -inf for impossible ones."""
    return np.stack(
        [
            inference.log_prob(given, torch.from_numpy(rows).long())
            for given, rows in zip(sets, clusterings, strict=True)
        ]
    )
