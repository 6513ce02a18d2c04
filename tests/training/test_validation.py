"""Metrics inside the compiled program are those that judge at the end, of one target and of several."""

import jax.numpy as jnp
import numpy as np
import pytest

from rounds.metrics import weighted_scores
from rounds.task import Kind, Task
from rounds.training.compiled.validation import JudgedOutputs, metric_names, metric_values

ROWS = 60
NUMBERS: list[tuple[Kind, int]] = [("regression", 1), ("regression", 3), ("count", 2)]
CASES: list[tuple[Kind, int, bool]] = [
    *((kind, outputs, constant) for kind, outputs in NUMBERS for constant in (False, True)),
    ("binary", 1, False),
    ("multiclass", 3, False),
]


@pytest.mark.parametrize(("kind", "outputs", "constant"), CASES)
def test_validation_scores_as_the_metrics_do(kind: Kind, outputs: int, constant: bool) -> None:
    """With rows of weight 0, and with a target that has one value in all others (constant)."""
    random = np.random.default_rng(outputs)
    weights = (np.arange(ROWS) % 5 > 0).astype(float)
    names = tuple(f"y{i}" for i in range(outputs))
    classes = {"binary": ("0", "1"), "multiclass": names}.get(kind, ())
    task = Task(kind=kind, targets=names if kind in ("regression", "count") else ("y",), classes=classes)
    if kind in ("regression", "count"):
        observed = random.poisson(4.0, (ROWS, outputs)) * 10.0 ** np.arange(outputs)
        predicted = observed + random.normal(size=observed.shape) * (1.0 + np.arange(outputs))
        targets = observed
        if constant:
            observed[:, -1] = np.where(weights > 0, 7, 1)
    else:
        predicted = random.dirichlet(np.ones(max(outputs, 2)), ROWS)[:, -outputs:]
        targets = random.integers(0, max(outputs, 2), (ROWS, 1))
        observed = np.eye(outputs)[targets[:, 0]] if kind == "multiclass" else targets
    wanted = weighted_scores(task, targets, predicted, weights)
    arrays = [jnp.asarray(a, jnp.float32) for a in (np.zeros(ROWS), observed, predicted, weights)]
    found = dict(zip(metric_names(kind), np.asarray(metric_values(JudgedOutputs(*arrays), kind)), strict=True))
    compared = set(found) & set(wanted)
    assert len(compared) >= 3
    for name in compared:
        assert float(found[name]) == pytest.approx(float(wanted[name]), rel=1e-4, nan_ok=True), name
