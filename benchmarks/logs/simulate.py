"""Logs with a known answer: learning curves of many kinds and lengths, with planted faults and the noise of real ones.

A course is a power law on its way down, with noise of the optimizer on training (0.5 to 8 % of the level) and of a
finite validation set on validation (1 to 15 %, correlated from epoch to epoch); scales run from 1e-3 to 1e4, lengths
from 6 to 300 epochs. `accept` is what an expert would accept of it, decided by what was planted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Row = dict[str, float]
FINE = ("healthy", "plateau")
OVERFIT = ("overfitting",)
LOST = ("diverged", "learning-rate-too-high", "unstable")
NOTHING = ("not-learning", "learning-rate-too-low", "plateau", "underfitting")


@dataclass(frozen=True)
class Simulated:
    """One log: its kind, rows as Keras's CSVLogger writes them, what may be said of it, and the code of the fault that
    was planted (empty: none)."""

    kind: str
    rows: list[Row]
    accept: tuple[str, ...]
    planted: str = ""


@dataclass(frozen=True)
class _Draw:
    """What all kinds share: length, scale, noise."""

    rng: np.random.Generator
    epochs: int
    scale: float
    train_noise: float
    validation_noise: float

    @property
    def at(self) -> np.ndarray:
        return np.arange(self.epochs)

    @property
    def progress(self) -> np.ndarray:
        return np.linspace(0, 1, self.epochs)

    def noisy(self, level: np.ndarray, size: float) -> np.ndarray:
        """Multiplied by noise that is half remembered from the epoch before."""
        white = self.rng.normal(size=self.epochs)
        own = white.copy()
        for i in range(1, self.epochs):
            own[i] = 0.3 * own[i - 1] + 0.95 * white[i]
        return level * np.exp(size * own)

    def both(self, train: np.ndarray, validation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.noisy(train, self.train_noise), self.noisy(validation, self.validation_noise)


def _fall(d: _Draw, floor: float, speed: float) -> np.ndarray:
    """From 1 to a floor by a power law; speed: epochs' worth of the first fall in the whole training."""
    power = d.rng.uniform(0.8, 2.5)
    falling = (1 + speed * d.progress) ** -power
    last = (1 + speed) ** -power
    return floor + (1 - floor) * (falling - 0.9 * last) / (1 - 0.9 * last)


Planted = Callable[[_Draw], tuple[np.ndarray, np.ndarray, tuple[str, ...]]]


def _converged(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, d.rng.uniform(0.1, 0.6), d.rng.uniform(30, 100))
    gap = d.rng.uniform(-0.05, 0.15)
    return *d.both(train, train + gap * (1 - train)), FINE


