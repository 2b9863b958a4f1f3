"""The floor plan: packages import what is above them, none in a circle; tests are where their sources are."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src" / "gfncp"
TESTS = Path(__file__).parents[1]
OF_NO_SOURCE = {"benchmarks", "end_to_end", "experiments", "repository"}  # folders of tests
FLOORS = (
    "bounds draws extras files inputs metrics output_folder partitions schedules seeds shipped waiting",
    "networks",
    "coresets",
    "posterior",
    "data",
    "simulators",
    "decoding",
    "mixtures",
    "objectives",
    "methods",
    "configuration",
    "checkpoints hub",
    "training",
    "estimators",
    "evaluation",
    "reproduction",
    "integrations",
    "clustering_report ray_engine",
    "cli __init__ __main__",
)
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names.split()}


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in SOURCES.rglob("*.py")}


@cache
def imports(module: str, at_once: bool = False) -> set[str]:
    """Modules of the package that a module imports, for more than its types.

    Args:
        at_once: leave out what functions import when they are called.
    """
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    later = {
        inner
        for node in ast.walk(tree)
        if (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        or (isinstance(node, ast.FunctionDef) and at_once)
        for inner in ast.walk(node)
    }
    is_package = MODULES[module].name == "__init__.py"
    found = set()
    for node in ast.walk(tree):
        if node not in later:
            found |= imported(node, package_of(module, is_package))
    return found - {module}


def package_of(module: str, is_package: bool) -> list[str]:
    """Return the full name of the package in which a module's relative imports start, in parts."""
    parts = [] if module == "__init__" else module.split(".")
    return ["gfncp", *(parts if is_package else parts[:-1])]


def imported(node: ast.AST, package: list[str]) -> set[str]:
    """Return the modules of the package that a statement imports, absolutely or relative to ``package``."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        home = package[: len(package) + 1 - node.level] if node.level else []
        home = ".".join([*home, *([node.module] if node.module else [])])
        names = [f"{home}.{alias.name}" for alias in node.names]
    else:
        return set()
    return {name_of_module(name) for name in names if name.split(".")[0] == "gfncp"}


def name_of_module(name: str) -> str:
    """Return the module that an imported name is, or is defined in."""
    inner = name.removeprefix("gfncp").lstrip(".")
    while inner and inner not in MODULES:
        inner = inner.rpartition(".")[0]
    return inner or "__init__"


@pytest.mark.parametrize(
    ("statement", "package", "modules"),
    [
        ("import gfncp", "gfncp", {"__init__"}),
        ("import numpy, gfncp.posterior.posterior as p", "gfncp", {"posterior.posterior"}),
        ("from gfncp import GFNCP", "gfncp.cli", {"__init__"}),
        ("from gfncp import draws, files", "gfncp.cli", {"draws", "files"}),
        ("from gfncp.posterior.posterior import Posterior", "gfncp", {"posterior.posterior"}),
        ("from .posterior import Posterior", "gfncp.posterior", {"posterior.posterior"}),
        ("from . import posterior", "gfncp.posterior", {"posterior.posterior"}),
        ("from .. import draws", "gfncp.posterior", {"draws"}),
        ("from ..posterior.posterior import Posterior", "gfncp.cli", {"posterior.posterior"}),
        ("import gfncpx.posterior", "gfncp", set()),
        ("from numpy import random", "gfncp", set()),
    ],
)
def test_all_kinds_of_imports_count(statement, package, modules):
    assert imported(ast.parse(statement).body[0], package.split(".")) == modules


def test_every_module_has_a_floor():
    assert {module.split(".")[0] for module in MODULES} == set(FLOOR)


def test_no_import_runs_down():
    """The root hands its public names out lazily, so anything may import those of its modules."""
    wrong = [
        f"{module} imports {other}"
        for module in MODULES
        for other in imports(module)
        if FLOOR[other.split(".")[0]] > FLOOR[module.split(".")[0]]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_each_other():
    """`Posterior` shows itself by modules that build on it, and imports them when it is asked to."""
    tuple(TopologicalSorter({module: imports(module, at_once=True) for module in MODULES}).static_order())


def sources_of(test: Path) -> set[str]:
    """Return the modules that a file of tests may be of: `test_b_aspect.py` is of `b`, or of `b_aspect`."""
    package, words = test.parent.relative_to(TESTS).parts, test.stem.split("_")[1:]
    names = ["_".join(words[:end]) for end in range(1, len(words) + 1)]
    whole = {".".join(package)} if package and package[-1] in names else set()  # of the package as a whole
    return {".".join([*package, name]) for name in names} | whole


@pytest.mark.parametrize(
    ("test", "source"),
    [
        ("test_draws.py", "draws"),
        ("posterior/test_posterior.py", "posterior.posterior"),
        ("posterior/test_point_estimates.py", "posterior.point_estimates"),
        ("estimators/test_gfncp_scikit_learn.py", "estimators.gfncp"),
        ("configuration/test_configuration.py", "configuration"),
    ],
)
def test_names_of_tests_lead_to_their_sources(test, source):
    assert source in sources_of(TESTS / test) & set(MODULES)
    assert not sources_of(TESTS / "networks" / "test_draws.py") & set(MODULES)


def test_every_test_is_where_its_source_is():
    files = [
        path for path in TESTS.rglob("test_*.py") if path.relative_to(TESTS).parts[0] not in OF_NO_SOURCE
    ]
    lost = [str(path.relative_to(TESTS)) for path in files if not sources_of(path) & set(MODULES)]
    assert files and not lost, "\n".join(lost)
