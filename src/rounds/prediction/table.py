"""Predictions for a table of new patients, as a table: identifiers, prediction, and what stood out."""

import re
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from rounds.data.dataset import PART, Column, Role
from rounds.data.description import read_new, readings_of
from rounds.data.images.image_cache import NAMES_IMAGE, layout_of
from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.preparation.note import InputNote
from rounds.data.recordings.join import LAID_OUT, join_recordings, open_signals
from rounds.data.recordings.timeline import Timeline
from rounds.data.sources.array_file import read_arrays
from rounds.data.sources.source import Source
from rounds.data.tables.reading import TABLES, Readings, Table, read_table
from rounds.errors import DataError, RunFolderError
from rounds.files import existing_folder, write_whole
from rounds.foreign_files import parse_json, read_small
from rounds.prediction.image_variants import Augmented, check_way
from rounds.prediction.image_variants_record import kept_way
from rounds.prediction.model_folder import CHECKSUMS, load_predictor
from rounds.prediction.predictor import Predictor
from rounds.statistics.conformal import ConformalIntervals, read_intervals
from rounds.statistics.drift import drift_record
from rounds.statistics.training_profile import TrainingProfile, read_training_profile
from rounds.task import Task

MODEL, DATASET = "model", "dataset.json"
PASSED_THROUGH: tuple[Role, ...] = ("identifier", "group", "time")
OUT_SUFFIXES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class PredictionReport:
    """Predictions as a table, one row a patient in the order of the file.

    meaning: what the predictions are, in words; notes: what stood out in the new table; out: the file written;
    drift: columns whose patients are not like those of training, a line each.
    """

    table: pl.DataFrame
    meaning: str
    notes: tuple[InputNote, ...]
    out: Path | None
    drift: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self.table.height

    @property
    def lines(self) -> tuple[str, ...]:
        """What to tell a person: how many rows, of what, where to, and what stood out; counts only."""
        where = f", written to {self.out}" if self.out else ""
        first = f"{self.rows:,} rows predicted: {self.meaning}{where}."
        return (first, *self.drift, *(note.text for note in self.notes))


def predict_table(
    run: Path,
    source: Any,
    out: Path | None = None,
    members: bool = False,
    skip_bad: bool = False,
    sequences: Any = None,
    augment: str | None = None,
) -> PredictionReport:
    """Predicts a table of new patients with the model of a run folder, and writes CSV, TSV or Parquet to `out`.

    source: as for training, images too; skip_bad: leave out image files that cannot be read; sequences: recordings
    of its rows, where the model reads some; augment: look at every image again this way, if that helped on the run's
    validation images; members: a column for
    each member beside the average. A column that the table does not have counts as missing in every row, and is said.
    Numbers come with the limits that hold the run's share of new patients, where the run keeps such intervals.
    Raises RunFolderError (no model, damaged model), DataError (a table that cannot be read, other columns, a value of
    another type, `out` of an unknown kind).
    """
    _check_suffix(out)
    _refuse_overwriting(out, source, sequences)
    predictor = load_predictor(model_folder(run))
    new = read_source(source, predictor, skip_bad, sequences)
    inputs = new_inputs(new.table, predictor, read_date_references(run))
    way, said = None, ""
    if augment is not None:
        way, said = kept_way(run, check_way(augment, predictor.task, predictor.preparation.shape.array))
    report = _report(predictor, New(inputs, new.array, new.notes), (out, members, way), run)
    return replace(report, drift=(said, *report.drift)) if said else report


def _refuse_overwriting(out: Path | None, *given: Any) -> None:
    """Raises DataError where predictions would take the place of the patients they are made for."""
    files = [Path(one) for one in given if isinstance(one, str | Path)]
    if out is not None and out.exists() and any(file.exists() and file.samefile(out) for file in files):
        raise DataError("Output file", "another file than DATA", name="out", got=str(out), advice="Choose another name")


def new_inputs(table: pl.DataFrame, predictor: Predictor, references: dict[str, str]) -> pl.DataFrame:
    """The table with its feature columns read as in training: missing codes, codes as text, days from dates.

    references: date columns that other dates are counted from. Raises DataError where a value is of another type.
    """
    names = predictor.preparation.columns
    absent = [name for name in names if name not in table.columns and name not in references]
    filled = table.with_columns(pl.lit(None).alias(name) for name in absent)
    return read_new(filled, predictor.columns, references).drop(absent)


def read_date_references(run: Path) -> dict[str, str]:
    """From a run's dataset.json; a model folder alone has none.

    Raises RunFolderError where the file is damaged.
    """
    path = run / DATASET
    if not path.is_file():
        return {}
    try:
        return dict(parse_json(read_small(path)).get("references", {}))
    except (ValueError, TypeError, AttributeError):
        advice = "Copy the run folder again from where it was whole"
        raise RunFolderError("Run file", "whole", file=str(path), advice=advice) from None


