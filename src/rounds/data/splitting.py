"""Which patients do what: train, validate, judge. Never one patient on two sides."""

from dataclasses import replace
from typing import Literal

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.data.equal_rows import EqualRows, equal_rows
from rounds.data.preparation.array_scale import marked
from rounds.errors import DataError

TEST_SHARE = 0.2
# Below these, one test part says too little: Rounds then judges every patient out of fold.
FEWEST_TEST_PATIENTS, FEWEST_TEST_EVENTS = 400, 100
OUTER_FOLDS, OUTER_REPEATS = 5, 2
MOST_DEALS = 100  # of folds in tiny data, until every judging fold leaves something of every validation fold
OUTCOME_BINS = 10  # numeric outcomes are stratified by tenths, in tiny data by less


def split_dataset(
    dataset: Dataset, folds: int = 5, split_seed: int = 0, test_share: float = TEST_SHARE, nested: bool = True
) -> Split:
    """Development rows in validation folds, and the rows that judge, by patient and alike in outcome.

    By time (`Dataset.times`) the latest rows judge, and earlier rows of their patients are left out of development.
    Small data has no test part: it is judged out of fold, unless not `nested` (one network has no folds to nest).
    Patients who have rows equal in every column and outcome stay on one side; a test table is left as it was given.
    folds: 1 holds a fifth out once.
    Raises DataError where there are fewer patients than folds.

    >>> from rounds.data.loading import load
    >>> split_dataset(load("diabetes")).kind
    'out-of-fold'
    """
    equal = equal_of(dataset)
    random = np.random.default_rng(np.random.SeedSequence([split_seed, 7]))
    split = _split(dataset, _of_patients(dataset, equal.units), (folds, test_share, nested), random)
    if equal.units is dataset.cohort.patients:
        return split
    return replace(split, how=f"{split.how}; {equal.rows:,} equal rows of different patients stay on one side")


def development_split(dataset: Dataset, folds: int = 5, split_seed: int = 0) -> Split:
    """Every row in development, in validation folds by patient: for whoever judges elsewhere.

    Raises DataError where there are fewer patients than two a fold.
    """
    equal = _of_patients(dataset, equal_of(dataset).units)
    random = np.random.default_rng(np.random.SeedSequence([split_seed, 7]))
    every = np.arange(dataset.rows)
    _refuse_few(equal, every, max(folds, 2))
    parts = _validation_folds(equal, every, folds, random)
    return Split("held-out", every, every[:0], parts, how=f"nobody judges; {_validation_words(folds)}")


def _of_patients(dataset: Dataset, patients: np.ndarray) -> Dataset:
    return replace(dataset, cohort=replace(dataset.cohort, patients=patients))


def _split(given: Dataset, dataset: Dataset, wanted: tuple[int, float, bool], random: np.random.Generator) -> Split:
    """given: with the patients of the table, who decide what a test table shares with DATA; dataset: with those joined
    who have equal rows; wanted: folds, share of the test part, whether small data are nested."""
    folds, test_share, nested = wanted
    every = np.arange(dataset.rows)
    kind: Literal["given", "held-out"] = "held-out"
    if given.cohort.given_test is not None:
        kind = "given"
        test, development, how = _given(given)
    elif dataset.cohort.times is not None:
        test, development = _latest(dataset, test_share)
        how = f"test: the latest {len(test):,} rows by {dataset.cohort.time}; earlier rows of their patients left out"
    else:
        how = "test: a fifth of the patients at random, alike in outcome"
        _refuse_few(dataset, every, round(1 / test_share))
        test = _deal(dataset, every, round(1 / test_share), random)[0]
        development = np.setdiff1d(every, test)
        if nested and _too_small(dataset, test):
            return _out_of_fold(dataset, folds, random)
    _refuse_few(dataset, development, max(folds, 2))
    if folds == 1 and dataset.cohort.given_validation is not None:
        held = development[dataset.cohort.given_validation[development]]
        return Split(kind, development, test, (held,), how=f"{how}; validation: the part that the data bring")
    parts = _validation_folds(dataset, development, folds, random)
    return Split(kind, development, test, parts, how=f"{how}; {_validation_words(folds)}")


def equal_of(dataset: Dataset) -> EqualRows:
    """Rows of a dataset that are equal in every column and outcome; images on disk count as different."""
    array = dataset.signals.array if isinstance(dataset.signals.array, np.ndarray) else None
    return equal_rows(marked(dataset.inputs, array, dataset.signals.modality), dataset.targets, dataset.cohort.patients)


def _given(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, str]:
    """(test, development, how): the rows of the test table, and those of DATA whose patients are not in it."""
    assert dataset.cohort.given_test is not None
    seen = np.isin(dataset.cohort.patients, np.unique(dataset.cohort.patients[dataset.cohort.given_test]))
    test, development = np.flatnonzero(dataset.cohort.given_test), np.flatnonzero(~seen)
    if not len(development):
        advice = "Give a test table of other patients"
        raise DataError("Test table", "of other patients than DATA", name="patients in both", got="all", advice=advice)
    shared = dataset.rows - len(test) - len(development)
    how = "test: rows given as a table of their own"
    return test, development, f"{how}; {shared:,} rows of its patients left out of DATA" if shared else how


def _validation_words(folds: int) -> str:
    return (
        "validation: a fifth of the others, once" if folds == 1 else f"validation: {folds} folds of the other patients"
    )


