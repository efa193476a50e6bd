"""Photos as arrays, and Darknet's geometry and colour changes on them.

An image is a float32 array of shape (channels, height, width), RGB (or grey) in 0..1, like
Darknet's `image`.  Every function returns a new array, or its input unchanged.  All rules are those
of Darknet's ``image.c``; where Darknet fails at an edge (a black last row, a size of one pixel) the
docstring says what is done instead.

Image files are read here, too; `darkpy.data.prepare` turns a photo into a network's input.
"""

from __future__ import annotations

import math
import os
import struct
import warnings

import numpy as np
import numpy.typing as npt

from darkpy.errors import ArgumentError, DataError

__all__ = [
    "Image",
    "center_crop",
    "crop",
    "cutout",
    "distort",
    "flip",
    "from_bytes",
    "letterbox",
    "load_bytes",
    "load_image",
    "resize",
    "resize_min",
    "rotate_crop",
    "translate",
]

Image = npt.NDArray[np.float32]

GREY = np.float32(0.5)  # the canvas of a letterboxed image


def load_image(path: str | os.PathLike[str], channels: int = 3) -> Image:
    """Decode a picture file into an array.

    Parameters
    ----------
    path : path
        Any format Pillow reads.  Transparency is dropped; the orientation tag is not applied
        (as in Darknet).
    channels : {3, 1}
        RGB, or grey (.299 R + .587 G + .114 B).

    Returns
    -------
    ndarray of float32, shape (channels, height, width)
        Bytes divided by 255.

    Raises
    ------
    DataError
        The file is absent, no picture, or broken; the message names it.
    """
    return from_bytes(load_bytes(path, channels))


def from_bytes(pixels: npt.NDArray[np.uint8]) -> Image:
    """Return bytes 0..255 as an image: divided by 255."""
    return pixels.astype(np.float32) / np.float32(255)


def load_bytes(path: str | os.PathLike[str], channels: int = 3) -> npt.NDArray[np.uint8]:
    """Decode a picture file as `load_image` does, but to bytes, shape (channels, h, w)."""
    return np.ascontiguousarray(_decode(path, channels).transpose(2, 0, 1))


def _decode(path: str | os.PathLike[str], channels: int) -> npt.NDArray[np.uint8]:
    """Return the file's pixels as bytes, shape (height, width, channels)."""
    from PIL import Image as Pillow

    if channels not in (1, 3):
        raise ArgumentError(f"channels must be 3 (RGB) or 1 (grey), not {channels}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about odd but readable files
            with Pillow.open(path) as picture:
                if picture.mode.startswith("I;16"):  # 16-bit grey: its high byte, as stb_image does
                    grey = (np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)
                    pixels = np.repeat(grey[:, :, None], channels, axis=2)
                else:
                    pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    except FileNotFoundError:
        raise DataError(path, 0, "there is no such image file") from None
    except _DECODING_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(path, 0, f"cannot decode this image: {reason}") from error
    except Pillow.DecompressionBombError as error:
        raise DataError(path, 0, f"this image is too large: {error}") from error
    return pixels.reshape(pixels.shape[0], pixels.shape[1], channels)


# The exceptions that Pillow raises for broken files; they depend on the format.
_DECODING_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
)


