"""The page about the prior shows every family of it, with the shares that it has."""

import re
import runpy
from pathlib import Path

import pytest
import torch
from PIL import Image

from gfncp.partitions import canonical_labels
from gfncp.reproduction.report import fill
from gfncp.simulators.prior import FAMILIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "prior.md").read_text(encoding="utf-8")
PICTURES = ROOT / "docs" / "images" / "prior"
PROGRAM = runpy.run_path(str(ROOT / "benchmarks" / "prior_pictures.py"))
BY_NAME = PROGRAM["by_name"]()


def test_the_table_is_that_of_the_prior():
    """If not, run benchmarks/prior_pictures.py."""
    assert fill(PAGE, PROGRAM["table"]()) == PAGE


def test_every_line_of_the_prior_is_drawn_in_some_picture():
    drawn = [family for families in BY_NAME.values() for family in families]
    assert sorted(map(repr, drawn)) == sorted(repr(family) for _, family in FAMILIES)
    assert max(map(len, BY_NAME.values())) <= PROGRAM["SHOWN"]


@pytest.mark.parametrize("name", BY_NAME)
def test_every_family_has_a_section_with_its_picture(name):
    (title,) = {type(family).__name__ for family in BY_NAME[name]}
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    assert re.findall(r"!\[.*?\]\((.*?)\)", section) == [f"images/prior/{name}.png"]
    path = PICTURES / f"{name}.png"
    assert path.stat().st_size <= 60_000
    with Image.open(path) as picture:
        assert picture.mode == "P"
        assert picture.size == (PROGRAM["SHOWN"] * PROGRAM["PIXELS"], PROGRAM["PIXELS"])


def test_every_picture_is_of_a_family():
    assert {path.stem for path in PICTURES.iterdir()} == set(BY_NAME)


def test_a_picture_is_a_function_of_its_families():
    families = BY_NAME["curves"]
    first, again = (PROGRAM["picture"](families) for _ in range(2))
    other = PROGRAM["picture"](BY_NAME["worms"])
    assert first.tobytes() == again.tobytes() and first.getpalette() == again.getpalette()
    assert first.tobytes() != other.tobytes()


def test_the_example_of_a_family_is_one(generator):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(re.sub("^    ", "", block, flags=re.MULTILINE), names)
    for sets, points in ((1, 5), (8, 500)):
        x, labels = names["Stripes"]()(sets, points, generator)
        assert x.shape == (sets, points, 2) and x.dtype == torch.float32 and x.isfinite().all()
        assert torch.equal(labels, canonical_labels(labels))


def test_links_lead_somewhere():
    links = re.findall(r"(?<!!)\[[^\]]*\]\((.*?)\)", PAGE)
    assert links
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for link in links:
        target, _, anchor = link.partition("#")
        assert (ROOT / "docs" / target).exists() if target else anchor in anchors
