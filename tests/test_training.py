"""Training: the same run to the bit, however often it is stopped, and a loop that learns."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gfncp import optimizers, training
from gfncp.checkpoints import load, load_configuration, seeded
from gfncp.configuration import parse
from gfncp.objectives import NCP, Batch
from gfncp.preparation import make_simulators
from gfncp.schedules import cosine
from gfncp.simulators import GaussianMixtures, NeighbourImages, WholeClasses
from gfncp.training import train

OBJECTIVES = {
    "ncp": {"name": "ncp"},
    "gfncp-paper": {"name": "gfncp-paper", "beta": 0.7},
    "gfncp": {"name": "gfncp"},
}

ONE_ORDER = {"gfncp": {"disagreement": 0.0}}  # sampled steps of two orders cannot be compared


def configure(objective="ncp", data=None, encoder=None, **options):
    defaults = {"iterations": 6, "batch": 2, "points": (4, 7), "save_every": 3, "validation_sets": 1}
    return parse(
        {
            "encoder": encoder or {"kind": "vectors", "dim": 2, "scale": 10.0},
            "network": {"depth": 2, "width": 8},
            "data": data or {"kind": "gaussian-mixtures", "n_clusters": (1, 3)},
            "objective": OBJECTIVES[objective]
            | (ONE_ORDER if "sampled_steps" in options else {}).get(objective, {}),
            "training": defaults | options,
        },
        "test",
    )


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_same(first, second):
    """Equal to the bit."""
    assert first.keys() == second.keys()
    assert [name for name, value in first.items() if not torch.equal(value, second[name])] == []


@pytest.fixture
def stop_after(monkeypatch):
    """Makes a run stop, as by Ctrl-C, when it has drawn so many batches."""
    draw = training.draw_batch

    def stop(batches):
        left = [batches]

        def drawn(*arguments):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return draw(*arguments)

        monkeypatch.setattr(training, "draw_batch", drawn)

    yield stop


@pytest.mark.parametrize("options", [{}, {"sampled_steps": 2, "clip": 0.1}, {"optimizer": "muon"}])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, stop_after, monkeypatch, objective, options):
    described = configure(objective, **options)
    train(described, tmp_path / "whole")
    for batches in (4, 2):  # stopped at the fifth iteration, resumed from the third, stopped at the sixth
        stop_after(batches)
        with pytest.raises(KeyboardInterrupt):
            train(described, tmp_path / "parts")
        monkeypatch.undo()
    torch.manual_seed(99)  # no global random state matters
    train(described, tmp_path / "parts")
    for name in ("model.safetensors", "training.safetensors"):  # weights, and moments
        assert_same(*(load_file(tmp_path / folder / name) for folder in ("parts", "whole")))
    assert load_configuration(tmp_path / "parts") == load_configuration(tmp_path / "whole") == described


def test_a_finished_run_is_left_as_it_is(tmp_path):
    described = configure(iterations=3)
    train(described, tmp_path)
    before = weights(tmp_path)
    assert_same(train(described, tmp_path).state_dict(), before)


def test_the_checkpoint_is_the_model(tmp_path):
    model = train(configure(), tmp_path)
    x, _ = GaussianMixtures()(2, 6, seeded(0))
    again = load(tmp_path)
    assert torch.equal(again.predict(x), model.predict(x))
    assert not model.training


def test_the_seed_decides_the_run(tmp_path):
    runs = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        described = configure().model_copy(update={"seed": seed})
        train(described, tmp_path / name)
        runs[name] = weights(tmp_path / name)
    assert_same(runs["first"], runs["again"])
    assert not any(torch.equal(runs["first"][key], runs["other"][key]) for key in runs["first"])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_weight_is_trained(tmp_path, objective):
    described = configure(objective)
    torch.manual_seed(described.seed)
    initial = described.build().state_dict()
    model = train(described, tmp_path)
    assert not any(torch.equal(value, initial[name]) for name, value in model.state_dict().items())


def test_tuning_starts_from_a_checkpoint(tmp_path):
    train(configure(), tmp_path / "first")
    still = configure(initial=str(tmp_path / "first"), learning_rate=1e-30, final_learning_rate=0.0)
    train(still, tmp_path / "second")
    assert_same(weights(tmp_path / "first"), weights(tmp_path / "second"))
    other = still.model_copy(update={"network": still.network.model_copy(update={"width": 9})})
    with pytest.raises(ValueError, match=r"training\.initial=.*another network"):
        train(other, tmp_path / "third")


def test_training_lowers_the_loss(tmp_path):
    described = configure(
        iterations=150,
        batch=16,
        points=(10, 12),
        learning_rate=1e-2,
        save_every=150,
        data={"kind": "gaussian-mixtures", "n_clusters": 2},
    )
    x, labels = GaussianMixtures(n_clusters=2)(50, 11, seeded(5))
    torch.manual_seed(described.seed)
    untrained = described.build()
    trained = train(described, tmp_path)
    with torch.no_grad():
        before, after = (NCP()(model, Batch(x, labels), seeded(0))["loss"] for model in (untrained, trained))
    assert after < 0.6 * before


def scalars_of(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {name: [event.step for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_scalars_are_written_once_per_iteration_also_by_a_resumed_run(tmp_path, stop_after, monkeypatch):
    stop_after(5)
    with pytest.raises(KeyboardInterrupt):
        train(configure(), tmp_path)
    monkeypatch.undo()
    train(configure(), tmp_path)
    steps = scalars_of(tmp_path)
    assert steps["training/loss"] == [1, 2, 3, 4, 5, 6]
    assert steps["training/nll"] == [1, 2, 3, 4, 5, 6]
    for name in ("nmi", "ari", "clusters"):
        assert steps[f"validation/{name}"] == [3, 6]


def test_a_folder_with_another_run_is_refused(tmp_path):
    train(configure(iterations=1), tmp_path)
    before = weights(tmp_path)
    with pytest.raises(ValueError, match="another configuration; choose another folder"):
        train(configure(iterations=2), tmp_path)
    assert_same(weights(tmp_path), before)


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"x" * 100]
)
def test_a_damaged_run_is_refused(tmp_path, damage):
    train(configure(iterations=1), tmp_path)
    state = tmp_path / "training.safetensors"
    state.write_bytes(damage(state.read_bytes()))
    with pytest.raises(ValueError, match=r"training\.safetensors: not the state of a run"):
        train(configure(iterations=1), tmp_path)


def test_weights_in_place_of_a_run_are_refused(tmp_path):
    train(configure(iterations=1), tmp_path)
    (tmp_path / "training.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"training\.safetensors: not the state of a run"):
        train(configure(iterations=1), tmp_path)


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(tmp_path, monkeypatch):
    described = configure(learning_rate=1e-3)
    rate = optimizers.cosine
    monkeypatch.setattr(optimizers, "cosine", lambda *a: 1e30 if a[2] >= 0.5 else rate(*a))
    with pytest.raises(FloatingPointError, match=r"the loss is .* at iteration 4"):
        train(described, tmp_path)
    monkeypatch.undo()
    assert all(value.isfinite().all() for value in weights(tmp_path).values())
    assert train(described, tmp_path)  # goes on from there


def test_weights_that_are_not_finite_are_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(optimizers, "cosine", lambda *a: float("nan"))
    with pytest.raises(FloatingPointError, match="the weights are not finite after iteration 0"):
        train(configure(save_every=1), tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_the_learning_rate_falls_along_half_a_cosine():
    assert cosine(0.5, 0.1, 0.0) == pytest.approx(0.5)
    assert cosine(0.5, 0.1, 0.5) == pytest.approx(0.3)
    assert cosine(0.5, 0.1, 1.0) == pytest.approx(0.1)


def test_images_for_validation_are_not_trained_on(data_folder):
    data = {"kind": "neighbour-images", "dataset": "mnist", "images": 150}
    described = configure(data=data, encoder={"kind": "images"})
    simulate, held_out = make_simulators(described, described.encoder.build(), data_folder("mnist"))
    assert isinstance(simulate, NeighbourImages)
    assert isinstance(held_out, WholeClasses)
    assert len(simulate.images) == 150
    assert len(held_out.points) == 10_000
    both = torch.cat([simulate.images / 255, held_out.points]).flatten(1)
    assert len(both.unique(dim=0)) == len(both)


PROCESS = """
import sys, torch
from pathlib import Path
from accelerate.state import PartialState
from safetensors.torch import save_file
from gfncp.configuration import parse
from gfncp.training import train

folder = Path(sys.argv[1])
described = parse(eval(sys.argv[2]), "test")
model = train(described, folder)
save_file(model.state_dict(), folder / f"rank-{PartialState().process_index}.safetensors")
PartialState().destroy_process_group()
"""


def test_processes_train_one_model_on_different_batches(tmp_path, monkeypatch):
    """Two processes average their gradients: both end with the same weights, which no single one reaches."""
    described = configure(iterations=2, save_every=2)
    train(described, tmp_path / "single")
    environment = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29617",
        "ACCELERATE_USE_CPU": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    processes = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("LOCAL_RANK", rank)
        command = [sys.executable, "-c", PROCESS, str(tmp_path), repr(described.model_dump(mode="json"))]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    try:
        for process in processes:
            _, errors = process.communicate()
            assert process.returncode == 0, errors
    finally:
        for process in processes:
            process.kill()
    first, second = (load_file(tmp_path / f"rank-{rank}.safetensors") for rank in range(2))
    assert_same(first, second)
    assert_same(first, weights(tmp_path))
    single = weights(tmp_path / "single")
    assert not any(torch.equal(first[name], single[name]) for name in first)
    assert len(list(tmp_path.glob("events*"))) == 1
