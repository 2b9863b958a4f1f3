"""A run's configuration, checked before anything starts and stored with the checkpoint.

Files of such are read by `gfncp.configuration_files`.
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from torch import nn

from gfncp.attention import ContextEncoder
from gfncp.baselines.ccp import CCPLoss, CCPNetwork
from gfncp.baselines.dac import AnchoredDACLoss, AnchoredDACNetwork, DACLoss, DACNetwork
from gfncp.baselines.set_transformer import SetTransformerLoss, SetTransformerNetwork
from gfncp.encoders import (
    AnyVectorEncoder,
    EmbeddedEncoder,
    ImageEmbedding,
    ImageEncoder,
    ScaledVectorEncoder,
    VectorEncoder,
)
from gfncp.model import InteractingModel, Model, OnlineModel
from gfncp.networks import Gated, Plain
from gfncp.objectives import GFNCP, NCP, GFNCPPaper, Objective
from gfncp.principal import PrincipalEncoder


def _ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    if bounds[0] > bounds[1]:
        raise ValueError("low must not exceed high")
    return bounds


Clusters = Annotated[int, Field(ge=1)]
Pair = Annotated[tuple[Clusters, Clusters], AfterValidator(_ordered)]
Bounds = (
    Annotated[
        Annotated[Clusters, Tag("number")] | Annotated[Pair, Tag("pair")],
        Discriminator(lambda value: "pair" if isinstance(value, list | tuple) else "number"),
    ]
    | None
)
Points = Annotated[int, Field(ge=2)]
FEWEST_OWN = 200  # points to train on; of fewer, what is held out could not fill a set
# Sizes of networks end far beyond use, so that a hostile file cannot ask for a network without end.
Share = Annotated[float, Field(gt=0, le=1)]
Width = Annotated[int, Field(ge=1, le=2**20)]
Blocks = Annotated[int, Field(ge=1, le=1000)]
Layers = Annotated[int, Field(ge=2, le=1000)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Pretraining(Section):
    """See `gfncp.pretraining.pretrain`."""

    iterations: Annotated[int, Field(ge=0)] = 3000
    rounds: Annotated[int, Field(ge=0)] = 0
    round_iterations: Annotated[int, Field(ge=1)] = 500
    reach: Share = 0.02
    alike: Share = 0.3
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    batch: Annotated[int, Field(ge=2)] = 256
    temperature: Annotated[float, Field(gt=0)] = 0.2
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3

    @model_validator(mode="after")
    def _trains(self) -> "Pretraining":
        if self.iterations == self.rounds == 0:
            raise ValueError("iterations=0: accepted with rounds, or nothing is trained")
        return self


class Context(Section):
    """See `gfncp.attention.ContextEncoder`."""

    width: Width = 64
    heads: Width = 4
    blocks: Blocks = 2
    local_heads: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _divides(self) -> "Context":
        if self.width % self.heads:
            raise ValueError(f"width={self.width}: must be a multiple of heads={self.heads}")
        if self.local_heads > self.heads:
            raise ValueError(f"local_heads={self.local_heads}: accepted are at most heads={self.heads}")
        return self


class Encoder(Section):
    context: Context | None = None

    def build(self) -> nn.Module:
        points = self.of_points()
        return points if self.context is None else ContextEncoder(points, **self.context.model_dump())


class Vectors(Encoder):
    """See `gfncp.encoders.VectorEncoder`."""

    kind: Literal["vectors"]
    dim: Width
    scale: Annotated[float, Field(gt=0)] = 1.0

    def of_points(self) -> nn.Module:
        return VectorEncoder(self.dim, self.scale)


class ScaledVectors(Vectors):
    """See `gfncp.encoders.ScaledVectorEncoder`."""

    kind: Literal["scaled-vectors"]

    def of_points(self) -> nn.Module:
        return ScaledVectorEncoder(self.dim, self.scale)


class PrincipalComponents(Vectors):
    """See `gfncp.principal.PrincipalEncoder`."""

    kind: Literal["principal-components"]
    components: Width = 48

    def of_points(self) -> nn.Module:
        return PrincipalEncoder(self.dim, self.components, self.scale)


class AnyVectors(Encoder):
    """See `gfncp.encoders.AnyVectorEncoder`."""

    kind: Literal["any-vectors"]

    def of_points(self) -> nn.Module:
        return AnyVectorEncoder()


class Pictures(Encoder):
    """See `gfncp.encoders.ImageEncoder`."""

    kind: Literal["images"]

    def of_points(self) -> nn.Module:
        return ImageEncoder()


class EmbeddedPictures(Section):
    """See `gfncp.encoders.EmbeddedEncoder` and `gfncp.encoders.ImageEmbedding`."""

    kind: Literal["embedded-images"]
    features: Width = 128
    channels: tuple[Width, Width, Width] = (16, 32, 64)
    context: Context | None = None
    pretraining: Pretraining = Pretraining()

    def build(self) -> nn.Module:
        vectors = Vectors(kind="vectors", dim=self.features, context=self.context)
        return EmbeddedEncoder(ImageEmbedding(self.features, self.channels), vectors.build())


class Energy(Section):
    """See `gfncp.energy.EnergyNetwork`."""

    kind: Literal["energy"] = "energy"
    depth: Layers = 5
    width: Width = 128
    cluster_width: Width = 512
    cluster_depth: Layers = 6
    energy_depth: Layers = 6
    body: Literal["plain", "gated"] = "plain"
    model: ClassVar[type] = Model

    def build(self, encoder: nn.Module) -> nn.Module:
        body = {"plain": Plain, "gated": Gated}[self.body]
        depths = self.cluster_depth, self.energy_depth
        return self.model(encoder, self.depth, self.width, self.cluster_width, body, *depths)


class InteractingEnergy(Energy):
    """See `gfncp.interaction.InteractingEnergyNetwork`."""

    kind: Literal["interacting-energy"]
    model: ClassVar[type] = InteractingModel


class OnlineEnergy(Energy):
    """See `gfncp.online.OnlineEnergyNetwork`."""

    kind: Literal["online-energy"]
    model: ClassVar[type] = OnlineModel


class CCP(Section):
    """See `gfncp.baselines.ccp.CCPNetwork`."""

    kind: Literal["ccp"]
    depth: Layers = 4
    width: Width = 128
    latent: Width = 32

    def build(self, encoder: nn.Module) -> nn.Module:
        return CCPNetwork(encoder, self.depth, self.width, self.latent)


class Attention(Section):
    """Sizes of attention blocks, see `gfncp.baselines.attention`."""

    hidden: Width = 128
    inducing: Width = 32
    heads: Width = 4

    @model_validator(mode="after")
    def _divisible(self) -> "Attention":
        if self.hidden % self.heads != 0:
            raise ValueError(f"heads={self.heads}: accepted are divisors of hidden={self.hidden}")
        return self


class DAC(Attention):
    """See `gfncp.baselines.dac.DACNetwork`."""

    kind: Literal["dac"]
    blocks: Blocks = 4

    def build(self, encoder: nn.Module) -> nn.Module:
        return DACNetwork(encoder, self.hidden, self.inducing, self.heads, self.blocks)


class AnchoredDAC(Attention):
    """See `gfncp.baselines.dac.AnchoredDACNetwork`."""

    kind: Literal["dac-anchored"]
    blocks: Blocks = 4

    def build(self, encoder: nn.Module) -> nn.Module:
        return AnchoredDACNetwork(encoder, self.hidden, self.inducing, self.heads, self.blocks)


class SetTransformer(Attention):
    """See `gfncp.baselines.set_transformer.SetTransformerNetwork`."""

    kind: Literal["set-transformer"]
    n_components: Width

    def build(self, encoder: nn.Module) -> nn.Module:
        return SetTransformerNetwork(encoder, self.n_components, self.hidden, self.inducing, self.heads)


class Data(Section):
    """What sets are made of; ``test_points`` are in each set that validation draws, and tests by default."""

    test_points: ClassVar[int] = 300


class MixtureData(Data):
    kind: Literal["gaussian-mixtures"]
    dim: Width = 2
    alpha: Annotated[float, Field(gt=0)] = 1.0
    spread: Annotated[float, Field(gt=0)] = 10.0
    n_clusters: Bounds = (1, 10)

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (self.dim,)


class GeneralData(Data):
    """See `gfncp.simulators.GeneralMixtures`."""

    kind: Literal["general-mixtures"]
    max_clusters: Clusters = 30

    @property
    def n_clusters(self) -> tuple[int, int]:
        return 1, self.max_clusters

    @property
    def point_shape(self) -> tuple[None]:
        return (None,)


class ImageData(Data):
    kind: Literal["augmented-images", "neighbour-images"]
    dataset: Literal["mnist", "fashion-mnist"]
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: Annotated[int, Field(ge=100, le=50_000)] = 20_000

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (28, 28)


class EmbeddingData(Data):
    kind: Literal["neighbour-embeddings"]
    dataset: Literal["mnist", "fashion-mnist"]
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = (1, 10)
    images: Annotated[int, Field(ge=1000, le=50_000)] = 20_000
    reach: Share = 0.02
    views: Annotated[int, Field(ge=1)] = 4

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (28, 28)


class OwnImages(EmbeddingData):
    """See `gfncp.own_images`.

    ``images``: to use, at most.
    ``held_out``: share of them that is kept for validation.
    """

    dataset: Literal["own"]
    images: Annotated[int, Field(ge=FEWEST_OWN, le=50_000)] = 20_000
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test_points: ClassVar[int] = 50


class EmbeddingFile(Section):
    """See `gfncp.unseen_classes`.

    ``held_out``: share of the classes to train on that is kept for validation; without labels, of the points.
    ``classes``: how many to draw, or a list of `gfncp.sources.splits.class_list`; all if left out.
    ``points``: to train on, at most.
    """

    dataset: Literal["clinc150", "file"]
    dim: Width = 384
    label: str | None = None
    classes: Annotated[int, Field(ge=4)] | str | None = None
    split_seed: Annotated[int, Field(ge=0)] = 0
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2
    points: Annotated[int, Field(ge=2)] = 20_000
    alpha: Annotated[float, Field(gt=0)] = 1.0
    n_clusters: Bounds = None
    test_points: Points = 100

    @property
    def point_shape(self) -> tuple[int, ...]:
        return (self.dim,)


class NeighbourEmbeddingFile(EmbeddingFile):
    """See `gfncp.simulators.NeighbourEmbeddings`."""

    kind: Literal["neighbour-embeddings"]
    reach: Share = 0.01
    noise: Annotated[float, Field(ge=0)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class AugmentedEmbeddingFile(EmbeddingFile):
    """See `gfncp.simulators.AugmentedEmbeddings`."""

    kind: Literal["augmented-embeddings"]
    noise: Annotated[float, Field(ge=0)] = 0.05
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class NCPObjective(Section):
    """See `gfncp.objectives.NCP`."""

    name: Literal["ncp"]
    trains: ClassVar[str] = "energy"

    def build(self) -> Objective:
        return NCP()


class GFNCPPaperObjective(Section):
    """See `gfncp.objectives.GFNCPPaper`."""

    name: Literal["gfncp-paper"]
    trains: ClassVar[str] = "energy"
    beta: Annotated[float, Field(ge=0, le=1)] = 0.99
    delta: Annotated[float, Field(ge=0)] = 0.6
    contrast: Annotated[float, Field(ge=0)] = 0.4

    def build(self) -> Objective:
        return GFNCPPaper(self.beta, self.delta, self.contrast)


class GFNCPObjective(Section):
    """See `gfncp.objectives.GFNCP`."""

    name: Literal["gfncp"]
    trains: ClassVar[str] = "energy"
    disagreement: Annotated[float, Field(ge=0)] = 1.0
    terminal: Annotated[float, Field(ge=0)] = 0.2
    anchor: Annotated[float, Field(ge=0)] = 1e-4

    def build(self) -> Objective:
        return GFNCP(self.disagreement, self.terminal, self.anchor)


class CCPObjective(Section):
    """See `gfncp.baselines.ccp.CCPLoss`."""

    name: Literal["ccp"]
    trains: ClassVar[str] = "ccp"

    def build(self) -> Objective:
        return CCPLoss()


class DACObjective(Section):
    """See `gfncp.baselines.dac.DACLoss`."""

    name: Literal["dac"]
    trains: ClassVar[str] = "dac"

    def build(self) -> Objective:
        return DACLoss()


class AnchoredDACObjective(Section):
    """See `gfncp.baselines.dac.AnchoredDACLoss`."""

    name: Literal["dac-anchored"]
    trains: ClassVar[str] = "dac-anchored"

    def build(self) -> Objective:
        return AnchoredDACLoss()


class SetTransformerObjective(Section):
    """See `gfncp.baselines.set_transformer.SetTransformerLoss`."""

    name: Literal["set-transformer"]
    trains: ClassVar[str] = "set-transformer"

    def build(self) -> Objective:
        return SetTransformerLoss()


Network = Annotated[
    Energy | InteractingEnergy | OnlineEnergy | CCP | DAC | AnchoredDAC | SetTransformer,
    Field(discriminator="kind"),
]
AnyObjective = Annotated[
    NCPObjective
    | GFNCPPaperObjective
    | GFNCPObjective
    | CCPObjective
    | DACObjective
    | AnchoredDACObjective
    | SetTransformerObjective,
    Field(discriminator="name"),
]


AnyNeighbourEmbeddings = Annotated[
    EmbeddingData | OwnImages | NeighbourEmbeddingFile, Field(discriminator="dataset")
]
AnyData = Annotated[
    MixtureData | GeneralData | ImageData | AnyNeighbourEmbeddings | AugmentedEmbeddingFile,
    Field(discriminator="kind"),
]


class Training(Section):
    """See `gfncp.training.train`.

    ``initial``: checkpoint whose weights it starts from, to be tuned.
    ``batch``: sets in a batch, at most; ``batch_points``: points in it.
    ``accumulate``: batches whose gradients are averaged for one step; processes share them.
    ``precision``: of matrix products, in networks of energies only of the encoder's; weights, energies and
    the optimiser's moments are always float32.
    """

    initial: str | None = None
    iterations: Annotated[int, Field(ge=1)] = 5000
    batch: Annotated[int, Field(ge=1)] = 64
    batch_points: Annotated[int, Field(ge=1)] | None = None
    points: Annotated[tuple[Points, Points], AfterValidator(_ordered)] = (100, 1000)
    points_drawn: Literal["uniformly", "log-uniformly"] = "uniformly"
    sampled_steps: Annotated[int, Field(ge=1)] | None = None
    accumulate: Annotated[int, Field(ge=1)] = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    optimizer: Literal["adam", "muon"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    final_learning_rate: Annotated[float, Field(ge=0)] = 1e-6
    clip: Annotated[float, Field(gt=0)] | None = None
    save_every: Annotated[int, Field(ge=1)] = 250
    validation_sets: Annotated[int, Field(ge=1)] = 40


class Configuration(Section):
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    encoder: Annotated[
        Vectors | ScaledVectors | PrincipalComponents | AnyVectors | Pictures | EmbeddedPictures,
        Field(discriminator="kind"),
    ]
    network: Network = Energy()
    data: AnyData
    objective: AnyObjective
    training: Training = Training()

    @field_validator("network", mode="before")
    @classmethod
    def _energy_by_default(cls, value: object) -> object:
        return {"kind": "energy", **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fitting(self) -> "Configuration":
        if not self.network.kind.endswith(self.objective.trains):
            raise ValueError(
                f"objective.name={self.objective.name!r} trains a network of kind {self.objective.trains!r}, "
                f"but network.kind={self.network.kind!r}"
            )
        with torch.device("meta"):  # no weights are drawn
            accepted = self.encoder.build().point_shape
        if self.data.point_shape != accepted:
            raise ValueError(
                f"data.kind={self.data.kind!r} makes points of shape {self.data.point_shape}, "
                f"but encoder.kind={self.encoder.kind!r} takes {accepted}"
            )
        bounds = self.data.n_clusters
        fewest = bounds[0] if isinstance(bounds, tuple) else bounds or 1
        if fewest > self.training.points[0]:
            raise ValueError(
                f"data.n_clusters={bounds}: sets of {self.training.points[0]} points (training.points) "
                "cannot have so many clusters"
            )
        if self.training.sampled_steps is not None and not self.network.kind.endswith("energy"):
            raise ValueError(
                f"training.sampled_steps={self.training.sampled_steps}: only an energy network is "
                "trained by steps"
            )
        if self.training.sampled_steps is not None and getattr(self.objective, "disagreement", 0):
            raise ValueError(
                f"objective.disagreement={self.objective.disagreement}: two orders of the data are compared "
                "over all of their steps; with training.sampled_steps accepted is 0"
            )
        if self.network.kind == "set-transformer" and bounds != self.network.n_components:
            raise ValueError(
                f"data.n_clusters={bounds!r}: a 'set-transformer' has a fixed number of clusters, here "
                f"network.n_components={self.network.n_components}"
            )
        return self

    @model_validator(mode="after")
    def _embedded(self) -> "Configuration":
        if isinstance(self.data, EmbeddingData) and self.encoder.kind != "embedded-images":
            raise ValueError(
                f"encoder.kind={self.encoder.kind!r}: data 'neighbour-embeddings' of images needs "
                "'embedded-images'"
            )
        return self

    def with_iterations(self, iterations: int) -> "Configuration":
        """The same, trained for so long."""
        training = self.training.model_copy(update={"iterations": iterations})
        return self.model_copy(update={"training": training})

    def build(self) -> nn.Module:
        """A new network with the configured shape."""
        return self.network.build(self.encoder.build())


def parse(values: object, where: str) -> Configuration:
    """Check a configuration.

    Raises:
        ValueError: one line that names the place, the value and what is accepted.
    """
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "configuration"
        given = "" if isinstance(first["input"], dict) else f"={first['input']!r}"
        raise ValueError(f"{where}: {place}{given}: {first['msg']}") from None


def parse_stored(values: object) -> Configuration | None:
    """A configuration from a run or a record; None if it is of a version that this one cannot read.

    Options that it lacks, because they were added since, have their defaults.
    """
    try:
        return parse(values, "stored")
    except ValueError:
        return None
