"""Images as they might have been taken: each change against a naive twin, and nothing where nothing is asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.proposal import Amount, propose
from rounds.task import Task
from rounds.training.augmentation.images import IMAGE_SETTINGS, UniformDraws, augment_images

SIZE, ROWS = 13, 6
KEY = jax.random.PRNGKey(0)
SPREAD = jnp.array([50.0])


def images(channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (ROWS, SIZE, SIZE, channels)).astype(np.uint8)


def augmented(pixels: np.ndarray, **settings: float) -> np.ndarray:
    given = {name: jnp.float32(value) for name, value in settings.items()}
    return np.asarray(augment_images(given, frozenset(settings), jnp.asarray(pixels), SPREAD, KEY))


@pytest.mark.parametrize("name", IMAGE_SETTINGS)
def test_an_amount_of_nothing_changes_nothing(name: str) -> None:
    pixels = images(3)
    np.testing.assert_allclose(augmented(pixels, **{name: 0.0}), pixels, atol=2e-3)


@pytest.mark.parametrize("name", IMAGE_SETTINGS)
def test_each_image_is_changed_in_its_own_way(name: str) -> None:
    pixels = np.repeat(images()[:1], ROWS, axis=0)
    made = augmented(pixels, **{name: 0.5 if name not in ("rotate", "shear") else 20.0})
    assert (made != pixels).any(axis=(1, 2, 3)).sum() >= (2 if name == "flip" else ROWS - 1)
    assert len({image.tobytes() for image in made}) > 1


def test_certain_flip_is_the_mirror_image() -> None:
    pixels = images()
    np.testing.assert_allclose(augmented(pixels, flip=1.0), pixels[:, :, ::-1], atol=2e-3)


def naive_bilinear(image: np.ndarray, row: float, column: float) -> float:
    row, column = min(max(row, 0), SIZE - 1), min(max(column, 0), SIZE - 1)
    i, j = min(int(row), SIZE - 2), min(int(column), SIZE - 2)
    a, b = row - i, column - j
    return float(
        (1 - a) * ((1 - b) * image[i, j] + b * image[i, j + 1])
        + a * ((1 - b) * image[i + 1, j] + b * image[i + 1, j + 1])
    )


def test_shift_and_turn_are_those_of_the_naive_twin() -> None:
    pixels = images()
    drawn = UniformDraws(KEY, ROWS)
    moves = np.asarray(drawn.uniform("shift", 2)) * 0.3 * (SIZE - 1)  # pixels
    angles = np.deg2rad(np.asarray(drawn.uniform("rotate"))[:, 0] * 40.0)
    shifted, turned = augmented(pixels, shift=0.3), augmented(pixels, rotate=40.0)
    middle = (SIZE - 1) / 2
    for b, y, x in [(0, 3, 4), (1, 6, 6), (4, 10, 2), (5, 0, 12)]:
        wanted = naive_bilinear(pixels[b, ..., 0], y + moves[b, 0], x + moves[b, 1])
        assert shifted[b, y, x, 0] == pytest.approx(wanted, abs=0.05)
        down, across = y - middle, x - middle
        row = middle + np.cos(angles[b]) * down - np.sin(angles[b]) * across
        column = middle + np.sin(angles[b]) * down + np.cos(angles[b]) * across
        assert turned[b, y, x, 0] == pytest.approx(naive_bilinear(pixels[b, ..., 0], row, column), abs=0.05)


def test_shades_move_mean_and_spread_as_far_as_they_say() -> None:
    pixels = images()
    drawn = UniformDraws(KEY, ROWS)
    brighter = augmented(pixels, brightness=0.4)
    wanted = 0.4 * 50.0 * np.asarray(drawn.uniform("brightness"))[:, 0]
    np.testing.assert_allclose((brighter - pixels).mean((1, 2, 3)), wanted, atol=1e-3)
    harder = augmented(pixels, contrast=0.5)
    wanted = 1 + 0.5 * np.asarray(drawn.uniform("contrast"))[:, 0]
    np.testing.assert_allclose(harder.std((1, 2, 3)) / pixels.std((1, 2, 3)), wanted, rtol=1e-4)
    np.testing.assert_allclose(harder.mean((1, 2, 3)), pixels.mean((1, 2, 3)), atol=1e-3)


def test_a_crop_shows_only_what_is_in_the_picture() -> None:
    ramp = np.broadcast_to(np.arange(SIZE, dtype=np.uint8)[None, :, None, None], (ROWS, SIZE, SIZE, 1))
    made = augmented(np.ascontiguousarray(ramp), crop=0.5)[..., 0, 0]
    steps = np.diff(made, axis=1)
    assert (steps > 0.4).all()  # at least half of the side is kept, drawn as large
    assert (steps <= 1.001).all()  # nothing is shrunk, and no edge is repeated


def test_default_plan_of_images_augments_and_never_mirrors() -> None:
    task = Task(kind="binary", targets=("finding",), classes=("no", "yes"))
    proposal = propose(task, Amount(4_000, 4_000, 1_000, 122, 0, (28, 28, 1), 122), {"folds": 1})
    plan = proposal.plans[0]
    assert (plan.network, plan.flip, plan.epochs, proposal.seeds) == ("convolutional", 0.0, 15, 2)
    assert plan.shift > 0 < plan.rotate
    assert propose(task, Amount(4_000, 4_000, 1_000, 122, 0, (28, 28, 1), 122), {}).seeds == 1
