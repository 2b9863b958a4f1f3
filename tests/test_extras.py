"""What needs optional dependencies says so, and what does not works without any of them."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gfncp.extras import MissingExtra, extra

EXAMPLES = Path(__file__).parents[1] / "examples"
OPTIONAL = [
    "PIL",
    "accelerate",
    "huggingface_hub",
    "jinja2",
    "kornia",
    "matplotlib",
    "plotly",
    "pooch",
    "ray",
    "sentence_transformers",
    "tensorboard",
    "transformers",
    "wandb",
]
# PyTorch looks for some of these, so they are taken away after it is there.
WITHOUT = f"""
import sys, torch, torch.utils.data
sys.modules |= dict.fromkeys({OPTIONAL}, None)
from gfncp.cli import main
"""
ONE_COMMAND = WITHOUT + "sys.exit(main(sys.argv[1:]))"
COMMANDS = (
    WITHOUT
    + """
import contextlib, io, json
done = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        done.append((main(arguments), said.getvalue()))
print(json.dumps(done))
"""
)
LOADING = """
import sys, gfncp
gfncp.load("general")
print(*sorted(name for name in sys.modules if name.startswith("gfncp.")))
"""


def in_a_process(program, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_clustering_a_table_needs_no_extra(vector_checkpoint, tmp_path):
    done = in_a_process(
        *(ONE_COMMAND, "cluster", EXAMPLES / "three-groups.csv", "--label-column", "group", "--samples", 5),
        *("--checkpoint", vector_checkpoint, "--output", tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["files.json", "labels.csv", "posterior.npz"]
    assert len(pd.read_csv(tmp_path / "out" / "labels.csv")) == 150
    assert "pictures and report.html: it needs" in done.stderr and "gfncp[plots]" in done.stderr


def test_a_command_names_itself_and_what_to_install():
    commands = [
        (["train", "--data", "points.csv"], "gfncp train", "train"),
        (["evaluate", "mog-2d"], "gfncp evaluate", "train"),
        (["diagnose", "mog-2d"], "gfncp diagnose", "train"),
        (["reproduce", "table2", "--root", str(EXAMPLES.parent)], "gfncp reproduce", "train"),
        (["cluster", "points.parquet", "--engine", "ray"], "engine='ray'", "ray"),
    ]
    done = in_a_process(COMMANDS, json.dumps([arguments for arguments, *_ in commands]))
    assert done.returncode == 0, done.stderr
    for (code, said), (_, user, name) in zip(json.loads(done.stdout), commands, strict=True):
        assert code == 2
        assert said.startswith(f"gfncp: {user}: it needs ")
        assert said.endswith(f"; pip install 'gfncp[{name}]'\n")


def test_the_message_is_an_import_error_and_a_value_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "kornia", None)
    complaint = r"images: it needs kornia; pip install 'gfncp\[train\]'"
    with pytest.raises(MissingExtra, match=complaint), extra("train", "images"):
        import kornia.augmentation  # noqa: F401
    assert issubclass(MissingExtra, ImportError) and issubclass(MissingExtra, ValueError)


def test_a_missing_module_of_the_package_is_no_missing_extra():
    with pytest.raises(ModuleNotFoundError, match=r"gfncp\.absent"), extra("train", "images"):
        import gfncp.absent  # noqa: F401


def test_loading_a_checkpoint_imports_no_training_and_no_other_method():
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True)
    packages = {name.split(".")[1] for name in done.stdout.split()}
    assert {"checkpoints", "configuration", "networks"} <= packages
    assert packages.isdisjoint({"training", "methods", "simulators", "mixtures", "evaluation", "estimators"})
