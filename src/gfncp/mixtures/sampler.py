"""Base of the estimators that sample the posterior of a Dirichlet-process mixture."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Int
from rich.progress import track
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data
from torch import Tensor

from gfncp.mixtures.conjugate import NormalInverseWishart, log_joint
from gfncp.mixtures.convergence import rhat
from gfncp.posterior.posterior import Posterior


class Sampler(ClusterMixin, BaseEstimator):
    """Base of the Markov chain Monte Carlo estimators; several chains advance together.

    Args:
        model: a `ConjugateModel`; None for `NormalInverseWishart.weak` of the data.
        alpha: concentration of the Dirichlet process.
        n_chains: number of independent chains.
        n_sweeps: states of each chain, warm-up included.
        n_warmup: first states that the posterior leaves out.
        thin: of the others, keep every ``thin``-th.
        progress: show a progress bar.
        random_state: seed of the chains; None for a different one each time.

    Attributes:
        labels_: the visited clustering of highest probability, ``(n_samples,)``.
        n_clusters_: its number of clusters.
        posterior_: the `Posterior` of the kept states of all chains. Its ``log_prob`` is the log joint,
            normalised over the distinct kept states: an upper bound of log p(labels | X), tight where
            they hold nearly all of the probability. Its ``counts`` estimate p(labels | X) without that bias.
        log_joint_: log p(labels, X) of all states, ``(n_chains, n_sweeps)``.
        rhat_: R-hat of ``"n_clusters"`` and ``"log_joint"`` after the warm-up, near 1 if the chains agree.
    """

    states: ClassVar[Callable[..., Iterator[Int[Tensor, "chains points"]]]]

    def __init__(
        self,
        model=None,
        alpha=1.0,
        n_chains=4,
        n_sweeps=200,
        n_warmup=100,
        thin=1,
        progress=False,
        random_state=None,
    ):
        self.model = model
        self.alpha = alpha
        self.n_chains = n_chains
        self.n_sweeps = n_sweeps
        self.n_warmup = n_warmup
        self.thin = thin
        self.progress = progress
        self.random_state = random_state

    @torch.inference_mode()
    def fit(self, X, y=None) -> "Sampler":
        """Sample clusterings of ``X``, ``(n_samples, n_features)``; ``y`` is ignored.

        Raises:
            ValueError: ``X`` or a parameter is not accepted.
        """
        self._check_parameters()
        x = torch.from_numpy(np.array(validate_data(self, X, dtype=np.float64), order="C"))
        model = NormalInverseWishart.weak(x) if self.model is None else self.model
        generator = torch.Generator().manual_seed(
            int(check_random_state(self.random_state).randint(2**31 - 1))
        )
        states = islice(type(self).states(x, model, self.alpha, self.n_chains, generator), self.n_sweeps)
        labels, joint = [], []
        for state in track(states, type(self).__name__, self.n_sweeps, disable=not self.progress):
            labels.append(state.numpy())
            joint.append(log_joint(x, state, model, self.alpha).numpy())
        labels, self.log_joint_ = np.stack(labels, 1), np.stack(joint, 1)
        self.labels_ = labels.reshape(-1, len(x))[self.log_joint_.argmax()]
        self.n_clusters_ = int(self.labels_.max()) + 1

        kept = np.s_[:, self.n_warmup :: self.thin]
        drawn, joint = labels[kept].reshape(-1, len(x)), self.log_joint_[kept]
        posterior = Posterior.from_samples(drawn, joint.reshape(-1))
        self.posterior_ = replace(posterior, log_prob=posterior.log_prob - logsumexp(posterior.log_prob))
        after = np.s_[:, self.n_warmup :]
        self.rhat_ = {
            "n_clusters": rhat(labels[after].max(-1) + 1),
            "log_joint": rhat(self.log_joint_[after]),
        }
        return self

    def _check_parameters(self) -> None:
        for name in ("n_chains", "n_sweeps", "thin"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name}={value!r}: accepted is an integer of at least 1")
        if not self.alpha > 0:
            raise ValueError(f"alpha={self.alpha!r}: accepted is a positive number")
        if not isinstance(self.n_warmup, int | np.integer) or not 0 <= self.n_warmup <= self.n_sweeps - 4:
            most = self.n_sweeps - 4
            raise ValueError(
                f"n_warmup={self.n_warmup!r}: accepted is an integer from 0 to n_sweeps - 4 = {most}"
            )
