"""Images with labels: a folder for each class, or a table with a column of files."""

from pathlib import Path

import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import PART
from rounds.data.images.cached_sets import CachedSet
from rounds.data.images.engineered_features import with_features
from rounds.data.images.image_cache import NAMES_IMAGE, ImageLayout, read_images, refuse_bad
from rounds.data.images.image_file import IMAGES, is_image
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.data.sources.source import Source
from rounds.errors import DataError, nearest
from rounds.foreign_files import shown

FILE, CLASS = "file", "class"
# Names of folders that divide a set, as such sets are usually handed round.
_PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def open_folder(folder: Path, choices: Choices, layout: ImageLayout | None = None) -> Source:
    """A folder with a folder of images for each class, maybe within train, val and test; the target is the class.

    A folder of images without classes can be predicted, not learned from. Raises DataError where there is no image,
    or a file cannot be read and is not to be left out.
    """
    files = sorted(path for path in folder.rglob("*") if is_image(path) and _seen(path, folder) and path.is_file())
    if not files:
        advice = f"Give a folder with a folder for each class, with files that end in {', '.join(IMAGES[:4])}, ..."
        raise DataError("DATA", "a folder of images", name="folder", got=str(folder), advice=advice)
    places = [tuple(map(shown, path.relative_to(folder).parts)) for path in files]
    divided = {place[0].lower() for place in places} <= set(_PARTS)
    inner = [place[1:] if divided else place for place in places]
    name = choices.targets[0] if choices.targets else CLASS
    columns = {FILE: ["/".join(place) for place in places]}
    if all(len(place) > 1 for place in inner):
        columns[name] = [place[0] for place in inner]
    if divided and any(_PARTS[place[0].lower()] == "test" for place in places):
        columns[PART] = [_PARTS[place[0].lower()] for place in places]
    return _with_images(Source(shown(folder.name), pl.DataFrame(columns)), (folder, files), FILE, choices, layout)


def _seen(path: Path, folder: Path) -> bool:
    """Whether neither the file nor a folder on the way to it is hidden."""
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def image_column(table: pl.DataFrame, folder: Path, choices: Choices) -> str | None:
    """The column of image files: the one the user names, or one whose every value ends as an image's name does and
    whose first file is there. Raises DataError where the user names a column that is not there."""
    named = choices.pictures.column
    if named is not None and named not in table.columns:
        raise DataError(
            "Images", "a column of the table", name="images", got=named, advice=nearest(named, table.columns)
        )
    if named is not None:
        return named
    for column in table.select(pl.selectors.string()):
        values = column.drop_nulls()
        found = len(values) and is_image(Path(values[0])) and (folder / values[0]).is_file()
        if found and all(is_image(Path(value)) for value in values):
            return column.name
    return None


def with_images(
    source: Source, column: str, folder: Path, choices: Choices, layout: ImageLayout | None = None
) -> Source:
    """A table with the images that one of its columns names, as paths from the table's own folder."""
    files = [folder / (value or "") for value in source.table[column].cast(pl.String)]
    return _with_images(source, (folder, files), column, choices, layout)


def _with_images(
    source: Source, found: tuple[Path, list[Path]], column: str, choices: Choices, layout: ImageLayout | None
) -> Source:
    """found: the folder that must hold the files, and the files."""
    folder, files = found
    pictures = read_images(files, folder, layout.size if layout else choices.pictures.size, layout)
    if not choices.pictures.skip_bad or len(pictures.bad) == len(files):
        refuse_bad(files, pictures.bad)
    table = source.table.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ARRAY_ROW))
    left_out = [number for number, _ in pictures.bad]
    table = table.filter(~pl.col(ARRAY_ROW).is_in(left_out)) if left_out else table
    passed = {column: {"role": "identifier", "reason": NAMES_IMAGE}}
    made = Source(
        source.name,
        table,
        {**source.declared, **passed},
        _default(table, source.default),
        notes=_notes(source, pictures),
        signals=Signals("image", pictures.array),
        left_out=tuple(f"{shown(files[n].name)}: {why}" for n, why in pictures.bad),
    )
    return with_features(made)


def _default(table: pl.DataFrame, default: Choices) -> Choices:
    """A folder's classes are its target, and its images of different patients as far as anybody can tell."""
    plain = [name for name in table.columns if name not in (FILE, ARRAY_ROW, PART)]
    if FILE in table.columns and len(plain) == 1 and not default.targets:
        return Choices(targets=(plain[0],), group="none")
    return default


def _notes(source: Source, pictures: CachedSet) -> tuple[str, ...]:
    size, depth = pictures.array.shape[1], pictures.array.dtype.itemsize * 8
    colour = "grey" if pictures.array.shape[-1] == 1 else "colour"
    kept = ", fractions kept as they are" if pictures.array.dtype.kind == "f" else ""
    head = f"{len(pictures.array):,} images read once and resized to {size} x {size} pixels"
    notes = [f"{head}, {colour}, {depth} bit{kept}"]
    if pictures.bad:
        notes.append(f"{len(pictures.bad):,} image files could not be read and are left out")
    return (*source.notes, *notes)
