"""Time of a step of convolutional, recurrent and well-known networks: Rounds beside PyTorch, on the CPU or a card.

    python -m benchmarks.network_speed [--parts convolutional,recurrent] [--turns 5] [--members 1,8] [--page FILE ...]

Runs on what JAX finds: a card, or the CPU. Everybody trains the same network on the same made-up rows (speed does not
ask what is in them) with the same batch, Adam and mean squared error in float32; on a card both multiply in TF32.
Contestants, each in a process of its own, take turns; what is shown are medians and ranges of one network's step: of so
many at once in one program, the share of one. Compiling, warming up and drawing initial weights come before; Rounds
validates once an epoch beside it. PyTorch: eager, at its better of one and two threads on a CPU; on a card eager and
torch.compile, both in channels-last layout. Each part is a line of JSON; --page makes Markdown of such files.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs room on the same card

import jax

from benchmarks.contestants import Ours, Torch, Work
from rounds.networks.network import OWN

FILTERS, BATCH, IMAGE = (16, 32, 64), 64, (28, 28, 1)
RECORDING, UNITS = (48, 112), 32
LARGE = (224, 224, 3)


def convolutional_peer() -> Any:
    """Rounds' default for small images: residual blocks of two convolutions, global mean, one number."""
    import torch

    class Block(torch.nn.Module):
        def __init__(self, before: int, filters: int, step: int) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(before, filters, 3, step, padding=1)
            self.second = torch.nn.Conv2d(filters, filters, 3, padding=1)
            same = before == filters and step == 1
            self.shortcut = torch.nn.Identity() if same else torch.nn.Conv2d(before, filters, 1, step, bias=False)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.second(torch.relu(self.first(x)))) + self.shortcut(x)

    widths = (IMAGE[-1], *FILTERS)
    blocks = [Block(widths[i], widths[i + 1], 2 if i else 1) for i in range(len(FILTERS))]
    pool = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(FILTERS[-1], 1)]
    return torch.nn.Sequential(*blocks, *pool)


def recurrent_peer() -> Any:
    import torch

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = torch.nn.GRU(RECORDING[1], UNITS, batch_first=True)
            self.output = torch.nn.Linear(UNITS, 1)

        def forward(self, x: Any) -> Any:
            return self.output(self.cell(x)[0][:, -1])

    return Last()


def resnet18() -> Any:
    """He et al. 2015 (arXiv:1512.03385), with one output."""
    from rounds.networks.keras.backend import keras

    layers = keras.layers

    def convolved(x: Any, filters: int, size: int, step: int, active: bool = True) -> Any:
        x = layers.ZeroPadding2D(size // 2)(x)
        x = layers.BatchNormalization(epsilon=1e-5)(layers.Conv2D(filters, size, step, use_bias=False)(x))
        return layers.Activation("relu")(x) if active else x

    inputs = keras.Input(LARGE, name="inputs")
    x = layers.ZeroPadding2D(1)(convolved(inputs, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(x)
    for filters in (64, 128, 256, 512):
        for block in range(2):
            step = 2 if filters > 64 and block == 0 else 1
            made = convolved(convolved(x, filters, 3, step), filters, 3, 1, active=False)
            if step == 2:
                x = layers.BatchNormalization(epsilon=1e-5)(layers.Conv2D(filters, 1, 2, use_bias=False)(x))
            x = layers.Activation("relu")(layers.Add()([made, x]))
    return keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))


def densenet121() -> Any:
    from rounds.networks.keras.backend import keras

    whole = keras.applications.DenseNet121(include_top=False, weights=None, input_shape=LARGE, pooling="avg")
    return keras.Model(whole.input, keras.layers.Dense(1)(whole.output))


def known_peer(name: str) -> Callable[[], Any]:
    def build() -> Any:
        import torchvision

        return getattr(torchvision.models, name)(weights=None, num_classes=1)

    return build


def works(quick: bool) -> dict[str, Work]:
    """quick: a trial of the script, no timing."""
    from benchmarks.population_speed import MEDIUM, SMALL, perceptron

    large: dict[str, Any] = {"rows": 16 if quick else 512, "batch": 8 if quick else 64, "held": 8, "members": 1}
    return {
        "small": perceptron(SMALL, 8, 600),
        "medium": perceptron(MEDIUM, 2, 200),
        "convolutional": Work(
            IMAGE,
            1280,
            BATCH,
            8,
            1,
            {"network": "convolutional", "filters": FILTERS, "hidden": ()},
            peer=convolutional_peer,
        ),
        "recurrent": Work(
            RECORDING,
            1280,
            BATCH,
            8,
            2,
            {"network": "recurrent", "recurrent": (UNITS,), "hidden": ()},
            peer=recurrent_peer,
        ),
        "resnet18": Work(LARGE, epochs=4, plan={"network": OWN}, model=resnet18, peer=known_peer("resnet18"), **large),
        "densenet121": Work(
            LARGE, epochs=4, plan={"network": OWN}, model=densenet121, peer=known_peer("densenet121"), **large
        ),
    }


def contestants(members: tuple[int, ...]) -> list[tuple[str, int]]:
    """(name, members of one slab of Rounds', or threads of PyTorch); without members Rounds as it is."""
    card = jax.default_backend() != "cpu"
    ours = [(f"Rounds, {n} at once", n) for n in members] or [("Rounds", 0)]
    if card:
        return [*ours, ("PyTorch eager", 1), ("torch.compile", 1)]
    return [*ours, *((f"PyTorch eager, {n} thread" + "s" * (n > 1), n) for n in (1, 2))]


def make(work: Work, name: str, count: int) -> Callable[[], float]:
    """A contestant, compiled and warm; called it takes a turn and answers seconds of one network's step."""
    if name.startswith("Rounds"):
        own = replace(work, members=count) if count else work
        return Ours(own, shape=(1, count) if count else None).seconds_a_step
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    return Torch(work, device, count, compiled=name == "torch.compile").seconds_a_step


def take_turns(work: Work, name: str, count: int) -> None:
    """A contestant's process: a line when it is ready, and for every line that it reads one with its milliseconds."""
    started = time.perf_counter()
    turn = make(work, name, count)
    print(time.perf_counter() - started, flush=True)
    for _ in sys.stdin:
        print(1e3 * turn(), flush=True)


def compare(part: str, words: argparse.Namespace, members: tuple[int, ...]) -> dict[str, Any]:
    """Milliseconds of a member's step, every turn's, and seconds until each was ready; who cannot run says why.

    Each contestant is a process of its own: all get ready at once, since compiling takes minutes, and then take turns.
    """
    named = contestants(members)
    call = [sys.executable, "-m", "benchmarks.network_speed", "--parts", part, *["--quick"] * words.quick]
    with contextlib.ExitStack() as files:
        errors = {name: files.enter_context(tempfile.TemporaryFile("w+")) for name, _ in named}
        jobs = {name: _begun([*call, "--contestant", name, str(count)], errors[name]) for name, count in named}
        ready = {name: job.stdout.readline() for name, job in jobs.items()}
        found: dict[str, list[float]] = {name: [] for name, line in ready.items() if line}
        for _ in range(words.turns):
            for name, values in found.items():
                print("go", file=jobs[name].stdin, flush=True)
                values.append(float(jobs[name].stdout.readline()))
        for job in jobs.values():
            job.communicate()
        return {
            "ready_seconds": {name: float(ready[name]) for name in found},
            "milliseconds": found,
            "failed": {name: _reason(file) for name, file in errors.items() if name not in found},
        }


def _begun(call: list[str], errors: Any) -> Any:
    return subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)


