"""Optimisers of a network, and their learning rate, which falls along a cosine."""

# PyTorch documents its functions of lists, whose names begin with _foreach, but does not export them.
# pyright: reportPrivateImportUsage=false

from itertools import groupby
from operator import attrgetter

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam, Muon, Optimizer

from gfncp.schedules import cosine

SHAPE = attrgetter("shape")


def adam(network: nn.Module, learning_rate: float) -> list[Optimizer]:
    """Return Adam for all weights that are trained."""
    return [Adam(_trained(network), lr=learning_rate)]


def muon(network: nn.Module, learning_rate: float) -> list[Optimizer]:
    """Return Muon (Jordan et al. 2024) for the matrices, Adam for all else.

    Muon's steps have orthogonal columns, scaled to the size that Adam's have, so one learning rate fits both.
    """
    matrices = [weight for weight in _trained(network) if weight.dim() == 2 and min(weight.shape) > 2]
    chosen = set(map(id, matrices))
    others = [weight for weight in _trained(network) if id(weight) not in chosen]
    return [
        StackedMuon(matrices, learning_rate),
        Adam(others, lr=learning_rate),
    ]


class StackedMuon(Muon):
    """PyTorch's Muon without weight decay, with steps of the size of Adam's, on stacked matrices.

    Matrices of one shape are one stack: the steps are the same, in a few large operations.
    """

    def __init__(self, matrices: list[Tensor], learning_rate: float) -> None:
        super().__init__(matrices, learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            held = [weight for weight in group["params"] if weight.grad is not None]
            for shape, same in groupby(sorted(held, key=SHAPE), key=SHAPE):
                weights = list(same)
                steps = orthogonal(self._directions(weights, group["momentum"]), group)
                size = 0.2 * max(shape) ** 0.5 * group["lr"]
                torch._foreach_add_(weights, list(steps.to(weights[0].dtype)), alpha=-size)

    def _directions(self, weights: list[Tensor], momentum: float) -> Float[Tensor, "matrices rows columns"]:
        """Return gradients combined with their running means, by Nesterov's momentum."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        means = [self.state[weight]["momentum_buffer"] for weight in weights]
        torch._foreach_lerp_(means, gradients, 1 - momentum)
        return torch.stack(torch._foreach_lerp(gradients, means, momentum))


def orthogonal(
    matrices: Float[Tensor, "matrices rows columns"], options: dict
) -> Float[Tensor, "matrices rows columns"]:
    """Return the matrices with singular values near 1, by Newton-Schulz iterations in bfloat16."""
    a, b, c = options["ns_coefficients"]
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(options["eps"])
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(options["ns_steps"]):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


OPTIMIZERS = {"adam": adam, "muon": muon}


def set_learning_rate(optimizers: list[Optimizer], start: float, final: float, progress: float) -> None:
    """Set the learning rate of a share of the run that is done, on a cosine."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = cosine(start, final, progress)


def _trained(network: nn.Module) -> list[Tensor]:
    return [weight for weight in network.parameters() if weight.requires_grad]
