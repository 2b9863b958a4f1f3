"""Training: the same run to the bit, however often it is stopped, and a loop that learns."""

import socket
import subprocess
import sys

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gfncp.checkpoints import load, load_configuration
from gfncp.configuration import parse
from gfncp.configuration.toml_files import to_toml
from gfncp.objectives.batch import Batch
from gfncp.objectives.ncp import NCPLoss
from gfncp.schedules import cosine
from gfncp.seeds import seeded
from gfncp.simulators import GaussianMixtures, NeighbourImages, WholeClasses
from gfncp.training import batches, optimizers
from gfncp.training import train as training
from gfncp.training.batches import Batches
from gfncp.training.train import train

pytestmark = pytest.mark.usefixtures("small_validation")

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
    draw = batches.draw_batch

    def stop(after):
        left = [after]

        def drawn(*arguments):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return draw(*arguments)

        monkeypatch.setattr(batches, "draw_batch", drawn)

    return stop


@pytest.mark.parametrize("options", [{}, {"sampled_steps": 2, "clip": 0.1}, {"optimizer": "muon"}])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, stop_after, monkeypatch, objective, options):
    described = configure(objective, **options)
    train(described, tmp_path / "whole")
    for after in (4, 2):  # stopped at the fifth iteration, resumed from the third, stopped at the sixth
        stop_after(after)
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


def test_the_weights_of_the_lowest_loss_are_kept(tmp_path, stop_after, monkeypatch):
    """Also by a run that was stopped and goes on, which goes on from the last weights."""
    described = configure(iterations=6, save_every=2, learning_rate=0.1, final_learning_rate=0.1)
    kept = described.model_copy(
        update={"seed": 1, "training": described.training.model_copy(update={"keep": "lowest-loss"})}
    )
    states, losses = [], []
    validate = training.validate

    def watched(configuration, model, *rest):
        found = validate(configuration, model, *rest)
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        losses.append(found["loss"])
        return found

    monkeypatch.setattr(training, "validate", watched)
    model = train(kept, tmp_path / "whole")
    best = states[losses.index(min(losses))]
    assert len(losses) == 3 and min(losses) != losses[-1]
    assert_same(model.state_dict(), best)
    assert_same(
        weights(tmp_path / "whole"),
        weights(tmp_path / "whole")
        | {name: value for name, value in best.items() if name in weights(tmp_path / "whole")},
    )
    stop_after(5)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(kept, tmp_path / "stopped")
    monkeypatch.undo()
    assert_same(train(kept, tmp_path / "stopped").state_dict(), best)
    assert_same(train(kept, tmp_path / "stopped").state_dict(), best)


def test_the_mean_with_the_initial_weights_is_kept(tmp_path, stop_after, monkeypatch):
    """Also by a run that was stopped, which goes on from its own weights, and by one that was finished."""
    train(configure(iterations=1), tmp_path / "initial")
    last = configure(iterations=6, save_every=2, learning_rate=0.1, initial=str(tmp_path / "initial"))
    mean = configure(
        iterations=6,
        save_every=2,
        learning_rate=0.1,
        initial=str(tmp_path / "initial"),
        keep="mean-with-initial",
    )
    train(last, tmp_path / "last")
    initial, trained = weights(tmp_path / "initial"), weights(tmp_path / "last")
    expected = {name: (initial[name] + trained[name]) / 2 for name in initial}
    stop_after(5)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(mean, tmp_path / "mean")
    monkeypatch.undo()
    for _ in range(2):
        train(mean, tmp_path / "mean")
        for name, value in weights(tmp_path / "mean").items():
            torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-6)


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
    with pytest.raises(ValueError, match=r"training\.initial=.*not the weights of the configured network"):
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
        before, after = (
            NCPLoss()(model, Batch(x, labels), seeded(0))["loss"] for model in (untrained, trained)
        )
    assert after < 0.6 * before


