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
from rounds.data.cohort.read import read_cohort
from rounds.data.cohort.rows import (
    Exclusions,
    lost_patients,
    meeting,
    numbered,
    said_of_rows,
    with_outcome,
    with_test,
    without_added_columns,
)
from rounds.data.dataset import FEATURE_ROLES, PART, Cohort, Column, Dataset, Provenance
from rounds.data.images.engineered_features import marked_engineered
from rounds.data.images.image_arrays import open_image_arrays
from rounds.data.images.image_cache import ImageLayout, layout_of
from rounds.data.images.labelled_images import image_column, open_folder, with_images
from rounds.data.preparation.array_on_disk import joined
from rounds.data.recordings.join import join_recordings, join_test, joined_columns, open_signals
from rounds.data.recordings.signal_arrays import holds_signals
from rounds.data.recordings.timeline import Timeline
from rounds.data.roles.decide import (
    Said,
    check_said,
    date_references,
    decide_columns,
    said_readings,
    said_roles,
)
from rounds.data.roles.read_columns import column_notes
from rounds.data.signals import ARRAY_ROW
from rounds.data.sources.array_file import ARRAYS, read_arrays
from rounds.data.sources.builtin import BUILTIN, load_builtin
from rounds.data.sources.source import Source
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
    joined, found = _joined(opened, test)
    met, exclusions = meeting(joined, choices)
    if not choices.targets:
        advice = f"Name the column to predict with --target. {nearest('target', without_added_columns(met).columns)}"
        raise DataError("Target", "named", name="target", got=None, advice=advice)
    check_said(said, choices, without_added_columns(met).columns)
    table, without = with_outcome(met, choices, said)
    columns = _engineered_last(
        decide_columns(without_added_columns(table), choices, said, found.declared, found.how), found
    )
    lost = (*lost_patients(exclusions, joined, met, choices.group), *lost_patients(without, met, table, choices.group))
    provenance = Provenance(
        rows_read=found.table.height,
        exclusions=(*exclusions, *without),
        lost_patients=lost,
        notes=found.notes,
        read=found.how.about,
        left_out=found.left_out,
        content_hash=content_hash(without_added_columns(table), found.signals.array),
        references=date_references(said),
        unused=table.select(c.name for c in columns if c.role in ("date", "dropped")),
        simulated=found.simulated,
    )
    cohort = read_cohort(table, columns, choices, divided=test is not None or PART in table.columns)
    return _dataset(table, columns, cohort, choices, found, provenance)


def _engineered_last(columns: tuple[Column, ...], source: Source) -> tuple[Column, ...]:
    return marked_engineered(joined_columns(columns, source.signals.timeline), source.signals.modality)


class _Opened(NamedTuple):
    """A source with its recordings, the user's choices completed by its own, and what was said of its columns."""

    source: Source
    choices: Choices
    said: Said


def _opened(source: Any, choices: Choices) -> _Opened:
    said = said_roles(choices)
    found = open_source(source, said_readings(said, choices), choices)
    if choices.sequences is not None:
        found = join_recordings(found, choices.sequences, choices.key, style=choices.style)
        return _Opened(found, found.complete(choices), said)
    for name, value in (("key", choices.key), ("test-sequences", choices.test_sequences)):
        if value is not None:
            advice = "Give the recordings with --sequences, or leave it out"
            raise DataError(f"--{name}", "given beside --sequences", name=name, got=str(value), advice=advice)
    return _Opened(found, found.complete(choices), said)


