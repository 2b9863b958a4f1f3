"""`gfncp info` and `gfncp methods`: properties of checkpoints and of methods."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from gfncp.cli.shared import Checkpoint, console
from gfncp.shipped import find


def info(checkpoint: Checkpoint) -> None:
    """Show what a checkpoint accepts, its size, and the configuration that it was trained with.

    Example:  gfncp info mnist
    """
    folder = find(checkpoint)

    from gfncp.checkpoints import load, load_configuration
    from gfncp.configuration.toml_files import to_toml
    from gfncp.data.checks import array_shape
    from gfncp.estimators.limits import accepted_shape, limits

    model: Any = load(checkpoint)  # an energy network, or one of another method
    configuration = load_configuration(checkpoint)
    shape = array_shape(accepted_shape(configuration))
    parameters = sum(weight.numel() for weight in model.parameters())
    size = (folder / "model.safetensors").stat().st_size / 1e6
    console.print(f"[bold]{escape(folder.name)}[/bold] clusters arrays of shape {shape}\n")
    for name, text in limits(configuration).items():
        console.print(f"{name:12}{text}", markup=False, soft_wrap=True)
    console.print(f"{'size':12}{parameters:,} parameters, {size:.1f} MB\n")
    console.print("Trained by this configuration:\n")
    console.print(to_toml(configuration), markup=False, soft_wrap=True)


def methods() -> None:
    """Show the properties of each method, of this code and, in brackets, as the paper's Table 1 has them.

    Example:  gfncp methods
    """
    from gfncp.estimators.properties import PROPERTIES, TABLE

    table = Table("method", *PROPERTIES)
    for name, row in TABLE.items():
        claims = [row.claim(each) for each in PROPERTIES]
        marks = [
            row.mark(each) + (f" ({claim})" if claim else "")
            for each, claim in zip(PROPERTIES, claims, strict=True)
        ]
        table.add_row(name, *marks)
    console.print(table)
    console.print("✓ yes, ✗ no, ~ in part, – not applicable")
    for name, meaning in PROPERTIES.items():
        console.print(f"{name}: {meaning}", highlight=False)
    for name, row in TABLE.items():
        console.print(f"{name}: {row.note}", highlight=False)
