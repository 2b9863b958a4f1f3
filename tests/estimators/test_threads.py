"""Numbers of threads: what n_jobs means, and that it is over when it is over."""

import numpy as np
import pytest
import torch
from joblib import cpu_count

from gfncp.estimators.threads import threads, with_n_jobs

CORES = cpu_count()


@pytest.fixture(autouse=True)
def unusual():
    """A number of threads that nothing else would set."""
    before = torch.get_num_threads()
    torch.set_num_threads(5)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("n_jobs", "expected"),
    [(None, 5), (1, 1), (3, 3), (np.int64(2), 2), (-1, CORES), (-2, max(1, CORES - 1)), (-CORES - 9, 1)],
)
def test_n_jobs_is_in_force_within_and_not_after(n_jobs, expected):
    with threads(n_jobs):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 5


def test_an_error_within_leaves_the_threads_as_they_were():
    with pytest.raises(KeyError), threads(2):
        raise KeyError
    assert torch.get_num_threads() == 5


@pytest.mark.parametrize("n_jobs", [0, np.int32(0), 1.5, "all"])
def test_numbers_of_jobs_that_are_none_are_refused(n_jobs):
    with pytest.raises(ValueError, match="accepted are None and integers but 0"), threads(n_jobs):
        pass
    assert torch.get_num_threads() == 5


def test_a_method_computes_with_its_objects_n_jobs():
    class Computing:
        n_jobs = 3

        @with_n_jobs
        def method(self, one, *, other):
            """What it does."""
            return torch.get_num_threads(), one, other

    assert Computing().method(1, other=2) == (3, 1, 2)
    assert Computing.method.__doc__ == "What it does."
    assert torch.get_num_threads() == 5
