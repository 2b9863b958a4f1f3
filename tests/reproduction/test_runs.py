"""Each data set of a table is found by its name and checked: none is taken for another."""

from pathlib import Path

import numpy as np
import pytest

from gfncp.checkpoints import save_configuration
from gfncp.configuration.toml_files import read_configuration
from gfncp.data.splits import class_list
from gfncp.reproduction.declarations import read_declarations
from gfncp.reproduction.runs import data_folder, make_run, run_and_record, share_embedding

ROOT = Path(__file__).parents[2]
DIM, MEMBERS = 384, 2


def write(path: Path, names: list[str]) -> Path:
    """Embeddings of a few points of each class."""
    path.parent.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(0).normal(size=(MEMBERS * len(names), DIM))
    np.savez(path, x=x, y=np.repeat(names, MEMBERS))
    return path


def run_k_means(dataset: str, data: Path, records: Path) -> dict:
    run = make_run(read_declarations(ROOT / "experiments"), "table4", dataset, "k-means", 0, None, 2)
    return run_and_record(run, records, records, data, "cpu")


@pytest.mark.parametrize(
    ("dataset", "other", "message"),
    [
        ("clinc150-50", "imagenet-200", r"is not the data set that is named: it lacks the class 'accept_res"),
        ("clinc150-50", "imagenet-50", r"200 classes differ"),
        ("imagenet-50", "clinc150", r"classes='imagenet-50': the data lacks 'n01601694' \(50 classes\)"),
        ("imagenet-200", "imagenet-50", r"classes='imagenet-200': the data lacks 'n\d+' \(150 classes\)"),
    ],
)
def test_another_data_set_is_refused(dataset, other, message, tmp_path):
    data = write(tmp_path / "embeddings.npz", class_list(other))
    with pytest.raises(ValueError, match=message):
        run_k_means(dataset, data, tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_labels_are_needed_to_know_a_data_set(tmp_path):
    np.savez(tmp_path / "embeddings.npz", x=np.zeros((300, DIM)), z=np.zeros(300, int))
    with pytest.raises(ValueError, match=r"embeddings\.npz"):
        run_k_means("clinc150-50", tmp_path / "embeddings.npz", tmp_path)


def test_each_data_set_has_its_folder(tmp_path):
    clinc = write(tmp_path / "clinc150" / "sentences.npz", class_list("clinc150"))
    imagenet = write(tmp_path / "imagenet" / "dino.npz", class_list("imagenet-200"))
    (tmp_path / "mnist").mkdir()

    def place(name: str) -> Path | None:
        return data_folder(read_configuration(ROOT / "experiments" / f"{name}.toml"), tmp_path)

    assert place("clinc150-50") == clinc
    assert place("imagenet-50") == place("imagenet-200") == imagenet
    assert place("mnist") == tmp_path / "mnist"
    assert place("fashion-mnist") == tmp_path
    assert place("mog-2d") is None  # simulated
    write(tmp_path / "imagenet" / "other.npz", class_list("imagenet-50"))
    with pytest.raises(ValueError, match="imagenet: holds 2 files of embeddings: accepted is one"):
        place("imagenet-50")


def test_methods_beside_each_other_share_an_embedding(tmp_path):
    """And take none of another seed, size or data set."""
    declared = read_declarations(ROOT / "experiments")
    ours = declared.configuration("fashion-mnist", "ours")
    beside = ours.model_copy(update={"objective": declared.configuration("mnist", "ncp").objective})
    others = {
        "a": ours.model_copy(update={"seed": 1}),
        "b": declared.configuration("mnist", "ours"),
        "c": ours.model_copy(update={"data": ours.data.model_copy(update={"images": 2000})}),
        "d": ours,
    }
    for name, configuration in others.items():
        (tmp_path / name).mkdir()
        save_configuration(configuration, tmp_path / name)
        (tmp_path / name / "embedding.safetensors").write_text(name)
    share_embedding(beside, tmp_path, tmp_path / "new")
    assert (tmp_path / "new" / "embedding.safetensors").read_text() == "d"
    share_embedding(declared.configuration("mog", "ours"), tmp_path, tmp_path / "mog")
    assert not (tmp_path / "mog").exists()
