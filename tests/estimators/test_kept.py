"""What is kept: made once for a key, and not copied."""

import copy
import pickle

import numpy as np
import pytest

from gfncp.estimators.kept import Kept, KeptByArray


def test_a_value_is_made_once_for_its_key_and_again_for_another():
    kept, made = Kept(), []

    def make():
        made.append(None)
        return len(made)

    assert [kept.get(key, make) for key in ("a", "a", "b", "b", "a")] == [1, 1, 2, 2, 3]


def test_values_of_arrays_are_made_once_and_go_with_them():
    kept, made = KeptByArray(), []
    first, second = np.zeros(3), np.zeros(3)
    for array in (first, second, first, second):
        assert kept.get(array, lambda array=array: made.append(array.sum()) or len(made)) in (1, 2)
    assert len(made) == 2
    for _ in range(20):  # an array that is gone may have the id of the next one
        assert kept.get(np.zeros(3), lambda: 3) == 3
    del first, array
    assert len(kept._held) == 1


@pytest.mark.parametrize(("kind", "key"), [(Kept, "a"), (KeptByArray, np.zeros(2))])
def test_copies_and_pickles_start_empty(kind, key):
    kept = kind()
    kept.get(key, lambda: lambda: None)  # which cannot be pickled
    for other in (copy.deepcopy(kept), copy.copy(kept), pickle.loads(pickle.dumps(kept))):
        assert other.get(key, lambda: 2) == 2
    assert kept.get(key, lambda: 3) != 3
