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
    if rows >= FEWEST_ROWS or dataset.given_test is not None or dataset.given_validation is not None:
        return dataset
    again, part = np.tile(np.arange(rows), 3), np.repeat(np.arange(3), rows)
    named = {name: getattr(dataset, name) for name in ("times", "baseline", "array")}
    return replace(
        dataset,
        inputs=dataset.inputs[again],
        targets=dataset.targets[again],
        patients=dataset.patients[again] + part * (dataset.patients.max() + 1),
        identifiers=dataset.identifiers[again] if dataset.identifiers.width else dataset.identifiers,
        given_validation=part == 1,
        given_test=part == 2,
        provenance=replace(dataset.provenance, notes=(*dataset.provenance.notes, WORD.format(rows=rows))),
        **{name: values[again] for name, values in named.items() if values is not None},
    )


def is_repeated(dataset: Dataset) -> bool:
    """Whether the same rows train, validate and judge."""
    return WORD.format(rows=dataset.rows // 3) in dataset.provenance.notes
