"""Random streams, each a function of its address alone, and the numbers that keep them apart.

An address is a seed and a path of numbers. A path of training begins with the number of an iteration or of a
stage, or is empty; all other streams begin with a number of their own, from 2^31 on. Zeros at the end of an
address do not count: (1,) and (1, 0) are the same stream.

| first number of the path | stream |
|---|---|
| 0, 1, ... | iterations of training, stages of pretraining |
| `VALIDATION` | sets that training is validated on |
| `TEST` | sets that checkpoints are tested on |
| `VIEWS` | augmented views of images |
| `SPLIT` | classes or points held out of training |
| `PAPER_SETS` | sets that the paper's tables are measured on |
| `IMAGE_ORDER` | choice of a user's images that are trained on |
| `CORESET_SETS` | sets that coreset checkpoints are tested on |
| `DIAGNOSIS_...` | sets and samples of `gfncp diagnose` |
| `CHARACTER_ORDER` | split of the characters of Omniglot into training and validation |
| `CHARACTER_SETS` | sets of whole characters that `benchmarks/omniglot.py` measures on |
| `SAMPLED`, then another stream | samples of a network, apart from that stream's sets |
| 2^31 + 7, + 10 to 13, + 17, + 18 | other programs in `benchmarks/` and `experiments/` |

Random numbers that clustering itself needs have seeds that are the same in every call: `ORDERS_SEED`, alone
or with a path of one number, `CORE_SEED`, and `CORESET_SEED` with one or two numbers; no checkpoint has both
cores and coresets.
"""

import numpy as np
import torch

VALIDATION = 2**31
TEST = 2**31 + 1
VIEWS = 2**31 + 3
SPLIT = 2**31 + 4
PAPER_SETS = 2**31 + 5
IMAGE_ORDER = 2**31 + 6
CORESET_SETS = 2**31 + 8
CHARACTER_ORDER = 2**31 + 14
CHARACTER_SETS = 2**31 + 15
SAMPLED = 2**31 + 16
(
    DIAGNOSIS_POSTERIOR,
    DIAGNOSIS_CONSISTENCY,
    DIAGNOSIS_ORDERS,
    DIAGNOSIS_FREE,
    DIAGNOSIS_EARLY,
) = range(2**31 + 20, 2**31 + 25)

ORDERS_SEED = 0  # orders are the same in every call, so that log-probabilities can be compared
CORE_SEED = 1  # cores of large sets are the same as well
CORESET_SEED = 1  # and so are micro-clusters


def seeded(seed: int, *path: int) -> torch.Generator:
    """Return the random stream of an address."""
    state = np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))
