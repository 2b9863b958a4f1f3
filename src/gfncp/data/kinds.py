"""Kinds that texts name, and their coordinates: equally far apart, whatever they are called.

Texts that differ in case, in spaces, or in how Unicode composes them name one kind, and their commonest
spelling stands for it, unless all were one kind then. pandas' categories are taken as they are, but for the
spaces around them. Where there is but one kind, as of ticks in a questionnaire, a missing value is the other.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

Kind = str | None  # None where it is missing, or not known
ROWS = 10  # in fewer, a missing value is no answer
TICKED = 2  # rows with a value, at least
UNTICKED = 0.1  # share of rows without a value, at least, for that to mean something
NOTHING = ""  # the kind of missing values, where there is one other
YES, NO = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")
SAID: dict[str, bool] = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)


def folded(text: str) -> str:
    """Return what all spellings of a text have in common."""
    seen = (letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    return " ".join("".join(seen).casefold().split())


def texts_of(column: pd.Series) -> list[Kind]:
    """Return the cells of a column as texts without spaces around them."""
    pairs = zip(column.tolist(), column.isna().tolist(), strict=True)
    return [None if missing else str(value).strip() for value, missing in pairs]


def kinds_of(column: pd.Series) -> list[Kind]:
    """Return the kind that each cell of a column of categories names."""
    texts = texts_of(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return texts
    chosen = {text: group[0] for group in _spellings(texts) for text in group}
    return [None if text is None else chosen[text] for text in texts]


def merged(column: pd.Series) -> list[list[str]]:
    """Return the spellings of each kind that has several, the commonest first."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return []
    return [group for group in _spellings(texts_of(column)) if len(group) > 1]


def _spellings(texts: Sequence[Kind]) -> list[list[str]]:
    """Group texts by the kind that they name, the commonest first."""
    counts = Counter(text for text in texts if text is not None)
    groups: dict[str, list[str]] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        groups.setdefault(folded(text), []).append(text)
    if len(groups) == 1 and None not in texts:
        return [[text] for text in counts]
    return list(groups.values())


def shares_of(column: pd.Series) -> dict[str, float]:
    """Return the share of each kind among the cells that are not missing."""
    kinds = kinds_of(column)
    if is_tick(column):
        kinds = [NOTHING if kind is None else kind for kind in kinds]
    return pd.Series(kinds, dtype=object).value_counts(normalize=True).sort_index().to_dict()


def is_tick(column: pd.Series) -> bool:
    """Recognise a column in which some cells hold the same value, and others, a tenth or more, none."""
    missing = column.isna()
    if len(column) < ROWS or missing.mean() < UNTICKED or (~missing).sum() < TICKED:
        return False
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.nunique() == 1
    return len(set(kinds_of(column)) - {None}) == 1


def several(kinds: Sequence[str]) -> str:
    """Return a text that lists kinds, such as "red; blue", which all stand elsewhere, too; else nothing."""
    for mark in (";", "|", ","):
        lists = [[folded(part) for part in kind.split(mark)] for kind in kinds]
        counts = Counter(part for parts in lists for part in set(parts))
        long = [kind for kind, parts in zip(kinds, lists, strict=True) if len(parts) > 1]
        shared = [kind for kind in long if all(counts[folded(part)] > 1 for part in kind.split(mark))]
        if shared and 2 * len(shared) >= len(long):
            return shared[0]
    return ""


def recognised(column: pd.Series, kinds: Mapping[str, object]) -> list[Kind]:
    """Return which of some kinds each cell names: as they are written, or else the only one so spelled.

    Two kinds that say yes and no, in one of the usual ways, are also recognised in the others.
    """
    spelled: dict[str, list[str]] = {}
    for kind in kinds:
        spelled.setdefault(folded(kind), []).append(kind)
    truths = {SAID.get(folded(kind)): kind for kind in kinds}
    if len(kinds) == 2 and set(truths) == {True, False}:
        spelled |= {word: [truths[truth]] for word, truth in SAID.items()}
    texts = texts_of(column)
    named: dict[Kind, Kind] = {None: NOTHING if NOTHING in kinds else None}
    for text in {text for text in texts if text is not None}:
        alike = spelled.get(folded(text), [])
        named[text] = text if text in kinds else alike[0] if len(alike) == 1 else None
    return [named[text] for text in texts]


def nearer(block: int) -> float:
    """Return how much nearer the values of a one-hot column lie: its kinds are as far apart as texts."""
    return 2 * (1 - 1 / block) ** 0.5 if block > 1 else 1.0


def place_kinds(kinds: Sequence[Kind], shares: Mapping[str, float]) -> Float[np.ndarray, "points values"]:
    """Place kinds equally far apart: two of them at a distance of 1, K of them of sqrt(K / (2 (K - 1)))."""
    count = len(shares)
    if count <= 2:
        places = np.arange(count, dtype=np.float64)[:, None]
    else:
        places = np.eye(count) * (count / (count - 1)) ** 0.5 / 2
    mean = np.array(list(shares.values())) @ places
    known: dict[Kind, int] = {text: place for place, text in enumerate(shares)}
    return np.vstack([places, mean])[[known.get(text, -1) for text in kinds]]
