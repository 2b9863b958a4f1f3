"""The command line: every command on real files, and every kind of bad input."""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from gfncp import GFNCP, load
from gfncp.cli import main
from gfncp.clustering_report import Result
from gfncp.data.point_sets import PointSet
from gfncp.data.tables import READERS
from gfncp.inputs import TABLES_AND_ARRAYS

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMANDS = ("cluster", "embed", "train", "evaluate", "info")
TOML = """
[encoder]
kind = "vectors"
dim = 2
[network]
depth = 2
width = 16
[data]
kind = "gaussian-mixtures"
[objective]
name = "ncp"
[training]
iterations = 2
batch = 2
points = [5, 8]
validation_sets = 1
"""


@pytest.fixture
def gfncp(capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def run(*arguments) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(gfncp):
    """Run a command that must fail; its one line of complaint."""

    def run(*arguments) -> str:
        code, _, complaint = gfncp(*arguments)
        assert code == 2
        assert complaint.startswith("gfncp: ")
        assert complaint.count("\n") == 1 and complaint.endswith("\n")
        return complaint

    return run


@pytest.fixture
def plane(vector_checkpoint) -> Path:
    """A checkpoint for points in the plane, with random weights."""
    return vector_checkpoint


@pytest.fixture
def pictures(image_checkpoint) -> Path:
    """A checkpoint for images, with random weights."""
    return image_checkpoint


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 5, (20, 2)).astype(np.float32)


@pytest.fixture
def csv(tmp_path, points) -> Path:
    path = tmp_path / "points.csv"
    pd.DataFrame(points, columns=["a", "b"]).to_csv(path, index=False)
    return path


# What newcomers see.


def test_help_names_the_commands_and_what_to_type_first(gfncp):
    code, text, _ = gfncp("--help")
    assert code == 0
    assert "gfncp cluster examples/mnist-300.npz" in text
    assert all(command in text for command in COMMANDS)


def test_without_arguments_there_is_help(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["gfncp"])
    main()
    assert "Usage: gfncp" in "".join(capsys.readouterr())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example(gfncp, command):
    code, text, _ = gfncp(command, "--help")
    assert code == 0
    assert f"Example:  gfncp {command} " in text


def test_the_version_is_printed(gfncp):
    code, text, _ = gfncp("--version")
    assert code == 0
    assert text.startswith("gfncp ")


def test_the_verbose_version_describes_the_machine(gfncp, refused):
    for options in (("--version", "--verbose"), ("--verbose", "--version")):
        code, text, _ = gfncp(*options)
        assert code == 0
        assert text.count("\n") == 1
        threads = torch.get_num_threads()
        assert re.match(r"gfncp \S+, python 3\.\d+\.\d+, torch ", text)
        assert f", torch {torch.__version__}, numpy {np.__version__}, {platform.platform()}, " in text
        assert text.endswith(f", {threads} threads\n")
    assert "accepted with --version only" in refused("--verbose")
    assert "accepted with --version only" in refused("--verbose", "methods")


def test_help_needs_no_heavy_import():
    code = (
        "import sys; from gfncp.cli import main; main(['cluster', '--help']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'sklearn', 'pandas', 'matplotlib')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_process_fails_with_one_line_and_code_2(tmp_path):
    code = "import sys; from gfncp.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "cluster", tmp_path / "none.csv"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == f"gfncp: {tmp_path / 'none.csv'}: there is no such file\n"


# cluster


def test_cluster_writes_what_the_estimator_finds(gfncp, csv, plane, points, tmp_path, pixels):
    output = tmp_path / "new" / "folder [/bold]"
    code, text, _ = gfncp(
        "cluster", csv, "--checkpoint", plane, "--output", output, "--samples", 30, "--seed", 4
    )
    assert code == 0
    model = GFNCP(checkpoint=str(plane), n_samples=30, random_state=4).fit(points)
    labels = pd.read_csv(output / "labels.csv")
    assert list(labels.columns) == ["point", "label", "probability", "entropy"]
    np.testing.assert_array_equal(labels["point"], np.arange(20))
    np.testing.assert_array_equal(labels["label"], model.labels_)
    np.testing.assert_allclose(labels["probability"], model.probabilities_)
    with np.load(output / "posterior.npz") as posterior:
        np.testing.assert_array_equal(posterior["labels"], model.posterior_.labels)
        np.testing.assert_allclose(posterior["log_prob"], model.posterior_.log_prob, rtol=1e-6)
        np.testing.assert_array_equal(posterior["counts"], model.posterior_.counts)
    assert sorted(path.name for path in output.iterdir()) == [
        "clusters.png",
        "explore.html",
        "files.json",
        "labels.csv",
        "posterior.npz",
        "report.html",
    ]
    pixels(output / "clusters.png")
    clusters = "1 cluster" if model.n_clusters_ == 1 else f"{model.n_clusters_} clusters"
    assert f"20 points in {clusters} (with 30 samples" in text
    assert "NMI" not in text


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_known_labels_are_compared_and_not_used(gfncp, plane, points, tmp_path, suffix):
    kinds = np.repeat(["x", "y"], 10)
    path = tmp_path / f"points.{suffix}"
    table = pd.DataFrame(points, columns=["a", "b"]).assign(kind=kinds)
    match suffix:
        case "csv":
            table.to_csv(path, index=False)
        case "parquet":
            table.to_parquet(path)
        case "npz":
            np.savez(path, x=points, kind=np.repeat([0.5, 1.5], 10))
    code, text, _ = gfncp(
        "cluster", path, "--checkpoint", plane, "--output", tmp_path, "--label-column", "kind"
    )
    assert code == 0
    assert "2 known labels" in text and "NMI" in text and "ARI" in text
    expected = GFNCP(checkpoint=str(plane), random_state=0).fit(points).labels_
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "labels.csv")["label"], expected)


