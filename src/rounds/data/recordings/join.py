"""A table of subjects joined with their recordings: engineered features as columns, and the array beside it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import PART, Column
from rounds.data.recordings.assemble import Recordings, from_signals, read_recordings
from rounds.data.recordings.channels import unscaled_channels
from rounds.data.recordings.engineered_features import summary_names
from rounds.data.recordings.signal_arrays import read_signal_arrays
from rounds.data.recordings.timeline import Timeline
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.data.sources.source import Declared, Source
from rounds.data.tables.cells.reading import FileStyle
from rounds.errors import DataError


def join_recordings(
    source: Source,
    sequences: Any,
    key: str | None,
    timeline: Timeline | None = None,
    style: FileStyle | None = None,
) -> Source:
    """The table with its recordings. timeline: that of the table whose test table this is; style: what the user says
    of how dates and decimals are written.

    Raises DataError where there is no key, or recordings cannot be read.
    """
    if key is None:
        advice = "Name the column that both tables share with --key"
        shown = ", ".join(source.table.columns[:20])
        raise DataError("Key", "named beside --sequences", name="columns", got=shown, advice=advice)
    return with_recordings(source, read_recordings(sequences, source.table, key, timeline, style))


def join_test(source: Source, sequences: Any, key: str | None, timeline: Timeline | None) -> Source:
    """The test table with its recordings, laid out as those of DATA; raises DataError where there are none."""
    if sequences is None:
        advice = "Give the recordings of the test table with --test-sequences"
        raise DataError("Test sequences", "given beside --test", name="test-sequences", got=None, advice=advice)
    return join_recordings(source, sequences, key, timeline)


def open_signals(name: str, arrays: Mapping[str, np.ndarray], timeline: Timeline | None = None) -> Source:
    """Signals of the NPZ file of this name, with the test rows that it brings; timeline: that of the file whose test
    file this is.

    Raises DataError where arrays do not fit together, or are of another shape than the timeline.
    """
    file = read_signal_arrays(arrays)
    signals = [file.array] if file.test_array is None else [file.array, file.test_array]
    tables = [file.table] if file.test is None else [file.table, file.test]
    wanted = timeline or file.timeline
    for array in signals:
        if array.shape[1:] != (wanted.steps, len(wanted.variables)):
            advice = "Sample all signals alike"
            expected = f"{wanted.steps} steps of {len(wanted.variables)} variables"
            raise DataError(
                "Signals", expected, name="shape", got=f"{array.shape[1]} x {array.shape[2]}", advice=advice
            )
    found = from_signals(np.concatenate(signals), wanted, file.notes, fresh=timeline is None)
    table = pl.concat(tables, how="vertical_relaxed")
    if len(tables) > 1 and timeline is None:
        parts = [p for part, t in zip(("train", "test"), tables, strict=True) for p in [part] * t.height]
        table = table.with_columns(pl.Series(PART, parts))
    group = None if {"patient", "group", "subject"} & set(table.columns) else "none"
    default = Choices(targets=(file.target,) if file.target else (), group=group)
    return with_recordings(Source(name=name, table=table, default=default), found)


def with_recordings(source: Source, found: Recordings) -> Source:
    """The source with its recordings, and their engineered features as further columns of its table."""
    taken = [n for n in found.summaries.columns if n in source.table.columns]
    if taken:
        advice = "Rename the column of the table"
        raise DataError("Column of the table", "of another name than a feature", column=taken[0], advice=advice)
    declared: Declared = {
        s.name: {"role": "numeric", "known": "stay", "reason": ENGINEERED} for s in found.summaries if _varies(s)
    }
    rows = pl.int_range(found.summaries.height, dtype=pl.Int64, eager=True).alias(ARRAY_ROW)
    return replace(
        source,
        table=source.table.hstack(found.summaries).with_columns(rows),
        signals=Signals("recording", found.channels, unscaled_channels(found.timeline), found.timeline),
        declared={**source.declared, **declared},
        notes=(*source.notes, f"{LAID_OUT}{found.timeline.text}", *found.notes),
    )


LAID_OUT = "Recordings: "  # first words of the note of how they were
ENGINEERED = "of the recording, by hand"


def _varies(values: pl.Series) -> bool:
    return values.n_unique() > 1 + (values.null_count() > 0)


def joined_columns(columns: tuple[Column, ...], timeline: Timeline | None) -> tuple[Column, ...]:
    """Columns with what recordings add: which are engineered features, and that the key is none."""
    if timeline is None:
        return columns
    made = set(summary_names(timeline))
    own_words = {"engineered": True, "said": (), "proposed_missing": ()}  # a spread of 0 is one
    engineered = [c.model_copy(update=own_words) for c in columns if c.name in made]
    key = {"role": "identifier", "reason": "names the recording"}
    own = (c.model_copy(update=key) if c.name == timeline.key else c for c in columns if c.name not in made)
    return (*own, *engineered)
