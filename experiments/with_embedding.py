"""A checkpoint that joins a network of coresets with the embedding of another checkpoint.

    python experiments/with_embedding.py OUTPUT NETWORK EMBEDDING CONFIGURATION.toml

The network is `general`, or was tuned from it on embedded points. OUTPUT is what training by the
configuration would have made, had it ended with these weights.
"""

from pathlib import Path
from typing import Annotated

import typer

from gfncp.checkpoints import save
from gfncp.configuration.toml_files import read_configuration
from gfncp.training.preparation import take_embedding
from gfncp.training.train import move_towards


def main(
    output: Annotated[Path, typer.Argument(help="Folder of the new checkpoint.")],
    network: Annotated[str, typer.Argument(help="Name or folder of a checkpoint without embedding.")],
    embedding: Annotated[str, typer.Argument(help="Name or folder of a checkpoint with one.")],
    configuration: Annotated[Path, typer.Argument(help="TOML file of the new checkpoint.")],
) -> None:
    """Join a network and an embedding."""
    try:
        described = read_configuration(configuration)
        if described.encoder.kind != "embedded-tokens":
            raise ValueError(f"encoder.kind={described.encoder.kind!r}: accepted is 'embedded-tokens'")
        model = described.build()
        take_embedding(model.encoder, embedding)
        move_towards(model, network, 1.0)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    save(model, described, output)


if __name__ == "__main__":
    typer.run(main)
