"""What estimators accept as points."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils import check_array


def check_points(
    X, point_shape: tuple[int, ...], checkpoint: str | Path
) -> Float[torch.Tensor, "1 points *shape"]:
    """One set of points for the network of a checkpoint.

    Args:
        X: ``(n_samples, *point_shape)``; images in [0, 1], or 0 to 255 as integers.
        point_shape: shape of the points that the network was trained on.
        checkpoint: its name, for the message.

    Raises:
        ValueError: ``X`` has another shape, images outside their range, or numbers that are not finite.
    """
    raw = np.asarray(X)
    x = check_array(X, dtype=np.float32, allow_nd=True, ensure_2d=False, input_name="X")
    if x.shape[1:] != point_shape:
        raise ValueError(
            f"X has shape {x.shape}, but {str(checkpoint)!r} was trained on "
            f"(n_samples, {', '.join(map(str, point_shape))})"
        )
    if len(point_shape) == 2:
        if raw.dtype.kind in "ui":
            x = x / 255
        if x.min() < 0 or x.max() > 1:
            raise ValueError(
                f"X has values from {x.min():g} to {x.max():g}: accepted are images in [0, 1], "
                "or 0 to 255 as integers"
            )
    return torch.from_numpy(np.ascontiguousarray(x))[None]
