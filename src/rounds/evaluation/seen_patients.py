"""Whether new patients were in the training table: marks that can be compared, and not read back.

seen.parquet   mark (uint64), what ("patient" where the table has a patient column, "row": its feature values),
               part ("development" or "test")

A mark is a keyed hash: it is the same for the same patient of the same training table, and says nothing by itself.
Whoever holds both the run folder and a list of all possible identifiers can still try them one by one, so that a run
folder is no anonymous file.
"""

from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from rounds.data.dataset import Dataset, Split
from rounds.data.preparation.array_scale import marked
from rounds.errors import RunFolderError
from rounds.evaluation.record import Overlap
from rounds.run_folder.evidence import Counted

SEEN = "seen.parquet"
_BYTES = 8
_MISSING = "\0missing"  # a text that no cell can hold


def seen_frame(dataset: Dataset, split: Split) -> pl.DataFrame:
    """(mark, what, part) of every patient and of every row that learned or judged; for a run folder's seen.parquet."""
    part = np.full(dataset.rows, "", object)
    part[split.development], part[split.test] = "development", "test"
    used = np.flatnonzero(part != "")
    inputs = marked(dataset.inputs[used], dataset.signals.array, dataset.signals.modality)
    frames = [_marked(row_marks(inputs, dataset.provenance.content_hash), "row", part[used])]
    if dataset.cohort.group is not None:
        people = dataset.cohort.identifiers[dataset.cohort.group][used]
        frames.append(_marked(patient_marks(people, dataset.provenance.content_hash), "patient", part[used]))
    return pl.concat(frames)


def _marked(marks: np.ndarray, what: str, part: np.ndarray) -> pl.DataFrame:
    """Sorted, so that the order of the training table cannot be reconstructed."""
    frame = pl.DataFrame({"mark": marks, "what": [what] * len(marks), "part": part.tolist()})
    return frame.unique().sort("mark", "part")


def patient_marks(patients: pl.Series, key: str) -> np.ndarray:
    """[N] uint64 of patient identifiers, the same for 17, 17.0 and "17".

    >>> bool((patient_marks(pl.Series([17, 4]), "k") == patient_marks(pl.Series(["17", "4"]), "k")).all())
    True
    """
    return _text_marks(_plain(patients), key)


def _plain(values: pl.Series) -> pl.Series:
    if values.dtype.is_float() and bool((values == values.round(0)).all()):
        values = values.cast(pl.Int64)
    return values.cast(pl.String)


def row_marks(inputs: pl.DataFrame, key: str) -> np.ndarray:
    """[N] uint64 of the feature values of each row, columns by name in any order."""
    total = np.zeros(inputs.height, np.uint64)
    for name in sorted(inputs.columns):
        salt = f"{key}/{name}"
        total += _scrambled(_cells(inputs[name], salt))  # wraps round at 2^64
    return _scrambled(total)


def _cells(values: pl.Series, key: str) -> np.ndarray:
    if values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null):
        # Float32 and Float64 of one value agree where both were read from the same digits
        numbers = values.cast(pl.Float64).cast(pl.Float32).fill_null(float("nan")).to_numpy() + np.float32(0.0)
        bits = np.where(np.isnan(numbers), np.uint32(0x7FC00000), numbers.view(np.uint32)).astype(np.uint64)
        return bits ^ np.uint64(_digest("number", key))
    return _text_marks(values.cast(pl.String), key)


def _text_marks(values: pl.Series, key: str) -> np.ndarray:
    """One hash for each different text, taken to every row that holds it."""
    filled = values.fill_null(_MISSING)
    texts = filled.unique()
    marks = pl.Series([_digest(text, key) for text in texts.to_list()], dtype=pl.UInt64)
    return filled.replace_strict(texts, marks, return_dtype=pl.UInt64).to_numpy()


def _digest(text: str, key: str) -> int:
    return int.from_bytes(blake2b(f"{key}\0{text}".encode(), digest_size=_BYTES).digest(), "big")


def _scrambled(bits: np.ndarray) -> np.ndarray:
    """The finalizer of splitmix64 (Steele et al. 2014): every bit moves every other."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def read_seen(run: Path) -> pl.DataFrame | None:
    """A run's seen.parquet, or None where the run keeps none; raises RunFolderError where it is damaged."""
    path = run / SEEN
    if not path.is_file():
        return None
    try:
        frame = pl.read_parquet(path)
        return frame.select("mark", "what", "part")
    except (pl.exceptions.PolarsError, OSError):
        advice = "Copy the run folder again from where it was whole"
        raise RunFolderError("Run file", "whole", file=str(path), advice=advice) from None


def overlap_record(seen: pl.DataFrame, inputs: pl.DataFrame, patients: pl.Series | None, key: str) -> Overlap:
    """Rows and patients of the new table that the training table held, beside which part they were in.

    what: "patient" where both tables name patients, else "row" (the same feature values: twins and copies too).
    """
    what, marks = _new_marks(seen, inputs, patients, key)
    inside = {part: np.isin(marks, _known_marks(seen, what, part)) for part in ("development", "test")}
    counts = {
        part: Counted(rows=int(rows.sum()), patients=len(np.unique(marks[rows]))) for part, rows in inside.items()
    }
    return Overlap(judged=True, compared=what, development=counts["development"], test=counts["test"])


def overlapping_rows(seen: pl.DataFrame, inputs: pl.DataFrame, patients: pl.Series | None, key: str) -> np.ndarray:
    """[N] bool: rows of patients (else: rows with the values) that the networks may have learned from."""
    what, marks = _new_marks(seen, inputs, patients, key)
    return np.isin(marks, _known_marks(seen, what, "development"))


def _new_marks(
    seen: pl.DataFrame, inputs: pl.DataFrame, patients: pl.Series | None, key: str
) -> tuple[str, np.ndarray]:
    if patients is not None and (seen["what"] == "patient").any():
        return "patient", patient_marks(patients, key)
    return "row", row_marks(inputs, key)


def _known_marks(seen: pl.DataFrame, what: str, part: str) -> np.ndarray:
    return seen.filter((pl.col("what") == what) & (pl.col("part") == part))["mark"].to_numpy()
