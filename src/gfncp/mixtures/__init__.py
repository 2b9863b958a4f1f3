"""Bayesian mixtures of Gaussians: conjugate models, samplers and variational inference."""