def test_the_bundled_digits_are_clustered(gfncp, pictures, tmp_path):
    code, text, _ = gfncp(
        "cluster",
        *(EXAMPLES / "mnist-300.npz", "--checkpoint", pictures, "--output", tmp_path),
        *("--label-column", "label", "--samples", 3),
    )
    assert code == 0
    assert "300 points" in text and "6 known labels" in text
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 300


@pytest.mark.parametrize(
    "x", [np.zeros((1, 2)), np.ones((8, 2)), [[0, 0], [9, 9]]], ids=["one", "all equal", "two"]
)
def test_small_and_degenerate_sets_are_clustered(gfncp, plane, tmp_path, x):
    np.save(tmp_path / "x.npy", x)
    code, _, _ = gfncp("cluster", tmp_path / "x.npy", "--checkpoint", plane, "--output", tmp_path)
    assert code == 0
    assert pd.read_csv(tmp_path / "labels.csv")["label"][0] == 0


def test_names_gaps_and_categories_of_tables_are_accepted_and_escaped(gfncp, plane, tmp_path):
    """Names, gaps and categories; everything hostile is escaped in the report."""
    table = pd.DataFrame(
        {
            "who": [f"<script>{i}</script>" for i in range(12)],
            "kind": ["a", "b"] * 6,
            "size": [1.0, None, *range(10)],
            "other": 7.0,
        }
    )
    path = tmp_path / "<b>mine.csv"
    table.to_csv(path, index=False)
    code, _, notes = gfncp(
        *("cluster", path, "--checkpoint", plane, "--output", tmp_path / "out", "--labels", "l.parquet"),
        *("--columns", "kind, size", "--id-column", "who", "--k", "2:3", "--device", "cpu", "--samples", 5),
        *("--jobs", -1),
    )
    assert code == 0
    assert "Note: X lacks values (1 in column 'size')" in notes
    found = pd.read_parquet(tmp_path / "out" / "l.parquet")
    assert list(found.columns) == ["who", "label", "probability", "entropy"]
    assert found["who"].tolist() == table["who"].tolist()
    assert found["label"].nunique() in (2, 3)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "<b>mine" not in page and "&lt;b&gt;mine: 12 points" in page
    assert "data:image/png;base64,iVBOR" in page
    assert "http" not in page
    page = (tmp_path / "out" / "explore.html").read_text()
    assert "<script>0<" not in page and "\\u003cscript\\u003e0\\u003c/script\\u003e" in page
    assert "<b>mine" not in page and "&lt;b&gt;mine: 12 points" in page


@pytest.mark.parametrize("name", ["label", "probability", "entropy", "set"])
def test_names_do_not_take_the_place_of_results(gfncp, plane, tmp_path, points, name):
    table = pd.DataFrame(points, columns=["a", "b"]).assign(**{name: [f"p{row}" for row in range(20)]})
    table.to_csv(tmp_path / "in.csv", index=False)
    arguments = "cluster", tmp_path / "in.csv", "--checkpoint", plane, "--output", tmp_path / "out"
    assert gfncp(*arguments, "--id-column", name)[0] == 0
    found = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert list(found.columns) == ["point", "label", "probability", "entropy"]
    assert found["point"].tolist() == table[name].tolist()


@pytest.mark.parametrize("way", ["files", "column"])
def test_many_sets_are_clustered_each_on_its_own(gfncp, plane, tmp_path, points, way):
    table = pd.DataFrame(points, columns=["a", "b"]).assign(
        kind=np.arange(20) % 2, part=["x/y"] * 8 + ["z"] * 12
    )
    if way == "column":
        table.to_csv(tmp_path / "all.csv", index=False)
        given = [tmp_path / "all.csv", "--set-column", "part"]
    else:
        for i, (_, part) in enumerate(table.groupby("part")):
            part.drop(columns="part").to_parquet(tmp_path / f"{i}.parquet")
        given = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    code, text, _ = gfncp(
        "cluster", *given, "--checkpoint", plane, "--output", tmp_path / "out", "--label-column", "kind"
    )
    assert code == 0
    assert "2 sets" in text and "NMI" in text
    labels = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert list(labels.columns) == ["set", "point", "label", "probability", "entropy"]
    assert labels.groupby("set").size().tolist() == [8, 12]
    alone = GFNCP(plane, random_state=0).fit(points[:8]).labels_
    assert labels["label"][:8].tolist() == alone.tolist()
    folders = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert folders == (["001-x_y", "002-z"] if way == "column" else ["001-0", "002-1"])
    for folder in folders:
        assert (tmp_path / "out" / folder / "clusters.png").is_file()
        assert (tmp_path / "out" / folder / "posterior.npz").is_file()
    assert not list((tmp_path / "out").rglob("explore.html"))
    assert (tmp_path / "out" / "report.html").read_text().count("<section") == 2


