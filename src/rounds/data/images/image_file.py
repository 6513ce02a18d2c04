"""One image file as plain numbers; whatever is wrong with it is said in a word and nothing else happens."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.images.dicom import DICOM, dicom_pixels, read_dicom
from rounds.data.images.unreadable import BadImage, said_in_a_word
from rounds.errors import RoundsError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".pgm", ".ppm")
IMAGES = (*PICTURES, *DICOM)
MOST_PIXELS = 100_000_000  # what claims more is taken for damaged, or for an attack
_SIXTEEN_BITS, _WIDER = ("I;16", "I;16B", "I;16L"), ("I", "F")


def is_image(path: Path) -> bool:
    """Whether the name ends as an image's does.

    >>> is_image(Path("a.JPEG")), is_image(Path("labels.csv"))
    (True, False)
    """
    return path.suffix.lower() in IMAGES and not path.name.startswith(".")


def read_image(path: Path) -> np.ndarray:
    """[H, W, C] uint8, uint16 or (of fractions, or of numbers outside of 16 bits) float32, C = 1 (grey) or 3 (colour);
    a colour file whose channels agree is grey. Turned as its EXIF orientation says.

    Raises BadImage where the file is missing, truncated, corrupt, no image, or of several frames; RoundsError where
    a package is missing.
    """
    if path.suffix.lower() in DICOM:
        with said_in_a_word():
            return _grey_where_grey(read_dicom(path))
    return _grey_where_grey(_read_with_pillow(path))


def claimed_pixels(path: Path) -> int:
    """Pixels that a file says it has, before any is decoded. Raises BadImage as `read_image`."""
    with said_in_a_word():
        if path.suffix.lower() in DICOM:
            return dicom_pixels(path)
        with pillow().open(path) as image:
            return int(image.width) * int(image.height)


def _read_with_pillow(path: Path) -> np.ndarray:
    image_file = pillow()
    with said_in_a_word(), image_file.open(path) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise BadImage(f"{image.n_frames} frames, one is wanted")
        if image.width * image.height > MOST_PIXELS:
            raise BadImage(f"{image.width} x {image.height} pixels")
        image.load()
        image = upright(image)
        if image.mode in _SIXTEEN_BITS:
            return np.asarray(image).astype(np.uint16)[..., None]
        if image.mode in _WIDER:
            return _wide(np.asarray(image))[..., None]
        grey = image.mode in ("1", "L", "LA")
        return np.asarray(image.convert("L" if grey else "RGB")).reshape(image.height, image.width, -1)


def _wide(values: np.ndarray) -> np.ndarray:
    """32-bit pixels as 16-bit ones where they are whole numbers that fit, else as they are."""
    fits = values.dtype.kind == "i" and values.min() >= 0 and values.max() <= np.iinfo(np.uint16).max
    return values.astype(np.uint16) if fits else finite_pixels(values)


def finite_pixels(values: np.ndarray) -> np.ndarray:
    """float32; what is not finite is as dark as the darkest pixel. Raises BadImage where nothing is finite.

    >>> finite_pixels(np.array([0.5, np.nan, 2.0])).tolist()
    [0.5, 0.5, 2.0]
    """
    made = values.astype(np.float32)
    known = np.isfinite(made)
    if known.all():
        return made
    if not known.any():
        raise BadImage("no pixel is a number")
    return np.where(known, made, made[known].min())


def _grey_where_grey(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[-1] == 3 and (pixels[..., :1] == pixels).all():
        return pixels[..., :1]
    return pixels


def pillow() -> Any:
    """Pillow's Image module; raises RoundsError where it is not installed."""
    try:
        from PIL import Image

        warnings.filterwarnings("ignore", module=r"PIL\.")  # what is wrong with a file is said once, in a word
    except ImportError:
        advice = "Install it: pip install 'rounds[images]'"
        raise RoundsError("Package pillow", "installed to read images", name="found", got=None, advice=advice) from None
    return Image


def upright(image: Any) -> Any:
    """The image as its EXIF orientation says that it is looked at."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def as_layout(pixels: np.ndarray, size: int, channels: int, dtype: np.dtype) -> np.ndarray:
    """[H, W, C] uint8, uint16 or float32 -> [size, size, channels] of dtype, each side resized by area and bilinearly.

    Grey is repeated in colour; colour becomes grey by luminance (ITU-R BT.601); 8 bits become 16 by the factor 257;
    fractions stay as they are.
    """
    if channels == 3 and pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    if channels == 1 and pixels.shape[-1] == 3:
        grey = (pixels @ np.array([0.299, 0.587, 0.114]))[..., None]
        pixels = (grey if pixels.dtype.kind == "f" else np.rint(grey)).astype(pixels.dtype)
    factor = {("u1", "u2"): 257.0, ("u2", "u1"): 1 / 257.0}.get((pixels.dtype.str[1:], np.dtype(dtype).str[1:]), 1.0)
    resized = np.stack([_resized(pixels[..., c], size) for c in range(channels)], axis=-1)
    if np.dtype(dtype).kind == "f":
        return resized.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(resized * factor), limits.min, limits.max).astype(dtype)


def _resized(channel: np.ndarray, size: int) -> np.ndarray:
    if channel.shape == (size, size):
        return channel.astype(np.float32)
    image_file = pillow()
    image = image_file.fromarray(channel.astype(np.float32))
    return np.asarray(
        image.resize((size, size), image_file.Resampling.BILINEAR)
    )  # widened to whole areas on the way down
