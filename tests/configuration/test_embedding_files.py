"""The protocol of unseen classes: what is trained on, what is tested on, and that they do not meet."""

import numpy as np
import pytest
import torch
from torch import nn

from gfncp.configuration import parse
from gfncp.evaluation.evaluate import evaluate
from gfncp.seeds import seeded
from gfncp.simulators import AugmentedEmbeddings, NeighbourEmbeddings, WholeClasses
from gfncp.training.train import train

CLASSES, MEMBERS, DIM = 12, 30, 8


@pytest.fixture
def file(tmp_path, generator):
    """Twelve heaps of points; the first entry of a point is its number, the second its class."""
    centres = 3 * torch.randn(CLASSES, DIM, generator=generator)
    kinds = torch.arange(CLASSES).repeat_interleave(MEMBERS)
    x = centres[kinds] + torch.randn(len(kinds), DIM, generator=generator)
    x[:, 0], x[:, 1] = torch.arange(len(kinds)), kinds
    np.savez(tmp_path / "e.npz", x=x.numpy(), kind=np.array([f"class-{kind}" for kind in kinds.tolist()]))
    return tmp_path / "e.npz"


def configure(kind="augmented-embeddings", encoder=None, **data):
    held = {"kind": kind, "dataset": "file", "dim": DIM, "label": "kind", "test_points": 10} | data
    return parse(
        {
            "encoder": encoder or {"kind": "principal-components", "dim": held["dim"], "components": 4},
            "network": {"depth": 2, "width": 8},
            "data": {name: value for name, value in held.items() if value is not None},
            "objective": {"name": "ncp"},
            "training": {"iterations": 2, "batch": 2, "points": (4, 7), "validation_sets": 2},
        },
        "test",
    )


def numbers(x):
    return set(x[..., 0].flatten().long().tolist())


def kinds(x):
    return set(x[..., 1].flatten().long().tolist())


@pytest.mark.parametrize("classes", [None, 4, 9])
def test_parts_share_no_class_and_no_point(file, classes):
    parts = configure(classes=classes).data.split(file)
    held = [parts.training, parts.validation.points, parts.test.points]
    for part, other in ((0, 1), (0, 2), (1, 2)):
        assert not kinds(held[part]) & kinds(held[other])
    assert sum(len(kinds(part)) for part in held) == (classes or CLASSES)
    assert len(kinds(parts.training) | kinds(parts.validation.points)) == (classes or CLASSES) // 2
    for part in held:
        assert len(numbers(part)) == len(part) == MEMBERS * len(kinds(part))


def test_the_split_is_a_function_of_its_seed_alone(file):
    def tested(**data):
        return kinds(configure(**data).data.split(file).test.points)

    assert tested() == tested(points=20, kind="neighbour-embeddings", alpha=3.0)
    assert any(tested() != tested(split_seed=seed) for seed in (1, 2, 3))


def test_training_points_are_shuffled_and_no_more_than_asked_for(file):
    every, some = (configure(points=points).data.split(file).training for points in (1000, 25))
    assert len(some) == 25
    assert torch.equal(every[:25], some)
    assert len(kinds(some)) > 1 and not torch.equal(some[:, 0], some[:, 0].sort().values)


def test_test_sets_are_pure_and_drawn_without_replacement(file):
    simulate = configure().data.make_test_simulator(nn.Identity(), file)
    x, labels = simulate(30, 10, seeded(0))
    assert simulate.n_clusters == (1, 6)
    for points, row in zip(x, labels, strict=True):
        assert len(numbers(points)) == 10
        found = [kinds(points[row == k]) for k in range(int(row.max()) + 1)]
        assert all(len(kind) == 1 for kind in found)
        assert len(set.union(*found)) == len(found)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("augmented-embeddings", AugmentedEmbeddings), ("neighbour-embeddings", NeighbourEmbeddings)],
)
def test_simulators_follow_the_configuration(file, kind, expected):
    described = configure(kind, alpha=2.0, n_clusters=3)
    encoder = described.encoder.build()
    training, validation = described.data.make_simulators(encoder, file, described.seed)
    assert isinstance(training, expected) and training.alpha == 2.0
    assert isinstance(validation, WholeClasses)
    x, labels = training(3, 8, seeded(0))
    assert x.shape == (3, 8, DIM) and torch.equal(labels.amax(1), torch.full((3,), 2))
    test = described.data.make_test_simulator(encoder, file)
    assert not kinds(test.points) & kinds(validation.points)


