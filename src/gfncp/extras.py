"""Optional dependencies, and the error where one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(ImportError, ValueError):
    """Error for a dependency of an optional part that is not installed."""


@contextmanager
def extra(name: str, user: str) -> Iterator[None]:
    """Import the dependencies of an optional part; where one is missing, say how to get it.

    Args:
        name: of the extra in pyproject.toml.
        user: argument or command that needs it, for the message.

    Raises:
        MissingExtra: a module that is no part of the package cannot be found.

    Example:
        >>> with extra("train", "gfncp train"):
        ...     import a_module_that_is_missing
        Traceback (most recent call last):
        gfncp.extras.MissingExtra: gfncp train: it needs a_module_that_is_missing; pip install 'gfncp[train]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module == "gfncp":
            raise
        raise MissingExtra(f"{user}: it needs {module}; pip install 'gfncp[{name}]'") from None
