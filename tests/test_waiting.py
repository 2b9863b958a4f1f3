"""How OpenMP is asked to wait: only where nobody has said otherwise, and in time."""

import os
import subprocess
import sys

import pytest

from gfncp.waiting import TOLD, wait_asleep


def test_threads_sleep_unless_the_user_has_chosen():
    environment = {"OMP_NUM_THREADS": "3"}
    wait_asleep(environment, {})
    assert environment == {"OMP_NUM_THREADS": "3", "OMP_WAIT_POLICY": "PASSIVE"}


@pytest.mark.parametrize("name", TOLD)
def test_what_the_user_has_set_is_left(name):
    environment = {name: "7"}
    wait_asleep(environment, {})
    assert environment == {name: "7"}


def test_nothing_is_set_once_pytorch_has_read_it():
    environment = {}
    wait_asleep(environment, {"torch": None})
    assert environment == {}


def test_openmp_is_told_before_pytorch_is_imported():
    program = "import gfncp, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name not in TOLD}
    found = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert found.stdout.split() == ["PASSIVE", "False"]
