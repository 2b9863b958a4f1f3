"""The machine that figures are from, and the checkpoint: what every record of a benchmark begins with."""

import os
import platform

import torch

from gfncp.checkpoints import find, load_configuration


def describe_machine() -> dict[str, object]:
    """Return the version of PyTorch, the threads that it uses, and the processor."""
    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
    }


def describe_checkpoint(checkpoint: str) -> dict[str, object]:
    """Return the name of a checkpoint and its configuration."""
    return {
        "checkpoint": find(checkpoint).resolve().name,
        "configuration": load_configuration(checkpoint).model_dump(mode="json"),
    }
