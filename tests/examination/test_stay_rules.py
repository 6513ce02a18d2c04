"""Stays in hospital: one cut in two, some cut by death, the last cut by the end of the extract."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from rounds.data.dataset import Dataset, Provenance
from rounds.examination.finding import NotApplicable
from tests.examination.tables import ROWS, said, seen, table

RANDOM = np.random.default_rng(7)
STAY = np.maximum(RANDOM.gamma(2.0, 3.0, ROWS), 0.5)


def stays(start: np.ndarray, length: np.ndarray = STAY, **unused: object) -> Dataset:
    """Two stays a patient that begin at `start` [N] days."""
    dates = [datetime(2020, 1, 1) + timedelta(days=float(d)) for d in start]
    frame = pl.DataFrame({"admitted": dates, **unused})
    fields = {"patients": np.arange(len(start)) // 2, "group": "patient", "provenance": Provenance(unused=frame)}
    return table(len(start), outcome=length, target="length_of_stay", **fields)


def apart() -> np.ndarray:
    """Starts of stays, those of one patient far apart."""
    return np.arange(ROWS) % 2 * 400.0 + RANDOM.uniform(0, 300, ROWS)


def test_linked_stays() -> None:
    assert said("linked-stays", stays(apart())) is None
    start = apart()
    start[1:100:2] = start[0:100:2] + STAY[0:100:2] + 0.2
    assert seen("linked-stays", stays(start)).evidence["linked"] == 50
    assert isinstance(said("linked-stays", table()), NotApplicable)


def test_deaths() -> None:
    died = np.arange(ROWS) % 10 == 0
    assert seen("competing-event", stays(apart(), died=died)).evidence["died_share"] == 0.1
    assert said("competing-event", stays(apart(), died=np.zeros(ROWS, bool))) is None
    assert isinstance(said("competing-event", stays(apart())), NotApplicable)


def test_deaths_among_the_ways_to_leave() -> None:
    left = np.where(np.arange(ROWS) % 10 == 0, "Expired in hospital", "home")
    found = seen("competing-event", stays(apart(), destination=left))
    assert (found.evidence["column"], found.evidence["died_share"]) == ("destination", 0.1)
    assert isinstance(said("competing-event", stays(apart(), side=np.where(left == "home", "A", "B"))), NotApplicable)
    notes = [f"{number} father died early" for number in range(ROWS)]
    assert isinstance(said("competing-event", stays(apart(), notes=notes)), NotApplicable), "free text"
    alive = np.where(left == "home", "not dead", "dead")
    assert seen("competing-event", stays(apart(), vital_status=alive)).evidence["died_share"] == 0.1


def test_extract_that_ends() -> None:
    start = RANDOM.uniform(0, 80, ROWS)
    assert said("censored-tail", stays(start)) is None
    ended = start + STAY < 80
    cut = stays(start[ended][: ended.sum() // 2 * 2], STAY[ended][: ended.sum() // 2 * 2])
    found = seen("censored-tail", cut)
    assert found.evidence["median_late"] < found.evidence["median_before"]
    assert isinstance(said("censored-tail", table()), NotApplicable)
