"""Optimisers."""

import torch
from torch import nn
from torch.optim import Muon

from gfncp.training.optimizers import StackedMuon


def test_stacked_matrices_take_the_steps_of_single_ones(generator):
    shapes = [(3, 5), (5, 3), (4, 4), (3, 5), (3, 5), (2, 9)]
    made = [[nn.Parameter(torch.ones(shape)) for shape in shapes] for _ in range(2)]
    options = {"lr": 0.1, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"}
    single, stacked = Muon(made[0], **options), StackedMuon(made[1], options["lr"])
    for step in range(3):
        for one, other in zip(*made, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        if step == 1:  # a matrix that has no gradient stays
            made[0][3].grad = made[1][3].grad = None
        for optimizer in (single, stacked):
            optimizer.step()
    for one, other in zip(*made, strict=True):
        assert (one - 1).abs().max() > 0.05
        torch.testing.assert_close(one, other, atol=0.01, rtol=0)  # products in bfloat16
    states = single.state_dict()["state"], stacked.state_dict()["state"]
    assert states[0].keys() == states[1].keys()
    for number, state in states[0].items():
        torch.testing.assert_close(state["momentum_buffer"], states[1][number]["momentum_buffer"])