def _memorised(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Training goes to nothing, validation stays where it is best."""
    train = _fall(d, 0.005, d.rng.uniform(15, 60))
    validation = np.maximum(train, _fall(d, d.rng.uniform(0.3, 0.6), 60.0))
    return *d.both(train, validation), (*FINE, *OVERFIT)


def _still(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """As steep at the end as in the middle."""
    train = 1 - d.rng.uniform(0.3, 0.7) * d.progress ** d.rng.uniform(0.6, 1.0)
    return *d.both(train, train + 0.05), ("still-improving", "learning-rate-too-low", "underfitting")


def _slow_gain(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, 0.2, d.rng.uniform(3, 10))
    return *d.both(train, train + 0.05), (*FINE, "still-improving")


def _overfits(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, 0.02, d.rng.uniform(5, 30))
    turn, rise = d.rng.uniform(0.1, 0.6), d.rng.uniform(0.25, 2.0)
    late = np.clip((d.progress - turn) / (1 - turn), 0, None) ** d.rng.uniform(0.7, 1.5)
    lowest = d.rng.uniform(0.4, 0.8)
    falling = 1 - (1 - lowest) * np.clip(d.progress / turn, 0, 1) ** 0.5
    return *d.both(train, falling + rise * lowest * late), OVERFIT


def _overfits_little(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, 0.05, d.rng.uniform(5, 30))
    turn = d.rng.uniform(0.3, 0.6)
    late = np.clip((d.progress - turn) / (1 - turn), 0, None)
    falling = 1 - 0.5 * np.clip(d.progress / turn, 0, 1) ** 0.5
    return *d.both(train, falling + d.rng.uniform(0.03, 0.08) * late), (*FINE, *OVERFIT)


def _never_moves(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, 0.05, d.rng.uniform(5, 30))
    return *d.both(train, np.ones(d.epochs)), (*OVERFIT, "not-learning", "shifted-validation", "plateau")


def _flat(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    level = np.ones(d.epochs) - 0.005 * d.progress
    return *d.both(level, level), NOTHING


def _blows_up(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    at = d.rng.uniform(0.2, 0.7)
    up = np.exp(np.clip((d.progress - at) * d.rng.uniform(10, 40), 0, np.log(d.rng.uniform(5, 500))))
    level = _fall(d, 0.3, 20.0) * up
    return *d.both(level, level), LOST


def _no_number(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train, validation = d.both(_fall(d, 0.3, 20.0), _fall(d, 0.3, 20.0))
    at = int(d.rng.integers(2, d.epochs))
    train[at:], validation[at:] = np.nan, np.nan
    return train, validation, LOST


def _falls_back(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The network collapses: what had been learned is gone, and does not come back."""
    at = d.rng.uniform(0.3, 0.7)
    level = np.where(d.progress < at, _fall(d, 0.2, 30.0), d.rng.uniform(0.95, 1.05))
    return *d.both(level, level), (*LOST, "not-learning")


def _jumps(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    level, size = _fall(d, 0.3, 20.0), d.rng.uniform(0.35, 0.9)
    return d.noisy(level, size), d.noisy(level, size), LOST


def _one_spike(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, d.rng.uniform(0.2, 0.5), 50.0)
    own, other = d.both(train, train + 0.03)
    at = int(d.rng.integers(1, max(2, round(0.8 * d.epochs))))
    other[at] *= d.rng.uniform(2, 8)
    return own, other, FINE


def _huge_first(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train, validation, accept = (_converged, _still, _overfits)[int(d.rng.integers(3))](d)
    train[0] *= d.rng.uniform(3, 100)
    return train, validation, accept


def _second_stage(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Fine-tuning begins: a jump, and down again, lower than before."""
    at = d.epochs // 2
    first = _fall(d, 0.4, 30.0)
    level = np.where(d.at < at, first, 0.15 + 0.5 * np.exp(-(d.at - at) / max(d.epochs / 12, 1)))
    return *d.both(level, level + 0.02), (*FINE, "still-improving")


def _rate_drop(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    level = np.where(d.progress < 0.6, _fall(d, 0.5, 30.0), 0.45 + 0.02 * np.exp(-8 * (d.progress - 0.6)))
    return *d.both(level, level + 0.03), FINE


def _validation_better(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    train = _fall(d, 0.4, d.rng.uniform(30, 100))
    return *d.both(train, train * d.rng.uniform(0.7, 0.9)), (*FINE, "validation-better")


def _pretrained(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Fine-tuned: nearly all is known after the first epoch, training goes on to nothing."""
    train = 0.3 * _fall(d, 0.05, d.rng.uniform(5, 30))
    validation = 0.25 + 0.1 * np.exp(-d.at / 1.5)
    return *d.both(train, validation), (*FINE, *OVERFIT)


def _noisy_validation(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Few validation patients: smooth training, validation that follows it under heavy noise."""
    train = _fall(d, d.rng.uniform(0.1, 0.6), d.rng.uniform(30, 100))
    noise = d.rng.uniform(0.1, 0.2)
    return d.noisy(train, d.train_noise), d.noisy(train + 0.05, noise), (*FINE, "unstable", "validation-too-small")


def _wild_start(d: _Draw) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """A rate that is too high at first: wild, then down and quiet."""
    level = _fall(d, 0.05, 20.0)
    size = np.where(d.progress < 0.4, d.rng.uniform(0.5, 1.0), 0.03)
    wild = level * np.exp(size * d.rng.normal(size=d.epochs))
    return wild, d.noisy(wild, 0.02), (*LOST, *FINE, "still-improving")


KINDS: dict[str, Planted] = {
    "converged": _converged,
    "memorised": _memorised,
    "still improving": _still,
    "slow gain": _slow_gain,
    "overfits": _overfits,
    "overfits a little": _overfits_little,
    "validation never moves": _never_moves,
    "flat": _flat,
    "blows up": _blows_up,
    "no number": _no_number,
    "falls back": _falls_back,
    "jumps": _jumps,
    "one spike": _one_spike,
    "huge first loss": _huge_first,
    "second stage": _second_stage,
    "rate drop": _rate_drop,
    "validation better": _validation_better,
    "pretrained": _pretrained,
    "noisy validation": _noisy_validation,
    "wild start": _wild_start,
}


PLANTED = {
    "still improving": "still-improving",
    "overfits": "overfitting",
    "validation never moves": "overfitting",
    "flat": "not-learning",
    "blows up": "diverged",
    "no number": "diverged",
    "falls back": "diverged",
    "jumps": "unstable",
}


def simulated(kind: str, seed: int) -> Simulated:
    """One log of a kind; some lack validation, where training alone tells it."""
    rng = np.random.default_rng([seed, *kind.encode()])
    longest = 30 if rng.random() < 0.5 else 300  # half of what people leave is short
    draw = _Draw(
        rng,
        int(np.exp(rng.uniform(np.log(6), np.log(longest)))),
        float(10 ** rng.uniform(-3, 4)),
        float(np.exp(rng.uniform(np.log(0.005), np.log(0.08)))),
        float(np.exp(rng.uniform(np.log(0.01), np.log(0.15)))),
    )
    train, validation, accept = KINDS[kind](draw)
    columns = {"loss": draw.scale * train, "val_loss": draw.scale * validation}
    columns |= {"accuracy": _accuracy(train), "val_accuracy": _accuracy(validation)} if rng.random() < 0.5 else {}
    if rng.random() < 0.15 and not set(accept) & {"overfitting"}:
        columns = {name: values for name, values in columns.items() if not name.startswith("val")}
    rows = [{"epoch": float(e), **{n: float(v[e]) for n, v in columns.items()}} for e in range(draw.epochs)]
    return Simulated(kind, rows, accept, PLANTED.get(kind, ""))


def _accuracy(loss: np.ndarray) -> np.ndarray:
    """A score that goes with a loss: 0.5 where nothing is learned, 1 without a loss, blind to how sure an answer is."""
    return 1 - 0.5 * np.tanh(np.clip(loss, 0, 1.0)) / np.tanh(1.0)


def every(seeds: int, first: int = 0) -> Iterator[Simulated]:
    """Some of each kind, from a first seed on."""
    for kind in KINDS:
        for seed in range(first, first + seeds):
            yield simulated(kind, seed)
