"""Cases A4 to A8: outliers and sentinels, coarse numbers, categories, and data of another kind."""

from functools import partial

import numpy as np
from cases_checks import (
    CENTRES,
    Case,
    Outcome,
    Place,
    all_of,
    clear,
    command,
    finds,
    frame,
    holds,
    recovers,
    refuses,
    says,
    warns,
)
from families_data import likert
from sklearn.metrics import adjusted_rand_score

from gfncp import GFNCP

LEAST = 0.9


def gross(value: float, rows: int, place: Place) -> Outcome:
    """Expect the three clusters beside rows that hold one value far away."""
    x, truth = clear(place)
    labels = place.fit(np.r_[x, np.full((rows, 2), value)]).labels_
    return recovers(labels[: len(x)], truth, LEAST)


def in_one_column(place: Place) -> Outcome:
    x, truth = clear(place)
    x[:5, 1] = -999
    return recovers(place.fit(x).labels_[5:], truth[5:], LEAST)


def sentinel_is_named(code: float, place: Place) -> Outcome:
    """Expect a note of the estimator and of the command, which then reads the value as missing."""
    x, _ = clear(place)
    table = frame(x.round(2))
    table.loc[:4, "x1"] = code
    text = rf"{code:g} stands in 5 rows of x1.*--missing {code:g}"
    noted = warns(lambda: GFNCP(place.checkpoint, n_samples=5, random_state=0).fit(table), text)
    path = place.write(table.to_csv(index=False))
    output = ("--output", place.folder / "out", "--checkpoint", place.checkpoint, "--samples", "5")
    said = command(["cluster", path, *output])[1]
    told = command(["cluster", path, *output, "--missing", f"{code:g}"])[1]
    silent = "stands in" not in told
    quiet = holds("silent once told", "named, and silent once told" if silent else "not silent", silent)
    return all_of(noted, says(said, text), says(told, r"5 filled in"), quiet)


def ordinary_tables_are_not_suspected(place: Place) -> Outcome:
    x, _ = clear(place)
    answers, _ = likert(place.rng)
    found = [column.sentinels for table in (x, np.rint(x), answers) for column in place.fit(table).columns_]
    return holds("nothing is suspected", "nothing" if not any(found) else str(found), not any(found))


def rounded(digits: float, place: Place) -> Outcome:
    x, truth = clear(place)
    return recovers(place.fit(np.rint(x / digits) * digits).labels_, truth, LEAST)


def questionnaire(place: Place) -> Outcome:
    x, truth = likert(place.rng)
    return recovers(place.fit(x).labels_, truth, LEAST)


def random_flag(weight: float | None, place: Place) -> Outcome:
    x, truth = clear(place)
    table = frame(x).assign(flag=place.rng.integers(0, 2, len(x)) > 0)
    return recovers(place.fit(table, categorical_weight=weight).labels_, truth, LEAST)


def random_kinds(kinds: int, place: Place) -> Outcome:
    x, truth = clear(place)
    x = x * [1, 100]  # other units, so that columns are standardised
    table = frame(x).assign(kind=[f"k{code}" for code in place.rng.integers(0, kinds, len(x))])
    return recovers(place.fit(table).labels_, truth, LEAST)


def weight_of_a_command(place: Place) -> Outcome:
    x, _ = clear(place)
    path = place.write(frame(x).assign(flag=place.rng.integers(0, 2, len(x)) > 0).to_csv(index=False))
    output = ("--output", place.folder / "out", "--checkpoint", place.checkpoint, "--samples", "5")
    code, said = command(["cluster", path, *output, "--categorical-weight", "0"])
    return all_of(holds("exit code 0", code, code == 0), says(said, "Left out: flag"))


def relevant_flags(place: Place) -> Outcome:
    """Expect two flags that depend on the cluster to help, or to do no harm."""
    rng, labels = place.rng, clear(place)[1]
    x = 0.5 * CENTRES[labels] + rng.normal(size=(len(labels), 2))
    share = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]])[labels]
    flags = rng.random(share.shape) < share
    table = frame(x).assign(first=flags[:, 0], second=flags[:, 1])
    without, beside = (adjusted_rand_score(labels, place.fit(each).labels_) for each in (x, table))
    return holds("ARI as without flags, or more", f"{without:.2f} to {beside:.2f}", beside >= without - 0.02)


def other_units(place: Place) -> Outcome:
    return warns(
        lambda: GFNCP("mog-2d", n_samples=5).fit(100 * clear(place)[0]), "was trained on coordinates"
    )


def other_width(place: Place) -> Outcome:
    x = np.c_[clear(place)[0], np.zeros(150)]
    return refuses(lambda: GFNCP("mog-2d", n_samples=5).fit(x), "was trained on .*2")


def table_for_images(place: Place) -> Outcome:
    return refuses(lambda: GFNCP("mnist", n_samples=5).fit(clear(place)[0]), "was trained on .*28, 28")


def no_cluster_lost(place: Place) -> Outcome:
    x, _ = clear(place)
    return finds(place.fit(x), 3)


CASES: dict[str, dict[str, Case]] = {
    "A4": {
        "five rows of -999": partial(gross, -999.0, 5),
        "one row of 1e6": partial(gross, 1e6, 1),
        "-999 in one column": in_one_column,
        "-999 is named": partial(sentinel_is_named, -999.0),
        "999 is named": partial(sentinel_is_named, 999.0),
        "nothing else is named": ordinary_tables_are_not_suspected,
    },
    "A5": {
        "as it is": no_cluster_lost,
        "integers": partial(rounded, 1.0),
        "halves": partial(rounded, 0.5),
        "tenths": partial(rounded, 0.1),
        "three Likert questions": questionnaire,
    },
    "A6": {
        "a random flag": partial(random_flag, None),
        "a random flag of weight 0.1": partial(random_flag, 0.1),
        "a random flag of weight 0": partial(random_flag, 0.0),
        **{f"{kinds} random kinds": partial(random_kinds, kinds) for kinds in (5, 40)},
        "--categorical-weight": weight_of_a_command,
        "two relevant flags": relevant_flags,
    },
    "A8": {
        "coordinates in other units": other_units,
        "another width": other_width,
        "a table for a network of images": table_for_images,
    },
}
