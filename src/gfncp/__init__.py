"""Amortized probabilistic clustering: the posterior over clusterings of a set of points."""
