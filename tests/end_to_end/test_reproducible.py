"""The same seed gives the same result to the bit, whatever happened before, here and in any other process."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gfncp import GFNCP, simulators
from gfncp.checkpoints import load, save
from gfncp.cli import main
from gfncp.configuration import parse
from gfncp.data.splits import choose_classes
from gfncp.decoding.orders import random_orders
from gfncp.decoding.orders import sample as sample_over_orders
from gfncp.decoding.refine import refine
from gfncp.estimators.registry import METHODS
from gfncp.evaluation.answers import PointSubject
from gfncp.evaluation.diagnose import Sizes, diagnose
from gfncp.evaluation.evaluate import evaluate
from gfncp.objectives.algorithm_1 import GFNCPLoss
from gfncp.objectives.batch import Batch, draw_steps
from gfncp.objectives.two_orders import TwoOrdersLoss as Default
from gfncp.partitions import sample_crp
from gfncp.seeds import seeded
from gfncp.training.pretraining import pretrain

ROWS = np.random.default_rng(0).normal(scale=8.0, size=(14, 2))
POINTS = torch.from_numpy(ROWS)[None].float()
VECTORS = torch.from_numpy(np.random.default_rng(1).normal(size=(60, 5))).float()
IMAGES = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (40, 28, 28), dtype=np.uint8))
LABELS = torch.tensor([[0, 0, 1, 0, 1, 2, 2, 0, 1, 3, 3, 2, 0, 1]])
SIZES = Sizes(((4, 2),), 2, ((6, 2),), ((6, 2),), 4, (5,), 12, 9, (6, 2), 2)
SAMPLERS = ("Collapsed Gibbs", "Split-merge")


def checkpoint(folder: Path, network: dict, objective: str = "ncp") -> Path:
    """A small one of any kind of network, with random weights."""
    values = {
        "encoder": {
            "kind": "scaled-vectors" if network.get("kind") == "online-energy" else "vectors",
            "dim": 2,
        },
        "network": network,
        "data": {"kind": "gaussian-mixtures", "n_clusters": network.get("n_components", (1, 3))},
        "objective": {"name": objective},
    }
    described = parse(values, "test")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = described.build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 2
    save(model, described, folder)
    return folder


def usual(folder: Path) -> Path:
    return checkpoint(folder / "usual", {"depth": 2, "width": 16})


def estimator(folder: Path, seed: int, **parameters: object) -> GFNCP:
    return GFNCP(usual(folder), n_samples=20, random_state=seed, **parameters)


def fitted(model: GFNCP) -> list:
    posterior = model.posterior_
    return [model.labels_, model.probabilities_, posterior.labels, posterior.log_prob, posterior.counts]


def stream(folder: Path, seed: int) -> list:
    online = checkpoint(folder / "online", {"kind": "online-energy", "depth": 2, "width": 16})
    return fitted(GFNCP(online, 20, random_state=seed).partial_fit(ROWS[:6]).partial_fit(ROWS[6:]))


def new_points(folder: Path, seed: int) -> list:
    model = estimator(folder, seed, n_orders=2).fit(ROWS)
    return [
        model.predict_proba(ROWS + 1),
        model.score(ROWS, model.labels_),
        model.log_prob(ROWS, model.labels_),
    ]


def point_estimates(folder: Path, seed: int) -> list:
    posterior = estimator(folder, seed).fit(ROWS).posterior_
    frames = [posterior.to_frame().to_csv(), posterior.top().to_csv(), posterior.summary()]
    return [posterior.binder_estimate(), posterior.vi_estimate(), posterior.coclustering(), *frames]


def objective(kind: Callable) -> Callable:
    def run(folder: Path, seed: int) -> list:
        return list(kind()(load(usual(folder)), Batch(POINTS, LABELS), seeded(seed)).values())

    return run


def simulator(make: Callable) -> Callable:
    return lambda folder, seed: list(make()(3, 9, seeded(seed)))


def clustered_by(name: str) -> Callable:
    def run(folder: Path, seed: int) -> list:
        options = {"random_state": seed} | ({"n_sweeps": 20, "n_warmup": 5} if name in SAMPLERS else {})
        model = METHODS[name](**{key: value for key, value in options.items() if key in parameters_of(name)})
        return [model.fit_predict(ROWS)]

    return run


def parameters_of(name: str) -> set[str]:
    return set(METHODS[name]().get_params())


def trained_clusterer(name: str, network: dict) -> Callable:
    def run(folder: Path, seed: int) -> list:
        return [
            METHODS[name](checkpoint(folder / network["kind"], network, network["kind"])).fit_predict(ROWS)
        ]

    return run


def pretrained(folder: Path, seed: int) -> list:
    from gfncp.networks.image_embeddings import ImageEmbedding

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = ImageEmbedding(4, (2, 2, 2))
    options = {"iterations": 2, "batch": 8, "temperature": 0.2, "learning_rate": 1e-3, "seed": seed}
    options |= {"rounds": 1, "round_iterations": 2, "reach": 0.1, "alike": 0.3, "strength": 1.0}
    pretrain(embedding, IMAGES, **options, report=lambda iteration, loss: None)
    return list(embedding.state_dict().values())


def measured(folder: Path, seed: int) -> list:
    found = evaluate(str(usual(folder)), 3, 12, seed, None, False)
    return [
        json.dumps(
            {name: value for name, value in found.items() if "seconds" not in name and "ms" not in name}
        )
    ]


def diagnosed(folder: Path, seed: int) -> list:
    subject = PointSubject(load(usual(folder)), simulators.GaussianMixtures())
    found = diagnose({"simulated sets": subject}, SIZES, seed, with_early_steps=True)
    del found["seconds"], found["free"]["simulated sets"]["5"]["seconds"]
    return [json.dumps(found)]


def command(folder: Path, seed: int) -> list:
    np.savetxt(folder / "points.csv", ROWS, delimiter=",", header="a,b", comments="")
    options = {"--checkpoint": usual(folder), "--output": folder / "found", "--samples": 20, "--seed": seed}
    words = [str(word) for option in options.items() for word in option]
    assert main(["cluster", str(folder / "points.csv"), "--no-pictures", *words]) == 0
    with np.load(folder / "found" / "posterior.npz", allow_pickle=False) as held:
        return [(folder / "found" / "labels.csv").read_text(), *(held[name] for name in sorted(held.files))]


FUNCTIONS: dict[str, Callable[[Path, int], list]] = {
    "GFNCP.fit": lambda folder, seed: fitted(estimator(folder, seed).fit(ROWS)),
    "GFNCP.fit, several orders and bounds": lambda folder, seed: fitted(
        estimator(folder, seed, n_orders=3, n_clusters=(2, 5)).fit(ROWS)
    ),
    "GFNCP.fit_sets": lambda folder, seed: [
        value
        for each in estimator(folder, seed).fit_sets([ROWS, ROWS[:5], ROWS[3:]])
        for value in fitted(each)
    ],
    "GFNCP.partial_fit": stream,
    "GFNCP.predict_proba, score, log_prob": new_points,
    "Posterior": point_estimates,
    "Model.sample": lambda folder, seed: list(load(usual(folder)).sample(POINTS, 20, seeded(seed))),
    "Model.greedy, beam": lambda folder, seed: [
        *load(usual(folder)).greedy(POINTS),
        *load(usual(folder)).beam(POINTS, 4),
    ],
    "orders.sample": lambda folder, seed: list(
        sample_over_orders(
            (network := load(usual(folder))),
            network.encode(POINTS),
            20,
            random_orders(3, 14, seeded(seed)),
            seeded(seed),
        )
    ),
    "refine": lambda folder, seed: [refine(load(usual(folder)), POINTS, LABELS, 3, seeded(seed))],
    "sample_crp": lambda folder, seed: [sample_crp(4, 9, 1.0, generator=seeded(seed), n_clusters=(2, 4))],
    "draw_steps": lambda folder, seed: [draw_steps(3, 20, 5, seeded(seed))],
    "choose_classes": lambda folder, seed: choose_classes(list("abcdefgh"), 4, seeded(seed)),
    "objective gfncp": objective(Default),
    "objective gfncp-paper": objective(lambda: GFNCPLoss(beta=0.5)),
    "GaussianMixtures": simulator(lambda: simulators.GaussianMixtures()),
    "GeneralMixtures": simulator(lambda: simulators.GeneralMixtures()),
    "AugmentedEmbeddings": simulator(lambda: simulators.AugmentedEmbeddings(VECTORS)),
    "NeighbourEmbeddings": simulator(lambda: simulators.NeighbourEmbeddings(VECTORS[None])),
    "WholeClasses": simulator(lambda: simulators.WholeClasses(VECTORS, torch.arange(60) % 4, 1.0)),
    "AugmentedImages": simulator(lambda: simulators.AugmentedImages(IMAGES)),
    "pretrain": pretrained,
    "evaluate": measured,
    "diagnose": diagnosed,
    "CCP": trained_clusterer("CCP", {"kind": "ccp", "depth": 2, "width": 8, "latent": 4}),
    "DAC": trained_clusterer("DAC", {"kind": "dac", "hidden": 8, "inducing": 2, "heads": 2, "blocks": 1}),
    "Set Transformer": trained_clusterer(
        "Set Transformer",
        {"kind": "set-transformer", "hidden": 8, "inducing": 2, "heads": 2, "n_components": 3},
    ),
    "gfncp cluster": command,
} | {name: clustered_by(name) for name in METHODS if name not in ("CCP", "DAC", "Set Transformer")}
DRAWN = [  # what depends on the seed, always
    *("GFNCP.fit", "GFNCP.fit_sets", "GFNCP.partial_fit", "Model.sample", "orders.sample", "sample_crp"),
    *("draw_steps", "choose_classes", "GaussianMixtures", "GeneralMixtures", "AugmentedEmbeddings"),
    *("NeighbourEmbeddings", "WholeClasses", "AugmentedImages", "pretrain", "evaluate", "diagnose"),
    *("objective gfncp-paper", "gfncp cluster"),
]
ELSEWHERE = ["GFNCP.fit", "Posterior", "GeneralMixtures", "Collapsed Gibbs"]


def digest(name: str, folder: Path, seed: int) -> str:
    found = FUNCTIONS[name](folder, seed)
    content = hashlib.sha256()
    for value in found:
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        content.update(
            np.ascontiguousarray(value).tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
        )
    return content.hexdigest()


def disturb(seed: int) -> None:
    """Leave all global random states elsewhere."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_seed_decides(name, tmp_path):
    disturb(1)
    first = digest(name, tmp_path, 0)
    disturb(2)
    assert digest(name, tmp_path, 0) == first
    if name in DRAWN:
        assert digest(name, tmp_path, 1) != first


def test_another_process_finds_the_same(tmp_path):
    """In which sets and dictionaries of text have another order, and memory has other addresses."""
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {name: digest(name, tmp_path / "here", 0) for name in ELSEWHERE}


if __name__ == "__main__":
    disturb(random.SystemRandom().randrange(2**32))
    print(json.dumps({name: digest(name, Path(sys.argv[1]), 0) for name in ELSEWHERE}))