def _reason(errors: Any) -> str:
    errors.seek(0)
    lines = errors.read().strip().splitlines()
    return lines[-1][:200] if lines else "ended without a word"


def about() -> dict[str, Any]:
    """Date, machine and versions."""
    packages = ("jax", "keras", "torch", "numpy")
    device = jax.devices()[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": cores,
        "machine": platform.machine(),
        "card": "" if device.platform == "cpu" else device.device_kind,
        "versions": {name: version(name) for name in packages},
    }


def page(record: dict[str, Any]) -> str:
    """Rows of a table of one part."""
    median = {name: statistics.median(v) for name, v in record["milliseconds"].items()}
    peers = [v for name, v in median.items() if not name.startswith("Rounds")]
    lines = []
    for name, values in record["milliseconds"].items():
        ratio = f"{min(peers) / median[name]:.2f}x" if peers and name.startswith("Rounds") else ""
        shown = f"{median[name]:.3g} ({min(values):.3g} to {max(values):.3g})"
        lines.append(f"| {record['part']} | {name} | {shown} | {ratio} |")
    return "\n".join([*lines, *(f"| {record['part']} | {n} | {e} | |" for n, e in record["failed"].items())])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default="convolutional,recurrent")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--members", default="", help="of one slab; several are contestants of their own")
    parser.add_argument("--quick", action="store_true", help="tiny sets of large images: a trial of this script")
    parser.add_argument("--contestant", nargs=2, help="of a process of its own: name and count")
    parser.add_argument("--page", nargs="+", type=Path)
    words = parser.parse_args()
    if words.page:
        records = [json.loads(line) for file in words.page for line in file.read_text(encoding="utf-8").splitlines()]
        print("| network | contestant | ms a network's step (range) | times as fast as PyTorch's best |")
        print("|---" * 4 + "|")
        print("\n".join(map(page, records)))
        return
    members = tuple(map(int, filter(None, words.members.split(","))))
    if unknown := set(words.parts.split(",")) - set(works(words.quick)):
        parser.error(f"--parts must be of {', '.join(works(words.quick))}, got {', '.join(sorted(unknown))}")
    if words.contestant:
        take_turns(works(words.quick)[words.parts], words.contestant[0], int(words.contestant[1]))
        return
    for part in words.parts.split(","):
        print(json.dumps({"part": part, **about(), **compare(part, words, members)}), flush=True)


if __name__ == "__main__":
    main()
