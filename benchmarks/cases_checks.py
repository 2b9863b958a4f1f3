"""Outcomes of users' cases: what was expected, what was observed, and whether that is the same."""

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP
from gfncp.cli import main
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets

CENTRES = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
SHOWN = 90  # characters of a message

Points = Float[np.ndarray, "points dim"]
Labels = Int[np.ndarray, "points"]
Table = Points | pd.DataFrame


@dataclass(frozen=True)
class Outcome:
    """Expected and observed outcome of a case; ``met`` is None where it could not be run."""

    expected: str
    observed: str
    met: bool | None


@dataclass(frozen=True)
class Place:
    """Surroundings of a case: an empty folder, a checkpoint, and random numbers of its own."""

    folder: Path
    checkpoint: str
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def fit(self, X: Table, **parameters) -> GFNCP:
        """Cluster points as a user does, without a word."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return GFNCP(self.checkpoint, random_state=0, **parameters).fit(X)

    def write(self, content: str | bytes, name: str = "x.csv") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, path: Path, **said) -> Table:
        """The points in a file, as `gfncp cluster` reads it when it is told so."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return read_sets([path], Roles(), Reading(**said))[0].points


Case = Callable[[Place], Outcome]


def clear(place: Place) -> tuple[Points, Labels]:
    """Draw three clear round clusters of 50 points, in random order."""
    rng = place.rng
    labels = rng.permutation(np.repeat(np.arange(3), 50))
    return CENTRES[labels] + rng.normal(size=(150, 2)), labels


def frame(x: Points) -> pd.DataFrame:
    return pd.DataFrame(x, columns=[f"x{column}" for column in range(x.shape[1])])


def recovers(labels: Labels, truth: Labels, least: float) -> Outcome:
    ari = adjusted_rand_score(truth, labels)
    return Outcome(f"ARI >= {least:g}", f"{ari:.2f}", bool(ari >= least))


def finds(model: GFNCP, clusters: int) -> Outcome:
    return Outcome(f"K = {clusters}", f"K = {model.n_clusters_}", model.n_clusters_ == clusters)


def same(first: Labels, second: Labels) -> Outcome:
    """Expect equal clusterings."""
    ari = adjusted_rand_score(first, second)
    return Outcome("the same labels", f"ARI {ari:.3f}", bool(ari == 1))


def refuses(call: Callable[[], object], *patterns: str) -> Outcome:
    """Expect an error with a message in which all of the patterns are found."""
    try:
        call()
    except (ValueError, TypeError) as error:
        return says(" ".join(str(error).split()), *patterns)
    return Outcome(_listed(patterns), "accepted", False)


def warns(call: Callable[[], object], *patterns: str) -> Outcome:
    """Expect that the patterns are found in warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return says(" | ".join(str(each.message) for each in caught) or "no warning", *patterns)


def says(text: str, *patterns: str) -> Outcome:
    missing = [pattern for pattern in patterns if not re.search(pattern, text)]
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    lacks = f"; lacks {_listed(missing)}" if missing else ""
    return Outcome(_listed(patterns), shown + lacks, not missing)


def all_of(*outcomes: Outcome) -> Outcome:
    """Expect each of several; what failed is shown, or the last."""
    failed = [each.observed for each in outcomes if not each.met]
    expected = "; ".join(dict.fromkeys(each.expected for each in outcomes))
    observed = "; ".join(failed) if failed else outcomes[-1].observed
    return Outcome(expected, observed, not failed)


def holds(expected: str, observed: object, met: bool) -> Outcome:
    return Outcome(expected, str(observed), bool(met))


def command(arguments: Sequence[object]) -> tuple[int, str]:
    """Run a command of `gfncp` in this process: its exit code, and all that it says."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main([str(each) for each in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, " ".join(said.getvalue().split())


def _listed(patterns: Sequence[str]) -> str:
    return "says " + ", ".join(pattern.replace("\\", "") for pattern in patterns)
