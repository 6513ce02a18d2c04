"""Slopes of a function by central differences in float64, with their own error, and points without a slope recognised.

Error against step: Nocedal and Wright 2006, "Numerical Optimization", section 8.1, with one Richardson extrapolation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]
Loss = Callable[[Arrays], float]

# Entries of one tensor beyond which a random sample is differenced; four evaluations of the function an entry.
MOST_ENTRIES = 1000
# Step, as a part of the entry's scale: fifth root of the rounding noise balances it against the error left after one
# extrapolation (order h^4); the bounds keep curved functions and noisy ones in reach.
SMALLEST_STEP, LARGEST_STEP = 1e-4, 5e-2
# Scale of an entry of a tensor of zeros, such as a bias before training.
SCALE_OF_ZEROS = 0.1
# Each refinement divides the step so often; after the last it is still far above rounding (2e-8 of the scale).
REFINEMENT, REFINEMENTS = 8.0, 4
# A slope whose likely error is no larger than this part of it needs no finer step.
EXACT = 1e-7
# The one-sided slopes of a smooth function come together in proportion to the step: at half the step, half the gap.
# Where more than this part of the gap stays, there is a kink.
KINK_PART = 0.7
# A gap counts when it is so many times the rounding noise, and no smaller than this part of the slopes.
NOISE_TIMES, SMALLEST_GAP = 20.0, 1e-7
# Points and spacing (part of the scale) of the straight walk on which rounding noise is measured.
NOISE_POINTS, NOISE_SPACING = 9, 1e-6


@dataclass(frozen=True)
class Differences:
    """Slopes of one tensor: at the flat places `entries` [n], with their likely error [n], and which are kinks [n]."""

    shape: tuple[int, ...]
    entries: np.ndarray
    slopes: np.ndarray
    errors: np.ndarray
    kinks: np.ndarray


@dataclass(frozen=True)
class _Slopes:
    """At one step: the extrapolated slope, its likely error, and whether the two sides disagree; each [n]."""

    slope: np.ndarray
    error: np.ndarray
    kink: np.ndarray


def central_differences(loss: Loss, inputs: Arrays, name: str, noise: float) -> Differences:
    """Central differences of `loss` along the entries of one tensor (all, or a fixed sample of `MOST_ENTRIES`).

    noise: absolute rounding noise of one value of `loss`, from `rounding_noise`.

    >>> relu = lambda arrays: float(np.maximum(arrays["x"], 0).sum())
    >>> found = central_differences(relu, {"x": np.array([-1.0, 0.0, 2.0])}, "x", noise=1e-16)
    >>> found.slopes.round(6).tolist(), found.kinks.tolist()
    ([0.0, 0.5, 1.0], [False, True, False])
    """
    tensor = inputs[name]
    entries = _chosen(tensor.size)
    scale = _scale(tensor)[entries]
    steps = _first_step(noise, abs(loss(inputs))) * scale
    found = _slopes(loss, inputs, name, entries, steps, noise)
    for _ in range(REFINEMENTS):
        doubtful = found.kink | ~(found.error <= EXACT * (np.abs(found.slope) + noise))
        if not doubtful.any():
            break
        steps = steps / REFINEMENT
        finer = _slopes(loss, inputs, name, entries[doubtful], steps[doubtful], noise)
        found = _better(found, finer, doubtful)
    found = _where_defined(loss, inputs, name, entries, found, noise)
    return Differences(tensor.shape, entries, found.slope, found.error, found.kink)


def _where_defined(loss: Loss, inputs: Arrays, name: str, entries: np.ndarray, found: _Slopes, noise: float) -> _Slopes:
    """Entries beside which the function is not defined (a logarithm near zero) move by a part of their own size; those
    that have no slope even so are kinks."""
    lost = ~np.isfinite(found.slope) | ~np.isfinite(found.error)
    sizes = np.abs(inputs[name].ravel()[entries])
    lost_now = lost & (sizes > 0)
    if lost_now.any():
        steps = _first_step(noise, abs(loss(inputs))) * sizes[lost_now]
        found = _better(found, _slopes(loss, inputs, name, entries[lost_now], steps, noise), lost_now)
        lost = ~np.isfinite(found.slope) | ~np.isfinite(found.error)
    return _Slopes(np.where(lost, 0.0, found.slope), np.where(lost, 0.0, found.error), found.kink | lost)


def _chosen(size: int) -> np.ndarray:
    if size <= MOST_ENTRIES:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).choice(size, MOST_ENTRIES, replace=False))


def _scale(tensor: np.ndarray) -> np.ndarray:
    """How far each entry [size] may be moved as a whole: its own size, or the tensor's typical one (median)."""
    flat = np.abs(tensor.ravel())
    typical = float(np.median(flat[flat > 0])) if flat.any() else SCALE_OF_ZEROS
    return np.maximum(flat, typical)