def test_a_folder_of_images_is_clustered(gfncp, pictures, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("b/2.png", "a.jpg", "b/1.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(tmp_path / "in" / name)
    code, _, _ = gfncp(
        "cluster", tmp_path / "in", "--checkpoint", pictures, "--output", tmp_path / "out", "--samples", 3
    )
    assert code == 0
    assert pd.read_csv(tmp_path / "out" / "labels.csv")["file"].tolist() == ["a.jpg", "b/1.png", "b/2.png"]


# cluster: the folder of results


def test_without_pictures_none_are_written(gfncp, csv, plane, tmp_path):
    given = ("cluster", csv, "--checkpoint", plane, "--output", tmp_path / "out", "--samples", 5)
    code, text, _ = gfncp(*given, "--no-pictures")
    assert code == 0
    held = {path.name for path in (tmp_path / "out").iterdir()}
    assert held == {"labels.csv", "posterior.npz", "report.html", "files.json"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<img" not in page and "explore.html" not in page
    assert "clusters.png" not in text and "explore.html" not in text


def test_files_of_an_earlier_run_go_and_others_stay(gfncp, csv, plane, tmp_path, points):
    output, given = tmp_path / "out", ("--checkpoint", plane, "--samples", 5, "--output", tmp_path / "out")
    np.save(tmp_path / "other.npy", points)
    assert gfncp("cluster", csv, tmp_path / "other.npy", *given, "--labels", "l.parquet")[0] == 0
    (output / "mine.txt").write_text("kept")
    (output / "002-other" / "mine.txt").write_text("kept")
    assert gfncp("cluster", csv, *given)[0] == 0
    found = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert found == [
        *("002-other/mine.txt", "clusters.png", "explore.html", "files.json", "labels.csv", "mine.txt"),
        *("posterior.npz", "report.html"),
    ]
    assert not (output / "001-points").exists()
    assert set(json.loads((output / "files.json").read_text())["files"]) == set(found) - {
        *("002-other/mine.txt", "mine.txt", "files.json")
    }


def test_files_that_were_read_are_not_removed(gfncp, csv, plane, tmp_path):
    given = ("--checkpoint", plane, "--samples", 5, "--output", tmp_path / "out", "--no-pictures")
    assert gfncp("cluster", csv, *given)[0] == 0
    again = tmp_path / "out" / "labels.csv"
    content = again.read_bytes()
    assert gfncp("cluster", again, *given, "--columns", "label,entropy", "--labels", "l.csv")[0] == 0
    assert again.read_bytes() == content


@pytest.mark.parametrize("way", ["folders", "suffixes", "column"])
def test_files_of_one_name_are_told_apart(gfncp, plane, tmp_path, points, way):
    frame = pd.DataFrame(points, columns=["a", "b"])
    for folder in ("jan", "feb"):
        (tmp_path / folder).mkdir()
        frame.assign(part=np.arange(20) % 2).to_csv(tmp_path / folder / "p.csv", index=False)
    np.save(tmp_path / "jan" / "p.npy", points)
    csvs = [tmp_path / "jan" / "p.csv", tmp_path / "feb" / "p.csv"]
    files, names = {
        "folders": (csvs, ["jan/p", "feb/p"]),
        "suffixes": ([csvs[0], tmp_path / "jan" / "p.npy"], ["p.csv", "p.npy"]),
        "column": (csvs, ["jan/p: 0", "jan/p: 1", "feb/p: 0", "feb/p: 1"]),
    }[way]
    extra = ["--set-column", "part"] if way == "column" else []
    extra += ["--columns", "a,b"] if way == "folders" else []
    if way == "suffixes":
        frame.to_csv(csvs[0], index=False)
    code, _, _ = gfncp(
        *("cluster", *files, *extra, "--checkpoint", plane, "--samples", 5),
        *("--output", tmp_path / "out", "--no-pictures"),
    )
    assert code == 0
    assert pd.read_csv(tmp_path / "out" / "labels.csv")["set"].unique().tolist() == names


def test_known_labels_do_not_change_the_names_of_sets(gfncp, coresets, tmp_path, points):
    frame = pd.DataFrame(points, columns=["a", "b"]).assign(known=[0, 0, 1] + [-1] * 17)
    for folder in ("jan", "feb"):
        (tmp_path / folder).mkdir()
        frame.to_csv(tmp_path / folder / "p.csv", index=False)
    code, _, _ = gfncp(
        *("cluster", tmp_path / "jan" / "p.csv", tmp_path / "feb" / "p.csv", "--checkpoint", coresets),
        *("--known-column", "known", "--samples", 5, "--output", tmp_path / "out", "--no-pictures"),
    )
    assert code == 0
    assert pd.read_csv(tmp_path / "out" / "labels.csv")["set"].unique().tolist() == ["jan/p", "feb/p"]


def test_the_report_of_many_sets_is_small(gfncp, plane, tmp_path, points, monkeypatch):
    monkeypatch.setattr("gfncp.clustering_report.MOST_PICTURES", 3)
    rows = pd.DataFrame(np.tile(points[:4], (40, 1)), columns=["a", "b"]).assign(
        part=np.repeat(np.arange(40), 4)
    )
    rows.to_csv(tmp_path / "all.csv", index=False)
    code, text, _ = gfncp(
        *("cluster", tmp_path / "all.csv", "--set-column", "part", "--checkpoint", plane),
        *("--samples", 2, "--output", tmp_path / "out"),
    )
    assert code == 0
    page = tmp_path / "out" / "report.html"
    assert page.stat().st_size < 600_000
    linked = re.findall(r'src="(.*?)"', page.read_text())
    assert linked == [f"{number:03d}-{number - 1}/clusters.png" for number in (1, 2, 3)]
    assert all((tmp_path / "out" / name).is_file() for name in linked)
    assert "Pictures are of the first 3 sets only" in text
    assert "Pictures are of the first 3 sets only" in page.read_text()


# Bad folders and files are refused before anything is computed, and nothing is left.

REFUSED_AT_ONCE = """
import sys
from gfncp.cli import main
code = main(sys.argv[1:])
sys.exit(code if not {"torch", "pandas", "sklearn", "scipy", "matplotlib"} & set(sys.modules) else 3)
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "none.csv: there is no such file"),
        (["x.xlsx"], "x.xlsx: accepted are files that end in"),
        (["x.csv", "--output", "x.csv/out"], "x.csv is a file; accepted is a folder"),
        (["x.csv", "--checkpoint", "generl"], "checkpoint='generl': accepted are"),
        (["x.csv", "--labels", "l.txt"], "--labels=l.txt: accepted is"),
        (["x.csv", "--k", "2:x"], "--k '2:x': accepted is"),
    ],
)
def test_bad_paths_are_refused_before_anything_is_imported(tmp_path, arguments, said):
    for name in ("x.csv", "x.xlsx"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    done = subprocess.run(
        [sys.executable, "-c", REFUSED_AT_ONCE, "cluster", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert said in done.stderr
    assert done.returncode == 2, "something heavy was imported"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv", "x.xlsx"]


def test_folders_that_cannot_take_results_are_refused(refused, csv, tmp_path, points):
    output = tmp_path / "out"
    (output / "report.html").mkdir(parents=True)
    assert f"{output / 'report.html'} is a folder" in refused("cluster", csv, "--output", output)
    (output / "report.html").rmdir()
    for foreign in ("{}", "[]", "x", '{"written by": "me", "files": []}'):
        (output / "files.json").write_text(foreign)
        assert "files.json: not a list of files by gfncp" in refused("cluster", csv, "--output", output)
    for name in ("../points.csv", "/etc/passwd", "a/../../points.csv", "", 3, "a\\b"):
        held = {"written by": "gfncp cluster", "files": [name]}
        (output / "files.json").write_text(json.dumps(held))
        assert "files.json: not a list of files by gfncp" in refused("cluster", csv, "--output", output)
    assert csv.is_file()


def test_a_folder_without_permission_is_refused(refused, csv, monkeypatch, tmp_path):
    def fail(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gfncp.output_folder.TemporaryFile", fail)
    assert f"{tmp_path} cannot be written to (Permission denied)" in refused(
        "cluster", csv, "--output", tmp_path / "a" / "b"
    )


def test_results_are_not_written_over_points(refused, csv, tmp_path, points):
    csv.rename(tmp_path / "labels.csv")
    assert "labels.csv would be written over the points" in refused(
        "cluster", tmp_path / "labels.csv", "--output", tmp_path
    )
    (tmp_path / "images").mkdir()
    assert "whose images are clustered" in refused(
        "cluster", tmp_path / "images", "--output", tmp_path / "images" / "out"
    )
    np.save(tmp_path / "x.npy", points)
    assert "x.npy: is given twice" in refused("cluster", tmp_path / "x.npy", tmp_path / "x.npy")


def test_all_kinds_of_files_are_known_before_they_are_read():
    assert set(READERS) == set(TABLES_AND_ARRAYS)


def test_bad_images_are_named_or_left_out_and_dark_ones_inverted(gfncp, refused, pictures, tmp_path):
    """Bad files are named, or left out with a note; --invert exchanges light and dark."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
    for folder, held in (("in", pixels), ("inverted", 255 - pixels)):
        (tmp_path / folder).mkdir()
        for place, image in enumerate(held):
            Image.fromarray(image).save(tmp_path / folder / f"{place}.png")
    for name in ("x.png", "y.png"):
        (tmp_path / "in" / name).write_bytes(b"no image")
    given = ("--checkpoint", pictures, "--samples", 3)
    assert "2 of 8 images cannot be read: x.png (not an image), y.png (not an image)" in refused(
        "cluster", tmp_path / "in", *given
    )
    code, _, said = gfncp("cluster", tmp_path / "in", *given, "--output", tmp_path / "a", "--skip-bad")
    assert code == 0 and "x.png" in said and "y.png" in said
    assert "x.png" in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    code, *_ = gfncp("cluster", tmp_path / "inverted", *given, "--output", tmp_path / "b", "--invert")
    assert code == 0
    assert (tmp_path / "a" / "labels.csv").read_text() == (tmp_path / "b" / "labels.csv").read_text()


def test_options_of_images_are_refused_for_points(refused, csv):
    assert "--skip-bad: accepted for folders of images only" in refused("cluster", csv, "--skip-bad")
    assert "--invert: accepted for images only" in refused("cluster", csv, "--invert")


def test_images_unlike_all_checkpoints_are_refused(refused, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).uniform(size=(20, 28, 28)))
    assert "gfncp embed FOLDER" in refused("cluster", tmp_path / "x.npy")


# cluster, with checkpoints of coresets


@pytest.fixture
def coresets(coreset_checkpoint) -> Path:
    """A checkpoint of coresets, with random weights."""
    return coreset_checkpoint


SCALES = {
    "columns": "Columns: standardised each",
    "none": "Columns: kept in their common unit",
    "unit-length": "Rows: brought to unit length",
}


@pytest.mark.parametrize("scale", ["auto", *SCALES])
def test_the_scale_that_was_used_is_shown(gfncp, coresets, points, tmp_path, scale):
    x = points * [1, 100]
    np.save(tmp_path / "x.npy", x)
    code, text, _ = gfncp(
        *("cluster", tmp_path / "x.npy", "--checkpoint", coresets, "--scale", scale, "--output", tmp_path)
    )
    assert code == 0
    model = GFNCP(coresets, random_state=0, scale=scale).fit(x)
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "labels.csv")["label"], model.labels_)
    page = (tmp_path / "report.html").read_text()
    for name, shown in SCALES.items():
        assert (shown in text) == (f"<p>{shown}.</p>" in page) == (name == model.scale_)


