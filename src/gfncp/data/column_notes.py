"""Notes about the columns of a table: what was left out, and what a user may want to say otherwise."""

import shlex
from collections.abc import Iterator, Sequence

from gfncp.data.column_uses import REPEATED, Column

NAMED = 10  # columns that a note names


def notes_of(used: Sequence[Column]) -> Iterator[str]:
    """Note columns left out, dates that became numbers, unusual numbers, and likely labels."""
    left_out = [f"{each.name} ({each.why})" for each in used if each.used == "left out"]
    dates = [each.name for each in used if each.used == "date"]
    if left_out:
        names = [each.name for each in used if each.used == "left out" and "called an identifier" in each.why]
        kept = f"; X.astype({{{names[0]!r}: float}}) keeps numbers" if names else ""
        yield f"left out of X: {listed(left_out)}{kept}"
    if dates:
        yield f"dates in X became numbers, of days: {listed(dates)}"
    yield from notes_of_cells(used)
    yield from notes_of_numbers(used)


def notes_of_cells(used: Sequence[Column]) -> Iterator[str]:
    """Note how texts, and numbers that are called identifiers, were understood."""
    spelled = [f"{each.name} ({'; '.join(each.spellings)})" for each in used if each.spellings]
    if spelled:
        yield (
            f"X: spellings were taken for one kind in {listed(spelled)}; pandas' type 'category' "
            "(--categories on the command line) keeps them apart"
        )
    amounts = [f"{each.name} (such as {each.amount!r})" for each in used if each.amount]
    if amounts:
        yield (
            f"X: texts that begin with numbers were not taken for numbers in {listed(amounts)}: if they are "
            "amounts, write them as numbers, in one unit"
        )
    lists = [f"{each.name} (such as {each.several!r})" for each in used if each.several]
    if lists:
        yield (
            f"X: each combination was taken for a kind of its own in {listed(lists)}: if these are lists of "
            "kinds, write a column for each (pandas.Series.str.get_dummies)"
        )
    repeated = [each.name for each in used if each.used == "number" and each.why == REPEATED]
    if repeated:
        first = shlex.quote(repeated[0])
        yield (
            f"X: called identifiers, but taken for numbers, as values repeat: {listed(repeated)}; leave out "
            f"what names rows (--id-column {first} on the command line), and say what names kinds by pandas' "
            f"type 'category' (--categories {first})"
        )


def notes_of_numbers(used: Sequence[Column]) -> Iterator[str]:
    """Note numbers that may mean something else, or would be clustered better in another form."""
    for value, where in _by_value(used).items():
        yield (
            f"X: {value} stands in {listed(where)}, unlike all other numbers: if it means missing, put NaN "
            f"there (--missing {shlex.quote(value)} on the command line)"
        )
    far = [
        f"{each.outliers.rows} {'row' if each.outliers.rows == 1 else 'rows'} of {each.name} (up to "
        f"{each.shown(each.outliers.farthest)})"
        for each in used
        if each.outliers.rows
    ]
    if far:
        yield (
            f"X: numbers far beyond all others stand in {listed(far)}: they count as if they were a little "
            "beyond the others; if they are errors, correct them or put NaN there"
        )
    wide = [each for each in used if each.orders]
    if wide:
        names = shlex.quote(",".join(each.name for each in wide))
        spans = listed([f"{each.name} ({each.orders})" for each in wide])
        yield (
            f"X: numbers span orders of magnitude in {spans}: beside the large ones, the small ones hardly "
            "differ; where ratios matter, not differences, take logarithms: numpy.log10 of them (--log "
            f"{names} on the command line)"
        )
    same = [f"{each.name} ({each.same:.0%} of the rows)" for each in used if each.same]
    if same:
        yield (
            f"X: most rows hold the same number in {listed(same)}: counts as little as a flag; "
            "categorical_weight=1 (--categorical-weight 1) lets it count like other numbers"
        )
    codes = [each for each in used if each.values]
    if codes:
        shown = listed([f"{each.name} ({each.values} values)" for each in codes])
        yield (
            f"X: numbers of few values cut clusters if they are codes of kinds: {shown}; if they are, say so "
            f"by pandas' type 'category' (--categories {shlex.quote(codes[0].name)} on the command line)"
        )
    labels = [each.name for each in used if each.may_be_labels]
    if labels:
        yield (
            f"X: {listed(labels)}: clustered by, like the other columns; leave out what holds known clusters "
            f"(--label-column {shlex.quote(labels[0])} on the command line compares with them)"
        )


def listed(names: Sequence[str]) -> str:
    """Write some names, and how many more there are."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _by_value(used: Sequence[Column]) -> dict[str, list[str]]:
    """Group the columns by the value that may mean "missing", each with its number of rows."""
    found: dict[str, list[str]] = {}
    for column in used:
        for value, rows in column.sentinels:
            found.setdefault(column.shown(value), []).append(f"{rows} rows of {column.name}")
    return found
