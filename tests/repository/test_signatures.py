"""The shapes in signatures are checked while tests run: what does not fit fails at once."""

import pytest
import torch
from jaxtyping import TypeCheckError

from gfncp import partitions


@pytest.mark.parametrize(
    "labels",
    [
        torch.zeros(4, dtype=torch.long),  # no axis of partitions
        torch.zeros(2, 4),  # no integers
        [[0, 1]],  # no tensor
    ],
)
def test_what_does_not_fit_a_signature_fails(labels):
    with pytest.raises(TypeCheckError):
        partitions.coclustering(labels)


def test_axes_of_one_name_have_one_size():
    with pytest.raises(TypeCheckError):
        partitions.coclustering(torch.zeros(2, 4, dtype=torch.long), torch.ones(3))
