"""Many image files as one array on disk: each is read and resized once, and only what a batch needs is in memory."""

import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rounds.data.images.cached_sets import BAD, PIXELS, CachedSet, cache_folder, make_room, read_set
from rounds.data.images.image_file import as_layout, claimed_pixels, read_image
from rounds.data.images.unreadable import BadImage
from rounds.errors import DataError
from rounds.files import new_folder
from rounds.foreign_files import refusal, shown

DEPTHS = ("uint8", "uint16", "float32")  # each holds what those before it hold
SMALLEST_SIZE, LARGEST_SIZE = 8, 1024
NAMES_IMAGE = "names the image that the networks read"  # why such a column is no feature
SHOWN_BAD = 5  # files that an error names; the rest are counted
_AHEAD = 16  # files decoded at a time: each may be a hundred times as large as it is kept
_WAY = 2  # of reading; another number where pixels come out otherwise than before
_LARGE_PIXELS = 16_000_000  # files that claim more are decoded one at a time
_one_large_at_a_time = threading.Lock()


@dataclass(frozen=True)
class ImageLayout:
    """How every image of a set is kept: pixels a side, 1 or 3 channels, uint8, uint16 or float32."""

    size: int
    channels: int = 1
    depth: str = "uint8"

    def widened(self, pixels: np.ndarray) -> "ImageLayout":
        """The narrowest in which this image, too, loses nothing but size."""
        deeper = max(self.depth, str(pixels.dtype), key=DEPTHS.index)
        return ImageLayout(self.size, max(self.channels, pixels.shape[-1]), deeper)


def layout_of(shape: tuple[int, ...], depth: str) -> ImageLayout | None:
    """How images must be kept to stand beside rows of this shape; None where these are no square images.

    >>> layout_of((64, 64, 1), "uint8")
    ImageLayout(size=64, channels=1, depth='uint8')
    """
    return ImageLayout(shape[0], shape[2], depth) if len(shape) == 3 and shape[0] == shape[1] else None


def read_images(paths: list[Path], folder: Path, size: int, layout: ImageLayout | None = None) -> CachedSet:
    """All files as one array, in their order; what cannot be read is left black and listed.

    folder: that must hold them; layout: that of the training images, where new ones must be like them; else the
    narrowest that loses nothing. The array is kept in the user's cache folder for a while (`cached_sets`), under a name
    made from the files' names, sizes and times; what is not whole there is made again.
    """
    check_image_size(size)
    place = cache_folder() / _fingerprint(paths, folder, size, layout)
    if (found := read_set(place, len(paths))) is not None:
        return found
    with new_folder(place) as unfinished:
        bad = _write(paths, folder, unfinished / PIXELS, layout or ImageLayout(size), fixed=layout is not None)
        (unfinished / BAD).write_text("".join(f"{number}\t{why}\n" for number, why in bad), encoding="utf-8")
    make_room(place)
    made = read_set(place, len(paths))
    if made is None:
        advice = "Check the disk, or set XDG_CACHE_HOME to a folder on another"
        raise DataError("The cache of images", "whole once it is written", name="folder", got=str(place), advice=advice)
    return made


def check_image_size(size: int) -> None:
    """Raises DataError where images of this many pixels a side are not made."""
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        wanted = f"from {SMALLEST_SIZE} to {LARGEST_SIZE} pixels"
        raise DataError("Image size", wanted, name="image-size", got=size, advice="Choose another with --image-size")


def _fingerprint(paths: list[Path], folder: Path, size: int, layout: ImageLayout | None) -> str:
    digest = hashlib.sha256(repr((_WAY, str(folder.resolve()), size, layout)).encode("utf-8", "backslashreplace"))
    for path in paths:
        try:
            status = path.stat()
            digest.update(
                f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}\n".encode("utf-8", "backslashreplace")
            )
        except (OSError, ValueError):
            digest.update(f"{path}|missing\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:32]


def _write(paths: list[Path], folder: Path, place: Path, layout: ImageLayout, fixed: bool) -> list[tuple[int, str]]:
    """Writes the array; begins again with a wider layout where a later image needs one (at most three times)."""
    while True:
        shape, dtype = (layout.size, layout.size, layout.channels), np.dtype(layout.depth)
        bad, wider, black = [], layout, np.zeros(shape, dtype)
        with place.open("wb") as file:
            header = {"descr": dtype.str, "fortran_order": False, "shape": (len(paths), *shape)}
            np.lib.format.write_array_header_1_0(file, header)
            for number, pixels in enumerate(_decoded(paths, folder, layout.size)):
                kept = black
                if isinstance(pixels, str):
                    bad.append((number, pixels))
                else:
                    wider = wider if fixed else wider.widened(pixels)
                    kept = as_layout(pixels, layout.size, layout.channels, dtype) if wider == layout else black
                file.write(kept.tobytes())
        if wider == layout:
            return bad
        layout = wider


def _decoded(paths: list[Path], folder: Path, size: int) -> Iterator[np.ndarray | str]:
    """Pixels of each file, already of its size, or why there are none; decoded on all cores, a few files ahead."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for start in range(0, len(paths), _AHEAD):
            yield from threads.map(lambda path: _read_or_say(path, folder, size), paths[start : start + _AHEAD])


def _read_or_say(path: Path, folder: Path, size: int) -> np.ndarray | str:
    if why := refusal(path, folder):
        return why
    try:
        with _one_large_at_a_time if claimed_pixels(path) > _LARGE_PIXELS else nullcontext():
            pixels = read_image(path)
            return as_layout(pixels, size, pixels.shape[-1], pixels.dtype)
    except BadImage as bad:
        return str(bad)


def refuse_bad(paths: list[Path], bad: tuple[tuple[int, str], ...]) -> None:
    """Raises DataError that counts what cannot be read, and names the first files."""
    if bad:
        named = "; ".join(f"{shown(paths[number].name)}: {why}" for number, why in bad[:SHOWN_BAD])
        more = ", ..." if len(bad) > SHOWN_BAD else ""
        found = f"{len(bad):,} of {len(paths):,} ({named}{more})"
        advice = "Mend or remove them, or leave them out with --skip-bad"
        raise DataError("Image files", "whole images of one frame", name="bad", got=found, advice=advice)
