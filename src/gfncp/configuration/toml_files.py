"""Configurations as TOML files.

A file may name another one as its `base` and change some of its values:

base = "general.toml"                 # beside this file, or a path from its folder
training.initial = "runs/general"     # all other values are those of the base
"""

import json
import tomllib
from pathlib import Path

from gfncp.configuration import Configuration, parse


def read_configuration(path: Path) -> Configuration:
    """Return the configuration in a TOML file.

    Raises:
        ValueError: `read_values` or `gfncp.configuration.parse` fails.
    """
    return parse(read_values(Path(path)), str(path))


def read_values(path: Path, above: tuple[Path, ...] = ()) -> dict:
    """Return the values in a file, on top of those of its base, unchecked.

    Args:
        above: the files that lead to this one by their ``base``, the first one first.

    Raises:
        ValueError: the file or its base is not readable, or bases go in a circle.
    """
    if path.resolve() in above:
        raise ValueError(f"{path}: circular base: {' -> '.join(each.name for each in (*above, path))}")
    values = read_toml(path)
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise ValueError(f"{path}: base={base!r}: accepted is the path of a TOML file")
    return changed(read_values(path.parent / base, (*above, path.resolve())), values)


def read_toml(path: Path) -> dict:
    """Return the values in a TOML file.

    Raises:
        ValueError: it is not there or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # RecursionError: deeply nested brackets
        raise ValueError(f"{path}: not a readable TOML file ({error})") from None


def changed(values: dict, changes: dict) -> dict:
    """Return a configuration's values with changes.

    A section of another ``kind`` or ``name`` replaces the old one, of any other section single options are
    replaced.
    """
    result = dict(values)
    for section, options in changes.items():
        before = values.get(section, {})
        merges = (
            isinstance(before, dict) and isinstance(options, dict) and not {"kind", "name"} & options.keys()
        )
        result[section] = {**before, **options} if merges else options
    return result


def to_toml(configuration: Configuration) -> str:
    """Return a configuration as TOML text that `read_configuration` reads back.

    Options that are None are left out, and so is the pre-training of an embedding that is taken as it is.
    """
    values = configuration.model_dump(mode="json", exclude_none=True)
    if "embedding" in values["encoder"]:
        values["encoder"].pop("pretraining")
    sections = {name: values.pop(name) for name, value in list(values.items()) if isinstance(value, dict)}
    lines = [f"{name} = {_inline(value)}" for name, value in values.items()]
    for section, options in sections.items():
        lines += ["", f"[{section}]", *(f"{name} = {_inline(value)}" for name, value in options.items())]
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    """Return a TOML value, in JSON's notation except for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_inline(item)}" for name, item in value.items()) + " }"
    return json.dumps(value)