def test_labels_do_not_matter_to_training(file):
    """Names that keep the same classes apart, but within each part are dealt out anew, change no batch."""
    described = configure("neighbour-embeddings")
    first = described.data.make_simulators(described.encoder.build(), file, described.seed)[0](
        3, 8, seeded(0)
    )
    trained = kinds(described.data.split(file).training)
    with np.load(file) as held:
        x, names = held["x"], held["kind"].copy()
    rows = np.isin(x[:, 1], list(trained)).nonzero()[0]
    names[rows] = np.roll(names[rows], MEMBERS // 2)
    np.savez(file, x=x, kind=names)
    again = described.data.make_simulators(described.encoder.build(), file, described.seed)[0](
        3, 8, seeded(0)
    )
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


def test_with_nothing_held_out_half_of_the_classes_is_trained_on_with_all_points(file):
    parts = configure(held_out=0.0, points=10_000).data.split(file)
    assert len(kinds(parts.training)) == CLASSES // 2 and len(parts.training) == CLASSES // 2 * MEMBERS
    assert kinds(parts.validation.points) == kinds(parts.training)
    assert not kinds(parts.training) & kinds(parts.test.points)
    with pytest.raises(ValueError, match=r"data\.held_out=0\.0: without labels"):
        configure(held_out=0.0, label=None).data.split(file)


def test_without_labels_points_are_held_out_and_every_class_is_trained_on(file):
    described = configure(label=None, held_out=0.1)
    training, validation = described.data.make_simulators(described.encoder.build(), file, described.seed)
    trained, held_out = numbers(training.embeddings), numbers(validation.embeddings)
    assert not trained & held_out and len(trained | held_out) == CLASSES * MEMBERS == 10 * len(held_out)
    assert len(kinds(training.embeddings)) == CLASSES
    with pytest.raises(ValueError, match=r"data\.label: test sets are whole classes"):
        described.data.make_test_simulator(nn.Identity(), file)


@pytest.mark.parametrize("kind", ["augmented-embeddings", "neighbour-embeddings"])
def test_a_trained_network_is_evaluated_on_sets_of_the_configured_size(file, tmp_path, kind):
    train(configure(kind, encoder={"kind": "vectors", "dim": DIM}), tmp_path / "run", file)
    record = evaluate(str(tmp_path / "run"), 3, None, 0, file, False)
    assert record["points"] == 10
    assert 1 <= record["true_clusters"] <= 6


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"dim": 5}, r"vectors have 8 entries, but data\.dim=5"),
        ({"test_points": 31}, r"data\.test_points=31: accepted is at most 30"),
        ({"classes": 13}, "classes=13: accepted is 1 to 12"),
        ({"label": "y"}, "there is no column 'y'"),
        ({"classes": "imagenet-50"}, "the data lacks 'n01601694'"),
    ],
)
def test_what_does_not_fit_the_file_is_refused_at_once(file, data, said):
    described = configure(**data)
    with pytest.raises(ValueError, match=said):
        described.data.make_simulators(described.encoder.build(), file, described.seed)


def test_embeddings_are_not_downloaded():
    with pytest.raises(ValueError, match=r"data\.dataset='file': say where the embeddings are with --data"):
        configure().data.split(None)


@pytest.mark.parametrize(
    ("data", "said"),
    [({"dataset": "cifar"}, r"dataset"), ({"classes": 3}, "classes"), ({"held_out": 1.0}, "held_out")],
)
def test_invalid_sections_are_refused(data, said):
    with pytest.raises(ValueError, match=said):
        configure(**data)


def test_the_width_of_data_and_encoder_must_agree():
    with pytest.raises(ValueError, match=r"makes points of shape \(8,\), but .* takes \(7,\)"):
        configure(encoder={"kind": "vectors", "dim": 7})


@pytest.mark.parametrize("count", [50, 100, 150])
def test_clinc150_has_halves_of_its_intents(data_folder, count):
    described = parse(
        {
            "encoder": {"kind": "vectors", "dim": 384},
            "data": {"kind": "augmented-embeddings", "dataset": "clinc150", "classes": count},
            "objective": {"name": "ncp"},
        },
        "test",
    )
    parts = described.data.split(data_folder("clinc150"))
    assert len(parts.test.points) == 150 * count // 2
    assert len(parts.training) + len(parts.validation.points) == 150 * count // 2
    assert parts.test.n_clusters == (1, count // 2)
    rows = torch.cat([parts.training, parts.validation.points, parts.test.points])
    assert len(rows) == 150 * count
