"""IDX files: round trips at odd sizes, and every way to be broken."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkpy.data import idx, open_dataset, read_idx, write_idx
from darkpy.errors import DataError


def folder_with(tmp_path, rng, n=7, size=(5, 3), classes=4, suffix=""):
    for split, count in (("train", n), ("t10k", 3)):
        images = rng.integers(0, 256, (count, *size), dtype=np.uint8)
        labels = (np.arange(count) % classes).astype(np.uint8)
        write_idx(tmp_path / f"{split}-images-idx3-ubyte{suffix}", images)
        write_idx(tmp_path / f"{split}-labels-idx1-ubyte{suffix}", labels)
    return tmp_path


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5, 7), (2, 1, 9, 3), (0, 4, 4)])
@pytest.mark.parametrize("name", ["x-idx", "x-idx.gz"])
def test_round_trip(tmp_path, rng, shape, name):
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    write_idx(tmp_path / name, array)
    np.testing.assert_array_equal(read_idx(tmp_path / name), array)


def test_gzip_is_recognised_without_its_suffix(tmp_path, rng):
    array = rng.integers(0, 256, (4, 2, 2), dtype=np.uint8)
    write_idx(tmp_path / "a.gz", array)
    (tmp_path / "a.gz").rename(tmp_path / "a")
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


@pytest.mark.parametrize("name", ["cut", "cut.gz"])
def test_every_truncation_is_an_error(tmp_path, rng, name):
    write_idx(tmp_path / name, rng.integers(0, 256, (3, 4, 5), dtype=np.uint8))
    data = (tmp_path / name).read_bytes()
    for end in range(len(data)):
        (tmp_path / name).write_bytes(data[:end])
        with pytest.raises(DataError, match=name):
            read_idx(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file"),
        (b"\x89PNG\r\n", "no IDX file"),
        (b"\0\0\x0d\x01\0\0\0\0", "0x0d"),
        (b"\0\0\x08\0", "0 sizes"),
        (b"\0\0\x08\x02\0\0\0\1", "ends before"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "cannot be right"),
        (b"\0\0\x08\x01\0\0\0\1ab", "too long: 1 = 1 bytes promised, 2 there"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(tmp_path / "bad")
    assert "bad" in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=60), gz=st.booleans())
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, gz):
    path = tmp_path_factory.mktemp("idx") / "any"
    content = b"\0\0\x08" + content
    path.write_bytes(gzip.compress(content) if gz else content)
    try:
        array = read_idx(path)
    except DataError:
        return
    assert array.tobytes() == content[4 + 4 * array.ndim :]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_is_opened(tmp_path, rng, suffix):
    data = open_dataset(folder_with(tmp_path, rng, suffix=suffix))
    assert (len(data.train), len(data.valid), data.names) == (7, 3, list("0123"))
    image, truth = data.train.sample(5, 1)
    assert image.shape == (1, 5, 3)
    assert image.dtype == truth.dtype == np.float32
    np.testing.assert_array_equal(image * 255, data.train.images[5])
    np.testing.assert_array_equal(truth, [0, 1, 0, 0])
    assert data.train.images.dtype == np.uint8  # kept compact


def test_names_beside_the_files_are_used(tmp_path, rng):
    folder_with(tmp_path, rng)
    (tmp_path / "clothes.names").write_text("shirt\ncoat\nbag\nshoe\n")
    assert open_dataset(tmp_path).names == ["shirt", "coat", "bag", "shoe"]
    (tmp_path / "clothes.names").write_text("shirt\ncoat\nbag\n")
    with pytest.raises(DataError, match=r"label 3 of image 3 is not in 0\.\.2"):
        open_dataset(tmp_path)


def test_explicit_paths(tmp_path, rng):
    folder_with(tmp_path, rng)
    images, labels = (tmp_path / f"t10k-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1"))
    data = open_dataset((images, labels))
    assert len(data.train) == 3
    assert data.valid is None
    assert len(open_dataset((str(images), str(labels), images, labels)).valid) == 3


def test_images_and_labels_must_fit(tmp_path, rng):
    folder_with(tmp_path, rng)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(6, np.uint8))
    with pytest.raises(DataError, match="6 labels for the 7 images"):
        open_dataset(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="labels are not"):
        open_dataset(tmp_path)


def test_images_must_be_images(tmp_path, rng):
    folder_with(tmp_path, rng)
    write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros((7, 4), np.uint8))
    with pytest.raises(DataError, match=r"\(n, h, w\)"):
        open_dataset(tmp_path)


def test_colour_files(tmp_path, rng):
    pixels = rng.integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    write_idx(tmp_path / "i", pixels)
    write_idx(tmp_path / "l", np.array([0, 1], np.uint8))
    image, _ = idx.open_idx(tmp_path / "i", tmp_path / "l").sample(1, 3)
    np.testing.assert_array_equal(image * 255, pixels[1].transpose(2, 0, 1))


def test_header_is_big_endian(tmp_path):
    write_idx(tmp_path / "a", np.zeros((258, 2), np.uint8))
    assert (tmp_path / "a").read_bytes()[:12] == struct.pack(">BBBBII", 0, 0, 8, 2, 258, 2)
