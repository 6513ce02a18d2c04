"""Small faulty and sound programs through the examination: `python -m benchmarks.programs [train|watch] [NAME ...]`.

train: `rounds.train(model=...)`, which takes what the model was compiled with. watch: Keras fits it itself, with
`rounds.watch.KerasWatch` beside. A faulty program counts as right where the first alarm about training is one of those
that its fault explains; a sound one where there is none.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import benchmarks.programs.faulty
import benchmarks.programs.published
import benchmarks.programs.sound  # noqa: F401 (all fill PROGRAMS)
import rounds
from benchmarks.programs.parts import PROGRAMS, Arrays, Program

HELD_OUT = 0.2  # share of the rows on which Keras validates


def arrays(program: Program) -> Arrays:
    """Rows in another order, [N, D] and [N, T]."""
    x, y = program.data()
    order = np.random.default_rng(0).permutation(len(x))
    return np.asarray(x, np.float32)[order], np.asarray(y).reshape(len(x), -1)[order]


def by_train(program: Program, folder: Path) -> Any:
    """Examined by Rounds's own training, without advice."""
    allowed = ["target-leak", "duplicate-rows"]
    return rounds.examine(
        rounds.train(
            arrays(program),
            task=program.task,
            model=program.model(),
            members=2,
            rounds=0,
            out=folder,
            allow=allowed,
            **program.fit,
        )
    )


def by_watch(program: Program, folder: Path) -> Any:
    """Examined while Keras fits it."""
    import keras

    x, y = arrays(program)
    model = program.model()
    if model.loss == "categorical_crossentropy":
        y = keras.utils.to_categorical(y[:, 0])
    cut = int((1 - HELD_OUT) * len(x))
    watch = rounds.watch.KerasWatch(folder, quiet=True)
    model.fit(x[:cut], y[:cut], validation_data=(x[cut:], y[cut:]), verbose=0, callbacks=[watch], **program.fit)
    return rounds.examine(folder)


def main(how: str, names: list[str]) -> None:
    totals: Counter[str] = Counter()
    for name, program in PROGRAMS.items():
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as place:
            said = {"train": by_train, "watch": by_watch}[how](program, Path(place) / "run")
        alarms = [f.code for f in said.alarms if f.question == "training"]
        kind = "faulty" if program.accept else "sound"
        right = bool(alarms) and alarms[0] in program.accept if program.accept else not alarms
        totals.update({kind: 1, f"{kind}_right": right, "detected": bool(alarms and program.accept)})
        print(f"{'right' if right else 'WRONG'} {kind} {name}: {', '.join(alarms) or 'nothing'}", flush=True)
    print(dict(totals))


if __name__ == "__main__":
    words = sys.argv[1:]
    main(words.pop(0) if words and words[0] in ("train", "watch") else "watch", words)
