"""Why Eq. 24's shift cannot vanish on an uncertain posterior: three points, by hand.

Three points lie at the origin of the plane; alpha = 1, the clusters' means are N(0, I). A cluster of m such
points has evidence 1 / (1 + m), up to a constant, so the five partitions weigh

    000: 2! / 4 = 1/2      001, 010, 011: 1 / (3 * 2) = 1/6      012: 1 / 2^3 = 1/8,

that is 12, 4, 4, 4 and 3 out of 27. Hence p(c_2 = c_1) = 16/27. Take E[c_{1:n}] = -log p(c_{1:n} | x), the
posterior. The unshifted residual E[c_{1:n-1}] + log sum exp(-E[c_{1:n}]) is log(marginal / marginal) = 0.
With the shift, the most probable option of step 2 gets energy 0, so step 2 leaves log(1 + 11/16) = log(27/16)
whatever is added to the energies: -log of the largest conditional probability, zero only if that is 1.
"""

import math

import pytest
import torch

from gfncp.evaluation.consistency import flow_residuals
from gfncp.evaluation.exact import exact_posterior
from gfncp.networks.encoders import VectorEncoder
from gfncp.networks.energy import EnergyNetwork
from gfncp.objectives.algorithm_1 import consistency_loss
from gfncp.objectives.batch import Batch
from gfncp.partitions import all_partitions
from gfncp.simulators import GaussianMixtures

WEIGHTS = {(0, 0, 0): 12, (0, 0, 1): 4, (0, 1, 0): 4, (0, 1, 1): 4, (0, 1, 2): 3}


class ByHand(EnergyNetwork):
    """E[c_{1:n}] = -log p(c_{1:n} | x) + constant."""

    def __init__(self, constant=0.0):
        super().__init__(VectorEncoder(2), depth=2, width=2, cluster_width=2)
        self.constant = constant

    def encoded_energies(self, encoding, labels, steps=None):
        energies = torch.full((len(labels), 3, 3), torch.inf, dtype=torch.float64)
        for row, label in enumerate(labels.tolist()):
            for n in range(3):
                for option in range(max(label[:n], default=-1) + 2):
                    prefix = (*label[:n], option)
                    weight = sum(w for c, w in WEIGHTS.items() if c[: n + 1] == prefix)
                    energies[row, n, option] = self.constant - math.log(weight / 27)
        return energies


LABELS = all_partitions(3)
X = torch.zeros(len(LABELS), 3, 2)
ENCODED = ByHand().encode(X)
STEP = math.log(27 / 16)


def test_the_weights_by_hand_are_the_exact_posterior():
    expected = torch.tensor([WEIGHTS[tuple(c)] / 27 for c in LABELS.tolist()], dtype=torch.float64)
    mixture = GaussianMixtures(dim=2, alpha=1.0, spread=1.0)
    torch.testing.assert_close(exact_posterior(X[:1], mixture)[0].exp(), expected)


@pytest.mark.parametrize("constant", [0.0, -STEP, 7.0])
def test_unshifted_residual_vanishes_on_the_exact_posterior(constant):
    residuals = flow_residuals(ByHand(constant).energies(X, LABELS), LABELS)
    torch.testing.assert_close(residuals, torch.zeros(5, 2, dtype=torch.float64), atol=1e-12, rtol=0)


def test_eq_24_on_the_exact_posterior_is_two_equal_steps():
    loss, _ = consistency_loss(ByHand(), ENCODED, Batch(X, LABELS))
    torch.testing.assert_close(loss, torch.full((5,), 2 * STEP**2, dtype=torch.float64))


@pytest.mark.parametrize("constant", [-7.0, -STEP, 0.0, STEP, 7.0])
def test_no_constant_makes_eq_24_vanish(constant):
    """Step 2 has no constant in it; step 3 vanishes for one choice, -log(27/16)."""
    loss, _ = consistency_loss(ByHand(constant), ENCODED, Batch(X, LABELS))
    expected = STEP**2 + (STEP + constant) ** 2
    torch.testing.assert_close(loss, torch.full((5,), expected, dtype=torch.float64))
    assert loss.min() >= STEP**2 - 1e-12
