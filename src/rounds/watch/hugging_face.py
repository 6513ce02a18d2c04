"""Training by Hugging Face's `Trainer` watched by a callback."""

from collections.abc import Callable, Mapping
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
        watch = TorchWatch(context["model"], optimizer, self.folder, epochs=epochs, **self._arguments)
        hook = context["model"].register_forward_hook(_knowing(watch), with_kwargs=True)
        self.watch, self._hook = watch, hook

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **context: Any) -> None:
        if self.watch is None:
            return
        values = {_NAMES.get(n, n): v for n, v in (logs or {}).items() if n not in _LEFT_OUT and _is_number(v)}
        self.watch.log(state.global_step, state.epoch, **values)
        control.should_training_stop = control.should_training_stop or self.watch.lost

    def on_train_end(self, args: Any, state: Any, control: Any, **context: Any) -> None:
        if self.watch is not None:
            self._hook.remove()
            self.watch.close()


def _knowing(watch: TorchWatch) -> Callable[..., None]:
    """A hook by which a model tells the loss that it computes itself, and the labels that it was given."""

    def tell(module: Any, inputs: Any, named: dict[str, Any], outputs: Any) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else None
        if module.training and loss is not None:
            labels = named.get("labels")
            a_row_each = labels is not None and (labels.ndim == 1 or labels.is_floating_point())
            watch.know(loss, labels if a_row_each else None)  # a label a word says nothing of a row

    return tell


_NAMES = {"loss": "train_loss", "eval_loss": "validation_loss"}
_LEFT_OUT = ("epoch", "total_flos", "train_loss", "train_runtime", "train_samples_per_second", "train_steps_per_second")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