def _first_step(noise: float, value: float) -> float:
    relative = noise / max(value, noise)
    return float(np.clip(relative**0.2, SMALLEST_STEP, LARGEST_STEP))


def _slopes(loss: Loss, inputs: Arrays, name: str, entries: np.ndarray, steps: np.ndarray, noise: float) -> _Slopes:
    centre = loss(inputs)
    right, left, near_right, near_left = (
        _along(loss, inputs, name, entries, part * steps) for part in (1, -1, 0.5, -0.5)
    )
    wide, narrow = (right - left) / (2 * steps), (near_right - near_left) / steps
    wide_gap = np.abs(right + left - 2 * centre) / steps
    narrow_gap = np.abs(near_right + near_left - 2 * centre) / (0.5 * steps)
    rounding = NOISE_TIMES * noise / steps
    least = np.maximum(rounding, SMALLEST_GAP * np.maximum(np.abs(wide), wide_gap))
    kink = (narrow_gap > least) & (narrow_gap > KINK_PART * wide_gap)
    return _Slopes((4 * narrow - wide) / 3, np.abs(narrow - wide) / 3 + noise / steps, kink)


def _along(loss: Loss, inputs: Arrays, name: str, entries: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """loss [n] with one entry moved at a time."""
    values = np.empty(len(entries))
    for place, (entry, move) in enumerate(zip(entries, moves, strict=True)):
        moved = inputs[name].copy()
        moved.flat[entry] += move
        with np.errstate(all="ignore"):  # a step may leave the domain of a logarithm; that is seen by its nan
            values[place] = loss({**inputs, name: moved})
    return values


def _better(found: _Slopes, finer: _Slopes, doubtful: np.ndarray) -> _Slopes:
    """A finer step replaces a coarser one where the coarser met a kink, or was the less exact of two smooth ones."""
    slope, error, kink = found.slope.copy(), found.error.copy(), found.kink.copy()
    places = np.flatnonzero(doubtful)
    take = kink[places] | (~finer.kink & ~(error[places] <= finer.error))
    places = places[take]
    slope[places], error[places], kink[places] = finer.slope[take], finer.error[take], finer.kink[take]
    return _Slopes(slope, error, kink)


def rounding_noise(loss: Loss, inputs: Arrays) -> float:
    """Absolute rounding noise of one value of `loss`: what a parabola leaves over on a short straight walk.

    A function that computes in float32 inside shows here, whatever it returns. Walked in two directions, since a kink
    on the way would look like noise (Moré and Wild 2011, "Estimating computational noise", SIAM J. Sci. Comput. 33).

    >>> rounding_noise(lambda arrays: float((arrays["x"] ** 2).sum()), {"x": np.ones(4)}) < 1e-14
    True
    """
    least = float(np.finfo(np.float64).eps) * abs(loss(inputs))
    random = np.random.default_rng(0)
    way = {name: random.standard_normal(a.shape) * _scale(a).reshape(a.shape) for name, a in inputs.items()}
    return max(least, min(_residual(loss, inputs, way, side) for side in (1, -1)), 1e-300)


def _residual(loss: Loss, inputs: Arrays, way: Arrays, side: int) -> float:
    walk = np.arange(1, NOISE_POINTS + 1)
    values = [loss({name: a + side * t * NOISE_SPACING * way[name] for name, a in inputs.items()}) for t in walk]
    around = np.array(values) - values[0]
    curve = np.polynomial.Polynomial.fit(walk, around, 2)
    return float(np.std(around - curve(walk)) * np.sqrt(NOISE_POINTS / (NOISE_POINTS - 3)))