def _validation_folds(
    dataset: Dataset, rows: np.ndarray, folds: int, random: np.random.Generator
) -> tuple[np.ndarray, ...]:
    if folds == 1:
        most = len(np.unique(dataset.cohort.patients[rows])) // 2  # a part of more could be left without a patient
        return (_deal(dataset, rows, min(round(1 / TEST_SHARE), most), random)[0],)
    return tuple(_deal(dataset, rows, folds, random))


def _out_of_fold(dataset: Dataset, folds: int, random: np.random.Generator) -> Split:
    every = np.arange(dataset.rows)
    _refuse_few(dataset, every, max(folds, OUTER_FOLDS))
    parts = _validation_folds(dataset, every, folds, random)
    outer = tuple(_judging_folds(dataset, every, parts, random) for _ in range(OUTER_REPEATS))
    how = (
        f"small data: every patient is judged by networks that never saw them ({OUTER_REPEATS} x {OUTER_FOLDS} folds "
        f"by patient, alike in outcome; all choosing happens inside each fold)"
    )
    return Split("out-of-fold", every, np.array([], np.int64), parts, outer, how)


def _judging_folds(
    dataset: Dataset, rows: np.ndarray, parts: tuple[np.ndarray, ...], random: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Folds none of which swallows a validation fold: in tiny data, members would have nothing left to stop by."""
    for _ in range(MOST_DEALS):
        folds = tuple(_deal(dataset, rows, OUTER_FOLDS, random))
        if not any(np.isin(part, fold).all() for part in parts for fold in folds):
            return folds
    advice = "Collect more patients, or lower --set folds"
    patients = len(np.unique(dataset.cohort.patients[rows]))
    raise DataError(
        "Patients", "enough to validate inside every judging fold", name="patients", got=patients, advice=advice
    )


def _too_small(dataset: Dataset, test: np.ndarray) -> bool:
    if len(np.unique(dataset.cohort.patients[test])) < FEWEST_TEST_PATIENTS:
        return True
    if not dataset.task.is_classification:
        return False
    return _events(dataset, test) < FEWEST_TEST_EVENTS


def _events(dataset: Dataset, rows: np.ndarray) -> int:
    """Patients of the rarest class (multilabel: of the rarest label's rarer side), however many rows they have."""
    targets, patients = dataset.targets[rows], dataset.cohort.patients[rows]
    if dataset.task.kind == "multiclass":
        sides = [targets[:, 0] == c for c in range(len(dataset.task.classes))]
    else:
        sides = [side for label in targets.T for side in (label > 0.5, label <= 0.5)]
    return min(len(np.unique(patients[side])) for side in sides)


def _refuse_few(dataset: Dataset, rows: np.ndarray, folds: int) -> None:
    patients = len(np.unique(dataset.cohort.patients[rows]))
    if patients < 2 * folds:
        advice = "Collect more patients, or lower --set folds"
        raise DataError(
            "Patients", f"at least {2 * folds} for {folds} folds", name="patients", got=patients, advice=advice
        )


def _latest(dataset: Dataset, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(test, development): rows from the time on that leaves nearest to `share` of them, and earlier rows of other
    patients."""
    assert dataset.cohort.times is not None
    moments, counts = np.unique(dataset.cohort.times, return_counts=True)
    later = counts[::-1].cumsum()[::-1] / dataset.rows  # [M] share of rows at or after each moment
    cut = moments[1:][np.abs(later[1:] - share).argmin()] if len(moments) > 1 else moments[0]
    late = dataset.cohort.times >= cut
    seen = np.isin(dataset.cohort.patients, np.unique(dataset.cohort.patients[late]))
    test, development = np.flatnonzero(late), np.flatnonzero(~late & ~seen)
    if not len(development):
        advice = "Choose another --time column, or leave it out"
        raise DataError(
            "Time", "a column that leaves earlier patients", name="time", got=dataset.cohort.time, advice=advice
        )
    return test, development


def _deal(dataset: Dataset, rows: np.ndarray, parts: int, random: np.random.Generator) -> list[np.ndarray]:
    """Rows in parts that share no patient: patients shuffled, sorted by outcome, dealt in turn."""
    codes, owner = np.unique(dataset.cohort.patients[rows], return_inverse=True)
    bins = min(OUTCOME_BINS, max(1, len(codes) // parts))  # else the outcome alone would decide who is dealt where
    stratum = _strata(dataset, rows, owner, bins)
    order = np.lexsort((random.random(len(codes)), stratum))
    part = np.empty(len(codes), np.int64)
    part[order] = (np.arange(len(codes)) + random.integers(parts)) % parts
    return [rows[part[owner] == p] for p in range(parts)]


def _strata(dataset: Dataset, rows: np.ndarray, owner: np.ndarray, bins: int) -> np.ndarray:
    """Outcome of each patient as a small whole number: the rarest of their classes, the mean number of their labels,
    or the quantile bin of the mean over their rows."""
    targets, patients = dataset.targets[rows], int(owner.max()) + 1
    if dataset.task.kind in ("binary", "multiclass"):
        classes = targets[:, 0].astype(np.int64)
        rarity = np.argsort(np.argsort(np.bincount(classes), kind="stable"))  # 0 = the rarest
        rarest = np.full(patients, len(rarity))
        np.minimum.at(rarest, owner, rarity[classes])
        return rarest
    first = targets.sum(1) if dataset.task.kind == "multilabel" else targets[:, 0]
    mean = np.bincount(owner, first.astype(np.float64), patients) / np.bincount(owner, minlength=patients)
    if dataset.task.kind == "multilabel":
        return np.round(mean).astype(int)
    edges = np.quantile(mean, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, mean)
