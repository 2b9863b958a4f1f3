"""State of a training run in one file, from which a resumed run is bit-identical to an uninterrupted one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import Optimizer

from gfncp.checkpoints import CONFIGURATION, WEIGHTS, read_json, save, save_configuration
from gfncp.configuration import Configuration, parse_stored
from gfncp.files import remove_drafts, write_atomically

STATE = "training.safetensors"
BEST = "best.safetensors"  # weights of the lowest loss of validation so far


@contextmanager
def unless_refused(folder: Path) -> Iterator[None]:
    """Remove files that were written into a run's folder if something is refused and the run has no state.

    Otherwise the corrected command would be refused for what the wrong one left.
    """
    folder = Path(folder)
    existed = folder.is_dir()
    before = set(folder.iterdir()) if existed else set()
    try:
        yield
    except (ValueError, FloatingPointError):
        if folder.is_dir() and not (folder / STATE).exists():
            for path in set(folder.iterdir()) - before:
                if path.is_file():
                    path.unlink()
            if not existed:
                with suppress(OSError):  # not empty: something else writes there
                    folder.rmdir()
        raise


@contextmanager
def opened(configuration: Configuration, folder: Path) -> Iterator[None]:
    """Write a run's configuration into its folder, so that a read-only folder is found early."""
    with unless_refused(folder):
        remove_drafts(folder)
        save_configuration(configuration, folder)
        yield


def store_run(
    model: nn.Module,
    optimizers: list[Optimizer],
    configuration: Configuration,
    folder: Path,
    iteration: int,
) -> None:
    """Write the checkpoint, and what a resumed run needs: weights, the optimisers' moments, the iteration."""
    save(model, configuration, folder)
    state = {f"weights/{name}": value.contiguous() for name, value in model.state_dict().items()}
    for number, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            state |= {f"optimizer/{number}/{index}/{name}": value for name, value in moments.items()}
    about = {"iteration": str(iteration), "configuration": configuration.model_dump_json()}
    write_atomically(Path(folder) / STATE, lambda path: save_file(state, path, about))


def store_if_best(model: nn.Module, folder: Path, loss: float) -> None:
    """Keep the weights if no earlier ones of the run had so low a loss of validation."""
    path = Path(folder) / BEST
    if path.exists():
        with safe_open(path, "pt") as file:
            if not loss < float(file.metadata()["loss"]):
                return
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_atomically(path, lambda draft: save_file(weights, draft, {"loss": repr(loss)}))


def iterations_done(folder: Path) -> int:
    """Return the number of iterations that the run in ``folder`` has done; 0 where there is none."""
    path = Path(folder) / STATE
    if not path.exists():
        return 0
    try:
        with safe_open(path, "pt") as file:
            return int(file.metadata()["iteration"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not the state of a run ({error}); choose another folder") from None


def restore(model: nn.Module, optimizers: list[Optimizer], configuration: Configuration, folder: Path) -> int:
    """Restore the stored state of a run, if there is one, and return the number of iterations done.

    Raises:
        ValueError: ``folder`` holds a run with another configuration, the checkpoint of another run, or
            damaged files.
    """
    path = Path(folder) / STATE
    if not path.exists():
        _check_free(folder, configuration)
        return 0
    weights, moments = {}, [{} for _ in optimizers]
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
            for key in file.keys():  # noqa: SIM118 (the file object is no mapping)
                kind, name = key.split("/", 1)
                if kind == "weights":
                    weights[name] = file.get_tensor(key)
                else:
                    number, index, name = name.split("/")
                    moments[int(number)].setdefault(int(index), {})[name] = file.get_tensor(key)
        stored, iteration = json.loads(about["configuration"]), int(about["iteration"])
    except (OSError, SafetensorError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not the state of a run ({error}); choose another folder") from None
    if parse_stored(stored) != configuration:
        raise ValueError(f"{folder}: holds a run with another configuration; choose another folder")
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{path}: not the state of this run ({error}); choose another folder") from None
    for optimizer, state in zip(optimizers, moments, strict=True):
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return iteration


def _check_free(folder: Path, configuration: Configuration) -> None:
    """Refuse to write over a checkpoint, unless this run left it when killed in its first `store_run`."""
    described = Path(folder) / CONFIGURATION
    if described.exists() and read_json(described) == configuration:
        return
    if described.exists() or (Path(folder) / WEIGHTS).exists():
        raise ValueError(f"{folder}: holds a checkpoint that is none of this run; choose another folder")
