"""Collection of garbage rests while packages are imported, once, and goes on afterwards."""

import gc

import pytest

from gfncp.cli.importing import without_collection


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()
    gc.enable()


def test_collection_rests_and_goes_on_after_an_error_too():
    with pytest.raises(ImportError), without_collection({}):
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_nothing_changes_once_pytorch_is_there():
    with without_collection({"torch": object()}):
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_collection_stays_off_where_it_was_off():
    gc.disable()
    with without_collection({}):
        pass
    assert not gc.isenabled()
