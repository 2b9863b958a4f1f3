"""Temperatures of decoding: one for all sets, or one that depends on the number of points.

A policy that runs free strays from the data, the further the more steps there are, so that samples of large
sets are less probable than the truth where those of small ones are not.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

Temperature = float | tuple[tuple[int, float], ...]  # or pairs of a number of points and a temperature


def temperature_at(temperature: Temperature, points: Num[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Return the temperature of sets of so many points.

    Between the numbers of points of two pairs, it is linear in the logarithm of this number; outside of them,
    that of the nearest pair.
    """
    if isinstance(temperature, float | int):
        return torch.full_like(points, temperature, dtype=torch.float64)
    sizes, values = zip(*temperature, strict=True)
    found = np.interp(
        points.detach().double().log().cpu().numpy(), [math.log(size) for size in sizes], values
    )
    return torch.from_numpy(np.asarray(found)).to(points.device)
