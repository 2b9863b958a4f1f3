"""Folder of results: checked before they are computed, and cleared of the files of an earlier run.

A run writes the names of its files to `files.json`. The next run removes those of them that it does not
write itself, and nothing else.
"""

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile

from gfncp.files import write_text

FILES = REPORT, EXPLORE, PICTURE, POSTERIOR = "report.html", "explore.html", "clusters.png", "posterior.npz"
LABELS = (".csv", ".parquet")  # suffixes of the file with the labels
MANIFEST = "files.json"
AUTHOR = "gfncp cluster"


def check_folder(folder: Path, names: Collection[str]) -> None:
    """Refuse a folder in which files of these names cannot be written. Nothing is left there.

    Raises:
        ValueError: it is a file, or below one, it is not writable, a folder lies where a file is to be
            written, or its `files.json` is not one of `write_all`.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise ValueError(f"--output={folder}: {existing} is a file; accepted is a folder, there or not yet")
    try:
        with TemporaryFile(dir=existing):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"--output={folder}: {existing} cannot be written to ({reason})") from None
    for name in (*names, MANIFEST):
        if (folder / name).is_dir():
            raise ValueError(f"--output={folder}: {folder / name} is a folder; a file has that name")
    earlier_files(folder)


def write_all(
    folder: Path, writers: Mapping[str, Callable[[Path], object]], kept: Collection[Path] = ()
) -> None:
    """Write files, then remove those of the run before that were not written again.

    Args:
        writers: functions that write a file to the path that they are given, by name: a path relative to the
            folder, with slashes.
        kept: paths that are not removed, such as those of files that were read.

    Raises:
        OSError: a file cannot be written; those of the run before are still there, or replaced.
    """
    earlier = earlier_files(folder)
    _store(folder, [*writers, *(name for name in earlier if name not in writers)])
    for name, write in writers.items():
        write(folder / name)
    spared = {path.resolve() for path in kept}
    for name in earlier:
        path = folder / name
        if name in writers or path.resolve() in spared:
            continue
        path.unlink(missing_ok=True)
        _remove_if_empty(path.parent, folder)
    _store(folder, list(writers))


def earlier_files(folder: Path) -> list[str]:
    """Return the names of the files that the run before wrote; of none in a new folder.

    Raises:
        ValueError: `files.json` was written by something else.
    """
    path = folder / MANIFEST
    if not path.exists():
        return []
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        written = held["files"] if held["written by"] == AUTHOR else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        written = None
    if not isinstance(written, list) or not all(map(_is_below, written)):
        raise ValueError(
            f"{path}: not a list of files by {AUTHOR}; accepted is a folder without such a file, "
            "or the output of an earlier run"
        )
    return written


def _is_below(name: object) -> bool:
    """Return True if a name is that of a file in the folder or below it."""
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _store(folder: Path, names: list[str]) -> None:
    text = json.dumps({"written by": AUTHOR, "files": names}, indent=2) + "\n"
    write_text(folder / MANIFEST, text)


def _remove_if_empty(place: Path, folder: Path) -> None:
    """Remove the folder of a set if it is empty."""
    if place != folder and place.is_dir() and not any(place.iterdir()):
        place.rmdir()
