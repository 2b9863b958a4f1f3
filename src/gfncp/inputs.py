"""Formats of files of points by their suffixes, which are checked before anything is read or imported."""

from pathlib import Path

TEXTS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
TABLES_AND_ARRAYS = (".parquet", ".npy", ".npz", ".safetensors")


def suffix_of(path: Path) -> str:
    """Return the suffix of a file that names its format; of a compressed file, the last two."""
    ends = [end.lower() for end in path.suffixes]
    return "".join(ends[-2:]) if ends[-1:] == [".gz"] else "".join(ends[-1:])


def check_file(path: Path) -> None:
    """Refuse a path that is not a file of points.

    Raises:
        ValueError: there is no such file, or it is of no kind that is accepted.
    """
    if suffix_of(path) not in (*TEXTS, *TABLES_AND_ARRAYS):
        raise ValueError(
            f"{path}: accepted are files that end in {', '.join((TEXTS[0], *TABLES_AND_ARRAYS, *TEXTS[1:]))}"
        )
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
