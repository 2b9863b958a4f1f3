"""Decoding: clusterings and probabilities from an energy network."""
