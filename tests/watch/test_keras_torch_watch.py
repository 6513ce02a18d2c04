"""Keras on PyTorch, watched: a process of its own, for a backend is chosen once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from rounds.examination.sources.watched import read_watched

FITS = """
import json, sys
import keras, numpy as np, rounds

rng = np.random.default_rng(0)
x = rng.normal(size=(96, 3)).astype("float32")
y = (x[:, 0] > 0).astype(int)

def fitted(callbacks):
    keras.utils.set_random_seed(1)
    inside = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.2), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((3,)), *inside, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(1.0), loss="binary_crossentropy")
    model.fit(x, y, validation_split=0.2, batch_size=16, epochs=6, verbose=0, callbacks=callbacks)
    return model.get_weights()

alone, watched = fitted([]), fitted([rounds.watch.KerasWatch(sys.argv[1], quiet=True)])
same = all(np.array_equal(one, other) for one, other in zip(alone, watched, strict=True))
found = [f.code for f in rounds.examine(sys.argv[1]).alarms]
print(json.dumps([keras.backend.backend(), same, found]))
"""


@pytest.mark.slow  # PyTorch takes long to load; test_keras_watch.py asks the same on JAX
def test_keras_on_pytorch_is_looked_into_and_trains_as_it_would_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", FITS, str(folder)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    backend, same, found = json.loads(done.stdout.splitlines()[-1])
    assert backend == "torch"
    assert same, "watching moved the weights"
    assert found[0] == "learning-rate-too-high"
    measures = {name for _, name in read_watched(folder).curves[0].measures}
    assert {"gradient_norm", "update_ratio", "dead_share", "activation_spread"} <= measures
