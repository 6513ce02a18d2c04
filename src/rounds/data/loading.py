"""From a source and the user's choices to a Dataset: cohort, roles, outcome, patients, features."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.cohort.feature_columns import feature, refuse_infinite
from rounds.data.cohort.outcomes import Outcome, make_task
from rounds.data.cohort.rows import (
    Exclusions,
    given_test,
    lost_patients,
    meeting,
    numbered,
    said_of_rows,
    with_outcome,
    with_test,
    without_added_columns,
)
from rounds.data.dataset import ARRAY_ROW, FEATURE_ROLES, PART, Column, Dataset, Provenance
from rounds.data.images.engineered_features import marked_engineered
from rounds.data.images.image_arrays import open_image_arrays
from rounds.data.images.image_cache import ImageLayout, layout_of
from rounds.data.images.labelled_images import image_column, open_folder, with_images
from rounds.data.preparation.array_on_disk import joined
from rounds.data.recordings.join import join_recordings, join_test, joined_columns, open_signals
from rounds.data.recordings.signal_arrays import holds_signals
from rounds.data.recordings.timeline import Timeline
from rounds.data.roles.decide import (
    NO_GROUP,
    Said,
    check_said,
    date_references,
    decide_columns,
    said_readings,
    said_roles,
)
from rounds.data.roles.read_columns import column_notes
from rounds.data.sources.array_file import ARRAYS, read_arrays
from rounds.data.sources.builtin import BUILTIN, Builtin, load_builtin
from rounds.data.tables.content_hash import content_hash
from rounds.data.tables.reading import Readings, Table, read_table
from rounds.errors import DataError, nearest
from rounds.foreign_files import shown


def load(source: Any, choices: Choices | None = None, test: Any = None) -> Dataset:
    """A table of patients ready to be split.

    source: CSV, TSV or Parquet path, the name of a built-in set, or a Polars or pandas frame; test: a table of the
    same kind whose rows judge. Raises DataError or ForcedChoiceError (errors name file, column and row).

    >>> load("diabetes").rows
    442
    """
    opened = _opened(source, choices or Choices())
    choices, said = opened.choices, opened.said
    joined, built = _joined(opened, test)
    met, exclusions = meeting(joined, choices)
    if not choices.targets:
        advice = f"Name the column to predict with --target. {nearest('target', without_added_columns(met).columns)}"
        raise DataError("Target", "named", name="target", got=None, advice=advice)
    check_said(said, choices, without_added_columns(met).columns)
    table, without = with_outcome(met, choices, said)
    columns = _engineered_last(
        decide_columns(without_added_columns(table), choices, said, built.declared, built.how), built
    )
    lost = (*lost_patients(exclusions, joined, met, choices.group), *lost_patients(without, met, table, choices.group))
    provenance = Provenance(
        rows_read=built.table.height,
        exclusions=(*exclusions, *without),
        lost_patients=lost,
        notes=built.notes,
        read=built.how.about,
        left_out=built.left_out,
        content_hash=content_hash(without_added_columns(table), built.array),
        references=date_references(said),
        unused=table.select(c.name for c in columns if c.role in ("date", "dropped")),
        simulated=built.simulated,
    )
    validation = (table[PART] == "validation").to_numpy() if PART in table.columns else None
    return replace(
        _dataset(table, columns, choices, built, provenance),
        given_test=_test_rows(table, test is not None or PART in table.columns),
        given_validation=validation if validation is not None and validation.any() else None,
    )


def _engineered_last(columns: tuple[Column, ...], built: Builtin) -> tuple[Column, ...]:
    return marked_engineered(joined_columns(columns, built.timeline), built.modality)


class _Opened(NamedTuple):
    """A source with its recordings, the user's choices completed by its own, and what was said of its columns."""

    source: Builtin
    choices: Choices
    said: Said


def _opened(source: Any, choices: Choices) -> _Opened:
    said = said_roles(choices)
    built = open_source(source, said_readings(said, choices), choices)
    if choices.sequences is not None:
        built = join_recordings(built, choices.sequences, choices.key, style=choices.style)
        return _Opened(built, built.complete(choices), said)
    for name, value in (("key", choices.key), ("test-sequences", choices.test_sequences)):
        if value is not None:
            advice = "Give the recordings with --sequences, or leave it out"
            raise DataError(f"--{name}", "given beside --sequences", name=name, got=str(value), advice=advice)
    return _Opened(built, built.complete(choices), said)