class New(NamedTuple):
    """A table of new patients, and the images or recordings that its column ARRAY_ROW names (None: a table alone)."""

    table: pl.DataFrame
    array: ArrayInput | None = None
    notes: tuple[str, ...] = ()


def read_source(source: Any, predictor: Predictor, skip_bad: bool = False, sequences: Any = None) -> New:
    """New patients as a predictor wants to read them: a file, the name of a built-in set, a frame, a folder of images.

    Images are resized as those of training were. Raises as `read_table`.
    """
    said, array = readings_of(predictor.columns), predictor.preparation.array
    if (timeline := predictor.preparation.timeline) is not None:
        return _recorded(source, said, timeline, sequences)
    if sequences is not None:
        advice = "Leave --sequences out, or predict with a run that was trained on recordings"
        raise DataError("Model", "one that reads recordings", name="sequences", got=str(sequences), advice=advice)
    if array is None and not (isinstance(source, str) and not Path(source).suffix):
        return _of_table(read_table(source, said))
    from rounds.data.choices import Choices, ImageChoices
    from rounds.data.loading import open_source

    layout = None if array is None else layout_of(array.shape, array.dtype)
    named = next((c.name for c in predictor.columns if c.reason == NAMES_IMAGE), None)
    column = named if isinstance(source, str | Path) and Path(source).suffix.lower() in TABLES else None
    choices = Choices(pictures=ImageChoices(column, skip_bad=skip_bad))
    found = open_source(source, said, choices, layout)
    return New(found.table.drop(PART, strict=False), found.signals.array)


def _of_table(read: Table) -> New:
    return New(read.frame, notes=read.how.sentences)


def _recorded(source: Any, said: Readings, timeline: Timeline, sequences: Any) -> New:
    """New subjects with their recordings, laid out as in training."""
    if timeline.key and sequences is None:
        advice = f"Give the recordings of its rows with --sequences; {timeline.key} names them"
        raise DataError("Recordings", "given beside DATA", name="sequences", got=None, advice=advice)
    if timeline.key:
        table = read_table(source, said)
        found = join_recordings(
            Source("new", table.frame, notes=table.how.sentences), sequences, timeline.key, timeline
        )
    elif Path(source).suffix or Path(source).exists():
        found = open_signals(Path(source).name, read_arrays(Path(source)), timeline)
    else:
        from rounds.data.loading import open_source

        found = open_source(source)
    return New(found.table, found.signals.array, tuple(note for note in found.notes if not note.startswith(LAID_OUT)))


def _report(
    predictor: Predictor, new: New, wanted: tuple[Path | None, bool, Augmented | None], run: Path
) -> PredictionReport:
    (out, members, way), table = wanted, new.table
    made = predictor.predict(table, members, new.array, way)
    columns = prediction_columns(predictor.task, made.values)
    intervals = read_intervals(run)
    columns |= interval_columns(predictor.task, intervals, made.values) if intervals else {}
    for number, values in enumerate(made.members if made.members is not None else ()):
        each = prediction_columns(predictor.task, values)
        columns |= {f"{name}_member_{number}": column for name, column in each.items()}
    passed = [name for name in passed_through(predictor.columns, table) if name not in columns]
    predicted = table.select(passed).with_columns(**columns) if passed else pl.DataFrame(columns)
    if out is not None:
        write_table(out, predicted)
    drift = drift_warnings(read_training_profile(run), table, predictor.columns)
    return PredictionReport(predicted, describe_prediction(predictor), made.notes, out, (*new.notes, *drift))


def interval_columns(task: Task, intervals: ConformalIntervals, values: np.ndarray) -> dict[str, pl.Series]:
    """Limits of each predicted number, such as los_low and los_high.

    >>> days = Task(kind="regression", targets=("los",))
    >>> made = ConformalIntervals(level=0.9, scale="unit", below=(1.0,), above=(2.0,), patients=99)
    >>> {name: column.to_list() for name, column in interval_columns(days, made, np.array([[5.0]])).items()}
    {'los_low': [4.0], 'los_high': [7.0]}
    """
    low, high = intervals.limits(values)
    sides = (("low", low), ("high", high))
    return {f"{name}_{side}": pl.Series(x[:, t]) for t, name in enumerate(task.targets) for side, x in sides}


