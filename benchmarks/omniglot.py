"""Handwritten characters that were never seen: the checkpoint `omniglot` beside its peers.

    python benchmarks/omniglot.py --data FOLDER --record records/characters.json

FOLDER holds Omniglot's two archives (docs/data.md). With --network, methods of the tables are trained on the
checkpoint's embedding and measured, too, each in a folder of its own, so that the command goes on where it
was stopped.

- The checkpoint gets drawings. All others get the same embeddings of these, which were learned from drawings
  of background characters, without labels.
- Test sets are of evaluation characters: 100 or 300 points from a Chinese restaurant process with alpha = 1
  whose tables seat 20, since a character has 20 drawings; or all drawings of 5, 20 or 50 characters.
- Average linkage has one threshold for all sets. *Threshold from held-out labels* is the best one, by mean
  ARI, on sets of background characters that nothing was trained on; *best threshold* is the best one on the
  test sets themselves, an upper bound that no user can know.
- *general, on its embedding* is the default checkpoint, which has not seen the embedding; pixels of
  background characters were among its training sets.
- Points that HDBSCAN calls noise count as one cluster.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from jaxtyping import Float, Int
from rich.console import Console
from rich.table import Table
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score
from torch import nn

from gfncp import GFNCP
from gfncp.checkpoints import find, load, load_configuration
from gfncp.configuration import Configuration
from gfncp.estimators.references import HDBSCAN, KMeansTrueK
from gfncp.evaluation.evaluate import describe_device
from gfncp.evaluation.means import mean
from gfncp.evaluation.sets import draw_sets
from gfncp.evaluation.table_cells import with_error
from gfncp.files import write_text
from gfncp.metrics import agreements
from gfncp.networks.encoders import embedded
from gfncp.reproduction.declarations import read_declarations
from gfncp.seeds import CHARACTER_SETS, seeded
from gfncp.simulators import WholeClasses
from gfncp.training.run_state import iterations_done
from gfncp.training.train import train

ROOT = Path(__file__).parents[1]
DATASET = "omniglot"
POINTS, CHARACTERS = (100, 300), (5, 20, 50)
HEIGHTS = np.linspace(0.02, 1.0, 99)  # of cuts of a tree, as shares of the longest distance on the sphere
SAMPLES = 20
HELD_OUT_SETS = 20  # by which a threshold is chosen, of each size

Points = Float[np.ndarray, "points *shape"]
Labels = Int[np.ndarray, "points"]
Cluster = Callable[[Points, int, int], Labels]  # of points, the true K and a seed
Sets = Iterator[tuple[Points, Labels]]

console = Console(highlight=False)


def drawn(simulate: WholeClasses, points: int, sets: int, seed: int) -> Sets:
    """Yield sets from the simulator's prior."""
    for number in range(sets):
        x, labels = draw_sets(simulate, range(number, number + 1), points, seed)
        yield x[0].numpy(), labels[0].numpy()


def whole(simulate: WholeClasses, characters: int, sets: int, seed: int) -> Sets:
    """Yield sets of all drawings of some characters."""
    for number in range(sets):
        generator = seeded(seed, CHARACTER_SETS, characters, number)
        names = simulate.classes.unique()
        chosen = names[torch.randperm(len(names), generator=generator)[:characters]]
        rows = torch.isin(simulate.classes, chosen).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=generator)]
        _, labels = np.unique(simulate.classes[rows], return_inverse=True)
        yield simulate.points[rows].numpy(), labels


def protocols(simulate: WholeClasses, sets: int, seed: int) -> dict[str, Sets]:
    """Return the test sets by name."""
    return {f"{points} points": drawn(simulate, points, sets, seed) for points in POINTS} | {
        f"{characters} characters": whole(simulate, characters, sets, seed) for characters in CHARACTERS
    }


def trained(configuration: Configuration, folder: Path, data: Path) -> nn.Module:
    """Return a network, which is trained unless that is done."""
    if iterations_done(folder) < configuration.training.iterations:
        train(configuration, folder, data)
    if load_configuration(folder) != configuration:
        raise typer.BadParameter(f"--runs {folder.parent}: {folder} holds a run of another configuration")
    return load(folder)


def by_network(model: nn.Module) -> Cluster:
    def cluster(x: Points, k: int, seed: int) -> Labels:
        with torch.no_grad():
            return model.predict(torch.from_numpy(x)[None])[0].numpy()

    return cluster


def of_images(checkpoint: str) -> Cluster:
    """Cluster images by a checkpoint."""
    return lambda x, k, seed: GFNCP(checkpoint, n_samples=SAMPLES, random_state=seed).fit_predict(x)


def of_embedded(cluster: Cluster, encoder: nn.Module) -> Cluster:
    """Cluster the embeddings of images."""
    return lambda x, k, seed: cluster(embedded(encoder, torch.from_numpy(x)).numpy(), k, seed)


def by_default(x: Points, k: int, seed: int) -> Labels:
    """Cluster by the default checkpoint."""
    return GFNCP(n_samples=SAMPLES, random_state=seed).fit_predict(x.astype(float))


def without_noise(labels: Labels) -> Labels:
    """Return labels whose -1 is a cluster of its own."""
    return labels - labels.min()


def tree(x: Points) -> Float[np.ndarray, "merges 4"]:
    """Average linkage, of points on a sphere, in shares of its diameter."""
    return linkage(x / (2 * np.linalg.norm(x, axis=1, keepdims=True)), "average")