def _joined(opened: _Opened, test: Any) -> tuple[pl.DataFrame, Builtin]:
    """Rows of DATA and of the test table, numbered, and the source with the arrays of both."""
    built, choices, said = opened
    table = built.table
    if test is None:
        return numbered(table), built
    if PART in table.columns:
        advice = "Leave --test out, or give DATA without a test part"
        raise DataError("Test table", "given once", name="DATA", got=f"{built.name} with a test part", advice=advice)
    images = (
        layout_of(built.array.shape[1:], str(built.array.dtype))
        if built.modality == "image" and built.array is not None
        else None
    )
    readings = {**built.how.readings, **said_readings(said, choices)}
    other = open_source(test, readings, choices, images, built.timeline)
    if choices.sequences is not None:
        other = join_test(other, choices.test_sequences, choices.key, built.timeline)
    if built.array is None:
        return with_test(table, other.table), built
    if other.array is None or other.array.shape[1:] != built.array.shape[1:]:
        found = None if other.array is None else " x ".join(map(str, other.array.shape[1:]))
        wanted = f"of the shape of DATA ({' x '.join(map(str, built.array.shape[1:]))})"
        raise DataError("Test table", wanted, name="shape", got=found, advice="Give data of the same kind")
    moved = other.table.with_columns(pl.col(ARRAY_ROW) + len(built.array)).drop(PART, strict=False)
    return with_test(table, moved), replace(built, array=joined(built.array, other.array))


def _test_rows(table: pl.DataFrame, given: bool) -> np.ndarray | None:
    if not given:
        return None
    flags = given_test(table)
    if flags is None or flags.all():
        side = "test table" if flags is None else "training table"
        advice = "Look at --where and at missing outcomes"
        raise DataError(f"Rows of the {side}", "some with a known outcome", name="rows", got=0, advice=advice)
    return flags


@dataclass(frozen=True)
class Examined:
    """What a table is taken for before anything is trained; notes: what is to be said about the file and its columns;
    outcome: what is predicted, where a target was named; left_out: image files that could not be read."""

    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    outcome: Outcome | None = None
    left_out: tuple[str, ...] = ()


def examine_table(source: Any, choices: Choices) -> Examined:
    """What each column is taken for, without an outcome being needed; raises DataError as `load` where a column
    cannot be read as what the user says that it is."""
    built, choices, said = _opened(source, choices)
    met = meeting(numbered(built.table), choices)[0]
    table = without_added_columns(met)
    check_said(said, choices, table.columns)
    columns = decide_columns(table, choices, said, built.declared, built.how, force=False)
    _inputs(met, [c for c in columns if c.name in said and c.role in FEATURE_ROLES], date_references(said))
    outcome: Outcome | None = None
    lost: Exclusions = []
    if choices.targets:
        known, lost = with_outcome(met, choices, said)
        outcome = _outcome(known, columns, choices)
    notes = (*built.notes, *built.how.about, *said_of_rows(lost), *column_notes(columns))
    return Examined(_engineered_last(columns, built), notes, outcome, built.left_out)


def open_source(
    source: Any,
    said: Readings | None = None,
    choices: Choices | None = None,
    layout: ImageLayout | None = None,
    timeline: Timeline | None = None,
) -> Builtin:
    """A built-in set by name, or a file, folder of images or frame about which nothing is declared.

    said: as `read_table`; choices: the user's, as far as they say how to read; layout: that new images must have;
    timeline: that new signals must have.
    """
    choices = choices or Choices()
    if isinstance(source, str) and source.split(":")[0] in BUILTIN and not Path(source).exists():
        return load_builtin(source)
    if isinstance(source, str) and not Path(source).suffix and not Path(source).exists():
        advice = f"{nearest(source, list(BUILTIN))}. rounds data lists the built-in sets"
        raise DataError("DATA", "a file that exists or a built-in set", name="data", got=source, advice=advice)
    if isinstance(source, Mapping):
        return _of_arrays("arrays", source, timeline)
    if not isinstance(source, str | Path):
        return _of_table("table", read_table(source, said, choices.style))
    path = Path(source)
    if str(source) and path.is_dir():
        return open_folder(path, choices, layout)
    if path.suffix.lower() == ARRAYS:
        return _of_arrays(shown(path.name), read_arrays(path), timeline)
    built = _of_table(shown(path.name), read_table(source, said, choices.style))
    column = image_column(built.table, path.parent, choices)
    return built if column is None else with_images(built, column, path.parent, choices, layout)


