"""Columns that give the outcome away: by their values, by being there at all, by their order, by their names."""

from dataclasses import dataclass, replace

import numpy as np

from rounds.data.recordings.engineered_features import COUNTED
from rounds.data.signals import ARRAY_ROW
from rounds.examination.data_rules.association import (
    explained_by_column,
    line_explained,
    pair_explained,
    rank_correlations,
    separates,
    signs_of_missing,
)
from rounds.examination.data_rules.evidence import COLUMNS, DataEvidence
from rounds.examination.data_rules.names import outcome_family, outcome_names, same_subject
from rounds.examination.data_rules.similar_images import SIDE
from rounds.examination.figure import Bars
from rounds.examination.finding import Evidence, NotApplicable, Seen, Severity, Threshold
from rounds.examination.rule import Judged, Rule

GIVES_AWAY = Threshold("gives the outcome away", 0.97, "share of the outcome's variance, on patients held out")
GIVES_AWAY_RANK = Threshold("gives a number away by order", 0.99, "|Spearman correlation|")
SEPARATES = Threshold("separates two outcomes", 0.99, "AUROC of the column alone")
SURE = Threshold("no chance", 3.5, "standard errors of that AUROC, counted in patients, above one half")
FEWEST_CASES = Threshold("cases that make it certain", 10, "patients with the rarer outcome")
TELLS_BY_BEING_THERE = Threshold(
    "tells by being there", 0.97, "share of the rows with a value that have the rarer outcome"
)
REACH = Threshold("of those with the outcome", 0.5, "share that this finds, at least")
SIGN_AREA = Threshold("or tells both outcomes apart", 0.95, "AUROC of having a value")
NAMED_SHARE = Threshold("tells much, and is named like an outcome", 0.5, "share of the outcome's variance")
NAMED_AREA = Threshold("the same of two outcomes", 0.9, "AUROC of the column alone")
DOMINATES = Threshold("dominates", 0.6, "share of the outcome's variance, from a column not declared as known in time")
REST = Threshold("what the best other column tells", 0.5, "times as much, at most")
LEAST_RANK = 0.9  # of a column through which a line is drawn: else one far patient would make it
PAIR_COLUMNS = 400  # columns whose pairs are tried: [F, F] stays below a few megabytes
_VARIANCE = "Share of the outcome's variance"
FEW_CASES_QUESTION = (
    "With {} patients who have the rarer outcome a good predictor can do as well: ask whether it is known in time"
)
A_QUESTION = "A leak, if it is known only with the outcome; else a function to be learned"
# A column is the outcome in another unit where nothing is added to it, two add up to it where their units are one.
OFFSET, UNITS_APART = 0.05, 0.02  # standard deviations of the outcome; share of the factor


@dataclass(frozen=True)
class Leak:
    """A column that tells too much: how much, in words, and whether it is a leak or may be a function to be fitted.

    cases: patients with the rarer of the two outcomes that it tells; 0 where the outcome is a number.
    """

    column: str
    told: float
    words: str
    evidence: Evidence
    is_leak: bool
    cases: int = 0


def _target_leak(evidence: DataEvidence) -> Judged:
    """What gives the outcome away, columns first."""
    if not evidence.columns:
        return _marked_images(evidence)
    return _leaking_columns(evidence) or (_marked_images(evidence) if evidence.of_images else None)


