"""From a source and the user's choices to a Dataset: cohort, roles, outcome, patients, features."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.cohort.feature_columns import feature, refuse_infinite
from rounds.data.cohort.outcomes import make_task
from rounds.data.cohort.rows import given_test, lost_patients, meeting, numbered, plain, with_outcome, with_test
from rounds.data.dataset import ARRAY_ROW, FEATURE_ROLES, PART, Column, Dataset
from rounds.data.images.engineered_features import marked_engineered
from rounds.data.images.image_arrays import open_image_arrays
from rounds.data.images.image_cache import Layout, layout_of
from rounds.data.images.labelled_images import image_column, open_folder, with_images
from rounds.data.preparation.array_on_disk import joined
from rounds.data.recordings.join import join_recordings, join_test, open_signals, told
from rounds.data.recordings.signal_arrays import holds_signals
from rounds.data.recordings.timeline import Timeline
from rounds.data.roles.decide import NO_GROUP, code_columns, decide_columns, given_roles
from rounds.data.roles.role_file import DATE_SINCE
from rounds.data.roles.row_numbers import row_number_notes
from rounds.data.sources.array_file import ARRAYS, read_arrays
from rounds.data.sources.builtin import BUILTIN, Builtin, load_builtin
from rounds.data.tables.content_hash import content_hash
from rounds.data.tables.reading import read_table
from rounds.errors import DataError, must_be, nearest
from rounds.foreign_files import shown


def load(source: Any, choices: Choices | None = None, test: Any = None) -> Dataset:
    """A table of patients ready to be split.

    source: CSV, TSV or Parquet path, the name of a built-in set, or a Polars or pandas frame; test: a table of the
    same kind whose rows judge. Raises DataError or ForcedChoiceError (errors name file, column and row).

    >>> load("diabetes").rows
    442
    """
    choices = choices or Choices()
    built = _opened(source, choices)
    choices = built.complete(choices)
    joined, built = _joined(built, choices, test)
    met, exclusions = meeting(joined, choices)
    if not choices.targets:
        advice = f"Name the column to predict with --target. {nearest('target', plain(met).columns)}"
        raise DataError(must_be("Target", "named", "target", None, advice))
    table, without = with_outcome(met, choices)
    columns = _engineered_last(decide_columns(plain(table), choices, built.declared), built)
    made = _dataset(table, columns, choices, built)
    test_rows = _test_rows(table, test is not None or PART in table.columns)
    validation = (table[PART] == "validation").to_numpy() if PART in table.columns else None
    return replace(
        made,
        exclusions=(*exclusions, *without),
        given_test=test_rows,
        extra={
            **made.extra,
            "lost_patients": [
                *lost_patients(exclusions, joined, met, choices.group),
                *lost_patients(without, met, table, choices.group),
            ],
        },
        given_validation=validation if validation is not None and validation.any() else None,
    )


def _engineered_last(columns: tuple[Column, ...], built: Builtin) -> tuple[Column, ...]:
    return marked_engineered(told(columns, built.timeline), built.modality)


def _opened(source: Any, choices: Choices) -> Builtin:
    """The source, with its recordings where it has some."""
    built = open_source(source, code_columns(choices), choices)
    if choices.sequences is not None:
        return join_recordings(built, choices.sequences, choices.key)
    for name, value in (("key", choices.key), ("test-sequences", choices.test_sequences)):
        if value is not None:
            advice = "Hand over the recordings with --sequences, or leave it out"
            raise DataError(must_be(f"--{name}", "given beside --sequences", name, str(value), advice))
    return built


def _joined(built: Builtin, choices: Choices, test: Any) -> tuple[pl.DataFrame, Builtin]:
    """Rows of DATA and of the test table, numbered, and the source with the grids of both."""
    table = built.table
    if test is None:
        return numbered(table), built
    if PART in table.columns:
        advice = "Leave --test out, or hand over DATA without a test part"
        raise DataError(must_be("Test table", "given once", "DATA", f"{built.name} with a test part", advice))
    texts = {n for n, dtype in table.schema.items() if dtype == pl.String}
    images = (
        layout_of(built.array.shape[1:], str(built.array.dtype))
        if built.modality == "image" and built.array is not None
        else None
    )
    other = open_source(test, texts | code_columns(choices), choices, images, built.timeline)
    if choices.sequences is not None:
        other = join_test(other, choices.test_sequences, choices.key, built.timeline)
    if built.array is None:
        return with_test(table, other.table), built
    if other.array is None or other.array.shape[1:] != built.array.shape[1:]:
        found = None if other.array is None else " x ".join(map(str, other.array.shape[1:]))
        wanted = f"of the shape of DATA ({' x '.join(map(str, built.array.shape[1:]))})"
        raise DataError(must_be("Test table", wanted, "shape", found, "Hand over data of the same kind"))
    moved = other.table.with_columns(pl.col(ARRAY_ROW) + len(built.array)).drop(PART, strict=False)
    return with_test(table, moved), replace(built, array=joined(built.array, other.array))


def _test_rows(table: pl.DataFrame, given: bool) -> np.ndarray | None:
    if not given:
        return None
    flags = given_test(table)
    if flags is None or flags.all():
        side = "test table" if flags is None else "training table"
        advice = "Look at --where and at missing outcomes"
        raise DataError(must_be(f"Rows of the {side}", "some with a known outcome", "rows", 0, advice))
    return flags


@dataclass(frozen=True)
class Examined:
    """What a table is taken for before anything is predicted; notes: what is to be said about the table itself;
    left_out: image files that could not be read."""

    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def examine(source: Any, choices: Choices) -> Examined:
    """What each column is taken for, without an outcome being needed; raises DataError as `load` where a column
    cannot be read as what the user says that it is."""
    built = _opened(source, choices)
    choices = built.complete(choices)
    met = meeting(numbered(built.table), choices)[0]
    table = plain(met)
    columns = decide_columns(table, choices, built.declared, force=False)
    said = given_roles(choices, table.columns)
    _inputs(
        met, [c for c in columns if c.name in said and c.role in FEATURE_ROLES], date_references(choices, table.columns)
    )
    notes = (*built.notes, *row_number_notes(columns))
    return Examined(_engineered_last(columns, built), notes, built.left_out)


def open_source(
    source: Any,
    codes: Collection[str] = (),
    choices: Choices | None = None,
    layout: Layout | None = None,
    timeline: Timeline | None = None,
) -> Builtin:
    """A built-in set by name, or a file, folder of images or frame about which nothing is declared.

    codes: as `read_table`; choices: the user's, as far as they say how to read; layout: that new images must have;
    timeline: that new signals must have.
    """
    choices = choices or Choices()
    if isinstance(source, str) and source.split(":")[0] in BUILTIN and not Path(source).exists():
        return load_builtin(source)
    if isinstance(source, str) and not Path(source).suffix and not Path(source).exists():
        advice = f"{nearest(source, list(BUILTIN))}. rounds data lists the built-in sets"
        raise DataError(must_be("DATA", "a file that exists or a built-in set", "data", source, advice))
    if not isinstance(source, str | Path):
        return Builtin(name="table", table=read_table(source, codes))
    path = Path(source)
    if str(source) and path.is_dir():
        return open_folder(path, choices, layout)
    if path.suffix.lower() == ARRAYS:
        arrays = read_arrays(path)
        if holds_signals(arrays):
            return open_signals(shown(path.name), arrays, timeline)
        return open_image_arrays(shown(path.name), arrays)
    built = Builtin(name=shown(path.name), table=read_table(source, codes))
    column = image_column(built.table, path.parent, choices)
    return built if column is None else with_images(built, column, path.parent, choices, layout)


def _dataset(table: pl.DataFrame, columns: tuple[Column, ...], choices: Choices, built: Builtin) -> Dataset:
    targets = [table[c.name] for c in columns if c.role == "target"]
    features = [c for c in columns if c.role in FEATURE_ROLES]
    if not features and built.array is None:
        taken = ", ".join(f"{c.name}: {c.role}" for c in columns[:5])
        advice = f"Columns are taken for {taken}. Say otherwise with --as COL=ROLE"
        raise DataError(must_be("Table", "with at least one feature", "features", 0, advice))
    for name in (*(t.name for t in targets), *(c.name for c in features)):
        refuse_infinite(table, name)
    task, values = make_task(targets, choices, next((c.unit for c in columns if c.role == "target"), ""))
    references = date_references(choices, table.columns)
    passed = [c.name for c in columns if c.role in ("identifier", "group", "time")]
    unused = [c.name for c in columns if c.role in ("date", "dropped")]  # rules look at them, networks do not
    baseline = next((c.name for c in columns if c.role == "baseline"), "")
    return Dataset(
        name=built.name,
        task=task,
        columns=columns,
        targets=values,
        inputs=_inputs(table, features, references),
        patients=_patients(table, choices.group),
        times=_times(table, choices.time),
        identifiers=table.select(passed),
        baseline=_baseline(table, baseline),
        baseline_name=baseline,
        group=None if choices.group == NO_GROUP else choices.group,
        time=choices.time,
        rows_read=built.table.height,
        content_hash=content_hash(plain(table), built.array),
        array=built.array,
        masks=built.masks,
        modality=built.modality,
        timeline=built.timeline,
        simulated=built.simulated,
        notes=(*built.notes, *row_number_notes(columns)),
        extra={"references": references, "unused": table.select(unused), "left_out": built.left_out},
    )


def _inputs(table: pl.DataFrame, features: list[Column], references: dict[str, str]) -> pl.DataFrame:
    made = pl.DataFrame([feature(table, c, references.get(c.name)) for c in features])
    return table.select(ARRAY_ROW).hstack(made) if ARRAY_ROW in table.columns else made


def date_references(choices: Choices, names: list[str]) -> dict[str, str]:
    """Reference column of every date that is wanted as days since it."""
    said = {n: str(f.get("role", "")) for n, f in given_roles(choices, names).items()}
    return {n: role.removeprefix(DATE_SINCE) for n, role in said.items() if role.startswith(DATE_SINCE)}


def _patients(table: pl.DataFrame, group: str | None) -> np.ndarray:
    if group is None or group == NO_GROUP:
        return np.arange(table.height, dtype=np.int64)
    values = table[group]
    missing = values.null_count()
    if missing:
        advice = f'Fill them in, or leave those rows out with --where "{group} IS NOT NULL"'
        raise DataError(must_be("Group", "known in every row", group, f"missing in {missing:,} rows", advice))
    codes = values.rank("dense").cast(pl.Int64).to_numpy() - 1
    if codes.max() == 0:
        advice = "Choose the patient column, or --group none where every row is another patient"
        raise DataError(must_be("Group", "a column of at least two patients", group, "one value", advice))
    return codes


def _times(table: pl.DataFrame, time: str | None) -> np.ndarray | None:
    if time is None:
        return None
    values = table[time]
    if not (values.dtype.is_temporal() or values.dtype.is_numeric()):
        first = next(iter(values.drop_nulls()), None)
        raise DataError(must_be("Time", "a column of dates or numbers", time, str(first), "Write dates as 2024-12-31"))
    if values.null_count():
        advice = f'Leave those rows out with --where "{time} IS NOT NULL"'
        raise DataError(must_be("Time", "known in every row", time, f"missing in {values.null_count():,} rows", advice))
    refuse_infinite(table, time)
    return values.to_physical().cast(pl.Float64).to_numpy()


def _baseline(table: pl.DataFrame, name: str) -> np.ndarray | None:
    if not name:
        return None
    if not table[name].dtype.is_numeric():
        first = next(iter(table[name].drop_nulls()), None)
        raise DataError(must_be("Baseline", "a column of numbers", name, str(first), "Choose a numeric score"))
    refuse_infinite(table, name)
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
