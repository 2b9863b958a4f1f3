"""Answers of a checkpoint of coresets on labelled sets, which it clusters as the estimator does."""

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gfncp.coresets.prepared import Prepared
from gfncp.decoding import orders
from gfncp.estimators.coreset_inference import SETS_AT_ONCE, CoresetInference
from gfncp.estimators.inference import GREEDY_ORDERS
from gfncp.evaluation.answers import Answers, typical
from gfncp.evaluation.coreset_sets import DrawSet, answer_sets, draw_set, log_probs
from gfncp.partitions import canonical_labels
from gfncp.seeds import ORDERS_SEED, seeded


@dataclass(frozen=True)
class CoresetSubject:
    """Checkpoint of coresets, with labelled sets.

    Args:
        draw: draws a set; by default, one from the prior over families.

    True labels have probability 0 if each coreset lacks a medoid of one of their clusters.
    """

    inference: CoresetInference
    draw: DrawSet = draw_set
    sets_at_once: ClassVar[int] = SETS_AT_ONCE

    @torch.no_grad()
    def answer(
        self, numbers: range, points: int, n_samples: int, seed: int, stream: int, generator: torch.Generator
    ) -> Answers:
        sets = [self.draw(points, seed, number, stream) for number in numbers]
        inference = self.inference
        given = [inference.given(each.x) for each in sets]
        start = time.perf_counter()
        found = answer_sets(inference, given, n_samples, generator)
        seconds = time.perf_counter() - start
        prepared = [inference.prepared(each) for each in given]
        greedy, agreement = self._greedy(prepared)
        shuffled = [torch.randperm(len(each.x), generator=generator).numpy() for each in sets]
        moved = [inference.given(each.x[order]) for each, order in zip(sets, shuffled, strict=True)]
        again = [each.labels for each in answer_sets(inference, moved, 1, generator)]
        restored = [labels[np.argsort(order)] for labels, order in zip(again, shuffled, strict=True)]

        truth = torch.stack([torch.from_numpy(each.labels) for each in sets]).long()
        samples = torch.stack([torch.from_numpy(each.samples) for each in found]).long()
        every = torch.cat([truth[:, None], samples], 1).numpy()
        log_prob = torch.from_numpy(log_probs(inference, given, list(every)))
        return Answers(
            truth=truth,
            samples=samples,
            greedy=greedy,
            labels=torch.stack([torch.from_numpy(each.labels) for each in found]).long(),
            shuffled=canonical_labels(torch.from_numpy(np.stack(restored)).long()),
            order_agreement=agreement,
            truth_log_prob=log_prob[:, 0],
            sample_log_prob=log_prob[:, 1:],
            exact=None,
            seconds=seconds,
        )

    def _greedy(self, prepared: list[Prepared]) -> tuple[Int[Tensor, "sets rows"], Tensor]:
        """Return greedy clusterings of one coreset along one order, and the agreement of several orders."""
        encoding, placed = self.inference.encode(prepared)
        along = orders.random_orders(GREEDY_ORDERS, encoding.mask.shape[1], seeded(ORDERS_SEED))
        each = orders.greedy_each(self.inference.network, encoding, along)[0]
        rows = [
            of_set.most_likely(labels[: len(of_set.prepared.medoid)])
            for of_set, labels in zip(placed, each[:, 0], strict=True)
        ]
        return torch.stack(rows).long(), typical(each.cpu())[1]