def test_the_scale_holds_with_ray_too(gfncp, monkeypatch):
    given = []
    monkeypatch.setattr("gfncp.cli.cluster._cluster_on_ray", lambda *arguments: given.append(arguments[2]))
    assert gfncp("cluster", "x.parquet", "--engine", "ray", "--scale", "none")[0] == 0
    (parameters,) = given
    assert GFNCP(**parameters).scale == "none"


def test_points_that_are_taken_as_they_are_have_no_scale(gfncp, refused, csv, plane, tmp_path):
    given = ("cluster", csv, "--checkpoint", plane, "--output", tmp_path)
    _, text, _ = gfncp(*given)
    page = (tmp_path / "report.html").read_text()
    assert not any(shown in text or shown in page for shown in SCALES.values())
    assert "scale='none': " in refused(*given, "--scale", "none")
    assert "'meters'" in refused(*given, "--scale", "meters")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
@pytest.mark.parametrize(
    "known", [[1, -1, 1, 0] + [None] * 16, ["u", "-1", "u", "v"] + [""] * 16], ids=["numbers", "names"]
)
def test_known_labels_and_weights_are_no_coordinates(gfncp, coresets, points, tmp_path, suffix, known):
    path, weights = tmp_path / f"points.{suffix}", np.arange(1, 21)
    table = pd.DataFrame(points.astype(float), columns=["a", "b"]).assign(weight=weights)
    table.insert(1, "known", known)
    match suffix:
        case "csv":
            table.to_csv(path, index=False)
        case "parquet":
            table.to_parquet(path)
        case "npz":
            filled = [-1 if value is None else value for value in known]
            np.savez(path, x=points.astype(float), known=filled, weight=weights)
    code, _, _ = gfncp(
        *("cluster", path, "--checkpoint", coresets, "--output", tmp_path, "--samples", 10),
        *("--known-column", "known", "--weight-column", "weight"),
    )
    assert code == 0
    model = GFNCP(coresets, random_state=0, n_samples=10)
    model.fit(points.astype(float), known_labels=[0, -1, 0, 1] + [-1] * 16, sample_weight=weights)
    found = pd.read_csv(tmp_path / "labels.csv")["label"]
    np.testing.assert_array_equal(found, model.labels_)
    assert found[0] == found[2] != found[3]
    with np.load(tmp_path / "posterior.npz") as posterior:
        np.testing.assert_array_equal(posterior["labels"], model.posterior_.labels)
        np.testing.assert_allclose(posterior["log_prob"], model.posterior_.log_prob, rtol=1e-6)
    page = (tmp_path / "report.html").read_text()
    assert "known column: <b>known</b>" in page and "weight column: <b>weight</b>" in page