def best_height(sets: Iterable[tuple[Points, Labels]]) -> float:
    """Return the threshold that serves best, by mean ARI."""
    totals = np.zeros(len(HEIGHTS))
    for x, labels in sets:
        merges = tree(x)
        totals += [adjusted_rand_score(labels, fcluster(merges, height, "distance")) for height in HEIGHTS]
    return float(HEIGHTS[totals.argmax()])


def linkage_at(height: float) -> Cluster:
    return lambda x, k, seed: fcluster(tree(x), height, "distance") - 1


def measure(cluster: Cluster, sets: Sets, seed: int) -> dict[str, dict[str, float]]:
    """Return means over sets with their standard errors, and seconds for a set."""
    found, seconds = [], []
    for x, labels in sets:
        start = time.perf_counter()
        answer = cluster(x, int(labels.max()) + 1, seed)
        seconds.append(time.perf_counter() - start)
        agreement = agreements(torch.from_numpy(labels)[None], torch.from_numpy(answer).long()[None, None])
        clusters = len(np.unique(answer))
        near = abs(clusters - labels.max() - 1) <= 1
        found.append((agreement.nmi.item(), agreement.ari.item(), clusters, near))
    columns = dict(zip(("nmi", "ari", "clusters", "k_within_1"), np.array(found, float).T, strict=True))
    return {name: mean(values)._asdict() for name, values in columns.items()} | {
        "seconds": {"value": float(np.mean(seconds))}
    }


def show(record: dict) -> None:
    """Print a table of each protocol."""
    for protocol, rows in record["figures"].items():
        true = record["true_clusters"][protocol]
        found = f"K (true {true:.1f})", "K within 1"
        table = Table("method", "ARI", "NMI", *found, "ms per set", title=protocol)
        for method, of in rows.items():
            cells = (
                with_error(**of[name], digits=digits)
                for name, digits in (("ari", 3), ("nmi", 3), ("clusters", 1), ("k_within_1", 2))
            )
            table.add_row(method, *cells, f"{1000 * of['seconds']['value']:.0f}")
        console.print(table)


def main(
    data: Annotated[Path, typer.Option(help="Folder with Omniglot's two archives.")],
    runs: Annotated[Path, typer.Option(help="Folder of the networks' runs.")] = Path("runs/omniglot"),
    root: Annotated[Path, typer.Option(help="Where experiments/ lies.")] = ROOT,
    network: Annotated[
        list[str] | None, typer.Option(help="Method to train: gfncp-short, ncp-short, dac, ccp.")
    ] = None,
    sets: Annotated[int, typer.Option(min=2, help="Test sets of each kind.")] = 100,
    iterations: Annotated[int | None, typer.Option(min=1, help="Train all networks so long instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the test sets and of k-means.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Train what is not trained yet, measure, and print tables."""
    torch.set_num_threads(1)
    declarations = read_declarations(root / "experiments")
    configurations = {name: declarations.configuration(DATASET, name) for name in network or []}
    if iterations is not None:
        configurations = {name: each.with_iterations(iterations) for name, each in configurations.items()}
    models = {name: trained(each, runs / name, data) for name, each in configurations.items()}
    encoder, described = load(DATASET).encoder, load_configuration(find(DATASET)).data
    held_out = described.make_held_out_simulator(encoder, data)
    test = described.make_test_simulator(encoder, data)
    assert isinstance(held_out, WholeClasses) and isinstance(test, WholeClasses)

    def every(simulate: WholeClasses, count: int) -> Iterator[tuple[Points, Labels]]:
        for each in protocols(simulate, count, seed).values():
            for x, labels in each:
                yield embedded(encoder, torch.from_numpy(x)).numpy(), labels

    thresholds = {
        "average linkage, threshold from held-out labels": best_height(every(held_out, HELD_OUT_SETS)),
        "average linkage, best threshold": best_height(every(test, sets)),
    }
    on_embedding: dict[str, Cluster] = {
        declarations.methods[name].title: by_network(model) for name, model in models.items()
    }
    on_embedding |= {
        "`general`, on its embedding": by_default,
        "HDBSCAN": lambda x, k, seed: without_noise(HDBSCAN(copy=True).fit_predict(x)),
        **{name: linkage_at(height) for name, height in thresholds.items()},
        "k-means, told K": lambda x, k, seed: KMeansTrueK(k, random_state=seed).fit_predict(x),
    }
    methods = {f"`{DATASET}`": of_images(DATASET)} | {
        name: of_embedded(cluster, encoder) for name, cluster in on_embedding.items()
    }
    figures: dict[str, dict] = {name: {} for name in protocols(test, sets, seed)}
    for method, cluster in methods.items():
        for protocol, each in protocols(test, sets, seed).items():
            with console.status(f"{method}: {protocol}"):
                figures[protocol][method] = measure(cluster, each, seed)
    result = {
        "kind": DATASET,
        "sets": sets,
        "seed": seed,
        "true_clusters": {
            protocol: float(np.mean([labels.max() + 1 for _, labels in each]))
            for protocol, each in protocols(test, sets, seed).items()
        },
        "thresholds": thresholds,
        "figures": figures,
        "configurations": {name: each.model_dump(mode="json") for name, each in configurations.items()},
        "device": describe_device(torch.device("cpu")),
        "torch": torch.__version__,
    }
    show(result)
    if record is not None:
        write_text(record, json.dumps(result, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