def drift_warnings(
    profile: TrainingProfile | None, table: pl.DataFrame, columns: tuple[Column, ...]
) -> tuple[str, ...]:
    """A line for each column that moved; none where patients are too few, or training left no reference."""
    group = next((c.name for c in columns if c.role == "group" and c.name in table.columns), None)
    rows = pl.Series(np.arange(table.height))
    patients = (rows if group is None else table[group].rank("dense").fill_null(0)).to_numpy()
    record = drift_record(profile, table, patients)
    return tuple(column.text for column in record.columns if column.text)


def prediction_columns(task: Task, values: np.ndarray) -> dict[str, pl.Series]:
    """Columns by name from predictions [N, T] (multiclass [N, classes]).

    >>> binary = Task(kind="binary", targets=("death",), classes=("no", "yes"))
    >>> {name: column.to_list() for name, column in prediction_columns(binary, np.array([[0.25]])).items()}
    {'probability': [0.25]}
    """
    if task.kind == "binary":
        return {"probability": pl.Series(values[:, 0])}
    if task.kind == "multiclass":
        likeliest = pl.Series([task.classes[i] for i in values.argmax(axis=1)], dtype=pl.String)
        return {"class": likeliest} | {f"probability_{c}": pl.Series(values[:, i]) for i, c in enumerate(task.classes)}
    form = "probability_{}" if task.kind == "multilabel" else "{}_predicted"
    return {form.format(target): pl.Series(values[:, i]) for i, target in enumerate(task.targets)}


def describe_prediction(predictor: Predictor) -> str:
    """What the predictions are: "probability of death = yes", "mean of los in days"."""
    task, statistic = predictor.task, predictor.target_scale.statistic
    if task.kind == "binary":
        return f"{statistic} of {task.targets[0]} = {task.classes[1]}"
    shown = ", ".join(task.targets[:5]) + (", ..." if len(task.targets) > 5 else "")
    words = {"rate": "expected count"}.get(statistic, statistic)
    return f"{words} of {shown}" + (f" in {task.unit}" if task.unit else "")


def passed_through(columns: tuple[Column, ...], table: pl.DataFrame) -> list[str]:
    """Columns of the new table that say whose row it is, in the order of the training file."""
    return [c.name for c in columns if c.role in PASSED_THROUGH and c.name in table.columns]


def model_folder(run: Path) -> Path:
    """The model folder of a run folder; a model folder itself is taken as it is.

    Raises RunFolderError where there is none.
    """
    if not run.is_dir():
        advice = "Check the path, or train first with `rounds train`"
        raise RunFolderError("Run folder", "a folder that exists", name="run", got=str(run), advice=advice)
    if (run / CHECKSUMS).is_file():
        return run
    if not existing_folder(run / MODEL).is_dir():
        advice = "Finish the run first: repeat its `rounds train` with --resume"
        raise RunFolderError("Run folder", "one with a model", name="run", got=str(run), advice=advice)
    return run / MODEL


def write_table(out: Path, table: pl.DataFrame) -> None:
    """Writes CSV, TSV or Parquet by the ending of `out`, whole or not at all.

    Raises DataError for another ending, RunFolderError where the place cannot be written.
    """
    _check_suffix(out)
    buffer = BytesIO()
    if out.suffix == ".parquet":
        table.write_parquet(buffer)
    else:
        without_formulas(table).write_csv(buffer, separator="\t" if out.suffix == ".tsv" else ",")
    write_whole(out, buffer.getvalue())


def without_formulas(table: pl.DataFrame) -> pl.DataFrame:
    """The table as text that a spreadsheet reads and does not run: what begins as a formula stands behind an apostrophe
    (OWASP, CSV injection). Numbers stay as they are.

    >>> without_formulas(pl.DataFrame({"id": ["=cmd()", "-5", "A1", "@SUM(A1)"]}))["id"].to_list()
    ["'=cmd()", '-5', 'A1', "'@SUM(A1)"]
    """
    quoted = [
        pl.when(pl.col(n).str.contains(_FORMULA) & ~pl.col(n).str.contains(_SIGNED_NUMBER))
        .then("'" + pl.col(n))
        .otherwise(pl.col(n))
        .alias(n)
        for n, dtype in table.schema.items()
        if dtype == pl.String
    ]
    names = {n: f"'{n}" for n in table.columns if re.match(_FORMULA, n)}
    return table.with_columns(quoted).rename(names)


_FORMULA = r"^[=+\-@\t\r]"
_SIGNED_NUMBER = r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$"


def _check_suffix(out: Path | None) -> None:
    if out is not None and out.suffix not in OUT_SUFFIXES:
        advice = f"End its name in {', '.join(OUT_SUFFIXES)}"
        raise DataError("Output file", "CSV, TSV or Parquet", name="out", got=str(out), advice=advice)
