"""Make threads wait for each other asleep, not in a loop that keeps a core.

By default OpenMP's threads spin until the slowest arrives. Where another process has its core, the others
burn theirs meanwhile, and small operations take far longer than with one thread.
"""

from collections.abc import Mapping, MutableMapping

TOLD = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")  # by which a user chooses


def wait_asleep(environment: MutableMapping[str, str], loaded: Mapping[str, object]) -> None:
    """Ask OpenMP for it, unless the user has asked for something, or PyTorch has read its settings already.

    Args:
        loaded: modules by name.
    """
    if "torch" not in loaded and not any(name in environment for name in TOLD):
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
