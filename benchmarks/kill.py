"""Kill training with SIGKILL at random moments, again and again: it must go on, and end the same.

    python benchmarks/kill.py --record records/kill.json

A run is killed after a random time and resumed, until it ends. After each kill its folder must hold a whole
checkpoint, or none yet, and be no further back than before. In the end weights and the optimiser's moments
must equal those of a run that was never killed, to the bit. Runs follow each other until there were enough
kills; the last one then goes on to its end.
"""

import contextlib
import json
import os
import platform
import random
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file

from gfncp.checkpoints import load
from gfncp.configuration import Configuration, parse
from gfncp.files import DRAFT, write_text
from gfncp.training.run_state import iterations_done
from gfncp.training.train import train

FILES = ("model.safetensors", "training.safetensors")
CONTEXT = get_context("forkserver")  # whose processes start at once, with all imports done
CONTEXT.set_forkserver_preload(["gfncp.training.train"])


def tiny(iterations: int) -> Configuration:
    """A run that is done in seconds and stores its state after every second iteration."""
    return parse(
        {
            "encoder": {"kind": "vectors", "dim": 2, "scale": 10.0},
            "network": {"depth": 2, "width": 32},
            "data": {"kind": "gaussian-mixtures", "n_clusters": (1, 3)},
            "objective": {"name": "gfncp"},
            "training": {
                "iterations": iterations,
                "batch": 2,
                "points": (5, 20),
                "save_every": 2,
                "validation_sets": 1,
            },
        },
        "kill",
    )


def train_quietly(configuration: Configuration, folder: Path) -> None:
    torch.set_num_threads(1)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        train(configuration, folder)


def go_on(configuration: Configuration, folder: Path, seconds: float | None) -> bool:
    """Train in another process, killed after so many seconds, None for never; whether that was before its end."""
    process = CONTEXT.Process(target=train_quietly, args=(configuration, folder))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
    if process.exitcode not in (0, -SIGKILL):
        raise RuntimeError(f"the run in {folder} ended with exit code {process.exitcode}")
    return process.exitcode == -SIGKILL


def drafts(folder: Path) -> int:
    """How many files are left of writes that were cut short."""
    return sum(DRAFT.fullmatch(path.name) is not None for path in folder.glob(".*"))


def check_same(folder: Path, whole: Path) -> None:
    for name in FILES:
        found, expected = load_file(folder / name), load_file(whole / name)
        if found.keys() != expected.keys():
            raise RuntimeError(f"{folder / name}: holds other tensors than an uninterrupted run")
        for key, value in expected.items():
            if not torch.equal(found[key], value):
                raise RuntimeError(f"{folder / name}: {key} differs from that of an uninterrupted run")
    if drafts(folder):
        raise RuntimeError(f"{folder}: holds drafts of files")


def stress(kills: int, folder: Path, seed: int = 0, iterations: int = 20, report=lambda line: None) -> dict:
    """Kill so many times; what happened.

    Raises:
        RuntimeError: a run did not go on, went back, or ended with other weights.
    """
    configuration, moments = tiny(iterations), random.Random(seed)
    go_on(configuration, folder / "warm", None)  # which starts the server of processes
    start = time.perf_counter()
    go_on(configuration, folder / "whole", None)
    longest = time.perf_counter() - start
    done: list[dict] = []
    runs = 0
    while len(done) < kills:
        run, before = folder / f"run-{runs}", 0
        while go_on(configuration, run, moments.uniform(0, longest) if len(done) < kills else None):
            after = iterations_done(run)
            if after < before:
                raise RuntimeError(f"{run}: went back from iteration {before} to {after}")
            if after > 0:
                load(run)
            done.append({"run": runs, "iteration": after, "drafts_left": drafts(run)})
            report(f"kill {len(done)}: run {runs} at iteration {after} of {iterations}")
            before = after
        check_same(run, folder / "whole")
        runs += 1
    return {
        "kills": len(done),
        "runs": runs,
        "iterations_of_a_run": iterations,
        "seconds_of_a_run": longest,
        "kills_during_a_write": sum(each["drafts_left"] > 0 for each in done),
        "kills_with_nothing_stored_yet": sum(each["iteration"] == 0 for each in done),
        "same_weights_as_uninterrupted": True,
        "each": done,
    }


def main(
    kills: Annotated[int, typer.Option(min=1, help="Stop when there were so many.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the moments.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write what happened to this JSON file.")] = None,
) -> None:
    """Kill training at random moments, and check that nothing is lost."""
    console = Console(highlight=False)
    with TemporaryDirectory() as folder:
        found = stress(kills, Path(folder), seed, report=console.print)
    console.print(
        f"{found['kills']} kills in {found['runs']} runs, {found['kills_during_a_write']} of them during a "
        "write: all runs went on, and ended with the weights of an uninterrupted one, to the bit"
    )
    if record is not None:
        about = {
            "kind": "kill",
            "command": " ".join(["python", "benchmarks/kill.py", *sys.argv[1:]]),
            "seed": seed,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "platform": platform.platform(),
        }
        write_text(record, json.dumps(about | found, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
