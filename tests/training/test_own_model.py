"""A Keras model of the user's own: what it is fed, how it starts, what it descends on, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rounds.errors import PlanError
from rounds.networks.keras.backend import keras
from rounds.networks.user_model.functional import make_user_functional
from rounds.networks.user_model.model import Columns, describe_user_network
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.population.build import Population, Trained
from rounds.training.result.tables import curves_frame, measures_frame

MakePopulation, Train = Callable[..., Population], Callable[[Population], Trained]
STEADY = Plan(
    network="keras",
    optimizer="sgd",
    schedule="constant",
    warmup_epochs=0,
    batch_size="all",
    folds=1,
    activation="given",
    initializer="given",
    bias_initializer="given",
)
TASK = Task(kind="regression", targets=("y",))
COLUMNS = Columns(("x0", "x1", "x2"), ("sex", "sex"), ("code",), (7,), ("x0", "x1", "x2", "sex = F", "sex = M"))
WITHOUT_CODES = Columns(COLUMNS.numbers, COLUMNS.flags, (), (), COLUMNS.labels)
layers = keras.layers


def small(*middle: Any, width: int = 4, last: Any = None) -> Any:
    return keras.Sequential([keras.Input((width,)), *middle, last or layers.Dense(1, name="last")])


class Doubling(layers.Layer):  # type: ignore[misc]
    """A layer of a user's own, whose weight starts at random."""

    def build(self, shape: Any) -> None:
        self.factor = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="factor")

    def call(self, x: Any) -> Any:
        return x * self.factor


class Bare(keras.Model):  # type: ignore[misc]
    """A subclassed model that cannot be made again: its constructor takes what no config can hold."""

    def __init__(self, first: Any) -> None:
        super().__init__()
        self.first, self.last = first, layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.last(self.first(x))

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError


def functional_of(model: Any, plan: Plan = STEADY, columns: Columns = WITHOUT_CODES) -> Any:
    network = describe_user_network(model, plan, TASK, columns)
    return make_user_functional(model, network, plan.initial_weights == "given", logits=False)


def test_descends_as_gradient_descent_by_hand(population_of: MakePopulation, train: Train) -> None:
    model = small()
    plan = STEADY.change(learning_rate=0.1, epochs=3, keep_best="none", initial_weights="given")
    trained = train(population_of(plan, model=model))
    fold_data = trained.population.folds_data[0]
    rows = fold_data.folds[0].train
    x, y = fold_data.inputs.numbers[rows], fold_data.target_scale.forward(fold_data.targets[rows])
    w, b = (np.asarray(v.value) for v in model.trainable_variables)
    for _ in range(3):
        error = 2 / len(x) * (x @ w + b - y)
        w, b = w - 0.1 * x.T @ error, b - 0.1 * error.sum(0)
    got = list(trained.weights(trained.population.members[0]).values())
    assert np.allclose(got[0], w, atol=1e-5)
    assert np.allclose(got[1], b, atol=1e-5)


def test_own_penalties_are_one_curve(population_of: MakePopulation, train: Train) -> None:
    model = small(layers.Dense(3, kernel_regularizer="l2", activity_regularizer=None))
    plan = STEADY.change(learning_rate=0.0, epochs=2, initial_weights="given")
    curves = curves_frame(train(population_of(plan, model=model)))
    kept = np.asarray(model.trainable_variables[0].value)
    found = curves.filter((curves["split"] == "train") & (curves["metric"] == "model losses"))["value"].to_list()
    assert found == pytest.approx([0.01 * (kept**2).sum()] * 2, rel=1e-5)


