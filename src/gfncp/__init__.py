"""Amortized probabilistic clustering: the posterior over clusterings of a set of points."""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from gfncp.waiting import wait_asleep

if TYPE_CHECKING:
    from gfncp.checkpoints import load
    from gfncp.estimators.gfncp import GFNCP
    from gfncp.posterior.posterior import Posterior

__all__ = ["GFNCP", "Posterior", "load"]

_HOMES = {
    "GFNCP": "gfncp.estimators.gfncp",
    "Posterior": "gfncp.posterior.posterior",
    "load": "gfncp.checkpoints",
}

wait_asleep(os.environ, sys.modules)


def __getattr__(name: str) -> object:
    """Import a public name on first use: PyTorch takes seconds, and ``gfncp --help`` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