def scalars_of(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {name: [event.step for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def losses_of(folder):
    return [event.value for event in EventAccumulator(str(folder)).Reload().Scalars("training/loss")]


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


def test_without_weights_and_biases_its_project_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match=r"wandb='mine': it needs wandb; pip install 'gfncp\[wandb\]'"):
        train(configure(iterations=1), tmp_path, wandb="mine")


def test_weights_and_biases_gets_the_scalars(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="needs Weights & Biases: pip install 'gfncp[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    train(configure(iterations=2, save_every=2), tmp_path, wandb="mine")
    assert wandb.run is None  # the run is finished
    assert list((tmp_path / "wandb").glob("offline-run-*"))
    assert scalars_of(tmp_path)["training/loss"] == [1, 2]


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
    simulate, held_out = described.data.make_simulators(
        described.encoder.build(), data_folder("mnist"), described.seed
    )
    assert isinstance(simulate, NeighbourImages)
    assert isinstance(held_out, WholeClasses)
    assert len(simulate.images) == 150
    assert len(held_out.points) == 10_000
    both = torch.cat([simulate.images / 255, held_out.points]).flatten(1)
    assert len(both.unique(dim=0)) == len(both)


def launch(monkeypatch, processes, *arguments):
    """Run the command line in several processes, with what `torchrun` and `accelerate launch` tell them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    told |= {"ACCELERATE_USE_CPU": 1, "OMP_NUM_THREADS": 1}
    started = []
    try:
        for rank in range(processes):
            for name, value in (told | {"RANK": rank, "LOCAL_RANK": rank}).items():
                monkeypatch.setenv(name, str(value))
            command = [sys.executable, "-m", "gfncp", *map(str, arguments)]
            started.append(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
        return [(*process.communicate(), process.returncode) for process in started]
    finally:
        for process in started:
            process.kill()


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path, monkeypatch):
    """The batches of a step are shared, gradients averaged: the same up to the order of sums of 4 gradients.

    Adam turns rounding of gradients into as much of its step, where they nearly vanish. Hence the tolerance:
    a thousandth of what six steps of 5e-4 can do.
    """
    described = configure("gfncp", accumulate=4, clip=1.0, save_every=6)
    train(described, tmp_path / "single")
    toml = tmp_path / "run.toml"
    toml.write_text(to_toml(described))
    done = launch(monkeypatch, 2, "train", toml, "--output", tmp_path / "both")
    assert [code for *_, code in done] == [0, 0], done
    torch.testing.assert_close(weights(tmp_path / "both"), weights(tmp_path / "single"), rtol=0, atol=3e-6)
    moments = (load_file(tmp_path / name / "training.safetensors") for name in ("both", "single"))
    torch.testing.assert_close(*moments, rtol=1e-3, atol=1e-6)
    assert load_configuration(tmp_path / "both") == described
    assert len(list((tmp_path / "both").glob("events*"))) == 1
    both, one = (losses_of(tmp_path / name) for name in ("both", "single"))
    assert both == pytest.approx(one, rel=1e-4)  # also what is reported is of all batches


def test_processes_that_cannot_share_the_batches_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    with pytest.raises(ValueError, match=r"training\.accumulate=3: 2 processes share so many batches"):
        train(configure(accumulate=3), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Several batches in a step.


@pytest.fixture
def gradient(tmp_path):
    """The gradient of the first step."""

    def of(described):
        torch.manual_seed(described.seed)
        model = described.build()
        with torch.no_grad():
            for weight in model.parameters():
                weight *= 6**0.5  # so that energies differ clearly
        loss = training.Loss(
            model, described.objective.build(), training.DTYPES[described.training.precision]
        )
        simulate, _ = described.data.make_simulators(model.encoder, None, described.seed)
        drawn = Batches(described, simulate, Accelerator())
        terms = training.accumulate(loss, drawn.stream(0, 0), drawn.per_step, Accelerator())
        means = {name: values.mean().item() for name, values in terms.items()}
        return means, {name: weight.grad for name, weight in model.named_parameters()}

    return of


def test_the_gradient_of_a_step_is_the_mean_over_its_batches(gradient, monkeypatch):
    several = configure(accumulate=3)
    terms, found = gradient(several)
    alone = []
    for number in range(3):
        monkeypatch.setattr(batches, "seeded", lambda seed, _, at, number=number: seeded(seed, number, at))
        alone.append(gradient(configure()))
        monkeypatch.undo()
    for name, value in found.items():
        torch.testing.assert_close(value, sum(each[name] for _, each in alone) / 3)
    assert terms["loss"] == pytest.approx(sum(each["loss"] for each, _ in alone) / 3)
    assert len({each["loss"] for each, _ in alone}) == 3  # streams differ


def test_a_resumed_run_of_several_batches_equals_an_uninterrupted_one(tmp_path, stop_after, monkeypatch):
    described = configure(accumulate=2)
    train(described, tmp_path / "whole")
    stop_after(9)  # in the middle of the fifth step
    with pytest.raises(KeyboardInterrupt):
        train(described, tmp_path / "parts")
    monkeypatch.undo()
    train(described, tmp_path / "parts")
    assert_same(*(load_file(tmp_path / name / "training.safetensors") for name in ("parts", "whole")))


def test_batches_that_workers_draw_ahead_change_nothing(tmp_path):
    described = configure(accumulate=2, sampled_steps=2)
    for workers in (0, 2):
        train(described, tmp_path / str(workers), workers=workers)
    assert_same(*(load_file(tmp_path / name / "training.safetensors") for name in ("0", "2")))


@pytest.mark.parametrize("network", ["energy", "interacting-energy"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_in_bfloat16_the_gradient_is_nearly_the_same(gradient, objective, network):
    """Features are rounded to 8 bits, so gradients agree in direction, not in all digits."""
    encoder = {
        "kind": "vectors",
        "dim": 2,
        "scale": 10.0,
        "context": {"width": 16, "heads": 2, "blocks": 1, "local_heads": 1},
    }
    described = configure(objective, encoder=encoder, points=(20, 20), batch=8)
    exact, half = (
        gradient(
            parse(
                described.model_dump()
                | {
                    "network": {"kind": network, "depth": 2, "width": 32},
                    "training": described.training.model_dump() | {"precision": precision},
                },
                "test",
            )
        )
        for precision in ("float32", "bfloat16")
    )
    assert half[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.02)
    assert half[0]["loss"] != exact[0]["loss"]
    flat = [torch.cat([value.flatten() for value in grads.values()]) for _, grads in (exact, half)]
    assert all(each.dtype == torch.float32 for each in flat)
    assert torch.cosine_similarity(*flat, dim=0) > 0.95


def test_a_run_in_bfloat16_stores_float32(tmp_path):
    train(configure(precision="bfloat16"), tmp_path)
    assert {value.dtype for value in weights(tmp_path).values()} == {torch.float32}
