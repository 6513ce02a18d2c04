"""Which cells of a table are shown: none of 1 to 9 patients, and never just one hidden one."""

import pytest

from rounds.statistics.small_cells import shown_cells


@pytest.mark.parametrize(
    ("patients", "shown"),
    [
        ([10, 11], [True, True]),
        ([9, 10, 11], [False, False, True]),
        ([9, 11, 10], [False, True, False]),
        ([9, 9, 50], [False, False, True]),
        ([0, 9], [True, False]),
        ([3], [False]),
        ([50], [True]),
    ],
)
def test_cells_of_few_patients_and_what_would_tell_them_are_hidden(patients: list[int], shown: list[bool]) -> None:
    assert shown_cells(patients) == shown
