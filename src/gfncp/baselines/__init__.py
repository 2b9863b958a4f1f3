"""Methods to compare with: `gfncp.baselines.registry` lists them, `gfncp.baselines.properties` compares them.

Nothing is imported here: configurations name the networks of single methods, the registry needs them all.
"""
