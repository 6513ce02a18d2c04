"""Rules about who is in the table, and on which side: shifts, rare outcomes, outcomes that contradict themselves."""

import numpy as np

from rounds.data.equal_rows import (
    CHANCE_PAIRS,
    chance_pairs,
    column_keys,
    equal_pairs,
    outcome_columns,
    row_keys,
)
from rounds.examination.data_rules.association import (
    discriminated,
    flip_rates,
    out_of_fold,
    separation,
    separation_error,
)
from rounds.examination.data_rules.evidence import DESCRIPTIONS, DataEvidence
from rounds.examination.figure import Bars
from rounds.examination.finding import NotApplicable, Seen, Threshold
from rounds.examination.rule import Judged, Rule
from rounds.statistics.training_profile import patient_shares

APART = Threshold("discriminated", 0.65, "AUROC of trees, or of one column, for which side a row is on")
SURE = Threshold("chance", 1e-4, "two-sided, for the most different of all columns")
RARE = Threshold("rare outcome", 0.05, "share of the rarest class: a tenth is no fault")
FEW_EVENTS = Threshold("few events", 20, "patients of the rarest class: fewer than that teach and judge little")
CONFLICTS = Threshold("conflicting outcomes", 0.005, "share of rows with a twin of another outcome")
FLOOR = Threshold("other outcome among the surest", 0.06, "share, at both ends")
FLIP_RATIO = Threshold("evidence of flipped outcomes", 10.0, "likelihood ratio statistic, 2 degrees of freedom")
NEVER_SURE = Threshold("other class among the surest", 0.1, "share, of several classes")
CLASS_RATIO = Threshold("evidence of that", 5.0, "likelihood ratio statistic, 2 degrees of freedom")
LIFT = Threshold("classes that can be distinguished", 0.3, "accuracy above that of the most frequent class")
_HOW_WELL_APART = Bars(
    "How well these patients are discriminated from the others (AUROC)", {"auroc": "discriminated"}, APART
)
FEWEST_OF_CLASS = 60  # patients
FEWEST_PATIENTS = 300
FEWEST_TOLD = 30  # patients on a side, of whom it can be said that they are others


def _shifted_test(evidence: DataEvidence) -> Judged:
    split, patients = evidence.split, evidence.dataset.cohort.patients
    if not len(split.test):
        return NotApplicable("every patient is judged out of fold: there is no test part")
    means, codes = evidence.patient_means
    tested = np.isin(codes, patients[split.test])
    kept = tested | np.isin(codes, patients[split.development])
    marked = tested[kept]
    if min(marked.sum(), (~marked).sum()) < FEWEST_TOLD:
        return NotApplicable(f"fewer than {FEWEST_TOLD} patients on one side")
    auroc, column = _apart(evidence, means[kept], marked, thorough=True)
    if auroc < APART.value:
        return None
    meant = split.kind == "given" or evidence.dataset.cohort.times is not None
    said = ", which is meant for a test of another site or time" if meant else ""
    return Seen(
        "note" if meant else "warning",
        f"Test patients can be distinguished from the others (AUROC {auroc:.2f}, most by {column}){said}.",
        {"auroc": auroc, "column": column, "meant": meant},
        0.9,
    )


SHIFTED_TEST = Rule(
    "shifted-test",
    "Test patients are others",
    "data",
    _shifted_test,
    how="Columns and boosted trees are tried at telling test patients from the others, by the mean of each; for a test "
    "of another site or time it is a note.",
    why="The score is that of another population: lower than it could be, or not yours.",
    remedies=("say which population the score is for", "draw test patients at random"),
    thresholds=(APART, SURE),
    place=100,
    check="Test patients like training patients",
    needs=(DESCRIPTIONS,),
    figures=(_HOW_WELL_APART,),
)


def _shifted_validation(evidence: DataEvidence) -> Judged:
    split, patients = evidence.split, evidence.dataset.cohort.patients
    if not split.folds:
        return NotApplicable("there is no validation part")
    means, codes = evidence.patient_means
    kept = np.isin(codes, patients[split.development])
    means, parts = means[kept], [np.isin(codes[kept], patients[part]) for part in split.folds]
    found = [(*_apart(evidence, means, part, False), number) for number, part in enumerate(parts)]
    auroc, column, number = max(found)
    if auroc < APART.value:  # no column tells it: do all of them together, of the fold that is furthest off
        auroc, column = _apart(evidence, means, parts[number], thorough=True)
    if auroc < APART.value:
        return None
    return Seen(
        "warning",
        f"Patients of validation fold {number} differ from those learned from (AUROC {auroc:.2f} by {column}).",
        {"auroc": auroc, "column": column, "fold": number},
        0.9,
    )


