"""Data from files and downloads.

Memory while reading, as measured: arrays and Parquet take up to 6 times their unpacked content (deflate packs
1000 to 1 at most), unpacked CSV 10 to 50 times its size, and 120 times where most of it are names of columns.
A size that a file's header claims, but does not hold, costs nothing.
"""

from gfncp.data.embeddings import read_embeddings
from gfncp.data.idx import images
from gfncp.data.image_sets import labelled_images
from gfncp.data.tables import read_points

__all__ = ["images", "labelled_images", "read_embeddings", "read_points"]
