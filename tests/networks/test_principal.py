"""Principal components of a set: what does not change them, and that they lose nothing that they keep."""

import pytest
import torch

from gfncp.networks.principal import PrincipalEncoder, pca
from gfncp.partitions import prefix_mask


def everyone(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


def encode(x, components=4, mask=None):
    encoder = PrincipalEncoder(x.shape[-1], components, scale=2.0).double()
    return encoder(x, everyone(x) if mask is None else mask)


@pytest.fixture(params=[(12, 6), (5, 40)], ids=["more points than columns", "fewer"])
def x(request, generator):
    """Three sets whose columns differ in size, so that their principal axes are well apart."""
    points, dim = request.param
    sizes = 0.6 ** torch.arange(dim, dtype=torch.float64)
    return torch.randn(3, points, dim, dtype=torch.float64, generator=generator) * sizes


def test_rotations_and_shifts_change_nothing(x, generator):
    dim = x.shape[-1]
    turn = torch.linalg.qr(torch.randn(dim, dim, dtype=torch.float64, generator=generator)).Q
    torch.testing.assert_close(encode(x @ turn + 3), encode(x), rtol=0, atol=1e-9)


def test_the_order_of_points_is_followed(x, generator):
    order = torch.randperm(x.shape[1], generator=generator)
    torch.testing.assert_close(encode(x[:, order]), encode(x)[:, order], rtol=0, atol=1e-9)


def test_all_components_keep_all_distances(x):
    features = encode(x, components=min(x.shape[1:]))
    torch.testing.assert_close(torch.cdist(features, features), torch.cdist(x, x) / 2, rtol=0, atol=1e-9)


def test_components_are_centred_uncorrelated_and_the_widest_comes_first(x):
    features = encode(x)
    torch.testing.assert_close(features.sum(1), torch.zeros_like(features.sum(1)), rtol=0, atol=1e-9)
    squares = features.mT @ features
    variances = squares.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(squares, torch.diag_embed(variances), rtol=0, atol=1e-9)
    assert torch.all(variances.diff(dim=1) <= 0)


def test_absent_points_change_nothing(x, generator):
    lengths = torch.tensor([4, x.shape[1], 3])
    mask = prefix_mask(lengths, x.shape[1])
    other = torch.where(mask[..., None], x, torch.randn(x.shape, dtype=torch.float64, generator=generator))
    features = encode(x, mask=mask)
    torch.testing.assert_close(encode(other, mask=mask), features)
    for row, length in enumerate(lengths):
        alone = encode(x[row : row + 1, :length])[0]
        # Beyond the rank there is nothing but the root of a rounding error.
        torch.testing.assert_close(features[row, :length], alone, rtol=0, atol=1e-7)


@pytest.mark.parametrize("points", [1, 2, 7])
def test_components_that_a_small_or_flat_set_lacks_are_zero(points):
    same = torch.full((1, points, 3), 0.7, dtype=torch.float64)
    features = encode(same, components=5)
    assert features.shape == (1, points, 5)
    torch.testing.assert_close(features, torch.zeros_like(features), rtol=0, atol=1e-12)
    line = same + torch.arange(points, dtype=torch.float64)[None, :, None]
    assert encode(line, components=5)[..., 1:].abs().max() < 1e-6


def test_far_from_the_origin_differences_are_kept(x):
    torch.testing.assert_close(encode(x + 1e6), encode(x), rtol=0, atol=1e-6)


def test_a_single_precision_network_gets_single_precision(x):
    encoder = PrincipalEncoder(x.shape[-1], 4)
    assert encoder(x, everyone(x)).dtype == torch.float32
    assert encoder.state_dict() == {}


@pytest.mark.parametrize("dim", [4, 40])
def test_the_first_axes_are_those_of_all(generator, dim):
    x = torch.randn(2, 9, dim, dtype=torch.float64, generator=generator)
    for found, every in zip(pca(x, 3), pca(x), strict=True):
        torch.testing.assert_close(found, every[..., :3])
