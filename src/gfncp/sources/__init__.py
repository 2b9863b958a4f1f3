"""Data from files and downloads."""

from gfncp.sources.embeddings import read_embeddings
from gfncp.sources.idx import images
from gfncp.sources.tables import read_points

__all__ = ["images", "read_embeddings", "read_points"]
