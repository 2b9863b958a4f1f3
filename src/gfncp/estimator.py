"""The scikit-learn interface."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from gfncp import orders, persistence
from gfncp.checkpoints import load_kind, seeded
from gfncp.online import OnlineEnergyNetwork
from gfncp.partitions import canonical_labels
from gfncp.posterior import Posterior
from gfncp.prediction import predictive
from gfncp.streaming import Stream
from gfncp.validation import check_points

KINDS = ("energy", "interacting-energy", "online-energy")  # networks with probabilities of clusterings
ORDERS_SEED = 0  # orders are the same in every call, so that log-probabilities can be compared


class GFNCP(ClusterMixin, BaseEstimator):
    """Posterior over clusterings, by a pretrained network; nothing is fitted but the posterior itself.

    Args:
        checkpoint: name of a checkpoint that ships with the package, or a folder.
        n_samples: number of clusterings sampled from the posterior.
        n_orders: number of data orders over which probabilities are averaged, see `gfncp.orders`; the first
            is the order of the rows, the others are random but the same in every call.
        random_state: seed of the samples; None for a different one each time.

    Attributes:
        labels_: the greedy clustering, ``(n_samples,)``; with several orders, the most probable of theirs.
        n_clusters_: its number of clusters.
        probabilities_: how sure each point's place is, see `Posterior.confidence`.
        posterior_: the sampled `Posterior`.

    Example:
        >>> import numpy as np
        >>> X = np.r_[np.zeros((5, 2)), np.full((5, 2), 20.0)]
        >>> GFNCP(checkpoint="mog-2d", random_state=0).fit(X).n_clusters_
        2

    References:
        Chelly, Uziel, Freifeld, Pakman. Consistent Amortized Clustering via Generative Flow Networks.
        AISTATS 2025.
    """

    def __init__(self, checkpoint="mog-2d", n_samples=100, n_orders=1, random_state=None):
        self.checkpoint = checkpoint
        self.n_samples = n_samples
        self.n_orders = n_orders
        self.random_state = random_state

    def fit(self, X, y=None) -> "GFNCP":
        """Cluster ``X``, ``(n_samples, n_features)`` or ``(n_samples, 28, 28)``; ``y`` is ignored.

        Raises:
            ValueError: ``X`` or a parameter is not what the checkpoint accepts.
        """
        self._check_counts()
        model = load_kind(self.checkpoint, *KINDS)
        x = self._points(model, X)
        if isinstance(model, OnlineEnergyNetwork) and self.n_orders == 1:
            return self._go_on(model, Stream.start(int(self.n_samples), self._generator()), x)
        along = self._orders(x)
        labels, greedy_log_prob = orders.greedy(model, x, along)
        self._check_finite(greedy_log_prob, x)
        drawn, log_prob = orders.sample(model, x, int(self.n_samples), along, self._generator())
        posterior = Posterior.from_samples(drawn[0].numpy(), log_prob[0].numpy())
        return self._conclude(x[0].numpy().copy(), labels[0].numpy(), posterior, None)

    def partial_fit(self, X, y=None) -> "GFNCP":
        """Assign the points of ``X`` in turn, after those of earlier calls, whose labels stay.

        However a stream is split into batches, the result is that of one `fit` of the whole. After `fit`, it
        goes on from there.

        Raises:
            ValueError: the checkpoint is not online, ``n_orders`` is not 1, or ``X`` is not what it accepts.
        """
        self._check_counts()
        model = load_kind(self.checkpoint, *KINDS)
        if not isinstance(model, OnlineEnergyNetwork):
            raise ValueError(
                f"checkpoint={str(self.checkpoint)!r}: partial_fit accepts checkpoints that were trained "
                "online (network.kind = 'online-energy')"
            )
        if self.n_orders != 1:
            raise ValueError(f"n_orders={self.n_orders}: a stream has one order, partial_fit accepts 1")
        x = self._points(model, X)
        if getattr(self, "_stream", None) is None:
            return self._go_on(model, Stream.start(int(self.n_samples), self._generator()), x)
        return self._go_on(model, self._stream, x, self._x)

    def predict(self, X) -> Int[np.ndarray, "n_new"]:
        """The most probable cluster of each new point, see `predict_proba`.

        The label ``n_clusters_`` says that it would open a cluster of its own; new points that would do so
        need not belong together.
        """
        return self.predict_proba(X).argmax(1)

    def predict_proba(self, X) -> Float[np.ndarray, "n_new clusters"]:
        """Probabilities of new points' clusters: those of ``labels_``, and last a new one.

        Each new point is judged on its own, as the next one after the fitted points with their ``labels_``:
        p(c_{N+1} | c_{1:N}, x_{1:N+1}).

        Raises:
            ValueError: ``X`` is not what the checkpoint accepts.
        """
        check_is_fitted(self)
        model = load_kind(self.checkpoint, *KINDS)
        new = self._points(model, X)[0]
        log_prob = predictive(model, torch.from_numpy(self._x), torch.from_numpy(self.labels_), new)
        return log_prob.exp().numpy()

    def save(self, folder) -> None:
        """Write the fitted estimator, with its checkpoint, into ``folder``, without pickle; see `load`.

        Raises:
            ValueError: ``random_state`` is neither None nor an integer.
        """
        check_is_fitted(self)
        arrays = {"x": self._x, "labels": self.labels_}
        arrays |= {f"posterior/{name}": value for name, value in vars(self.posterior_).items()}
        fitted = {name: torch.from_numpy(value) for name, value in arrays.items()}
        if self._stream is not None:
            fitted |= {f"stream/{name}": value for name, value in self._stream.tensors().items()}
        persistence.write(folder, self.get_params(), fitted)

    @classmethod
    def load(cls, folder) -> "GFNCP":
        """The fitted estimator that `save` wrote; its ``checkpoint`` is ``folder``.

        Raises:
            ValueError: ``folder`` holds no intact estimator.
        """
        parameters, fitted = persistence.read(folder)
        posterior, stream = (
            {name.removeprefix(part): value for name, value in fitted.items() if name.startswith(part)}
            for part in ("posterior/", "stream/")
        )
        return cls(**parameters)._conclude(
            fitted["x"].numpy(),
            fitted["labels"].numpy(),
            Posterior(**{name: value.numpy() for name, value in posterior.items()}),
            Stream.from_tensors(stream) if stream else None,
        )

    def log_prob(self, X, labels) -> float | Float[np.ndarray, "clusterings"]:
        """log p(labels | X), averaged over ``n_orders``; any integer or text labels, one or many rows.

        Args:
            labels: one clustering, ``(n_samples,)``, or many, ``(m, n_samples)``.

        Raises:
            ValueError: ``labels`` does not have one label per row of ``X``, or ``X`` is not accepted.
        """
        model = load_kind(self.checkpoint, *KINDS)
        x = self._points(model, X)
        labels = np.asarray(labels)
        if labels.ndim not in (1, 2) or labels.shape[-1] != x.shape[1] or len(labels) == 0:
            raise ValueError(
                f"labels has shape {labels.shape}: accepted is ({x.shape[1]},) or (m, {x.shape[1]})"
            )
        names = pd.factorize(labels.ravel())[0].reshape(labels.shape)
        if names.min() < 0:
            place = tuple(np.argwhere(names < 0)[0].tolist())
            raise ValueError(f"labels{list(place)} is {labels[place]}: accepted is a label for every point")
        canonical = canonical_labels(torch.from_numpy(np.atleast_2d(names)))
        values = orders.log_prob(model, x, canonical[None], self._orders(x))[0]
        self._check_finite(values, x)
        return float(values[0]) if labels.ndim == 1 else values.numpy()

    def _go_on(self, model, stream: Stream, x: torch.Tensor, *earlier: np.ndarray) -> "GFNCP":
        stream = stream.extend(model, x[0])
        drawn, log_prob = stream.samples
        posterior = Posterior.from_samples(drawn.numpy(), log_prob.numpy())
        every = np.concatenate([*earlier, x[0].numpy()])
        return self._conclude(every, stream.greedy.labels[0].numpy().copy(), posterior, stream)

    def _conclude(
        self, x: np.ndarray, labels: np.ndarray, posterior: Posterior, stream: Stream | None
    ) -> "GFNCP":
        self._x, self._stream = x, stream
        self.posterior_ = posterior
        self.labels_ = labels
        self.n_clusters_ = int(labels.max()) + 1
        self.probabilities_ = posterior.confidence(labels)
        self.n_features_in_ = int(np.prod(x.shape[1:]))
        return self

    def _check_counts(self) -> None:
        for name in ("n_samples", "n_orders"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name}={value!r}: accepted is an integer of at least 1")

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(int(check_random_state(self.random_state).randint(2**31 - 1)))

    def _orders(self, x: torch.Tensor) -> Int[torch.Tensor, "orders points"]:
        return orders.random_orders(int(self.n_orders), x.shape[1], seeded(ORDERS_SEED))

    def _points(self, model, X) -> Float[torch.Tensor, "1 points *shape"]:
        return check_points(X, model.encoder.point_shape, self.checkpoint)

    def _check_finite(self, log_prob: torch.Tensor, x: torch.Tensor) -> None:
        if not log_prob.isfinite().all():
            raise ValueError(
                f"X has values from {float(x.min()):g} to {float(x.max()):g}: too far apart for "
                f"{str(self.checkpoint)!r}, whose energies of them are not finite"
            )
