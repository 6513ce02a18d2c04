"""Measures against plain NumPy on the same minibatch, and planted faults that they must show."""

from collections.abc import Callable

import numpy as np
import pytest

from rounds.plan import Plan
from rounds.training.batches.orders import epoch_order
from rounds.training.compiled.measures import STEPS_BETWEEN, measure_interval
from rounds.training.population.build import Population, Trained
from rounds.training.result.tables import measures_frame
from rounds.training.slab import begin_slab

Make = Callable[..., Population]
Train = Callable[[Population], Trained]
PLAN = Plan(
    hidden=(6, 5),
    epochs=2,
    batch_size=32,
    learning_rate=0.1,
    dropout=0.0,
    optimizer="sgd",
    activation="tanh",
    schedule="constant",
    warmup_epochs=0,
    measure_every=1,
    initializer="random_normal:0.5",
)


def taken(trained: Trained, epoch: int = 0) -> dict[tuple[str, str], float]:
    frame = measures_frame(trained).filter(epoch=epoch, member=0)
    return {(row["layer"], row["measure"]): row["value"] for row in frame.iter_rows(named=True)}


def test_steps_are_measured_as_they_are_taken(population_of: Make, train: Train) -> None:
    """Clipped gradients make short steps, and frozen layers none."""
    found = taken(train(population_of(PLAN.change(clip_norm=1e-6, frozen_layers=1))))
    assert found["hidden_0", "update_ratio"] == 0.0
    assert 0.0 < found["hidden_1", "update_ratio"] < 1e-6
    assert found["hidden_1", "gradient_norm"] > 1e-3


def test_measures_equal_a_numpy_backward_pass(population_of: Make, train: Train) -> None:
    population = population_of(PLAN)
    found = taken(train(population))
    work = population.works[0]
    member = population.members[0]
    rows = epoch_order(work.folds[0].train, (0, member.stream), 0, (3, 32), True)[0]
    state = begin_slab(work.program, work.slab, work.data).state
    weights = dict(
        zip(
            work.program.functional.names,
            [np.asarray(w)[0, 0].astype(float) for w in state.weights.trainable],
            strict=True,
        )
    )
    x, y = np.asarray(work.data.inputs[0])[rows].astype(float), np.asarray(work.data.targets)[rows].astype(float)
    h0 = np.tanh(x @ weights["hidden_0/kernel"] + weights["hidden_0/bias"])
    h1 = np.tanh(h0 @ weights["hidden_1/kernel"] + weights["hidden_1/bias"])
    out = h1 @ weights["output/kernel"] + weights["output/bias"]
    d_out = 2 * (out - y) / len(rows)
    d_z1 = (d_out @ weights["output/kernel"].T) * (1 - h1**2)
    d_z0 = (d_z1 @ weights["hidden_1/kernel"].T) * (1 - h0**2)
    gradients = {"output": h1.T @ d_out, "hidden_1": h0.T @ d_z1, "hidden_0": x.T @ d_z0}
    assert found["network", "loss"] == pytest.approx(((out - y) ** 2).mean(), rel=1e-4)
    for layer, gradient in gradients.items():
        norm, size = np.linalg.norm(gradient), np.linalg.norm(weights[f"{layer}/kernel"])
        assert found[layer, "gradient_norm"] == pytest.approx(norm, rel=1e-3)
        assert found[layer, "weight_norm"] == pytest.approx(size, rel=1e-5)
        assert found[layer, "update_ratio"] == pytest.approx(0.1 * norm / size, rel=1e-3)
    for layer, units in {"activation_0": h0, "activation_1": h1}.items():
        assert found[layer, "activation_mean"] == pytest.approx(units.mean(), abs=1e-5)
        assert found[layer, "activation_spread"] == pytest.approx(units.std(), rel=1e-4)
        assert found[layer, "saturated_share"] == pytest.approx((np.abs(units) > 0.98).mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "layer", "measure", "least"),
    [
        ({"activation": "relu", "bias_initializer": "constant:-100"}, "activation_0", "dead_share", 1.0),
        ({"initializer": "random_normal:30"}, "activation_0", "saturated_share", 0.8),
        ({"l2": 10.0}, "network", "penalty_share", 0.5),
        ({"learning_rate": 100.0}, "hidden_0", "update_ratio", 1.0),
    ],
)
def test_a_planted_fault_shows(
    population_of: Make, train: Train, change: dict, layer: str, measure: str, least: float
) -> None:
    healthy, faulty = (
        taken(train(population_of(plan)))[layer, measure]
        if measure != "dead_share" or plan is not PLAN
        else taken(train(population_of(PLAN.change(activation="relu"))))[layer, measure]
        for plan in (PLAN, PLAN.change(**change))
    )
    assert faulty >= least > healthy


def test_the_noise_scale_grows_with_label_noise_and_a_linear_network_has_no_activations(
    population_of: Make, train: Train
) -> None:
    found = taken(train(population_of(PLAN.change(network="linear"))))
    assert found["network", "gradient_noise_scale"] > 0
    assert {layer for layer, _ in found} == {"output", "network"}


def test_the_interval_keeps_measuring_rare() -> None:
    assert measure_interval(Plan(epochs=100, measure_every=7), 10) == 7
    assert measure_interval(Plan(epochs=100), 1) == STEPS_BETWEEN
    assert measure_interval(Plan(epochs=4), 1000) == 1
