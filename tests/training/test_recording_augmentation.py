"""Recordings as they might have been taken: each change against what it says, and nothing where nothing is asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.data.recordings.channels import channels_of, incomplete_variables, inside_of
from rounds.data.recordings.timeline import Timeline
from rounds.training.augmentation.recordings import (
    RECORDING_SETTINGS,
    SEEN,
    SINCE,
    VALUE,
    Channels,
    augment_recordings,
    kinds_of,
)

ROWS, STEPS, KEY = 40, 12, jax.random.PRNGKey(0)


def recordings() -> tuple[np.ndarray, Channels]:
    """Three variables, two of them not always measured, of different lengths."""
    random = np.random.default_rng(0)
    values = random.normal(5, 2, (ROWS, STEPS, 3)).astype("f4")
    values[random.random(values.shape) < 0.5] = np.nan
    values[:, 6:][np.arange(ROWS) % 2 == 0] = np.nan
    values[:, :, 0] = np.where(inside_of(values), 7.0, np.nan)
    timeline = Timeline(variables=("a", "b", "c"), step=1, steps=STEPS, unit="hour")
    timeline = timeline.model_copy(update={"incomplete": incomplete_variables(values, timeline.variables)})
    kind, variable = map(jnp.asarray, kinds_of(timeline))
    mean = jnp.where(kind == VALUE, 5.0, 0.0)
    return channels_of(values, timeline), Channels(kind, variable, mean, jnp.where(kind == VALUE, 2.0, 1.0))


def augmented(**settings: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(before, after, kinds)."""
    array, channels = recordings()
    given = {name: jnp.float32(value) for name, value in settings.items()}
    made = augment_recordings(given, frozenset(settings), jnp.asarray(array), channels, KEY)
    return array, np.asarray(made), np.asarray(channels.kind)


@pytest.mark.parametrize("name", RECORDING_SETTINGS)
def test_an_amount_of_nothing_changes_nothing(name: str) -> None:
    before, after, _ = augmented(**{name: 0.0})
    np.testing.assert_allclose(after, before, atol=1e-5)


@pytest.mark.parametrize("name", RECORDING_SETTINGS)
def test_each_recording_is_changed_in_its_own_way(name: str) -> None:
    before, after, _ = augmented(**{name: 0.5})
    changed = [not np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)]
    assert np.mean(changed) > 0.7


@pytest.mark.parametrize("name", ["scaling", "input_noise"])
def test_sizes_change_and_presence_does_not(name: str) -> None:
    before, after, kind = augmented(**{name: 0.3})
    np.testing.assert_array_equal(after[:, :, kind != VALUE], before[:, :, kind != VALUE])
    np.testing.assert_array_equal(np.isnan(after), np.isnan(before))


def test_scaling_is_one_factor_a_variable_and_recording() -> None:
    before, after, kind = augmented(scaling=0.3)
    with np.errstate(invalid="ignore"):
        factor = (after - 5) / (before - 5)
    for channel in np.flatnonzero(kind == VALUE):
        spread = np.nanmax(factor[:, :, channel], axis=1) - np.nanmin(factor[:, :, channel], axis=1)
        assert np.nanmax(spread) < 1e-3
    assert np.nanmin(factor[:, :, kind == VALUE]) > 0.69
    assert np.nanmax(factor[:, :, kind == VALUE]) < 1.31


def test_shifts_move_all_channels_together() -> None:
    before, after, _ = augmented(shift=0.25)
    for old, new in zip(before, after, strict=True):
        moves = [np.clip(np.arange(STEPS) - move, 0, STEPS - 1) for move in range(-3, 4)]
        assert any(np.array_equal(old[places], new, equal_nan=True) for places in moves)


def test_hidden_variables_look_as_if_never_measured() -> None:
    before, after, kind = augmented(mask_channels=0.4)
    values, seen, since = (np.flatnonzero(kind == k) for k in (VALUE, SEEN, SINCE))
    hidden = np.isnan(after[:, :, values]).all(1) & ~np.isnan(before[:, :, values]).all(1)
    assert 0.2 < hidden.mean() < 0.6
    for place in (0, 1):  # of the two incomplete variables, b and c
        gone = hidden[:, 1 + place]
        assert (after[gone][:, :, seen[place]] == 0).all()
        np.testing.assert_array_equal(after[gone][:, :, since[place]], before[gone][:, :, 0])
        np.testing.assert_array_equal(after[~gone][:, :, seen[place]], before[~gone][:, :, seen[place]])


def test_one_span_is_hidden_and_inside_stays() -> None:
    before, after, kind = augmented(mask_span=0.5)
    values = np.flatnonzero(kind == VALUE)
    gone = np.isnan(after[:, :, values[0]]) & ~np.isnan(before[:, :, values[0]])
    for row in gone:
        places = np.flatnonzero(row)
        assert len(places) <= STEPS // 2 + 1
        assert len(places) == 0 or places[-1] - places[0] + 1 == len(places)
    np.testing.assert_array_equal(after[:, :, 0], before[:, :, 0])
    assert gone.any()
