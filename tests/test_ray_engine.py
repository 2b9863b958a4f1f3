"""Many sets on Ray: what a single process finds, however often it is stopped."""

import json

import numpy as np
import pandas as pd
import pytest

from gfncp import GFNCP
from gfncp.cli import main
from gfncp.clustering_report import Result
from gfncp.data.point_sets import Roles, set_of_rows

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'gfncp[ray]'")
pytest.importorskip("ray.data", reason="needs Ray Data: pip install 'gfncp[ray]'")

from gfncp import ray_engine  # noqa: E402

ROLES = Roles(ids="name", labels="truth", sets="set")


@pytest.fixture(scope="module")
def local_ray():
    """Ray in processes of this machine, which find the package as this process does."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("RAY_worker_niceness", "0")  # else a busy machine hardly runs them
        ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        ray.shutdown()


@pytest.fixture
def table():
    """Three sets, their rows mixed, and one that no network takes."""
    rng = np.random.default_rng(0)
    sets = np.repeat(["a", "b/1", "c", "bad"], [9, 12, 7, 2])
    x = rng.normal(scale=10, size=(30, 2))
    x[sets == "bad", 0] = np.inf
    held = pd.DataFrame({"set": sets, "x": x[:, 0], "y": x[:, 1], "truth": rng.integers(0, 2, 30)})
    held.insert(0, "name", [f"p{i:02d}" for i in range(30)])
    return held


@pytest.fixture
def parameters(vector_checkpoint):
    return {"checkpoint": str(vector_checkpoint), "n_samples": 5, "random_state": 3}


def alone(rows, name, parameters):
    each = set_of_rows(rows, name, ROLES)
    return Result(each, GFNCP(**parameters).fit(each.points)).labels()


def test_two_workers_find_what_one_process_does_and_go_on_where_they_were(
    local_ray, table, parameters, tmp_path, capsys
):
    mixed = table.sample(frac=1, random_state=0)
    paths = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    mixed[:17].to_parquet(paths[0])  # with an index, which is no coordinate
    mixed[17:].to_parquet(paths[1])
    folder, told = tmp_path / "results", []

    def run():
        return ray_engine.cluster_sets(paths, ROLES, parameters, folder, workers=2, done=told.append)

    with pytest.raises(ValueError, match=r"1 sets could not be clustered, 3 were; first bad: .*inf"):
        run()
    assert {row["set"]: row["points"] for row in told} == {"a": 9, "b/1": 12, "c": 7}
    files = {name: folder / ray_engine.file_name(name) for name in ("a", "b/1", "c")}
    for name, file in files.items():
        found = pd.read_parquet(file)
        assert (found.pop("set") == name).all()
        rows = table[table["set"] == name]
        pd.testing.assert_frame_equal(found, alone(rows, name, parameters))
        (row,) = (row for row in told if row["set"] == name)
        assert row["NMI"] == pytest.approx(normalized_mutual_info_score(rows["truth"], found["label"]))
    assert len(list(folder.glob("*.parquet"))) == 3

    kept = files["a"].stat().st_mtime_ns
    files["c"].unlink()
    for path in paths:  # the bad set is mended
        pd.read_parquet(path).replace(np.inf, 1.0).to_parquet(path)
    told.clear()
    command = ["cluster", *map(str, paths), "--engine", "ray", "--workers", "2", "--set-column", "set"]
    command += ["--id-column", "name", "--label-column", "truth", "--output", str(folder)]
    command += ["--checkpoint", parameters["checkpoint"], "--samples", "5", "--seed", "3"]
    (folder / ray_engine.SETTINGS).unlink()  # the command line names all parameters
    assert main(command) == 0
    assert "2 sets in" in capsys.readouterr().out
    assert files["a"].stat().st_mtime_ns == kept
    assert len(list(folder.glob("*.parquet"))) == 4
    found = pd.read_parquet(files["c"]).drop(columns="set")
    pd.testing.assert_frame_equal(found, alone(table[table["set"] == "c"], "c", parameters))
    assert main(command) == 0
    assert "0 sets in" in capsys.readouterr().out


# Before Ray is asked for anything.


def test_results_of_other_settings_are_not_mixed(table, parameters, tmp_path):
    path = tmp_path / "points.parquet"
    table[:9].to_parquet(path, index=False)
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / ray_engine.file_name("a")).write_bytes(b"")  # nothing is left to do
    assert ray_engine.cluster_sets([path], ROLES, parameters, folder, workers=1) == 0
    assert json.loads((folder / ray_engine.SETTINGS).read_text())["parameters"] == parameters
    for other in (parameters | {"random_state": 4}, parameters | {"n_clusters": (1, 3)}):
        with pytest.raises(ValueError, match="holds results of other settings"):
            ray_engine.cluster_sets([path], ROLES, other, folder, workers=1)
    assert ray_engine.cluster_sets([path], ROLES, parameters, folder, workers=2) == 0


@pytest.mark.parametrize(
    ("roles", "complaint"),
    [
        (Roles(ids="name"), "needs the columns that name the sets and the points"),
        (Roles(sets="set"), "needs the columns that name the sets and the points"),
        (Roles(ids="name", sets="other"), "there is no column 'other'"),
        (Roles(ids="name", sets="holes"), "has rows that name no set"),
    ],
)
def test_bad_columns_are_refused(table, parameters, tmp_path, roles, complaint):
    table["holes"] = table["set"].where(table["set"] != "c")
    table.to_parquet(tmp_path / "points.parquet")
    with pytest.raises(ValueError, match=complaint):
        ray_engine.cluster_sets([tmp_path], roles, parameters, tmp_path / "results", workers=1)


def test_bad_files_are_refused(parameters, tmp_path):
    (tmp_path / "points.csv").write_text("x,y\n1,2\n")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    for path in (tmp_path / "points.csv", tmp_path / "none.parquet"):
        with pytest.raises(ValueError, match="accepted by engine='ray' are Parquet files"):
            ray_engine.cluster_sets([path], ROLES, parameters, tmp_path / "results", workers=1)
    with pytest.raises(ValueError, match=r"damaged\.parquet: cannot be read"):
        ray_engine.cluster_sets([tmp_path], ROLES, parameters, tmp_path / "results", workers=1)


def test_names_of_files_are_those_of_sets_and_differ():
    names = ["a", "b/1", "b_1", "", "x" * 500, 3, 3.5, "../up"]
    files = [ray_engine.file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all("/" not in file and len(file) < 100 for file in files)
