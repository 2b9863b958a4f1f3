"""Micro-clusters as tokens: their columns, their encoder, and the placement of points among them.

A token's columns are the coordinates of its mean, measures of the density around it, quantities that all
tokens of a set share, and what is known about the number of clusters.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gfncp.networks.attention import Blocks
from gfncp.networks.interfaces import Conditional, Encoder

COMPONENTS = 24  # coordinates of tokens: principal components of the set
NEIGHBOURS = (1, 3, 8)  # ranks of the nearest tokens whose distances are columns
SMALL = 0.003  # distances below that are not told apart; sets have a radius of about 1
MOST_POINTS = 3000  # largest number of points in training; larger sets have this number in its column
TOTAL = COMPONENTS + 2 + len(NEIGHBOURS)  # the column of a quarter of the log of the number of points
KNOWN = 3  # columns about the number of clusters: whether anything is known, and the logs of its bounds
COLUMNS = COMPONENTS + 2 + len(NEIGHBOURS) + 2 + KNOWN


def token_columns(
    mean: Float[Tensor, "batch tokens 24"],
    weight: Float[Tensor, "batch tokens"],
    spread: Float[Tensor, "batch tokens"],
    n_clusters: Float[Tensor, "batch 2"],
) -> Float[Tensor, "batch tokens 34"]:
    """Return the columns of tokens; rows of tokens without weight are meaningless.

    Args:
        mean: in units of the set's radius.
        weight: in points.
        n_clusters: inclusive bounds; ``(1, inf)`` where nothing is known.
    """
    mask = weight > 0
    total = weight.sum(1, keepdim=True)
    count = mask.sum(1, keepdim=True)
    share = torch.where(mask, weight * count / total.clamp_min(SMALL), 1).log()
    apart = torch.cdist(mean, mean).masked_fill(~(mask[:, None] & mask[:, :, None]), torch.inf)
    apart = apart.sort(2).values
    last = mask.sum(1)[:, None, None] - 1
    near = [apart.gather(2, last.clamp(0, k).expand(-1, apart.shape[1], -1))[..., 0] for k in NEIGHBOURS]
    near = [torch.where(mask, value, 0) for value in near]
    variances = (mean.square() * weight[..., None]).sum(1)
    dims = variances.sum(1, keepdim=True).square() / variances.square().sum(1, keepdim=True).clamp_min(1e-12)
    told = n_clusters[:, 1:].isfinite() | (n_clusters[:, :1] > 1)
    bounds = torch.minimum(n_clusters, count.to(n_clusters)).log() * told
    per_set = torch.cat([total.log() / 4, dims.clamp_min(1).log(), told.to(bounds), bounds], 1)
    per_token = [share, (spread + SMALL).log(), *((value + SMALL).log() for value in near)]
    return torch.cat(
        [
            mean,
            torch.stack(per_token, 2),
            per_set[:, None].expand(-1, mean.shape[1], -1),
        ],
        2,
    ).to(mean.dtype)


def new_columns(
    places: Float[Tensor, "new 24"],
    weight: Float[Tensor, "tokens"],
    columns: Float[Tensor, "tokens 34"],
) -> Float[Tensor, "new 34"]:
    """Return the columns of further points, each as a token of weight 1 beside the given tokens.

    Args:
        weight, columns: of the tokens.
    """
    apart = torch.cdist(places, columns[:, :COMPONENTS]).sort(1).values
    near = [apart[:, min(k, len(weight)) - 1] for k in NEIGHBOURS]
    share = (len(weight) / weight.sum()).expand(len(places))
    spread = torch.zeros_like(share)
    per_token = [share.log(), (spread + SMALL).log(), *((value + SMALL).log() for value in near)]
    per_set = columns[:1, COMPONENTS + len(per_token) :].expand(len(places), -1)
    return torch.cat([places, torch.stack(per_token, 1), per_set], 1)


def number_of_points(
    tokens: Float[Tensor, "batch tokens columns"], mask: Bool[Tensor, "batch tokens"]
) -> Float[Tensor, "batch"]:
    """Return the number of points that each set's tokens hold, at most 3000."""
    return (4 * torch.where(mask, tokens[..., TOTAL].double(), -torch.inf).amax(1)).exp()


