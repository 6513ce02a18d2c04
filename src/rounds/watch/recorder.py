"""What a training loop tells, kept in a folder as it comes: facts once, then a line for each step, epoch and measure.

A line that was written whole can be read; a loop that dies leaves everything up to that moment.
"""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rounds.files import write_json
from rounds.foreign_files import JsonObject
from rounds.model_facts import ModelFacts

FACTS, LINES = "watch.json", "watch.jsonl"
VERSION = 1
LINES_AT_ONCE = 200  # kept in memory before they are written
STEPS_AN_EPOCH = 400  # points of the loss that are kept of one epoch; more are averaged

MEASURE_SHARE = 0.025  # of the time that a training takes, for measures inside the network
STEPS_BETWEEN = 100  # steps between two measures, unless an epoch whose number is a power of two begins
MOST_MEASURES = 60

Measures = Mapping[str, Mapping[str, float]]


class Watch:
    """A record of any training loop, in a folder that `rounds.examine` reads.

    >>> import tempfile
    >>> watch = Watch(Path(tempfile.mkdtemp()) / "run")
    >>> for step in range(3):
    ...     watch.log(step=step, train_loss=1.0 / (step + 1))
    >>> watch.close()
    """

    def __init__(self, folder: Path | str, *, facts: ModelFacts | None = None, epochs: int | None = None) -> None:
        """folder: made where it does not exist, and begun again; facts: what is known of the model and its compiling;
        epochs: how many were planned."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / LINES).unlink(missing_ok=True)
        self._about: JsonObject = {"version": VERSION, "epochs": epochs}
        self._waiting: list[str] = []
        self._began = time.perf_counter()
        self._spent, self._taken, self._last_taken = 0.0, 0, -STEPS_BETWEEN
        self.step = 0
        self.last_loss: float | None = None  # of training, as it was logged last
        self.describe(facts=facts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def describe(self, *, facts: ModelFacts | None = None, **about: Any) -> None:
        """Adds to what is said once: facts of the model, `epochs` that were planned, `constant_loss`."""
        self._about |= about if facts is None else {**about, "facts": facts.model_dump(mode="json")}
        write_json(self.folder / FACTS, self._about)

    def log(self, step: int | None = None, epoch: float | None = None, **values: Any) -> None:
        """One line: `train_loss`, `validation_loss`, `learning_rate`, or any metric by its name.

        step: steps done so far (None: one more than at the last line); epoch: where known, passes done so far.
        """
        self.step = self.step + 1 if step is None else int(step)
        loss = values.get("train_loss", values.get("step_loss"))
        self.last_loss = self.last_loss if loss is None else float(_number(loss))
        self.write({"step": self.step, **({} if epoch is None else {"epoch": epoch}), **_numbers(values)})

    def measured(self, measures: Measures, epoch: float | None = None) -> None:
        """What was measured inside the network at this step: {layer: {measure: value}}."""
        content = {layer: _numbers(some) for layer, some in measures.items()}
        place = {"step": self.step} if epoch is None else {"step": self.step, "epoch": epoch}
        self.write({**place, "measures": content})

    def write(self, line: Mapping[str, Any]) -> None:
        self._waiting.append(json.dumps(line))
        if len(self._waiting) >= LINES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Writes what is waiting."""
        if self._waiting:
            with (self.folder / LINES).open("a", encoding="utf-8") as file:
                file.write("\n".join(self._waiting) + "\n")
            self._waiting.clear()

    def close(self) -> None:
        self.flush()

    def is_due(self, epoch_begun: int | None = None) -> bool:
        """Whether to measure before this step: at the first, at the beginning of epochs 1, 2, 4, 8 ..., and else as
        often as MEASURE_SHARE of the time allows. epoch_begun: its number, where this step is its first."""
        if self._taken == 0:
            return True
        if epoch_begun is not None and epoch_begun & (epoch_begun - 1) == 0:
            return self._last_taken < self.step
        rested = self.step - self._last_taken >= STEPS_BETWEEN and self._taken < MOST_MEASURES
        return rested and self._spent <= MEASURE_SHARE * (time.perf_counter() - self._began)

    def took(self, seconds: float) -> None:
        """Counts a measure that took so long."""
        self._spent, self._taken, self._last_taken = self._spent + seconds, self._taken + 1, self.step

    @property
    def cost(self) -> float:
        """Share of the time since the beginning that went into measures."""
        return self._spent / max(time.perf_counter() - self._began, 1e-9)


def _numbers(values: Mapping[str, Any]) -> dict[str, float | str | None]:
    """As JSON keeps them: nan and infinity as words, which every reader of JSON lines understands."""
    return {name: _number(value) for name, value in values.items() if value is not None}


def _number(value: Any) -> float | str:
    number = float(value.detach() if hasattr(value, "detach") else value)
    return number if math.isfinite(number) else str(number)


def averaged(losses: list[float], most: int = STEPS_AN_EPOCH) -> list[tuple[int, float]]:
    """(steps done, mean loss since the last point) of one epoch, in at most so many points.

    >>> averaged([4.0, 2.0, 1.0, 1.0], most=2)
    [(2, 3.0), (4, 1.0)]
    """
    size = max(1, -(-len(losses) // most))
    cuts = range(0, len(losses), size)
    return [(min(i + size, len(losses)), sum(losses[i : i + size]) / len(losses[i : i + size])) for i in cuts]
