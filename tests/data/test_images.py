"""Geometry and colour, against Darknet's loops written out in Python."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
from PIL import Image as Pillow

from darkpy.data import images
from darkpy.data.prepare import fit, load_photos
from darkpy.errors import ArgumentError, DataError


def darknet_resize(im, w, h):
    """resize_image, pixel by pixel in float32, with the last row copied."""
    f = np.float32
    channels, im_h, im_w = im.shape
    part = np.zeros((channels, im_h, w), f)
    out = np.zeros((channels, h, w), f)
    w_scale = f(im_w - 1) / f(max(w - 1, 1))
    h_scale = f(im_h - 1) / f(max(h - 1, 1))
    for k in range(channels):
        for r in range(im_h):
            for c in range(w):
                if c == w - 1 or im_w == 1:
                    part[k, r, c] = im[k, r, im_w - 1]
                else:
                    sx = f(c) * w_scale
                    dx = sx - f(int(sx))
                    after = im[k, r, min(int(sx) + 1, im_w - 1)]
                    part[k, r, c] = (1 - dx) * im[k, r, int(sx)] + dx * after
        for r in range(h):
            sy = f(r) * h_scale
            dy = sy - f(int(sy))
            for c in range(w):
                if r == h - 1 or im_h == 1:
                    out[k, r, c] = part[k, im_h - 1, c]
                else:
                    after = part[k, min(int(sy) + 1, im_h - 1), c]
                    out[k, r, c] = (1 - dy) * part[k, int(sy), c] + dy * after
    return out


def darknet_rotate_crop(im, rad, s, w, h, dx, dy, aspect):
    """rotate_crop_image with bilinear_interpolate, pixel by pixel in float64."""
    channels, im_h, im_w = im.shape

    def pixel(k, y, x):
        return float(im[k, y, x]) if 0 <= x < im_w and 0 <= y < im_h else 0.0

    out = np.zeros((channels, h, w))
    for k in range(channels):
        for y in range(h):
            for x in range(w):
                u = ((x - w / 2) + dx) * aspect / s
                v = ((y - h / 2) + dy) / s
                rx = math.cos(rad) * u - math.sin(rad) * v + im_w / 2
                ry = math.sin(rad) * u + math.cos(rad) * v + im_h / 2
                ix, iy = math.floor(rx), math.floor(ry)
                fx, fy = rx - ix, ry - iy
                out[k, y, x] = (
                    (1 - fy) * (1 - fx) * pixel(k, iy, ix)
                    + fy * (1 - fx) * pixel(k, iy + 1, ix)
                    + (1 - fy) * fx * pixel(k, iy, ix + 1)
                    + fy * fx * pixel(k, iy + 1, ix + 1)
                )
    return out


@pytest.mark.parametrize(
    ("old", "new"),
    [((5, 7), (11, 3)), ((31, 4), (416, 9)), ((1, 6), (4, 4)), ((6, 1), (3, 5)), ((9, 9), (1, 1))],
)
def test_resize_is_darknets(rng, old, new):
    image = rng.random((3, *old), np.float32)
    result = images.resize(image, new[1], new[0])
    assert result.shape == (3, *new)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, darknet_resize(image, new[1], new[0]), atol=1e-6)


def test_resize_keeps_the_last_row_where_darknet_makes_it_black():
    image = np.ones((1, 31, 8), np.float32)  # 31 -> 416 is a height that float32 rounds down
    np.testing.assert_array_equal(images.resize(image, 8, 416), 1)


def test_resize_refuses_sizes_below_one(rng):
    with pytest.raises(ArgumentError, match="0x4"):
        images.resize(rng.random((1, 4, 4), np.float32), 0, 4)


def test_letterbox_centres_on_grey(rng):
    image = rng.random((3, 20, 41), np.float32)
    boxed = images.letterbox(image, 32, 32)
    inner = 20 * 32 // 41
    top = (32 - inner) // 2
    np.testing.assert_array_equal(boxed[:, :top], 0.5)
    np.testing.assert_array_equal(boxed[:, top + inner :], 0.5)
    np.testing.assert_array_equal(boxed[:, top : top + inner], images.resize(image, 32, inner))


def test_letterbox_of_a_thread_keeps_one_pixel(rng):
    assert images.letterbox(rng.random((1, 1, 500), np.float32), 8, 8).shape == (1, 8, 8)


def test_resize_min_and_center_crop(rng):
    image = rng.random((3, 30, 47), np.float32)
    smaller = images.resize_min(image, 16)
    assert smaller.shape == (3, 16, 47 * 16 // 30)
    middle = images.center_crop(smaller, 16, 16)
    left = (smaller.shape[2] - 16) // 2
    np.testing.assert_array_equal(middle, smaller[:, :, left : left + 16])


def test_crop_repeats_the_edge(rng):
    image = rng.random((2, 4, 5), np.float32)
    wide = images.crop(image, -2, -1, 9, 7)
    np.testing.assert_array_equal(wide, np.pad(image, ((0, 0), (1, 2), (2, 2)), mode="edge"))


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, -1), (-3, 3), (1, 40), (-25, 0)])
def test_translate_is_a_window_of_the_mirrored_image(rng, right, down):
    image = rng.random((3, 5, 4), np.float32)
    side = 48
    padded = np.pad(image, ((0, 0), (side, side), (side, side)), mode="reflect")
    window = padded[:, side - down : side - down + 5, side - right : side - right + 4]
    np.testing.assert_array_equal(images.translate(image, right, down), window)
    np.testing.assert_array_equal(images.translate(image[:, :1, :1], right, down), image[:, :1, :1])


@pytest.mark.parametrize("angle", [0.0, 0.3, -2.5])
def test_rotate_crop_is_darknets(rng, angle):
    image = rng.random((3, 13, 10), np.float32)
    arguments = (angle, 0.8, 9, 7, 1.7, -2.2, 1.3)
    result = images.rotate_crop(image, *arguments)
    np.testing.assert_allclose(result, darknet_rotate_crop(image, *arguments), atol=1e-5)


def test_rotate_crop_with_nothing_to_do_is_the_image(rng):
    image = rng.random((1, 8, 8), np.float32)
    np.testing.assert_allclose(images.rotate_crop(image, 0, 1, 8, 8, 0, 0, 1), image, atol=1e-7)


def test_flip_mirrors_columns(rng):
    image = rng.random((1, 2, 3), np.float32)
    np.testing.assert_array_equal(images.flip(image), image[:, :, ::-1])


@pytest.mark.parametrize(
    ("hue", "saturation", "exposure"), [(0.1, 1.4, 0.8), (-0.3, 0.6, 1.2), (0, 1, 1)]
)
def test_distort_is_a_change_of_hue_saturation_value(rng, hue, saturation, exposure):
    image = rng.random((3, 6, 7), np.float32)
    image[:, 0, 0] = 0.4  # grey
    image[:, 0, 1] = 0.0  # black
    image[:, 0, 2] = (1, 0, 0)
    result = images.distort(image, hue, saturation, exposure)
    for y in range(6):
        for x in range(7):
            h, s, v = colorsys.rgb_to_hsv(*map(float, image[:, y, x]))
            v, s, h = v * exposure, s * saturation, (h + hue) % 1.0
            sector, f = int(h * 6), h * 6 - int(h * 6)
            p, q, t = v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))
            rgb = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)][sector % 6]
            np.testing.assert_allclose(result[:, y, x], np.clip(rgb, 0, 1), atol=3e-6)


def test_load_image_forces_channels(tmp_path, rng):
    pixels = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Pillow.fromarray(pixels).save(tmp_path / "a.png")
    image = images.load_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image, pixels.transpose(2, 0, 1).astype(np.float32) / 255)
    grey = images.load_image(tmp_path / "a.png", 1)
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey[0] * 255, pixels @ weights, atol=0.51)


def test_load_image_reads_grey_palette_and_sixteen_bit_files(tmp_path, rng):
    pixels = rng.integers(0, 256, (5, 7), dtype=np.uint8)
    grey = Pillow.fromarray(pixels)
    grey.save(tmp_path / "grey.png")
    grey.convert("P").save(tmp_path / "palette.png")
    Pillow.fromarray(pixels.astype(np.uint16) * 256 + 17).save(tmp_path / "wide.png")
    for name in ("grey.png", "palette.png", "wide.png"):
        image = images.load_image(tmp_path / name)
        assert image.shape == (3, 5, 7)
        np.testing.assert_array_equal(image[1], pixels.astype(np.float32) / 255)


def test_load_image_names_the_file_it_cannot_read(tmp_path):
    for name, content in (("junk.jpg", b"\x00\x01junk"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            images.load_image(tmp_path / name)
    with pytest.raises(DataError, match="no such image file"):
        images.load_image(tmp_path / "absent.jpg")


def test_load_image_refuses_a_truncated_file(tmp_path, rng):
    Pillow.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for end in range(1, len(data), len(data) // 23):
        (tmp_path / "cut.png").write_bytes(data[:end])
        with pytest.raises(DataError, match=r"cut\.png"):
            images.load_image(tmp_path / "cut.png")


def test_fit_covers_then_crops(rng):
    image = rng.random((3, 40, 60), np.float32)
    square = fit(image, 20, 20)
    np.testing.assert_array_equal(square, images.center_crop(images.resize_min(image, 20), 20, 20))
    assert fit(image, 50, 11).shape == (3, 11, 50)
    assert fit(image, 60, 40) is image


def test_load_photos_stacks(tmp_path, rng):
    for name, size in (("a.png", (9, 5)), ("b.png", (6, 12))):
        Pillow.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / name)
    x = load_photos([tmp_path / "a.png", tmp_path / "b.png"], 3, 8, 8)
    assert x.shape == (2, 3, 8, 8)
    with pytest.raises(ArgumentError):
        load_photos([], 3, 8, 8)