def test_the_page_names_the_options_that_were_given(gfncp, csv, plane, tmp_path):
    given = ("cluster", csv, "--checkpoint", plane, "--samples", 5, "--output", tmp_path, "--no-pictures")
    options = {"columns": "b,a", "min cluster size": "2", "noise": "labelled -1"}
    assert gfncp(*given)[0] == 0
    page = (tmp_path / "report.html").read_text()
    assert not any(f"{name}: <b>" in page for name in options)
    assert gfncp(*given, "--columns", "b,a", "--min-cluster-size", 2, "--noise")[0] == 0
    page = (tmp_path / "report.html").read_text()
    assert all(f"{name}: <b>{value}</b>" in page for name, value in options.items())


@pytest.mark.parametrize("way", ["files", "column", "both"])
def test_known_labels_apply_within_each_set(gfncp, coresets, points, tmp_path, way):
    known = ["u", "u", "v"] + [None] * 6 + ["u", None, "u", "w"] + [None] * 7
    table = pd.DataFrame(points.astype(float), columns=["a", "b"]).assign(known=known)
    table["part"] = ["z"] * 9 + ["y"] * 11
    table = table.sample(frac=1, random_state=0)
    parts = dict(list(table.groupby("part")))
    files = {"z.csv": parts["z"], "y.csv": parts["y"]} if way == "files" else {"all.csv": table}
    expected = parts
    if way == "both":
        files["one.csv"] = parts["y"]
        expected = {"all: y": parts["y"], "all: z": parts["z"], "one: y": parts["y"]}
    for name, rows in files.items():
        rows.drop(columns=["part"] if way == "files" else []).to_csv(tmp_path / name, index=False)
    code, text, _ = gfncp(
        *("cluster", *(tmp_path / name for name in files), "--checkpoint", coresets, "--samples", 5),
        *("--known-column", "known", "--output", tmp_path / "out"),
        *([] if way == "files" else ["--set-column", "part"]),
    )
    assert code == 0
    assert "scale" in text
    found = dict(list(pd.read_csv(tmp_path / "out" / "labels.csv").groupby("set")["label"]))
    assert set(found) == set(expected)
    for name, rows in expected.items():
        alone = GFNCP(coresets, random_state=0, n_samples=5)
        alone.fit(rows[["a", "b"]], known_labels=rows["known"])
        np.testing.assert_array_equal(found[name], alone.labels_)
        clusters = [
            set(found[name][(rows["known"] == k).to_numpy()]) for k in rows["known"].dropna().unique()
        ]
        assert [len(each) for each in clusters] == [1, 1] and clusters[0] != clusters[1]


