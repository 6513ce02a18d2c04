"""Groups that may be drawn: ten patients or nothing."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rounds.report.small_groups import drawable, even_groups, patients_per_cell


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.integers(1, 120), st.integers(1, 40), st.integers(0, 5), st.integers(0, 99))
def test_no_group_is_under_ten_patients(rows: int, people: int, most: int, decimals: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values, patients = random.normal(size=rows).round(decimals), random.integers(0, people, rows)
    groups = even_groups(values, patients, most)
    if not groups.size:
        assert len(np.unique(patients)) < 10
        return
    found = [set(patients[groups == g]) for g in range(groups.max() + 1)]
    assert min(map(len, found)) >= 10
    assert len(found) <= most
    by_value = [values[groups == g] for g in range(groups.max() + 1)]
    assert all(low.max() < high.min() for low, high in itertools.pairwise(by_value))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_cells_that_may_be_drawn(sizes: list[int]) -> None:
    cells = np.repeat(np.arange(len(sizes)), sizes)
    if not len(cells):
        return
    shown = drawable(cells, np.arange(len(cells)), len(sizes))
    assert all(size >= 10 for size, is_shown in zip(sizes, shown, strict=True) if is_shown)
    assert sum(0 < size < 10 for size in sizes) != 1 or sum(s >= 10 for s in sizes) - shown.sum() == bool(
        [s for s in sizes if s >= 10]
    )


def test_a_patient_counts_once_in_a_cell() -> None:
    assert patients_per_cell(np.array([0, 0, 1]), np.array([5, 5, 5]), 2).tolist() == [1, 1]
