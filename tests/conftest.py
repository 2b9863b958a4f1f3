"""What several tests share. Shapes and types in the package's signatures are checked while tests run."""

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import jaxtyping
import numpy as np
import pytest
import torch
from matplotlib import image

PACKAGE = Path(__file__).parents[1] / "src" / "gfncp"
# Samplers, in mixtures, pass NumPy scalars for 0-d arrays; typer, in cli, another context than it declares.
UNCHECKED = {"__init__", "__pycache__", "pretrained", "mixtures", "cli"}
CHECKED = [f"gfncp.{path.stem}" for path in PACKAGE.iterdir() if path.stem not in UNCHECKED]
jaxtyping.install_import_hook(CHECKED, "beartype.beartype")

from gfncp import checkpoints, configuration  # noqa: E402
from gfncp.configuration.image_data import ImageSets, OwnImages  # noqa: E402
from gfncp.configuration.simulated_data import SimulatedData  # noqa: E402
from gfncp.coresets.components import COORDINATES  # noqa: E402
from gfncp.data.image_sets import LabelledImages  # noqa: E402
from gfncp.decoding.model import InteractingModel, Model, PairwiseModel  # noqa: E402
from gfncp.estimators.coreset_inference import CoresetInference  # noqa: E402
from gfncp.networks.attention import ContextEncoder  # noqa: E402
from gfncp.networks.encoders import AnyVectorEncoder, ImageEncoder, ScaledVectorEncoder, VectorEncoder  # noqa: E402
from gfncp.networks.energy import Encoding  # noqa: E402
from gfncp.networks.interacting import InteractingEnergyNetwork  # noqa: E402
from gfncp.networks.layers import Gated  # noqa: E402
from gfncp.networks.pairwise import PROJECTIONS, SIZE, PairwiseEnergyNetwork  # noqa: E402
from gfncp.simulators import GaussianMixtures  # noqa: E402

DATA = os.environ.get("GFNCP_DATA")  # a folder with one of each data set that is too large for the repository
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ANY_WIDTH = 3  # of points for a network that takes any

# Each kind of energy network once, small. Whatever holds for one must hold for all.
NETWORKS: dict[str, Callable[[], Model]] = {
    "vectors": lambda: Model(VectorEncoder(2, scale=3.0), depth=2, width=16, cluster_width=24),
    "deep": lambda: Model(VectorEncoder(3), depth=4, width=12, cluster_width=10),
    "images": lambda: Model(ImageEncoder(12), depth=2, width=12, cluster_width=20),
    "gated": lambda: Model(VectorEncoder(2), depth=3, width=12, cluster_width=16, body=Gated),
    "interacting": lambda: InteractingModel(
        VectorEncoder(2), depth=3, width=12, cluster_width=16, body=Gated
    ),
    "context": lambda: InteractingModel(
        ContextEncoder(VectorEncoder(2), width=8, heads=2, blocks=1), depth=3, width=12, cluster_width=16
    ),
    "local": lambda: Model(
        ContextEncoder(VectorEncoder(2), width=8, heads=2, blocks=2, local_heads=1),
        depth=3,
        width=12,
        cluster_width=16,
        body=Gated,
        cluster_depth=6,
        energy_depth=3,
    ),
    "pairwise": lambda: PairwiseModel(VectorEncoder(2), depth=3, width=12, cluster_width=16, body=Gated),
    "any width": lambda: Model(AnyVectorEncoder(), depth=2, width=12, cluster_width=16),
}


