"""Sets from the prior with their true labels, and what a checkpoint's posterior says about them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn.utils.rnn import pad_sequence

from gfncp import orders
from gfncp.beside import Beside
from gfncp.checkpoints import seeded
from gfncp.coreset_inference import SETS_AT_ONCE, CoresetInference
from gfncp.inference import ORDERS_SEED, Given
from gfncp.partitions import canonical_labels
from gfncp.prepared import Prepared
from gfncp.simulators.prior import FAMILIES
from gfncp.tokens import Placement

STREAM = 2**31 + 8  # apart from all other streams
KNOWN = 0.2  # share of the rows whose labels are known


@dataclass(frozen=True)
class SimulatedSet:
    """A set of the prior.

    Attributes:
        family: the simulator that drew it.
        known: some of the true labels, -1 elsewhere.
    """

    family: str
    x: Float[np.ndarray, "rows dim"]
    labels: Int[np.ndarray, "rows"]
    known: Int[np.ndarray, "rows"]


@dataclass(frozen=True)
class Answer:
    """The point estimate of one set, and samples of its posterior."""

    labels: Int[np.ndarray, "rows"]
    samples: Int[np.ndarray, "samples rows"]


class Surprise(NamedTuple):
    """Negative log-probabilities of clusterings of a set, in nats."""

    tokens: Float[np.ndarray, "clusterings"]  # -log p of the medoids' labels
    beside: Float[np.ndarray, "clusterings"]  # mean of -log p of the others' labels; NaN if there are none


def draw_set(points: int, seed: int, number: int) -> SimulatedSet:
    """Draw a set from the prior over families, as a function of its address alone."""
    generator = seeded(seed, STREAM, points, number)
    shares = torch.tensor([share for share, _ in FAMILIES])
    _, family = FAMILIES[int(torch.multinomial(shares, 1, generator=generator))]
    x, labels = (part[0].numpy() for part in family(1, points, generator))
    name = re.sub(r"\w+=", "", repr(family))
    return SimulatedSet(name, x.astype(np.float64), labels, some_known(x, labels, generator))


def some_known(
    x: Float[np.ndarray, "rows dim"], labels: Int[np.ndarray, "rows"], generator: torch.Generator
) -> Int[np.ndarray, "rows"]:
    """Return the labels of a fifth of the rows, of equal ones at most one, and -1 for all others."""
    _, distinct = np.unique(x, axis=0, return_index=True)
    order = torch.randperm(len(distinct), generator=generator).numpy()
    chosen = distinct[order[: round(KNOWN * len(x))]]
    known = np.full(len(x), -1)
    known[chosen] = labels[chosen]
    return known


def first_rows(prepared: Prepared) -> Int[torch.Tensor, "points"]:
    """Return the first of the rows that are equal to each distinct point."""
    rows = torch.arange(len(prepared.distinct))
    first = rows.new_zeros(len(prepared.places))
    return first.scatter_reduce(0, prepared.distinct, rows, "amin", include_self=False)


def medoid_rows(prepared: Prepared) -> Int[np.ndarray, "tokens"]:
    """Return the row that is the medoid of each token."""
    return first_rows(prepared)[prepared.medoid].numpy()


def answers(
    inference: CoresetInference, sets: list[Given], n_samples: int, generator: torch.Generator
) -> list[Answer]:
    """Cluster some sets side by side."""
    found = []
    for labels, posterior in inference.cluster(sets, n_samples, generator):
        found.append(Answer(labels, np.repeat(posterior.labels, posterior.counts, axis=0)))
    return found


def in_batches(places: list[int]) -> Iterator[list[int]]:
    yield from (places[first : first + SETS_AT_ONCE] for first in range(0, len(places), SETS_AT_ONCE))


def answers_told(
    inference: CoresetInference,
    sets: list[Given],
    clusters: list[int],
    n_samples: int,
    generator: torch.Generator,
) -> list[Answer]:
    """Cluster each set given its number of clusters; those of equal numbers go side by side."""
    of_number = defaultdict(list)
    for place, number in enumerate(clusters):
        of_number[number].append(place)
    found: dict[int, Answer] = {}
    for number, places in of_number.items():
        told = replace(inference, n_clusters=number)
        for batch in in_batches(places):
            some = answers(told, [sets[place] for place in batch], n_samples, generator)
            found |= zip(batch, some, strict=True)
    return [found[place] for place in range(len(sets))]


@torch.no_grad()
def surprises(
    inference: CoresetInference,
    sets: list[Given],
    prepared: list[Prepared],
    clusterings: list[Int[np.ndarray, "clusterings rows"]],
) -> list[Surprise]:
    """Return how improbable clusterings of some sets are, as many for each set."""
    encoding, beside = inference.encode(prepared)
    of_tokens = [torch.from_numpy(c[:, medoid_rows(p)]) for c, p in zip(clusterings, prepared, strict=True)]
    padded = pad_sequence([each.mT for each in of_tokens], batch_first=True, padding_value=-1).mT
    along = orders.random_orders(inference.n_orders, padded.shape[2], seeded(ORDERS_SEED))
    padded = inference.on_device(canonical_labels(padded))
    log_prob = orders.log_prob(inference.network, encoding, padded, along).cpu().numpy()
    return [
        Surprise(-values, surprise_beside(points, rows))
        for values, points, rows in zip(log_prob, beside, clusterings, strict=True)
    ]


def surprise_beside(
    beside: Beside, clusterings: Int[np.ndarray, "clusterings rows"]
) -> Float[np.ndarray, "clusterings"]:
    """Return the mean of -log p(c_i | c_medoids, tokens) over the points i that are no medoids.

    Points whose clusters have no medoid are left out. NaN where no points are left.
    """
    prepared, rest = beside.prepared, beside.rest
    places = prepared.places[rest].to(beside.weights.device)
    shares = Placement.log_shares(beside.weights[None], places[None])[0].double().cpu()
    labels = torch.from_numpy(clusterings)[:, first_rows(prepared)]
    means = []
    for row in labels:
        together = row[prepared.medoid] == row[rest, None]
        log_prob = shares.masked_fill(~together, -torch.inf).logsumexp(1)
        means.append(-log_prob[together.any(1)].mean())
    return torch.stack(means).numpy()
