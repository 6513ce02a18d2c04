"""Rules about rows and columns that tell a network what it will not know: leaks, before anything is trained."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from rounds.data.equal_rows import (
    CHANCE_COPIES,
    CHANCE_PAIRS,
    COPIES,
    EqualRows,
    beyond_chance,
    chance_pairs,
    column_keys,
    equal_pairs,
    row_keys,
)
from rounds.data.roles.guess import may_name_patients
from rounds.data.signals import ARRAY_ROW
from rounds.examination.data_rules.evidence import COLUMNS, DataEvidence
from rounds.examination.data_rules.similar_images import (
    LOOKS_THE_SAME,
    SIGNS,
    are_distinct,
    fingerprints,
    share_that_looks_known,
    signs_that_tell,
)
from rounds.examination.figure import Bars
from rounds.examination.finding import Evidence, NotApplicable, Seen, Severity, Threshold
from rounds.examination.rule import Judged, Rule

ALIKE = Threshold("rows of one identifier alike in outcome", 0.05, "share of the outcome's variance between them")
BY_CHANCE = Threshold("chance that they are no more alike than others", 0.001, "one-sided, analysis of variance")
BEYOND_CHANCE = Threshold("equal rows beyond chance", CHANCE_PAIRS, "expected pairs beside those found, at most")
COPIES_BEYOND_CHANCE = Threshold(
    "equal rows beyond chance, where they stand in pairs",
    CHANCE_COPIES,
    "expected pairs beside those found, at most",
    "set on digits of the ward (copied rows and none) and on made-up coarse tables, correlated and not",
    "measured",
)
IN_PAIRS = Threshold("copies", COPIES, "share of the repeated rows that stand in sets of two, at least")
_PARTS = {"test": "test", "validation": "validation", "judging": "judging folds"}
GRAVE_SHARE = 0.01  # of the rows judged on, from which repeated ones are an error
_ROW_NUMBERS = 0.98  # share of different values from which whole numbers name rows
_DATE_NUMBER = re.compile(r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")


def sides(evidence: DataEvidence) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(name, rows learned from, rows judged) of every cut that must not share a patient."""
    split = evidence.split
    cuts = [("test", split.development, split.test)] if len(split.test) else []
    for part in split.folds:
        cuts.append(("validation", np.setdiff1d(split.development, part), part))
    for repeat in split.outer:
        for part in repeat:
            cuts.append(("judging", np.setdiff1d(split.development, part), part))
    return cuts


def _patient_leak(evidence: DataEvidence) -> Judged:
    shared = {name: _shared(evidence.dataset.cohort.patients, cuts) for name, cuts in _by_name(evidence).items()}
    worst = {name: count for name, count in shared.items() if count}
    if worst:
        said = " and ".join(f"{count:,} in {name}" for name, count in worst.items())
        return Seen(
            "error",
            f"Patients are on both sides of the split: {said}.",
            {f"patients_shared_with_{name}": count for name, count in worst.items()},
            1.0,
        )
    return _unnamed_patients(evidence)


PATIENT_LEAK = Rule(
    "patient-leak",
    "Patients are on both sides of a split",
    "data",
    _patient_leak,
    how="Patients of every cut are compared; where every row counts as another patient, columns that look like a "
    "patient's number are, and whether their rows are alike in outcome.",
    why="A network that knows the patient is judged on memory, not on medicine.",
    remedies=("give the patient column with --group",),
    thresholds=(ALIKE, BY_CHANCE),
    refutes_score=True,
    place=10,
    check="No patient on two sides of the split",
    figures=(
        Bars(
            "Patients on both sides of the split",
            {f"patients_shared_with_{n}": f"shared with {said}" for n, said in _PARTS.items()},
            some=True,
        ),
        Bars("Share of the outcome's variance", {"variance_between_share": "between values of the column"}, ALIKE),
    ),
)


def _by_name(evidence: DataEvidence) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, learned, judged in sides(evidence):
        found.setdefault(name, []).append((learned, judged))
    return found