def test_members_start_from_their_own_draws(population_of: MakePopulation, train: Train) -> None:
    model = small(layers.Dense(64, kernel_initializer=keras.initializers.RandomNormal(0.0, 2.0)))
    handed = [np.asarray(v.value) for v in model.trainable_variables]
    population = population_of(STEADY.change(learning_rate=0.0, epochs=1), model=model, count=3)
    trained = train(population)
    kernels = [next(iter(trained.weights(m).values())) for m in population.members]
    assert all(abs(k.std() - 2.0) < 0.3 for k in kernels)
    assert not np.allclose(kernels[0], kernels[1])
    assert not any(np.allclose(k, handed[0]) for k in kernels)
    assert all(np.array_equal(v.value, h) for v, h in zip(model.trainable_variables, handed, strict=True))


def test_batch_norm_and_dropout_train(population_of: MakePopulation, train: Train) -> None:
    model = small(layers.Dense(8, activation="relu", name="h"), layers.BatchNormalization(), layers.Dropout(0.2))
    trained = train(population_of(STEADY.change(learning_rate=0.1, epochs=30, batch_size=32), model=model, count=2))
    curves = curves_frame(trained)
    losses = curves.filter((curves["split"] == "validation") & (curves["metric"] == "loss"))["value"].to_numpy()
    assert np.isfinite(losses).all()
    assert losses.min() < 0.5  # a constant has 1, the noise 0.02
    measures = measures_frame(trained)
    assert set(measures.filter(measures["measure"] == "dead_share")["layer"]) == {"h"}
    result = trained.weights(trained.population.members[0])
    rows = trained.population.folds_data[0].inputs.numbers[trained.population.folds_data[0].folds[0].train]
    kernel, bias = (a for n, a in result.items() if "h/" in n)
    mean = next(a for n, a in result.items() if n.endswith("moving_mean"))
    assert np.allclose(mean, np.maximum(rows @ kernel + bias, 0).mean(0), atol=1e-4)  # exact, not a running average


def test_inputs_are_fed_by_their_names() -> None:
    sex, codes, x1 = (
        keras.Input((2,), name="sex"),
        keras.Input((1,), dtype="int32", name="codes"),
        keras.Input((1,), name="x1"),
    )
    embedded = layers.Flatten()(layers.Embedding(7, 2)(codes))
    joined = layers.Concatenate()([x1, sex, embedded])
    model = keras.Model({"x1": x1, "sex": sex, "codes": codes}, layers.Dense(1, use_bias=False, name="last")(joined))
    functional = functional_of(model, STEADY.change(initial_weights="given"), COLUMNS)
    numbers, flags, code = np.array([[1.0, 2.0, 3.0]], "f4"), np.array([[0.0, 1.0]], "f4"), np.array([[5]], "i4")
    weights, state = functional.draw(0)
    outputs, _ = functional.apply(weights, state, [numbers, flags, code], False)
    table = next(np.asarray(v) for v in weights if v.shape == (7, 2))
    kernel = next(np.asarray(v) for v in weights if v.shape == (5, 1))
    assert np.allclose(outputs, np.array([[2.0, 0.0, 1.0, *table[5]]]) @ kernel, atol=1e-6)


def test_what_was_learned_before_stays() -> None:
    scale = layers.Normalization()
    scale.adapt(np.random.default_rng(0).normal(7.0, 2.0, (50, 5)).astype("f4"))
    frozen = layers.Dense(3, name="frozen", trainable=False)
    model = small(scale, frozen, width=5)
    functional = functional_of(model)
    (_, state), handed = functional.draw(1), [np.asarray(v.value) for v in model.non_trainable_variables]
    assert len(state) == len(handed) > 3
    assert all(np.array_equal(a, b) for a, b in zip(state, handed, strict=True))
    assert [n for n in functional.names if "frozen" in n] == []


def test_running_statistics_start_anew_unless_given() -> None:
    model = small(layers.BatchNormalization(), width=5)
    model.layers[0].moving_mean.assign(np.full(5, 3.0))
    assert functional_of(model).draw(0)[1][0].tolist() == [0.0] * 5
    assert functional_of(model, STEADY.change(initial_weights="given")).draw(0)[1][0].tolist() == [3.0] * 5


