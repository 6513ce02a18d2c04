"""Training by Hugging Face's `Trainer` watched by a callback."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from rounds.watch.torch import TorchWatch


class HuggingFaceWatch(TrainerCallback):  # type: ignore[misc]
    """Keeps what `Trainer.train` does in a folder that `rounds.examine` reads.

    Trainer(..., callbacks=[rounds.watch.HuggingFaceWatch("runs/mine")])
    """

    def __init__(self, folder: Path | str, *, stop: bool = False, quiet: bool = False) -> None:
        self._arguments = {"stop": stop, "quiet": quiet}
        self.folder = Path(folder)
        self.watch: TorchWatch | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **context: Any) -> None:
        optimizer = getattr(context["optimizer"], "optimizer", context["optimizer"])
        epochs = int(args.num_train_epochs) if args.max_steps <= 0 else None
        self.watch = TorchWatch(context["model"], optimizer, self.folder, epochs=epochs, **self._arguments)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **context: Any) -> None:
        if self.watch is None:
            return
        values = {_NAMES.get(n, n): v for n, v in (logs or {}).items() if n not in _LEFT_OUT and _is_number(v)}
        self.watch.log(state.global_step, state.epoch, **values)
        control.should_training_stop = control.should_training_stop or self.watch.lost

    def on_train_end(self, args: Any, state: Any, control: Any, **context: Any) -> None:
        if self.watch is not None:
            self.watch.close()


_NAMES = {"loss": "train_loss", "eval_loss": "validation_loss"}
_LEFT_OUT = ("epoch", "total_flos", "train_loss", "train_runtime", "train_samples_per_second", "train_steps_per_second")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
