"""What newcomers copy from the documents works, and the bundled data is what its program makes."""

import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest

from gfncp.checkpoints import PRETRAINED
from gfncp.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUICK_START = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
QUESTIONS = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.skipif(not (PRETRAINED / "mog-2d").is_dir(), reason="needs the checkpoint mog-2d")
@pytest.mark.parametrize("block", blocks("python"))
def test_python_examples_run(block):
    exec(block, {})


@pytest.mark.skipif(not (PRETRAINED / "mog-2d").is_dir(), reason="needs the checkpoint mog-2d")
def test_the_quick_start_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python", QUICK_START):
        exec(block, names)
    assert len(names["posterior"].labels) > 0


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "general").is_dir(), reason="needs the checkpoint general")
def test_the_answers_to_questions_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python", QUESTIONS):
        exec(block, names)
    points = names["points"].assign(
        kind=np.repeat(["shrub", "tree"], 30), known=["u", "u"] + [""] * 56 + ["v", "v"], count=2.0
    )
    points.to_csv("points.csv", index=False)
    commands = [line for block in blocks("sh", QUESTIONS) for line in block.splitlines()]
    assert len(commands) > 10
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "gfncp"
        quick = ["--no-pictures", *([] if "--samples" in arguments else ["--samples", "5"])]
        assert main([*arguments, *quick]) == 0, command
    assert Path("second", "report.html").is_file()


@pytest.mark.parametrize("block", blocks("toml"))
def test_configurations_are_accepted(block, tmp_path):
    from gfncp.configuration.toml_files import read_configuration

    (tmp_path / "mine.toml").write_text(block)
    read_configuration(tmp_path / "mine.toml")


def test_pictures_exist():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = without_code(page)
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        address, _, anchor = "".join(link).partition("#")
        if address.startswith(("https:", "http:")):
            continue
        target = (page.parent / address).resolve() if address else page
        assert target.exists(), f"{page.name}: {address}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {address}#{anchor}"


def without_code(page: Path) -> str:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", lambda code: code[0].replace("](", "] ("), text)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub and MkDocs make of a page's headings."""
    titles = re.findall(r"^#+ +(.*?) *$", without_code(page), re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.lower())) for title in titles}


def test_the_sample_is_small():
    assert (ROOT / "examples" / "mnist-300.npz").stat().st_size <= 150_000


def test_the_sample_comes_from_its_program(data_folder):
    expected = runpy.run_path(str(ROOT / "examples" / "make_mnist_sample.py"))["draw"](data_folder("mnist"))
    with np.load(ROOT / "examples" / "mnist-300.npz") as held:
        assert set(held) == {"x", "label"}
        np.testing.assert_array_equal(held["x"], expected["x"])
        np.testing.assert_array_equal(held["label"], expected["label"])
