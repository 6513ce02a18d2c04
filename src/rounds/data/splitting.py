"""Which patients do what: train, validate, judge. Never one patient on two sides."""

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.errors import DataError, must_be

TEST_SHARE = 0.2
# Below these, one test part says too little: Rounds then judges every patient out of fold.
FEWEST_TEST_PATIENTS, FEWEST_TEST_EVENTS = 400, 100
OUTER_FOLDS, OUTER_REPEATS = 5, 2
OUTCOME_BINS = 10  # numeric outcomes are stratified by tenths


def split_dataset(
    dataset: Dataset, folds: int = 5, split_seed: int = 0, test_share: float = TEST_SHARE, nested: bool = True
) -> Split:
    """Development rows in validation folds, and the rows that judge, by patient and alike in outcome.

    By time (`Dataset.times`) the latest rows judge, and earlier rows of their patients are left out of development.
    Small data has no test part: it is judged out of fold, unless not `nested` (one network has no folds to nest).
    folds: 1 holds a fifth out once.
    Raises DataError where there are fewer patients than folds.

    >>> from rounds.data.loading import load
    >>> split_dataset(load("diabetes")).kind
    'out-of-fold'
    """
    random = np.random.default_rng(np.random.SeedSequence([split_seed, 7]))
    every = np.arange(dataset.rows)
    if dataset.given_test is not None:
        kind, test, development = "given", every[dataset.given_test], every[~dataset.given_test]
        how = "test rows given as a table of their own"
    elif dataset.times is not None:
        kind, test, development = "held-out", *_latest(dataset, test_share)
        how = f"test: the latest {len(test):,} rows by {dataset.time}; earlier rows of their patients left out"
    else:
        kind, how = "held-out", "test: a fifth of the patients at random, alike in outcome"
        test = _deal(dataset, every, round(1 / test_share), random)[0]
        development = np.setdiff1d(every, test)
    if nested and kind == "held-out" and dataset.times is None and _too_small(dataset, test):
        return _out_of_fold(dataset, folds, random)
    _refuse_few(dataset, development, max(folds, 2))
    parts = _validation_folds(dataset, development, folds, random)
    return Split(kind, development, test, parts, how=f"{how}; {_validation_words(folds)}")  # type: ignore[arg-type]


def _validation_words(folds: int) -> str:
    return (
        "validation: a fifth of the others, once" if folds == 1 else f"validation: {folds} folds of the other patients"
    )


def _validation_folds(
    dataset: Dataset, rows: np.ndarray, folds: int, random: np.random.Generator
) -> tuple[np.ndarray, ...]:
    if folds == 1:
        return (_deal(dataset, rows, round(1 / TEST_SHARE), random)[0],)
    return tuple(_deal(dataset, rows, folds, random))


def _out_of_fold(dataset: Dataset, folds: int, random: np.random.Generator) -> Split:
    every = np.arange(dataset.rows)
    _refuse_few(dataset, every, max(folds, OUTER_FOLDS))
    parts = _validation_folds(dataset, every, folds, random)
    outer = tuple(tuple(_deal(dataset, every, OUTER_FOLDS, random)) for _ in range(OUTER_REPEATS))
    how = (
        f"small data: every patient is judged by networks that never saw them ({OUTER_REPEATS} x {OUTER_FOLDS} folds "
        f"by patient, alike in outcome; all choosing happens inside each fold)"
    )
    return Split("out-of-fold", every, np.array([], np.int64), parts, outer, how)


def _too_small(dataset: Dataset, test: np.ndarray) -> bool:
    if len(np.unique(dataset.patients[test])) < FEWEST_TEST_PATIENTS:
        return True
    if not dataset.task.is_classification:
        return False
    return _events(dataset, test) < FEWEST_TEST_EVENTS


def _events(dataset: Dataset, rows: np.ndarray) -> int:
    """Rows of the rarest class (multilabel: of the rarest label's rarer side)."""
    targets = dataset.targets[rows]
    if dataset.task.kind == "multiclass":
        return int(np.bincount(targets[:, 0].astype(int), minlength=len(dataset.task.classes)).min())
    cases = targets.sum(0)
    return int(np.minimum(cases, len(targets) - cases).min())


def _refuse_few(dataset: Dataset, rows: np.ndarray, folds: int) -> None:
    patients = len(np.unique(dataset.patients[rows]))
    if patients < 2 * folds:
        advice = "Collect more patients, or lower --set folds"
        raise DataError(must_be("Patients", f"at least {2 * folds} for {folds} folds", "patients", patients, advice))


def _latest(dataset: Dataset, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(test, development): rows after the time that leaves `share` of them, and earlier rows of other patients."""
    assert dataset.times is not None
    cut = np.quantile(dataset.times, 1 - share, method="higher")
    late = dataset.times >= cut
    seen = np.isin(dataset.patients, np.unique(dataset.patients[late]))
    test, development = np.flatnonzero(late), np.flatnonzero(~late & ~seen)
    if not len(development):
        advice = "Choose another --time column, or leave it out"
        raise DataError(must_be("Time", "a column that leaves earlier patients", "time", dataset.time, advice))
    return test, development


def _deal(dataset: Dataset, rows: np.ndarray, parts: int, random: np.random.Generator) -> list[np.ndarray]:
    """Rows in parts that share no patient: patients shuffled, sorted by outcome, dealt like cards."""
    codes, owner = np.unique(dataset.patients[rows], return_inverse=True)
    stratum = _strata(dataset, rows, owner, len(codes))
    order = np.lexsort((random.random(len(codes)), stratum))
    part = np.empty(len(codes), np.int64)
    part[order] = (np.arange(len(codes)) + random.integers(parts)) % parts
    return [rows[part[owner] == p] for p in range(parts)]


def _strata(dataset: Dataset, rows: np.ndarray, owner: np.ndarray, patients: int) -> np.ndarray:
    """Outcome of each patient as a small whole number: class or tenth of the mean over their rows."""
    first = dataset.targets[rows][:, 0].astype(np.float64)
    if dataset.task.kind == "multilabel":
        first = dataset.targets[rows].sum(1)
    mean = np.bincount(owner, first, patients) / np.bincount(owner, minlength=patients)
    if dataset.task.is_classification:
        return np.round(mean).astype(int)
    edges = np.quantile(mean, np.linspace(0, 1, OUTCOME_BINS + 1)[1:-1])
    return np.searchsorted(edges, mean)
