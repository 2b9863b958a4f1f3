import pytest
import torch

from gfncp.methods.set_attention import ISAB, MAB, PMA, SAB, ISABStack

BLOCKS = {
    "SAB": lambda: SAB(3, 8, heads=2),
    "ISAB": lambda: ISAB(3, 8, heads=2, inducing=4),
    "ISABStack": lambda: ISABStack(3, 8, heads=2, inducing=4, blocks=3),
}


@pytest.fixture(params=sorted(BLOCKS))
def block(request):
    return BLOCKS[request.param]()


def test_mab_is_attention_with_residuals(generator):
    mab = MAB(3, 5, 4, heads=1)
    x, y = torch.randn(2, 6, 3, generator=generator), torch.randn(2, 7, 5, generator=generator)
    query = mab.query(x)
    weight = (query @ mab.key(y).transpose(1, 2) / 4**0.5).softmax(-1)
    hidden = query + weight @ mab.value(y)
    torch.testing.assert_close(mab(x, y, None), hidden + mab.out(hidden).relu())


def test_heads_attend_independently(generator):
    two = MAB(3, 5, 8, heads=2)
    x, y = torch.randn(1, 6, 3, generator=generator), torch.randn(1, 7, 5, generator=generator)
    # Without the output layer, which mixes the heads.
    torch.nn.init.zeros_(two.out.weight)
    torch.nn.init.zeros_(two.out.bias)
    before = two(x, y, None)
    with torch.no_grad():
        two.key.weight[4:] += 1.0  # the second head's keys
    after = two(x, y, None)
    torch.testing.assert_close(before[..., :4], after[..., :4])
    assert not torch.allclose(before[..., 4:], after[..., 4:])


def test_blocks_are_equivariant(block, generator):
    x = torch.randn(2, 9, 3, generator=generator)
    order = torch.randperm(9, generator=generator)
    torch.testing.assert_close(block(x[:, order], None), block(x, None)[:, order])


def test_pma_is_invariant(generator):
    pma = PMA(3, 8, heads=2, seeds=5)
    x = torch.randn(2, 9, 3, generator=generator)
    order = torch.randperm(9, generator=generator)
    assert pma(x, None).shape == (2, 5, 8)
    torch.testing.assert_close(pma(x[:, order], None), pma(x, None))


@pytest.mark.parametrize("fill", [0.0, 1e6])
def test_absent_points_do_not_matter(block, generator, fill):
    x = torch.randn(2, 9, 3, generator=generator)
    mask = torch.arange(9) < torch.tensor([[6], [9]])
    padded = torch.where(mask[..., None], x, fill)
    out = block(padded, mask)
    torch.testing.assert_close(out[:1, :6], block(x[:1, :6], None))
    torch.testing.assert_close(out[1:], block(x[1:], None))


def test_a_set_without_points_gives_numbers(generator):
    pma = PMA(3, 8, heads=2, seeds=2)
    x = torch.randn(2, 4, 3, generator=generator).requires_grad_()
    mask = torch.tensor([[False] * 4, [True] * 4])
    out = pma(x, mask)
    out.sum().backward()
    assert out.isfinite().all() and x.grad.isfinite().all()
    torch.testing.assert_close(out[:1], pma(torch.randn(1, 4, 3, generator=generator), mask[:1]))
    torch.testing.assert_close(out[1:], pma(x[1:], None))


def test_blocks_of_a_stack_are_distinct():
    stack = ISABStack(3, 8, heads=2, inducing=4, blocks=4)
    assert len({id(p) for p in stack.parameters()}) == sum(len(list(b.parameters())) for b in stack.blocks)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match=r"heads=3.*divisors of the width 8"):
        MAB(2, 2, 8, heads=3)
