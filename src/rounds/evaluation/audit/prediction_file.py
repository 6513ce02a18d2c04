"""A table of predictions that any framework wrote, read for an audit: outcomes, scores, patients, parts, subgroups."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.data.cohort.outcomes import class_labels, same_level
from rounds.data.cohort.positive_class import names_a_case, positive_class
from rounds.data.tables.reading import HowRead
from rounds.data.tables.values import as_numbers
from rounds.errors import DataError, nearest
from rounds.evaluation.outcomes import labels_of
from rounds.statistics.subgroups import MOST_GROUPS, default_subgroups
from rounds.task import Task

# Names that a column may have without being named by an option, in any case; the first is the one that is asked for.
NAMES = {
    "label": (
        *("label", "y", "y_true", "target", "outcome", "observed", "truth", "ground_truth", "true_label", "actual"),
        *("label_true", "event", "class", "gold", "reference"),
    ),
    "score": (
        *(
            "score",
            "probability",
            "y_prob",
            "y_score",
            "y_pred",
            "predicted",
            "prediction",
            "prob",
            "proba",
            "p",
            "risk",
        ),
        *("y_hat", "yhat", "pred", "predicted_probability", "predicted_risk", "pred_prob", "p_hat", "probability_1"),
    ),
    "patient": (
        *("patient", "patient_id", "patientid", "subject", "subject_id", "subjectid", "mrn", "pid", "person_id"),
        *("participant", "participant_id", "patient_number", "pat_id", "study_id"),
    ),
    "split": ("split", "part", "subset", "set", "partition", "dataset", "cohort"),
}
NEEDED = ("label", "score")
# What the part is called whose scores count, best first; where none is there, all rows count as one part.
JUDGING = ("test", "testing", "holdout", "hold-out", "held-out", "external", "valid", "validation", "val", "dev")
LEARNING = ("train", "training", "learn", "learning", "development", "derivation", "discovery", "internal")


@dataclass(frozen=True)
class PredictionFile:
    """Rows with an outcome and a score. targets, scores [N, 1] float64; patients [N] one code a row; split [N] texts,
    None where there is no such column; columns: the one of the file for each of NAMES that was found; notes: how their
    cells were read, in sentences.
    """

    task: Task
    table: pl.DataFrame
    targets: np.ndarray
    scores: np.ndarray
    patients: np.ndarray
    split: np.ndarray | None
    columns: Mapping[str, str]
    left_out: int
    notes: tuple[str, ...] = ()

    @property
    def learned(self) -> np.ndarray:
        """[N] bool: rows of the part that was learned from."""
        return self._named(LEARNING)

    @property
    def judging(self) -> str:
        """Name of the part whose scores count, "" where all rows do."""
        if self.split is None:
            return ""
        present = {name.lower(): name for name in np.unique(self.split).tolist()}
        return next((present[name] for name in JUDGING if name in present), "")

    @property
    def judged(self) -> np.ndarray:
        """[N] bool: rows that judge; those not learned from where no part has a name that says it judges."""
        if self.split is not None and self.judging:
            return np.asarray(self.split == self.judging)
        rest = ~self.learned
        return rest if rest.any() else np.ones(len(self.targets), bool)

    def _named(self, names: tuple[str, ...]) -> np.ndarray:
        if self.split is None:
            return np.zeros(len(self.targets), bool)
        return np.array([name.lower() in names for name in self.split.tolist()])

    @property
    def subgroup_columns(self) -> list[str]:
        """Sex and age where recognised, and every other column of few levels."""
        rest = [n for n in self.table.columns if n not in self.columns.values()]
        known = default_subgroups(rest)
        few = [n for n in rest if n not in known and 1 < self.table[n].n_unique() <= MOST_GROUPS]
        return [*known, *few]


def named_predictions(
    table: pl.DataFrame, named: Mapping[str, str | None], positive: str | None, how: HowRead | None = None
) -> PredictionFile:
    """The table's columns by their usual names or by `named` (label, score, patient, split -> column).

    positive: label of the positive class; how: the table's cells were read. Raises DataError where label or score is
    not there, no row has both, labels are neither two classes nor numbers, or a score of two classes is no
    probability (names the row).
    """
    columns, how = _found(table, named), how or HowRead()
    used = set(columns.values())
    table = table.drop(name for name, origin in how.made_from.items() if origin in used)
    notes = tuple(note.sentence for note in how.notes if note.column in used)
    known = _present(table[columns["label"]]) & _present(table[columns["score"]])
    kept = table.filter(pl.Series(known))
    if not kept.height:
        advice = "Fill in both columns"
        raise DataError("Predictions", "rows with label and score", name="rows", got=0, advice=advice)
    index = np.flatnonzero(known)
    task, targets = _targets(kept[columns["label"]], positive)
    score = kept[columns["score"]]
    if task.kind == "binary" and how.units.get(columns["score"]) == "%":
        score, notes = score / 100, (*notes, f"{columns['score']}: percentages read as probabilities.")
    scores = _scores(score, task, index)
    patients = _patients(kept, columns.get("patient"))
    split = _parts(kept[columns["split"]]) if "split" in columns else None
    left_out = int((~known).sum())
    return PredictionFile(task, kept, targets[:, None], scores[:, None], patients, split, columns, left_out, notes)


def _parts(values: pl.Series) -> np.ndarray:
    """Names of parts in one spelling: Train, TRAIN and "train " are one."""
    return labels_of(values).str.strip_chars().str.to_lowercase().replace("", None).fill_null("missing").to_numpy()


def _found(table: pl.DataFrame, named: Mapping[str, str | None]) -> dict[str, str]:
    present = {name.strip().lower(): name for name in table.columns}
    found = {}
    for what, names in NAMES.items():
        asked = named.get(what)
        if asked is not None and asked not in table.columns:
            hint = nearest(asked, table.columns)
            raise DataError(what.capitalize(), "a column of the table", name=what, got=asked, advice=hint)
        column = asked or next((present[name] for name in names if name in present), None)
        if column is not None:
            found[what] = column
    if missing := [what for what in NEEDED if what not in found]:
        shown = ", ".join(table.columns[:20])
        advice = f"Name them: {' '.join(f'--{what} COLUMN' for what in missing)}"
        wanted = f"a table with {' and '.join(f'a column {what}' for what in missing)}"
        raise DataError("Predictions", wanted, name="columns", got=shown, advice=advice)
    return found


def _present(values: pl.Series) -> np.ndarray:
    known = values.is_not_null()
    return (known & values.is_not_nan() if values.dtype.is_float() else known).to_numpy()


def _targets(labels: pl.Series, positive: str | None) -> tuple[Task, np.ndarray]:
    """Two classes (or one: all cases or all controls) are binary, other numbers regression."""
    texts = class_labels(labels)
    levels = sorted(texts.unique().to_list())
    positive = same_level(positive, levels)
    if positive is not None and positive not in levels:
        raise DataError(
            "Positive", f"a value of {labels.name}", name="positive", got=positive, advice=nearest(positive, levels)
        )
    if positive is not None or len(levels) <= 2:
        classes = _classes(dict(texts.value_counts().iter_rows()), positive)
        return Task(kind="binary", targets=(labels.name,), classes=classes), (texts == classes[1]).to_numpy().astype(
            float
        )
    x = as_numbers(labels)
    if np.isnan(x).any():
        shown = f"{len(levels)} texts such as {levels[0]}"
        advice = "Name the positive class with --positive, or audit one class against the rest at a time"
        raise DataError("Labels", "two classes or numbers", name="label", got=shown, advice=advice)
    return Task(kind="regression", targets=(labels.name,)), x


def _classes(rows: dict[str, int], positive: str | None) -> tuple[str, str]:
    """(negative, positive) names, of a label that has one or two values; rows: of each. As `rounds train` decides."""
    if positive is None and len(rows) == 1:
        alone = next(iter(rows))
        return (f"not {alone}", alone) if names_a_case(alone) else (alone, f"not {alone}")
    positive = positive or positive_class(rows).label
    others = [level for level in rows if level != positive]
    return (others[0] if len(others) == 1 else f"not {positive}"), positive


def _scores(values: pl.Series, task: Task, index: np.ndarray) -> np.ndarray:
    x = values.cast(pl.Float64, strict=False).to_numpy()
    wrong, expected = ~np.isfinite(x), "a finite number"
    advice = "Mend the cell, or name another column with --score"
    if task.kind == "binary":
        wrong, expected = ~((x >= 0) & (x <= 1)), "a probability in [0, 1]"
        advice = "Give probabilities, not log-odds, percentages or classes, or name another column with --score"
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        place = int(index[row]) + 2
        raise DataError("Score", expected, column=values.name, got=str(values[row]), row=place, advice=advice)
    return np.asarray(x, np.float64)


def _patients(table: pl.DataFrame, column: str | None) -> np.ndarray:
    """Codes of patients; every row is another one where no column says, or where its cell is empty."""
    if column is None:
        return np.arange(table.height, dtype=np.int64)
    codes = table[column].rank("dense").cast(pl.Int64)
    alone = pl.Series(np.arange(table.height, dtype=np.int64)) + table.height + 1  # above every code
    return codes.fill_null(alone).to_numpy()