SHIFTED_VALIDATION = Rule(
    "shifted-validation",
    "Validation patients are others",
    "data",
    _shifted_validation,
    how="Each column, and the outcome, in the mean of each patient, is tried at telling a fold's patients from those "
    "learned from; boosted trees of all columns are tried on the fold that is furthest off.",
    why="Epoch and settings are chosen for patients unlike those to come.",
    remedies=("draw validation patients at random",),
    thresholds=(APART, SURE),
    place=90,
    check="Validation patients like training patients",
    needs=(DESCRIPTIONS,),
    figures=(_HOW_WELL_APART,),
)


def _apart(evidence: DataEvidence, means: np.ndarray, marked: np.ndarray, thorough: bool) -> tuple[float, str]:
    """(AUROC, column) that tells marked patients best, 0.5 where chance would do; the outcome counts as a column.

    means: as `DataEvidence.patient_means`, of some patients; thorough: boosted trees look at all columns together too.
    """
    from scipy.stats import norm

    if min(marked.sum(), (~marked).sum()) < 10:
        return 0.5, ""
    names = [*(c.name for c in evidence.described), *["the outcome"] * evidence.outcome.shape[1]]
    singles = np.abs(separation(means, marked) - 0.5)
    error = separation_error(int(marked.sum()), int((~marked).sum()))
    best = int(np.nanargmax(singles))
    least = float(norm.isf(SURE.value / 2 / len(names))) * error
    auroc = 0.5 + float(singles[best]) if singles[best] > least else 0.5
    if thorough:
        together = discriminated(means, marked)
        auroc = max(auroc, together if together - 0.5 > least else 0.5)
    return auroc, names[best]


def _rare(evidence: DataEvidence) -> Judged:
    dataset = evidence.dataset
    if not dataset.task.is_classification:
        return NotApplicable("the outcome is a number")
    name, rows = _rarest(evidence)
    count, people = int(rows.sum()), len(np.unique(dataset.cohort.patients[rows]))
    share = count / dataset.rows
    if share >= RARE.value and people >= FEW_EVENTS.value:
        return None
    of_patients = "" if people == count else f" of {people:,} patients"
    return Seen(
        "warning" if people < FEW_EVENTS.value else "note",
        f"{name} is rare: {count:,} of {dataset.rows:,} rows ({share:.1%}){of_patients}. Who always says the other is "
        f"right in {1 - share:.1%}: do not judge by accuracy.",
        {"class": name, "rows": count, "patients": people, "share": share, "accuracy_of_a_constant": 1 - share},
        0.95,
    )


CLASS_IMBALANCE = Rule(
    "class-imbalance",
    "An outcome is rare",
    "data",
    _rare,
    how="Rows of the rarest class, and the patients who have them. A tenth is no fault.",
    why="Accuracy looks excellent for a network that never finds a case, and few cases teach little.",
    remedies=("judge by auroc, auprc and log loss", "collect more cases", "class_weights = balanced"),
    thresholds=(RARE, FEW_EVENTS),
    place=110,
    check="Enough patients with the outcome",
    figures=(Bars("Share of the rows", {"share": "the rarest outcome"}, RARE),),
)


def _rarest(evidence: DataEvidence) -> tuple[str, np.ndarray]:
    """The rarest class, and which rows [N] have it."""
    dataset = evidence.dataset
    targets = dataset.targets
    if dataset.task.kind == "multiclass":
        rarest = int(np.bincount(targets[:, 0].astype(int), minlength=len(dataset.task.classes)).argmin())
        return dataset.task.classes[rarest], targets[:, 0] == rarest
    yes = targets.sum(axis=0)
    place = int(np.minimum(yes, len(targets) - yes).argmin())
    positive = bool(yes[place] < len(targets) / 2)
    name = dataset.task.classes[int(positive)] if dataset.task.kind == "binary" else dataset.task.targets[place]
    return name, (targets[:, place] > 0.5) == positive


def _label_noise(evidence: DataEvidence) -> Judged:
    conflicts = _conflicts(evidence)
    if conflicts is not None:
        return conflicts
    kind = evidence.dataset.task.kind
    if kind not in ("binary", "multiclass"):
        return NotApplicable("only for classes can wrong outcomes be distinguished from what inputs do not explain")
    classes, patients = _classes(evidence), evidence.patients
    people = [len(np.unique(patients[classes == c])) for c in range(int(classes.max()) + 1)]
    if len(np.unique(patients)) < FEWEST_PATIENTS or len(people) < 2 or min(people) < FEWEST_OF_CLASS:
        return NotApplicable(f"needs {FEWEST_PATIENTS} patients, and {FEWEST_OF_CLASS} of each outcome")
    says = out_of_fold(evidence.descriptions, classes, patients)
    weights = len(np.unique(patients)) * patient_shares(patients)
    return _flipped(classes, says[:, 1], weights) if kind == "binary" else _never_sure(classes, says, weights)


