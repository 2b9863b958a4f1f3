"""What is kept: made once for a key, and not copied."""

import copy
import pickle

from gfncp.estimators.kept import Kept


def test_a_value_is_made_once_for_its_key_and_again_for_another():
    kept, made = Kept(), []

    def make():
        made.append(None)
        return len(made)

    assert [kept.get(key, make) for key in ("a", "a", "b", "b", "a")] == [1, 1, 2, 2, 3]


def test_copies_and_pickles_start_empty():
    kept = Kept()
    kept.get("a", lambda: lambda: None)  # which cannot be pickled
    for other in (copy.deepcopy(kept), copy.copy(kept), pickle.loads(pickle.dumps(kept))):
        assert other.get("a", lambda: 2) == 2
    assert kept.get("a", lambda: 3) != 3
