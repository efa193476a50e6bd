"""Preparation: a photo of any size becomes the input of a network.

Only `fit` decides how a classifier sees a photo: validation, prediction and training without
augmentation all use it.  Random changes for training are in `darkpy.data.augment`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from darkpy.data.images import Image, center_crop, letterbox, load_image, resize
from darkpy.errors import ArgumentError

__all__ = ["fit", "load_photos"]


def fit(image: Image, width: int, height: int, *, letterboxed: bool = False) -> Image:
    """Bring an image to the network's size.

    By default the image is shrunk or enlarged until it just covers (width, height), then its middle
    is cut out; for a square network this is Darknet's ``resize_min`` and centre crop (``classifier
    valid``).  An image of the right size is returned as it is.

    Parameters
    ----------
    image : ndarray of float32, shape (channels, h, w)
    width, height : int
        The network's input in pixels.
    letterboxed : bool
        Keep the whole photo, with grey bars (``classifier predict`` of pjreddie's Darknet).

    Returns
    -------
    ndarray of float32, shape (channels, height, width)
    """
    _, old_height, old_width = image.shape
    if (old_width, old_height) == (width, height):
        return image
    if letterboxed:
        return letterbox(image, width, height)
    if old_width * height < old_height * width:
        covering = resize(image, width, old_height * width // old_width)
    else:
        covering = resize(image, old_width * height // old_height, height)
    return center_crop(covering, width, height)


def load_photos(
    paths: Iterable[str | os.PathLike[str]],
    channels: int,
    height: int,
    width: int,
    *,
    letterboxed: bool = False,
) -> npt.NDArray[np.float32]:
    """Decode and fit several photos.

    Returns
    -------
    ndarray of float32, shape (number of paths, channels, height, width)
        Ready for ``net.predict``.

    Raises
    ------
    DataError
        A file cannot be decoded; the message names it.
    """
    photos = [
        fit(load_image(path, channels), width, height, letterboxed=letterboxed) for path in paths
    ]
    if not photos:
        raise ArgumentError("no photos were given")
    return np.stack(photos)