LABEL_NOISE = Rule(
    "label-noise",
    "Outcomes contradict each other",
    "data",
    _label_noise,
    how="Equal rows with different outcomes, where equal rows are no chance; and, for outcomes of classes, "
    "a share of another outcome that stays however sure trees are of a patient.",
    why="No network can learn what is not true, and it will try.",
    remedies=("have a sample of the outcomes checked", "label smoothing"),
    thresholds=(CONFLICTS, FLOOR, FLIP_RATIO, NEVER_SURE, CLASS_RATIO, LIFT),
    place=120,
    check="Outcomes do not contradict each other",
    needs=(DESCRIPTIONS,),
    figures=(
        Bars(
            "Share with the other outcome",
            {"other_outcome_low": "who seem safe", "other_outcome_high": "who seem ill"},
            FLOOR,
        ),
        Bars("Share of another class", {"other_class": "where one is surest"}, NEVER_SURE),
        Bars("Share of the rows", {"share": "equal rows, other outcome"}, CONFLICTS),
    ),
)


def _classes(evidence: DataEvidence) -> np.ndarray:
    """Number [n] of each sampled row's class, without gaps."""
    targets = evidence.dataset.targets[evidence.sample, 0]
    return np.unique(targets, return_inverse=True)[1]


def _conflicts(evidence: DataEvidence) -> Judged:
    """Patients equal in every input, where that is no chance, with different outcomes; by a row of each patient, whose
    other rows may well have the same inputs and another outcome."""
    first = np.unique(evidence.dataset.cohort.patients, return_index=True)[1]
    inputs, targets = evidence.inputs[first], evidence.dataset.targets[first]
    cells = column_keys(inputs)
    alone = row_keys(cells)
    with_outcome = alone + outcome_keys(targets, seed=inputs.width)
    pairs, agreeing = equal_pairs(alone), equal_pairs(with_outcome)
    if pairs == agreeing or chance_pairs(cells) > CHANCE_PAIRS * pairs:
        return None
    _, owner = np.unique(alone, return_inverse=True)
    _, different = np.unique(with_outcome, return_index=True)
    outcomes = np.bincount(owner[different])  # different outcomes of each set of equal rows
    rows = int((outcomes[owner] > 1).sum())
    if rows < CONFLICTS.value * len(owner):
        return None
    return Seen(
        "warning",
        f"{rows:,} rows have a twin that is equal in every column and has another outcome.",
        {"rows": rows, "share": rows / len(owner)},
        0.95,
    )


def outcome_keys(targets: np.ndarray, seed: int) -> np.ndarray:
    """What outcomes [N, T] add to the keys of rows, seeded unlike the input columns before them."""
    keys = [column.hash(seed=seed + t).to_numpy() for t, column in enumerate(outcome_columns(targets))]
    return row_keys(np.stack(keys, axis=1))


def _flipped(outcome: np.ndarray, says: np.ndarray, weights: np.ndarray) -> Judged:
    """Patients with the other outcome however sure one is: labels flipped at random leave such a floor at both ends."""
    ratio, low, high = flip_rates(outcome, says, weights)
    if ratio < FLIP_RATIO.value or min(low, high) < FLOOR.value:
        return None
    return Seen(
        "warning",
        f"However sure one can be of a patient, {low:.0%} of those who seem safe and {high:.0%} of those who seem ill "
        "have the other outcome: some outcomes are probably wrong.",
        {"other_outcome_low": low, "other_outcome_high": high, "likelihood_ratio": ratio},
        0.6,
    )


def _never_sure(classes: np.ndarray, says: np.ndarray, weights: np.ndarray) -> Judged:
    """Of several classes: the share of rows that are of another class than the surest guess."""
    right = (says.argmax(axis=1) == classes).astype(float)
    lift = float(right.mean()) - np.bincount(classes).max() / len(classes)
    ratio, _, wrong = flip_rates(right, says.max(axis=1), weights)
    if lift < LIFT.value or ratio < CLASS_RATIO.value or wrong < NEVER_SURE.value:
        return None
    return Seen(
        "warning",
        f"However sure one can be of a row's class, {wrong:.0%} are of another: some outcomes are probably wrong.",
        {"other_class": wrong, "likelihood_ratio": ratio},
        0.6,
    )