def _joined(opened: _Opened, test: Any) -> tuple[pl.DataFrame, Source]:
    """Rows of DATA and of the test table, numbered, and the source with the arrays of both."""
    source, choices, said = opened
    table = source.table
    if test is None:
        return numbered(table), source
    if PART in table.columns:
        advice = "Leave --test out, or give DATA without a test part"
        raise DataError("Test table", "given once", name="DATA", got=f"{source.name} with a test part", advice=advice)
    images = (
        layout_of(source.signals.array.shape[1:], str(source.signals.array.dtype))
        if source.signals.modality == "image" and source.signals.array is not None
        else None
    )
    readings = {**source.how.readings, **said_readings(said, choices)}
    other = open_source(test, readings, choices, images, source.signals.timeline)
    if choices.sequences is not None:
        other = join_test(other, choices.test_sequences, choices.key, source.signals.timeline)
    if source.signals.array is None:
        return with_test(table, other.table), source
    if other.signals.array is None or other.signals.array.shape[1:] != source.signals.array.shape[1:]:
        found = None if other.signals.array is None else " x ".join(map(str, other.signals.array.shape[1:]))
        wanted = f"of the shape of DATA ({' x '.join(map(str, source.signals.array.shape[1:]))})"
        raise DataError("Test table", wanted, name="shape", got=found, advice="Give data of the same kind")
    both = joined(source.signals.array, other.signals.array)
    moved = other.table.with_columns(pl.col(ARRAY_ROW) + len(source.signals.array)).drop(PART, strict=False)
    return with_test(table, moved), replace(source, signals=replace(source.signals, array=both))


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
    found, choices, said = _opened(source, choices)
    met = meeting(numbered(found.table), choices)[0]
    table = without_added_columns(met)
    check_said(said, choices, table.columns)
    columns = decide_columns(table, choices, said, found.declared, found.how, force=False)
    _inputs(met, [c for c in columns if c.name in said and c.role in FEATURE_ROLES], date_references(said))
    outcome: Outcome | None = None
    lost: Exclusions = []
    if choices.targets:
        known, lost = with_outcome(met, choices, said)
        outcome = _outcome(known, columns, choices)
    notes = (*found.notes, *found.how.about, *said_of_rows(lost), *column_notes(columns))
    return Examined(_engineered_last(columns, found), notes, outcome, found.left_out)


def open_source(
    source: Any,
    said: Readings | None = None,
    choices: Choices | None = None,
    layout: ImageLayout | None = None,
    timeline: Timeline | None = None,
) -> Source:
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
    found = _of_table(shown(path.name), read_table(source, said, choices.style))
    column = image_column(found.table, path.parent, choices)
    return found if column is None else with_images(found, column, path.parent, choices, layout)


def _of_arrays(name: str, arrays: Mapping[str, np.ndarray], timeline: Timeline | None) -> Source:
    return open_signals(name, arrays, timeline) if holds_signals(arrays) else open_image_arrays(name, arrays)


def _of_table(name: str, read: Table) -> Source:
    return Source(name=name, table=read.frame, how=read.how)


def _outcome(table: pl.DataFrame, columns: tuple[Column, ...], choices: Choices) -> Outcome:
    targets = [c for c in columns if c.role == "target"]
    for target in targets:
        refuse_infinite(table, target.name)
    return make_task([table[c.name] for c in targets], choices, targets[0].unit)


def _dataset(
    table: pl.DataFrame,
    columns: tuple[Column, ...],
    cohort: Cohort,
    choices: Choices,
    source: Source,
    provenance: Provenance,
) -> Dataset:
    features = [c for c in columns if c.role in FEATURE_ROLES]
    if not features and source.signals.array is None:
        taken = ", ".join(f"{c.name}: {c.role}" for c in columns[:5])
        advice = f"Columns are taken for {taken}. Say otherwise with --as COL=ROLE"
        raise DataError("Table", "with at least one feature", name="features", got=0, advice=advice)
    outcome = _outcome(table, columns, choices)
    for column in features:
        refuse_infinite(table, column.name)
    return Dataset(
        name=source.name,
        task=outcome.task,
        columns=columns,
        targets=outcome.targets,
        inputs=_inputs(table, features, provenance.references),
        cohort=cohort,
        signals=source.signals,
        provenance=provenance,
        positive_reason=outcome.positive_reason,
    )


def _inputs(table: pl.DataFrame, features: list[Column], references: dict[str, str]) -> pl.DataFrame:
    made = pl.DataFrame([feature(table, c, references.get(c.name)) for c in features])
    return table.select(ARRAY_ROW).hstack(made) if ARRAY_ROW in table.columns else made
