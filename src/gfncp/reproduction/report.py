"""Write the measured figures into README, RESULTS, model cards and docs/.

    python -m gfncp.reproduction.report [ROOT]

reads the JSON records that ``gfncp evaluate --record``, ``gfncp diagnose``, ``gfncp reproduce`` and the
benchmarks left under ``records/``, and nothing else: a figure without a record cannot appear.
"""

import json
import sys
from pathlib import Path

from gfncp.checkpoints import load, load_configuration
from gfncp.configuration import Configuration, parse
from gfncp.configuration.embedding_files import EmbeddingFile
from gfncp.configuration.encoder import EmbeddedPictures, Pretraining
from gfncp.configuration.image_data import EmbeddingData, ImageSets, PixelData
from gfncp.configuration.neighbour_coresets import NeighbourCoresets
from gfncp.configuration.recorded_coresets import RecordedCoresets
from gfncp.configuration.simulated_data import CoresetData, GeneralData, MixtureData
from gfncp.configuration.toml_files import to_toml
from gfncp.data.checks import array_shape
from gfncp.estimators.limits import accepted_shape
from gfncp.evaluation.comparison import NOTHING, comparison, failures, markdown
from gfncp.evaluation.coreset_ablation import coreset_ablation
from gfncp.evaluation.coreset_calibration import coreset_calibration, running_free
from gfncp.evaluation.embedded import embedded_table
from gfncp.evaluation.endurance import endurance
from gfncp.evaluation.families import families, targets_met
from gfncp.evaluation.forecasts_table import real_forecasts
from gfncp.evaluation.omniglot_table import omniglot
from gfncp.evaluation.table_cells import number, with_error
from gfncp.files import write_text
from gfncp.reproduction.declarations import read_declarations
from gfncp.reproduction.results import render
from gfncp.shipped import shipped

PRETRAINED = Path("src/gfncp/pretrained")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEADER = ("checkpoint", "test sets", "NMI", "ARI", "clusters found (true)", "ms per set", "command")
STREAMS, NONE = "online-energy", "–"


def read_records(folder: Path, kind: str = "evaluation") -> list[dict]:
    """Return the records of one kind in ``folder`` and below it, in the order of their paths."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.json"))]
    return [record for record in records if isinstance(record, dict) and record.get("kind") == kind]


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


def diagnoses_table(records: list[dict]) -> str:
    """Return a Markdown table with a column per diagnosed checkpoint."""
    if not records:
        return NOTHING
    names = [
        f"{record['checkpoint']}: `{record['configuration']['objective']['name']}`, "
        f"{record['configuration']['training']['iterations']} iterations"
        for record in records
    ]
    rows: list[tuple[str, ...]] = [("", *names)]
    for label, digits, *places in DIAGNOSED:
        cells = [_cell(record, places, digits) for record in records]
        if set(cells) != {NONE}:
            rows.append((label, *cells))
    return markdown(rows)


def _cell(record: dict, places: list[tuple[str, ...]], form: int | str) -> str:
    """Return the figure in the first of several places that a record has; a dash if it has none."""
    for place in places:
        value = record
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            continue
        if isinstance(form, str):
            return f"{value:{form}}"
        return with_error(**value, digits=form) if isinstance(value, dict) else number(value, form)
    return NONE


def _free(points: int, *place: str) -> tuple[str, ...]:
    return "free", "simulated sets", str(points), *place


def _distance(points: str, method: str) -> tuple[str, ...]:
    return "posterior", points, method, "total_variation"


DIAGNOSED = (  # name, digits or format, and the places in records of different age
    ("TV of the policy, N = 6", 3, _distance("6", "policy")),
    ("TV of the policy, N = 8", 3, _distance("8", "policy")),
    ("TV of the terminal energy, N = 6", 3, _distance("6", "terminal")),
    ("TV of the terminal energy, N = 8", 3, _distance("8", "terminal")),
    ("SDPP, N = 20", 3, ("sdpp", "20", "median")),
    ("SDPP, N = 80", 3, ("sdpp", "80", "median")),
    (
        "MC, sum of Eq. 24 over steps, true labels, N = 80",
        1,
        ("consistency", "80", "mc_sum"),
        ("consistency", "80", "mc"),
    ),
    ("MC, authors' public code, N = 80", 3, ("consistency", "80", "mc_public_code")),
    ("unshifted flow residual per step, N = 80", 3, ("consistency", "80", "flow_per_step")),
    ("NMI, N = 80, share of exact", 3, ("quality", "80", "nmi_of_exact")),
    ("NMI, N = 300, share of exact", 3, ("quality", "300", "nmi_of_exact")),
    (
        "ECE of pairs, N = 20",
        4,
        _free(20, "pairs", "truth", "error"),
        ("calibration", "pairs", "model", "expected_calibration_error"),
    ),
    (
        "ranks of K, N = 20, p-value",
        ".2g",
        _free(20, "ranks", "clusters", "p_value"),
        ("calibration", "ranks", "clusters", "p_value"),
    ),
    ("ECE of pairs, N = 80", 4, _free(80, "pairs", "truth", "error")),
    ("ECE of pairs, N = 80, a sample in the truth's place", 4, _free(80, "pairs", "sample", "error")),
    ("ranks of K, N = 80, p-value", ".2g", _free(80, "ranks", "clusters", "p_value")),
    ("ranks of largest cluster, N = 80, p-value", ".2g", _free(80, "ranks", "largest cluster", "p_value")),
    ("-log p, N = 80: samples / truth", 3, _free(80, "ratio")),
    ("-log p of samples, N = 300", 1, _free(300, "sample_nll")),
    ("-log p of the truth, N = 300", 1, _free(300, "truth_nll")),
    ("ARI of samples, N = 300", 3, _free(300, "scores", "samples", "ari")),
    ("ARI of the most typical of 16 orders, N = 300", 3, _free(300, "scores", "labels", "ari")),
    ("ARI of exact draws, N = 300", 3, _free(300, "scores", "exact draws", "ari")),
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


def model_card(folder: Path, records: list[dict], measured: str | None = None) -> str:
    """Return the README of a checkpoint: accepted data, scores, training.

    Args:
        records: of any checkpoints; those of another name or configuration are left out.
        measured: figures in place of those in the records.
    """
    configuration = load_configuration(folder)
    name, training = folder.name, configuration.training
    own = [
        record
        for record in records
        if record["checkpoint"] == name and parse(record["configuration"], name) == configuration
    ]
    shape = array_shape(accepted_shape(configuration))
    parameters = sum(weight.numel() for weight in load(folder).parameters())
    low, high = training.points
    if training.initial is None:
        made = "`gfncp train` makes it again from:"
    elif training.initial in shipped():
        made = f"The weights of `{training.initial}` were tuned; `gfncp train` makes it again from:"
    else:
        made = f"That is one step of several, which `experiments/{name}.toml` tells:"
    return f"""# {name}

