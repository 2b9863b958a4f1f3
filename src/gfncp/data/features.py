"""Images as feature vectors: the class token of a Vision Transformer (DINO, Caron et al. 2021)."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gfncp.data.feature_files import embed_items
from gfncp.data.image_folders import ImageFiles, list_images, read_image
from gfncp.data.splits import class_list
from gfncp.extras import extra

DINO = "facebook/dino-vits16"
BATCH = 64
RESIZE = 256 / 224  # shorter side over the square that is cut from the middle, as DINO was evaluated
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@runtime_checkable
class VisionTransformer(Protocol):
    """Interface of a `transformers` model whose first token is the class token.

    Attributes:
        config: has the length of the images' sides in pixels, ``image_size``.
    """

    config: Any

    def eval(self) -> nn.Module: ...


class ClassToken(nn.Module):
    """Map from image files to the last hidden state of a Vision Transformer's class token.

    Args:
        mean, std: of the pixels in [0, 1], one number for each colour.
    """

    mean: Float[Tensor, "3 1 1"]
    std: Float[Tensor, "3 1 1"]

    def __init__(self, transformer: VisionTransformer, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.transformer = transformer.eval().requires_grad_(False)
        self.size = transformer.config.image_size
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    @torch.no_grad()
    def forward(self, files: Sequence[Path]) -> Float[Tensor, "rows dim"]:
        found = []
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(files), BATCH):
                batch = files[start : start + BATCH]
                pixels = torch.stack(list(pool.map(self._read, batch))).to(self.mean.device)
                values = (pixels / 255 - self.mean) / self.std
                found.append(self.transformer(pixel_values=values).last_hidden_state[:, 0].cpu())
        return torch.cat(found)

    def _read(self, path: Path) -> Tensor:
        return read_image(path, self.size, round(RESIZE * self.size))


def load_class_token(model: str) -> ClassToken:
    """Load a Vision Transformer from the Hugging Face Hub or a local folder, with the colours it expects.

    Raises:
        ValueError: `transformers` is not installed, or there is no such model.
    """
    with extra("images", f"model={model!r}"):
        from transformers import AutoModel
    try:
        transformer = AutoModel.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise ValueError(f"model={model!r}: cannot be loaded ({error})") from None
    about = _preprocessing(model)
    return ClassToken(
        transformer, about.get("image_mean", IMAGENET_MEAN), about.get("image_std", IMAGENET_STD)
    )


def _preprocessing(model: str) -> dict:
    """Read from the model which images it expects; an empty answer if it does not say."""
    from huggingface_hub import hf_hub_download  # which transformers needs, too

    name = "preprocessor_config.json"
    try:
        path = Path(model) / name if Path(model).is_dir() else hf_hub_download(model, name)
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def list_classes(folder: Path, classes: str | None) -> ImageFiles:
    """List the images of a folder, of some classes only where a list is named; see `class_list`."""
    return list_images(folder, None if classes is None else class_list(classes))


def embed_images(
    images: ImageFiles,
    output: Path,
    encode: Callable[[Sequence[Path]], Float[Tensor, "rows dim"]],
    *,
    source: str,
    report: Callable[[int], None],
) -> None:
    """Write the features of images to a safetensors file; see `embed_items`.

    Args:
        encode: features of image files, such as `ClassToken`.

    Raises:
        ValueError: `embed_items` fails, or a file is not a readable image.
    """
    folder, files, classes = images
    names = [f"{path.relative_to(folder).as_posix()} {path.stat().st_size}" for path in files]
    embed_items(files, names, encode, output, source=source, classes=classes, report=report)
