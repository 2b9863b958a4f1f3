"""Sets of embeddings by instance discrimination, without labels."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gfncp.partitions import sample_crp


@dataclass(frozen=True)
class AugmentedEmbeddings:
    """Instance discrimination (Sec. 4.3): a cluster is one random vector's copies with noise and dropout.

    All copies are altered: a clean one among them would tell where a cluster begins.

    Args:
        noise: standard deviation of the Gaussian added to each coordinate, in the units of the embeddings.
        dropout: probability of a coordinate to become 0; the others grow so that the mean stays.

    Raises:
        ValueError: a set has more clusters than there are embeddings.
    """

    embeddings: Float[Tensor, "rows dim"]
    alpha: float = 1.0
    n_clusters: int | tuple[int, int] | None = None
    noise: float = 0.05
    dropout: float = 0.2

    def __call__(
        self, sets: int, points: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "sets points dim"], Int[Tensor, "sets points"]]:
        labels = sample_crp(sets, points, self.alpha, generator=generator, n_clusters=self.n_clusters)
        clusters = int(labels.max()) + 1
        if clusters > len(self.embeddings):
            raise ValueError(
                f"embeddings: {len(self.embeddings)} of them cannot be the anchors of {clusters} clusters"
            )
        anchors = torch.rand(sets, len(self.embeddings), generator=generator).topk(clusters).indices
        chosen = self.embeddings[anchors.gather(1, labels)]
        noisy = chosen + self.noise * torch.randn(chosen.shape, generator=generator)
        kept = torch.rand(chosen.shape, generator=generator) >= self.dropout
        return noisy * kept / (1 - self.dropout), labels
