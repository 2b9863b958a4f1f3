"""Is a model's posterior right? All yardsticks at once, on fresh sets from a simulator."""

import math
import time
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gfncp.checkpoints import seeded
from gfncp.energy import EnergyNetwork
from gfncp.evaluation import calibration, consistency, exact
from gfncp.evaluation.gibbs import best_state, gibbs
from gfncp.evaluation.metrics import scores
from gfncp.partitions import cluster_bounds, crp_n_clusters, n_clusters
from gfncp.simulators import GaussianMixtures

STREAM = 2**31 + 2  # apart from training's, validation's and testing's
POSTERIOR, CONSISTENCY, ORDERS, CALIBRATION, QUALITY = range(5)  # each part has its own sets


@dataclass(frozen=True)
class Sizes:
    """How much to compute; pairs are (points per set, number of sets)."""

    posterior: tuple[tuple[int, int], ...] = ((6, 200), (8, 20))
    averaged_orders: int = 8
    consistency: tuple[tuple[int, int], ...] = ((20, 50), (80, 50), (300, 50))
    sdpp: tuple[tuple[int, int], ...] = ((20, 50), (80, 16))
    orders: int = 500
    calibration: tuple[int, int] = (20, 1000)
    samples: int = 99
    quality: tuple[tuple[int, int], ...] = ((80, 100), (300, 40))
    sweeps: int = 20
    chains: int = 4

    def with_sets(self, sets: int) -> "Sizes":
        """``sets`` sets for calibration, and all other numbers of sets in proportion."""
        points, now = self.calibration

        def scaled(pairs):
            return tuple((n, math.ceil(count * sets / now)) for n, count in pairs)

        return replace(
            self,
            posterior=scaled(self.posterior),
            consistency=scaled(self.consistency),
            sdpp=scaled(self.sdpp),
            calibration=(points, sets),
            quality=scaled(self.quality),
        )


FULL = Sizes()
QUICK = Sizes(
    posterior=((6, 50),),
    averaged_orders=4,
    consistency=((20, 20), (80, 20)),
    sdpp=((20, 10),),
    orders=100,
    calibration=(20, 200),
    samples=49,
    quality=((80, 20),),
    sweeps=10,
    chains=2,
)


def diagnose(model: nn.Module, simulator: Any, sizes: Sizes = FULL, seed: int = 0) -> dict[str, Any]:
    """Distances from the exact posterior, consistency, calibration and quality of a model.

    Args:
        simulator: what yields sets and labels, with attributes ``alpha`` and ``n_clusters``. Exact posteriors
            and the exact sampler are compared with for `GaussianMixtures` alone.

    Returns:
        Numbers, strings, lists and dicts of these only; non-finite numbers are None. Keys: ``posterior``
        (mixtures only), ``consistency``, ``sdpp``, ``calibration``, ``quality``, and ``seconds`` of each.

    Raises:
        ValueError: ``model`` is not an energy network, or ``simulator`` has no CRP prior.
    """
    if not isinstance(model, EnergyNetwork):
        raise ValueError(f"model is a {type(model).__name__}: accepted is an energy network")
    if not hasattr(simulator, "alpha"):
        raise ValueError(
            f"simulator is {type(simulator).__name__}: accepted are those with a CRP prior over partitions; "
            "benchmarks/calibration.py diagnoses checkpoints of coresets"
        )
    run = _Run(model, simulator, sizes, seed)
    parts = {
        "consistency": run.consistency,
        "sdpp": run.sdpp,
        "calibration": run.calibration,
        "quality": run.quality,
    }
    if isinstance(simulator, GaussianMixtures):
        parts = {"posterior": run.posterior} | parts
    result: dict[str, Any] = {"seconds": {}}
    for name, part in parts.items():
        start = time.perf_counter()
        result[name] = _plain(part())
        result["seconds"][name] = round(time.perf_counter() - start, 2)
    return result


