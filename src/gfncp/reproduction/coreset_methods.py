"""Networks of coresets among the methods: they cluster as `gfncp.GFNCP` does."""

import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import clone
from torch import Tensor

from gfncp.configuration import Configuration
from gfncp.estimators.gfncp import GFNCP

MEASURED = "greedy", "average"  # others need probabilities along one order of the points themselves


def is_of_coresets(configuration: Configuration) -> bool:
    """Return True if a configuration is that of a network of coresets."""
    return configuration.summarises


def of_any_number(configuration: Configuration) -> Configuration:
    """Return the configuration for training on sets of any number of clusters.

    Tests of a fixed number are by the same network of coresets as those of any number.
    """
    number = type(configuration.data).model_fields["n_clusters"].default
    data = configuration.data.model_copy(update={"n_clusters": number})
    return configuration.model_copy(update={"data": data})


def check_measure(measure: str) -> None:
    """Refuse a measure that networks of coresets do not have.

    Raises:
        ValueError: it is none of `MEASURED`.
    """
    if measure not in MEASURED:
        raise ValueError(
            f"measure={measure!r}: a network of coresets clusters summaries of a set, not its points one by "
            f"one; accepted are {' and '.join(map(repr, MEASURED))}"
        )


@dataclass(frozen=True)
class CoresetClusterer:
    """Clusterings and samples of many sets by an estimator, with what `gfncp.reproduction.measures` calls.

    Args:
        estimator: a `GFNCP` whose checkpoint is a network of coresets.
    """

    estimator: GFNCP

    def predict(self, x: Float[Tensor, "sets points *shape"]) -> Int[Tensor, "sets points"]:
        """Return ``labels_`` of each set."""
        fitted = _fitted(self.estimator, x)
        return torch.from_numpy(np.stack([each.labels_ for each in fitted])).long()

    def sample(
        self, x: Float[Tensor, "sets points *shape"], n_samples: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "sets samples points"], Float[Tensor, "sets samples"]]:
        """Return samples of each posterior and their log-probabilities, equal ones side by side."""
        seed = int(torch.randint(2**31 - 1, (), generator=generator))
        sampling = cast(GFNCP, clone(self.estimator)).set_params(n_samples=n_samples, random_state=seed)
        posteriors = [each.posterior_ for each in _fitted(sampling, x)]
        drawn = np.stack([each.labels.repeat(each.counts, axis=0) for each in posteriors])
        log_prob = np.stack([each.log_prob.repeat(each.counts) for each in posteriors])
        return torch.from_numpy(drawn).long(), torch.from_numpy(log_prob)


def _fitted(estimator: GFNCP, x: Float[Tensor, "sets points *shape"]) -> list[GFNCP]:
    """Cluster sets; the few that are unlike those of training are measured without a warning for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimator.fit_sets(list(x.cpu().numpy()))
