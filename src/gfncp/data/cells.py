"""Cells of text that ought to be numbers: which columns are meant as numbers, and what is said of others.

A column of text is meant as numbers if numbers, however they are written ("30,000", "3,5", "$12", "12 %"),
are at least half of its different cells, or four fifths of all its cells. Then every cell has to be a number.
The same holds for numbers in one unit ("12 kg", "€ 3.50"), which is taken away.
"""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

OF_DIFFERENT = 0.5
OF_ALL = 0.8
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"  # that typeset tables have
MINUS = str.maketrans(dict.fromkeys(DASHES, "-"))
SPACES = "\u00a0\u2007\u2008\u2009\u202f"  # where no line breaks, or thin
CURRENCIES = "$€£¥₹₽₩₺฿"
SIGNS = f" \t{SPACES}(){CURRENCIES}%‰'\"="  # quotation marks, too: ="12" in spreadsheets
GROUPS = f",.'’ {SPACES}"  # what stands between thousands
SEPARATED = re.compile(
    rf"[+-]?(?:\d{{1,3}}([{GROUPS}])(?:\d{{2,3}}\1)*\d{{3}}(?:[.,]\d+)?|\d*,\d+(?:[eE][+-]?\d+)?)"
)
GROUPED = re.compile(rf"\d{{1,3}}(?P<mark>[{GROUPS}])(?:\d{{2,3}}(?P=mark))*\d{{3}}(?:[.,]\d+)?")
WITH_COMMA = re.compile(rf"\d*,\d+(?:[eE][+-]?\d+)?|\d{{1,3}}(?:[.’' {SPACES}]\d{{3}})+,\d+")
WITH_UNIT = re.compile(r"[+-]?\d+(?:[.,]\d+)*\s?([^\W\d_]{1,4}|°[CF]?)")
CURRENCY = re.compile("AUD|BRL|CAD|CHF|CNY|DKK|EUR|GBP|INR|JPY|KRW|MXN|NOK|NZD|PLN|RUB|SEK|USD|ZAR")
NO_UNIT = ("", "")
WORD = r"[^\W\d_]"
IN_A_UNIT = re.compile(  # a number, whatever its marks, between a currency and a unit
    rf"(?P<sign>(?:[+-](?=\S))?)(?P<before>(?:{WORD}{{0,3}}[{CURRENCIES}]|{CURRENCY.pattern})?)\s*"
    rf"(?P<number>[+-]?(?:\d[\d.,'’{SPACES} ]*(?<=\d)|[.,]\d+)(?:[eE][+-]?\d+)?)\s*"
    rf"(?P<after>(?:[%‰°µμ{CURRENCIES}]|{WORD})(?:[%°/·²³µμ. ]|{WORD}){{0,15}})?"
)
OF_ACCOUNTANTS = re.compile(r"\D*\(.*\d.*\)\D*|.*\d\s*-")  # (12) and 12-, which are negative
SHARE = re.compile(r".*\d\s*[%‰]")
BEGIN = re.compile(rf"[+-]?[(\"']*[{CURRENCIES}~<>≤≥]?\s*[+-]?[.,]?\d")
TOTAL = re.compile(r"(?i:(?:grand |sub-?)?totals?|sum|mean|average)\W*")
SHOWN = 40  # characters of a cell that messages show


class Advice(NamedTuple):
    """Ways to say what cells mean, for the messages about them.

    Attributes:
        missing, thousands, decimal, category: say that a cell is missing, which marks numbers have, and that
            a column holds categories; with the field ``{value}`` for the cell, the mark or the column.
        leave_out: leaves the column ``{value}`` out.
        encoding, array: say how a text is encoded, and which array holds the points.
    """

    missing: str
    thousands: str
    decimal: str
    category: str
    leave_out: str
    encoding: str
    array: str


OPTIONS = Advice(
    missing="--missing {value} if it is a missing value",
    thousands="--thousands {value} if that stands between thousands",
    decimal="--decimal {value} if that is the decimal mark",
    category="--categories {value} if these are names of kinds",
    leave_out="--id-column {value} names the rows by it, --columns chooses others",
    encoding="--encoding {value}",
    array="--array {value}",
)
PANDAS = Advice(
    missing="pandas.read_csv(..., na_values=[{value}]) if it is a missing value",
    thousands="pandas.read_csv(..., thousands={value}) if that stands between thousands",
    decimal="pandas.read_csv(..., decimal={value}) if that is the decimal mark",
    category="pandas.DataFrame(X).astype({{{value}: 'category'}}) if these are names of kinds",
    leave_out="pandas.DataFrame(X).drop(columns={value}) leaves it out",
    encoding="pandas.read_csv(..., encoding={value})",
    array="numpy.savez(..., x=X)",
)
OF_TRAINING = OPTIONS._replace(
    missing="remove the row if it is a missing value",
    category="remove the column if these are names of kinds",
    leave_out="remove the column",
)


def advise(advice: Advice, kind: str, value: object) -> str:
    """Return advice of one kind, with a value written as in a shell or in Python."""
    text = shlex.quote(str(value)) if advice is OPTIONS else repr(value)
    return getattr(advice, kind).format(value=text)


