"""What rules read from a user's own model: its last layer beside loss and targets, its inputs, its layers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rounds.examination.curve import Curve
from rounds.examination.finding import Seen
from rounds.examination.run import Run
from rounds.examination.training_rules.inside import FROZEN_LAYER
from rounds.examination.training_rules.model_mismatch import model_mismatch
from rounds.examination.training_rules.start import LOSS_OUTPUT_MISMATCH, UNSCALED_INPUTS
from rounds.model_facts import InputFacts, LayerFacts, ModelFacts, TargetFacts
from rounds.plan import Plan
from tests.examination.planted import folds, inside, run, said, seen

LABELS, NUMBERS = np.array([[0.0], [1.0], [1.0]]), np.array([[-2.0], [0.5], [3.0]])
CLASSES, TOGETHER = np.eye(3), np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
CROSS, BINARY = "categorical_crossentropy", "binary_crossentropy"


def facts(loss: str, activation: str, targets: np.ndarray, width: int = 1, **more: Any) -> ModelFacts:
    hidden = LayerFacts(name="a", kind="Dense", width=8, weighted=True)
    last = LayerFacts(name="b", kind="Dense", width=width, activation=activation, weighted=True)
    return ModelFacts(
        layers=(hidden, last),
        loss=loss,
        output_activation=activation,
        output_width=width,
        targets=TargetFacts.of(targets),
        **more,
    )


@pytest.mark.parametrize(
    ("loss", "activation", "targets", "width", "logits", "words"),
    [
        (BINARY, "softmax", LABELS, 1, False, "single unit is 1"),
        (BINARY, "linear", LABELS, 1, False, "from_logits is not said"),
        (BINARY, "relu", LABELS, 1, False, "gives none"),
        (BINARY, "sigmoid", LABELS, 1, True, "have passed sigmoid already"),
        (BINARY, "sigmoid", NUMBERS, 1, False, "from 0 to 1"),
        (BINARY, "softmax", TOGETHER, 3, False, "occur together"),
        (CROSS, "sigmoid", CLASSES, 3, False, "one by one"),
        (CROSS, "softmax", CLASSES, 3, True, "have passed softmax already"),
        (CROSS, "softmax", TOGETHER, 3, False, "occur together"),
        (CROSS, "sigmoid", LABELS, 1, False, "a single output"),
        ("sparse_categorical_crossentropy", "softmax", np.array([[0.0], [3.0]]), 3, False, "class 3"),
        ("mse", "relu", NUMBERS, 1, None, "nothing below 0"),
        ("mse", "sigmoid", NUMBERS, 1, None, "nothing below 0"),
        ("mae", "tanh", np.array([[0.0], [40.0]]), 1, None, "nothing above 1"),
        ("mse", "softmax", np.ones((2, 3)) * 0.2, 3, None, "sum to 1"),
        ("hinge", "sigmoid", LABELS, 1, None, "both sides of 0"),
        ("poisson", "linear", LABELS, 1, None, "goes below"),
    ],
)
def test_what_no_weights_could_mend(
    loss: str, activation: str, targets: np.ndarray, width: int, logits: bool | None, words: str
) -> None:
    found = model_mismatch(facts(loss, activation, targets, width, from_logits=logits))
    assert found is not None
    assert found.certain
    assert words in found.words


@pytest.mark.parametrize(
    ("loss", "activation", "targets", "width", "logits"),
    [
        (BINARY, "sigmoid", LABELS, 1, False),
        (BINARY, "linear", LABELS, 1, True),
        (BINARY, "sigmoid", TOGETHER, 3, False),
        (CROSS, "softmax", CLASSES, 3, False),
        ("sparse_categorical_crossentropy", "linear", np.array([[0.0], [2.0]]), 3, True),
        ("mse", "linear", NUMBERS, 1, None),
        ("mse", "relu", np.array([[0.0], [40.0]]), 1, None),
        ("hinge", "tanh", LABELS, 1, None),
        ("my_hospital:loss", "relu", NUMBERS, 1, None),
        (BINARY, "", LABELS, 1, False),
    ],
)
def test_what_fits_or_is_not_known(
    loss: str, activation: str, targets: np.ndarray, width: int, logits: bool | None
) -> None:
    assert model_mismatch(facts(loss, activation, targets, width, from_logits=logits)) is None


def test_a_loss_of_numbers_for_classes_is_told_by_its_harm() -> None:
    found = model_mismatch(facts("mse", "sigmoid", LABELS))
    assert found is not None
    assert not found.certain


def run_of(model: ModelFacts) -> Run:
    epochs = np.arange(1, 9)
    flat = np.full(8, 0.7)
    curve = Curve(0, epochs, flat, flat, settings={"learning_rate": 0.01})
    return Run((curve,), plans=(Plan(network="keras"),), constant_loss=0.69, origin="watched", model=model)


def test_a_mismatch_that_is_certain_is_a_warning_at_least() -> None:
    seen = LOSS_OUTPUT_MISMATCH.ask(run_of(facts(BINARY, "tanh", LABELS)))
    assert isinstance(seen, Seen)
    assert seen.least == "warning"


def rows(spread: float, offset: float = 0.0, columns: int = 3) -> InputFacts:
    return InputFacts.of(np.random.default_rng(0).normal(offset, spread, (50, columns)))


@pytest.mark.parametrize("inputs", [rows(100.0), rows(1.0, offset=60.0), rows(1e-5)])
def test_inputs_of_another_size_are_seen(inputs: InputFacts) -> None:
    assert isinstance(UNSCALED_INPUTS.ask(run_of(facts(BINARY, "sigmoid", LABELS, inputs=inputs))), Seen)


def test_scaled_inputs_and_those_behind_a_normalization_are_fine() -> None:
    assert UNSCALED_INPUTS.ask(run_of(facts(BINARY, "sigmoid", LABELS, inputs=rows(1.0)))) is None
    model = facts(BINARY, "sigmoid", LABELS, inputs=rows(100.0))
    first = LayerFacts(name="n", kind="Normalization")
    assert UNSCALED_INPUTS.ask(run_of(model.model_copy(update={"layers": (first, *model.layers)}))) is None


def test_a_single_column_into_a_single_layer_has_no_scale_but_the_rate() -> None:
    model = facts("mse", "linear", NUMBERS, inputs=rows(100.0, columns=1))
    assert UNSCALED_INPUTS.ask(run_of(model.model_copy(update={"layers": model.layers[1:]}))) is None


def test_a_layer_that_is_not_trained_is_named() -> None:
    model = facts(BINARY, "sigmoid", LABELS)
    frozen = model.layers[0].model_copy(update={"trainable": False})
    seen = FROZEN_LAYER.ask(run_of(model.model_copy(update={"layers": (frozen, model.layers[1])})))
    assert isinstance(seen, Seen)
    assert "trainable=False" in seen.explanation


def model_of(*layers: LayerFacts, **more: Any) -> ModelFacts:
    last = LayerFacts(name="last", kind="Dense", width=1, weighted=True)
    return ModelFacts(layers=(*layers, last), loss="mse", output_activation="linear", output_width=1, **more)


def plain(name: str = "a", **more: Any) -> LayerFacts:
    return LayerFacts(name=name, kind="Dense", width=8, weighted=True, **more)


def trained(model: ModelFacts, level: float, **fields: Any) -> Run:
    """Two folds that go down to a level at once."""
    return run(folds(2, train=lambda e: level + 0.0 * e, validation=lambda e: level + 0.0 * e, **fields), model=model)


def test_layers_that_do_not_bend_are_a_linear_model() -> None:
    stiff = trained(model_of(plain("a"), plain("b")), 0.9)
    assert seen("underfitting", stiff).severity == "warning"
    assert "linear model" in seen("underfitting", stiff).explanation
    bent = trained(model_of(plain("a", activation="relu"), plain("b")), 0.9)
    assert not isinstance(said("underfitting", bent), Seen)
    enough = trained(model_of(plain("a")), 0.2)
    assert not isinstance(said("underfitting", enough), Seen)


@pytest.mark.parametrize(("units", "alarms"), [(3, True), (9, False)])
def test_a_layer_too_narrow_for_its_outputs_underfits_where_a_linear_model_is_ahead(units: int, alarms: bool) -> None:
    hidden = LayerFacts(name="a", kind="Dense", width=units, activation="relu", weighted=True)
    last = LayerFacts(name="b", kind="Dense", width=10, activation="softmax", weighted=True)
    model = ModelFacts(layers=(hidden, last), loss=CROSS, output_activation="softmax", output_width=10)
    found = said("underfitting", replace(trained(model, 0.3), linear_by_fold={"linear": {0: 0.05, 1: 0.05}}))
    assert isinstance(found, Seen) == alarms
    if isinstance(found, Seen):
        assert "through 3 units to 10 outputs" in found.explanation


@pytest.mark.parametrize("initializer", ["ones", "zeros", "constant:0.5"])
def test_weights_that_are_all_the_same_number_are_a_poor_start(initializer: str) -> None:
    layer = plain("hidden_0", activation="relu", initializer=initializer)
    found = seen("poor-initialization", trained(model_of(layer), 0.5, measures=inside()))
    assert found.severity == "warning"
    assert "stay alike" in found.explanation
    drawn = layer.model_copy(update={"initializer": "he_normal"})
    assert not isinstance(said("poor-initialization", trained(model_of(drawn), 0.5, measures=inside())), Seen)


def test_a_gradient_that_fades_on_its_way_is_no_poor_start() -> None:
    lost = inside(gradient_norm=[(1e-9, 1e-9), 1e-4, 1.0])
    model = model_of(plain("hidden_0", activation="sigmoid"), plain("hidden_1", activation="sigmoid"))
    faded = run(folds(2, train=lambda e: 1.0 + 0 * e, validation=lambda e: 1.0 + 0 * e, measures=lost), model=model)
    assert not isinstance(said("poor-initialization", faded), Seen)
    assert isinstance(said("vanishing-gradients", faded), Seen)


def test_targets_that_steps_do_not_reach_are_a_low_rate() -> None:
    far = run(folds(2, train=lambda e: 40 - 0.2 * e, validation=lambda e: 40 - 0.2 * e), model=model_of(plain()))
    assert "32 times a constant's" in seen("learning-rate-too-low", far).explanation
    flat = run(
        folds(2, train=lambda e: 1.2 + np.exp(-e), validation=lambda e: 1.2 + np.exp(-e)), model=model_of(plain())
    )
    assert not isinstance(said("learning-rate-too-low", flat), Seen)