TARGET_LEAK = Rule(
    "target-leak",
    "A column gives the outcome away",
    "data",
    _target_leak,
    how="Each column alone: in bins on patients held out, by its order, by whether it has a value at all, and by its "
    "name; each pair of numbers by its plane. With few cases it is a warning, for a good predictor can do as well. "
    "What tells a continuous outcome is a note, unless it is that outcome in "
    "another unit, is named like an outcome, or two columns add up to it: functions are there to be learned. A column "
    "that tells far more of a class than every other counts too, unless it is declared as known in time. Of images the "
    "brightness of each place alone.",
    why="Such a column is made from the outcome: it will not be there when the network is used.",
    remedies=(
        "leave the column out (--drop)",
        "declare when it is known in a roles file",
        "blacken the mark, where it is one in images",
    ),
    thresholds=(
        GIVES_AWAY,
        GIVES_AWAY_RANK,
        SEPARATES,
        SURE,
        FEWEST_CASES,
        TELLS_BY_BEING_THERE,
        REACH,
        SIGN_AREA,
        NAMED_SHARE,
        NAMED_AREA,
        DOMINATES,
        REST,
    ),
    place=30,
    check="No column that gives the outcome away",
    figures=(
        Bars(_VARIANCE, {"explained_share": "this column", "next_share": "the next best"}, DOMINATES),
        Bars(
            "Share of the rows with the rarer outcome",
            {"purity": "among rows with this sign", "reach": "of that outcome's rows"},
            TELLS_BY_BEING_THERE,
        ),
        Bars("AUROC of this column alone", {"auroc": "this column"}, SEPARATES),
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
        return NotApplicable(f"the networks read {evidence.dataset.signals.modality}s and no columns")
    shares = [explained_by_column(place, evidence.outcome, evidence.patients) for place in evidence.places.T]
    best = int(np.argmax(shares))
    if shares[best] < GIVES_AWAY.value:
        return None
    height, width = (min(SIDE, pixels) for pixels in evidence.dataset.signals.array.shape[1:3])  # type: ignore[union-attr]
    row, column = best // width + 1, best % width + 1
    return Seen(
        "error",
        f"One place of the images gives the outcome away (row {row} of {height}, column {column} of {width}): its "
        f"brightness alone explains {shares[best]:.1%} of it on patients held out. Look there for a mark.",
        {"row": row, "column": column, "explained_share_of_place": shares[best]},
        0.97,
    )


def _leaking_columns(evidence: DataEvidence) -> Judged:
    shares = evidence.explained
    places = range(len(evidence.columns))
    found = [leak for i in places if (leak := _leak(evidence, i, float(shares[i])))]
    worst = sorted(found, key=lambda leak: (not leak.is_leak, -leak.told))
    if worst and worst[0].is_leak:
        return _seen("error", [leak for leak in worst if leak.is_leak])
    pair = _pair_leak(evidence)
    if pair is not None and pair.severity == "error":
        return pair
    if worst:
        return _seen("warning" if 0 < worst[0].cases < FEWEST_CASES.value else "note", worst)
    return pair or _dominating(evidence, shares)


def _seen(severity: Severity, leaks: list[Leak]) -> Seen:
    first, columns = leaks[0], [leak.column for leak in leaks]
    others = f"; so {'does' if len(columns) == 2 else 'do'} {', '.join(columns[1:5])}" if len(columns) > 1 else ""
    what = "gives the outcome away" if severity == "error" else "tells the outcome"
    asked = {"error": "", "note": f". {A_QUESTION}", "warning": f". {FEW_CASES_QUESTION.format(first.cases)}"}[severity]
    return Seen(
        severity,
        f"{first.column} {what}: {first.words}{others}{asked}.",
        {"columns": columns, **first.evidence},
        0.99 if severity == "error" else 0.5,
    )


def _leak(evidence: DataEvidence, place: int, share: float) -> Leak | None:
    """How this column gives the outcome away; None where it does not."""
    name = evidence.columns[place].name
    alone = len(evidence.columns) == 1  # a table of one column is a function to be fitted
    numeric = not evidence.dataset.task.is_classification
    made = _by_order_of_numbers(evidence, place) if numeric else _by_being_there(evidence, place)
    if made is None and not numeric:
        made = _by_separation(evidence, place)
    if share >= GIVES_AWAY.value and made is None:
        words = f"alone it explains {share:.1%} of it on patients held out"
        made = Leak(name, share, words, {"explained_share": share}, True, 0 if numeric else _most_cases(evidence))
    if made is None:
        return _by_name(evidence, place, share)
    target = evidence.dataset.task.targets[0]
    certain = _is_copy(evidence, place) or _named(name, target) if numeric else made.cases >= FEWEST_CASES.value
    return replace(made, evidence={"explained_share": share, **made.evidence}, is_leak=certain and not alone)


def _named(name: str, target: str) -> bool:
    return outcome_family(name) is not None or same_subject(name, target)


def _by_order_of_numbers(evidence: DataEvidence, place: int) -> Leak | None:
    column, name = evidence.numbers[:, place], evidence.columns[place].name
    if np.isnan(column).all():
        return None
    line = line_explained(column, evidence.outcome)
    rank = float(rank_correlations(column[:, None], evidence.outcome)[0])
    if line >= GIVES_AWAY.value and rank >= LEAST_RANK:
        return Leak(
            name, line, f"a straight line through it explains {line:.1%} of it", {"explained_share": line}, True
        )
    if rank < GIVES_AWAY_RANK.value:
        return None
    words = f"its order is that of the outcome (rank correlation {rank:.3f})"
    return Leak(name, rank, words, {"rank_correlation": rank}, True)


def _by_being_there(evidence: DataEvidence, place: int) -> Leak | None:
    """That a value is there, or is not, tells a class: hours to death are known of the dead alone. By all rows.

    Being empty must tell both outcomes apart, for the healthy are measured less; and so is what is made from
    recordings, of which how often something was measured is asked for itself.
    """
    name, dataset = evidence.columns[place].name, evidence.dataset
    missing = dataset.inputs[name].is_null().to_numpy()
    if not missing.any() or missing.all() or evidence.columns[place].engineered:
        return None
    for outcome, called in _yes_no_outcomes(evidence):
        for sign in signs_of_missing(missing, outcome, dataset.cohort.patients):
            sure = sign.filled and sign.purity >= TELLS_BY_BEING_THERE.value and sign.reach >= REACH.value
            if not sure and sign.area < SIGN_AREA.value:
                continue
            there = "filled in" if sign.filled else "left empty"
            words = (
                f"that it is {there} tells {called}: {sign.purity:.1%} of the rows where it is {there} have the rarer "
                f"outcome, and {sign.reach:.0%} of that outcome's rows are among them"
            )
            told: Evidence = {"purity": sign.purity, "reach": sign.reach, "auroc": sign.area, "filled": sign.filled}
            return Leak(name, max(sign.purity, sign.area), words, told, True, _cases(outcome, dataset.cohort.patients))
    return None


def _cases(outcome: np.ndarray, patients: np.ndarray) -> int:
    """Patients with the rarer of two outcomes, 0/1 [N]."""
    return min(len(np.unique(patients[rows])) for rows in (outcome > 0.5, outcome <= 0.5))


def _most_cases(evidence: DataEvidence) -> int:
    return max(_cases(outcome, evidence.dataset.cohort.patients) for outcome, _ in _yes_no_outcomes(evidence))


def _yes_no_outcomes(evidence: DataEvidence) -> list[tuple[np.ndarray, str]]:
    """Each class or label of all rows as 0/1 [N], with its name."""
    task, targets = evidence.dataset.task, evidence.dataset.targets
    if task.kind == "multiclass":
        made = [(targets[:, 0] == c, f"class {name}") for c, name in enumerate(task.classes)]
    else:
        made = [(targets[:, t] > 0.5, name) for t, name in enumerate(task.targets)]
    return [(outcome.astype(float), name) for outcome, name in made if outcome.any() and not outcome.all()]


def _by_separation(evidence: DataEvidence, place: int) -> Leak | None:
    """A column whose order separates two outcomes."""
    area, errors, cases = _separation(evidence, place)
    if area < SEPARATES.value or errors < SURE.value:
        return None
    words = f"its order alone separates the outcomes (AUROC {area:.3f})"
    return Leak(evidence.columns[place].name, area, words, {"auroc": area}, True, cases)


def _separation(evidence: DataEvidence, place: int) -> tuple[float, float, int]:
    """(AUROC, standard errors above one half, cases) of yes/no outcomes, the best of several; levels have no order, and
    how often something was measured in a recording is asked for itself."""
    column = evidence.columns[place]
    counts = column.engineered and column.name.endswith(COUNTED)
    if evidence.dataset.task.kind == "multiclass" or column.role == "categorical" or counts:
        return 0.5, 0.0, 0
    numbers, patients = evidence.numbers[:, place], evidence.patients
    return max((*separates(numbers, y, patients), _cases(y, patients)) for y in evidence.outcome.T)


def _by_name(evidence: DataEvidence, place: int, share: float) -> Leak | None:
    """A column that is named like an outcome, tells much of this one, and does not say when it is known."""
    column, target = evidence.columns[place], evidence.dataset.task.targets[0]
    if column.known != "unknown" or outcome_family(column.name) is None:
        return None
    area, errors, _ = (0.5, 0.0, 0) if not evidence.dataset.task.is_classification else _separation(evidence, place)
    by_order = area >= NAMED_AREA.value and errors >= SURE.value
    if share < NAMED_SHARE.value and not by_order:
        return None
    told = f"AUROC {area:.2f}" if by_order else f"{share:.0%} of the outcome explained"
    words = f"it is named like an outcome and tells much of {target} ({told}), and nothing says when it is known"
    return Leak(column.name, max(share, area), words, {"explained_share": share, "auroc": area}, True)


def _is_copy(evidence: DataEvidence, place: int) -> bool:
    """Whether a column is the outcome itself, maybe in another unit and with some noise."""
    x = evidence.numbers[:, place]
    known = ~np.isnan(x)
    return any(_is_plain_sum([x[known]], y[known]) for y in evidence.outcome.T)


def _is_plain_sum(columns: list[np.ndarray], outcome: np.ndarray) -> bool:
    """Whether the outcome is a sum or difference of columns, all in one unit, with nothing added."""
    design = np.column_stack([*columns, np.ones_like(outcome)])
    coefficients, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    if not (outcome - design @ coefficients).var() <= (1 - GIVES_AWAY.value) * outcome.var():
        return False
    size = np.abs(coefficients[:-1])
    factor = float(size.mean())
    sums = factor * (np.column_stack(columns) @ np.sign(coefficients[:-1]))
    in_one_unit = bool((np.abs(size - factor) <= UNITS_APART * factor).all())
    return in_one_unit and abs(float((outcome - sums).mean())) <= OFFSET * float(outcome.std())


def _pair_leak(evidence: DataEvidence) -> Seen | None:
    chosen = [i for i, c in enumerate(evidence.columns) if c.role == "numeric"][:PAIR_COLUMNS]
    if len(chosen) < 2:
        return None
    shares = pair_explained(evidence.numbers[:, chosen], evidence.outcome)
    place = np.unravel_index(int(np.argmax(np.triu(shares, 1))), shares.shape)
    both = [chosen[int(i)] for i in place]
    if shares[place] < GIVES_AWAY.value or _plane_rank(evidence, both) < LEAST_RANK:
        return None
    pair = [evidence.columns[i].name for i in both]
    is_leak = evidence.dataset.task.is_classification or _made_of(evidence, both, pair)
    explained = f"a sum or difference of the two explains {shares[place]:.1%} of it"
    words = (
        f"{pair[0]} and {pair[1]} together give the outcome away: {explained}."
        if is_leak
        else f"{pair[0]} and {pair[1]} together tell the outcome: {explained}. {A_QUESTION}."
    )
    told: Evidence = {"columns": pair, "explained_share": float(shares[place])}
    return Seen("error" if is_leak else "note", words, told, 0.97 if is_leak else 0.5)


def _plane_rank(evidence: DataEvidence, places: list[int]) -> float:
    """|Spearman correlation| of the plane through two columns with the outcome."""
    x = evidence.numbers[:, places]
    known = ~np.isnan(x).any(axis=1)
    design = np.column_stack([x[known], np.ones(int(known.sum()))])
    plane = design @ np.linalg.lstsq(design, evidence.outcome[known], rcond=None)[0]  # [n, T]
    return max(
        float(rank_correlations(p[:, None], y[:, None])[0])
        for p, y in zip(plane.T, evidence.outcome[known].T, strict=True)
    )


def _made_of(evidence: DataEvidence, places: list[int], names: list[str]) -> bool:
    """Whether two columns among others add up to the outcome, or speak of it by name."""
    target = evidence.dataset.task.targets[0]
    if any(_named(name, target) for name in names):
        return True
    x = evidence.numbers[:, places]
    known = ~np.isnan(x).any(axis=1)
    adds_up = any(_is_plain_sum(list(x[known].T), y[known]) for y in evidence.outcome.T)
    return adds_up and len(evidence.columns) > len(places)


def _dominating(evidence: DataEvidence, shares: np.ndarray) -> Judged:
    best = int(shares.argmax())
    column, others = evidence.columns[best], np.delete(shares, best)
    rest = float(others.max()) if len(others) else 0.0
    if column.known != "unknown" or shares[best] < DOMINATES.value or rest > REST.value * shares[best]:
        return None
    return Seen(
        "warning" if evidence.dataset.task.is_classification else "note",
        f"{column.name} alone explains {shares[best]:.0%} of the outcome, the next column {max(rest, 0):.0%}: is "
        "it known at the moment of prediction?",
        {"columns": [column.name], "explained_share": float(shares[best]), "next_share": rest},
        0.6,
    )


def _known_after(evidence: DataEvidence) -> Judged:
    """Columns that are declared as known only with the outcome; else those that do not say, the suspicious first."""
    late = [c.name for c in evidence.columns if c.known == "outcome"]
    if late:
        return Seen(
            "error",
            f"{', '.join(late[:10])} {'is' if len(late) == 1 else 'are'} known only with the outcome.",
            {"columns": late},
            1.0,
        )
    unknown = [c.name for c in evidence.columns if c.known == "unknown"]
    if not unknown:
        return None
    suspicious = outcome_names(unknown)
    undeclared = f"{len(unknown)} of {len(evidence.columns)} columns do not say when they are known"
    if not suspicious:
        shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        return NotApplicable(f"{undeclared}: {shown}")
    shown = ", ".join(suspicious[:10]) + (", ..." if len(suspicious) > 10 else "")
    one = len(suspicious) == 1
    are = "is named like an outcome and does" if one else "are named like outcomes and do"
    known = "its value is" if one else "their values are"
    return Seen(
        "note",
        f"{shown} {are} not say when {known} known; {undeclared}. Declare it in a roles file, or leave "
        "the column out (--drop) where it is known too late.",
        {"columns": suspicious, "undeclared": len(unknown)},
        0.6,
    )


KNOWN_AFTER_OUTCOME = Rule(
    "known-after-outcome",
    "A column is known too late",
    "data",
    _known_after,
    how="By what the roles file says of each column; those that are named like an outcome and say nothing are a note.",
    why="What is known only after the prediction cannot be used to make it.",
    remedies=("leave the column out (--drop)", "correct its time of knowledge in the roles file"),
    place=40,
    check="No column known only after the prediction",
    needs=(COLUMNS,),
)
