"""Weighted coresets: a set as its micro-clusters, their coordinates and units, and the points beside them."""
