"""NumPy's own files of several arrays: images in MedMNIST's layout, with the division they bring."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import PART
from rounds.data.images.engineered_features import with_features
from rounds.data.images.image_file import finite_pixels
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.data.sources.source import Source
from rounds.errors import DataError

_PARTS = {"train": "train", "val": "validation", "test": "test"}
_LAYOUT = "train_images, train_labels, and the same of val and test"


def open_image_arrays(file: str, arrays: Mapping[str, np.ndarray]) -> Source:
    """Arrays of an NPZ file: `<part>_images` [n, H, W] or [n, H, W, C] and `<part>_labels` [n] or [n, T], parts train,
    val, test (Yang et al. 2023, doi:10.1038/s41597-022-01721-8). Parts may be missing; those there judge and validate
    as named.

    Raises DataError where they are of another layout.
    """
    parts = [part for part in _PARTS if f"{part}_images" in arrays]
    if not parts:
        shown = ", ".join(f"{n} {'x'.join(map(str, a.shape))}" for n, a in list(arrays.items())[:8]) or None
        raise DataError(
            "NPZ file", f"with {_LAYOUT}", name="arrays", got=shown, advice="Save the arrays under these names"
        )
    images = [_images(file, arrays, part) for part in parts]
    labels = [_labels(file, arrays, part, len(array)) for part, array in zip(parts, images, strict=True)]
    table = pl.concat(labels).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias(ARRAY_ROW),
        pl.Series(PART, [_PARTS[part] for part, array in zip(parts, images, strict=True) for _ in range(len(array))]),
    )
    if "test" not in parts:
        table = table.drop(PART)
    names = tuple(n for n in table.columns if n not in (ARRAY_ROW, PART))
    several = len(names) > 1
    default = Choices(targets=names, kind="multilabel" if several else None, group="none")
    note = "the file names no patients: images of one patient may stand on both sides of a split"
    made = Source(file, table, default=default, notes=(note,), signals=Signals("image", np.concatenate(images)))
    return with_features(made)


def _images(file: str, arrays: Mapping[str, np.ndarray], part: str) -> np.ndarray:
    """[n, H, W, C] uint8, uint16 or float32; what is not finite is as dark as the darkest pixel."""
    images = arrays[f"{part}_images"]
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.dtype.kind not in "fiub" or 0 in images.shape:
        wanted = "[n, height, width] or [n, height, width, channels] of numbers"
        shown = f"{images.dtype} {list(arrays[f'{part}_images'].shape)} in {file}"
        raise DataError(f"Array {part}_images", wanted, name="found", got=shown, advice="Save the images so")
    first = arrays[f"{next(p for p in _PARTS if f'{p}_images' in arrays)}_images"].shape[1:]
    first = (*first, 1) if len(first) == 2 else first
    if images.shape[1:] != first:
        advice = "Resize the images of all parts alike"
        raise DataError(f"Array {part}_images", f"of size {first}", name="size", got=images.shape[1:], advice=advice)
    return images if images.dtype in (np.uint8, np.uint16) else finite_pixels(images)


def _labels(file: str, arrays: Mapping[str, np.ndarray], part: str, images: int) -> pl.DataFrame:
    labels = arrays.get(f"{part}_labels")
    if labels is None or len(labels) != images or labels.ndim > 2:
        found = None if labels is None else list(labels.shape)
        advice = f"Save one row of labels an image under {part}_labels in {file}"
        raise DataError(f"Array {part}_labels", f"of {images} rows", name="shape", got=found, advice=advice)
    columns = labels.reshape(images, -1)
    if columns.shape[1] == 1:
        return pl.DataFrame({"label": columns[:, 0]})
    return pl.DataFrame({f"label_{i}": columns[:, i] for i in range(columns.shape[1])})
