"""Precision of matrix products: weights, energies and gradients keep 32 bits."""

import torch

from gfncp.configuration.fields import Precision

DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def products_in(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """Return a context whose matrix products have numbers of this type."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)
