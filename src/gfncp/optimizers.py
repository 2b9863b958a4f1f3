"""Optimisers of a network, with a learning rate that falls along a cosine."""

import torch
from torch import nn
from torch.optim import Adam, Muon, Optimizer

from gfncp.schedules import cosine


def adam(network: nn.Module, learning_rate: float) -> list[Optimizer]:
    """Adam for all weights that are trained."""
    return [Adam(_trained(network), lr=learning_rate)]


def muon(network: nn.Module, learning_rate: float) -> list[Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices, Adam for all else.

    Muon's steps have orthogonal columns, scaled to the size that Adam's have, so one learning rate fits both.
    """
    matrices = [weight for weight in _trained(network) if weight.dim() == 2 and min(weight.shape) > 2]
    chosen = set(map(id, matrices))
    others = [weight for weight in _trained(network) if id(weight) not in chosen]
    return [
        Muon(matrices, lr=learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        Adam(others, lr=learning_rate),
    ]


OPTIMIZERS = {"adam": adam, "muon": muon}


def set_learning_rate(optimizers: list[Optimizer], start: float, final: float, progress: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = cosine(start, final, progress)


def _trained(network: nn.Module) -> list[torch.Tensor]:
    return [weight for weight in network.parameters() if weight.requires_grad]