def as_number(value: Any) -> float | None:
    """Return the number that a cell holds, NaN included; None if it holds none."""
    if isinstance(value, str | bytes) and "_" in str(value):  # which Python takes, but no table means
        return None
    if isinstance(value, str):
        value = value.translate(MINUS)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def looks_like_number(value: object) -> bool:
    """Recognise a number, also one with marks and signs that `as_number` does not know."""
    if isinstance(value, bool | np.bool_):
        return False
    if not isinstance(value, str | bytes):
        return isinstance(value, int | float | np.number | Decimal)
    bare = (value.decode(errors="replace") if isinstance(value, bytes) else value).strip(SIGNS)
    bare = bare.translate(MINUS)
    bare = bare[:-1] if bare.endswith("-") else bare.removeprefix("-").strip(SIGNS)  # 12-, -$12
    if not any(letter.isdigit() for letter in bare):
        return False
    return as_number(bare) is not None or SEPARATED.fullmatch(bare) is not None


def are_meant_as_numbers(values: Sequence[object]) -> bool:
    """Decide by the rule above, for the values of a column that are not missing."""
    counts = Counter(values)
    return _are_most([value for value in counts if looks_like_number(value)], counts)


def _are_most(numbers: Sequence[object], counts: Counter) -> bool:
    enough = len(numbers) >= OF_DIFFERENT * len(counts)
    return bool(numbers) and (enough or sum(map(counts.__getitem__, numbers)) >= OF_ALL * counts.total())


def split_unit(text: str) -> tuple[str, str, str]:
    """Return what stands before a number, the number, and what stands after it; or all as the number."""
    match = IN_A_UNIT.fullmatch(text.translate(MINUS).strip())
    if match is None:
        return "", text, ""
    return match["before"], match["sign"] + match["number"], (match["after"] or "").rstrip()


def common_unit(values: Sequence[object]) -> tuple[str, str] | None:
    """Return what stands before and after the numbers of a column, if that is the same for all of them.

    None if nothing stands there, or if the column is not meant as numbers by the rule above.
    """
    counts = Counter(values)
    parts = {value: split_unit(value) if isinstance(value, str) else ("", "", "") for value in counts}
    numbers = [value for value in counts if not isinstance(value, str) or any(map(str.isdigit, value))]
    units = {(before, after) for before, _, after in map(parts.__getitem__, numbers)}
    if len(units) != 1 or NO_UNIT in units or not _are_most(numbers, counts):
        return None
    return units.pop()


def without_unit(text: str, unit: tuple[str, str]) -> str:
    """Return a text without what stands before and after its number, if that is the unit."""
    before, number, after = split_unit(text)
    return number if (before, after) == unit else text


def begins_with_number(value: object) -> bool:
    """Recognise texts such as "3 MB", "9h30", "10-19" and "<0.1", which may be amounts."""
    return isinstance(value, str) and BEGIN.match(value.translate(MINUS).strip()) is not None


def no_number(row: int, title: str, name: object, value: object, advice: Advice) -> str:
    """Return the message that a cell of a column of numbers is not a number, with advice.

    Args:
        row: counted from 0.
        title: what messages call the column.
        name: what the user calls it.
    """
    text = str(value)
    plain = text.translate(MINUS).strip()
    bare = split_unit(text)[1].translate(MINUS).strip(SIGNS).strip("+-")
    grouped = GROUPED.fullmatch(bare)
    remedies = []
    if grouped:
        mark = grouped["mark"]
        space = "space" if advice is OPTIONS else " "
        remedies.append(advise(advice, "thousands", space if mark.isspace() else mark))
    if WITH_COMMA.fullmatch(bare):
        remedies.append(advise(advice, "decimal", ","))
    if OF_ACCOUNTANTS.fullmatch(plain):
        remedies.append("write a minus before numbers that are negative")
    elif SHARE.fullmatch(plain):
        remedies.append("bring the numbers to one unit, in which 1% is 0.01 and 1‰ is 0.001")
    elif any(letter.isdigit() for letter in text) and (unsigned := plain.lstrip("+-")) != unsigned.strip(
        SIGNS
    ):
        remedies.append("remove the signs around the numbers")
    elif WITH_UNIT.fullmatch(text.strip()):
        remedies.append("remove the unit behind the numbers")
    elif TOTAL.fullmatch(text.strip()):
        remedies.append("remove the row if it sums up others")
    elif not remedies and len(text) <= SHOWN:
        remedies.append(advise(advice, "missing", value))
    if row == 0 and len(text) <= SHOWN and any(letter.isalpha() for letter in text):
        remedies.append("remove the row if it holds units, or names the columns again")
    remedies.append(advise(advice, "category", name))
    shown = repr(value) if len(repr(value)) <= SHOWN else f"{repr(value)[:SHOWN]}..."
    return (
        f"X: row {row + 1}, {title} holds {shown}, in a column of numbers: accepted are numbers and "
        f"missing values; {'; '.join(remedies)}"
    )
