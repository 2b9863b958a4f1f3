"""Files as sets of points: the array, the columns and the rows that are meant."""

import numpy as np
import pandas as pd
import pytest

from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets

X = np.random.default_rng(0).normal(size=(12, 2)).round(3)
FRAME = pd.DataFrame(X, columns=["a", "b"])


def test_an_array_is_read_by_its_name(tmp_path):
    np.savez(tmp_path / "x.npz", y=X, z=X[:, 0])
    (found,) = read_sets([tmp_path / "x.npz"], Roles(), Reading(array="y"))
    np.testing.assert_array_equal(found.points, X)
    with pytest.raises(ValueError, match=r"expected an array named 'x', found \['y', 'z'\]; --array y"):
        read_sets([tmp_path / "x.npz"], Roles())
    with pytest.raises(ValueError, match=r"shape \(12,\).*x\.reshape\(-1, 1\)"):
        read_sets([tmp_path / "x.npz"], Roles(), Reading(array="z"))


def test_columns_are_chosen_once(read, tmp_path):
    with pytest.raises(ValueError, match=r"columns=.*accepted is each column once, 'a' is named twice"):
        read(tmp_path / "x.csv", "a,a\n1,2\n3,4\n", Roles(columns=["a", "a"]))


def test_the_index_in_a_parquet_file_names_the_rows(tmp_path):
    names = pd.Index([f"p{row}" for row in range(12)], name="who")
    table = FRAME.assign(part=["u", "v"] * 6).set_axis(names)
    table.to_parquet(tmp_path / "x.parquet")
    (whole,) = read_sets([tmp_path / "x.parquet"], Roles(columns=["a", "b"]))
    assert whole.ids.equals(names) and whole.points.index.equals(names)
    parts = read_sets([tmp_path / "x.parquet"], Roles(sets="part"))
    assert [each.ids.tolist() for each in parts] == [names[::2].tolist(), names[1::2].tolist()]
    (told,) = read_sets([tmp_path / "x.parquet"], Roles(ids="part"))
    assert told.ids.tolist() == ["u", "v"] * 6


@pytest.mark.filterwarnings("ignore:.*as detected")
def test_names_of_points_and_sets_are_kept_as_they_are_written(tmp_path):
    """Numbers that are written differently are different names, in any notation of numbers."""
    names = ["1.10", "1.1", "01", "1", "1E5", "TRUE", "1,5", "-"]
    rows = [f"{row};{row},5;{name}\n" for row, name in enumerate(names)]
    (tmp_path / "x.csv").write_text("a;b;v \n" + "".join(rows))
    (found,) = read_sets([tmp_path / "x.csv"], Roles(["a", "b"], ids="v"))
    assert found.ids.tolist() == names
    np.testing.assert_array_equal(found.points["b"], np.arange(8) + 0.5)
    parts = read_sets([tmp_path / "x.csv"], Roles(["a", "b"], sets="v"))
    assert [each.name for each in parts] == names and {len(each.points) for each in parts} == {1}


def test_names_that_are_whole_numbers_stay_numbers(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,v\n0,1,10\n2,3,-2\n4,7,0\n")
    (found,) = read_sets([tmp_path / "x.csv"], Roles(ids="v"))
    assert found.ids.tolist() == [10, -2, 0] and found.ids.dtype == np.int64
