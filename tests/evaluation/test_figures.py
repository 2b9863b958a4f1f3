import numpy as np
import pytest

from gfncp.evaluation import figures
from gfncp.evaluation.calibration import Reliability, Uniformity

CURVE = Reliability(np.array([0.1, np.nan, 0.8]), np.array([0.2, np.nan, 0.7]), np.array([10, 0, 3]))
TEST = Uniformity(np.array([4, 6, 5]), np.array([5.0, 5.0, 5.0]), 0.8)
SURPRISE = np.array([0.0, 3.0, 80.0]), np.array([1.0, 2.0, np.inf])


@pytest.mark.parametrize(
    ("plot", "values"),
    [
        (figures.plot_sdpp, {"GFNCP": np.array([0.1, 0.3, 0.2]), "NCP": np.array([2.0, 0.9])}),
        (figures.plot_sdpp, {"one model, one set": np.array([0.0])}),
        (figures.plot_reliability, {"model": CURVE, "exact sampler": CURVE}),
        (figures.plot_ranks, {"N = 20": {"clusters": TEST}, "N = 100": {"clusters": TEST}}),
        (figures.plot_surprise, {"N = 20": SURPRISE, "N = 100": SURPRISE}),
        (
            figures.plot_total_variation,
            {"6": {"policy": 0.1, "terminal": 0.0}, "8": {"policy": 1, "terminal": 0}},
        ),
    ],
)
def test_pictures_are_written_and_nothing_else(plot, values, tmp_path, pixels):
    path = tmp_path / "folder" / "picture.png"
    plot(values, path)
    pixels(path)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("values", [[], [[]], [[1.0, float("nan")]], [[1.0], [float("inf")]]])
def test_sdpp_picture_refuses_what_it_cannot_show(values, tmp_path):
    with pytest.raises(ValueError, match="by_model"):
        figures.plot_sdpp({str(i): np.array(one) for i, one in enumerate(values)}, tmp_path / "picture.png")
    assert not (tmp_path / "picture.png").exists()
