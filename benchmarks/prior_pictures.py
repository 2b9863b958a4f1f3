"""Write the pictures and the table of docs/prior.md: which sets the checkpoint `general` is trained on.

    OMP_NUM_THREADS=1 python benchmarks/prior_pictures.py [NAME ...]

writes docs/images/prior/NAME.png for each family of `gfncp.simulators.prior`, or for those that are named
alone, and the table between the markers of docs/prior.md. NAME is that of the module: `worms` for `Worms`.
A picture depends on its family alone, so new shares change the table and no picture.
"""

import sys
from io import BytesIO
from pathlib import Path

import torch
from jaxtyping import Float, Int
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from gfncp.coresets.components import components
from gfncp.evaluation.comparison import markdown
from gfncp.files import write_atomically, write_text
from gfncp.reproduction.report import fill
from gfncp.simulators.prior import FAMILIES

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = DOCS / "images" / "prior"
SHOWN, SHOWN_POINTS = 8, 400  # sets of a picture
MEASURED, MEASURED_POINTS = 40, 500  # sets of a row of the table
PIXELS = 180  # side of a set in a picture
COLOURS = colormaps["tab20"].colors  # ten pairs of a dark and a light one
PALETTE = 64  # colours of a picture: those of points blend where they meet the background
QUANTILES = (0.1, 0.5, 0.9)
HEADER = ("family", "share of the sets", "dimensions", "clusters")
SEED = 0


def by_name() -> dict[str, list]:
    """Return the families by the name of their module, those of one class together."""
    found = {}
    for _, family in FAMILIES:
        found.setdefault(type(family).__module__.rpartition(".")[2], []).append(family)
    return found


def table() -> str:
    """Return a Markdown table with a row for each line of the prior."""
    total = sum(share for share, _ in FAMILIES)
    rows = [HEADER]
    for share, family in FAMILIES:
        name = f"[`{family}`](#{type(family).__name__.lower()})"
        rows.append((name, f"{share / total:.0%}", *typical_numbers(family)))
    return markdown(rows)


def typical_numbers(family) -> tuple[str, str]:
    """Return the first decile, the median and the last decile of the dimensions and clusters of sets."""
    generator = torch.Generator().manual_seed(SEED)
    drawn = [family(1, MEASURED_POINTS, generator) for _ in range(MEASURED)]
    dimensions = [torch.linalg.matrix_rank(x[0] - x[0].mean(0)) for x, _ in drawn]
    clusters = [labels.max() + 1 for _, labels in drawn]
    return deciles(dimensions), deciles(clusters)


def deciles(numbers: list[Int[Tensor, ""]]) -> str:
    low, median, high = (
        int(torch.stack(numbers).double().quantile(share, interpolation="nearest")) for share in QUANTILES
    )
    return f"{low} – {median} – {high}"


def picture(families: list) -> Image.Image:
    """Draw sets of these families, in turn, side by side: two principal components, coloured by label."""
    generator = torch.Generator().manual_seed(SEED)
    figure = Figure(figsize=(SHOWN * PIXELS / 100, PIXELS / 100), dpi=100)
    figure.subplots_adjust(left=0.002, right=0.998, bottom=0.012, top=0.988, wspace=0.03)
    for number, axes in enumerate(figure.subplots(1, SHOWN)):
        x, labels = families[number % len(families)](1, SHOWN_POINTS, generator)
        scatter(axes, components(x, torch.ones(x.shape[:2]))[0, :, :2], labels[0])
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return Image.open(drawn).convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)


def scatter(axes, x: Float[Tensor, "points 2"], labels: Int[Tensor, "points"]) -> None:
    """Draw points, the widest direction across, in a square around all; the more coincide, the larger."""
    places, counts = torch.cat([x, labels[:, None]], 1).unique(dim=0, return_counts=True)
    colours = [COLOURS[label * 2 % 20 + label // 10 % 2] for label in places[:, 2].int()]
    axes.scatter(*places[:, :2].T, s=4 * counts.sqrt(), lw=0, color=colours)
    across, up = ((x.amin(0) + x.amax(0)) / 2).tolist()
    half = 1.05 / 2 * float((x.amax(0) - x.amin(0)).amax())
    axes.set(xlim=(across - half, across + half), ylim=(up - half, up + half), xticks=[], yticks=[])
    axes.spines[:].set_color("0.8")


if __name__ == "__main__":
    families = by_name()
    for name in sys.argv[1:] or families:
        path = PICTURES / f"{name}.png"
        drawn = picture(families[name])
        write_atomically(path, lambda file, drawn=drawn: drawn.save(file, format="png", optimize=True))
        print(path, path.stat().st_size)
    page = DOCS / "prior.md"
    write_text(page, fill(page.read_text(encoding="utf-8"), table()))
    print(page)
