"""Limits of a checkpoint in words: how many points, clusters and dimensions, and in which units."""

from gfncp.bounds import ClusterBounds
from gfncp.configuration import Configuration
from gfncp.estimators.coreset_sizes import coreset_data
from gfncp.estimators.inference import MOST_JOINT
from gfncp.networks.interfaces import PointShape

UNITS = {
    "tokens": "any; --scale says how columns are brought to one",
    "any-vectors": "any; each column is standardised",
    "vectors": "coordinates of about {scale:g} from their median",
    "scaled-vectors": "coordinates of about {scale:g}, around zero",
    "principal-components": "those of its embeddings; the widest component is about {scale:g}",
    "images": "grey values in [0, 1], or 0 to 255 as integers",
    "embedded-images": "grey values in [0, 1], or 0 to 255 as integers",
    "embedded-tokens": "grey values in [0, 1], or 0 to 255 as integers",
}


def limits(configuration: Configuration) -> dict[str, str]:
    """Describe the limits of a checkpoint, by name, the most important first."""
    return {
        "points": _points(configuration),
        "clusters": _clusters(configuration),
        "dimensions": _dimensions(configuration),
        "units": _units(configuration),
    }


def accepted_shape(configuration: Configuration) -> PointShape:
    """Return the shape of the points that users give to a checkpoint; None where any width is accepted.

    Tokens of a coreset are made of points of any width, so the network's own shape is another.
    """
    return (None,) if configuration.encoder.kind == "tokens" else configuration.data.point_shape


def _points(configuration: Configuration) -> str:
    least, most = configuration.training.points
    trained = f"trained on sets of {least} to {most}"
    if configuration.summarises:
        return (
            f"any number, summarised by at most {coreset_data(configuration).tokens} micro-clusters, decoded "
            f"jointly; {trained}"
        )
    if configuration.is_online:
        return f"any number, assigned as they come; {trained}"
    joint = min(MOST_JOINT, most)
    return f"any number, of which at most {joint} are decoded jointly and the others given these; {trained}"


def _clusters(configuration: Configuration) -> str:
    bounds = ClusterBounds.of(configuration.data.n_clusters)
    return "any number" if bounds is None else f"any number; trained on {bounds.low} to {bounds.high}"


def _dimensions(configuration: Configuration) -> str:
    if configuration.encoder.kind == "tokens":
        trained = getattr(configuration.data, "dim", None)
        return "any number" if trained is None else f"any number; trained on {trained}"
    sizes = configuration.data.point_shape
    return "any number" if sizes == (None,) else " x ".join(map(str, sizes))


def _units(configuration: Configuration) -> str:
    encoder = configuration.encoder
    return UNITS[encoder.kind].format(scale=getattr(encoder, "scale", None))
