"""Amortized probabilistic clustering: the posterior over clusterings of a set of points."""

from gfncp.checkpoints import load
from gfncp.estimator import GFNCP
from gfncp.posterior import Posterior

__all__ = ["GFNCP", "Posterior", "load"]