def _axis_taps(old: int, new: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """First source index, and the share of the next one, for each of `new` samples of an axis.

    Corners are aligned: sample k reads position k·(old-1)/(new-1), in float32 as Darknet does.  The
    last sample is exactly the last source pixel (also when new = 1, where the scale is undefined).
    """
    if new == 1 or old == 1:
        first = np.full(new, old - 1, np.intp)
        return first, np.zeros(new, np.float32)
    scale = np.float32(old - 1) / np.float32(new - 1)
    position = np.arange(new, dtype=np.float32) * scale
    first = position.astype(np.intp)
    share = position - first.astype(np.float32)
    beyond = first > old - 2  # the last sample, and those that float32 rounds past the end
    beyond[-1] = True
    first[beyond] = old - 1
    share[beyond] = 0
    return first, share


def resize(image: Image, width: int, height: int) -> Image:
    """Bilinear resize with aligned corners and without antialiasing.

    First along the columns, then along the rows: out = (1-f)·p[i] + f·p[i+1] with
    i + f = k·(old-1)/(new-1).

    Parameters
    ----------
    image : ndarray of float32, shape (channels, h, w)
    width, height : int
        New size in pixels, at least 1.

    Returns
    -------
    ndarray of float32, shape (channels, height, width)

    Notes
    -----
    Source: Darknet ``resize_image``.  The last row is the last source row; in Darknet it is black
    where float32 rounds its position down.
    """
    if width < 1 or height < 1:
        raise ArgumentError(f"cannot resize to {width}x{height}: both must be at least 1")
    _, old_height, old_width = image.shape
    if (old_width, old_height) == (width, height):
        return image
    if old_width != width:
        first, share = _axis_taps(old_width, width)
        following = np.minimum(first + 1, old_width - 1)
        image = (1 - share) * image[:, :, first] + share * image[:, :, following]
    if old_height != height:
        first, share = _axis_taps(old_height, height)
        following = np.minimum(first + 1, old_height - 1)
        share = share[:, None]
        image = (1 - share) * image[:, first, :] + share * image[:, following, :]
    return np.ascontiguousarray(image)


def resize_min(image: Image, side: int) -> Image:
    """Resize so that the short side becomes `side` pixels; the long one in proportion, floored."""
    _, height, width = image.shape
    if width < height:
        return resize(image, side, height * side // width)
    return resize(image, width * side // height, side)


def letterbox(image: Image, width: int, height: int) -> Image:
    """Fit the whole image, centred on grey .5, into (width, height); proportions are kept.

    Source: Darknet ``letterbox_image``; here a side is never smaller than one pixel.
    """
    channels, old_height, old_width = image.shape
    if np.float32(width) / np.float32(old_width) < np.float32(height) / np.float32(old_height):
        new_width, new_height = width, max(1, old_height * width // old_width)
    else:
        new_width, new_height = max(1, old_width * height // old_height), height
    canvas = np.full((channels, height, width), GREY, np.float32)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    canvas[:, top : top + new_height, left : left + new_width] = resize(
        image, new_width, new_height
    )
    return canvas


def crop(image: Image, left: int, top: int, width: int, height: int) -> Image:
    """Cut out a window; outside the image, the nearest pixel of the edge is repeated."""
    _, old_height, old_width = image.shape
    if 0 <= left <= old_width - width and 0 <= top <= old_height - height:
        return np.ascontiguousarray(image[:, top : top + height, left : left + width])
    rows = np.clip(np.arange(top, top + height), 0, old_height - 1)
    columns = np.clip(np.arange(left, left + width), 0, old_width - 1)
    return np.ascontiguousarray(image[:, rows[:, None], columns])


def center_crop(image: Image, width: int, height: int) -> Image:
    """Cut out the middle window; a half pixel is rounded towards the image's corner (0, 0)."""
    _, old_height, old_width = image.shape
    left = int((old_width - width) / 2)  # towards zero, as C divides
    top = int((old_height - height) / 2)
    return crop(image, left, top, width, height)


def flip(image: Image) -> Image:
    """Mirror left and right."""
    return np.ascontiguousarray(image[:, :, ::-1])


def cutout(image: Image, left: int, top: int, side: int) -> Image:
    """Return a copy in which a square of `side` pixels is grey (.5), like Darknet's letterbox."""
    image = image.copy()
    image[:, top : top + side, left : left + side] = 0.5
    return image


def translate(image: Image, right: int, down: int) -> Image:
    """Move an image by whole pixels; the uncovered border is filled with its mirror image.

    Parameters
    ----------
    image : ndarray of float32, shape (channels, height, width)
    right, down : int
        Pixels; negative ones move left and up. The mirror image is itself mirrored at its end.
    """
    _, height, width = image.shape
    rows = _mirrored(np.arange(height) - down, height)
    columns = _mirrored(np.arange(width) - right, width)
    return image.take(rows, axis=1).take(columns, axis=2)


def _mirrored(position: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Fold positions of an axis back into 0 .. size - 1; the border pixel is not repeated."""
    period = max(1, 2 * (size - 1))
    position = position % period
    return np.minimum(position, period - position) % size


def rotate_crop(
    image: Image,
    angle: float,
    scale: float,
    width: int,
    height: int,
    dx: float,
    dy: float,
    aspect: float,
) -> Image:
    """Turn, stretch and cut an image in one bilinear sampling; 0 outside the image.

    Output pixel (x, y) reads the source at (cos·u - sin·v + w/2, sin·u + cos·v + h/2), where
    u = (x - width/2 + dx)·aspect/scale and v = (y - height/2 + dy)/scale.

    Parameters
    ----------
    image : ndarray of float32, shape (channels, h, w)
    angle : float
        In radians.
    scale : float
        Output pixels per source pixel, > 0.
    width, height : int
        Size of the output in pixels.
    dx, dy : float
        Shift of the window, in output pixels.
    aspect : float
        Source pixels are read `aspect` times further apart in x; > 0.

    Notes
    -----
    Source: Darknet ``rotate_crop_image`` and ``bilinear_interpolate``.
    """
    _, old_height, old_width = image.shape
    u = (np.arange(width) - width / 2 + dx) * (aspect / scale)
    v = (np.arange(height) - height / 2 + dy) / scale
    if angle == 0:  # columns and rows do not mix: two one-dimensional passes
        columns, column_share = _zero_padded_taps(u + old_width / 2, old_width)
        rows, row_share = _zero_padded_taps(v + old_height / 2, old_height)
        across = image.take(columns[0], axis=2) * column_share[0]
        across += image.take(columns[1], axis=2) * column_share[1]
        out = across.take(rows[0], axis=1) * row_share[0][:, None]
        out += across.take(rows[1], axis=1) * row_share[1][:, None]
        return out
    cos, sin = math.cos(angle), math.sin(angle)
    x_taps, x_share = _zero_padded_taps(cos * u - sin * v[:, None] + old_width / 2, old_width)
    y_taps, y_share = _zero_padded_taps(sin * u + cos * v[:, None] + old_height / 2, old_height)
    out = np.zeros((image.shape[0], height, width), np.float32)
    for i in range(2):
        for j in range(2):
            out += image[:, y_taps[i], x_taps[j]] * (y_share[i] * x_share[j])
    return out


def _zero_padded_taps(
    position: npt.NDArray[np.float64], size: int
) -> tuple[list[npt.NDArray[np.intp]], list[npt.NDArray[np.float32]]]:
    """Both neighbours of each position of an axis, and their shares: 0 outside the image."""
    low = np.floor(position)
    fraction = (position - low).astype(np.float32)
    taps, shares = [], []
    for index, share in ((low.astype(np.intp), 1 - fraction), (low.astype(np.intp) + 1, fraction)):
        nearest = np.minimum(np.maximum(index, 0), size - 1)
        taps.append(nearest)
        shares.append(share * (nearest == index))
    return taps, shares


def distort(image: Image, hue: float, saturation: float, exposure: float) -> Image:
    """Change the colours of an RGB image through hue, saturation and value.

    H += hue (a full turn is 1), S *= saturation, V *= exposure, then clamped to 0..1.

    Parameters
    ----------
    image : ndarray of float32, shape (3, height, width)
    hue : float
        Share of a turn, -1..1.
    saturation, exposure : float
        Factors, > 0.

    Notes
    -----
    Source: Darknet ``distort_image``.  The hue of a grey pixel is 0 here and NaN in Darknet; as its
    saturation is 0, the colour is the same.
    """
    red, green, blue = image
    value = image.max(axis=0)
    spread = value - image.min(axis=0)
    safe = np.where(spread > 0, spread, np.float32(1))
    turn = np.where(
        red == value,
        (green - blue) / safe,
        np.where(green == value, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    turn = turn / np.float32(6)
    turn = np.where(turn < 0, turn + 1, turn) + np.float32(hue)
    turn = np.where(turn > 1, turn - 1, turn)
    turn = np.where(turn < 0, turn + 1, turn)
    shade = np.where(value > 0, spread / np.where(value > 0, value, 1), 0) * np.float32(saturation)
    value = value * np.float32(exposure)
    # Back: channel n is v - v·s·max(0, min(k, 4 - k, 1)) with k = (n + 6h) mod 6, n = 5, 3, 1.
    out = np.empty_like(image)
    for channel, offset in enumerate((5, 3, 1)):
        k = np.mod(turn * np.float32(6) + np.float32(offset), np.float32(6))
        weight = np.clip(np.minimum(k, 4 - k), 0, 1)
        out[channel] = value - value * shade * weight
    return np.clip(out, 0, 1)