@dataclass(frozen=True)
class _Run:
    model: EnergyNetwork
    simulator: Any
    sizes: Sizes
    seed: int

    def _stream(self, *path: int) -> torch.Generator:
        return seeded(self.seed, STREAM, *path)

    def _draw(self, part: int, points: int, sets: int) -> tuple[Tensor, Tensor]:
        return self.simulator(sets, points, self._stream(part, points))

    def _here(self, tensor: Tensor) -> Tensor:
        return tensor.to(next(self.model.parameters()).device)

    def posterior(self) -> dict:
        """Total variation and KL from the exact posterior."""
        result = {}
        for points, sets in self.sizes.posterior:
            x, _ = self._draw(POSTERIOR, points, sets)
            truth = exact.exact_posterior(x, self.simulator)
            shuffled = torch.rand(
                self.sizes.averaged_orders, points, generator=self._stream(POSTERIOR, points, 1)
            )
            own = exact.model_posteriors(self.model, self._here(x))
            averages = exact.order_averages(self.model, self._here(x), shuffled.argsort(1))
            result[str(points)] = {
                name: {
                    "total_variation": exact.total_variation(truth, table).mean(),
                    "kl": exact.kl_divergence(truth, table).mean(),
                }
                for name, table in (own._asdict() | averages._asdict()).items()
            }
        return result

    def consistency(self) -> dict:
        """MC (Eq. 24) and the unshifted flow residual, averaged over sets."""
        result = {}
        for points, sets in self.sizes.consistency:
            batch = [self._here(part) for part in self._draw(CONSISTENCY, points, sets)]
            flow = consistency.flow_residual(self.model, *batch)
            result[str(points)] = {
                "mc": consistency.marginal_consistency(self.model, *batch).mean(),
                "flow": flow.total.mean(),
                "flow_per_step": flow.mean.mean(),
            }
        return result

    def sdpp(self) -> dict:
        """SDPP (Eq. 32) of each set."""
        result = {}
        for points, sets in self.sizes.sdpp:
            batch = [self._here(part) for part in self._draw(ORDERS, points, sets)]
            generator = self._stream(ORDERS, points, 1)
            values = consistency.sdpp(self.model, *batch, orders=self.sizes.orders, generator=generator)
            result[str(points)] = {"median": values.quantile(0.5), "mean": values.mean(), "values": values}
        return result

    def calibration(self) -> dict:
        """Pairs, ranks and the number of clusters of samples, against the truth of simulated sets."""
        points, sets = self.sizes.calibration
        draws = self.sizes.samples
        x, labels = self._draw(CALIBRATION, points, sets)
        generator = self._stream(CALIBRATION, points, 1)
        samples = self.model.sample(self._here(x), draws, generator)[0].cpu()
        result = {"points": points, "pairs": {"model": _curve(samples, labels)}}
        if isinstance(self.simulator, GaussianMixtures):
            # The first half of the exact sampler's states is not yet from the posterior.
            states = gibbs(x, **self._prior(points), sweeps=2 * draws, generator=generator)
            result["pairs"]["exact sampler"] = _curve(states[draws:].transpose(0, 1), labels)
        result["ranks"] = {
            name: calibration.uniformity(
                calibration.ranks(statistic(samples), statistic(labels), generator), draws
            )
            for name, statistic in calibration.STATISTICS.items()
        }
        prior = crp_n_clusters(points, self.simulator.alpha, self.simulator.n_clusters)
        result["clusters"] = calibration.prior_match(n_clusters(samples), prior)
        return result

    def quality(self) -> dict:
        """NMI of the greedy clustering, and of the exact sampler's most probable state."""
        result = {}
        for points, sets in self.sizes.quality:
            x, labels = self._draw(QUALITY, points, sets)
            found = {"greedy": scores(labels, self.model.predict(self._here(x)).cpu())}
            if isinstance(self.simulator, GaussianMixtures):
                best = best_state(
                    x,
                    **self._prior(points),
                    sweeps=self.sizes.sweeps,
                    chains=self.sizes.chains,
                    generator=self._stream(QUALITY, points, 1),
                )
                found["exact"] = scores(labels, best)
                found["nmi_of_exact"] = found["greedy"]["nmi"] / found["exact"]["nmi"]
            result[str(points)] = found
        return result

    def _prior(self, points: int) -> dict[str, float]:
        least, most = cluster_bounds(self.simulator.n_clusters, points)
        return {
            "alpha": self.simulator.alpha,
            "spread": self.simulator.spread,
            "least": least,
            "most": most,
        }


def _curve(samples: Tensor, labels: Tensor) -> dict:
    curve = calibration.reliability(*calibration.pairs(samples, labels))
    return asdict(curve) | {"expected_calibration_error": curve.expected_calibration_error}


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if is_dataclass(value):
        return _plain(asdict(value))
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
