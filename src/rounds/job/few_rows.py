"""Tables of too few rows to hold any out, for a model of the user's own: XOR has four."""

from dataclasses import replace

import numpy as np

from rounds.data.dataset import Dataset

FEWEST_ROWS = 10  # with fewer, no fold has rows to train, to validate and to judge on
SAME_ROWS = "duplicate-rows"  # the finding that says that rows stand on both sides of a split
WORD = (
    "{rows} rows are too few to hold any out: the same rows train, validate and judge, so that scores say what was "
    "learned by heart, and nothing of other patients"
)


def with_few_rows(dataset: Dataset) -> Dataset:
    """The same rows three times, to train, to validate and to judge, where there are fewer than FEWEST_ROWS."""
    rows = dataset.rows
    if rows >= FEWEST_ROWS or dataset.cohort.given_test is not None or dataset.cohort.given_validation is not None:
        return dataset
    again, part = np.tile(np.arange(rows), 3), np.repeat(np.arange(3), rows)
    cohort, array = dataset.cohort, dataset.signals.array
    return replace(
        dataset,
        inputs=dataset.inputs[again],
        targets=dataset.targets[again],
        cohort=replace(
            cohort,
            patients=cohort.patients[again] + part * (cohort.patients.max() + 1),
            times=None if cohort.times is None else cohort.times[again],
            identifiers=cohort.identifiers[again] if cohort.identifiers.width else cohort.identifiers,
            baseline=None if cohort.baseline is None else cohort.baseline[again],
            given_validation=part == 1,
            given_test=part == 2,
        ),
        signals=replace(dataset.signals, array=None if array is None else array[again]),
        provenance=replace(dataset.provenance, notes=(*dataset.provenance.notes, WORD.format(rows=rows))),
    )


def is_repeated(dataset: Dataset) -> bool:
    """Whether the same rows train, validate and judge."""
    return WORD.format(rows=dataset.rows // 3) in dataset.provenance.notes
