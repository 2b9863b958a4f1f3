"""Random streams are apart from one another."""

import torch

from gfncp import seeds


def test_no_two_streams_share_a_number():
    numbers = [value for name, value in vars(seeds).items() if name.isupper() and not name.endswith("_SEED")]
    assert len(set(numbers)) == len(numbers) > 5
    assert min(numbers) >= 2**31  # above the numbers of iterations


def test_a_stream_is_a_function_of_its_address():
    first, again, *others = (
        torch.rand(3, generator=seeds.seeded(*address)).tolist()
        for address in ((0, 1), (0, 1), (0, 2), (1, 1), (0,), (0, 1, 2), (0, seeds.TEST))
    )
    assert first == again
    assert first not in others
