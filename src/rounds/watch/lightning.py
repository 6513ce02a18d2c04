"""Training by Lightning watched by a callback."""

import sys
from pathlib import Path
from typing import Any

from rounds.watch.torch import TorchWatch


def _callback() -> type:
    """Lightning's own class of callbacks, under whichever of its two names it is there."""
    module = (
        "lightning.pytorch"
        if "lightning" in sys.modules or "pytorch_lightning" not in sys.modules
        else "pytorch_lightning"
    )
    from importlib import import_module

    found: type = import_module(module).Callback
    return found


class LightningWatch(_callback()):  # type: ignore[misc]
    """Keeps what `Trainer.fit` does in a folder that `rounds.examine` reads.

        Trainer(callbacks=[rounds.watch.LightningWatch("runs/mine")])

    The losses are those that the module logs: `train_loss` and `val_loss` (or `valid_loss`), by step or epoch.
    """

    def __init__(self, folder: Path | str, *, stop: bool = False, quiet: bool = False) -> None:
        super().__init__()
        self._arguments = {"stop": stop, "quiet": quiet}
        self.folder = Path(folder)
        self.watch: TorchWatch | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        self.watch = TorchWatch(pl_module, trainer.optimizers[0], self.folder, epochs=epochs, **self._arguments)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._targets = batch[1] if isinstance(batch, list | tuple) and len(batch) > 1 else None

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        if self.watch is not None:
            self.watch.know(loss, self._targets)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if self.watch is not None and loss is not None:
            self.watch.log(step_loss=loss)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self.watch is None:
            return
        values: dict[str, Any] = {
            _NAMES.get(n, n): float(v) for n, v in trainer.callback_metrics.items() if not n.endswith("_step")
        }
        self.watch.log(epoch=trainer.current_epoch + 1, **values)
        trainer.should_stop = trainer.should_stop or self.watch.lost

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        if self.watch is not None:
            self.watch.close()


_NAMES = {
    "train_loss_epoch": "train_loss",
    "loss": "train_loss",
    "val_loss": "validation_loss",
    "valid_loss": "validation_loss",
}
