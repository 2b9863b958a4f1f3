"""Can the probabilities be believed on real data? Forecasts that two points share a cluster, by class.

    python benchmarks/forecasts.py general --data FOLDER --record records/forecasts.json

The sets are those of some classes of well-known data (`real_subsets.py`). A forecast is a probability that
two random points of a set are of one class. The checkpoints give the share of their samples in which these
share a cluster; a Gaussian mixture (BIC), the probability of one component, on the first 20 principal
components; HDBSCAN and `labels_`, only 0 and 1. Classes are no samples of any of these models: they may be
several clusters, or parts of one.

- Score: mean square of forecast less outcome (Brier score). "Base rate": the share of the set's pairs that
  are of one class as the forecast of each, which takes the classes to know.
- Error: expected calibration error in 10 bins over all pairs, with its standard error.
- "K within 90%": sets of which the number of classes lies between the quantiles .05 and .95 of the samples'
  number of clusters.
"""

import json
import warnings
from collections import ChainMap, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from jaxtyping import Bool, Float, Int
from machine import describe_checkpoint, describe_machine
from real_subsets import subsets
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table
from sklearn.decomposition import PCA

from gfncp import GFNCP
from gfncp.estimators.references import HDBSCAN, GaussianMixtureBIC
from gfncp.evaluation.forecasts_table import HEADS
from gfncp.evaluation.means import Mean, mean
from gfncp.evaluation.pair_forecasts import outcome_figures, random_pairs
from gfncp.evaluation.table_cells import with_error
from gfncp.files import write_text
from gfncp.seeds import seeded

PAIRS = 2000  # of each set
COMPONENTS = 20  # of a mixture's points
MOST_CLUSTERS = 30  # of a mixture
SAMPLES = 100
STREAM = 43

Points = Float[np.ndarray, "points dim"]
Ends = Int[np.ndarray, "pairs"]
Forecast = Callable[[Ends, Ends], Float[np.ndarray, "pairs"]]  # of a fitted model, for pairs of points

console = Console(highlight=False)


class Method(NamedTuple):
    """A method's forecasts, and the numbers of clusters that it holds for possible."""

    forecast: Forecast
    clusters: Int[np.ndarray, "samples"]


def ours(checkpoint: str, x: Points) -> dict[str, Method]:
    """Return forecasts of the samples of a checkpoint, and of its clustering."""
    model = GFNCP(checkpoint, n_samples=SAMPLES, random_state=0).fit(x)
    posterior = model.posterior_

    def of_samples(a: Ends, b: Ends) -> Float[np.ndarray, "pairs"]:
        return posterior.weights @ (posterior.labels[:, a] == posterior.labels[:, b])

    clusters = np.repeat(posterior.labels.max(1) + 1, posterior.counts)
    return {checkpoint: Method(of_samples, clusters), f"{checkpoint}, labels_": of_labels(model.labels_)}


def of_labels(labels: Int[np.ndarray, "points"]) -> Method:
    """Return forecasts of a clustering; a point with label -1 is alone."""
    clusters = np.array([labels.max() + 1])
    return Method(lambda a, b: ((labels[a] == labels[b]) & (labels[a] >= 0)).astype(float), clusters)


def peers(x: Points) -> dict[str, Method]:
    """Return forecasts of a Gaussian mixture and of HDBSCAN."""
    spread = x.std(0)
    seen = (x - x.mean(0)) / np.where(spread > 0, spread, 1)
    seen = PCA(min(COMPONENTS, *seen.shape), random_state=0).fit_transform(seen)
    mixture = GaussianMixtureBIC(1, min(MOST_CLUSTERS, len(x)), 1, 0).fit(seen).mixture_
    shares = mixture.predict_proba(seen)
    return {
        "GMM + BIC": Method(lambda a, b: (shares[a] * shares[b]).sum(1), np.array([mixture.n_components])),
        "HDBSCAN": of_labels(HDBSCAN(copy=True).fit_predict(seen)),
    }


def score(probability: Float[np.ndarray, "sets pairs"], same: Bool[np.ndarray, "sets pairs"]) -> Mean:
    """Return the Brier score of forecasts."""
    return mean(((probability - same) ** 2).mean(1))


def calibration_error(
    probability: Float[np.ndarray, "sets pairs"], same: Bool[np.ndarray, "sets pairs"]
) -> Mean:
    """Return the expected calibration error of forecasts; of sums of shares, those above 1 count as 1."""
    found = outcome_figures(torch.tensor(probability).clamp(0, 1), torch.tensor(same), seeded(STREAM))
    return Mean(found["error"], found["standard_error"])


def main(
    checkpoints: Annotated[list[str], typer.Argument(help="Names or folders.")],
    data: Annotated[Path, typer.Option(help="Folder of the real sets.")],
    record: Annotated[Path | None, typer.Option(help="JSON file of the figures.")] = None,
) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", UserWarning)  # remarks on the sets, 70 times
    outcomes, forecasts, inside = [], defaultdict(list), defaultdict(list)
    for number, case in enumerate(track(list(subsets(data, 1)), console=Console(stderr=True))):
        x, classes = case.real.x, case.real.references[0]
        a, b = (ends[0].numpy() for ends in random_pairs(1, len(classes), PAIRS, seeded(STREAM, number)))
        outcomes.append(classes[a] == classes[b])
        found = [*(ours(each, x) for each in checkpoints), peers(x)]
        for name, method in ChainMap(*found).items():
            low, high = np.quantile(method.clusters, [0.05, 0.95])
            forecasts[name].append(method.forecast(a, b))
            inside[name].append(float(low <= len(np.unique(classes)) <= high))
    same = np.stack(outcomes)
    base = np.broadcast_to(same.mean(1, keepdims=True), same.shape)
    rows = {"base rate": {"score": score(base, same)}}
    for name, values in forecasts.items():
        figures = score(np.stack(values), same), calibration_error(np.stack(values), same)
        rows[name] = dict(zip(HEADS, (*figures, mean(np.array(inside[name]))), strict=True))
    table = Table("forecasts by", *(Column(head, justify="right") for head in HEADS))
    for name, row in rows.items():
        table.add_row(name, *(with_error(*row[head]) for head in HEADS if head in row))
    console.print(f"{len(same)} sets of real classes, {PAIRS} pairs of each", table)
    if record:
        found = {name: {head: each._asdict() for head, each in row.items()} for name, row in rows.items()}
        setting = {"sets": len(same), "pairs": PAIRS, "samples": SAMPLES, "seed": 0, **describe_machine()}
        setting["checkpoints"] = [describe_checkpoint(each) for each in checkpoints]
        write_text(record, json.dumps({"kind": "forecasts", "methods": found, **setting}, indent=1))


if __name__ == "__main__":
    typer.run(main)
