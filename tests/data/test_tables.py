"""Users' files: what is written is what is read; what is wrong is named with its place."""

import gzip
import io
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from gfncp.cli.told_columns import read_told_sets
from gfncp.data import read_points
from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets
from gfncp.data.tables import columns_that_count


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(7, 3))


def write(path, points, labels=None):
    """Points, and labels named ``kind``, in the format of the file's suffix."""
    held = {"x": points} if labels is None else {"x": points, "kind": labels}
    table = pd.DataFrame(points, columns=["a", "b", "c"]) if points.ndim == 2 else None
    if table is not None and labels is not None:
        table.insert(1, "kind", labels)
    match path.suffix.lower():
        case ".csv":
            table.to_csv(path, index=False)
        case ".parquet":
            table.to_parquet(path)
        case ".npy":
            np.save(path, points)
        case ".npz":
            np.savez_compressed(path, **held)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy", ".npz", ".CSV"])
def test_points_round_trip(tmp_path, points, suffix):
    found, labels = read_points(write(tmp_path / f"points{suffix}", points))
    np.testing.assert_allclose(found, points, rtol=1e-12)
    assert labels is None


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
@pytest.mark.parametrize("names", [["u", "v", "w"], [3, 1, 2]])
def test_labels_round_trip_and_are_no_coordinates(tmp_path, points, suffix, names):
    kinds = np.array(names)[np.arange(7) % 3]
    found, labels = read_points(write(tmp_path / f"points{suffix}", points, kinds), "kind")
    np.testing.assert_allclose(found, points, rtol=1e-12)
    assert labels.tolist() == kinds.tolist()


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_images_stay_bytes(tmp_path, suffix):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    found, _ = read_points(write(tmp_path / f"pictures{suffix}", pictures))
    assert found.dtype == np.uint8
    assert np.array_equal(found, pictures)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_coordinates_far_from_the_origin_keep_their_differences(tmp_path, points, suffix):
    found, _ = read_points(write(tmp_path / f"points{suffix}", points + 1e8))
    np.testing.assert_allclose(found - 1e8, points, atol=1e-7)


def test_integers_truth_values_and_nullable_columns_are_numbers(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": pd.array([3, 4], dtype="Int64")})
    table.to_parquet(tmp_path / "points.parquet")
    assert read_points(tmp_path / "points.parquet")[0].tolist() == [[1, 1, 3], [2, 0, 4]]


def test_columns_may_be_counted(tmp_path, points):
    pd.DataFrame(points).to_csv(tmp_path / "points.csv", index=False)  # the first line is 0,1,2
    assert read_points(tmp_path / "points.csv")[0].shape == (7, 3)


buffer = io.BytesIO()
pa.parquet.write_table(pa.table([[1.0], [2.0]], names=["a", "a"]), buffer)
TWICE = buffer.getvalue()
FILES = {
    "empty": (".csv", b"", "cannot be read"),
    "header alone": (".csv", b"a,b\n", "found 0 rows and 2 columns"),
    "text": (".csv", b"a,b\n1,2\n3,four\n", "data row 2, column 'b' holds 'four', in a column of numbers"),
    "missing cell": (
        ".csv",
        b"a,b\n1,2\n3,\n",
        "data row 2, column 'b' holds nan: accepted are finite numbers",
    ),
    "short row": (".csv", b"a,b\n1,2\n3\n", "data row 2, column 'b' holds nan"),
    "infinity": (".csv", b"a,b\n1,2\ninf,3\n", "data row 2, column 'a' holds inf"),
    "overflow": (".csv", b"a,b\n1,2\n1e39,3\n", "data row 2, column 'a' holds 1e.39"),
    "long row": (".csv", b"a,b\n1,2\n3,4,5\n", "cannot be read .*line 3"),
    "long rows": (".csv", b"a,b\n1,2,3\n3,4,5\n", "cannot be read"),
    "no header": (".csv", b"1.5,2\n3,4\n", "the first line has to name the columns"),
    "no header beside text": (".csv", b"u,2.5\nv,3\nu,4\n", "the first line has to name the columns"),
    "a title": (".csv", b"Heights\na,b\n1,2\n", "without titles or comments above it"),
    "a comment": (".csv", b"# made in May\na,b\n1,2\n", "without titles or comments above it"),
    "units": (
        ".csv",
        b"a,b\ncm,kg\n1,2\n3,4\n",
        "row 1, column 'a' holds 'cm'.*remove the row if it holds units",
    ),
    "gzip": (".csv", gzip.compress(b"a,b\n1,2\n"), "it is no text.*end in .gz"),
    "workbook": (".csv", b"PK\x03\x04\x14\x00\xf8", "it is no text.*workbooks saved as CSV"),
    "categories": (".csv", b"a,b\n1,u\n3,u\n", "column 'b' is not numeric: data row 1 holds 'u'"),
    "two of a name": (".parquet", TWICE, "cannot be read .*a"),
    "bytes": (".csv", bytes(range(256)), "cannot be read"),
    "no table": (".parquet", b"a,b\n1,2\n", "cannot be read"),
    "no array": (".npy", b"a,b\n1,2\n", "cannot be read"),
    "no archive": (".npz", b"a,b\n1,2\n", "cannot be read"),
    "suffix": (".xlsx", b"", "accepted are files that end in .csv, .parquet, .npy, .npz"),
}


@pytest.mark.parametrize(("suffix", "content", "message"), FILES.values(), ids=FILES)
def test_bad_files_are_refused_with_the_place(tmp_path, suffix, content, message):
    path = tmp_path / f"points{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"points{suffix}: .*{message}"):
        read_points(path)


@pytest.mark.parametrize("suffix", [".parquet", ".npy", ".npz"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.95])
def test_truncated_files_are_refused(tmp_path, points, suffix, part):
    path = write(tmp_path / f"points{suffix}", points)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ValueError, match=f"points{suffix}: cannot be read"):
        read_points(path)