def test_the_greedy_clustering_is_judged_given_what_is_known(coresets, points):
    known, weights = np.array([0, 1, -1, -1]), np.array([1, 2, 3, 1])
    model = GFNCP(coresets, random_state=0, n_samples=200)
    model.fit(points[:4], known_labels=known, sample_weight=weights)
    judged = Result(PointSet("four", points[:4], pd.RangeIndex(4), None), model).log_prob()
    (sampled,) = model.posterior_.log_prob[(model.posterior_.labels == model.labels_).all(1)]
    assert judged == pytest.approx(sampled, abs=1e-4)
    assert judged > model.log_prob(points[:4], model.labels_) + 0.01


def test_bad_columns_of_known_labels_and_weights_are_refused(
    refused, coresets, plane, pictures, csv, points, tmp_path
):
    given = ("cluster", csv, "--checkpoint", coresets, "--output", tmp_path / "out")
    for option in ("--known-column", "--weight-column"):
        assert "points.csv: there is no column 'none'; there are ['a', 'b']" in refused(
            *given, option, "none"
        )
        pd.DataFrame(np.abs(points), columns=["a", "b"]).to_csv(tmp_path / "abs.csv", index=False)
        assert f"{option}=b: accepted with checkpoints of coresets" in refused(
            *("cluster", tmp_path / "abs.csv", "--checkpoint", plane, option, "b")
        )
        assert "columns=['a', 'b']: accepted are coordinates, 'b' has another role" in refused(
            *given, option, "b", "--columns", "a,b"
        )
        assert f"{option}=b: accepted with --engine local only" in refused(
            *given, option, "b", "--engine", "ray"
        )
        np.savez(tmp_path / "short.npz", x=points, few=np.arange(3))
        assert "'few' has shape (3,): accepted is one value per point, (20,)" in refused(
            *("cluster", tmp_path / "short.npz", "--checkpoint", coresets, option, "few")
        )
        (tmp_path / "in").mkdir(exist_ok=True)
        assert "a folder of images has no columns ['a']" in refused("cluster", tmp_path / "in", option, "a")
    pd.DataFrame(points, columns=["a", "b"]).assign(w=[1.0, None] * 10).to_csv(
        tmp_path / "w.csv", index=False
    )
    assert "w.csv, column 'w': sample_weight[1] is nan" in refused(
        *("cluster", tmp_path / "w.csv", "--checkpoint", coresets, "--weight-column", "w")
    )
    table = pd.DataFrame({"a": [0.0, 0, 1, 2], "b": [1.0, 1, 2, 3], "known": ["u", "v", "", ""]})
    table.to_csv(tmp_path / "equal.csv", index=False)
    assert "known_labels: rows 0 and 1 of X are equal" in refused(
        *("cluster", tmp_path / "equal.csv", "--checkpoint", coresets, "--known-column", "known")
    )
    assert not (tmp_path / "out").exists()


# train, info, evaluate


def test_info_describes_a_checkpoint_of_coresets(gfncp, coresets):
    code, text, _ = gfncp("info", coresets)
    assert code == 0
    assert "(n_samples, any width)" in text
    assert "any number, summarised by at most 5 micro-clusters" in text
    assert text.index("units") < text.index("[encoder]")


def test_reproduce_outside_of_a_checkout_names_the_option(refused, tmp_path):
    message = refused("reproduce", "table3", "--root", tmp_path)
    assert f"--root={tmp_path}: holds no experiments/tables" in message


@pytest.mark.usefixtures("small_validation")
def test_a_checkpoint_is_trained_resumed_described_and_evaluated(gfncp, refused, tmp_path):
    config, run = tmp_path / "tiny.toml", tmp_path / "run"
    config.write_text(TOML)
    assert gfncp("train", config, "--output", run)[0] == 0
    weights = load(run).state_dict()

    assert gfncp("train", config, "--output", run)[0] == 0  # nothing is left to do
    again = load(run).state_dict()
    assert all(torch.equal(again[name], weights[name]) for name in weights)

    code, text, _ = gfncp("info", run)
    assert code == 0
    assert "(n_samples, 2)" in text and 'kind = "gaussian-mixtures"' in text

    record = tmp_path / "records" / "run.json"
    code, text, _ = gfncp("evaluate", run, "--sets", 3, "--points", 10, "--exact", "--record", record)
    assert code == 0
    assert "greedy" in text and "exact" in text
    held = json.loads(record.read_text())
    assert {"sets": 3, "points": 10, "seed": 0, "iterations": 2, "checkpoint": "run"}.items() <= held.items()
    assert held["torch"] == torch.__version__ and "cpu" in held["device"] and held["seconds"] > 0
    assert set(held["greedy"]) == {"nmi", "ari", "clusters"}
    assert held["configuration"]["training"]["iterations"] == 2

    config.write_text(TOML.replace("iterations = 2", "iterations = 3"))
    assert "another configuration" in refused("train", config, "--output", run)


def test_a_run_is_named_after_its_file(gfncp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TOML)
    assert gfncp("train", "tiny.toml")[0] == 0
    assert gfncp("info", "runs/tiny")[0] == 0


