"""Attention between sets (Lee et al. 2019a): MAB, SAB, ISAB, PMA.

A mask is True where a key is present. Absent points are never attended to, so what is computed for the others
does not depend on them; what is computed *for* absent points is meaningless. A set of which no point is
present attends to nothing and gets zeros, not NaN.

References:
    Lee, Lee, Kim, Kosiorek, Choi, Teh. Set Transformer: A Framework for Attention-based
    Permutation-Invariant Neural Networks. ICML 2019.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

Mask = Bool[Tensor, "batch points"] | None


class MAB(nn.Module):
    """Multihead attention block: ``O = Q + attention(Q, K, V)``, output ``O + relu(W O)`` (Sec. 3.1).

    Without layer normalisation, as in the authors' experiments: it would hide how many points were pooled.

    Args:
        query_dim: width of the queries' set.
        key_dim: width of the set that is attended to.
        dim: width of the output.
        heads: number of heads, a divisor of ``dim``.
    """

    def __init__(self, query_dim: int, key_dim: int, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads != 0:
            raise ValueError(f"heads={heads}: accepted are divisors of the width {dim}")
        self.heads = heads
        self.query = nn.Linear(query_dim, dim)
        self.key = nn.Linear(key_dim, dim)
        self.value = nn.Linear(key_dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(
        self,
        x: Float[Tensor, "batch queries query_dim"],
        y: Float[Tensor, "batch points key_dim"],
        mask: Mask,
    ) -> Float[Tensor, "batch queries dim"]:
        query = self.query(x)
        some = seen = None
        if mask is not None:
            some = mask.any(1)
            seen = (mask | ~some[:, None])[:, None, None, :]
        attended = F.scaled_dot_product_attention(
            self._split(query), self._split(self.key(y)), self._split(self.value(y)), attn_mask=seen
        )
        attended = attended.transpose(1, 2).flatten(2)
        if some is not None:
            attended = attended * some[:, None, None]
        hidden = query + attended
        return hidden + F.relu(self.out(hidden))

    def _split(self, x: Float[Tensor, "batch points dim"]) -> Float[Tensor, "batch heads points head_dim"]:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class SAB(nn.Module):
    """Set attention block: every point attends to all points, ``MAB(X, X)`` (Sec. 3.1)."""

    def __init__(self, in_dim: int, dim: int, heads: int) -> None:
        super().__init__()
        self.block = MAB(in_dim, in_dim, dim, heads)

    def forward(
        self, x: Float[Tensor, "batch points in_dim"], mask: Mask
    ) -> Float[Tensor, "batch points dim"]:
        return self.block(x, x, mask)


class PMA(nn.Module):
    """Pooling by multihead attention: learned seeds attend to the points, ``MAB(S, X)`` (Sec. 3.2)."""

    def __init__(self, in_dim: int, dim: int, heads: int, seeds: int) -> None:
        super().__init__()
        self.seeds = nn.Parameter(torch.empty(seeds, dim))
        nn.init.xavier_uniform_(self.seeds)
        self.block = MAB(dim, in_dim, dim, heads)

    def forward(
        self, x: Float[Tensor, "batch points in_dim"], mask: Mask
    ) -> Float[Tensor, "batch seeds dim"]:
        return self.block(self.seeds.expand(len(x), -1, -1), x, mask)


class ISAB(nn.Module):
    """Induced set attention block: ``MAB(X, H)`` with ``H = MAB(I, X)``, I learned points (Sec. 3.1).

    Costs points times ``inducing`` instead of points squared.
    """

    def __init__(self, in_dim: int, dim: int, heads: int, inducing: int) -> None:
        super().__init__()
        self.induce = PMA(in_dim, dim, heads, inducing)
        self.block = MAB(in_dim, dim, dim, heads)

    def forward(
        self, x: Float[Tensor, "batch points in_dim"], mask: Mask
    ) -> Float[Tensor, "batch points dim"]:
        return self.block(x, self.induce(x, mask), None)


class ISABStack(nn.Module):
    """ISABs in sequence, each with its own weights."""

    def __init__(self, in_dim: int, dim: int, heads: int, inducing: int, blocks: int) -> None:
        super().__init__()
        widths = [in_dim] + [dim] * (blocks - 1)
        self.blocks = nn.ModuleList(ISAB(width, dim, heads, inducing) for width in widths)

    def forward(
        self, x: Float[Tensor, "batch points in_dim"], mask: Mask
    ) -> Float[Tensor, "batch points dim"]:
        for block in self.blocks:
            x = block(x, mask)
        return x