def _of_arrays(name: str, arrays: Mapping[str, np.ndarray], timeline: Timeline | None) -> Builtin:
    return open_signals(name, arrays, timeline) if holds_signals(arrays) else open_image_arrays(name, arrays)


def _of_table(name: str, read: Table) -> Builtin:
    return Builtin(name=name, table=read.frame, how=read.how)


def _outcome(table: pl.DataFrame, columns: tuple[Column, ...], choices: Choices) -> Outcome:
    targets = [c for c in columns if c.role == "target"]
    for target in targets:
        refuse_infinite(table, target.name)
    return make_task([table[c.name] for c in targets], choices, targets[0].unit)


def _dataset(
    table: pl.DataFrame, columns: tuple[Column, ...], choices: Choices, built: Builtin, provenance: Provenance
) -> Dataset:
    features = [c for c in columns if c.role in FEATURE_ROLES]
    if not features and built.array is None:
        taken = ", ".join(f"{c.name}: {c.role}" for c in columns[:5])
        advice = f"Columns are taken for {taken}. Say otherwise with --as COL=ROLE"
        raise DataError("Table", "with at least one feature", name="features", got=0, advice=advice)
    outcome = _outcome(table, columns, choices)
    for column in features:
        refuse_infinite(table, column.name)
    passed = [c.name for c in columns if c.role in ("identifier", "group", "time")]
    baseline = next((c.name for c in columns if c.role == "baseline"), "")
    return Dataset(
        name=built.name,
        task=outcome.task,
        columns=columns,
        targets=outcome.targets,
        inputs=_inputs(table, features, provenance.references),
        patients=_patients(table, choices.group),
        times=_times(table, choices.time),
        identifiers=table.select(passed),
        baseline=_baseline(table, baseline),
        baseline_name=baseline,
        group=None if choices.group == NO_GROUP else choices.group,
        time=choices.time,
        array=built.array,
        masks=built.masks,
        modality=built.modality,
        timeline=built.timeline,
        provenance=provenance,
        positive_reason=outcome.positive_reason,
    )


def _inputs(table: pl.DataFrame, features: list[Column], references: dict[str, str]) -> pl.DataFrame:
    made = pl.DataFrame([feature(table, c, references.get(c.name)) for c in features])
    return table.select(ARRAY_ROW).hstack(made) if ARRAY_ROW in table.columns else made


def _patients(table: pl.DataFrame, group: str | None) -> np.ndarray:
    if group is None or group == NO_GROUP:
        return np.arange(table.height, dtype=np.int64)
    values = table[group]
    missing = values.null_count()
    if missing:
        advice = f'Fill them in, or leave those rows out with --where "{group} IS NOT NULL"'
        raise DataError("Group", "known in every row", name=group, got=f"missing in {missing:,} rows", advice=advice)
    codes = values.rank("dense").cast(pl.Int64).to_numpy() - 1
    if codes.max() == 0:
        advice = "Choose the patient column, or --group none where every row is another patient"
        raise DataError("Group", "a column of at least two patients", name=group, got="one value", advice=advice)
    return codes


def _times(table: pl.DataFrame, time: str | None) -> np.ndarray | None:
    if time is None:
        return None
    values = table[time]
    if not (values.dtype.is_temporal() or values.dtype.is_numeric()):
        first = next(iter(values.drop_nulls()), None)
        raise DataError(
            "Time", "a column of dates or numbers", name=time, got=str(first), advice="Write dates as 2024-12-31"
        )
    if values.null_count():
        advice = f'Leave those rows out with --where "{time} IS NOT NULL"'
        raise DataError(
            "Time", "known in every row", name=time, got=f"missing in {values.null_count():,} rows", advice=advice
        )
    refuse_infinite(table, time)
    return values.to_physical().cast(pl.Float64).to_numpy()


def _baseline(table: pl.DataFrame, name: str) -> np.ndarray | None:
    if not name:
        return None
    if not table[name].dtype.is_numeric():
        first = next(iter(table[name].drop_nulls()), None)
        raise DataError("Baseline", "a column of numbers", name=name, got=str(first), advice="Choose a numeric score")
    refuse_infinite(table, name)
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
