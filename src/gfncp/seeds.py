"""Random streams, each a function of its address alone."""

import numpy as np
import torch


def seeded(seed: int, *path: int) -> torch.Generator:
    """A random stream that is a function of its address alone."""
    state = np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))
