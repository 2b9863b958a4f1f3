"""What is said of the package in several places is said alike."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_newest_changes_and_the_citation_are_of_this_version():
    changes = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert next(name for name in changes if name != "Unreleased") == PROJECT["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in citation
    assert f"\nrepository-code: {PROJECT['urls']['Source']}\n" in citation


def test_types_ship_with_the_package():
    assert (files("gfncp") / "py.typed").is_file()


def test_every_extra_of_users_is_in_all():
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(extras) - {"all", "docs", "dev"} == set(everything[len("gfncp[") : -1].split(","))


def test_messages_name_extras_that_there_are():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"\bextra\(\"(\w+)\"", text)}
    assert named and named <= set(PROJECT["optional-dependencies"])
