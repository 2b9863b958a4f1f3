"""Calibration of a posterior that runs free, without labels, on sets whose true labels are known.

If sets and labels come from the simulator, the truth and samples of an exact posterior are exchangeable: as
improbable on average, with uniform ranks, as many clusters, pairs together as often. A posterior of coresets
gives some clusterings probability 0. Sets whose truth is one of them are left out of log-probabilities and
ranks; in the others, truth and samples are exchangeable all the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.evaluation import calibration
from gfncp.evaluation.answers import Answers, Subject
from gfncp.evaluation.means import Mean, mean, ratio
from gfncp.evaluation.pair_forecasts import Forecasts, curve_figures, forecasts
from gfncp.evaluation.sets import batches
from gfncp.metrics import agreements
from gfncp.partitions import n_clusters

PAIRS = 500  # pairs of points of each set
LOG_PROB = "log p"
EXACT = "exact draws"
CLUSTERINGS = ("greedy", "labels", "samples", EXACT)  # clusterings that are compared with the truth


@dataclass(frozen=True)
class Judged:
    """Figures of the answers on some sets.

    Attributes:
        columns: numbers of each set, by name.
        ranks: of the truth among the samples, by the quantity ranked, in sets whose truth is possible.
        draws: number of samples of each set.
        seconds: time of the clusterings that users get.
    """

    columns: dict[str, Float[np.ndarray, "sets"]]
    ranks: dict[str, Int[Tensor, "possible"]]
    pairs: Forecasts
    draws: int
    seconds: float


def run_free(
    subject: Subject,
    points: int,
    sets: int,
    n_samples: int,
    seed: int,
    stream: int,
    generator: torch.Generator,
) -> list[Judged]:
    """Cluster the first ``sets`` test sets of a size, batch by batch, and compare with their labels."""
    return [
        compare_with_truth(subject.answer(numbers, points, n_samples, seed, stream, generator), generator)
        for numbers in batches(sets, subject.sets_at_once)
    ]


def compare_with_truth(answers: Answers, generator: torch.Generator) -> Judged:
    """Compare answers with the true labels, set by set."""
    clusterings = {
        "greedy": answers.greedy[:, None],
        "labels": answers.labels[:, None],
        "samples": answers.samples,
    }
    if answers.exact is not None:
        clusterings[EXACT] = answers.exact
    possible, true_clusters = answers.truth_log_prob.isfinite(), n_clusters(answers.truth)
    columns = {
        "possible": possible,
        "truth_nll": torch.where(possible, -answers.truth_log_prob, torch.nan),
        "sample_nll": torch.where(possible, -answers.sample_log_prob.mean(1), torch.nan),
        "order_agreement": answers.order_agreement,
        "row_agreement": agreements(answers.labels, answers.shuffled[:, None]).ari[:, 0],
        "true clusters": true_clusters,
        "p true clusters": (n_clusters(answers.samples) == true_clusters[:, None]).double().mean(1),
    }
    for name, found in clusterings.items():
        agreement = agreements(answers.truth, found)
        columns[f"nmi {name}"] = agreement.nmi.mean(1)
        columns[f"ari {name}"] = agreement.ari.mean(1)
        columns[f"clusters {name}"] = n_clusters(found).double().mean(1)
    ranked = {LOG_PROB: (answers.sample_log_prob, answers.truth_log_prob)}
    for name, statistic in calibration.STATISTICS.items():
        ranked[name] = statistic(answers.samples), statistic(answers.truth)
    ranks = {
        name: calibration.ranks(drawn[possible], true[possible], generator)
        for name, (drawn, true) in ranked.items()
    }
    return Judged(
        {name: column.double().numpy() for name, column in columns.items()},
        ranks,
        forecasts(answers.samples, answers.truth, PAIRS, generator),
        answers.samples.shape[1],
        answers.seconds,
    )


def summarise_judged(judged: list[Judged], generator: torch.Generator) -> dict[str, Any]:
    """Return means over sets with their standard errors, p-values, and the reliability of pairs.

    Keys: ``sets``, ``samples``; ``truth_nll``, ``sample_nll``, ``ratio`` (of means); ``scores`` with NMI,
    ARI and number of clusters of each way of clustering; ``true_clusters``, and ``p_true_clusters``, the
    share of the samples with as many; ``possible``, the share of sets whose truth is possible; ``ranks``,
    each with a histogram and a p-value; ``pairs``; ``order_agreement`` and ``row_agreement``; ``seconds`` of
    clustering as users get it; ``per_set`` -log p.
    """
    column = {name: np.concatenate([part.columns[name] for part in judged]) for name in judged[0].columns}
    draws = judged[0].draws
    ranks = {name: torch.cat([part.ranks[name] for part in judged]) for name in judged[0].ranks}
    return {
        "sets": len(column["truth_nll"]),
        "samples": draws,
        "sample_nll": mean(column["sample_nll"]),
        "truth_nll": mean(column["truth_nll"]),
        "ratio": ratio(column["sample_nll"], column["truth_nll"]),
        "scores": {name: scores_of(column, name) for name in CLUSTERINGS if f"ari {name}" in column},
        "true_clusters": mean(column["true clusters"]),
        "p_true_clusters": mean(column["p true clusters"]),
        "possible": mean(column["possible"]),
        "order_agreement": mean(column["order_agreement"]),
        "row_agreement": mean(column["row_agreement"]),
        "ranks": {name: _uniformity(rank, draws) for name, rank in ranks.items()},
        "pairs": curve_figures([part.pairs for part in judged], generator),
        "seconds": sum(part.seconds for part in judged),
        "per_set": {name: column[name] for name in ("sample_nll", "truth_nll")},
    }


def scores_of(column: dict[str, Float[np.ndarray, "sets"]], name: str) -> dict[str, Mean]:
    """Return mean NMI, ARI and number of clusters of one way of clustering."""
    return {score: mean(column[f"{score} {name}"]) for score in ("nmi", "ari", "clusters")}


def _uniformity(rank: Int[Tensor, "sets"], draws: int) -> dict[str, Any]:
    if len(rank) < 2 * calibration.FEWEST_EXPECTED:
        return {"p_value": float("nan")}
    test = calibration.uniformity(rank, draws)
    return {"p_value": test.p_value, "counts": test.counts, "expected": test.expected}
