import json
import math
from dataclasses import dataclass

import numpy as np
import torch

from gfncp.evaluation.means import Mean
from gfncp.evaluation.plain import plain


@dataclass(frozen=True)
class Some:
    values: np.ndarray
    inner: Mean


def test_results_survive_json():
    found = plain(
        {
            20: Some(np.array([1.0, math.nan]), Mean(1.5, math.inf)),
            "flags": torch.tensor([[True], [False]]),
            "scalars": (np.float64(0.5), np.int64(3), torch.tensor(2), "text", None),
        }
    )
    assert found == {
        "20": {"values": [1.0, None], "inner": {"value": 1.5, "error": None}},
        "flags": [[True], [False]],
        "scalars": [0.5, 3, 2, "text", None],
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found
