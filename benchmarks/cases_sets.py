"""Cases B: new points, training, folders, orders of rows, and sets of odd sizes, units and shapes."""

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from unittest.mock import patch

import numpy as np
from cases_checks import (
    CENTRES,
    Case,
    Outcome,
    Place,
    Points,
    all_of,
    clear,
    command,
    finds,
    frame,
    holds,
    recovers,
    same,
    says,
)
from sklearn.datasets import make_blobs

from gfncp import GFNCP
from gfncp.estimators.coreset_inference import CoresetInference
from gfncp.training import batches
from gfncp.training.run_state import iterations_done

LEAST = 0.9
MANY = 1000


def new_points(place: Place) -> Outcome:
    """Expect the set to be read once for all new points, whose clusters are those of the fitted ones."""
    rng = place.rng
    labels = rng.integers(0, 3, 2 * MANY)
    x = CENTRES[labels] + rng.normal(size=(2 * MANY, 2))
    model = place.fit(x[:MANY], n_samples=5)
    with patch.object(CoresetInference, "judge", autospec=True, side_effect=CoresetInference.judge) as judge:
        model.predict(x[MANY : MANY + 10])
        found = model.predict(x[MANY:])
    once = holds("the set is read once", f"{judge.call_count} times", judge.call_count == 1)
    return all_of(once, recovers(found, labels[MANY:], LEAST))


def stopped_training(place: Place) -> Outcome:
    """Expect Ctrl-C to store the state, and to say how to go on."""
    draw, drawn = batches.draw_batch, []

    def draw_and_stop(*arguments):
        drawn.append(None)
        if len(drawn) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(*arguments)

    assert threading.current_thread() is threading.main_thread()  # others get no signals
    run, file = place.folder / "run", place.write(frame(place.rng.normal(size=(300, 4))).to_csv(index=False))
    with patch.object(batches, "draw_batch", draw_and_stop):
        code, said = command(["train", "--data", file, "--output", run, "--iterations", "50"])
    done = iterations_done(run)
    stored = holds("code 130, state stored", f"code {code}, {done} iterations", code == 130 and done > 0)
    return all_of(says(said, "the same command goes on"), stored)


def refused_training(content: str, place: Place) -> Outcome:
    run, file = place.folder / "run", place.write(content)
    code, _ = command(["train", "--data", file, "--output", run, "--iterations", "5"])
    left = sorted(path.name for path in run.iterdir()) if run.exists() else []
    return holds("code 2, no folder", f"code {code}, left {left}", code == 2 and not run.exists())


def busy_cores(place: Place) -> Outcome:
    """Expect the usual threads to be hardly slower than one where other processes keep all cores busy."""
    fit = f"""
import time, numpy as np
from gfncp import GFNCP
x = np.random.default_rng({place.seed}).normal(size=(1000, 2))
GFNCP({place.checkpoint!r}, 10).fit(x[:50])
start = time.perf_counter()
GFNCP({place.checkpoint!r}, 20, random_state=0).fit(x)
print(time.perf_counter() - start)
"""
    default = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    one = default | {"OMP_NUM_THREADS": "1"}
    spin = f"import os\nwhile os.getppid() == {os.getpid()}: pass"  # at most as long as this program runs
    busy = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(os.cpu_count() or 1)]
    try:
        seconds = [
            min(float(subprocess.check_output([sys.executable, "-c", fit], env=each)) for _ in range(2))
            for each in (default, one)
        ]
    finally:
        for each in busy:
            each.kill()
    ratio = seconds[0] / seconds[1]
    return holds("at most 1.5 times as long as with one thread", f"{ratio:.2f} times", ratio <= 1.5)


def labels_and_mode(place: Place) -> Outcome:
    """Expect one cluster where the samples mostly have one: ten rows of skewed numbers."""
    model = place.fit(place.rng.lognormal(size=(10, 23)))
    shares = model.posterior_.n_clusters()
    mode = max(shares, key=shares.__getitem__)
    met = model.n_clusters_ == 1 if mode == 1 else model.n_clusters_ <= 3
    return holds("labels as P(K)'s mode", f"K = {model.n_clusters_}, mode {mode}", met)


def folder_first(place: Place) -> Outcome:
    """Expect an output that is a file to be refused before anything is computed."""
    file = place.write(frame(clear(place)[0]).to_csv(index=False))
    taken = place.write("taken", "taken")
    with patch.object(GFNCP, "fit_sets", autospec=True, side_effect=GFNCP.fit_sets) as fit:
        code, said = command(["cluster", file, "--checkpoint", place.checkpoint, "--output", taken])
    early = holds(
        "code 2, nothing computed", f"code {code}, {fit.call_count} fits", code == 2 and not fit.called
    )
    return all_of(early, says(said, "taken"))


