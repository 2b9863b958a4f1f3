"""Embeddings of single images, which `gfncp.training.pretraining` trains without labels."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

IMAGES_PER_CHUNK = 16_384


def one_channel(images: Float[Tensor, "images 28 28"]) -> Float[Tensor, "images 1 28 28"]:
    """Return images with a channel that is last in memory, which makes convolutions on a CPU faster."""
    return images.unsqueeze(-1).permute(0, 3, 1, 2)


class ImageEmbedding(nn.Module):
    """Embedding of 28 x 28 grey images in [0, 1] on a sphere, by three convolutions.

    It is trained by `gfncp.training.pretraining`.

    Args:
        features: width of the embedding, whose norm is the root of it: coordinates have size 1.
        channels: output channels of each convolution.
    """

    point_shape = (28, 28)

    def __init__(self, features: int = 128, channels: tuple[int, int, int] = (16, 32, 64)) -> None:
        super().__init__()
        self.features = features
        self.layers = nn.Sequential(
            *self.convolutions(channels), nn.Flatten(), nn.Linear(9 * channels[-1], features)
        )

    @staticmethod
    def convolutions(channels: tuple[int, int, int]) -> list[nn.Module]:
        """Return layers that turn an image into 3 x 3 pixels of the last number of channels."""
        layers, before = [], 1
        for after in channels:
            convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
            before = after
        return layers

    def forward(self, images: Float[Tensor, "images 28 28"]) -> Float[Tensor, "images features"]:
        return F.normalize(self.layers(one_channel(images)), dim=1) * self.features**0.5


class Residual(nn.Module):
    """Two convolutions beside a linear map of each pixel (He et al. 2016), of which the ReLU is returned."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(before, after, 1, bias=False)
        self.bent = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Float[Tensor, "images before side side"]) -> Float[Tensor, "images after side side"]:
        return F.relu(self.straight(x) + self.bent(x))


class ResidualImageEmbedding(ImageEmbedding):
    """`ImageEmbedding` by a strided convolution and two residual blocks, with the channels of each."""

    @staticmethod
    def convolutions(channels: tuple[int, int, int]) -> list[nn.Module]:
        first, second, third = channels
        strided = nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False)
        blocks = Residual(first, second), nn.MaxPool2d(2), Residual(second, third), nn.MaxPool2d(2)
        return [strided, nn.BatchNorm2d(first), nn.ReLU(), *blocks]


@torch.no_grad()
def embed(embedding: nn.Module, points: Float[Tensor, "rows *shape"]) -> Float[Tensor, "rows features"]:
    """Return embeddings of single points, on the points' device; the embedding may be on another."""
    device = next(embedding.parameters()).device
    chunks = points.split(IMAGES_PER_CHUNK)  # a whole data set may not fit on its device
    return torch.cat([embedding(chunk.to(device)).to(points.device) for chunk in chunks])
