"""Records of ``benchmarks/embedded.py`` as Markdown."""

from gfncp.evaluation.comparison import markdown
from gfncp.evaluation.table_cells import number, with_error


def embedded_table(record: dict) -> str:
    """Return a table with a row for each method on each data set, and how to do the same."""
    rows: list[tuple[str, ...]] = [("test images", "method", "NMI", "ARI", "K found", "ms per set")]
    for name, methods in record["figures"].items():
        for method, of in methods.items():
            scores = (with_error(**of[key]) for key in ("nmi", "ari"))
            milliseconds = number(1000 * of["seconds"]["value"], 0)
            rows.append((name, method, *scores, number(of["clusters"]["value"], 1), milliseconds))
    return (
        "## Images: the network of a checkpoint, and the default on its embedding\n\n"
        "A checkpoint of images is an embedding, learned without labels, and a network that clusters sets of "
        "embedded images. `general` can take the place of that network: `gfncp.load(NAME).encoder.embed(x)` "
        "turns a tensor of images, of values from 0 to 1, into vectors for `GFNCP().fit`. The network of "
        "`fashion-mnist` was tuned from it, on coresets of neighbours. Test images of both kinds were looked "
        "at while `general` and the kind of network of `fashion-mnist` were chosen. "
        f"{record['sets']} sets of {record['points']} test images of whole classes:\n\n"
        "`python benchmarks/embedded.py --data FOLDER --record records/embedded.json`\n\n"
        f"{markdown(rows)}\n\n"
        f"Means ± standard errors over sets. Measured on: {record['device']}, PyTorch {record['torch']}."
    )