def sets_apart(place: Place) -> Outcome:
    """Expect files of one name in two folders to have different names."""
    text = frame(clear(place)[0]).to_csv(index=False)
    files = [place.write(text, f"{month}/p.csv") for month in ("jan", "feb")]
    output = ("--output", place.folder / "out", "--checkpoint", place.checkpoint, "--samples", "5")
    code, said = command(["cluster", *files, *output])
    return all_of(holds("code 0", code, code == 0), says(said, "jan", "feb"))


def shuffled(place: Place) -> Outcome:
    x, _ = clear(place)
    order = place.rng.permutation(len(x))
    return same(place.fit(x[order]).labels_, place.fit(x).labels_[order])


def seven_points(place: Place) -> Outcome:
    truth = np.repeat([0, 1], [4, 3])
    return recovers(place.fit(10.0 * truth[:, None] + place.rng.normal(size=(7, 2))).labels_, truth, LEAST)


def duplicates(place: Place) -> Outcome:
    x, truth = clear(place)
    again = place.rng.integers(0, len(x), 60)
    labels = place.fit(np.r_[x, x[again]]).labels_
    together = bool((labels[len(x) :] == labels[again]).all())
    return all_of(
        holds("equal rows together", "together" if together else "apart", together),
        recovers(labels, np.r_[truth, truth[again]], LEAST),
    )


def stacked(place: Place) -> Outcome:
    x, truth = clear(place)
    return recovers(place.fit(np.tile(x, (3, 1))).labels_, np.tile(truth, 3), LEAST)


def one_column(place: Place) -> Outcome:
    labels = clear(place)[1]
    return recovers(place.fit(8.0 * labels[:, None] + place.rng.normal(size=(150, 1))).labels_, labels, LEAST)


def constant_columns(place: Place) -> Outcome:
    x, _ = clear(place)
    return same(place.fit(np.c_[x, np.full((len(x), 2), 7.0)]).labels_, place.fit(x).labels_)


def moved(place: Place) -> Outcome:
    x, truth = clear(place)
    return recovers(place.fit(x + 1e13).labels_, truth, LEAST)


def scaled(factor: float, place: Place) -> Outcome:
    x, truth = clear(place)
    return recovers(place.fit(factor * x).labels_, truth, LEAST)


def groups(sizes: list[int], dim: int, apart: float, place: Place, unit: bool = False) -> Outcome:
    """Expect round clusters whose centres are random, with ``apart`` standard deviations in each column."""
    centres = apart * place.rng.normal(size=(len(sizes), dim))
    x, truth = make_blobs(sizes, dim, centers=centres, random_state=place.seed)
    if unit:
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return recovers(place.fit(x).labels_, truth, LEAST)


def no_structure(draw: str, place: Place) -> Outcome:
    rng = place.rng
    x: Points = rng.uniform(size=(300, 2)) if draw == "square" else rng.normal(size=(300, int(draw)))
    return finds(place.fit(x), 1)


def unequal(place: Place) -> Outcome:
    rng = place.rng
    x = np.r_[rng.normal(size=(1000, 2)), [15.0, 0.0] + rng.normal(size=(5, 2))]
    return recovers(place.fit(x).labels_, np.repeat([0, 1], [1000, 5]), LEAST)


CASES: dict[str, dict[str, Case]] = {
    "B": {
        "1000 new points": new_points,
        "busy cores": busy_cores,
        "Ctrl-C in training": stopped_training,
        "too few points to train on": partial(refused_training, "a,b\n" + "1,2\n3,5\n" * 5),
        "text to train on": partial(refused_training, "a,b\n" + "1,u\n3,v\n" * 150),
        "labels as the mode": labels_and_mode,
        "folder that is a file": folder_first,
        "files of one name": sets_apart,
        "shuffled rows": shuffled,
        "seven points": seven_points,
        "duplicates": duplicates,
        "stacked copies": stacked,
        "one column": one_column,
        "constant columns": constant_columns,
        "offset of 1e13": moved,
        **{f"scale of {factor:g}": partial(scaled, factor) for factor in (1e-200, 1e-10, 1e10, 1e150)},
        "24 x 384": partial(groups, [8, 8, 8], 384, 1.0),
        "unit rows, 768 columns": partial(groups, [60] * 5, 768, 1.0, unit=True),
        **{f"no structure, {draw}": partial(no_structure, draw) for draw in ("square", "2", "10")},
        "1000 against 5": unequal,
        "30 clusters, 512 columns": partial(groups, [20] * 30, 512, 1.0),
    }
}
