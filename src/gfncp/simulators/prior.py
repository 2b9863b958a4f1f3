"""The prior over data sets of users: families of simulated sets, each with its share."""

from gfncp.simulators.boxed import Boxed
from gfncp.simulators.counts import Counts
from gfncp.simulators.curves import Curves
from gfncp.simulators.directions import Directions
from gfncp.simulators.discrete import Discrete
from gfncp.simulators.factors import FactorMixtures
from gfncp.simulators.general import GeneralMixtures
from gfncp.simulators.grouped import Grouped
from gfncp.simulators.packed import Packed
from gfncp.simulators.shapes import Shapes
from gfncp.simulators.subspace import SubspaceMixtures
from gfncp.simulators.unstructured import Unstructured
from gfncp.simulators.warped import Warped
from gfncp.simulators.worms import Worms

FAMILIES = (
    (0.06, GeneralMixtures(max_clusters=60)),
    (0.11, GeneralMixtures(max_clusters=20)),
    (0.12, Boxed(max_clusters=25)),
    (0.05, Grouped(max_clusters=25)),
    (0.11, Packed(max_clusters=50)),
    (0.08, Shapes(max_clusters=15)),
    (0.05, Worms()),
    (0.05, Curves()),
    (0.07, SubspaceMixtures(max_clusters=30)),
    (0.13, FactorMixtures(max_clusters=50)),
    (0.05, Directions(max_clusters=30)),
    (0.04, Counts()),
    (0.07, Discrete()),
    (0.02, Warped(GeneralMixtures(max_clusters=20))),
    (0.04, Warped(FactorMixtures(max_clusters=30))),
    (0.07, Unstructured()),
)
