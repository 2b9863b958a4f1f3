"""Section of a configuration for training."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gfncp.configuration.fields import Points, Precision, Section, ordered


class Training(Section):
    """See `gfncp.training.train.train`.

    ``initial``: checkpoint whose weights training starts from.
    ``batch``: largest number of sets in a batch; ``batch_points``: of points in it.
    ``accumulate``: batches whose gradients are averaged for one step; processes share them.
    ``keep``: the last weights, those of the lowest loss of validation, every ``save_every`` iterations, or
    the mean of the initial and the last ones, which forgets less of what the former knew (Wortsman et al.
    Robust fine-tuning of zero-shot models. CVPR 2022).
    ``precision``: of matrix products, in energy networks only of those in the encoder; weights, energies and
    the optimiser's moments are always float32.
    """

    initial: str | None = None
    iterations: Annotated[int, Field(ge=1)] = 5000
    batch: Annotated[int, Field(ge=1)] = 64
    batch_points: Annotated[int, Field(ge=1)] | None = None
    points: Annotated[tuple[Points, Points], AfterValidator(ordered)] = (100, 1000)
    points_drawn: Literal["uniformly", "log-uniformly"] = "uniformly"
    sampled_steps: Annotated[int, Field(ge=1)] | None = None
    accumulate: Annotated[int, Field(ge=1)] = 1
    precision: Precision = "float32"
    optimizer: Literal["adam", "muon"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    final_learning_rate: Annotated[float, Field(ge=0)] = 1e-6
    clip: Annotated[float, Field(gt=0)] | None = None
    keep: Literal["last", "lowest-loss", "mean-with-initial"] = "last"
    save_every: Annotated[int, Field(ge=1)] = 250
    validation_sets: Annotated[int, Field(ge=1)] = 40

    @model_validator(mode="after")
    def _has_initial(self) -> "Training":
        if self.keep == "mean-with-initial" and self.initial is None:
            raise ValueError(f"keep={self.keep!r}: accepted with initial, whose weights are half of the mean")
        return self
