"""One recording as its file holds it: signals of their own rates, in physical units."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rounds.errors import DataError

# What one recording takes in memory at most, before it is averaged over the steps of a timeline.
MOST_RECORD_BYTES = 2**30


@dataclass(frozen=True)
class Signal:
    """samples: [T] float32 in `unit`, nan where the file says invalid; frequency: samples a second."""

    name: str
    samples: np.ndarray
    frequency: float
    unit: str = ""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.frequency


Record = tuple[Signal, ...]


def named_apart(signals: list[Signal]) -> Record:
    """The signals, numbered where two have one name.

    >>> twice = [Signal("II", np.zeros(1), 1.0)] * 2
    >>> [signal.name for signal in named_apart(twice)]
    ['II 1', 'II 2']
    """
    names = [s.name for s in signals]
    return tuple(
        Signal(f"{s.name} {names[: i + 1].count(s.name)}" if names.count(s.name) > 1 else s.name, *_rest(s))
        for i, s in enumerate(signals)
    )


def _rest(signal: Signal) -> tuple[np.ndarray, float, str]:
    return signal.samples, signal.frequency, signal.unit


def damaged(kind: str, path: Path, why: str) -> DataError:
    """For a recording that cannot be read."""
    return DataError(f"{kind} record", "whole", file=f"{path.name} ({why})", advice="Copy the record again")
