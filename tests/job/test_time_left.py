"""How long a run still takes, told from events whose times are given: no clock is read."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rounds.job import time_left
from rounds.job.time_left import Remaining, TimeLeft, earliest_end
from rounds.training.pool import Progress
from rounds.training.result.progress import Stage

SLABS, EPOCHS = 4, 40


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def population(patience: int = 0) -> Any:
    """Slabs of one plan, as far as time is concerned."""
    plan, program = SimpleNamespace(epochs=EPOCHS, patience=patience), object()
    slabs = tuple(SimpleNamespace(number=i, plan=0) for i in range(SLABS))
    return SimpleNamespace(slabs=slabs, plans=(plan,), programs=(program,), folds_data=(None,) * 11)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(time_left, "slab_costs", lambda some: [0.5] * len(some.slabs))
    monkeypatch.setattr(time_left, "workers_here", lambda: SLABS)
    return Clock()


def begun(clock: Clock, some: Any, rounds: int = 0) -> TimeLeft:
    """A run that examined its data for 2 s, fitted baselines for 3 s, and trains since then."""
    left = TimeLeft(rounds, 2, clock)
    clock.now = 2.0
    left.see(Stage("fitting baselines"))
    clock.now = 5.0
    left.see(Stage("training", some))
    return left


def epochs(clock: Clock, left: TimeLeft, first: int, last: int, seconds: float) -> Iterator[Remaining]:
    """Epochs of all slabs, each of so many seconds, and what is left after each."""
    for epoch in range(first, last + 1):
        for slab in range(SLABS):
            clock.now += seconds / SLABS
            left.see(Progress(slab, epoch, 1.0))
        said = left.remaining()
        assert said is not None
        yield said


def test_nothing_is_said_before_there_is_a_plan(clock: Clock) -> None:
    assert TimeLeft(0, 2, clock).remaining() is None


def test_a_training_of_even_epochs_is_told_by_their_pace(clock: Clock) -> None:
    left = begun(clock, population())
    said = list(epochs(clock, left, 1, 10, 3.0))[-1]
    later = left._judging().plus(left._writing())
    assert said.likely - later.likely == pytest.approx(30 * 3.0, rel=0.1)
    assert said.low <= said.likely <= said.high


def test_slabs_that_still_compile_do_not_slow_the_pace(clock: Clock) -> None:
    left = begun(clock, population())
    for epoch in range(1, 11):  # of one slab, while the others have none
        clock.now += 1.0
        left.see(Progress(0, epoch, 1.0))
    said, later = left.remaining(), left._judging().plus(left._writing())
    assert said is not None
    assert said.high - later.high == pytest.approx((30 + 3 * EPOCHS) * 1.0 / SLABS)


def test_what_ended_early_shortens_what_is_expected_of_others(clock: Clock) -> None:
    left = begun(clock, population(patience=5))
    before = list(epochs(clock, left, 1, 10, 3.0))[-1].likely
    done = SimpleNamespace(slab=0)
    left.see(Progress(0, 10, 0.0, result=done))  # type: ignore[arg-type]
    after = left.remaining()
    assert after is not None
    assert after.likely < before


def test_judging_is_told_from_the_baselines_of_one_fold(clock: Clock) -> None:
    left = begun(clock, population())
    clock.now = 50.0
    left.see(Stage("judging"))
    said = left.remaining()
    assert said is not None
    assert said.low < 3.0 * 10 / 2 < said.high  # ten folds of 3 s, two at a time


def test_rounds_widen_the_span_and_what_is_overdue_goes_on(clock: Clock) -> None:
    without, with_rounds = (begun(clock, population(), rounds).remaining() for rounds in (0, 2))
    assert without is not None
    assert with_rounds is not None
    assert with_rounds.high > 2 * without.high
    assert Remaining(1.0, 2.0, 3.0).after(100.0) == Remaining(1.0, 2.0, 3.0)
    assert Remaining(50.0, 60.0, 90.0).after(100.0).likely == pytest.approx(20.0)


def test_a_slab_ends_when_its_last_network_has_waited() -> None:
    record = SimpleNamespace(best_epoch=np.array([[3, 9]]), running=np.array([[True, False]]))
    assert earliest_end(SimpleNamespace(records=(record,)), patience=5) == 9  # type: ignore[arg-type]
