"""IDX files: read whole, or refused with what is wrong."""

import gzip
import hashlib
import struct

import numpy as np
import pooch
import pytest
import torch

from gfncp.data import idx
from gfncp.data.idx import MD5_PACKED, MD5_UNPACKED, images, read_idx

NAMES = sorted(MD5_UNPACKED["mnist"])


def packed(array, kind=0x08):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def array():
    return np.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(7,), (5, 3), (5, 3, 4), (2, 3, 4, 5), (0, 28, 28)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_round_trip(tmp_path, shape, pack):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "file"
    path.write_bytes(pack(packed(array)))
    found = read_idx(path)
    assert found.dtype == torch.uint8
    assert np.array_equal(found.numpy(), array)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"", "expected an IDX file of unsigned bytes"),
        (lambda raw: raw[:3], "expected an IDX file of unsigned bytes"),
        (lambda raw: b"\x89PNG" + raw, "expected an IDX file of unsigned bytes, it starts with '89504e47'"),
        (lambda raw: b"\x00\x00\x0d\x03" + raw[4:], "expected an IDX file of unsigned bytes"),
        (lambda raw: b"\x00\x00\x08\x00" + raw[4:], "expected an IDX file of unsigned bytes"),
        (lambda raw: raw[:9], "truncated in the header, after 9 of 16 bytes"),
        (lambda raw: raw[:-1], r"75 bytes, but shape \(5, 3, 4\) needs 76"),
        (lambda raw: raw + b"\x00", r"77 bytes, but shape \(5, 3, 4\) needs 76"),
        (lambda raw: raw[:4] + b"\xff" * 12 + raw[16:], "76 bytes, but shape"),
        (lambda raw: gzip.compress(raw)[:-10], "damaged gzip file"),
        (lambda raw: gzip.compress(raw)[:2], "damaged gzip file"),
        (lambda raw: gzip.compress(raw)[:20] + b"\xff" * 20, "damaged gzip file"),
        (lambda raw: gzip.compress(raw[:-1]), "75 bytes, but"),
    ],
)
def test_damaged_and_foreign_files_are_refused(tmp_path, array, damage, message):
    path = tmp_path / "digits"
    path.write_bytes(damage(packed(array)))
    with pytest.raises(ValueError, match=f"digits: {message}"):
        read_idx(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="none: there is no such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(ValueError, match="there is no such file"):
        read_idx(tmp_path)


@pytest.mark.parametrize(
    ("dataset", "split", "count"), [("mnist", "test", 10_000), ("fashion-mnist", "test", 10_000)]
)
def test_data_sets_have_their_images_and_ten_classes(data_folder, dataset, split, count):
    x, classes = images(dataset, split, data_folder(dataset))
    assert x.shape == (count, 28, 28)
    assert x.dtype == torch.uint8
    assert classes.shape == (count,)
    assert classes.bincount().min() > 800
    assert len(classes.unique()) == 10


@pytest.mark.parametrize("dataset", MD5_UNPACKED)
@pytest.mark.parametrize("name", NAMES)
def test_local_copies_have_the_published_content(data_folder, dataset, name):
    raw = gzip.decompress((data_folder(dataset) / f"{name}.gz").read_bytes())
    assert hashlib.md5(raw).hexdigest() == MD5_UNPACKED[dataset][name]


def test_hashes_are_all_different():
    hashes = [
        md5 for table in (MD5_PACKED, MD5_UNPACKED) for names in table.values() for md5 in names.values()
    ]
    assert len(set(hashes)) == len(hashes) == 16
    assert all(sorted(table[dataset]) == NAMES for table in (MD5_PACKED, MD5_UNPACKED) for dataset in table)


@pytest.fixture
def write(tmp_path):
    """Writes the two test files of a data set into a folder."""

    def files(x, y):
        for name, array in (("images-idx3", x), ("labels-idx1", y)):
            (tmp_path / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(packed(array), 1))
        return tmp_path

    return files


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            np.zeros((9_999, 28, 28)),
            np.zeros(10_000),
            r"images.*: has shape \(9999, 28, 28\); 'mnist' has \(10000, 28",
        ),
        (np.zeros((10_000, 28, 27)), np.zeros(10_000), r"images.*: has shape \(10000, 28, 27\)"),
        (np.zeros((10_000, 28, 28)), np.zeros(10_000), "images.*: is not that file of 'mnist'.* MD5"),
    ],
)
def test_wrong_counts_shapes_and_contents_are_refused(write, x, y, message):
    with pytest.raises(ValueError, match=message):
        images("mnist", "test", write(x, y))


def test_another_data_set_in_its_place_is_refused(data_folder):
    with pytest.raises(ValueError, match="is not that file of 'mnist'"):
        images("mnist", "test", data_folder("fashion-mnist"))


def test_unpacked_files_do_as_well(data_folder, tmp_path):
    for name in NAMES:
        if name.startswith("t10k"):
            packed_file = data_folder("mnist") / f"{name}.gz"
            (tmp_path / name).write_bytes(gzip.decompress(packed_file.read_bytes()))
    assert torch.equal(images("mnist", "test", tmp_path)[0], images("mnist", "test", data_folder("mnist"))[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("emnist", "test"), r"dataset='emnist': accepted are \['fashion-mnist', 'mnist'\]"),
        (("mnist", "validation"), r"split='validation': accepted are \['test', 'train'\]"),
        (("mnist", "test"), "t10k-images-idx3-ubyte.gz is missing"),
    ],
)
def test_unknown_names_and_empty_folders_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        images(*arguments, tmp_path)


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(idx, "URLS", {"mnist": "http://127.0.0.1:9/"})
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    with pytest.raises(ValueError, match=r"mnist: cannot download http.*give a folder that holds"):
        images("mnist", "test")
