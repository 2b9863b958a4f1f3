"""Other libraries' data and pipelines; see docs/integrations.md."""

from gfncp.integrations.cells import cluster_cells

__all__ = ["cluster_cells"]
