"""A checkpoint whose weights are the means of others': one network, tuned in ways that all helped a little.

    python experiments/average.py OUTPUT FOLDER FOLDER ...

References:
    Wortsman et al. Model soups: averaging weights of multiple fine-tuned models. ICML 2022.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer

from gfncp.checkpoints import load, load_configuration, save


def main(
    output: Annotated[Path, typer.Argument(help="Folder of the new checkpoint.")],
    checkpoints: Annotated[
        list[str], typer.Argument(help="Names or folders; it gets the first one's configuration.")
    ],
) -> None:
    """Average checkpoints of one network."""
    try:
        models = [load(checkpoint) for checkpoint in checkpoints]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    parts = [model.state_dict() for model in models]
    shapes = [{name: value.shape for name, value in part.items()} for part in parts]
    for checkpoint, shape in zip(checkpoints, shapes, strict=True):
        if shape != shapes[0]:
            raise typer.BadParameter(f"{checkpoint!r} holds another network than {checkpoints[0]!r}")
    mean = {name: torch.stack([part[name].double() for part in parts]).mean(0) for name in parts[0]}
    models[0].load_state_dict({name: value.to(parts[0][name].dtype) for name, value in mean.items()})
    save(models[0], load_configuration(checkpoints[0]), output)


if __name__ == "__main__":
    typer.run(main)
