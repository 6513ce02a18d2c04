"""Sets of patients that need no file: scikit-learn's, and a simulated hospital."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import Modality
from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.recordings.timeline import Timeline
from rounds.data.tables.reading import HowRead
from rounds.errors import DataError
from rounds.foreign_files import JsonObject

MOST_ROWS = 10_000_000  # of the simulated hospital: more than fit into the memory of a workstation beside a network
Declared = dict[str, JsonObject]


@dataclass(frozen=True)
class Builtin:
    """A table with what is known of it: declared roles by column, and choices that hold where the user made none.

    array: images or recordings that the table's column ARRAY_ROW points into; masks: its channels that are 0 or 1;
    modality: what they are; left_out: files that could not be read, by name, and why (for the screen alone: names of
    files may be names of patients); timeline: of recordings; how: its columns were read.
    """

    name: str
    table: pl.DataFrame
    declared: Declared = field(default_factory=dict)
    default: Choices = field(default_factory=Choices)
    simulated: bool = False
    notes: tuple[str, ...] = ()
    array: ArrayInput | None = None
    masks: tuple[int, ...] = ()
    modality: Modality = "table"
    left_out: tuple[str, ...] = ()
    timeline: Timeline | None = None
    how: HowRead = field(default_factory=HowRead)

    def complete(self, choices: Choices) -> Choices:
        """The user's choices, with this set's own where the user made none."""
        if choices.targets and choices.targets != self.default.targets:
            return replace(choices, group=choices.group or self.default.group)
        return replace(
            choices,
            targets=choices.targets or self.default.targets,
            kind=choices.kind or self.default.kind,
            positive=choices.positive or self.default.positive,
            group=choices.group or self.default.group,
        )


def load_builtin(name: str) -> Builtin:
    """A built-in set; "admissions:20000" gives the simulated hospital so many rows."""
    base, _, size = name.partition(":")
    if size and (base != "admissions" or not size.isdecimal() or not 1 <= int(size) <= MOST_ROWS):
        expected = f"a name, or admissions:ROWS with at most {MOST_ROWS:,} rows"
        raise DataError("Built-in set", expected, name="data", got=name, advice="Write admissions:20000")
    made = BUILTIN[base]
    return made(int(size)) if size else made()


def builtin_names() -> tuple[str, ...]:
    """Names that DATA may be."""
    return tuple(BUILTIN)


def _frame(bunch: Any) -> pl.DataFrame:
    return pl.DataFrame(bunch.data, schema=[str(n).replace(" ", "_") for n in bunch.feature_names])


def _known(table: pl.DataFrame, units: dict[str, str] | None = None) -> Declared:
    return {n: {"known": "admission", "unit": (units or {}).get(n, "")} for n in table.columns}


def _diabetes() -> Builtin:
    """442 patients, disease progression one year after baseline (Efron et al. 2004)."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    units = {"age": "years", "bmi": "kg/m2", "bp": "mmHg", "s1": "mg/dL", "s2": "mg/dL", "s3": "mg/dL", "s6": "mg/dL"}
    table = _frame(bunch).with_columns((pl.col("sex") == 2).alias("sex"))
    declared = {**_known(table, units), "progression": {"unit": "points"}}
    notes = ("442 patients of Efron et al. 2004 (Annals of Statistics 32), as scikit-learn ships them",)
    return Builtin(
        "diabetes",
        table.with_columns(progression=pl.Series(bunch.target)),
        declared,
        Choices(targets=("progression",), kind="regression", group="none"),
        notes=notes,
    )


def _breast_cancer() -> Builtin:
    """569 patients, malignant or benign from a fine needle aspirate (Wolberg et al. 1995)."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    table = _frame(bunch)
    diagnosis = pl.Series(["malignant" if t == 0 else "benign" for t in bunch.target])
    notes = ("569 patients of Wolberg et al. 1995 (UCI, Wisconsin diagnostic), as scikit-learn ships them",)
    return Builtin(
        "breast_cancer",
        table.with_columns(diagnosis=diagnosis),
        _known(table),
        Choices(targets=("diagnosis",), kind="binary", positive="malignant", group="none"),
        notes=notes,
    )


def _digits() -> Builtin:
    """1,797 handwritten digits of 8 x 8 pixels: ten classes, no patients, for trying multiclass out."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    table = _frame(bunch)
    digit = pl.Series(bunch.target.astype(str))
    declared: Declared = {n: {"known": "admission", "role": "numeric"} for n in table.columns}
    return Builtin(
        "digits",
        table.with_columns(digit=digit),
        declared,
        Choices(targets=("digit",), kind="multiclass", group="none"),
        notes=("handwritten digits (UCI), no patients",),
    )


def _admissions(rows: int = 6_000) -> Builtin:
    from rounds.data.sources.simulated_hospital import DECLARED, NOTE, simulate_admissions

    return Builtin(
        "admissions (simulated)",
        simulate_admissions(rows).table,
        DECLARED,
        Choices(targets=("length_of_stay",), kind="regression", group="patient_id"),
        simulated=True,
        notes=(NOTE,),
    )


BUILTIN: dict[str, Callable[..., Builtin]] = {
    "diabetes": _diabetes,
    "breast_cancer": _breast_cancer,
    "digits": _digits,
    "admissions": _admissions,
}
