"""Notes and summaries that `gfncp cluster` prints."""

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from gfncp.cli.shared import console, count, notes
from gfncp.clustering_report import Result
from gfncp.posterior.summary import format_summary


def print_notes(lines: Iterable[str]) -> None:
    """Print notes, equal ones once."""
    for line in dict.fromkeys(lines):
        notes.print(f"Note: {line}", markup=False, soft_wrap=True)


def print_answer(result: Result, samples: int, seconds: str) -> None:
    """Print the answer on a single set."""
    model, points = result.model, len(result.model.labels_)
    console.print(
        f"[bold]{count(points, 'point')} in {count(model.n_clusters_, 'cluster')}[/bold] "
        f"(with {count(samples, 'sample')} of the posterior: {seconds})\n",
        soft_wrap=True,
    )
    described = None if model.scale_ is None else model.describe_clusters(result.set.points)
    console.print(
        format_summary(model.posterior_, model.labels_, result.log_prob(), model.scale_, described), ""
    )
    agreement, labelled = result.agreement(), result.set.labels
    if agreement is not None and labelled is not None:
        known = len(set(labelled.tolist()))
        console.print(
            f"Against the {known} known labels: "
            f"[bold]NMI {agreement['NMI']:.3f}, ARI {agreement['ARI']:.3f}[/bold]"
        )


def print_answers(results: Sequence[Result], pictured: int, seconds: str) -> None:
    """Print a table of the answers on several sets, the first ``pictured`` of which have pictures."""
    scores = ("NMI", "ARI") if results[0].set.labels is not None else ()
    scaled = results[0].model.scale_ is not None
    table = Table("set", "points", "clusters", *(["scale"] if scaled else []), *scores)
    for result in results:
        agreement = result.agreement() or {}
        table.add_row(
            escape(result.set.name),
            str(len(result.model.labels_)),
            str(result.model.n_clusters_),
            *([result.model.scale_] if scaled else []),
            *(f"{agreement[name]:.3f}" for name in scores),
        )
    console.print(table, f"{len(results)} sets in {seconds}")
    if 0 < pictured < len(results):
        console.print(f"Pictures are of the first {pictured} sets only")
