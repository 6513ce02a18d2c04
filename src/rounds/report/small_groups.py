"""Groups of patients large enough to be drawn: nothing in a report stands for fewer than ten people."""

import numpy as np

from rounds.statistics.small_cells import FEWEST_PATIENTS, shown_cells


def even_groups(values: np.ndarray, patients: np.ndarray, most: int) -> np.ndarray:
    """Group [N] of each row: at most `most` groups by size of `values`, equal values together, ten patients in each.

    values [N], patients [N] one code a row. Empty where all rows together have fewer than ten patients.

    >>> even_groups(np.arange(40.0), np.arange(40), 100).tolist()[:12]
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    >>> even_groups(np.arange(9.0), np.arange(9), 3).size
    0
    """
    people = len(np.unique(patients))
    wanted = min(most, people // FEWEST_PATIENTS)
    while wanted >= 1:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, wanted + 1)[1:-1]))
        groups = np.unique(np.searchsorted(edges, values), return_inverse=True)[1]
        if patients_per_cell(groups, patients, groups.max() + 1).min() >= FEWEST_PATIENTS:
            return groups
        wanted = wanted * 9 // 10
    return np.zeros(0, np.int64)


def patients_per_cell(cells: np.ndarray, patients: np.ndarray, count: int) -> np.ndarray:
    """Different patients [count] in each cell; cells [N], patients [N]."""
    pairs = np.unique(np.stack([cells, patients], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=count)


def drawable(cells: np.ndarray, patients: np.ndarray, count: int) -> np.ndarray:
    """Which cells [count] of a partition may be drawn: those with patients, and with enough of them.

    >>> drawable(np.array([0] * 12 + [1] * 3 + [3] * 20), np.arange(35), 4).tolist()
    [False, False, False, True]
    """
    people = patients_per_cell(cells, patients, count)
    return np.array(shown_cells(people.tolist())) & (people > 0)


def codes(patients: np.ndarray) -> np.ndarray:
    """Patients numbered from 0, whatever they were called.

    >>> codes(np.array(["b", "a", "b"])).tolist()
    [1, 0, 1]
    """
    return np.unique(patients, return_inverse=True)[1]
