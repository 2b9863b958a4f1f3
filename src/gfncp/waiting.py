"""Waiting of threads for each other: asleep, not in a loop that occupies a core.

By default OpenMP's threads spin until the slowest arrives. If another process has the core of one, the others
occupy theirs meanwhile, and small operations take far longer than with one thread.
"""

from collections.abc import Mapping, MutableMapping

TOLD = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")  # set by users


def wait_asleep(environment: MutableMapping[str, str], loaded: Mapping[str, object]) -> None:
    """Let OpenMP's threads wait asleep, unless a user chose otherwise, or PyTorch has read the settings.

    Args:
        loaded: modules by name.
    """
    if "torch" not in loaded and not any(name in environment for name in TOLD):
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
