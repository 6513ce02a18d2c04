"""Rules about rows and columns that tell a network what it will not know: leaks, before anything is trained."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from rounds.data.dataset import ARRAY_ROW
from rounds.data.roles.guess import may_name_patients
from rounds.examination.data_rules.association import explained_by_column, pair_explained, rank_correlations
from rounds.examination.data_rules.equal_rows import (
    CHANCE_COPIES,
    CHANCE_PAIRS,
    COPIES,
    beyond_chance,
    chance_pairs,
    column_keys,
    equal_pairs,
    row_keys,
)
from rounds.examination.data_rules.evidence import COLUMNS, DataEvidence
from rounds.examination.data_rules.similar_images import (
    LOOKS_THE_SAME,
    SIDE,
    SIGNS,
    discriminated,
    fingerprints,
    share_that_looks_known,
    signs_that_tell,
)
from rounds.examination.figure import Bars
from rounds.examination.finding import Evidence, NotApplicable, Seen, Severity, Threshold
from rounds.examination.rule import Judged, Rule

ALIKE = Threshold("rows of one identifier alike in outcome", 0.05, "share of the outcome's variance between them")
GIVES_AWAY = Threshold("gives the outcome away", 0.97, "share of the outcome's variance explained on rows held out")
GIVES_AWAY_RANK = Threshold("gives the outcome away by order", 0.99, "|Spearman correlation|")
DOMINATES = Threshold("dominates", 0.6, "share of the outcome's variance, from a column not declared as known in time")
REST = Threshold("what the best other column tells", 0.5, "times as much, at most")
_PARTS = {"test": "test", "validation": "validation", "judging": "judging folds"}
_VARIANCE = "Share of the outcome's variance"
GRAVE_SHARE = 0.01  # of the rows judged on, from which repeated ones are an error
PAIR_COLUMNS = 400  # columns whose pairs are tried: [F, F] stays below a few megabytes
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
    shared = {name: _shared(evidence.dataset.patients, cuts) for name, cuts in _by_name(evidence).items()}
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
    thresholds=(ALIKE,),
    place=10,
    check="No patient on two sides of the split",
    figures=(
        Bars(
            "Patients on both sides of the split",
            {f"patients_shared_with_{n}": f"shared with {said}" for n, said in _PARTS.items()},
            some=True,
        ),
        Bars(_VARIANCE, {"variance_between_share": "between values of the column"}, ALIKE),
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
    if dataset.group is not None:
        return None
    frame = pl.concat([dataset.identifiers, evidence.inputs, evidence.unused], how="horizontal")
    repeated = [name for name in frame.columns if may_name_patients(frame[name])]
    for name in repeated:
        codes = frame[name].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
        count = max(_shared(codes, cuts) for cuts in _by_name(evidence).values())
        alike = alike_within(codes, dataset.targets[:, 0].astype(float))
        if count:
            return Seen(
                "error" if alike >= ALIKE.value else "warning",
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
    _, owner, count = np.unique(codes, return_inverse=True, return_counts=True)
    rows, groups = len(codes), len(count)
    if groups in (1, rows):
        return 0.0
    means = np.bincount(owner, outcome) / count
    between = (count * (means - outcome.mean()) ** 2).sum() / (groups - 1)
    within = ((outcome - means[owner]) ** 2).sum() / (rows - groups)
    size = (rows - (count**2).sum() / rows) / (groups - 1)
    return float((between - within) / (between + (size - 1) * within)) if between > 0 else 0.0


def _duplicate_rows(evidence: DataEvidence) -> Judged:
    return _alike_images(evidence) or _equal_rows(evidence)


DUPLICATE_ROWS = Rule(
    "duplicate-rows",
    "Rows stand on both sides of a split",
    "data",
    _duplicate_rows,
    how="Rows equal in all columns and outcomes, far more of them than chance would give; "
    "images that look the same by a difference hash, whatever their outcome, where images differ enough.",
    why="What was learned by heart is judged again.",
    remedies=("remove the duplicates from the table", "give the patient column with --group"),
    thresholds=(CHANCE_PAIRS, CHANCE_COPIES, COPIES, LOOKS_THE_SAME),
    place=20,
    check="No rows repeated across the split",
    figures=(
        Bars("Pairs of equal rows", {"equal_pairs": "found", "expected_pairs": "expected by chance"}),
        Bars(
            "Share of the images judged on",
            {f"share_of_{n}_rows": f"look known: {said}" for n, said in _PARTS.items()},
            some=True,
        ),
    ),
)


def _alike_images(evidence: DataEvidence) -> Seen | None:
    """Images that look like one learned from, equal ones too; None where there are none, or all look alike."""
    array = evidence.dataset.array
    if array is None or evidence.dataset.modality != "image" or ARRAY_ROW not in evidence.dataset.inputs.columns:
        return None
    fingerprint = fingerprints(array)[evidence.dataset.inputs[ARRAY_ROW].to_numpy()]
    telling = signs_that_tell(array)
    if not discriminated(fingerprint, telling):
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
    brought = {"validation"} if evidence.dataset.given_validation is not None else set()
    return "error" if any(s >= GRAVE_SHARE for n, s in shares.items() if n not in brought) else "warning"


def _equal_rows(evidence: DataEvidence) -> Judged:
    dataset = evidence.dataset
    cells = column_keys(evidence.inputs, dataset.targets)
    keys = row_keys(cells)
    found = equal_pairs(keys)
    if found == 0:
        return None
    chance = chance_pairs(cells)
    if not beyond_chance(keys, chance):
        return NotApplicable(
            f"rows have so few different values that {chance:,.0f} equal pairs are expected, and {found:,} are there"
        )
    worst = _shares(evidence, lambda cut: max(1 - chance / found, 0.0) * _share_known(keys, cut))
    if not worst:
        return None
    name, share = max(worst.items(), key=lambda item: item[1])
    return Seen(
        _gravity(evidence, worst),
        f"{share:.1%} of the {name} rows are also learned from, equal in every column and in the outcome, more often "
        f"than by chance, which would give {chance:.1g} equal pairs in the table; there are {found:,}.",
        {**{f"share_of_{n}_rows": s for n, s in worst.items()}, "equal_pairs": found, "expected_pairs": chance},
        0.95,
    )


def _share_known(keys: np.ndarray, cut: tuple[np.ndarray, np.ndarray]) -> float:
    learned, judged = cut
    return float(np.isin(keys[judged], keys[learned]).mean()) if len(judged) else 0.0


def _target_leak(evidence: DataEvidence) -> Judged:
    if not evidence.columns:
        return _marked_images(evidence)
    return _leaking_columns(evidence) or (_marked_images(evidence) if evidence.of_images else None)


TARGET_LEAK = Rule(
    "target-leak",
    "A column gives the outcome away",
    "data",
    _target_leak,
    how="Each column alone in bins on rows held out, by rank, and each pair of numbers by its plane; a column that "
    "tells far more than every other counts too, unless it is declared as known in time. Of images the brightness "
    "of each place alone.",
    why="Such a column is made from the outcome: it will not be there when the network is used.",
    remedies=(
        "leave the column out (--drop)",
        "declare when it is known in a roles file",
        "blacken the mark, where it is one in images",
    ),
    thresholds=(GIVES_AWAY, GIVES_AWAY_RANK, DOMINATES, REST),
    place=30,
    check="No column that gives the outcome away",
    figures=(
        Bars(_VARIANCE, {"explained_share": "this column", "next_share": "the next best"}, DOMINATES),
        Bars(
            "Share of the outcome's variance, and rank correlation",
            {"explained_share": "by its values", "rank_correlation": "by its order"},
            GIVES_AWAY,
        ),
        Bars(_VARIANCE, {"explained_share": "this pair"}, GIVES_AWAY),
        Bars(_VARIANCE, {"explained_share_of_place": "this place"}, GIVES_AWAY),
    ),
)


def _marked_images(evidence: DataEvidence) -> Judged:
    """A place of the images whose brightness alone gives the outcome away: a mark, a caption, a border."""
    if not evidence.of_images or ARRAY_ROW not in evidence.dataset.inputs.columns:
        return NotApplicable(f"the networks read {evidence.dataset.modality}s and no columns")
    shares = [explained_by_column(place, evidence.outcome) for place in evidence.places.T]
    best = int(np.argmax(shares))
    if shares[best] < GIVES_AWAY.value:
        return None
    height, width = (min(SIDE, pixels) for pixels in evidence.dataset.array.shape[1:3])  # type: ignore[union-attr]
    row, column = best // width + 1, best % width + 1
    return Seen(
        "error",
        f"One place of the images gives the outcome away (row {row} of {height}, column {column} of {width}): its "
        f"brightness alone explains {shares[best]:.1%} of it on rows held out. Look there for a mark.",
        {"row": row, "column": column, "explained_share_of_place": shares[best]},
        0.97,
    )


def _leaking_columns(evidence: DataEvidence) -> Judged:
    names = [c.name for c in evidence.columns]
    shares = np.array([explained_by_column(x, evidence.outcome) for x in evidence.numbers.T])
    order = rank_correlations(evidence.numbers, evidence.outcome)
    best = int(shares.argmax())
    given = [i for i in range(len(names)) if shares[i] >= GIVES_AWAY.value or order[i] >= GIVES_AWAY_RANK.value]
    if given:
        columns, (share, rank) = [names[i] for i in given], (shares[given[0]], order[given[0]])
        explained = f"alone it explains {share:.1%} of it on rows held out"
        how = (
            explained
            if share >= GIVES_AWAY.value
            else f"its order is that of the outcome (rank correlation {rank:.3f})"
        )
        others = f"; so {'does' if len(columns) == 2 else 'do'} {', '.join(columns[1:5])}" if len(columns) > 1 else ""
        return Seen(
            "error",
            f"{columns[0]} gives the outcome away: {how}{others}.",
            {"columns": columns, "explained_share": float(share), "rank_correlation": float(rank)},
            0.99,
        )
    return _pair_leak(evidence, names) or _dominating(evidence, shares, best)


def _pair_leak(evidence: DataEvidence, names: list[str]) -> Judged:
    chosen = [i for i, c in enumerate(evidence.columns) if c.role == "numeric"][:PAIR_COLUMNS]
    if len(chosen) < 2:
        return None
    shares = pair_explained(evidence.numbers[:, chosen], evidence.outcome)
    place = np.unravel_index(int(np.argmax(np.triu(shares, 1))), shares.shape)
    if shares[place] < GIVES_AWAY.value:
        return None
    pair = [names[chosen[int(i)]] for i in place]
    return Seen(
        "error",
        f"{pair[0]} and {pair[1]} together give the outcome away: a sum or difference of the two explains "
        f"{shares[place]:.1%} of it.",
        {"columns": pair, "explained_share": float(shares[place])},
        0.97,
    )


def _dominating(evidence: DataEvidence, shares: np.ndarray, best: int) -> Judged:
    column = evidence.columns[best]
    others = np.delete(shares, best)
    rest = float(others.max()) if len(others) else 0.0
    if column.known != "unknown" or shares[best] < DOMINATES.value or rest > REST.value * shares[best]:
        return None
    return Seen(
        "warning",
        f"{column.name} alone explains {shares[best]:.0%} of the outcome, the next column {max(rest, 0):.0%}: is "
        "it known at the moment of prediction?",
        {"columns": [column.name], "explained_share": float(shares[best]), "next_share": rest},
        0.6,
    )


def _known_after(evidence: DataEvidence) -> Judged:
    late = [c.name for c in evidence.columns if c.known == "outcome"]
    if late:
        return Seen(
            "error",
            f"{', '.join(late[:10])} {'is' if len(late) == 1 else 'are'} known only with the outcome.",
            {"columns": late},
            1.0,
        )
    unknown = [c.name for c in evidence.columns if c.known == "unknown"]
    if unknown:
        shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        return NotApplicable(
            f"{len(unknown)} of {len(evidence.columns)} columns do not say when they are known: {shown}"
        )
    return None


KNOWN_AFTER_OUTCOME = Rule(
    "known-after-outcome",
    "A column is known too late",
    "data",
    _known_after,
    how="By what the roles file says of each column.",
    why="What is known only after the prediction cannot be used to make it.",
    remedies=("leave the column out (--drop)", "correct its time of knowledge in the roles file"),
    place=40,
    check="No column known only after the prediction",
    needs=(COLUMNS,),
)


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
