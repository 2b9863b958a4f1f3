"""Checkpoints by name: folders, what ships with the package, and the Hub's cache without a network."""

import socket

import numpy as np
import pytest
from huggingface_hub import ModelCard, constants

from gfncp import GFNCP, hub
from gfncp.checkpoints import PRETRAINED

X = np.random.default_rng(0).normal(scale=10, size=(12, 2))
REVISION = "0" * 40


def test_an_estimator_from_a_folder_is_that_of_its_checkpoint(vector_checkpoint):
    model = GFNCP.from_pretrained(vector_checkpoint, n_samples=3, random_state=0)
    assert model.get_params()["checkpoint"] == str(vector_checkpoint)
    expected = GFNCP(vector_checkpoint, n_samples=3, random_state=0).fit(X)
    assert np.array_equal(model.fit(X).posterior_.log_prob, expected.posterior_.log_prob)


@pytest.mark.skipif(not (PRETRAINED / "mog-2d").is_dir(), reason="needs the checkpoint mog-2d")
def test_what_ships_with_the_package_comes_first():
    assert hub.fetch("mog-2d") == PRETRAINED / "mog-2d"


def test_what_is_staged_for_the_hub_is_a_checkpoint_with_a_card(vector_checkpoint, tmp_path):
    hub.stage(vector_checkpoint, tmp_path / "staged")
    names = sorted(path.name for path in (tmp_path / "staged").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors"]
    card = ModelCard.load(tmp_path / "staged" / "README.md")
    assert card.data.library_name == "gfncp"
    assert "gaussian-mixtures" in card.text
    assert GFNCP.from_pretrained(tmp_path / "staged", n_samples=2).fit(X).labels_.shape == (12,)
    again = tmp_path / "again"
    hub.stage(tmp_path / "staged", again)  # a card that is there is kept
    assert (again / "README.md").read_text() == (tmp_path / "staged" / "README.md").read_text()


@pytest.mark.skipif(not (PRETRAINED / "mog-2d").is_dir(), reason="needs the checkpoint mog-2d")
def test_the_cards_that_there_are_get_the_data_that_the_hub_wants(tmp_path):
    hub.stage("mog-2d", tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.endswith((PRETRAINED / "mog-2d" / "README.md").read_text())
    assert "clustering" in ModelCard(text).data.tags


def test_what_was_downloaded_before_is_found_without_a_network(vector_checkpoint, tmp_path, monkeypatch):
    repository = tmp_path / "models--someone--network"
    hub.stage(vector_checkpoint, repository / "snapshots" / REVISION)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = GFNCP.from_pretrained("someone/network", n_samples=3, random_state=0).fit_predict(X)
    expected = GFNCP(vector_checkpoint, n_samples=3, random_state=0).fit_predict(X)
    assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match="'someone/absent': neither a folder nor to be had from the Hub"):
        GFNCP.from_pretrained("someone/absent")


@pytest.mark.parametrize("name", ["no-such", "a/b/c", "../up/and/away", "", "https://somewhere/model"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=r"accepted are .* or 'org/name' on the Hub"):
        GFNCP.from_pretrained(name)


@pytest.mark.parametrize("name", ["network", "a/b/c", ""])
def test_only_repositories_are_pushed_to(vector_checkpoint, name):
    with pytest.raises(ValueError, match=r"repo_id=.*: accepted is 'org/name'"):
        GFNCP(vector_checkpoint).push_to_hub(name)
