"""Configurations in files that build on each other."""

import pytest

from gfncp.configuration.toml_files import changed, read_configuration, to_toml

MINIMAL = """
seed = 3
encoder = { kind = "vectors", dim = 2 }
data = { kind = "gaussian-mixtures", alpha = 2.0 }
objective = { name = "ncp" }
training = { batch = 8, iterations = 9 }
"""


def test_changes_merge_unless_another_kind_is_named():
    values = {"seed": 0, "data": {"kind": "a", "alpha": 1.0}, "training": {"batch": 2}}
    merged = changed(
        values, {"data": {"alpha": 2.0}, "training": {"points": [5, 8]}, "network": {"depth": 3}}
    )
    assert merged == {
        "seed": 0,
        "data": {"kind": "a", "alpha": 2.0},
        "training": {"batch": 2, "points": [5, 8]},
        "network": {"depth": 3},
    }
    assert changed(values, {"data": {"kind": "b"}, "seed": 4}) | {"training": None} == {
        "seed": 4,
        "data": {"kind": "b"},
        "training": None,
    }
    assert values["data"] == {"kind": "a", "alpha": 1.0}


def test_values_that_are_not_sections_are_replaced():
    assert changed({"a": 1}, {"a": {"b": 2}}) == {"a": {"b": 2}}
    assert changed({"a": {"b": 2}}, {"a": 1}) == {"a": 1}


def test_a_file_is_its_base_with_changes(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "first.toml").write_text(MINIMAL)
    (tmp_path / "inner" / "second.toml").write_text('base = "../first.toml"\ntraining.batch = 4')
    (tmp_path / "third.toml").write_text('base = "inner/second.toml"\nseed = 5\ndata.alpha = 3.0')
    first, third = (read_configuration(tmp_path / name) for name in ("first.toml", "third.toml"))
    assert (third.seed, third.data.alpha, third.training.batch, third.training.iterations) == (5, 3.0, 4, 9)
    assert third.encoder == first.encoder and first.training.batch == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "mine.toml"', r"mine\.toml: circular base: mine\.toml -> mine\.toml$"),
        ('base = "other.toml"', r"mine\.toml: circular base: mine\.toml -> other\.toml -> mine\.toml$"),
        ('base = "none.toml"', r"none\.toml: not a readable TOML file"),
        ("base = 3", r"mine\.toml: base=3: accepted is the path of a TOML file"),
        ('base = "first.toml"\ntraining = 3', r"mine\.toml: training=3"),
        ('base = "wrong.toml"\ntraining.batch = 3', r"mine\.toml: encoder=3"),
    ],
)
def test_errors_name_the_file(tmp_path, text, message):
    (tmp_path / "first.toml").write_text(MINIMAL)
    (tmp_path / "other.toml").write_text('base = "mine.toml"')
    (tmp_path / "wrong.toml").write_text("encoder = 3\ntraining = 4")
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_configuration(tmp_path / "mine.toml")


@pytest.mark.parametrize("embedding", ['embedding = "mnist"', "pretraining.iterations = 7"])
def test_text_of_a_configuration_names_the_embedding_or_its_pretraining_and_is_read_back(tmp_path, embedding):
    images = MINIMAL.replace('"vectors", dim = 2', f'"embedded-images", {embedding}').replace(
        'kind = "gaussian-mixtures"', 'kind = "neighbour-embeddings", dataset = "mnist"'
    )
    (tmp_path / "mine.toml").write_text(images)
    described = read_configuration(tmp_path / "mine.toml")
    text = to_toml(described)
    assert ("embedding = " in text, "pretraining = " in text) == (
        embedding.startswith("embedding"),
        embedding.startswith("pretraining"),
    )
    (tmp_path / "again.toml").write_text(text)
    assert read_configuration(tmp_path / "again.toml") == described
