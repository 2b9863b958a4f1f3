"""What scikit-learn asks of every estimator, by its own checks."""

import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from gfncp import GFNCP
from gfncp.checkpoints import PRETRAINED


class Reduced(nn.Module):
    """Vectors of any width, by their first two principal components, for an encoder of the plane."""

    point_shape = (None,)
    pointwise = False

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.features = encoder.features

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = torch.where(mask[..., None], x.double() - x.double().mean(1, keepdim=True), 0)
        x = nn.functional.pad(x, (0, max(0, 2 - x.shape[2]), 0, max(0, 2 - x.shape[1])))
        left, size, _ = torch.linalg.svd(x, full_matrices=False)
        plane = (left * size[:, None])[:, : mask.shape[1], :2]
        return self.encoder(10 * plane / plane.square().mean().sqrt().clamp_min(1e-9), mask)


class AnyWidth(GFNCP):
    """The estimator with a network for points of any width."""

    def _inference(self):
        inference = super()._inference()
        inference.network.encoder = Reduced(inference.network.encoder)
        return inference


@pytest.mark.filterwarnings("ignore:X has coordinates")
@pytest.mark.filterwarnings("ignore:X lacks values")
@pytest.mark.skipif(not (PRETRAINED / "mog-2d").is_dir(), reason="needs the checkpoint mog-2d")
@parametrize_with_checks([AnyWidth(checkpoint="mog-2d", n_samples=3, random_state=0)])
def test_it_passes(estimator, check):
    check(estimator)
