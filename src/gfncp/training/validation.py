"""Validation of a run: the loss and the clusterings of held-out sets."""

from typing import Any

import torch

from gfncp.configuration import Configuration
from gfncp.configuration.sources import Simulator
from gfncp.metrics import scores
from gfncp.objectives.batch import Batch, Objective
from gfncp.seeds import VALIDATION, seeded


def validate(
    configuration: Configuration,
    model: Any,
    objective: Objective,
    simulate: Simulator,
    device: torch.device,
) -> dict[str, float]:
    """Return the loss of sets that are the same each time, and the scores of the model's clusterings."""
    sets, points = configuration.training.validation_sets, configuration.data.test_points
    x, labels, *rest = simulate(sets, points, seeded(configuration.seed, VALIDATION))
    held_out = Batch(x, labels, None, 1.0, *rest).to(device)
    with torch.no_grad():
        loss = objective(model, held_out, seeded(configuration.seed, VALIDATION, 1))["loss"]
    return {"loss": float(loss), **scores(labels, model.predict(held_out.x, held_out.mask).cpu())}
