"""Write the measured figures into README, RESULTS, model cards and docs/.

    python -m gfncp.reproduction.report [ROOT]

reads the JSON records that ``gfncp evaluate --record``, ``gfncp diagnose``, ``gfncp reproduce`` and the
benchmarks left under ``records/``, and nothing else: a figure without a record cannot appear.
"""

import sys
from pathlib import Path

from gfncp.checkpoints import load_configuration
from gfncp.configuration.simulated_data import CoresetData
from gfncp.evaluation.comparison import NOTHING, comparison, failures, markdown
from gfncp.evaluation.coreset_ablation import coreset_ablation
from gfncp.evaluation.coreset_calibration import coreset_calibration, running_free
from gfncp.evaluation.embedded import embedded_table
from gfncp.evaluation.endurance import endurance
from gfncp.evaluation.families import families, targets_met
from gfncp.evaluation.forecasts_table import real_forecasts
from gfncp.evaluation.omniglot_table import omniglot
from gfncp.evaluation.table_cells import with_error
from gfncp.files import write_text
from gfncp.reproduction.declarations import read_declarations
from gfncp.reproduction.diagnoses import NONE, diagnoses_table, free_tables
from gfncp.reproduction.model_cards import model_card
from gfncp.reproduction.records import read_records, records_of
from gfncp.reproduction.results import render

PRETRAINED = Path("src/gfncp/pretrained")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEADER = ("checkpoint", "test sets", "NMI", "ARI", "clusters found (true)", "ms per set", "command")
STREAMS = "online-energy"


def figures_table(records: list[dict]) -> str:
    """Return a Markdown table with a row per measured method."""
    rows: list[tuple[str, ...]] = [HEADER]
    for record in records:
        sets = f"{record['sets']} of {record['points']} points"
        way, speed = "labels", f"{1000 * record['seconds'] / record['sets']:.0f}"
        if record["configuration"]["network"]["kind"] == STREAMS:  # users get one order, that of the rows
            way, speed = "greedy", NONE
        rows.append((f"`{record['checkpoint']}`", sets, *_scores(record, way), speed, _command(record)))
        if "exact" in record:
            rows.append(("exact Gibbs sampler", sets, *_scores(record, "exact"), "", "the same"))
    return markdown(rows)


def _scores(record: dict, method: str) -> tuple[str, str, str]:
    values, errors = record[method], record.get("errors", {}).get(method, {})
    clusters = f"{values['clusters']:.1f} ({record['true_clusters']:.1f})"
    nmi, ari = (with_error(values[score], errors.get(score)) for score in ("nmi", "ari"))
    return nmi, ari, clusters


def _command(record: dict) -> str:
    exact = " --exact" if "exact" in record else ""
    return (
        f"`gfncp evaluate {record['checkpoint']} --sets {record['sets']} --points {record['points']}"
        f" --seed {record['seed']}{exact}`"
    )


def inference_table(records: list[dict]) -> str:
    """Return a Markdown table of ways to find one clustering, of `benchmarks/inference.py`."""
    if not records:
        return "No ways are recorded yet."
    rows: list[tuple[str, ...]] = [("checkpoint", "sets", "way", "NMI", "ARI", "clusters", "time / greedy")]
    for record in records:
        for figure in record["figures"]:
            sets = f"{record['sets']} of {figure['points']} points"
            numbers = (f"{figure[name]:.3f}" for name in ("nmi", "ari"))
            rest = (f"{figure['clusters']:.1f}", f"{figure['times_greedy']:.1f}")
            rows.append((f"`{record['checkpoint']}`", sets, figure["way"], *numbers, *rest))
    return markdown(rows)


def ablation_table(records: list[dict]) -> str:
    """Return a Markdown table of variants of a network and its training, of `benchmarks/ablation.py`."""
    if not records:
        return "No variants are recorded yet."
    rows: list[tuple[str, ...]] = [("variant", "TV of the policy", "TV of the terminal energy")]
    for record in records:
        for figure in record["figures"]:
            rows.append((figure["variant"], f"{figure['policy']:.3f}", f"{figure['terminal']:.3f}"))
    return markdown(rows)


def machines(records: list[dict]) -> str:
    """Return a line that names the machines of the records."""
    seen = sorted({f"{record['device']}, PyTorch {record['torch']}" for record in records})
    return f"Measured on: {'; '.join(seen)}."


def fill(text: str, content: str) -> str:
    """Return ``text`` with ``content`` between the markers.

    Raises:
        ValueError: the markers are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"expected one {BEGIN} and, after it, one {END}")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def figures(records: list[dict]) -> str:
    """Return the text between the README's markers."""
    return f"{figures_table(records)}\n\n{machines(records)}" if records else NOTHING


def figures_of_coresets(name: str, root: Path) -> str:
    """Return figures of a checkpoint of coresets, on data of the kinds that users have and simulated sets."""
    parts = [
        show(record)
        for kind, show in (("families", targets_met), ("calibration", running_free))
        for record in read_records(root / "records", kind)
        if record["checkpoint"] == name
    ]
    return "\n\n".join(parts) or NOTHING


def documents(root: Path) -> dict[Path, str]:
    """Return the text of every document with measured figures, by its path."""
    records = read_records(root / "records")
    readme = root / "README.md"
    objectives = root / "docs" / "objectives.md"
    diagnoses = read_records(root / "records" / "objectives", "diagnosis")
    of_checkpoints = read_records(root / "records" / "diagnoses", "diagnosis")
    results = read_records(root / "records", "result")
    inference = read_records(root / "records", "inference")
    ablations = read_records(root / "records", "ablation")
    measured = [diagnoses_table(diagnoses), inference_table(inference), ablation_table(ablations)]
    found = {
        root / "RESULTS.md": render(results, read_declarations(root / "experiments")),
        readme: fill(readme.read_text(encoding="utf-8"), figures(records)),
        objectives: fill(objectives.read_text(encoding="utf-8"), "\n\n".join(measured)),
    }
    for path in sorted((root / PRETRAINED).glob("*/config.json")):
        folder = path.parent
        if isinstance(load_configuration(folder).data, CoresetData):
            own = figures_of_coresets(folder.name, root)
        else:
            own = "\n\n".join(
                [figures(records_of(folder, records)), *map(free_tables, records_of(folder, of_checkpoints))]
            )
        found[folder / "README.md"] = model_card(folder, own)
    real = read_records(root / "records", "real-data")
    compared = [
        comparison(real, figures(records)),
        families(read_records(root / "records", "families")),
        coreset_calibration(read_records(root / "records", "calibration")),
        *map(real_forecasts, read_records(root / "records", "forecasts")),
        *map(embedded_table, read_records(root / "records", "embedded")),
        *map(omniglot, read_records(root / "records", "omniglot")),
    ]
    pages = {
        "comparison.md": "\n\n".join(compared),
        "design.md": coreset_ablation(read_records(root / "records", "ablation-coresets")),
        "when-it-fails.md": "\n\n".join(map(failures, real)) or NOTHING,
        "scale.md": endurance(*(read_records(root / "records", kind) for kind in ("large", "kill", "fuzz"))),
    }
    for name, content in pages.items():
        page = root / "docs" / name
        found[page] = fill(page.read_text(encoding="utf-8"), content)
    return found


if __name__ == "__main__":
    for path, text in documents(Path(*sys.argv[1:])).items():
        write_text(path, text)
        print(path)
