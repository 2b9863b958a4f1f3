"""Training on one's own points: the configuration that fits them, and a checkpoint for more of them."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gfncp import GFNCP
from gfncp.checkpoints import load_configuration
from gfncp.cli import main
from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration, to_toml
from gfncp.data import own_images
from gfncp.networks.image_embeddings import ImageEmbedding
from gfncp.simulators import NeighbourEmbeddings
from gfncp.training import own_points as own_data


@pytest.fixture
def vectors():
    """Six heaps in seven dimensions."""
    rng = np.random.default_rng(0)
    return np.repeat(5 * rng.normal(size=(6, 7)), 50, axis=0) + rng.normal(size=(300, 7))


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (200, 28, 28)).astype(np.uint8)


@pytest.fixture
def small_runs(small_validation, monkeypatch):
    """Train small networks, and validate on small sets."""
    for name, size in (("width", 8), ("heads", 2), ("blocks", 1)):
        monkeypatch.setitem(own_data.CONTEXT, name, size)
    monkeypatch.setattr(own_data, "LARGEST_TEST", 8)


def write(path, x):
    {
        ".csv": lambda: pd.DataFrame(x).add_prefix("column").to_csv(path, index=False),
        ".parquet": lambda: pd.DataFrame(x).add_prefix("column").to_parquet(path),
        ".npy": lambda: np.save(path, x),
        ".npz": lambda: np.savez(path, x=x),
    }[path.suffix]()
    return path


def images_in(folder, pictures):
    folder.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:03}.png")
    return folder


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy", ".npz"])
@pytest.mark.parametrize("dim", [1, 7])
def test_vectors_of_any_width_have_a_configuration(tmp_path, vectors, suffix, dim):
    described = own_data.configure(write(tmp_path / f"x{suffix}", vectors[:, :dim]))
    assert described.encoder.dim == described.encoder.components == described.data.dim == dim
    widest = np.linalg.svd(vectors[:, :dim] - vectors[:, :dim].mean(0))[1][0] / len(vectors) ** 0.5
    assert described.encoder.scale == pytest.approx(widest, rel=0.06)  # of two digits
    (tmp_path / "run.toml").write_text(to_toml(described))
    assert read_configuration(tmp_path / "run.toml") == described


def test_embeddings_keep_48_components_and_large_collections_a_hundredth(tmp_path):
    x = np.random.default_rng(0).normal(size=(6000, 60)).astype(np.float32)
    described = own_data.configure(write(tmp_path / "x.npy", x))
    assert described.encoder.components == 48
    assert described.data.reach == 0.01 and described.training.points == (20, 150)
    small = own_data.configure(write(tmp_path / "y.npy", x[:200]))
    assert small.data.reach == 0.05 and small.training.points == (20, 20)


def test_a_tenth_is_held_out(tmp_path, vectors):
    path = write(tmp_path / "x.npy", vectors)
    described = own_data.configure(path)
    parts = described.data.split(path)
    rows = torch.cat([parts.training, parts.validation])
    assert (len(parts.training), len(parts.validation)) == (270, 30)
    assert torch.equal(rows.sort(0).values, torch.from_numpy(vectors).float().sort(0).values)
    training, validation = described.data.make_simulators(described.encoder.build(), path, described.seed)
    assert torch.equal(training.views[0], parts.training)
    assert torch.equal(validation.views[0], parts.validation)


def test_images_are_the_same_in_a_folder_and_in_an_array(tmp_path, pictures):
    folder, file = images_in(tmp_path / "folder", pictures), write(tmp_path / "x.npy", pictures)
    assert torch.equal(own_images.read_images(folder), torch.from_numpy(pictures))
    assert torch.equal(own_images.read_images(file), torch.from_numpy(pictures))
    shares = write(tmp_path / "shares.npy", pictures / 255)
    assert torch.equal(own_images.read_images(shares), torch.from_numpy(pictures))
    assert own_data.configure(folder) == own_data.configure(file)


def test_images_that_are_held_out_are_not_trained_on(tmp_path, pictures):
    path = write(tmp_path / "x.npy", pictures)
    described = own_data.configure(path)
    parts = described.data.split(path)
    assert (len(parts.training), len(parts.validation)) == (180, 20)
    every = {picture.numpy().tobytes() for part in parts for picture in part}
    assert every == {picture.tobytes() for picture in pictures}
    encoder = described.encoder.build()
    assert isinstance(encoder.embedding, ImageEmbedding)
    training, validation = described.data.make_simulators(encoder, path, described.seed)
    assert isinstance(validation, NeighbourEmbeddings)
    assert training.views.shape[:2] == (4, 180) and validation.views.shape[:2] == (1, 20)
    assert torch.equal(training.views[0], encoder.embed(parts.training / 255))


@pytest.mark.usefixtures("small_runs")
def test_train_gives_an_estimator_and_goes_on(tmp_path, vectors):
    model = GFNCP.train(vectors, str(tmp_path / "run"), iterations=1, n_samples=3, random_state=0)
    assert model.n_samples == 3 and model.checkpoint == str(tmp_path / "run")
    assert model.fit_predict(vectors[:12]).shape == (12,)
    before = load_file(tmp_path / "run" / "model.safetensors")
    GFNCP.train(pd.DataFrame(vectors), tmp_path / "run", iterations=1)  # nothing is left to do
    after = load_file(tmp_path / "run" / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(ValueError, match="holds other points than X; choose another folder"):
        GFNCP.train(vectors[::-1], tmp_path / "run", iterations=1)
    with pytest.raises(ValueError, match="another configuration"):
        GFNCP.train(vectors, tmp_path / "run", iterations=1, seed=1)


@pytest.mark.usefixtures("small_runs")
def test_the_command_line_trains_on_a_file(tmp_path, vectors, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine.parquet", vectors)
    assert main(["train", "--data", "mine.parquet", "--iterations", "1"]) == 0
    assert load_configuration("runs/mine") == own_data.configure(tmp_path / "mine.parquet", iterations=1)
    (tmp_path / "mine.toml").write_text(to_toml(own_data.configure(tmp_path / "mine.parquet")))
    assert main(["train", "mine.toml", "--data", "mine.parquet", "--iterations", "1"]) == 0  # the same run
    write(tmp_path / "few.csv", vectors[:10])
    assert main(["cluster", "few.csv", "--checkpoint", "runs/mine", "--samples", "3"]) == 0


@pytest.mark.usefixtures("small_runs")
def test_the_command_line_is_told_how_a_file_is_written(tmp_path, vectors, capsys):
    """The points are kept, so that the run can go on, and be evaluated, without being told again."""
    table = pd.DataFrame(vectors.round(3))
    table.columns = [f"größe {name}" for name in table.columns]
    text = table.to_csv(index=False, sep="*", decimal=",").encode("latin-1")
    (tmp_path / "x.csv").write_bytes(text)
    command = [
        "train",
        "--data",
        str(tmp_path / "x.csv"),
        "--iterations",
        "1",
        "--output",
        str(tmp_path / "run"),
    ]
    assert main(command) == 2
    assert "--encoding latin-1 reads another encoding" in capsys.readouterr().err
    told = [*command, "--encoding", "latin-1", "--delimiter", "*", "--decimal", ","]
    assert main(told) == 0
    kept = load_file(tmp_path / "run" / own_data.FILE)["x"]
    np.testing.assert_array_equal(kept.numpy(), table.to_numpy(np.float32))
    assert main(told) == 0  # nothing is left to do
    (tmp_path / "x.csv").write_bytes(text.replace(b"1", b"2"))
    assert main(told) == 2
    assert "holds other points than X; choose another folder" in capsys.readouterr().err
    (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 200 + "?,3\n")
    assert main([*command[:-1], str(tmp_path / "other")]) == 2
    assert "row 201, column 'a' holds '?'" in (said := capsys.readouterr().err)
    assert "remove the row if it is a missing value" in said and not (tmp_path / "other").exists()
    assert main(["train", "mine.toml", "--decimal", ","]) == 2
    assert "accepted with --data FILE, without a TOML file" in capsys.readouterr().err


@pytest.mark.usefixtures("small_runs")
def test_images_train_a_network_that_takes_images(tmp_path, pictures, monkeypatch):
    monkeypatch.setitem(own_data.OF_IMAGES["encoder"], "pretraining", {"iterations": 1, "batch": 4})
    folder = images_in(tmp_path / "folder", pictures)
    assert main(["train", "--data", str(folder), "--output", str(tmp_path / "run"), "--iterations", "1"]) == 0
    model = GFNCP(tmp_path / "run", n_samples=2, random_state=0)
    assert model.fit_predict(pictures[:5]).shape == (5,)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((199, 3)), "holds 199 points: training accepts at least 200"),
        (np.ones((200, 3)), "all 200 points are the same"),
        (np.zeros((200, 28, 27)), r"shape \(200, 28, 27\)"),
        (np.full((200, 28, 28), 2.0), "accepted are images in"),
        (np.full((200, 3), np.nan), "accepted are finite numbers"),
        (np.zeros(200), r"X has shape \(200,\): accepted are"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(tmp_path, x, said):
    with pytest.raises(ValueError, match=said):
        GFNCP.train(x, tmp_path / "run", iterations=1)
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_training_needs_a_configuration_or_points(capsys, tmp_path):
    assert main(["train"]) == 2
    assert "name a TOML file, or your points with --data" in capsys.readouterr().err
    assert main(["train", "--data", str(tmp_path / "none.csv")]) == 2
    assert "none.csv: there is no such file" in capsys.readouterr().err


def test_own_images_are_not_downloaded():
    described = parse(
        {
            "encoder": {"kind": "embedded-images"},
            "data": {"kind": "neighbour-embeddings", "dataset": "own"},
            "objective": {"name": "ncp"},
        },
        "test",
    )
    with pytest.raises(ValueError, match=r"data\.dataset='own': say where the images are with --data"):
        described.data.split(None)
