"""Other libraries' data and pipelines; see docs/integrations.md."""

from gfncp.integrations.single_cell import cluster_cells

__all__ = ["cluster_cells"]