def naive_energies(network: Model, x: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
    """Energies of all options of each step of one set without padding, one at a time (Eq. 12-15)."""
    h, u, g, f = network.h, network.u, network.g, network.f
    points = len(x)
    features = network.encoder(x[None], torch.ones(1, points, dtype=torch.bool))[0]
    steps = []
    for n in range(points):
        clusters = [features[:n][labels[:n] == k] for k in range(int(labels[:n].max()) + 1 if n else 0)]
        unassigned = u(features[n + 1 :]).sum(0)
        options = []
        for k in range(len(clusters) + 1):
            joined = [*clusters, features[:0]]
            joined[k] = torch.cat([joined[k], features[n : n + 1]])
            pooled = torch.stack([h(members).sum(0) for members in joined if len(members)])
            if isinstance(network, InteractingEnergyNetwork):
                pooled = torch.cat([pooled, unassigned.expand(len(pooled), -1)], 1)
            hidden = g.first(pooled)
            if isinstance(network, PairwiseEnergyNetwork):
                alike = [naive_pairs(network, members) for members in joined if len(members)]
                hidden = hidden + torch.stack(alike) @ network.reads_pairs.weight.T
            options.append(f(torch.cat([g.last(g.body(hidden)).sum(0), unassigned])))
        steps.append(torch.cat(options))
    return steps


def naive_pairs(network: Model, members: torch.Tensor) -> torch.Tensor:
    """Sums over the pairs of a cluster's members, one pair at a time."""
    phi = network.phi(members).view(len(members), PROJECTIONS, SIZE)
    total, count = members.new_zeros(PROJECTIONS), 0
    for i in range(len(members)):
        for j in range(i):
            total, count = total + (phi[i] * phi[j]).sum(1), count + 1
    return torch.cat([torch.asinh(total), total / max(1, count)])


def random_network(kind: str, seed: int) -> Model:
    """In float64, with weights that keep the variance through ReLUs, so that energies differ clearly."""
    torch.manual_seed(seed)
    made = NETWORKS[kind]().double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter *= 6**0.5  # from PyTorch's initial weights to those of He et al. (2015)
    return made


@pytest.fixture(params=NETWORKS)
def network(request) -> Model:
    """A network of each kind."""
    return random_network(request.param, seed=0)


@pytest.fixture
def vectors() -> Model:
    """The smallest network, for laws that do not depend on the kind."""
    return random_network("vectors", seed=1)


@pytest.fixture
def draw_points() -> Callable[..., torch.Tensor]:
    """Points ``(sets, points, *shape)`` that a network accepts, in float64."""

    def draw(network: Model, sets: int, points: int, seed: int = 0) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        if len(network.encoder.point_shape) == 1:
            shape = (sets, points, network.encoder.point_shape[0] or ANY_WIDTH)
            return 4 * torch.randn(shape, generator=generator, dtype=torch.float64)
        coarse = torch.rand(sets, points, 4, 4, generator=generator, dtype=torch.float64)
        return coarse.repeat_interleave(7, 2).repeat_interleave(7, 3)

    return draw


@pytest.fixture(name="naive_pairs")
def _naive_pairs() -> Callable[[Model, torch.Tensor], torch.Tensor]:
    return naive_pairs


@pytest.fixture
def naive() -> Callable[..., list[torch.Tensor]]:
    return naive_energies


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def data_folder() -> Callable[[str], Path]:
    """The folder of a data set that is too large for the repository."""

    def folder(name: str) -> Path:
        if DATA is None:
            pytest.skip(f"needs the folder {name} in the one that the environment variable GFNCP_DATA names")
        if not Path(DATA, name).is_dir():
            pytest.skip(f"needs the folder {name} in GFNCP_DATA={DATA}")
        return Path(DATA, name)

    return folder


@pytest.fixture
def import_benchmark(monkeypatch) -> Callable[[str], ModuleType]:
    """Import a program of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def pixels() -> Callable[[Path], np.ndarray]:
    """Decode a PNG, which must be whole and show something."""

    def decode(path: Path) -> np.ndarray:
        found = image.imread(path)
        assert len(np.unique(found.reshape(-1, found.shape[-1]), axis=0)) > 2
        return found

    return decode


@pytest.fixture
def make_checkpoint(tmp_path) -> Callable[..., Path]:
    """A checkpoint folder with small random weights; keywords replace sections of the configuration."""

    def make(**sections: dict) -> Path:
        values = {
            "encoder": {"kind": "vectors", "dim": 2, "scale": 10.0},
            "network": {"depth": 2, "width": 16},
            "data": {"kind": "gaussian-mixtures"},
            "objective": {"name": "ncp"},
        } | sections
        described = configuration.parse(values, "test")
        torch.manual_seed(0)
        folder = tmp_path / f"checkpoint-{len(list(tmp_path.glob('checkpoint-*')))}"
        checkpoints.save(described.build(), described, folder)
        return folder

    return make


@pytest.fixture
def small_validation() -> Iterator[None]:
    """Validate on sets of 10 points, for tests of training that do not depend on their size."""
    with pytest.MonkeyPatch.context() as patch:  # apart from the test's own patches, which it may undo
        for section in (SimulatedData, ImageSets, OwnImages):
            patch.setattr(section, "test_points", 10)
        yield


@pytest.fixture
def vector_checkpoint(make_checkpoint) -> Path:
    return make_checkpoint()


@pytest.fixture
def image_checkpoint(make_checkpoint) -> Path:
    return make_checkpoint(encoder={"kind": "images"}, data={"kind": "neighbour-images", "dataset": "mnist"})


@pytest.fixture
def coreset_checkpoint(make_checkpoint) -> Path:
    """A checkpoint whose coresets have five tokens."""
    return make_checkpoint(
        encoder={"kind": "tokens", "context": {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1}},
        network={"kind": "coreset-energy", "depth": 2, "width": 8, "cluster_width": 8, "body": "gated"},
        data={"kind": "coresets", "tokens": 5},
        objective={"name": "coreset-likelihood"},
    )


@pytest.fixture
def embedded_coreset_checkpoint(make_checkpoint) -> Path:
    """A checkpoint of an embedding of images, and a network whose coresets have five tokens."""
    return make_checkpoint(
        encoder={
            "kind": "embedded-tokens",
            "features": 6,
            "channels": (2, 2, 2),
            "context": {"width": 8, "heads": 2, "blocks": 1, "local_heads": 1},
        },
        network={"kind": "coreset-energy", "depth": 2, "width": 8, "cluster_width": 8, "body": "gated"},
        data={"kind": "neighbour-coresets", "dataset": "mnist", "tokens": 5, "views": 2, "reach": 0.1},
        objective={"name": "coreset-likelihood"},
        training={"iterations": 2, "batch": 2, "points": (10, 20), "validation_sets": 2},
    )


@pytest.fixture
def few_images(monkeypatch) -> Callable[[str, str, Path | None], LabelledImages]:
    """Images of three kinds, bright in one quarter, in place of data sets; parts differ in their noise."""

    def images(dataset, part, folder=None):
        seed = ("training", "validation", "test").index(part)
        made = 80 * torch.rand(90, 28, 28, generator=torch.Generator().manual_seed(seed))
        classes = torch.arange(90) % 3
        for kind, (top, left) in enumerate([(0, 0), (0, 14), (14, 0)]):
            made[kind::3, top : top + 14, left : left + 14] += 170
        return LabelledImages(made.to(torch.uint8), classes)

    monkeypatch.setattr("gfncp.data.labelled_images", images)
    return images


@pytest.fixture(params=COORDINATES)
def coreset_inference(request, coreset_checkpoint) -> Callable[..., CoresetInference]:
    """Inference with weights so large that energies differ clearly, and places beside tokens are not sure."""

    def make(n_orders=1, n_clusters=None, max_joint=None):
        made = CoresetInference.of(coreset_checkpoint, None, n_orders, n_clusters, max_joint)
        made.network.temperature = ((2, 0.7), (30, 1.4))
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for name, weight in made.network.named_parameters():
                weight *= 1.3
                if name.startswith("placement"):
                    weight += 0.1 * torch.randn(weight.shape, generator=generator)
        data = made.configuration.data.model_copy(update={"coordinates": request.param})
        return replace(made, configuration=made.configuration.model_copy(update={"data": data}))

    return make


@pytest.fixture
def mixture() -> GaussianMixtures:
    return GaussianMixtures(dim=2, alpha=1.0, spread=3.0)


@pytest.fixture
def exact_mixture():
    """Function that makes an exact energy network, of a given class of networks."""

    def make(kind):
        class ExactMixture(kind):
            """The energy that is exact for points of N(mu_k, 1), mu_k ~ N(0, spread^2), CRP(1): -log p(c, x).

            With alpha = 1 every cluster of n points has weight (n - 1)!; what they all share is left out.
            """

            spread = 3.0

            def __init__(self):
                super().__init__(ScaledVectorEncoder(1), depth=2, width=2, cluster_width=2)

            def encode(self, x, mask=None):
                y = torch.cat([torch.ones_like(x), x], -1)  # counts and sums
                return Encoding(
                    y,
                    torch.zeros_like(y),
                    torch.ones(x.shape[:2], dtype=torch.bool),
                    torch.full(x.shape[:2], -1),
                    torch.full(x.shape[:2], float(self.temperature), dtype=torch.float64),
                )

            def cluster(self, pooled, unassigned, state):
                count, total = pooled.unbind(-1)
                precision = count + self.spread**-2
                log = (
                    torch.lgamma(count)
                    + 0.5 * total**2 / precision
                    - 0.5 * (precision * self.spread**2).log()
                )
                return torch.stack([log, count], -1)

            def energy(self, context):
                return -context[:, 0]

        return ExactMixture()

    return make