def test_damaged_archives_are_refused(tmp_path, points):
    path = write(tmp_path / "points.npz", np.tile(points, (50, 1)))
    whole = bytearray(path.read_bytes())
    for start in range(30, 400, 23):
        damaged = whole.copy()
        damaged[start : start + 12] = b"\xff" * 12
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"points\.npz"):
            read_points(path)


def test_arrays_that_are_not_asked_for_may_hold_anything(tmp_path, points):
    np.savez(tmp_path / "points.npz", notes=np.array([None, {}]), x=points, kind=np.arange(7))
    found, labels = read_points(tmp_path / "points.npz", "kind")
    np.testing.assert_array_equal(found, points)
    np.testing.assert_array_equal(labels, range(7))
    with pytest.raises(ValueError, match=r"points.npz: cannot be read \(array 'notes': Object arrays"):
        read_points(tmp_path / "points.npz", "notes")
    with pytest.raises(ValueError, match=r"points.npz: cannot be read \(array 'notes': Object arrays"):
        read_told_sets([tmp_path / "points.npz"], Roles(), "notes", None, Reading())


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    trap = np.array([[Trap(), 1.0]], dtype=object)
    np.save(tmp_path / "points.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "points.npz", x=trap)
    for suffix in ("npy", "npz"):
        with pytest.raises(ValueError, match=f"points.{suffix}: cannot be read"):
            read_points(tmp_path / f"points.{suffix}")


RECORDS = np.zeros(5, dtype=[("a", float), ("b", float)])
ARRAYS = {
    "scalar": (np.float64(3), r"found shape \(\)"),
    "one dimension": (np.zeros(5), r"found shape \(5,\) of type float64; x.reshape\(-1, 1\)"),
    "no points": (np.zeros((0, 2)), r"found shape \(0, 2\)"),
    "text": (np.array([["a", "b"]]), "of type <U1"),
    "complex": (np.zeros((2, 2), complex), "of type complex128"),
    "complex of one dimension": (np.zeros(5, complex), r"found shape \(5,\) of type complex128$"),
    "records": (RECORDS, r"found shape \(5,\) of type \[.*\]$"),
    "dates": (np.zeros((2, 2), "datetime64[s]"), r"of type datetime64\[s\]"),
    "nan": (np.array([[0.0, 1.0], [np.nan, 1.0]]), r"x\[1, 0\] is nan: accepted are finite numbers"),
    "overflow": (np.array([[0.0, 1.0], [1e39, 1.0]]), r"x\[1, 0\] is 1e\+39: accepted are finite numbers"),
    "infinite image": (np.full((2, 28, 28), np.inf), r"x\[0, 0, 0\] is inf"),
}


@pytest.mark.parametrize(("array", "message"), ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_bad_arrays_are_refused(tmp_path, array, message, suffix):
    path = tmp_path / f"points{suffix}"
    np.save(path, array) if suffix == ".npy" else np.savez(path, x=array)
    with pytest.raises(ValueError, match=f"points{suffix}: .*{message}"):
        read_points(path)


def test_an_archive_needs_an_array_of_points(tmp_path, points):
    np.savez(tmp_path / "points.npz", y=points, z=points)
    with pytest.raises(ValueError, match=r"points\.npz: expected an array named 'x', found \['y', 'z'\]"):
        read_points(tmp_path / "points.npz")


def test_bad_label_columns_are_refused(tmp_path, points):
    path = write(tmp_path / "points.csv", points)
    with pytest.raises(ValueError, match=r"there is no column 'kind'; there are \['a', 'b', 'c'\]"):
        read_points(path, "kind")
    with pytest.raises(ValueError, match="there is no column 'kind'"):
        read_points(write(tmp_path / "points.npy", points), "kind")
    with pytest.raises(ValueError, match=r"'kind' has shape \(3,\)"):
        np.savez(tmp_path / "points.npz", x=points, kind=np.arange(3))
        read_points(tmp_path / "points.npz", "kind")
    (tmp_path / "gap.csv").write_text("a,kind\n1,u\n2,\n")
    with pytest.raises(ValueError, match=r"data row 2 has no label in 'kind'"):
        read_points(tmp_path / "gap.csv", "kind")


@pytest.mark.parametrize(
    "column", [[[1.0], [2.0, 3.0]], [["a"], ["b"]], [pd.Timestamp(0), pd.Timestamp(1)], [b"a", b"b"]]
)
def test_columns_of_uneven_lists_dates_and_bytes_are_refused(tmp_path, column):
    pd.DataFrame({"a": [1.0, 2.0], "odd": column}).to_parquet(tmp_path / "points.parquet")
    with pytest.raises(ValueError, match=r"points\.parquet: .*'odd'"):
        read_points(tmp_path / "points.parquet")


ROWS = range(24)
NUMBERING = {
    "from 0": ([*ROWS], True),
    "from 1000": ([1000 + row for row in ROWS], True),
    "down": ([24 - row for row in ROWS], True),
    "in another order": ([7 * row % 24 + 3 for row in ROWS], True),
    "nullable": (pd.array([*ROWS], dtype="Int64"), True),
    "with a gap": ([*ROWS[:-1], 30], False),
    "twice": ([row // 2 for row in ROWS], False),
    "with a missing one": (pd.array([None, *ROWS[1:]], dtype="Int64"), False),
    "floats": ([float(row) for row in ROWS], False),
}


@pytest.mark.parametrize(("numbers", "left_out"), NUMBERING.values(), ids=NUMBERING)
def test_columns_that_number_the_rows(numbers, left_out):
    table = pd.DataFrame({"a": np.sin(ROWS), "n": numbers})
    assert [each.name for each in columns_that_count(table)] == ["n"] * left_out
    assert not columns_that_count(table[["n"]])  # never all
    assert not columns_that_count(pd.DataFrame({"a": [0.5] * 6, "n": [3, 1, 2, 6, 4, 5]}))  # too few rows


@pytest.mark.parametrize(("what", "value"), [("sum", "sum"), ("mean", "mean"), (None, "max")])
def test_a_last_row_that_sums_up_the_others_is_pointed_out(tmp_path, points, what, value):
    table = pd.DataFrame(points, columns=["a", "b", "c"]).assign(name=list("uvwuvwu"))
    last = table[["a", "b", "c"]].agg(value).round(4).to_frame().T.assign(name="u")
    pd.concat([table, last]).to_csv(tmp_path / "x.csv", index=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_sets([tmp_path / "x.csv"], Roles())
    said = [str(each.message) for each in caught]
    assert [f"the last row is the {what} of the 7 above it" in each for each in said] == [True] * bool(what)


def test_typeset_minus_signs_are_read(tmp_path, points):
    text = pd.DataFrame(points, columns=["a", "b", "c"]).to_csv(index=False)
    for name, content in {
        "all": text.replace("-", "\N{MINUS SIGN}"),
        "one": text.replace("-", "−", 1),
    }.items():
        (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
        np.testing.assert_allclose(read_points(tmp_path / f"{name}.csv")[0], points, rtol=1e-12)


def test_missing_files_and_folders_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name in ("none.csv", "folder.csv"):
        with pytest.raises(ValueError, match=f"{name}: there is no such file"):
            read_points(tmp_path / name)


def test_blanks_around_names_are_removed_but_where_they_keep_names_apart(tmp_path, points):
    table = pd.DataFrame(points, columns=["height ", "height", " weight "])
    table.to_parquet(tmp_path / "points.parquet")
    table.to_csv(tmp_path / "points.csv", index=False)
    for suffix in ("csv", "parquet"):
        (found,) = read_sets([tmp_path / f"points.{suffix}"], Roles(columns=["weight", "height "]))
        np.testing.assert_allclose(found.points, points[:, [2, 0]], rtol=1e-12)