def test_images_are_evaluated(gfncp, pictures, data_folder):
    data = data_folder("mnist")
    code, text, _ = gfncp("evaluate", pictures, "--sets", 2, "--points", 12, "--data", data)
    assert code == 0
    assert "greedy" in text


# Bad input: exit code 2 and one line that says what and where.

USAGE = {
    "no file": (["cluster"], "Missing argument 'FILE...'"),
    "unknown option": (["cluster", "x.csv", "--chekpoint", "mnist"], "--chekpoint"),
    "unknown command": (["clusters", "x.csv"], "Did you mean 'cluster'"),
    "no samples": (["cluster", "x.csv", "--samples", "0"], "given is '0'"),
    "not a number": (["cluster", "x.csv", "--samples", "many"], "--samples"),
    "negative seed": (["cluster", "x.csv", "--seed", "-1"], "given is '-1'"),
    "one point": (["evaluate", "mnist", "--points", "1"], "--points"),
}


@pytest.mark.parametrize(("arguments", "said"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_refused_with_a_hint_at_help(refused, arguments, said):
    complaint = refused(*arguments)
    assert said.lower() in complaint.lower()
    assert "--help" in complaint


FILES = {
    "empty": ("p.csv", b"", "cannot be read"),
    "only a header": ("p.csv", b"a,b\n", "0 rows"),
    "names": ("p.csv", b"a,name\n1,Ann\n3,Al\n5,Bob\n", "(3, 1)"),
    "only names": ("p.csv", b"name\nAnn\nAl\nBob\n", "no column is left to cluster by (name: a "),
    "infinite": ("p.csv", b"a,b\n1,2\n-inf,3\n", "row 2, column 'a' holds -inf"),
    "too large": ("p.csv", b"a,b\n1,2\n1e300,3\n", "too far apart"),
    "width": ("p.csv", b"a,b,c\n1,2,3\n4,5,6\n", "(2, 3)"),
    "long rows": ("p.csv", b"a,b\n1,2,3\n4,5,6\n", "cannot be read"),
    "a longer row": ("p.csv", b"a,b\n1,2\n4,5,6\n", "line 3"),
    "no header": ("p.csv", b"1.5,2.5\n3.5,4.5\n", "first line has to name the columns"),
    "not text": ("p.csv", b"a,b\n\xff\xfe,\x00\n", "p.csv"),
    "not parquet": ("p.parquet", b"a,b\n1,2\n", "cannot be read"),
    "empty parquet": ("p.parquet", b"", "cannot be read"),
    "not npy": ("p.npy", b"a,b\n1,2\n", "cannot be read"),
    "empty npz": ("p.npz", b"", "cannot be read"),
    "unknown suffix": ("p.xlsx", b"x", ".csv, .parquet, .npy, .npz"),
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "2"], "--workers=2: accepted with --engine ray only"),
        (["--address", "auto"], "--address=auto: accepted with --engine ray only"),
        (["--engine", "ray", "--jobs", "2"], "--jobs=2: accepted with --engine local only"),
        (["--engine", "ray", "--labels", "a.csv"], "--labels=a.csv: accepted with --engine local only"),
    ],
)
def test_options_of_the_other_engine_are_refused(refused, arguments, said):
    assert said in refused("cluster", "x.parquet", *arguments)


@pytest.mark.parametrize(("name", "content", "said"), FILES.values(), ids=FILES)
def test_malformed_files_are_refused(refused, plane, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    complaint = refused("cluster", tmp_path / name, "--checkpoint", plane, "--output", tmp_path / "out")
    assert said in complaint
    assert not (tmp_path / "out").exists()


ARRAYS = {
    "inf": (np.array([[0.0, 1.0], [np.inf, 2.0]]), "row 2, column 1 holds inf"),
    "width": (np.zeros((4, 3)), "(4, 3)"),
    "images": (np.zeros((4, 28, 28)), "(4, 28, 28)"),
    "missing pixels": (np.full((4, 28, 28), np.nan), "(4, 28, 28)"),
    "one row": (np.zeros(4), "shape (4,)"),
    "scalar": (np.float64(1), "shape ()"),
    "no points": (np.zeros((0, 2)), "shape (0, 2)"),
    "text": (np.array([["a", "b"]]), "type <U1"),
    "complex": (np.zeros((4, 2), complex), "type complex128"),
    "objects": (np.array([[None, 1]]), "cannot be read"),
    "very wide": (np.zeros((2, 1000), np.float32), "(2, 1000)"),
}


@pytest.mark.parametrize(("x", "said"), ARRAYS.values(), ids=ARRAYS)
def test_malformed_arrays_are_refused(refused, plane, tmp_path, x, said):
    np.save(tmp_path / "x.npy", x)
    assert said in refused("cluster", tmp_path / "x.npy", "--checkpoint", plane)


@pytest.mark.parametrize("suffix", ["npy", "npz", "parquet"])
def test_truncated_files_are_refused(refused, plane, tmp_path, points, suffix):
    path = tmp_path / f"points.{suffix}"
    match suffix:
        case "npy":
            np.save(path, points)
        case "npz":
            np.savez_compressed(path, x=points)
        case "parquet":
            pd.DataFrame(points, columns=["a", "b"]).to_parquet(path)
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 12).astype(int):
        path.write_bytes(whole[:length])
        assert f"{path}: cannot be read" in refused("cluster", path, "--checkpoint", plane)


def test_damaged_archives_are_refused(refused, plane, tmp_path, points):
    path = tmp_path / "points.npz"
    np.savez_compressed(path, x=points)
    content = bytearray(path.read_bytes())
    content[60:70] = b"\xff" * 10
    path.write_bytes(content)
    assert "cannot be read" in refused("cluster", path, "--checkpoint", plane)


