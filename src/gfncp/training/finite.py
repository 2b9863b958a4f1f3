"""Refusal of losses and weights that are not finite, before they do harm to a run."""

from jaxtyping import Float
from torch import Tensor, nn


def check_losses(losses: Float[Tensor, "batches"], seed: int, iteration: int, kept: str) -> None:
    """Refuse losses of a step that are not finite, those of other processes included.

    Args:
        kept: sentence for the message, on what the run can go on from.

    Raises:
        FloatingPointError: naming the first such batch by its random stream.
    """
    bad = (~losses.isfinite()).nonzero().flatten().tolist()
    if bad:
        raise FloatingPointError(
            f"the loss is {losses[bad[0]].item()} at iteration {iteration}, whose batch is "
            f"drawn with seeded({seed}, {bad[0]}, {iteration}); {kept}"
        )


def check_network_weights(model: nn.Module, iteration: int, kept: str) -> None:
    """Refuse weights that are not finite, before they replace those that are stored.

    Args:
        kept: sentence for the message, on what the run can go on from.

    Raises:
        FloatingPointError: a weight is not finite.
    """
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise FloatingPointError(f"the weights are not finite after iteration {iteration}; {kept}")
