"""Draws have the frequencies that they are asked for."""

import torch

from gfncp.draws import draw_options


def test_options_are_drawn_as_often_as_unnormalised_weights_say():
    weights = 7.0 * torch.tensor([0.1, 0.0, 0.6, 0.3], dtype=torch.float64)
    cumulated = weights.cumsum(-1).expand(2, 25_000, -1).contiguous()
    drawn = draw_options(cumulated, torch.Generator().manual_seed(3))
    assert drawn.shape == (2, 25_000)
    shares = torch.bincount(drawn.flatten(), minlength=4) / 50_000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.0, 0.6, 0.3]), atol=0.01, rtol=0)
    assert shares[1] == 0