def test_bad_columns_of_labels_are_refused(refused, csv, plane, points, tmp_path):
    assert "no column 'kind'; there are ['a', 'b']" in refused("cluster", csv, "--label-column", "kind")
    np.savez(tmp_path / "short.npz", x=points, kind=np.arange(3))
    assert "(3,)" in refused("cluster", tmp_path / "short.npz", "--label-column", "kind")
    np.savez(tmp_path / "other.npz", y=points)
    assert "array named 'x'" in refused("cluster", tmp_path / "other.npz")
    (tmp_path / "gap.csv").write_text("a,b,kind\n1,2,u\n3,4,\n")
    assert "data row 2 has no label" in refused("cluster", tmp_path / "gap.csv", "--label-column", "kind")
    (tmp_path / "only.csv").write_text("kind\nu\nv\n")
    assert "0 columns" in refused("cluster", tmp_path / "only.csv", "--label-column", "kind")


def test_images_out_of_range_are_refused(refused, pictures, tmp_path):
    np.save(tmp_path / "x.npy", np.full((3, 28, 28), 7.0))
    assert "[0, 1]" in refused("cluster", tmp_path / "x.npy", "--checkpoint", pictures)


@pytest.mark.parametrize("command", ["info", "evaluate"])
def test_unknown_and_damaged_checkpoints_are_refused(refused, command, tmp_path):
    assert "checkpoint='no-such'" in refused(command, "no-such")
    (tmp_path / "config.json").write_text("{")
    assert "not a readable JSON file" in refused(command, tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    assert "config.json" in refused(command, tmp_path)


def test_damaged_weights_are_refused(refused, csv, plane, pictures):
    weights = plane / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert f"{weights}: not the weights" in refused("cluster", csv, "--checkpoint", plane)
    weights.write_bytes((pictures / "model.safetensors").read_bytes())
    assert f"{weights}: not the weights" in refused("cluster", csv, "--checkpoint", plane)
    weights.unlink()
    assert f"{weights}: not the weights" in refused("cluster", csv, "--checkpoint", plane)


def test_bad_options_of_cluster_are_refused(refused, csv, plane, tmp_path):
    given = ("cluster", csv, "--checkpoint", plane, "--output", tmp_path / "out")
    for bad in ("0", "x", "1:2:3", "3:", "", "5:2"):
        assert "accepted is a number of clusters, such as 3, or bounds" in refused(*given, "--k", bad)
    assert "--k '21': accepted are" in refused(*given, "--k", "21")
    assert "--k '21:30': accepted are" in refused(*given, "--k", "21:30")
    assert "device='nowhere'" in refused(*given, "--device", "nowhere")
    assert "n_jobs=0: accepted are" in refused(*given, "--jobs", "0")
    assert "--labels=labels.txt: " in refused(*given, "--labels", "labels.txt")
    without = (
        "--labels=../labels.csv: accepted is a file name that ends in .csv or .parquet, without a folder"
    )
    assert without in refused(*given, "--labels", "../labels.csv")
    for option in ("--columns", "--id-column", "--set-column"):
        assert "there is no column 'none'; there are ['a', 'b']" in refused(*given, option, "none")
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    assert "there is no column 'a'" in refused("cluster", tmp_path / "x.npy", "--columns", "a")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.png").write_bytes(b"no image")
    assert "1 of 1 images cannot be read: x.png" in refused("cluster", tmp_path / "in")
    assert "has no columns ['a']" in refused("cluster", tmp_path / "in", "--id-column", "a")


CONFIGURATIONS = {
    "not TOML": ("seed = = 1", "not a readable TOML file"),
    "empty": ("", "encoder"),
    "unknown key": (TOML + "iteratoins = 3", "training.iteratoins=3"),
    "unknown section": (TOML + "[extra]\na = 1", "extra"),
    "unknown kind": (TOML.replace("gaussian-mixtures", "cauchy-mixtures"), "cauchy-mixtures"),
    "wrong value": (TOML.replace("batch = 2", "batch = 0"), "training.batch=0"),
    "wrong type": (TOML.replace("batch = 2", 'batch = "two"'), "training.batch='two'"),
    "low above high": (TOML.replace("[5, 8]", "[8, 5]"), "low=8 must not exceed high=5"),
}


@pytest.mark.parametrize(("content", "said"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_invalid_configurations_are_refused(refused, tmp_path, content, said):
    config = tmp_path / "run.toml"
    config.write_text(content)
    complaint = refused("train", config, "--output", tmp_path / "run")
    assert said in complaint and "run.toml" in complaint
    assert not (tmp_path / "run").exists()


def test_missing_and_misplaced_paths_are_refused(refused, csv, plane, tmp_path):
    assert "none.toml" in refused("train", tmp_path / "none.toml")
    (tmp_path / "folder.csv").mkdir()
    assert "holds no images" in refused("cluster", tmp_path / "folder.csv")
    assert "there is no such file" in refused("cluster", tmp_path / "none.csv")
    assert "points.csv" in refused("cluster", csv, "--checkpoint", plane, "--output", csv)


def test_missing_images_are_refused(refused, pictures, tmp_path):
    assert f"{tmp_path}: t10k-images-idx3-ubyte.gz is missing" in refused(
        "evaluate", pictures, "--data", tmp_path
    )
    assert "only Gaussian mixtures" in refused("evaluate", pictures, "--exact")
