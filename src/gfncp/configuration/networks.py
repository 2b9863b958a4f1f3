"""Sections of a configuration for networks. Those of other methods are imported where they are built."""

# Each energy network has a kind of its own.
# pyright: reportIncompatibleVariableOverride=false

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from gfncp.configuration.fields import Blocks, Layers, Section, Width
from gfncp.decoding.model import CoresetModel, InteractingModel, Model, OnlineModel, PairwiseModel
from gfncp.networks.interfaces import Encoder, Network
from gfncp.networks.layers import Gated, Plain


class EnergySizes(Section):
    """Sizes of an energy network, whose ``kind`` says which."""

    kind: str
    depth: Layers = 5
    width: Width = 128
    cluster_width: Width = 512
    cluster_depth: Layers = 6
    energy_depth: Layers = 6
    body: Literal["plain", "gated"] = "plain"
    model: ClassVar[type[Model]] = Model

    def build(self, encoder: Encoder) -> Network:
        body = {"plain": Plain, "gated": Gated}[self.body]
        depths = self.cluster_depth, self.energy_depth
        return self.model(encoder, self.depth, self.width, self.cluster_width, body, *depths)


class Energy(EnergySizes):
    """See `gfncp.networks.energy.EnergyNetwork`."""

    kind: Literal["energy"] = "energy"


class InteractingEnergy(EnergySizes):
    """See `gfncp.networks.interacting.InteractingEnergyNetwork`."""

    kind: Literal["interacting-energy"]
    model: ClassVar[type[Model]] = InteractingModel


class PairwiseEnergy(EnergySizes):
    """See `gfncp.networks.pairwise.PairwiseEnergyNetwork`."""

    kind: Literal["pairwise-energy"]
    model: ClassVar[type[Model]] = PairwiseModel


class CoresetEnergy(EnergySizes):
    """See `gfncp.decoding.model.CoresetModel`."""

    kind: Literal["coreset-energy"]
    model: ClassVar[type[Model]] = CoresetModel


class OnlineEnergy(EnergySizes):
    """See `gfncp.networks.online.OnlineEnergyNetwork`."""

    kind: Literal["online-energy"]
    model: ClassVar[type[Model]] = OnlineModel


class CCP(Section):
    """See `gfncp.methods.ccp.CCPNetwork`."""

    kind: Literal["ccp"]
    depth: Layers = 4
    width: Width = 128
    latent: Width = 32

    def build(self, encoder: Encoder) -> Network:
        from gfncp.methods.ccp import CCPNetwork

        return CCPNetwork(encoder, self.depth, self.width, self.latent)


class Attention(Section):
    """Sizes of attention blocks, see `gfncp.methods.set_attention`."""

    hidden: Width = 128
    inducing: Width = 32
    heads: Width = 4

    @model_validator(mode="after")
    def _divisible(self) -> "Attention":
        if self.hidden % self.heads != 0:
            raise ValueError(f"heads={self.heads}: accepted are divisors of hidden={self.hidden}")
        return self


class DAC(Attention):
    """See `gfncp.methods.dac.DACNetwork`."""

    kind: Literal["dac"]
    blocks: Blocks = 4

    def build(self, encoder: Encoder) -> Network:
        from gfncp.methods.dac import DACNetwork

        return DACNetwork(encoder, self.hidden, self.inducing, self.heads, self.blocks)


class AnchoredDAC(Attention):
    """See `gfncp.methods.dac.AnchoredDACNetwork`."""

    kind: Literal["dac-anchored"]
    blocks: Blocks = 4

    def build(self, encoder: Encoder) -> Network:
        from gfncp.methods.dac import AnchoredDACNetwork

        return AnchoredDACNetwork(encoder, self.hidden, self.inducing, self.heads, self.blocks)


class SetTransformer(Attention):
    """See `gfncp.methods.set_transformer.SetTransformerNetwork`."""

    kind: Literal["set-transformer"]
    n_components: Width

    def build(self, encoder: Encoder) -> Network:
        from gfncp.methods.set_transformer import SetTransformerNetwork

        return SetTransformerNetwork(encoder, self.n_components, self.hidden, self.inducing, self.heads)


AnyNetwork = Annotated[
    Energy
    | InteractingEnergy
    | PairwiseEnergy
    | CoresetEnergy
    | OnlineEnergy
    | CCP
    | DAC
    | AnchoredDAC
    | SetTransformer,
    Field(discriminator="kind"),
]