def _shared(codes: np.ndarray, cuts: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """Most codes that stand on both sides of a cut."""
    return max(len(np.intersect1d(codes[learned], codes[judged])) for learned, judged in cuts)


def _unnamed_patients(evidence: DataEvidence) -> Judged:
    """Rows were taken for different patients: does a column say otherwise?"""
    dataset = evidence.dataset
    if dataset.cohort.group is not None:
        return None
    frame = pl.concat([dataset.cohort.identifiers, evidence.inputs, evidence.unused], how="horizontal")
    repeated = [name for name in frame.columns if may_name_patients(frame[name])]
    for name in repeated:
        codes = frame[name].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
        count = max(_shared(codes, cuts) for cuts in _by_name(evidence).values())
        outcome = dataset.targets[:, 0].astype(float)
        alike = alike_within(codes, outcome)
        if count:
            return Seen(
                "error" if alike >= ALIKE.value and alike_by_chance(codes, outcome) < BY_CHANCE.value else "warning",
                f"Every row counts as another patient, but {name} repeats: {count:,} of its values are on both sides "
                f"of a split, and {max(alike, 0):.0%} of the outcome's variance lies between its values.",
                {"column": name, "values_on_both_sides": count, "variance_between_share": alike},
                0.9,
            )
    if not any(c.role == "identifier" for c in dataset.columns) and not repeated:
        return NotApplicable("no column names patients: every row counts as another one, which cannot be checked")
    return None


def alike_within(codes: np.ndarray, outcome: np.ndarray) -> float:
    """Intraclass correlation of the outcome within codes, by one-way analysis of variance (Fisher 1925).

    >>> round(alike_within(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 5.0, 5.0])), 2)
    1.0
    """
    between, within, count = _variances(codes, outcome)
    size = (len(codes) - (count**2).sum() / len(codes)) / max(len(count) - 1, 1)
    return float((between - within) / (between + (size - 1) * within)) if between > 0 else 0.0


def alike_by_chance(codes: np.ndarray, outcome: np.ndarray) -> float:
    """Chance that rows of one code are as alike as that where codes mean nothing, by the F test.

    >>> alike_by_chance(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 5.0, 5.0]))
    0.0
    """
    from scipy.stats import f

    between, within, count = _variances(codes, outcome)
    if between <= 0 or within <= 0:
        return float(between <= 0)
    return float(f.sf(between / within, len(count) - 1, len(codes) - len(count)))


def _variances(codes: np.ndarray, outcome: np.ndarray) -> tuple[float, float, np.ndarray]:
    """(Mean square between codes and within them, 0 where there is one code or none repeats; rows of each code)."""
    _, owner, count = np.unique(codes, return_inverse=True, return_counts=True)
    rows, groups = len(codes), len(count)
    if groups in (1, rows):
        return 0.0, 0.0, count
    means = np.bincount(owner, outcome) / count
    between = (count * (means - outcome.mean()) ** 2).sum() / (groups - 1)
    return float(between), float(((outcome - means[owner]) ** 2).sum() / (rows - groups)), count


def _duplicate_rows(evidence: DataEvidence) -> Judged:
    return _alike_images(evidence) or _equal_rows(evidence)


DUPLICATE_ROWS = Rule(
    "duplicate-rows",
    "Rows stand on both sides of a split",
    "data",
    _duplicate_rows,
    how="Rows of different patients, equal in all columns and outcomes. Rounds keeps them on one side of its own "
    "splits, and says how many they are; of a split that was given, those on both sides, far more than chance would "
    "give; "
    "images that look the same by a difference hash, whatever their outcome, where images differ enough.",
    why="What was learned by heart is judged again.",
    remedies=("remove the duplicates from the table", "give the patient column with --group"),
    thresholds=(BEYOND_CHANCE, COPIES_BEYOND_CHANCE, IN_PAIRS, LOOKS_THE_SAME),
    place=20,
    check="No rows repeated across the split",
    figures=(
        Bars("Pairs of equal rows", {"equal_pairs": "found", "expected_pairs": "expected by chance"}),
        Bars("Rows of different patients that are equal", {"rows": "rows", "sets": "sets they make"}),
        Bars(
            "Share of the images judged on",
            {f"share_of_{n}_rows": f"look known: {said}" for n, said in _PARTS.items()},
            some=True,
        ),
    ),
)


def _alike_images(evidence: DataEvidence) -> Seen | None:
    """Images that look like one learned from, equal ones too; None where there are none, or all look alike."""
    signals = evidence.dataset.signals
    array = signals.array
    if array is None or signals.modality != "image" or ARRAY_ROW not in evidence.dataset.inputs.columns:
        return None
    fingerprint = fingerprints(array)[evidence.dataset.inputs[ARRAY_ROW].to_numpy()]
    telling = signs_that_tell(array)
    if not are_distinct(fingerprint, telling):
        return None
    worst = _shares(evidence, lambda cut: share_that_looks_known(fingerprint, cut, telling))
    if not worst:
        return None
    name, share = max(worst.items(), key=lambda item: item[1])
    return Seen(
        _gravity(evidence, worst),
        f"{share:.1%} of the {name} images look like one that is also learned from: at most "
        f"{telling * LOOKS_THE_SAME.value:.0f} of {telling * SIGNS:.0f} signs of their brightness differences differ.",
        {f"share_of_{n}_rows": s for n, s in worst.items()},
        0.95,
    )


def _shares(evidence: DataEvidence, known: Callable[[tuple[np.ndarray, np.ndarray]], float]) -> dict[str, float]:
    """The largest share of rows that are known from training, by the name of what they are judged for; 0 left out."""
    shares = {name: max(map(known, cuts)) for name, cuts in _by_name(evidence).items()}
    return {name: share for name, share in shares.items() if share > 0}


def _gravity(evidence: DataEvidence, shares: dict[str, float]) -> Severity:
    """An error from 1 % of the rows judged on. A validation part that the data bring only chooses; the user can hardly
    mend it, and is warned."""
    brought = {"validation"} if evidence.dataset.cohort.given_validation is not None else set()
    return "error" if any(s >= GRAVE_SHARE for n, s in shares.items() if n not in brought) else "warning"


def _equal_rows(evidence: DataEvidence) -> Judged:
    equal = evidence.equal_rows
    if not equal.rows:
        return None
    cells = column_keys(evidence.inputs, evidence.dataset.targets)
    keys = row_keys(cells)
    shares = _shares(evidence, lambda cut: _share_known(keys, cut))
    if not shares:
        return _kept_together(equal)
    found, chance = equal_pairs(keys), chance_pairs(cells)
    if not beyond_chance(keys, chance):
        return NotApplicable(
            f"rows have so few different values that {chance:,.0f} equal pairs are expected, and {found:,} are there"
        )
    worst = {name: max(1 - chance / found, 0.0) * share for name, share in shares.items()}
    name, share = max(worst.items(), key=lambda item: item[1])
    return Seen(
        _gravity(evidence, worst),
        f"{share:.1%} of the {name} rows are also learned from, equal in every column and in the outcome, more often "
        f"than by chance, which would give {chance:.1g} equal pairs in the table; there are {found:,}.",
        {**{f"share_of_{n}_rows": s for n, s in worst.items()}, "equal_pairs": found, "expected_pairs": chance},
        0.95,
    )


def _kept_together(equal: EqualRows) -> Seen:
    return Seen(
        "note",
        f"{equal.rows:,} rows of different patients are equal in every column and in the outcome, in {equal.sets:,} "
        "sets: each set stays on one side of every split, as the rows of one patient do. Look whether they stand in "
        "the table twice.",
        {"rows": equal.rows, "sets": equal.sets},
        0.95,
    )


def _share_known(keys: np.ndarray, cut: tuple[np.ndarray, np.ndarray]) -> float:
    learned, judged = cut
    return float(np.isin(keys[judged], keys[learned]).mean()) if len(judged) else 0.0


def _identifier_used(evidence: DataEvidence) -> Judged:
    found = {c.name: why for i, c in enumerate(evidence.columns) if (why := _names_rows(evidence.numbers[:, i]))}
    numeric = {c.name for c in evidence.columns if c.role == "numeric"}
    found = {name: why for name, why in found.items() if name in numeric}
    if not found:
        return None
    evidence_: Evidence = {"columns": list(found)}
    said = "; ".join(f"{name} {why}" for name, why in found.items())
    return Seen("warning", f"A column that names rows or dates is read as a number: {said}.", evidence_, 0.8)


IDENTIFIER_AS_NUMBER = Rule(
    "identifier-as-number",
    "An identifier or a date is read as a number",
    "data",
    _identifier_used,
    how="Whole numbers that differ in every row and rise with it or have six digits; numbers that read as dates.",
    why="Its size says when or where a row was written, and nothing about the next patient.",
    remedies=("--as COL=identifier, or --as COL=date:REFERENCE",),
    place=50,
    check="No identifier read as a number",
    needs=(COLUMNS,),
)


def _names_rows(column: np.ndarray) -> str | None:
    """Why a numeric column looks like an identifier or a date; None where it does not."""
    known = column[~np.isnan(column)]
    if len(known) < 50 or not (known == np.round(known)).all():
        return None
    different = len(np.unique(known)) / len(known)
    if all(_DATE_NUMBER.match(f"{v:.0f}") for v in known[:200]):
        return "holds dates written as numbers (year, month, day)"
    if different >= _ROW_NUMBERS and (np.abs(known).min() >= 100_000 or (np.diff(known) > 0).all()):
        return "has another whole number in every row"
    return None
