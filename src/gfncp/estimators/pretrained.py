"""Checkpoints of an estimator: by name, trained on a user's points, or shared on the Hugging Face Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gfncp.extras import extra

Estimator = TypeVar("Estimator", bound="PretrainedMixin")


class PretrainedMixin:
    """Constructors and upload of an estimator whose parameter ``checkpoint`` names its network."""

    checkpoint: str | Path

    if TYPE_CHECKING:

        def __init__(self, checkpoint: str, **parameters) -> None: ...

    @classmethod
    def from_pretrained(cls: type[Estimator], name, revision=None, **parameters) -> Estimator:
        """Return an estimator with a checkpoint by name: a folder, or ``org/name`` on the Hugging Face Hub.

        Args:
            revision: branch, tag or commit on the Hub.
            parameters: the constructor's others.

        Raises:
            ValueError: there is no such checkpoint, or it cannot be downloaded.
        """
        from gfncp import hub  # its client takes a second

        return cls(checkpoint=str(hub.fetch(name, revision)), **parameters)

    @classmethod
    def train(cls: type[Estimator], X, folder, iterations=None, seed=0, **parameters) -> Estimator:
        """Train a network, without labels, on points like those to cluster; return an estimator with it.

        Training clusters are made of a point's neighbours along the data, see `gfncp.training.own_points`.
        This takes minutes to hours; a call that was stopped goes on where it was when it is made again.

        Args:
            X: embeddings or other vectors in one unit, ``(n_samples, n_features)``; or grey images,
                ``(n_samples, 28, 28)``. At least 200 of them.
            folder: of the run; from then on a checkpoint like any other.
            iterations: of training; None for 1600.
            seed: of the first weights and the training sets.
            parameters: the constructor's others.

        Raises:
            ValueError: ``X`` is not accepted, or ``folder`` holds another run.

        Example:
            >>> model = GFNCP.train(embeddings, "runs/mine")  # doctest: +SKIP
            >>> model.fit_predict(embeddings[:300])  # doctest: +SKIP
        """
        with extra("train", "GFNCP.train"):
            from gfncp.training import own_points, train  # what trains takes a second
            from gfncp.training.run_state import unless_refused

        folder = Path(folder)
        with unless_refused(folder):
            data = own_points.store(X, folder)
            train.train(own_points.configure(data, iterations, seed), folder, data)
        return cls(checkpoint=str(folder), **parameters)

    def push_to_hub(self, repo_id, private=False, token=None) -> str:
        """Upload the checkpoint, not what was fitted, to ``org/name`` on the Hugging Face Hub.

        Args:
            token: of the Hub; None for the one that its command line stored.

        Returns:
            The address of the commit.

        Raises:
            ValueError: ``repo_id`` is not of that form, or there is no such checkpoint.
        """
        from gfncp import hub

        return hub.push(self.checkpoint, repo_id, private, token)
