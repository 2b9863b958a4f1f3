"""Documents with measured figures say what the records say."""

import tomllib
from pathlib import Path

import pytest

from gfncp.checkpoints import load_configuration, save, save_configuration
from gfncp.configuration import parse
from gfncp.configuration.toml_files import read_configuration, to_toml
from gfncp.evaluation.comparison import NOTHING
from gfncp.reproduction.model_cards import model_card
from gfncp.reproduction.records import read_records, records_of
from gfncp.reproduction.report import (
    BEGIN,
    END,
    PRETRAINED,
    documents,
    figures,
    figures_of_coresets,
    figures_table,
    fill,
)

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))


def make_record(configuration, **values) -> dict:
    measured = {"nmi": 0.91234, "ari": 0.8, "clusters": 4.21}
    return {
        "kind": "evaluation",
        "checkpoint": "tiny",
        "sets": 50,
        "points": 300,
        "seed": 7,
        "true_clusters": 5.0,
        "labels": measured,
        "greedy": {"nmi": 0.7, "ari": 0.6, "clusters": 3.0},
        "seconds": 1.5,
        "device": "cpu (2 threads)",
        "torch": "2.13.0",
        "iterations": 3,
        "configuration": configuration.model_dump(mode="json"),
    } | values


@pytest.fixture
def configuration():
    values = {
        "encoder": {"kind": "vectors", "dim": 3},
        "network": {"depth": 2, "width": 8},
        "data": {"kind": "gaussian-mixtures", "dim": 3, "n_clusters": 4},
        "objective": {"name": "ncp"},
    }
    return parse(values, "test")


@pytest.fixture(scope="module")
def written():
    """Every document with measured figures, and what it should say."""
    return documents(ROOT)


def test_the_documents_are_what_the_records_say(written):
    for path, text in written.items():
        assert path.exists() and path.read_text(encoding="utf-8") == text, (
            f"{path.relative_to(ROOT)} is out of date: run python -m gfncp.reproduction.report"
        )


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_a_configuration_survives_toml(path):
    configuration = read_configuration(path)
    assert parse(tomllib.loads(to_toml(configuration)), "text") == configuration


def test_a_row_per_method(configuration):
    exact = {"nmi": 1.0, "ari": 0.99, "clusters": 5.1}
    plain, compared = make_record(configuration), make_record(configuration, exact=exact)
    lines = figures_table([plain, compared]).splitlines()
    assert lines[2] == (
        "| `tiny` | 50 of 300 points | 0.912 | 0.800 | 4.2 (5.0) | 30 "
        "| `gfncp evaluate tiny --sets 50 --points 300 --seed 7` |"
    )
    assert lines[3].endswith("--seed 7 --exact` |")
    assert lines[4].startswith("| exact Gibbs sampler | 50 of 300 points | 1.000 | 0.990 | 5.1 (5.0) |")
    assert len({line.count("|") for line in lines}) == 1
    assert figures([plain]).endswith("Measured on: cpu (2 threads), PyTorch 2.13.0.")


def test_a_stream_is_clustered_along_one_order(configuration):
    record = make_record(configuration)
    record["configuration"]["network"]["kind"] = "online-energy"
    assert (
        figures_table([record])
        .splitlines()[2]
        .startswith("| `tiny` | 50 of 300 points | 0.700 | 0.600 | 3.0 (5.0) | – |")
    )


def test_filling_twice_changes_nothing_and_keeps_the_rest():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = fill(text, "new")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert fill(once, "new") == once


@pytest.mark.parametrize(
    "text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"]
)
def test_filling_needs_both_markers(text):
    with pytest.raises(ValueError, match="expected one"):
        fill(text, "new")


def test_a_model_card_holds_its_configuration_and_its_own_figures(configuration, tmp_path):
    folder = tmp_path / "tiny"
    save(configuration.build(), configuration, folder)
    stale = configuration.model_copy(update={"seed": 1})
    unreadable = make_record(configuration, sets=53)
    unreadable["configuration"]["removed"] = 1
    records = [
        make_record(configuration),
        make_record(configuration, checkpoint="another", sets=51),
        make_record(stale, sets=52),
        unreadable,
    ]
    assert records_of(folder, records) == records[:1]
    card = model_card(folder, figures(records_of(folder, records)))
    assert "# tiny\n" in card and "(n_samples, 3)" in card and "with 4 clusters" in card
    assert "50 of 300" in card and "51 of" not in card and "52 of" not in card and "53 of" not in card
    toml = card.split("```toml\n")[1].split("```")[0]
    assert parse(tomllib.loads(toml), "card") == configuration


def test_a_card_of_embedded_coresets_tells_where_the_embedding_is_from(embedded_coreset_checkpoint):
    card = model_card(embedded_coreset_checkpoint, "")
    assert "(n_samples, 28, 28)" in card and "3000 iterations of instance discrimination" in card
    assert "summarised by at most 5 micro-clusters" in card
    described = load_configuration(embedded_coreset_checkpoint)
    taken = described.encoder.model_copy(update={"embedding": "mnist"})
    save_configuration(described.model_copy(update={"encoder": taken}), embedded_coreset_checkpoint)
    assert "in the embedding of `mnist`" in model_card(embedded_coreset_checkpoint, "")


def test_only_evaluations_are_read(tmp_path, configuration):
    (tmp_path / "other.json").write_text('{"kind": "benchmark"}')
    (tmp_path / "list.json").write_text("[1]")
    assert read_records(tmp_path) == []


def test_a_card_of_coresets_has_the_figures_of_its_records(written, tmp_path):
    """And tells that arrays may have any width."""
    card = written[ROOT / PRETRAINED / "general" / "README.md"]
    assert "arrays of shape (n_samples, any width)" in card
    assert "benchmarks/families.py" in card and "benchmarks/calibration.py" in card
    assert figures_of_coresets("general", tmp_path) == NOTHING
