"""Checkpoints on the Hugging Face Hub: JSON, safetensors and a model card, nothing unpickled."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from gfncp.checkpoints import FILES, RANGES, copy, find, load_configuration
from gfncp.configuration.toml_files import to_toml
from gfncp.extras import extra
from gfncp.files import write_text

CARD = "README.md"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
TAGS = ["clustering", "amortized-inference", "gflownet"]


def fetch(name: str | Path, revision: str | None = None) -> Path:
    """Return the folder of a checkpoint that ships with the package, is a folder, or ``org/name`` on the Hub.

    What was downloaded before is found without a network.

    Raises:
        ValueError: it is none of these, or cannot be downloaded.
    """
    try:
        return find(name)
    except ValueError as error:
        if not REPOSITORY.fullmatch(str(name)):
            raise ValueError(f"{error}, or 'org/name' on the Hub") from None
    with extra("hub", f"checkpoint={str(name)!r}"):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    try:
        return Path(snapshot_download(str(name), revision=revision, allow_patterns=[*FILES, RANGES, CARD]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(
            f"checkpoint={str(name)!r}: neither a folder nor to be had from the Hub ({type(error).__name__})"
        ) from None


def stage(checkpoint: str | Path, folder: Path) -> None:
    """Copy a checkpoint into a folder, with the model card of the Hub; it can be loaded from there."""
    with extra("hub", "a model card"):
        from huggingface_hub import ModelCard, ModelCardData

    source = find(checkpoint)
    copy(source, folder)
    text = (source / CARD).read_text(encoding="utf-8") if (source / CARD).is_file() else _card(source)
    data = ModelCardData(library_name="gfncp", tags=TAGS).to_yaml()
    card = ModelCard(text if text.startswith("---") else f"---\n{data}\n---\n{text}")
    write_text(Path(folder) / CARD, card.content)


def push(checkpoint: str | Path, repository: str, private: bool = False, token: str | None = None) -> str:
    """Upload a checkpoint to ``org/name``, creating it if need be; return the address of the commit.

    Raises:
        ValueError: ``repository`` is no such name, or there is no such checkpoint.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"repo_id={repository!r}: accepted is 'org/name'")
    with extra("hub", f"repo_id={repository!r}"):
        from huggingface_hub import HfApi
    api = HfApi(token=token)
    with TemporaryDirectory() as folder:
        stage(checkpoint, Path(folder))
        api.create_repo(repository, private=private, exist_ok=True)
        return str(api.upload_folder(repo_id=repository, folder_path=folder, commit_message="A checkpoint"))


def _card(source: Path) -> str:
    return (
        f"# {source.resolve().name}\n\n"
        "A network for `gfncp`: the posterior over clusterings of a set of points.\n\n"
        "```python\nfrom gfncp import GFNCP\n\n"
        'labels = GFNCP.from_pretrained("org/name").fit_predict(X)\n```\n\n'
        f"It was trained by this configuration:\n\n```toml\n{to_toml(load_configuration(source))}```\n"
    )