def typical_distance(
    tokens: Float[Tensor, "batch tokens 34"], mask: Bool[Tensor, "batch tokens"]
) -> Float[Tensor, "batch 1 1"]:
    """Return the geometric mean of the tokens' distances to their third nearest token."""
    log = torch.where(mask, tokens[..., COMPONENTS + 2 + 1], 0)
    return (log.sum(1) / mask.sum(1).clamp_min(1)).exp()[:, None, None]


class TokenEncoder(Encoder):
    """Self-attention across the tokens of a set; see `gfncp.networks.attention.Block`.

    Local heads measure distances in units of `typical_distance`.

    Args:
        width, heads, blocks: of the attention.
        local_heads: number of heads in each block that attend to near tokens.
    """

    pointwise = False
    point_shape = (COLUMNS,)

    def __init__(self, width: int = 128, heads: int = 8, blocks: int = 6, local_heads: int = 5) -> None:
        super().__init__()
        self.features = COLUMNS + width
        self.embed = nn.Linear(COLUMNS, width)
        self.blocks = Blocks(width, heads, blocks, local_heads)

    def forward(
        self, x: Float[Tensor, "batch tokens 34"], mask: Bool[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch tokens features"]:
        places = x[..., :COMPONENTS] / typical_distance(x, mask)
        attended = self.embed(x).to(x.dtype)  # sums of blocks stay precise under autocast
        return torch.cat([x, self.blocks(attended, places, mask)], -1)

    def conditioned_on(self, given: Float[Tensor, "given 34"]) -> Conditional:
        mask = torch.ones(1, len(given), dtype=torch.bool, device=given.device)
        unit = typical_distance(given[None], mask)[0]
        attend = self.blocks.conditioned_on(self.embed(given), given[:, :COMPONENTS] / unit)

        def features_of(new: Float[Tensor, "new 34"]) -> Float[Tensor, "new features"]:
            return torch.cat([new, attend(self.embed(new), new[:, :COMPONENTS] / unit)], -1)

        return features_of


class Placement(nn.Module):
    """Probabilities that a point goes with each token, whose logarithms are quadratic in the coordinates.

    With mu_t the mean of token t and d_t its distance to the nearest other token,

        log p(t | x) = b_t + g_t . (x - mu_t) / d_t - exp(a_t) |x - mu_t|^2 / d_t^2 - log of their sum,

    where a, b and g are linear in the token's features.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.head = nn.Linear(features, 2 + COMPONENTS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def weights(
        self,
        features: Float[Tensor, "batch tokens features"],
        mask: Bool[Tensor, "batch tokens"],
    ) -> Float[Tensor, "batch tokens 26"]:
        """Return coefficients of a point's coordinates, of their squared norm, and of 1; see `log_shares`."""
        mean = features[..., :COMPONENTS]
        distance = features[..., COMPONENTS + 2 : COMPONENTS + 3].exp()
        bias, log_precision, gradient = self.head(features).split([1, 1, COMPONENTS], 2)
        precision = log_precision.exp() / distance.square()
        gradient = gradient / distance
        constant = bias - ((gradient + precision * mean) * mean).sum(2, keepdim=True)
        constant = torch.where(mask[..., None], constant, -torch.inf)
        return torch.cat([gradient + 2 * precision * mean, -precision, constant], 2)

    @staticmethod
    def log_shares(
        weights: Float[Tensor, "batch tokens 26"], x: Float[Tensor, "batch points 24"]
    ) -> Float[Tensor, "batch points tokens"]:
        """Return log p(t | x)."""
        seen = torch.cat([x, x.square().sum(2, keepdim=True), torch.ones_like(x[..., :1])], 2)
        return torch.log_softmax(seen @ weights.mT, 2)


def log_places(
    log_shares: Float[Tensor, "batch points tokens"], labels: Int[Tensor, "batch tokens"], clusters: int
) -> Float[Tensor, "batch points clusters"]:
    """Return log-probabilities of the points' clusters, which are those of their tokens."""
    member = F.one_hot(labels.clamp_min(0), clusters).to(log_shares.dtype) * (labels >= 0)[..., None]
    return (log_shares.exp() @ member).clamp_min(1e-30).log()
