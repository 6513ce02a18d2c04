"""Schedules at their corner epochs."""

import jax.numpy as jnp
import numpy as np
import pytest

from rounds.plan import Plan
from rounds.training.compiled.schedule import ONE_CYCLE_END, ONE_CYCLE_START, learning_rate_at

SETTINGS = {"learning_rate": 2.0, "warmup_epochs": 0.0, "decay_factor": 0.1}


def rate(plan: Plan, position: float, **changed: float) -> float:
    settings = {k: jnp.float32(v) for k, v in {**SETTINGS, **changed}.items()}
    return float(learning_rate_at(plan, settings, jnp.float32(position)))


CORNERS = [
    ("constant", {}, {0.0: 2.0, 50.0: 2.0, 100.0: 2.0}),
    ("step", {"decay_epochs": (30, 60, 90)}, {29.9: 2.0, 30.0: 0.2, 60.0: 0.02, 90.0: 0.002, 100.0: 0.002}),
    ("cosine", {}, {0.0: 2.0, 50.0: 1.0, 100.0: 0.0}),
    ("linear", {}, {0.0: 2.0, 25.0: 1.5, 100.0: 0.0}),
    ("inverse_sqrt", {}, {0.0: 2.0, 3.0: 1.0, 99.0: 0.2}),
    ("cyclic", {"cycles": 4}, {0.0: 2.0, 12.5: 1.0, 24.999: 0.0, 25.0: 2.0, 50.0: 2.0, 100.0: 0.0}),
    ("one_cycle", {}, {0.0: 2.0 * ONE_CYCLE_START, 30.0: 2.0, 100.0: 2.0 * ONE_CYCLE_END}),
    ("plateau", {}, {0.0: 2.0, 100.0: 2.0}),
]


@pytest.mark.parametrize(("schedule", "fields", "corners"), CORNERS, ids=[c[0] for c in CORNERS])
def test_rate_at_the_corners(schedule: str, fields: dict, corners: dict[float, float]) -> None:
    plan = Plan(schedule=schedule, epochs=100, **fields)
    for position, expected in corners.items():
        assert rate(plan, position) == pytest.approx(expected, abs=1e-6, rel=1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear", "one_cycle"])
def test_warm_up_rises_linearly_before_any_schedule(schedule: str) -> None:
    plan = Plan(schedule=schedule, epochs=100)
    start = rate(plan, 0.0, warmup_epochs=10)
    top = rate(plan, 10.0, warmup_epochs=10)
    assert start == 0.0
    assert rate(plan, 5.0, warmup_epochs=10) == pytest.approx(0.5 * top, rel=1e-5)


def test_the_rate_grows_with_the_batch_where_that_is_asked_for() -> None:
    plan = Plan(schedule="constant", batch_size=256, scale_learning_rate_with_batch=True)
    assert rate(plan, 0.0) == pytest.approx(8.0)
    assert rate(plan.change(batch_size="all"), 0.0) == pytest.approx(2.0)


def test_rates_differ_per_member_in_one_call() -> None:
    settings = {**SETTINGS, "learning_rate": jnp.array([1.0, 3.0])}
    assert np.allclose(learning_rate_at(Plan(schedule="cosine", epochs=10), settings, jnp.float32(5)), [0.5, 1.5])
