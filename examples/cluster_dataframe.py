"""Cluster the rows of a DataFrame, without saying how many clusters there are.

Usage: python examples/cluster_dataframe.py
"""

import numpy as np
import pandas as pd

from gfncp import GFNCP

MEANS = {"north": (-12.0, 4.0), "south": (8.0, -10.0), "east": (10.0, 9.0)}


def visits(each: int, seed: int) -> pd.DataFrame:
    """Two measures of visits to three places, in random order; one value is missing."""
    rng = np.random.default_rng(seed)
    rows = {f"{place} {n}": rng.normal(mean, 1.0) for place, mean in MEANS.items() for n in range(each)}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["duration", "distance"])
    frame = frame.sample(frac=1, random_state=seed)
    frame.loc["north 0", "distance"] = np.nan
    return frame


def main(each: int = 40, n_samples: int = 100) -> pd.DataFrame:
    """Print the posterior, and give each row's cluster, its probability and its entropy."""
    frame = visits(each, seed=0)
    model = GFNCP(n_samples=n_samples, random_state=0).fit(frame)  # warns of the value that is missing
    print(model.posterior_.summary())
    table = model.posterior_.to_frame(model.labels_)  # keeps the index
    print(table.sort_values("probability").head())
    new = pd.DataFrame({"duration": [-11.0, 0.0], "distance": [5.0, 30.0]})
    print("New visits, by cluster and, last, in none of them:", model.predict_proba(new).round(2), sep="\n")
    return table


if __name__ == "__main__":
    main()
