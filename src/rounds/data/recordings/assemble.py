"""Recordings of subjects on one grid of time steps, with engineered features beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.recordings.channels import channels_of, incomplete_variables
from rounds.data.recordings.engineered_features import summarise_measurements, summarise_signals
from rounds.data.recordings.measurements import Measurements, read_measurements, refuse_repeated_keys
from rounds.data.recordings.record_folder import has_records, read_signals
from rounds.data.recordings.timeline import Timeline, choose_steps
from rounds.data.tables.cells.reading import FileStyle
from rounds.errors import DataError, nearest

# A variable needs so many subjects to be learned from; rarer ones are left out and counted.
FEWEST_SUBJECTS = 20


@dataclass(frozen=True)
class Recordings:
    """channels: [N subjects, T steps, C] float32 as `channels_of`; summaries: [N] rows of engineered features; notes:
    what was left out, as counts."""

    channels: np.ndarray
    summaries: pl.DataFrame
    timeline: Timeline
    notes: tuple[str, ...]


def read_recordings(
    source: Any, table: pl.DataFrame, key: str, timeline: Timeline | None = None, style: FileStyle | None = None
) -> Recordings:
    """Recordings of the subjects of `table`, in its order.

    source: a table of measurements (long, or a column a variable), a folder of Parquet files, of text files (one a
    subject), or of WFDB or EDF records; key: the column that both share; timeline: of training, for new subjects (None:
    chosen from these); style: what the user says of how dates and decimals are written.
    Raises DataError where the key is missing or repeated, or a time or value cannot be read.
    """
    if key not in table.columns:
        advice = f"Name the column that both tables share. {nearest(key, table.columns)}"
        raise DataError("Key", "a column of DATA", name="key", got=key, advice=advice)
    subjects = table[key]
    refuse_repeated_keys(subjects)
    if isinstance(source, str | Path) and has_records(Path(source)):
        signals = read_signals(Path(source), subjects, timeline)
        return from_signals(signals.array, signals.timeline, signals.notes, fresh=timeline is None)
    measured = read_measurements(source, subjects, timeline, style)
    fresh = timeline is None
    timeline = timeline or choose_timeline(measured)
    array, notes = binned(measured.frame, timeline, len(subjects))
    timeline = with_incomplete(timeline, array) if fresh else timeline
    summaries = summarise_measurements(measured.frame, timeline, len(subjects))
    return Recordings(channels_of(array, timeline), summaries, timeline, (*measured.notes, *notes))


def from_signals(array: np.ndarray, timeline: Timeline, notes: tuple[str, ...] = (), fresh: bool = True) -> Recordings:
    """Evenly sampled recordings [N, T, V]; fresh: the timeline is not that of a training."""
    timeline = with_incomplete(timeline, array) if fresh else timeline
    return Recordings(channels_of(array, timeline), summarise_signals(array, timeline), timeline, notes)


def with_incomplete(timeline: Timeline, array: np.ndarray) -> Timeline:
    """The timeline of a training, which knows the variables that miss in some step."""
    return timeline.model_copy(update={"incomplete": incomplete_variables(array, timeline.variables)})


def choose_timeline(measured: Measurements) -> Timeline:
    """Variables that enough subjects have, in the order of their names; steps by the rhythm of measuring.

    Raises DataError where nothing is left.
    """
    frame = measured.frame
    counts = frame.group_by("variable").agg(pl.col("subject").n_unique())
    few = min(FEWEST_SUBJECTS, max(1, frame["subject"].n_unique() // 2))
    kept = counts.filter(pl.col("subject") >= few)["variable"].sort().to_list()
    if not kept:
        advice = "Look at --key: measurements need subjects that DATA has"
        raise DataError("Measurements", "some of these subjects", name="measurements", got=frame.height, advice=advice)
    step, steps, start = choose_steps(frame.filter(pl.col("variable").is_in(kept)))
    columns = measured.columns
    return Timeline(
        variables=tuple(kept),
        step=step,
        steps=steps,
        start=start,
        unit=measured.unit,
        units={v: u for v, u in measured.units.items() if v in set(kept)},
        key=columns.key,
        time=columns.time,
        day=columns.day,
        variable=columns.variable,
        value=columns.value,
        value_unit=columns.unit,
        readings=measured.readings,
    )


def binned(frame: pl.DataFrame, timeline: Timeline, subjects: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """[subjects, T, V] float32 mean of what was measured in each step, nan where nothing was; and what was left out."""
    known = frame.filter(pl.col("variable").is_in(list(timeline.variables)))
    strange = frame.height - known.height
    names = frame.filter(~pl.col("variable").is_in(list(timeline.variables)))["variable"].n_unique()
    placed = known.with_columns(
        step=((pl.col("time") - timeline.start) / timeline.step).floor().cast(pl.Int64),
        place=pl.col("variable").replace_strict(list(timeline.variables), list(range(len(timeline.variables)))),
    )
    inside = placed.filter(pl.col("step").is_between(0, timeline.steps - 1))
    cells = inside.group_by("subject", "step", "place").agg(pl.col("value").mean())
    array = np.full((subjects, timeline.steps, len(timeline.variables)), np.nan, np.float32)
    array[cells["subject"].to_numpy(), cells["step"].to_numpy(), cells["place"].to_numpy()] = cells["value"].to_numpy()
    early = int((placed["step"] < 0).sum())
    late = placed.height - inside.height - early
    texts = (
        (strange, f"{strange:,} measurements of {names:,} variables that are unknown or too rare: left out"),
        (early, f"{early:,} measurements before the first step: only in the engineered features"),
        (late, f"{late:,} measurements after the last of {timeline.steps} steps: only in the engineered features"),
    )
    return array, tuple(text for count, text in texts if count)