Clusters arrays of shape {shape}; {parameters:,} parameters.

```python
from gfncp import GFNCP

labels = GFNCP(checkpoint="{name}", random_state=0).fit_predict(X)
```

## Training

{_training_sets(configuration)} Sets of {low} to {high} points, {training.batch} sets in each of
{training.iterations} iterations, seed {configuration.seed}. {made}

```toml
{to_toml(configuration)}```

## Figures

{measured or figures(own)}
"""


def _training_sets(configuration: Configuration) -> str:
    data = configuration.data
    match data:
        case MixtureData():
            return (
                f"Mixtures of spherical Gaussians in {data.dim} dimensions: {_prior(data)}, means of "
                f"standard deviation {data.spread:g} around the origin, points of 1 around the means."
            )
        case GeneralData():
            return (
                f"Mixtures of up to {data.max_clusters} clusters in 1 to 16 dimensions: full covariances, "
                "long tails, sizes and densities that differ, bent shapes, background points and dimensions "
                "of noise; `gfncp.simulators.GeneralMixtures` says in what shares."
            )
        case CoresetData():
            return (
                f"Sets of the prior's families (docs/prior.md){_beside_the_prior(data)}, summarised by at "
                f"most {data.tokens} micro-clusters."
            )
        case PixelData():
            return (
                f"{data.images:,} training images of {data.dataset}, without their labels: {_prior(data)}, "
                f"each cluster made of {data.made_of}."
            )
        case EmbeddingData():
            return (
                f"{data.images:,} training images of {data.dataset}, without their labels: {_prior(data)}, "
                f"each cluster made of {data.made_of}, in {_embedding(configuration)}."
                f"{_summary(data)}"
            )
        case EmbeddingFile():
            return (
                f"Embeddings of half of the classes of {data.dataset}, without their labels: {_prior(data)}, "
                f"each cluster made of {data.made_of}.{_summary(data)} Tests are on the other half."
            )


def _summary(data: EmbeddingData | EmbeddingFile) -> str:
    if not isinstance(data, NeighbourCoresets):
        return ""
    return f" Sets are summarised by at most {data.tokens} micro-clusters."


def _embedding(configuration: Configuration) -> str:
    encoder = configuration.encoder
    if not isinstance(encoder, EmbeddedPictures):
        raise ValueError(f"encoder.kind={encoder.kind!r}: accepted are encoders with an embedding")
    if encoder.embedding is not None:
        return f"the embedding of `{encoder.embedding}`, which was learned before"
    return f"an embedding that came from {_pretraining(encoder.pretraining)}"


def _pretraining(options: Pretraining) -> str:
    parts = []
    if options.iterations:
        parts.append(f"{options.iterations} iterations of instance discrimination")
    if options.rounds:
        parts.append(f"{options.rounds} rounds of drawing neighbours together")
    at_first = "" if options.iterations else ", at first those of pixels"
    return " and ".join(parts) + at_first


def _beside_the_prior(data: CoresetData) -> str:
    if not isinstance(data, RecordedCoresets):
        return ""
    shares = f"{data.recorded:.0%} of recorded images, and {data.faceted:.0%}"
    return f", {shares} in which near clusters count as one"


def _prior(data: MixtureData | ImageSets | EmbeddingFile) -> str:
    match data.n_clusters:
        case None:
            number = "any number of"
        case (low, high):
            number = f"{low} to {high}"
        case fixed:
            number = str(fixed)
    return f"partitions from CRP({data.alpha:g}) with {number} clusters"


def documents(root: Path) -> dict[Path, str]:
    """Return the text of every document with measured figures, by its path."""
    records = read_records(root / "records")
    readme = root / "README.md"
    objectives = root / "docs" / "objectives.md"
    diagnoses = read_records(root / "records", "diagnosis")
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
        coresets = isinstance(load_configuration(path.parent).data, CoresetData)
        own = figures_of_coresets(path.parent.name, root) if coresets else None
        found[path.with_name("README.md")] = model_card(path.parent, records, own)
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