def test_model_without_config_by_initializer_attributes() -> None:
    model = Bare(layers.Dense(400, kernel_initializer=keras.initializers.RandomUniform(-3.0, -2.0)))
    functional = functional_of(model)
    drawn = functional.draw(0)[0]
    first = next(a for a in drawn if a.shape == (5, 400))
    assert -3.0 <= first.min() < -2.9 < -2.1 < first.max() <= -2.0
    assert not np.array_equal(first, next(a for a in functional.draw(1)[0] if a.shape == (5, 400)))


def test_weights_that_cannot_be_drawn_are_named() -> None:
    text = r"Weights must be drawn again for each network, got without an initializer=\['.*factor'\]\. Give the model"
    with pytest.raises(PlanError, match=text):
        functional_of(Bare(Doubling()))
    assert functional_of(Bare(Doubling()), STEADY.change(initial_weights="given")).draw(0)[0]


def test_own_layer_with_config_is_drawn() -> None:
    functional = functional_of(small(Doubling(), width=5))
    first, second = (next(a for a in functional.draw(seed)[0] if a.shape == (5,)) for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("model", "columns", "text"),
    [
        (
            lambda: small(width=4),
            WITHOUT_CODES,
            r"Input .* must be 5 wide for this table, got shape=\(4,\)\. .*sex = M",
        ),
        (lambda: small(width=5), COLUMNS, r"Table must be one of numbers and flags, got columns with many levels="),
        (
            lambda: small(width=5, last=layers.Dense(2)),
            WITHOUT_CODES,
            r"The model's output must be 1 wide, got shape=\(2,\)",
        ),
        (lambda: "model", WITHOUT_CODES, "model must be a keras.Model, got model='str'"),
        (
            lambda: keras.Model(pair := [keras.Input((1,), name="x0"), keras.Input((1,), name="weight")], pair[0]),
            WITHOUT_CODES,
            "An input must be named numbers, flags, codes or as a column, got input='weight'",
        ),
        (
            lambda: small(layers.Lambda(lambda x: 1 / 0 * x, output_shape=(5,)), width=5),
            WITHOUT_CODES,
            "Model must be one that runs on this table, got error='ZeroDivisionError",
        ),
    ],
)
def test_what_cannot_run_is_refused(model: Callable[[], Any], columns: Columns, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        functional_of(model(), columns=columns)


def test_keras_network_needs_a_model(population_of: MakePopulation) -> None:
    with pytest.raises(
        PlanError, match=r"A network of kind keras must be a model of your own, got model=None\. Hand it"
    ):
        population_of(STEADY)


def test_output_activation_comes_where_the_last_layer_has_none() -> None:
    task = Task(kind="binary", targets=("y",), classes=("0", "1"))
    bare = describe_user_network(small(width=5), STEADY, task, WITHOUT_CODES)
    closed = describe_user_network(small(width=5, last=layers.Dense(1, "sigmoid")), STEADY, task, WITHOUT_CODES)
    assert (bare.output_activation, closed.output_activation) == ("sigmoid", "linear")


def test_other_backends_are_refused_with_the_way_to_set_it() -> None:
    started = [sys.executable, "-c", "import rounds.networks.keras.backend"]
    done = subprocess.run(
        started, env={**os.environ, "KERAS_BACKEND": "tensorflow"}, capture_output=True, text=True, check=False
    )
    said = "Keras backend must be jax, got KERAS_BACKEND='tensorflow'. Set it before Keras is imported: export"
    assert said in done.stderr


def test_keras_own_layers_need_no_leave_for_code() -> None:
    model = small(
        layers.Normalization(), layers.Dense(3, "relu", kernel_regularizer="l2"), layers.Dropout(0.1), width=5
    )
    assert describe_user_network(model, STEADY, TASK, WITHOUT_CODES).user_code == ()
    own = describe_user_network(small(Doubling(), width=5), STEADY, TASK, WITHOUT_CODES).user_code
    assert own == (f"{Doubling.__module__}:Doubling",)
