"""Checks of arguments that are made at once, before anything that takes seconds is imported or read."""

from collections.abc import Collection, Sequence
from pathlib import Path

from gfncp.inputs import check_file
from gfncp.output_folder import LABELS, check_folder


def check_labels_file(name: str) -> None:
    """Refuse what is no name of a file for labels.

    Raises:
        ValueError: ``name`` does not end in .csv or .parquet, or it names a folder, too.
    """
    if Path(name).suffix not in LABELS or Path(name).name != name:
        raise ValueError(
            f"--labels={name}: accepted is a file name that ends in .csv or .parquet, without a folder; "
            "--output names that"
        )


def check_paths(files: Sequence[Path], output: Path, names: Collection[str]) -> None:
    """Refuse files that are no points, a folder that cannot be written to, and results among the points.

    Args:
        names: of the files that are written into ``output`` first of all.

    Raises:
        ValueError: naming the path, and what is accepted.
    """
    for path in files:
        if not path.is_dir():
            check_file(path)
    for place, path in enumerate(files):
        if path.resolve() in [other.resolve() for other in files[:place]]:
            raise ValueError(f"{path}: is given twice; accepted is each file once")
    check_folder(output, names)
    written = {(output / name).resolve(): name for name in names}
    for path in files:
        if path.resolve() in written:
            name = written[path.resolve()]
            raise ValueError(f"--output={output}: {name} would be written over the points in {path}")
        if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
            raise ValueError(
                f"--output={output}: lies in {path}, whose images are clustered; accepted is a folder "
                "elsewhere, or the pictures of clusters would be among them the next time"
            )
