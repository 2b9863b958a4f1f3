"""Ranges that statistics had in training, which a checkpoint may have beside its weights.

The file is optional; `experiments/ranges.py` writes it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    ValidationError,
)

from gfncp.checkpoints import RANGES, find


def _rising(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"{limits}: accepted are limits, the lower one first")
    return limits


Limits = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_rising)]
Statistics = Annotated[list[FiniteFloat], Field(min_length=7, max_length=7)]
ByStatistic = Annotated[dict[str, Limits], Field(min_length=1)]


class ImageRanges(BaseModel):
    """Limits of each statistic of single images, see `gfncp.estimators.image_range`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    of: Literal["images"] = "images"
    command: str
    ranges: ByStatistic


class SetRanges(BaseModel):
    """Mean, as a function of the number of points, and covariance of statistics of clustered sets.

    See `gfncp.estimators.set_range`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    of: Literal["sets"] = "sets"
    command: str
    coefficients: Annotated[list[Statistics], Field(min_length=3, max_length=3)]
    precision: Annotated[list[Statistics], Field(min_length=7, max_length=7)]
    limit: Annotated[FiniteFloat, Field(ge=0)]


Ranges = Annotated[ImageRanges | SetRanges, Field(discriminator="of")]


def load_ranges(checkpoint: str | Path) -> ImageRanges | SetRanges | None:
    """Return the ranges of a checkpoint, None if it has none.

    Raises:
        ValueError: the file is damaged, or there is no such checkpoint.
    """
    path = find(checkpoint) / RANGES
    if not path.is_file():
        return None
    try:
        return TypeAdapter(Ranges).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ValueError(f"{path}: not the ranges of a checkpoint ({error})") from None
