"""A checkpoint whose weights are the means of others': one network, tuned in ways that all helped a little.

    python experiments/average.py OUTPUT FOLDER FOLDER ...

References:
    Wortsman et al. Model soups: averaging weights of multiple fine-tuned models. ICML 2022.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from gfncp.checkpoints import load, load_configuration, save, weights_for


def main(
    output: Annotated[Path, typer.Argument(help="Folder of the new checkpoint.")],
    checkpoints: Annotated[
        list[str], typer.Argument(help="Names or folders; it gets the first one's configuration.")
    ],
) -> None:
    """Average checkpoints of one network."""
    try:
        model = load(checkpoints[0])
        parts = [weights_for(model, checkpoint) for checkpoint in checkpoints]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    means = {name: torch.stack([part[name].double() for part in parts]).mean(0) for name in parts[0]}
    model.load_state_dict(means)
    save(model, load_configuration(checkpoints[0]), output)


if __name__ == "__main__":
    typer.run(main)
