"""Anybody's training watched: losses, metrics and measures by step, in a folder that `rounds.examine` reads.

    model.fit(..., callbacks=[rounds.watch.KerasWatch("runs/mine")])

A loop goes in, step by step or by a framework's own callback; a folder with facts and lines comes out. Nothing is
imported but what is there: each class loads its own framework when it is first asked for. Read first: recorder.py.
"""

from typing import Any

_PLACES = {
    "Watch": "rounds.watch.recorder",
    "KerasWatch": "rounds.watch.keras",
    "TorchWatch": "rounds.watch.torch",
    "LightningWatch": "rounds.watch.lightning",
    "HuggingFaceWatch": "rounds.watch.hugging_face",
}

__all__ = ["HuggingFaceWatch", "KerasWatch", "LightningWatch", "TorchWatch", "Watch"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module 'rounds.watch' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
