"""Estimator of the posterior over clusterings, with the interface of scikit-learn."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from sklearn.base import ClusterMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gfncp.bounds import ClusterBounds
from gfncp.checkpoints import DEFAULT, WEIGHTS, find, load_configuration
from gfncp.coresets.units import Scale
from gfncp.data.checks import check_each_set, check_known, check_labels, check_weights
from gfncp.decoding.stream import Stream
from gfncp.estimators import persistence, streaming
from gfncp.estimators.answer import decide
from gfncp.estimators.embedded_coreset_inference import class_of
from gfncp.estimators.fitted import Fitted
from gfncp.estimators.inference import Given, Inference, Judge
from gfncp.estimators.kept import Kept
from gfncp.estimators.outside import of_stream, warn_unlike_set
from gfncp.estimators.points import PointsMixin
from gfncp.estimators.pretrained import PretrainedMixin
from gfncp.estimators.threads import with_n_jobs
from gfncp.posterior.decision import of_reported
from gfncp.posterior.explanation import describe_clusters
from gfncp.posterior.posterior import Posterior

COUNT = Interval(Integral, 1, None, closed="left")


class GFNCP(PretrainedMixin, ClusterMixin, PointsMixin):
    """Posterior over clusterings, by a pretrained network; nothing is fitted but the posterior itself.

    Points are arrays or DataFrames ``(n_samples, n_features)``, or images ``(n_samples, 28, 28)``: the
    checkpoint decides which. Polars and pyarrow tables become DataFrames. Missing values, also those that an
    array masks, are filled in with a warning. Categories, dates and lists of numbers become coordinates, see
    `gfncp.data.columns`. Columns that name the rows are left out, see `gfncp.data.column_uses`.

    Args:
        checkpoint: name of a checkpoint that ships with the package, or a folder; see also `from_pretrained`.
        n_samples: number of clusterings sampled from the posterior.
        n_orders: number of orders of the points along which probabilities are computed. Checkpoints of points
            pool them by the geometric mean, see `gfncp.decoding.pool`, those of coresets by the arithmetic
            mean, see `gfncp.decoding.orders`. Time grows with their number. Orders are random, since rows are
            often sorted, but the same in every call; a stream keeps the order of its points. None for 8 with
            checkpoints of points, 1 with those of coresets and those that were trained online.
        n_clusters: what is known of the number of clusters: None for nothing, an integer, or inclusive bounds
            ``(low, high)``. They are kept by decoding, see `gfncp.bounds`.
        random_state: seed of the samples; None for a different one each time.
        device: device that the network runs on, such as "cuda"; None for PyTorch's default.
        scale: how columns are brought to one unit, by checkpoints that take arrays of any width: "columns"
            standardises each, "none" keeps the unit that they share, "unit-length" brings each row to length
            1; "auto" chooses by the rule of `gfncp.coresets.units.choose_scale`.
        max_joint: largest number of points that are decoded jointly; None for the most that the checkpoint
            was trained on, and at most 1000. The other points of a larger set are assigned given these: see
            `gfncp.decoding.core`, also for time and memory. For a checkpoint of coresets, it is the number of
            micro-clusters that summarise a set, see `gfncp.coresets.placement`; None for one for every four
            points, within limits, and smaller coresets beside it (`gfncp.estimators.coreset_sizes`).
            Streams, which checkpoints that were trained online decode, have no such limit.
        n_jobs: number of threads that compute, -1 for all cores, -2 for all but one, and so on; None leaves
            that to PyTorch. Results do not depend on it, but for rounding. Import gfncp before PyTorch, or
            set it to 1, where other programs keep the cores busy: see `gfncp.waiting`.
        min_cluster_size: number of points that a cluster of ``labels_`` has at least. A smaller one joins
            the cluster with which it shares points most probably, see `gfncp.posterior.decision.merge_small`;
            what is known (``n_clusters``, ``known_labels``) is kept. The posterior stays as it is.
        noise: "label" gives points that are probably noise the label -1; None keeps each in its cluster.
        noise_threshold: the probability of noise from which it is labelled, above 0 and up to 1, see
            `Posterior.noise_probability`.
        categorical_weight: how much a category or flag counts in squared distances, beside 1 for a numeric
            column; 0 leaves them out; None for 0.1 with checkpoints of coresets, 1 with others. Numbers other
            than 0 and 1 need a checkpoint of coresets. See `gfncp.data.columns`.

    Attributes:
        labels_: one clustering, ``(n_samples,)``: the greedy one, unless the samples contradict it, or a
            point's place in it, see `gfncp.posterior.decision`. The greedy clustering is the one that agrees
            best with the others, of those along 16 orders, or ``n_orders`` if these are more. Checkpoints of
            coresets report what greedy clusterings and samples of several coresets agree on. A stream keeps
            the greedy clustering along the order of its points, whatever the samples say. Noise is -1, if it
            is labelled.
        n_clusters_: its number of clusters, without noise.
        probabilities_: how sure each point's place is, see `Posterior.confidence`.
        posterior_: the sampled `Posterior`; the greedy clustering and ``labels_``, before noise is labelled,
            are among its `Posterior.candidates`.
        X_: the points as numbers: missing values filled in, categories as coordinates.
        columns_: what each column was used as, a `gfncp.data.column_uses.Column`; none of images.
        outside_: warnings that points are unlike those that the checkpoint was trained on.
        scale_: how columns were brought to one unit; None where they were taken as they are.
        n_features_in_: number of features of a point; of an image, number of pixels.
        feature_names_in_: names of the columns, if all are text.

    Example:
        >>> import numpy as np
        >>> X = np.r_[np.zeros((5, 2)), np.full((5, 2), 20.0)]
        >>> GFNCP(checkpoint="mog-2d", random_state=0).fit(X).n_clusters_
        2

    References:
        Chelly, Uziel, Freifeld, Pakman. Consistent Amortized Clustering via Generative Flow Networks.
        AISTATS 2025.
    """

    checkpoint: str | Path
    feature_names_in_: np.ndarray  # absent without names

    _parameter_constraints: ClassVar[dict] = {  # others are checked where they are used
        "checkpoint": [str, PathLike],
        "n_samples": [COUNT],
        "n_orders": [COUNT, None],
        "random_state": ["random_state"],
        "max_joint": [COUNT, None],
        "min_cluster_size": [COUNT],
        "noise": [StrOptions({"label"}), None],
        "noise_threshold": [Interval(Real, 0, 1, closed="right")],
        "categorical_weight": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        checkpoint=DEFAULT,
        n_samples=100,
        n_orders=None,
        n_clusters=None,
        random_state=None,
        device=None,
        max_joint=None,
        n_jobs=None,
        scale="auto",
        min_cluster_size=1,
        noise=None,
        noise_threshold=0.5,
        categorical_weight=None,
    ):
        self.checkpoint = checkpoint
        self.n_samples = n_samples
        self.n_orders = n_orders
        self.n_clusters = n_clusters
        self.random_state = random_state
        self.device = device
        self.max_joint = max_joint
        self.n_jobs = n_jobs
        self.scale = scale
        self.min_cluster_size = min_cluster_size
        self.noise = noise
        self.noise_threshold = noise_threshold
        self.categorical_weight = categorical_weight

    @with_n_jobs
    def fit(self, X, y=None, known_labels=None, sample_weight=None) -> "GFNCP":
        """Cluster ``X``; ``y`` is ignored.

        Args:
            known_labels: clusters that are known, ``(n_samples,)``, as integers or names; -1 or a missing
                value where none is. Rows of equal labels share a cluster, rows of different ones do not, and
                other rows may join these clusters or open others. Needs a checkpoint of coresets.
            sample_weight: how often each row counts, ``(n_samples,)``, from 0; None for once. Needs a
                checkpoint of coresets.

        Raises:
            ValueError: ``X`` or a parameter is not what the checkpoint accepts.
        """
        return self._fit(self._inference(), X, known_labels, sample_weight)

    def prepare(self) -> Callable[[object], "GFNCP"]:
        """Load the model once; return a function that fits a new estimator with these parameters to a set.

        Raises:
            ValueError: as `fit`.
        """
        inference = self._inference()
        return lambda X: cast("GFNCP", clone(self))._fit(inference, X)

    @with_n_jobs
    def fit_sets(
        self,
        sets: Sequence,
        done: Callable[[int], object] = lambda count: None,
        known_labels: Sequence | None = None,
        sample_weight: Sequence | None = None,
    ) -> list["GFNCP"]:
        """Cluster many sets, each on its own but side by side in one batch; return an estimator for each.

        Args:
            sets: what `fit` accepts, once per set.
            done: is told how many sets were finished since it was last told.
            known_labels, sample_weight: for each set what `fit` accepts, or None; None for no set. Names of
                known clusters mean the same within a set only, and sets with such are clustered one by one.

        Raises:
            ValueError: as `fit`.
        """
        inference, generator = self._inference(), self._generator()
        fitted = [cast("GFNCP", clone(self)) for _ in sets]
        points = [one._read(inference, X, reset=True) for one, X in zip(fitted, sets, strict=True)]
        known = check_each_set("known_labels", known_labels, check_known, points)
        weights = check_each_set("sample_weight", sample_weight, check_weights, points)
        given = [
            one._given_of(inference, x, one._columns, *told)
            for one, x, *told in zip(fitted, points, weights, known, strict=True)
        ]
        indices = [_index(X) for X in sets]
        if inference.streams:
            for one, x, index in zip(fitted, points, indices, strict=True):
                one._start(inference, x, index)
                done(1)
            return fitted
        for batch in inference.batches(given):
            some, index = [given[place] for place in batch], [indices[place] for place in batch]
            self._fit_batch(inference, some, index, [fitted[place] for place in batch], generator)
            done(len(batch))
        return fitted

    @available_if(lambda self: streaming.check_online(self.checkpoint))
    @with_n_jobs
    def partial_fit(self, X, y=None) -> "GFNCP":
        """Assign the points of ``X`` in turn, after those of earlier calls, whose labels stay.

        However a stream is split into batches, the result is that of one `fit` of the whole. After `fit`, it
        goes on from there. Only checkpoints that were trained online have this method.

        Raises:
            ValueError: ``n_orders`` or ``min_cluster_size`` is not 1, ``n_clusters`` or ``noise`` is not
                None, or ``X`` is not what is accepted.
        """
        streaming.check_parameters(self.get_params())
        inference = self._inference()
        stream = getattr(self, "_stream", None)
        x, index = self._read(inference, X, reset=stream is None), _index(X)
        if stream is None:
            return self._start(inference, x, index)
        earlier = self.posterior_.index
        index = None if earlier is None or index is None else earlier.append(index)
        return self._go_on(inference, stream, x, index, self.X_)

    def predict(self, X) -> Int[np.ndarray, "n_new"]:
        """Return the most probable cluster of each new point, see `predict_proba`.

        The label ``n_clusters_`` says that it would open a cluster of its own; new points that would do so
        need not belong together. With an integer ``n_clusters`` there is no such label.
        """
        return self.predict_proba(X).argmax(1)

    @with_n_jobs
    def predict_proba(self, X) -> Float[np.ndarray, "n_new clusters"]:
        """Return probabilities of new points' clusters: those of ``labels_``, and last a new one.

        A cluster whose points are all labelled as noise counts as new.

        Each new point is judged on its own, as the next one after the fitted points with their ``labels_``:
        p(c_{N+1} | c_{1:N}, x_{1:N+1}), in double precision. In a set of more than ``max_joint`` points,
        those that were decoded jointly stand for all.

        Raises:
            ValueError: ``X`` is not what the checkpoint accepts, or the fitted points are not.
        """
        check_is_fitted(self)
        inference, judge = self._kept.get(self._key(), self._judge)
        new = self._read(inference, X, reset=False)
        return of_reported(judge(new), self._clustering, self.labels_)

    @with_n_jobs
    def score(self, X, y=None) -> float:
        """Return a clustering's mean log-probability per point: log p(y | X) / n, in nats, at most 0.

        With the known labels of ``X`` as ``y`` it is a proper score: on average it is highest for the true
        posterior, so checkpoints and parameters can be compared. Without ``y``, it is the score of the greedy
        clustering of ``X``: how sure the network is of it.

        Raises:
            ValueError: ``X`` is not what was fitted, or ``y`` does not have a label per point.
        """
        check_is_fitted(self)
        inference = self._inference()
        x = self._read(inference, X, reset=False)
        given = self._given_of(inference, x, self._columns)
        labels = inference.greedy(given).cpu()[None] if y is None else check_labels(y, len(x))
        return float(inference.log_prob(given, labels)[0]) / len(x)

    @with_n_jobs
    def log_prob(self, X, labels) -> float | Float[np.ndarray, "clusterings"]:
        """Return log p(labels | X), pooled over ``n_orders``; labels: integers or text, one or many rows.

        Args:
            labels: one clustering, ``(n_samples,)``, or many, ``(m, n_samples)``.

        Raises:
            ValueError: ``labels`` does not have one label per row of ``X``, or ``X`` is not accepted.
        """
        inference = self._inference()
        x, columns = self._coordinates(inference, self._array_of(inference, X), None)
        given = self._given_of(inference, x, columns)
        values = inference.log_prob(given, check_labels(labels, len(x)))
        return float(values[0]) if np.ndim(labels) == 1 else values

    def describe_clusters(self, X, feature_names=None) -> pd.DataFrame:
        """Return the columns that set each cluster of ``labels_`` apart, the largest effect first.

        Args:
            X: the table that was fitted.
            feature_names: names of its columns; default: those of a DataFrame, or x0, x1, ...

        Returns:
            A row for each cluster and column, see `gfncp.posterior.explanation.describe_clusters`.

        Raises:
            ValueError: ``X`` is no table of as many rows as were fitted, or a name is missing.

        Example:
            >>> model.describe_clusters(frame).groupby("cluster").head(3)  # doctest: +SKIP
        """
        check_is_fitted(self)
        described = describe_clusters(X, self.labels_, feature_names)
        left_out = [column.name for column in self.columns_ if column.used == "left out"]
        used = ~described["feature"].astype(str).isin(left_out)
        return described.loc[used].reset_index(drop=True)

    def save(self, folder) -> None:
        """Write the fitted estimator, with its checkpoint, into ``folder``, without pickle; see `load`.

        Raises:
            ValueError: ``random_state`` is neither None nor an integer.
        """
        check_is_fitted(self)
        fitted = Fitted(
            self._given,
            self._clustering,
            self.labels_,
            self.posterior_,
            self._stream,
            self._columns,
            self.outside_,
            self.n_features_in_,
            getattr(self, "feature_names_in_", None),
        )
        persistence.write_estimator(Path(folder), self.get_params(), *fitted.stored())

    @classmethod
    def load(cls, folder) -> "GFNCP":
        """Return the fitted estimator that `save` wrote; its ``checkpoint`` is ``folder``.

        Raises:
            ValueError: ``folder`` holds no intact estimator.
        """
        try:
            parameters, tensors, texts = persistence.read_estimator(Path(folder))
            return cls(**parameters)._restore(Fitted.restored(tensors, texts))
        except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise ValueError(f"{folder}: not a saved estimator ({error!r})") from None

    def _restore(self, fitted: Fitted) -> "GFNCP":
        self._columns, self.outside_, self.n_features_in_ = fitted.columns, fitted.outside, fitted.n_features
        self.columns_ = [] if fitted.columns is None else list(fitted.columns.used)
        if fitted.feature_names is not None:
            self.feature_names_in_ = fitted.feature_names
        posterior = fitted.posterior
        return self._conclude(
            fitted.given, fitted.clustering, fitted.labels, posterior, posterior.index, fitted.stream
        )

    @with_n_jobs
    def _fit(self, inference: Inference, X, known_labels=None, sample_weight=None) -> "GFNCP":
        x = self._read(inference, X, reset=True)
        weights = None if sample_weight is None else check_weights(sample_weight, len(x))
        known = None if known_labels is None else check_known(known_labels, len(x))
        given = self._given_of(inference, x, self._columns, weights, known)
        if inference.streams:
            return self._start(inference, x, _index(X))
        return self._fit_batch(inference, [given], [_index(X)], [self], self._generator())[0]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "posterior_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    def _inference(self) -> Inference:
        self._validate_params()
        ClusterBounds.of(self.n_clusters)
        max_joint = None if self.max_joint is None else int(self.max_joint)
        kind = class_of(load_configuration(self.checkpoint))
        n_orders = None if self.n_orders is None else int(self.n_orders)
        return kind.of(self.checkpoint, self.device, n_orders, self.n_clusters, max_joint)

    def _judge(self) -> tuple[Inference, Judge]:
        inference = self._inference()
        inference.check_fitted(self._given)
        return inference, inference.judge(self._given, self._clustering)

    def _key(self) -> tuple[str, int]:
        """Return what predictions depend on besides the points: parameters, and when weights were written."""
        return repr(self.get_params()), (find(self.checkpoint) / WEIGHTS).stat().st_mtime_ns

    def _fit_batch(
        self,
        inference: Inference,
        sets: list[Given],
        indices: list[pd.Index | None],
        fitted: list["GFNCP"],
        generator: torch.Generator,
    ) -> list["GFNCP"]:
        """Cluster some sets side by side, or one that is large; return their estimators."""
        found = inference.cluster(sets, int(self.n_samples), generator)
        for one, given, index, (greedy, posterior) in zip(fitted, sets, indices, found, strict=True):
            log_prob = cast(float, posterior.log_prob_of(greedy))
            one.outside_ = one.outside_ + warn_unlike_set(inference, given, greedy, log_prob)
            one._decide(inference, given, inference.settle(given, greedy, posterior), posterior, index)
        return fitted

    def _start(self, inference: Inference, x: np.ndarray, index: pd.Index | None) -> "GFNCP":
        """Return the estimator after the first points of a stream."""
        return self._go_on(inference, Stream.start(int(self.n_samples), self._generator()), x, index)

    def _go_on(
        self,
        inference: Inference,
        stream: Stream,
        x: np.ndarray,
        index: pd.Index | None,
        *earlier: np.ndarray,
    ) -> "GFNCP":
        stream, x, labels, posterior = streaming.extend(inference, stream, x, *earlier)
        self.outside_ = of_stream(self.outside_, inference, Given(x), labels, float(stream.log_prob))
        return self._decide(inference, Given(x), labels, posterior, index, stream)

    def _decide(
        self,
        inference: Inference,
        given: Given,
        labels: np.ndarray,
        posterior: Posterior,
        index: pd.Index | None,
        stream: Stream | None = None,
    ) -> "GFNCP":
        """Report a clustering, without small clusters and noise where that is asked for."""
        bounds = ClusterBounds.of(self.n_clusters)
        fewest = 1 if bounds is None else bounds.low
        noise_threshold = float(self.noise_threshold) if self.noise == "label" else None
        smallest = int(self.min_cluster_size)
        answer = decide(inference, given, labels, posterior, smallest, fewest, noise_threshold)
        return self._conclude(given, *answer, index, stream)

    def _conclude(
        self,
        given: Given,
        clustering: np.ndarray,
        labels: np.ndarray,
        posterior: Posterior,
        index: pd.Index | None,
        stream: Stream | None = None,
    ) -> "GFNCP":
        """Set what `fit` or `load` leaves behind, besides what reading the points does."""
        self.X_, self._given, self._stream = given.x, given, stream
        self.scale_: Scale | None = given.scale if given.x.ndim == 2 else None  # images are taken as they are
        self._kept: Kept[tuple[Inference, Judge]] = Kept()
        self.posterior_ = posterior.named(index)
        self._clustering = clustering  # without noise
        self.labels_ = labels
        self.n_clusters_ = int(labels.max()) + 1
        self.probabilities_ = posterior.confidence(labels)
        return self

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(int(check_random_state(self.random_state).randint(2**31 - 1)))


def _index(X: object) -> pd.Index | None:
    return X.index if isinstance(X, pd.DataFrame) else None
