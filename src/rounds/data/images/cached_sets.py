"""The user's cache of resized images: what is in it, what of it is whole, and when it is cleared.

Resized images are of patients, and stand outside of the run folder. So a set is removed when nobody has read it for
MOST_DAYS, and the least lately read ones where all together are larger than MOST_BYTES; `rounds clean` removes all.
"""

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rounds.data.preparation.array_on_disk import ArrayInput, stored
from rounds.errors import DataError
from rounds.files import cache_home

MOST_DAYS, MOST_BYTES = 30.0, 20_000_000_000
FEWEST_DAYS = 1.0  # for which a set stays however large: a run may be reading it
SECONDS_A_DAY = 86_400.0
PIXELS, BAD = "pixels.npy", "bad.txt"


class CachedSet(NamedTuple):
    """array: [N, size, size, channels] in a file; bad: (place among the files, why it cannot be read)."""

    array: ArrayInput
    bad: tuple[tuple[int, str], ...]


def cache_folder() -> Path:
    """Where resized images are kept: rounds/images in XDG_CACHE_HOME, or in .cache of the home folder."""
    return cache_home() / "images"


def read_set(place: Path, images: int) -> CachedSet | None:
    """A set of so many images as it was written; None where it is not there, cut short, or damaged.

    Raises DataError where it cannot be read.
    """
    try:
        pixels = place / PIXELS
        array = np.load(pixels, mmap_mode="r")
        lines = (place / BAD).read_text(encoding="utf-8").splitlines()
        bad = tuple((int(number), why) for number, _, why in (line.partition("\t") for line in lines))
        if len(array) != images or pixels.stat().st_size != array.offset + array.nbytes:
            return None
        os.utime(place)
    except PermissionError as error:
        advice = "Change its permissions, or set XDG_CACHE_HOME to another folder"
        shown = f"{place} ({error.strerror})"
        raise DataError(
            "The cache of images", "a folder that can be read", name="folder", got=shown, advice=advice
        ) from None
    except (OSError, ValueError, EOFError):
        return None
    return CachedSet(stored(array), bad)


def make_room(keep: Path) -> None:
    """Removes sets that nobody has read for long, and the least lately read ones where all are too large; never
    `keep`."""
    now, total = time.time(), 0
    for place, read, size in sorted(_sets(), key=lambda found: -found[1]):
        total += size
        days = (now - read) / SECONDS_A_DAY
        if place != keep and (days > MOST_DAYS or (total > MOST_BYTES and days > FEWEST_DAYS)):
            shutil.rmtree(place, ignore_errors=True)


def clear() -> int:
    """Removes all sets, and what unfinished runs left of others; returns their bytes."""
    size = sum(size for *_, size in _sets())
    shutil.rmtree(cache_folder(), ignore_errors=True)
    return size


def _sets() -> list[tuple[Path, float, int]]:
    """(folder, when it was last read, bytes) of everything in the cache."""
    folder = cache_folder()
    places = [p for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    return [(p, p.stat().st_mtime, sum(f.stat().st_size for f in p.iterdir())) for p in places]
