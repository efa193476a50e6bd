"""Random changes: which keys ask for them, and that streams are independent and repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from darkpy.data.augment import Augmentation, random_stream
from darkpy.data.images import flip

DEFAULTS = {
    "width": 28,
    "max_crop": 56,
    "min_crop": 28,
    "max_ratio": 2.0,
    "min_ratio": 1.0,
    "angle": 0.0,
    "aspect": 1.0,
    "saturation": 1.0,
    "exposure": 1.0,
    "hue": 0.0,
    "flip": True,
    "flip_alternately": False,
    "translate": 0,
    "cutout": 0,
}


class Options:
    """The part of NetOptions that augmentation reads."""

    def __init__(self, **written):
        self.written = written

    def given(self, name):
        return name in self.written

    def __getattr__(self, name):
        return self.written.get(name, DEFAULTS[name])

    __getitem__ = __getattr__


def test_a_cfg_without_keys_asks_for_nothing():
    assert Augmentation.from_options(Options()) is None
    assert Augmentation.from_options(Options(flip=False)) is None


def test_flip_alone_only_mirrors(rng):
    augmentation = Augmentation.from_options(Options(flip=True))
    image = rng.random((1, 28, 28), np.float32)
    seen = set()
    for index in range(40):
        result = augmentation(image, 28, 28, random_stream("augment", 0, 0, index))
        if np.array_equal(result, image):
            seen.add("as it was")
        else:
            np.testing.assert_array_equal(result, flip(image))
            seen.add("mirrored")
    assert seen == {"as it was", "mirrored"}


def test_alternate_mirroring_is_the_callers():
    augmentation = Augmentation.from_options(Options(flip_alternately=True))
    assert augmentation.alternates and augmentation.flip and not augmentation.crops
    assert Augmentation.from_options(Options(flip_alternately=True, flip=False)) is None
    first = augmentation.mirrored_first(1000, 5)
    assert 400 < first.sum() < 600
    np.testing.assert_array_equal(first, augmentation.mirrored_first(1000, 5))
    assert (first != augmentation.mirrored_first(1000, 6)).any()
    assert Augmentation(crops=False).mirrored_first(1000, 5) is None
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    for mirrored, wanted in ((True, flip(image)), (False, image)):
        for index in range(9):
            stream = random_stream("augment", 0, 0, index)
            result = augmentation(image, 4, 3, stream, mirrored)
            np.testing.assert_array_equal(result, wanted)


def test_translate_moves_by_whole_pixels_and_mirrors_the_border(rng):
    augmentation = Augmentation.from_options(Options(translate=2))
    assert not augmentation.crops and not augmentation.flip
    image = rng.random((2, 6, 7), np.float32)
    padded = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="reflect")
    places = {padded[:, y : y + 6, x : x + 7].tobytes(): (x, y) for y in range(5) for x in range(5)}
    seen = set()
    for index in range(300):
        result = augmentation(image, 7, 6, random_stream("augment", 0, 0, index))
        seen.add(places[result.tobytes()])
    assert len(seen) == 25


def test_cutout_makes_a_square_grey_wholly_inside(rng):
    augmentation = Augmentation.from_options(Options(cutout=3))
    assert not augmentation.crops and not augmentation.flip
    image = rng.random((2, 6, 7), np.float32)
    image.flags.writeable = False  # photos are kept: nothing may change them
    seen = set()
    for index in range(400):
        result = augmentation(image, 7, 6, random_stream("augment", 0, 0, index))
        grey = np.argwhere((result == 0.5).all(axis=0))
        (top, left), (bottom, right) = grey.min(axis=0), grey.max(axis=0)
        assert (bottom - top, right - left, len(grey)) == (2, 2, 9)
        untouched = (result != 0.5).any(axis=0)
        np.testing.assert_array_equal(result[:, untouched], image[:, untouched])
        seen.add((left, top))
    assert len(seen) == 5 * 4


def test_cutout_larger_than_the_photo_takes_all_of_it(rng):
    augmentation = Augmentation.from_options(Options(cutout=9))
    image = rng.random((1, 6, 7), np.float32)
    result = augmentation(image, 7, 6, random_stream("augment", 0, 0, 0))
    np.testing.assert_array_equal(result, np.full((1, 6, 7), 0.5, np.float32))


def test_other_keys_switch_darknets_procedure_on():
    augmentation = Augmentation.from_options(Options(hue=0.1))
    assert (augmentation.min_crop, augmentation.max_crop, augmentation.flip) == (28, 56, True)
    augmentation = Augmentation.from_options(Options(max_crop=32, flip=False))
    assert (augmentation.min_crop, augmentation.max_crop, augmentation.flip) == (28, 32, False)
    augmentation = Augmentation.from_options(Options(max_ratio=1.5, min_ratio=0.5))
    assert (augmentation.min_crop, augmentation.max_crop) == (14, 42)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(24, 24), (17, 33)])
def test_everything_on_gives_the_networks_size(rng, channels, size):
    augmentation = Augmentation(
        min_crop=20, max_crop=40, angle=7, aspect=0.75, saturation=0.75, exposure=0.75, hue=0.1
    )
    image = rng.random((channels, 31, 25), np.float32)
    result = augmentation(image, size[1], size[0], random_stream("augment", 1, 2, 3))
    assert result.shape == (channels, *size)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1 + 1e-6


def test_crop_of_the_exact_size_moves_nothing(rng):
    augmentation = Augmentation(min_crop=16, max_crop=16, flip=False)
    image = rng.random((1, 16, 16), np.float32)
    result = augmentation(image, 16, 16, random_stream("augment", 0, 0, 0))
    np.testing.assert_allclose(result, image, atol=1e-6)


def test_crop_range_reaches_both_ends():
    """The picture's width in the crop tells the drawn short side."""
    augmentation = Augmentation(min_crop=8, max_crop=10, flip=False)
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32), (1, 8, 8)).copy()
    steps = set()
    for index in range(60):
        result = augmentation(ramp, 8, 8, random_stream("augment", 0, 0, index))
        steps.add(round(float(np.median(np.diff(result[0, 4]))), 3))
    assert steps == {1.0, round(8 / 9, 3), 0.8}


def test_streams_depend_on_each_part_of_their_key():
    def first(*key):
        return random_stream(*key).integers(0, 2**63)

    base = ("augment", 5, 6, 7)
    assert first(*base) == first(*base)
    others = [
        ("shuffle", 5, 6, 7),
        ("augment", 4, 6, 7),
        ("augment", 5, 7, 7),
        ("augment", 5, 6, 8),
    ]
    assert len({first(*key) for key in [base, *others]}) == 5
