"""Data from files and downloads."""

from gfncp.sources.idx import images
from gfncp.sources.tables import read_points

__all__ = ["images", "read_points"]
