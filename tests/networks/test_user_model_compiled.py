"""What a model was compiled with becomes its plan, and a plan's changes make the model again."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from rounds.errors import PlanError
from rounds.networks.keras.backend import keras
from rounds.networks.user_model.compiled import by_row, keras_optimizer, read_compiled, user_training
from rounds.networks.user_model.outputs import fits_task, read_outputs, wanted_targets
from rounds.networks.user_model.remake import can_be_remade, remade
from rounds.networks.user_model.runner import read_model
from rounds.plan import Plan
from rounds.task import Task

BINARY = Task(kind="binary", targets=("died",), classes=("0", "1"))


def model(units: int = 1, activation: str = "sigmoid") -> Any:
    inside = keras.layers.Dense(4, activation="tanh", kernel_initializer="random_normal")
    return keras.Sequential([keras.Input((3,)), inside, keras.layers.Dense(units, activation=activation)])


def compiled(loss: Any, optimizer: Any, **made: Any) -> Any:
    one = model(**made)
    one.compile(loss=loss, optimizer=optimizer)
    return one


def fields_of(loss: Any = "mse", optimizer: Any = "adam", **made: Any) -> dict[str, Any]:
    found = read_compiled(compiled(loss, optimizer, **made))
    assert found is not None
    assert all("compiled" in why or "model's own" in why for _, why in found.fields.values())
    return {name: value for name, (value, _) in found.fields.items()}


def test_nothing_compiled_is_no_plan() -> None:
    assert read_compiled(model()) is None


@pytest.mark.parametrize(
    ("optimizer", "wanted"),
    [
        (keras.optimizers.SGD(0.1), {"optimizer": "sgd", "learning_rate": 0.1}),
        (keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True), {"optimizer": "nesterov", "momentum": 0.8}),
        (keras.optimizers.Adam(0.01, beta_1=0.8), {"optimizer": "adam", "beta_1": 0.8, "weight_decay": 0.0}),
        (keras.optimizers.RMSprop(0.01), {"optimizer": "rmsprop", "beta_2": 0.9}),
        (keras.optimizers.Adam(0.01, global_clipnorm=2.0), {"optimizer": "adam", "clip_norm": 2.0}),
        (keras.optimizers.Lion(0.001), {"optimizer": "compiled", "learning_rate": 0.001}),
        (keras.optimizers.Adam(0.01, clipvalue=0.5), {"optimizer": "compiled"}),
        (keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)), {"schedule": "compiled"}),
    ],
)
def test_optimizers_become_fields(optimizer: Any, wanted: dict[str, Any]) -> None:
    found = fields_of(optimizer=optimizer)
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        ("mse", {"loss": "mse", "output_activation": "linear"}),
        (keras.losses.BinaryCrossentropy(from_logits=True), {"output_activation": "sigmoid"}),
        (keras.losses.BinaryCrossentropy(label_smoothing=0.1), {"loss": "binary_crossentropy", "label_smoothing": 0.1}),
        ("hinge", {"loss": "compiled"}),
        (keras.losses.Huber(delta=0.5), {"loss": "compiled"}),
        (keras.losses.BinaryFocalCrossentropy(), {"loss": "compiled"}),
        (lambda y, p: (y - p) ** 2, {"loss": "compiled"}),
    ],
)
def test_losses_become_fields(loss: Any, wanted: dict[str, Any]) -> None:
    found = fields_of(loss=loss)
    assert {name: found[name] for name in wanted} == wanted


def test_compiling_that_changes_nothing_is_said() -> None:
    one = model()
    one.compile(
        loss="mse", optimizer="adam", metrics=["mae", keras.metrics.AUC()], steps_per_execution=8, jit_compile="auto"
    )
    found = read_compiled(one)
    assert found is not None
    assert [str(note).partition(" has no effect")[0] for note in found.notes] == [
        "as compiled: metrics=mae,AUC",
        "as compiled: steps_per_execution=8",
    ]


def test_a_plan_by_hand_leaves_the_layers_as_they_are() -> None:
    own = Plan(network="keras")
    assert (own.activation, own.initializer, own.bias_initializer) == ("given", "given", "given")
    assert Plan().change(network="keras").activation == "given"
    assert own.change(activation="silu").change(epochs=3).activation == "silu"
    assert remade(given := model(), own, BINARY) is given


def test_a_file_is_read_as_it_was_compiled(tmp_path: Path) -> None:
    compiled("binary_crossentropy", keras.optimizers.SGD(0.25)).save(tmp_path / "own.keras")
    found = read_compiled(read_model(tmp_path / "own.keras", allow_code=False))
    assert found is not None
    assert (found.fields["optimizer"][0], found.fields["learning_rate"][0]) == ("sgd", 0.25)


def test_columns_and_targets_are_fed_as_they_are() -> None:
    found = fields_of()
    assert (found["scale_inputs"], found["target_transform"], found["warmup_epochs"]) == (False, "given", 0.0)


@pytest.mark.parametrize("make", [keras.optimizers.Adamax, keras.optimizers.Nadam, keras.optimizers.Lion])
def test_an_optimizer_of_keras_takes_the_step_that_keras_takes(make: Any) -> None:
    one = compiled("mse", make(0.05))
    init, update = keras_optimizer(one, one)
    weights = [jnp.asarray(v.value) for v in one.trainable_variables]
    gradients = [jnp.ones_like(w) * (i + 1) for i, w in enumerate(weights)]
    state = init(weights)
    for _ in range(2):
        directions, state = update(gradients, state, weights, learning_rate=0.05)
        weights = [w - 0.05 * d for w, d in zip(weights, directions, strict=True)]
    optimizer = make(0.05)
    for _ in range(2):
        optimizer.apply(gradients, one.trainable_variables)
    for mine, theirs in zip(weights, one.trainable_variables, strict=True):
        assert np.allclose(mine, theirs.value, atol=1e-6)


def test_a_loss_of_keras_by_row() -> None:
    outputs, targets = jnp.array([[0.2], [0.9]]), jnp.array([[0.0], [1.0]])
    rows = by_row("hinge")(outputs, targets)
    assert np.isclose(rows.mean(), keras.losses.Hinge()(targets, outputs))
    mean = by_row(lambda y, p: keras.ops.mean((y - p) ** 2))(outputs, targets)
    assert mean.shape == (2,)


def test_two_units_serve_a_yes_or_no() -> None:
    shares = read_outputs(jnp.array([[0.25, 0.75]]), 1)
    assert np.allclose(shares, 0.75)
    assert wanted_targets(jnp.array([[1.0]]), 2, sparse=False).tolist() == [[0.0, 1.0]]
    assert wanted_targets(jnp.array([[1.0]]), 2, sparse=True).tolist() == [[1.0]]


def test_one_unit_for_classes_is_a_number_between_them() -> None:
    assert np.allclose(read_outputs(jnp.array([[1.25]]), 3), [[0.0, 0.75, 0.25]])
    assert wanted_targets(jnp.eye(3), 1, sparse=False).tolist() == [[0.0], [1.0], [2.0]]
    assert not fits_task(2, 3, "regression")


def test_a_schedule_is_followed_by_step() -> None:
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    one = compiled("mse", keras.optimizers.SGD(decay))
    plan = Plan(network="keras", schedule="compiled", optimizer="sgd", loss="mse", learning_rate=0.1)
    training = user_training(one, one, plan, BINARY, steps=10)
    assert training.factor is not None
    assert np.isclose(training.factor(jnp.float32(1.1)), 0.5)  # the eleventh step comes after ten


def test_what_was_not_compiled_cannot_be_asked_for() -> None:
    one = model()
    with pytest.raises(PlanError, match="The model must be compiled"):
        user_training(one, one, Plan(network="keras", optimizer="compiled"), BINARY, steps=1)


GIVEN = {"network": "keras", "activation": "given", "initializer": "given", "bias_initializer": "given"}


def test_a_plan_that_changes_nothing_leaves_the_model() -> None:
    one = model()
    assert remade(one, Plan(**GIVEN), BINARY) is one


def test_the_last_layer_is_made_to_fit_and_hidden_ones_are_opened() -> None:
    one = model(units=2, activation="relu")
    made = remade(one, Plan(**{**GIVEN, "activation": "silu", "output_activation": "matched"}), BINARY)
    hidden, last = made.layers
    assert (hidden.activation.__name__, last.activation.__name__, last.units) == ("silu", "sigmoid", 1)
    started = remade(one, Plan(**{**GIVEN, "initializer": "he_normal"}), BINARY)
    assert type(started.layers[0].kernel_initializer).__name__ == "HeNormal"
    assert one.layers[-1].units == 2


def test_a_model_without_a_config_is_left_alone() -> None:
    class Own(keras.Model):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.last = keras.layers.Dense(width)

        def call(self, inputs: Any) -> Any:
            return self.last(inputs)

    assert not can_be_remade(Own(1))
    with pytest.raises(PlanError, match="one that Keras can make again"):
        remade(Own(1), Plan(**{**GIVEN, "activation": "relu"}), BINARY)
