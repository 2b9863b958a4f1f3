"""Properties of methods: the paper's Table 1, and what is true of this code.

Marks: yes ✓, no ✗, in part ~ (the note says which), not applicable –. The paper's marks are claims about the
methods; the code's are facts about the classes here, each demonstrated by a test.
"""

from dataclasses import dataclass

PROPERTIES = {
    "data-perm. invariance": "the points' order does not change the result, or the law that it is drawn from",
    "unlimited components": "no bound on the number of clusters has to be given",
    "arbitrary likelihood": "no formula for the density of a cluster is needed",
    "assignment probability": "a whole clustering has a probability that can be computed",
    "well defined posterior": "clusterings are drawn from one normalised distribution",
}


@dataclass(frozen=True)
class Row:
    """Marks of one method, in the order of `PROPERTIES`.

    Args:
        code: one character per property.
        paper: the same, as the paper claims; None where Table 1 does not list the method.
        note: what the marks leave out.
    """

    code: str
    paper: str | None = None
    note: str = ""

    def mark(self, name: str) -> str:
        return self.code[list(PROPERTIES).index(name)]

    def claim(self, name: str) -> str | None:
        return None if self.paper is None else self.paper[list(PROPERTIES).index(name)]


TABLE = {
    "Set Transformer": Row("✓✗✗✗✗", "✓✗✗✗–", "one mixture of a fixed number of Gaussians"),
    "DAC": Row("✓✓✓✗✗", "✓✓✓✗✗", "min-filtering; stops after 50 clusters"),
    "Anchored DAC": Row("✗✓✓✗✗", note="anchors are the first points that are left; stops after 50 clusters"),
    "CCP": Row(
        "~✓✓~✓",
        "✗✓✓✗✓",
        "samples draw their anchors at random, the point estimate takes the first points that are left; "
        "probabilities are bounded from below",
    ),
    "NCP": Row("✗✓✓✓✓", "✗✓✓✓✓", "one distribution for each order of the points"),
    "GFNCP": Row(
        "~✓✓✓✓", "✓✓✓✓✓", "the terminal energy is invariant; the policy is only trained towards invariance"
    ),
    "Collapsed Gibbs": Row(
        "✓✓✗~✓", note="probabilities up to a constant, or normalised over visited clusterings"
    ),
    "Split-merge": Row(
        "✓✓✗~✓", note="probabilities up to a constant, or normalised over visited clusterings"
    ),
    "Variational": Row("✓✗✗✗~", note="truncated; the posterior factorises over points; random starts"),
    "GMM + BIC": Row("✓✗✗✗✗", note="a range of K is given; a point estimate; random starts"),
    "k-means": Row("✓✗✗✗✗", note="K is given; random starts"),
    "HDBSCAN": Row("✓✓✓✗✗", note="leaves points out as noise"),
}
