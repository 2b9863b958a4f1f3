"""Base class of a configuration's sections, and types of their fields."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag


def ordered(bounds: tuple[int, int]) -> tuple[int, int]:
    """Return bounds whose lower one does not exceed the upper one."""
    low, high = bounds
    if low > high:
        raise ValueError(f"low={low} must not exceed high={high}")
    return bounds


def increasing(pairs: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    """Return pairs whose numbers of points increase; there is one at least."""
    sizes = [points for points, _ in pairs]
    if not sizes or sizes != sorted(set(sizes)):
        raise ValueError(f"numbers of points {sizes}: accepted are increasing ones")
    return pairs


Clusters = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Pair = Annotated[tuple[Clusters, Clusters], AfterValidator(ordered)]
TAGS = NUMBER, SEVERAL = "number", "several"  # of the types of a value, beside the names of keys
ONE_OR_SEVERAL = Discriminator(lambda value: SEVERAL if isinstance(value, list | tuple) else NUMBER)
Bounds = Annotated[Annotated[Clusters, Tag(NUMBER)] | Annotated[Pair, Tag(SEVERAL)], ONE_OR_SEVERAL] | None
Points = Annotated[int, Field(ge=2)]
Temperatures = Annotated[
    Annotated[Positive, Tag(NUMBER)]
    | Annotated[tuple[tuple[Points, Positive], ...], AfterValidator(increasing), Tag(SEVERAL)],
    ONE_OR_SEVERAL,
]
Precision = Literal["float32", "bfloat16"]  # see `gfncp.training.precision`
CoordinateKind = Literal["components", "whitened", "smoothed"]  # see `gfncp.coresets.components.COORDINATES`
Share = Annotated[float, Field(gt=0, le=1)]
# Sizes of networks end far beyond use, so that a hostile file cannot ask for a network without end.
Width = Annotated[int, Field(ge=1, le=2**20)]
Blocks = Annotated[int, Field(ge=1, le=1000)]
Layers = Annotated[int, Field(ge=2, le=1000)]


class Section(BaseModel):
    """Part of a configuration; unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
