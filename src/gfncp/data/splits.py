"""Classes that a network is trained on, and those that it first meets in tests (paper, Sec. 5.4)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

LISTS = Path(__file__).parent / "class_lists"
FEWEST = 4  # two to train on, of which one is held out, and two to test on


class Split(NamedTuple):
    """Disjoint lists of classes; the first two are half of all."""

    training: list[str]
    validation: list[str]
    test: list[str]


class Rows(NamedTuple):
    """Numbers of points: to train on, in random order; held out; and for tests, without labels None."""

    training: Int[Tensor, "training"]
    validation: Int[Tensor, "validation"]
    test: Int[Tensor, "test"] | None


def class_list(name_or_path: str | Path) -> list[str]:
    """Read the classes in a list that ships with the package (``imagenet-50``), or a text file, one a line.

    The first word of a line is the name of the class, as its folder has it; what follows is a comment.

    Raises:
        ValueError: there is no such list, it is empty, or it names a class twice.
    """
    shipped = LISTS / f"{name_or_path}.txt"
    path = shipped if shipped.is_file() else Path(name_or_path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        names = sorted(file.stem for file in LISTS.glob("*.txt"))
        raise ValueError(f"classes={str(name_or_path)!r}: accepted are {names} or a text file") from None
    found = [line.split()[0] for line in lines if line.strip()]
    if not found:
        raise ValueError(f"{path}: names no class")
    twice = next((name for place, name in enumerate(found) if name in found[:place]), None)
    if twice is not None:
        raise ValueError(f"{path}: names {twice!r} twice")
    return found


def choose_classes(names: Sequence[str], wanted: int | str | None, generator: torch.Generator) -> list[str]:
    """Draw some of the classes ``names``, in random order.

    Args:
        wanted: how many to draw, or a list that `class_list` finds; None chooses all. Of draws by the same
            generator, the smaller are contained in the larger ones.

    Raises:
        ValueError: there are not so many classes, or none of such a name.
    """
    if isinstance(wanted, str):
        listed = class_list(wanted)
        missing = sorted(set(listed) - set(names))
        if missing:
            raise ValueError(f"classes={wanted!r}: the data lacks {missing[0]!r} ({len(missing)} classes)")
        names = listed
    count = wanted if isinstance(wanted, int) else len(names)
    if not 1 <= count <= len(names):
        raise ValueError(f"classes={wanted}: accepted is 1 to {len(names)}, as many as the data has")
    ordered = sorted(names)
    return [ordered[place] for place in torch.randperm(len(ordered), generator=generator)[:count].tolist()]


def split_classes(names: Sequence[str], held_out: float) -> Split:
    """Halve the classes, as they come, to train on and to test on; of an odd number, tests get one more.

    Args:
        held_out: share of the first half that validation gets instead, so that choices are made on classes
            that were not trained on; at least one class, but none for 0.

    Raises:
        ValueError: there are fewer than 4 classes, or names that repeat, or nothing is left to train on.
    """
    if len(names) < FEWEST or len(set(names)) < len(names):
        raise ValueError(f"{len(names)} classes: accepted are at least {FEWEST} different ones")
    half = len(names) // 2
    kept = half - max(1, round(held_out * half)) if held_out else half
    if not 1 <= kept <= half:
        raise ValueError(f"held_out={held_out}: leaves {kept} of {half} classes to train on")
    return Split(list(names[:kept]), list(names[kept:half]), list(names[half:]))


def split_rows(
    classes: Shaped[np.ndarray, "points"] | None,
    points: int,
    wanted: int | str | None,
    held_out: float,
    most: int,
    generator: torch.Generator,
) -> Rows:
    """Split points by their classes or, where these are not known, at random.

    Args:
        wanted: which classes, see `choose_classes`.
        held_out: share held out of training: of the classes, see `split_classes`, or of the points. Where no
            class is held out, validation is on the classes trained on.
        most: number of points to train on, at most.

    Raises:
        ValueError: `choose_classes` or `split_classes` fails, or without labels nothing is held out.
    """
    if classes is None:
        if held_out == 0:
            raise ValueError("data.held_out=0.0: without labels accepted is more than 0, for validation")
        shuffled = torch.randperm(points, generator=generator)[:most]
        count = round(held_out * len(shuffled))
        return Rows(shuffled[count:], shuffled[:count], None)
    parts = split_classes(choose_classes(np.unique(classes).tolist(), wanted, generator), held_out)
    training, validation, test = (
        torch.from_numpy(np.isin(classes, part).nonzero()[0])
        for part in (parts.training, parts.validation or parts.training, parts.test)
    )
    return Rows(training[torch.randperm(len(training), generator=generator)[:most]], validation, test)
