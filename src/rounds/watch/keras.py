"""`model.fit` of Keras watched by a callback, on every backend."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rounds.networks.user_model.keras_facts import keras_facts
from rounds.watch.keras_sight import KerasSight, sight_of
from rounds.watch.live import Live
from rounds.watch.measures import table_of
from rounds.watch.recorder import Watch, averaged
from rounds.watch.sample import Sample

PROBED = 256  # rows of which outputs of activations are taken: those of one small minibatch say little
MOST_AHEAD = 64  # minibatches that are read ahead for them


class KerasWatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps what `fit` does in a folder that `rounds.examine` reads: losses, metrics, and measures inside the network.

        model.fit(x, y, validation_data=..., callbacks=[rounds.watch.KerasWatch("runs/mine")])

    Findings are printed once, when they are first seen; stop: training that is lost is ended. Minibatches are seen on
    the JAX and PyTorch backends; elsewhere losses, metrics and the model's own facts are all that is known.
    """

    def __init__(self, folder: Path | str, *, stop: bool = False, quiet: bool = False) -> None:
        super().__init__()
        self.folder = Path(folder)
        self._live = Live(self.folder, stop=stop, quiet=quiet)

    def on_train_begin(self, logs: Any = None) -> None:
        self._facts = keras_facts(self.model)
        self.watch = Watch(self.folder, facts=self._facts, epochs=self.params.get("epochs"))
        self._sample, self._probe = Sample(), None
        self._means: list[Any] = []
        self._epoch, self._ahead = 0, deque[Any]()
        self._sight: KerasSight | None = sight_of(self.model)
        self._last: tuple[Any, Any] | None = None
        self._original = self.model.train_function
        if self._sight is not None:
            self.model.train_function = self._watched(self._original, self._sight)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._means = epoch, []
        self._ahead.clear()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        losses = _steps_of([float(np.asarray(_plain(mean))) for mean in self._means])
        if self._sight is None:
            self.watch.step += int(self.params.get("steps") or 1)
        begun = self.watch.step - len(losses)
        for done, loss in averaged(losses):
            self.watch.write({"step": begun + done, "epoch": epoch + done / len(losses), "step_loss": loss})
        if epoch == 0:
            self._describe()
        values = {_NAMES.get(name, name): float(value) for name, value in (logs or {}).items()}
        self.watch.log(self.watch.step, epoch + 1, learning_rate=self._rate(), **values)
        if self._live.look(self.watch, epoch + 1, self.params.get("epochs")):
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        self.model.train_function = self._original
        if self._sight is not None and self._last is not None:
            self.watch.measured(table_of(self._sight.look(None, self._last, self._probe), {}), self._epoch + 1.0)
        self.watch.close()
        self._live.end(self.watch)

    def _describe(self) -> None:
        """What the first epoch showed of inputs and targets."""
        self._facts, levels = self._sample.describe(self._facts)
        self.watch.describe(facts=self._facts, **levels)

    def _rate(self) -> float | None:
        try:
            return float(np.asarray(_plain(self.model.optimizer.learning_rate)))
        except Exception:  # an optimizer of the user's own
            return None

    def _watched(self, train: Callable[..., Any], sight: KerasSight) -> Callable[..., Any]:
        """Keras's function of one step, which looks at the minibatch before it hands it on."""

        def step(*arguments: Any) -> Any:
            *state, source = arguments
            source = self._reading(source, sight)
            if not self._ahead:  # the epoch is over, which Keras's own function says
                return train(*state, source)
            rows = self._ahead[0]
            self._sample.add(rows[0], rows[1])
            due = self.watch.is_due(self._epoch if not self._means else None)
            place = self._epoch + len(self._means) / max(int(self.params.get("steps") or 1), 1)
            if not due:
                made = train(*state, source)
            else:
                began = time.perf_counter()
                seen, before = sight.look(state, rows, self._probe), sight.kernels(state)
                looked = time.perf_counter() - began
                made = train(*state, source)
                began = time.perf_counter()
                after = sight.kernels(list(made[1:]) if state else [])
                updates = {layer: float(np.linalg.norm(after[layer] - kernel)) for layer, kernel in before.items()}
                self.watch.measured(table_of(seen, updates), place)
                self.watch.took(looked + time.perf_counter() - began)
            self.watch.step += 1
            self._last = self._last if self._means else rows  # the first of the epoch is a whole one
            self._means.append((made[0] if state else made).get("loss"))
            return made

        return step

    def _reading(self, source: Any, sight: KerasSight) -> Any:
        """What the step reads its minibatches from, with the next one laid out in `_ahead`."""
        if not sight.iterates:
            self._ahead.clear()
            self._ahead.append(sight.unpacked(source[0]))
            self._probe = self._ahead[0][0] if self._probe is None else self._probe
            return source
        if self._probe is None:
            self._read_ahead(source, sight, PROBED)
            self._probe = sight.joined([rows[0] for rows in self._ahead])
        self._read_ahead(source, sight, 1)
        return self._handed_on(source)

    def _read_ahead(self, source: Iterator[Any], sight: KerasSight, wanted: int) -> None:
        rows = sum(sight.rows(one[0]) for one in self._ahead)
        while rows < wanted and len(self._ahead) < MOST_AHEAD:
            batch = next(source, None)
            if batch is None:
                return
            self._ahead.append(sight.unpacked(batch))
            rows += sight.rows(self._ahead[-1][0])

    def _handed_on(self, source: Iterator[Any]) -> Iterator[Any]:
        while self._ahead:
            yield self._ahead.popleft()
        yield from source


_NAMES = {"loss": "train_loss", "val_loss": "validation_loss"}


def _plain(value: Any) -> Any:
    """A number of any backend as NumPy takes it."""
    value = getattr(value, "value", value)
    return value.detach().cpu() if hasattr(value, "detach") else value


def _steps_of(means: list[float]) -> list[float]:
    """Loss of each step, from Keras's mean over the epoch so far.

    >>> _steps_of([4.0, 3.0, 2.0])
    [4.0, 2.0, 0.0]
    """
    sums = [(i + 1) * mean for i, mean in enumerate(means)]
    return [after - before for before, after in zip([0.0, *sums], sums, strict=False)]
