"""The command line. Commands import what they need when they run, so that `--help` is quick."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from gfncp.cli import cluster, diagnose, embed, evaluate, info, reproduce, train
from gfncp.cli.table_options import with_options

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for command in (
    cluster.cluster,
    train.train,
    evaluate.evaluate,
    embed.embed,
    reproduce.reproduce,
    diagnose.diagnose,
    info.info,
    info.methods,
):
    app.command()(with_options(command))


def _describe_machine() -> str:
    """Return a line for bug reports: all that results can depend on, apart from input and seed."""
    import platform

    import numpy
    import torch

    return (
        f"gfncp {version('gfncp')}, python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {numpy.__version__}, {platform.platform()}, {torch.get_num_threads()} threads"
    )


@app.callback(invoke_without_command=True)
def about(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", help="With --version: also print what results depend on: versions and machine."
        ),
    ] = False,
) -> None:
    """Amortized probabilistic clustering: the posterior over clusterings of a set of points.

    Start here:  gfncp cluster examples/mnist-300.npz --checkpoint mnist
    """
    if show_version:
        print(_describe_machine() if verbose else f"gfncp {version('gfncp')}")
        raise typer.Exit()
    if verbose:
        raise ValueError("--verbose: accepted with --version only")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 2 for bad input, 130 for Ctrl-C, with one line on stderr."""
    try:
        return app(arguments, prog_name="gfncp", standalone_mode=False) or 0
    except typer.TyperException as error:
        command = getattr(error, "ctx", None)
        message = f"{_describe_usage(error)} See {command.command_path if command else 'gfncp'} --help"
    except (ValueError, FloatingPointError, OSError) as error:
        message = str(error)
    except (KeyboardInterrupt, typer.Abort):
        print("gfncp: stopped", file=sys.stderr)
        return 130
    print(f"gfncp: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _describe_usage(error: typer.TyperException) -> str:
    """Return the message of an error in the use of options, with the value that was given."""
    from pydantic import ValidationError

    message, cause = error.format_message(), error.__cause__
    if not isinstance(cause, ValidationError):
        return message
    value = repr(cause.errors()[0]["input"])
    return message if value in message else f"{message}; given is {value}."
