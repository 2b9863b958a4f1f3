"""Diagnosis of a model's posterior on fresh sets: exactness, consistency and calibration."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gfncp.evaluation import consistency, early_steps, exact
from gfncp.evaluation.answers import PointSubject, Subject
from gfncp.evaluation.free_running import run_free, summarise_judged
from gfncp.evaluation.means import Mean, mean
from gfncp.evaluation.plain import plain
from gfncp.evaluation.sets import draw_sets
from gfncp.seeds import (
    DIAGNOSIS_CONSISTENCY,
    DIAGNOSIS_EARLY,
    DIAGNOSIS_FREE,
    DIAGNOSIS_ORDERS,
    DIAGNOSIS_POSTERIOR,
    SAMPLED,
    seeded,
)
from gfncp.simulators import GaussianMixtures


@dataclass(frozen=True)
class Sizes:
    """Numbers of sets and samples; pairs are (points per set, number of sets).

    ``free_points`` are the sizes of the ``free_sets`` sets that are clustered running free, that is, without
    labels; ``early`` is of the sets whose first steps are compared with exact conditionals.
    """

    posterior: tuple[tuple[int, int], ...] = ((6, 200), (8, 20))
    averaged_orders: int = 8
    consistency: tuple[tuple[int, int], ...] = ((20, 50), (80, 50), (300, 50))
    sdpp: tuple[tuple[int, int], ...] = ((20, 50), (80, 16))
    orders: int = 500
    free_points: tuple[int, ...] = (20, 100, 300)
    free_sets: int = 50
    samples: int = 20
    early: tuple[int, int] = (300, 30)
    sweeps: int = 16


FULL = Sizes()
QUICK = Sizes(
    posterior=((6, 50),),
    averaged_orders=4,
    consistency=((20, 20), (80, 20)),
    sdpp=((20, 10),),
    orders=100,
    free_points=(20, 100),
    free_sets=20,
    samples=10,
    early=(100, 10),
    sweeps=12,
)


def diagnose(
    subjects: Mapping[str, Subject],
    sizes: Sizes = FULL,
    seed: int = 0,
    with_early_steps: bool = False,
    report: Callable[[str], None] = lambda part: None,
) -> dict[str, Any]:
    """Measure distances from the exact posterior, consistency, and calibration and quality when running free.

    Args:
        subjects: checkpoint with its test sets, by name. Parts that need no samples use the first. Exact
            posteriors, the exact sampler and early steps are for `GaussianMixtures` alone.
        with_early_steps: compare the first steps with exact conditionals, which takes a while.
        report: is called with the name of each part.

    Returns:
        Numbers, strings, lists and dicts of these only; non-finite numbers are None. Keys: ``posterior`` and
        ``early_steps`` (mixtures only), ``consistency`` and ``sdpp`` (networks of points only), ``free`` by
        subject and number of points (see `gfncp.evaluation.free_running.summarise_judged`), and ``seconds``
        of each.

    Raises:
        ValueError: early steps of data that are no mixtures.
    """
    first = next(iter(subjects.values()))
    parts: dict[str, Callable[[], Any]] = {}
    if isinstance(first, PointSubject):
        run = _Run(first, sizes, seed)
        mixture = isinstance(first.simulator, GaussianMixtures)
        if mixture:
            parts["posterior"] = run.posterior
        parts |= {"consistency": run.consistency, "sdpp": run.sdpp}
        if mixture and with_early_steps:
            parts["early_steps"] = run.early_steps
    if with_early_steps and "early_steps" not in parts:
        raise ValueError("early_steps=True: only Gaussian mixtures have exact conditionals")
    result: dict[str, Any] = {"seconds": {}}

    def timed(name: str, part: Callable[[], Any]) -> Any:
        report(name)
        start = time.perf_counter()
        found = plain(part())
        result["seconds"][name] = round(time.perf_counter() - start, 2)
        return found

    for name, part in parts.items():
        result[name] = timed(name.replace("_", " "), part)
    result["free"] = {
        name: {
            str(points): timed(f"{name}, N = {points}", lambda s=subject, n=points: free(s, n, sizes, seed))
            for points in sizes.free_points
        }
        for name, subject in subjects.items()
    }
    return result


def free(subject: Subject, points: int, sizes: Sizes, seed: int) -> dict[str, Any]:
    """Return calibration and quality of the posterior, running free on sets of one size."""
    generator = seeded(seed, SAMPLED, DIAGNOSIS_FREE, points)
    return summarise_judged(
        run_free(subject, points, sizes.free_sets, sizes.samples, seed, DIAGNOSIS_FREE, generator), generator
    )


@dataclass(frozen=True)
class _Run:
    subject: PointSubject
    sizes: Sizes
    seed: int

    def _draw(self, part: int, points: int, sets: int) -> tuple[Tensor, Tensor]:
        x, labels, *_ = draw_sets(self.subject.simulator, range(sets), points, self.seed, part)
        device = next(self.subject.model.parameters()).device
        return x.to(device), labels.to(device)

    def posterior(self) -> dict:
        """Return total variation and KL from the exact posterior."""
        result = {}
        for points, sets in self.sizes.posterior:
            x, _ = self._draw(DIAGNOSIS_POSTERIOR, points, sets)
            truth = exact.exact_posterior(x.cpu(), self.subject.simulator)
            generator = seeded(self.seed, SAMPLED, DIAGNOSIS_POSTERIOR, points)
            shuffled = torch.rand(self.sizes.averaged_orders, points, generator=generator).argsort(1)
            own = exact.model_posteriors(self.subject.model, x)
            averages = exact.order_averages(self.subject.model, x, shuffled)
            result[points] = {
                name: {
                    "total_variation": _mean(exact.total_variation(truth, table)),
                    "kl": _mean(exact.kl_divergence(truth, table)),
                }
                for name, table in (own._asdict() | averages._asdict()).items()
            }
        return result

    def consistency(self) -> dict:
        """Return MC (Eq. 24) as printed, in parts, and by the authors' public code, and the flow residual."""
        result = {}
        for points, sets in self.sizes.consistency:
            x, labels = self._draw(DIAGNOSIS_CONSISTENCY, points, sets)
            model = self.subject.model
            terms = consistency.mc_terms(model, x, labels)
            flow = consistency.flow_residual(model, x, labels)
            result[points] = {
                "mc_sum": _mean(terms.sum(1)),
                "mc_sum_median": terms.sum(1).quantile(0.5),
                "mc_per_step": _mean(terms.mean(1)),
                "mc_last_step": _mean(terms[:, -1]),
                "mc_other_steps": _mean(terms[:, :-1].sum(1)),
                "mc_public_code": _mean(consistency.public_code_mc(model, x, model.greedy(x)[0])),
                "flow": _mean(flow.total),
                "flow_per_step": _mean(flow.mean),
            }
        return result

    def sdpp(self) -> dict:
        """Return SDPP (Eq. 32) of each set."""
        result = {}
        for points, sets in self.sizes.sdpp:
            x, labels = self._draw(DIAGNOSIS_ORDERS, points, sets)
            generator = seeded(self.seed, SAMPLED, DIAGNOSIS_ORDERS, points)
            values = consistency.sdpp(
                self.subject.model, x, labels, orders=self.sizes.orders, generator=generator
            )
            result[points] = {"median": values.quantile(0.5), "mean": _mean(values), "values": values}
        return result

    def early_steps(self) -> dict:
        """Return the probability of a new cluster in the first steps, exact and by the network."""
        points, sets = self.sizes.early
        x, labels = self._draw(DIAGNOSIS_EARLY, points, sets)
        steps = min(points, early_steps.RANGES[-1][1]) - 1
        generator = seeded(self.seed, SAMPLED, DIAGNOSIS_EARLY, points)
        new = {
            "exact": early_steps.exact_new(
                x.cpu(), labels.cpu(), steps, self.subject.simulator, self.sizes.sweeps, generator
            ),
            "network": early_steps.network_new(self.subject.model, x, labels, steps).cpu(),
        }
        opened = early_steps.opens(labels.cpu(), steps)
        return {
            "points": points,
            "sets": sets,
            "ranges": {name: early_steps.errors_by_range(p, opened) for name, p in new.items()},
        }


def _mean(values: Tensor) -> Mean:
    return mean(values.double().cpu().numpy())
