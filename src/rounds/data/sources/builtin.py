"""Sets of patients that need no file: scikit-learn's, and simulated ones."""

from collections.abc import Callable
from typing import Any

import polars as pl

from rounds.data.choices import Choices
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.data.sources.source import Declared, Source
from rounds.errors import DataError

MOST_ROWS = 10_000_000  # of a simulated set: more than fit into the memory of a workstation beside a network


def load_builtin(name: str) -> Source:
    """A built-in set; "admissions:20000" gives the simulated hospital so many rows, and so for all simulated sets."""
    base, _, size = name.partition(":")
    if size and (base not in SIMULATED or not size.isdecimal() or not 1 <= int(size) <= MOST_ROWS):
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


def _diabetes() -> Source:
    """442 patients, disease progression one year after baseline (Efron et al. 2004)."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    units = {"age": "years", "bmi": "kg/m2", "bp": "mmHg", "s1": "mg/dL", "s2": "mg/dL", "s3": "mg/dL", "s6": "mg/dL"}
    table = _frame(bunch).with_columns((pl.col("sex") == 2).alias("sex"))
    declared = {**_known(table, units), "progression": {"unit": "points"}}
    notes = ("442 patients of Efron et al. 2004 (Annals of Statistics 32), as scikit-learn ships them",)
    return Source(
        "diabetes",
        table.with_columns(progression=pl.Series(bunch.target)),
        declared,
        Choices(targets=("progression",), kind="regression", group="none"),
        notes=notes,
    )


def _breast_cancer() -> Source:
    """569 patients, malignant or benign from a fine needle aspirate (Wolberg et al. 1995)."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    table = _frame(bunch)
    diagnosis = pl.Series(["malignant" if t == 0 else "benign" for t in bunch.target])
    notes = ("569 patients of Wolberg et al. 1995 (UCI, Wisconsin diagnostic), as scikit-learn ships them",)
    return Source(
        "breast_cancer",
        table.with_columns(diagnosis=diagnosis),
        _known(table),
        Choices(targets=("diagnosis",), kind="binary", positive="malignant", group="none"),
        notes=notes,
    )


def _digits() -> Source:
    """1,797 handwritten digits of 8 x 8 pixels: ten classes, no patients, for trying multiclass out."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    table = _frame(bunch)
    digit = pl.Series(bunch.target.astype(str))
    declared: Declared = {n: {"known": "admission", "role": "numeric"} for n in table.columns}
    return Source(
        "digits",
        table.with_columns(digit=digit),
        declared,
        Choices(targets=("digit",), kind="multiclass", group="none"),
        notes=("handwritten digits (UCI), no patients",),
    )


def _admissions(rows: int = 6_000) -> Source:
    from rounds.data.sources.simulated_hospital import DECLARED, NOTE, simulate_admissions

    return Source(
        "admissions (simulated)",
        simulate_admissions(rows).table,
        DECLARED,
        Choices(targets=("length_of_stay",), kind="regression", group="patient_id"),
        simulated=True,
        notes=(NOTE,),
    )


def _xrays(rows: int = 400) -> Source:
    from rounds.data.images.engineered_features import with_features
    from rounds.data.sources.simulated_signals import NOTE_OF_IMAGES, simulate_images

    table, images = simulate_images(rows)
    made = Source(
        "xrays (simulated)",
        table.with_columns(pl.int_range(rows, dtype=pl.Int64).alias(ARRAY_ROW)),
        {"age": {"known": "admission", "unit": "years"}},
        Choices(targets=("finding",), kind="binary", positive="opacity", group="patient"),
        simulated=True,
        notes=(NOTE_OF_IMAGES,),
        signals=Signals("image", images),
    )
    return with_features(made)


def _vital_signs(rows: int = 600) -> Source:
    from rounds.data.recordings.assemble import from_signals
    from rounds.data.recordings.join import with_recordings
    from rounds.data.recordings.timeline import Timeline
    from rounds.data.sources.simulated_signals import HOURS, NOTE_OF_RECORDINGS, SIGNS, simulate_recordings

    table, signs = simulate_recordings(rows)
    source = Source(
        "vital_signs (simulated)",
        table,
        {"age": {"known": "admission", "unit": "years"}},
        Choices(targets=("died",), kind="binary", positive="true", group="patient"),
        simulated=True,
        notes=(NOTE_OF_RECORDINGS,),
    )
    timeline = Timeline(variables=SIGNS, step=1.0, steps=HOURS, unit="hours", signal=True)
    return with_recordings(source, from_signals(signs, timeline))


SIMULATED = ("admissions", "xrays", "vital_signs")
BUILTIN: dict[str, Callable[..., Source]] = {
    "diabetes": _diabetes,
    "breast_cancer": _breast_cancer,
    "digits": _digits,
    "admissions": _admissions,
    "xrays": _xrays,
    "vital_signs": _vital_signs,
}
