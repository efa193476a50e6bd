"""Folders, Darknet's lists, arrays, and the embedded photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from darkpy.data import AmbiguousLabelWarning, FolderDataset, ListDataset, open_dataset
from darkpy.data.images import load_bytes
from darkpy.errors import ArgumentError, ConfigError, DataError, DTypeError, ShapeError


def picture(path, value=7, size=(6, 5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.full((*size, 3), value, np.uint8)).save(path)


@pytest.fixture
def classes(tmp_path):
    for split, count in (("train", 3), ("valid", 2)):
        for number, name in enumerate(("cat", "dog")):
            for i in range(count):
                picture(tmp_path / split / name / f"{i}.png", 10 * number + i)
    return tmp_path


def test_a_folder_per_class_with_a_split(classes):
    data = open_dataset(classes)
    assert data.names == ["cat", "dog"]
    assert (len(data.train), len(data.valid)) == (6, 4)
    image, truth = data.train.sample(4, 3)
    np.testing.assert_array_equal(image * 255, 11)
    np.testing.assert_array_equal(truth, [0, 1])
    assert data.train.describe(4).endswith("train/dog/1.png")
    assert data.train.sample(0, 1)[0].shape == (1, 6, 5)


def test_a_folder_per_class_without_a_split(classes):
    data = open_dataset(str(classes / "train"))
    assert (len(data.train), data.valid) == (6, None)


def test_test_and_val_are_valid_folders(classes):
    (classes / "valid").rename(classes / "test")
    assert len(open_dataset(classes).valid) == 4


def test_other_files_and_hidden_folders_are_passed_over(classes):
    (classes / "train" / "cat" / "notes.txt").write_text("x")
    (classes / "train" / ".cache").mkdir()
    assert open_dataset(classes).names == ["cat", "dog"]


def test_a_class_unknown_to_training_is_an_error(classes):
    picture(classes / "valid" / "bird" / "0.png")
    with pytest.raises(DataError, match="bird: this folder is none of the 2 classes"):
        open_dataset(classes)


def test_empty_folders_are_errors(classes, tmp_path):
    (classes / "train" / "ant").mkdir()
    with pytest.raises(DataError, match="ant"):
        open_dataset(classes)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="nothing"):
        open_dataset(tmp_path / "nothing")
    with pytest.raises(DataError, match="absent"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(DataError, match="no such folder"):
        FolderDataset(tmp_path / "absent")


def data_file(folder, train, valid=None, labels=("cat", "dog"), extra=""):
    (folder / "labels.list").write_text("".join(f"{label}\n" for label in labels))
    (folder / "train.list").write_text("".join(f"{path}\n" for path in train))
    text = f"classes={len(labels)}\nlabels=labels.list\ntrain=train.list\n{extra}"
    if valid is not None:
        (folder / "valid.list").write_text("".join(f"{path}\n" for path in valid))
        text += "valid = valid.list\n"
    (folder / "my.data").write_text(text)
    return folder / "my.data"


def test_darknets_data_file(classes):
    train = [f"train/{name}/{i}.png" for name in ("cat", "dog") for i in range(3)]
    valid = [classes / "valid" / "dog" / "1.png"]
    data = open_dataset(data_file(classes, train, valid, extra="backup=weights\ntop=2\n"))
    assert (len(data.train), len(data.valid), data.names) == (6, 1, ["cat", "dog"])
    assert (data.backup, data.top) == ("weights", 2)
    image, truth = data.train.sample(5, 3)
    np.testing.assert_array_equal(image * 255, 12)
    np.testing.assert_array_equal(truth, [0, 1])
    np.testing.assert_array_equal(data.valid.sample(0, 3)[1], [0, 1])


def test_labels_are_not_found_in_the_folder_of_the_data_file(classes):
    home = classes / "catalogue"
    home.mkdir()
    (classes / "train").rename(home / "train")
    data = open_dataset(data_file(home, ["train/dog/0.png"]))
    np.testing.assert_array_equal(data.train.sample(0, 3)[1], [0, 1])


def test_all_labels_of_a_path_count_in_training_and_the_first_in_validation(classes):
    picture(classes / "cat" / "dog.png")
    lists = [classes / "cat" / "dog.png"]
    data = open_dataset(data_file(classes, lists, lists))
    with pytest.warns(AmbiguousLabelWarning, match="cat, dog all occur"):
        np.testing.assert_array_equal(data.train.sample(0, 3)[1], [1, 1])
    data.train.sample(0, 3)  # said once
    with pytest.warns(AmbiguousLabelWarning, match="first one counts"):
        np.testing.assert_array_equal(data.valid.sample(0, 3)[1], [1, 0])


def test_a_path_without_a_label_has_no_class(tmp_path):
    picture(tmp_path / "bird.png")
    dataset = ListDataset([tmp_path / "bird.png"], ["cat", "dog"], folder=tmp_path)
    with pytest.warns(AmbiguousLabelWarning, match=r"no label occurs in bird\.png"):
        np.testing.assert_array_equal(dataset.sample(0, 3)[1], [0, 0])


def test_a_list_with_an_absent_picture_names_the_line(classes):
    path = data_file(classes, ["train/cat/0.png", "train/cat/77.png"])
    with pytest.raises(ConfigError, match=r"train\.list:2: .*77\.png"):
        open_dataset(path)


def test_a_broken_picture_is_named(classes):
    (classes / "train" / "cat" / "1.png").write_bytes(b"junk")
    data = open_dataset(classes)
    with pytest.raises(DataError, match=r"cat/1\.png"):
        data.train.sample(1, 3)


def test_small_pictures_are_decoded_once(classes, monkeypatch):
    decoded = []

    def spy(path, channels):
        decoded.append(path)
        return load_bytes(path, channels)

    monkeypatch.setattr("darkpy.data.folder.load_bytes", spy)
    train = open_dataset(classes).train
    first, again = train.sample(0, 3)[0], train.sample(0, 3)[0]
    np.testing.assert_array_equal(first, again)
    assert len(decoded) == 1
    assert train.sample(0, 1)[0].shape[0] == 1  # grey is another picture
    assert len(decoded) == 2
    monkeypatch.setattr("darkpy.data.folder.KEPT_PICTURE", 10)
    for _ in range(2):
        train.sample(1, 3)
    assert len(decoded) == 4


def test_arrays(rng):
    x = rng.random((6, 3, 5, 4))
    data = open_dataset((x, np.array([0, 2, 1, 0, 0, 0]), x[:2], np.array([3, 0])))
    assert data.names == ["0", "1", "2", "3"]
    image, truth = data.train.sample(1, 3)
    np.testing.assert_array_equal(image, x[1].astype(np.float32))
    np.testing.assert_array_equal(truth, [0, 0, 1, 0])
    assert len(data.valid) == 2


def test_truth_vectors_and_bytes(rng):
    x = rng.integers(0, 256, (4, 5, 4), dtype=np.uint8)
    data = open_dataset((x, np.eye(4)[:, :2]))
    assert data.names == ["0", "1"]
    image, truth = data.train.sample(0, 1)
    np.testing.assert_array_equal(image[0] * 255, x[0])
    np.testing.assert_array_equal(truth, [1, 0])


@pytest.mark.parametrize(
    ("x", "labels", "error"),
    [
        (np.zeros((3, 4)), np.zeros(3, int), ShapeError),
        (np.zeros((3, 1, 0, 4)), np.zeros(3, int), ShapeError),
        (np.zeros((3, 4, 4), np.int32), np.zeros(3, int), DTypeError),
        (np.zeros((3, 4, 4)), np.zeros(3), DTypeError),
        (np.zeros((3, 4, 4)), np.zeros((3, 2, 2)), ShapeError),
        (np.zeros((3, 4, 4)), np.zeros(2, int), DataError),
        (np.zeros((3, 4, 4)), np.array([0, -1, 0]), DataError),
        (np.zeros((0, 4, 4)), np.zeros(0, int), DataError),
    ],
)
def test_wrong_arrays_are_refused(x, labels, error):
    with pytest.raises(error):
        open_dataset((x, labels))


def test_anything_else_is_refused(rng, tmp_path):
    for source in (None, 3, (1, 2, 3), (str(tmp_path), np.zeros(3))):
        with pytest.raises(ArgumentError):
            open_dataset(source)


def test_the_embedded_photos_are_there():
    data = open_dataset(Path(__file__).parents[2] / "data" / "fashion-mnist")
    assert (len(data.train), len(data.valid)) == (10_000, 2_000)
    assert data.names[9] == "Ankle boot"
    assert np.bincount(data.train.labels, minlength=10).min() > 900
    assert 70 < data.train.images.mean() < 76


def test_a_dataset_passes_through():
    dataset = open_dataset((np.zeros((2, 3, 3)), np.array([0, 1]))).train
    data = open_dataset(dataset)
    assert data.train is dataset
    assert open_dataset(data) is data
