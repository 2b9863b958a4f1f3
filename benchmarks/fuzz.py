"""Feed thousands of hostile cases to the readers, to checkpoints and to the estimator.

    python benchmarks/fuzz.py --cases 1000 --record records/fuzz.json

Each case must be accepted, or refused by a ValueError or TypeError with a message, in bounded time. A case
that does anything else is made as small as possible and shown.
"""

import json
import platform
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import hypothesis
import torch
import typer
from hostile import PROPERTIES
from rich.console import Console
from rich.table import Table

from gfncp.files import write_text

LIMIT = 60  # CPU seconds of one case: it takes milliseconds, unless it never ends


def outcome(call: Callable[[], object]) -> str:
    """``accepted``, or the kind of error that refused.

    Raises:
        AssertionError: an error has no message.
        TimeoutError: there was no end.
        Exception: anything but ValueError and TypeError.
    """
    try:
        with warnings.catch_warnings(), _limited():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", RuntimeWarning)
            call()
    except (ValueError, TypeError) as error:
        if not str(error).strip():
            raise AssertionError(f"{type(error).__name__} has no message") from error
        return "TypeError" if isinstance(error, TypeError) else "ValueError"
    return "accepted"


@contextmanager
def _limited():
    def end(number, frame):
        raise TimeoutError(f"no end after {LIMIT} CPU seconds")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def check(name: str, cases: int, seed: int = 0) -> Counter:
    """How many cases of a property had which outcome; raises at one that must not be."""
    use, strategy = PROPERTIES[name]
    outcomes: Counter = Counter()
    with TemporaryDirectory() as folder:

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=cases,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        )
        @hypothesis.given(strategy)
        def run(case):
            outcomes[outcome(lambda: use(Path(folder), case))] += 1

        run()
    return outcomes


def main(
    cases: Annotated[int, typer.Option(min=1, help="Of each property, at most.")] = 1000,
    only: Annotated[str | None, typer.Option(help="Only these properties, separated by commas.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the cases.")] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the counts to this JSON file.")] = None,
) -> None:
    """Feed hostile cases to readers, checkpoints and the estimator; print how they ended."""
    torch.set_num_threads(1)
    console = Console(highlight=False)
    table = Table("property", "cases", "accepted", "ValueError", "TypeError", "seconds")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = {}
    for name in PROPERTIES if only is None else only.split(","):
        start = time.process_time()
        found = counts[name] = check(name, cases, seed)
        ended = [str(found[each]) for each in ("accepted", "ValueError", "TypeError")]
        table.add_row(name, str(found.total()), *ended, f"{time.process_time() - start:.1f}")
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = sum(found.total() for found in counts.values())
    console.print(f"{total} cases, none of them a crash; memory grew by {(peak - before) / 1024:.0f} MiB")
    if record is not None:
        about = {
            "kind": "fuzz",
            "command": " ".join(["python", "benchmarks/fuzz.py", *sys.argv[1:]]),
            "seed": seed,
            "cases": total,
            "outcomes": counts,
            "memory_growth_mib": (peak - before) / 1024,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "hypothesis": version("hypothesis"),
        }
        write_text(record, json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
