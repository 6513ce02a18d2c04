"""Four rows train, validate and judge, and that is said; more rows are left alone."""

import numpy as np

from rounds.data.choices import Choices
from rounds.job.arguments import dataset_of
from rounds.job.few_rows import FEWEST_ROWS, is_repeated, with_few_rows

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def test_four_rows_stand_on_every_side() -> None:
    once = dataset_of((XOR, (XOR.sum(1) == 1).astype(int)), Choices(kind="binary"))
    made = with_few_rows(once)
    assert made.rows == 12
    assert made.cohort.given_test is not None
    assert made.cohort.given_validation is not None
    for part in (
        made.cohort.given_test,
        made.cohort.given_validation,
        ~(made.cohort.given_test | made.cohort.given_validation),
    ):
        assert np.array_equal(made.targets[part], once.targets)
        assert made.inputs.filter(part).equals(once.inputs)
    assert len(set(made.cohort.patients)) == 12
    assert is_repeated(made)
    assert "4 rows are too few" in made.provenance.notes[-1]


def test_as_many_rows_as_can_be_split_are_left_alone() -> None:
    x = np.arange(2.0 * FEWEST_ROWS).reshape(FEWEST_ROWS, 2)
    enough = dataset_of((x, x[:, 0]), Choices(kind="regression"))
    assert with_few_rows(enough) is enough
    assert not is_repeated(enough)
