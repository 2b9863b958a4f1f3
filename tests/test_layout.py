"""The floor plan: a package imports what is above it, and no modules import one another in a circle."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src" / "gfncp"
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
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in later and (node.module or "").startswith("gfncp"):
            home = (node.module or "").removeprefix("gfncp").lstrip(".")
            for name in node.names:
                inner = f"{home}.{name.name}".lstrip(".")
                found.add(inner if inner in MODULES else home or "__init__")
    return found - {module}


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
