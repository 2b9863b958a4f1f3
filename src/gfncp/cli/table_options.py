"""Options that say how users' files are written and what their columns are, once for all commands.

A command takes one of these classes as a parameter; `with_options` gives it the options that are its fields.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gfncp.data.delimited import Reading
    from gfncp.data.point_sets import Roles

NAME = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^,]*?))\s*,')  # with its comma; quoted as in CSV files
OF_READING = ("delimiter", "decimal", "thousands", "missing", "encoding", "array")


@dataclass(frozen=True)
class FileOptions:
    """Notation of the numbers in a file."""

    delimiter: Annotated[
        str | None,
        typer.Option(
            help="Delimiter of columns in text files: a character, tab or space. Default: detected.",
            show_default=False,
        ),
    ] = None
    decimal: Annotated[
        str | None,
        typer.Option(
            metavar="MARK", help="Decimal mark: . or a comma. Default: detected.", show_default=False
        ),
    ] = None
    thousands: Annotated[
        str | None,
        typer.Option(
            metavar="MARK",
            help="Thousands separator: , . ' or space. Default: none.",
            show_default=False,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of text files, such as latin-1. Default: UTF-8.", show_default=False),
    ] = None
    array: Annotated[
        str | None,
        typer.Option(
            help="Name of the array of points in NPZ or safetensors files. Default: x.", show_default=False
        ),
    ] = None

    @property
    def said(self) -> dict[str, Any]:
        """Return the options that were given, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, [])}

    @property
    def of_reading(self) -> dict[str, Any]:
        """Return those of the given options that are fields of `gfncp.data.delimited.Reading`."""
        return {name: value for name, value in self.said.items() if name in OF_READING}

    def reading(self) -> "Reading":
        """Return how files are written.

        Raises:
            ValueError: an option is not what is accepted.
        """
        from gfncp.data.delimited import Reading  # pandas takes half a second

        return Reading(**self.of_reading)


@dataclass(frozen=True)
class TableOptions(FileOptions):
    """Notation of all cells in a file, and the roles of its columns."""

    missing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CELL",
            help="Text that means a missing value, besides those of pandas (empty, NA, NaN, null, ...); may "
            "be given several times.",
            show_default=False,
        ),
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            help="Columns to cluster by, separated by commas (names with commas in double quotation marks); "
            "default: all others."
        ),
    ] = None
    categories: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Columns of categories, even if they look like numbers, separated by commas.",
            show_default=False,
        ),
    ] = None
    log: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Columns of which to take logarithms, such as incomes, separated by commas.",
            show_default=False,
        ),
    ] = None
    id_column: Annotated[str | None, typer.Option(help="Column (NPZ: array) that names the points.")] = None
    label_column: Annotated[
        str | None,
        typer.Option(help="Column (NPZ: array) with true labels, only compared with the result."),
    ] = None

    def roles(self, sets: str | None = None) -> "Roles":
        """Return what the columns are.

        Args:
            sets: column that names the set of each point.
        """
        from gfncp.data.point_sets import Roles

        kinds, logarithms = _split(self.categories) or (), _split(self.log) or ()
        return Roles(
            _split(self.columns), self.id_column, self.label_column, sets, kinds, logarithms=logarithms
        )


def with_options(command: Callable) -> Callable:
    """Return a command that has the fields of its parameters' dataclasses as options, one by one."""
    signature = inspect.signature(command)
    grouped = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += _options(grouped[name]) if name in grouped else [parameter]

    @wraps(command)
    def run(**given: Any) -> Any:
        groups = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in grouped.items()
        }
        return command(**given, **groups)

    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _split(names: str | None) -> list[str] | None:
    """Split names at commas, but for those in quotation marks, which may have commas; None for none."""
    if names is None:
        return None
    return [quoted.replace('""', '"') or plain for quoted, plain in NAME.findall(f"{names},")]


def _options(group: type) -> list[inspect.Parameter]:
    """Return a parameter for each field of a dataclass."""
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(group)
    ]
