"""Tables of recorded diagnoses: of several networks side by side, and of one that runs free."""

from gfncp.evaluation.comparison import NOTHING, markdown
from gfncp.evaluation.diagnosis_report import free_table
from gfncp.evaluation.table_cells import number, with_error

NONE = "–"


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
    ("ARI of labels_, N = 300", 3, _free(300, "scores", "labels", "ari")),
    ("ARI of exact draws, N = 300", 3, _free(300, "scores", "exact draws", "ari")),
)


def free_tables(record: dict) -> str:
    """Return Markdown tables of a posterior that runs free, one for each kind of sets, and their command."""
    sets = record["sizes"]["free_sets"]
    command = f"gfncp diagnose {record['checkpoint']} --sets {sets} --seed {record['seed']}"
    parts = [f"Samples beside the truth, without labels to guide them (docs/when-it-fails.md): `{command}`"]
    for name, sizes in record["free"].items():
        table = free_table(name, sizes)
        rows = zip(*([column.header, *column.cells] for column in table.columns), strict=True)
        parts += [f"{str(table.title).capitalize()}:", markdown([tuple(map(str, row)) for row in rows])]
    return "\n\n".join(parts)
