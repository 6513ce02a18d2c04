"""What a small group would give away: cells of so few patients that one of them could be recognised are left out."""

from collections.abc import Sequence

from rounds.data.disclosure import FEWEST_PATIENTS

__all__ = ["FEWEST_PATIENTS", "shown_cells"]


def shown_cells(patients: Sequence[int]) -> list[bool]:
    """Which cells of a partition may be shown: none of 1 to 9 patients, and never just one hidden cell.

    A single hidden cell follows from the total, so the smallest of the shown ones goes with it. An empty cell names
    nobody and stays.

    >>> shown_cells([50, 3, 20]), shown_cells([50, 20, 0])
    ([True, False, False], [True, True, True])
    """
    shown = [count == 0 or count >= FEWEST_PATIENTS for count in patients]
    if shown.count(False) == 1 and len(shown) > 1:
        others = [place for place, is_shown in enumerate(shown) if is_shown and patients[place] > 0]
        if others:
            shown[min(others, key=lambda place: patients[place])] = False
    return shown
