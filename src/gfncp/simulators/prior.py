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
    (0.054, GeneralMixtures(max_clusters=60)),
    (0.098, GeneralMixtures(max_clusters=20)),
    (0.107, Boxed(max_clusters=25)),
    (0.045, Grouped(max_clusters=25)),
    (0.098, Packed(max_clusters=50)),
    (0.071, Shapes(max_clusters=15)),
    (0.045, Worms()),
    (0.045, Curves()),
    (0.062, SubspaceMixtures(max_clusters=30)),
    (0.116, FactorMixtures(max_clusters=50)),
    (0.045, Directions(max_clusters=30)),
    (0.036, Counts()),
    (0.062, Discrete()),
    (0.018, Warped(GeneralMixtures(max_clusters=20))),
    (0.036, Warped(FactorMixtures(max_clusters=30))),
    (0.062, Unstructured()),
)
