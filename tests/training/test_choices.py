"""What single choices of a plan do, against their definitions."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from rounds.errors import PlanError
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.functional import make_functional
from rounds.networks.initializers import INITIALIZER_NAMES, draw_array, make_initializer
from rounds.networks.jax.dropout import drop_units, hashed_bits
from rounds.networks.network import Network
from rounds.networks.operations import operations
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.compiled.schedule import learning_rate_at
from rounds.training.compiled.validation import JudgedOutputs, metric_names, metric_values
from rounds.training.population.build import Population, Trained, train_population
from rounds.training.result.batch_statistics import exact_statistics

Make = Callable[..., Population]
Train = Callable[[Population], Trained]
GRADIENT_DESCENT = Plan(
    network="linear",
    optimizer="sgd",
    schedule="constant",
    batch_size="all",
    epochs=3000,
    learning_rate=0.1,
    warmup_epochs=0,
    dropout=0,
    weight_decay=0,
    convergence=2e-6,
    keep_best="none",
    initializer="random_normal:0.1",
)


def arrays(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    fold_data = trained.population.folds_data[0]
    rows = fold_data.folds[0].train
    return fold_data.inputs.numbers[rows].astype(float), fold_data.target_scale.forward(fold_data.targets)[rows].astype(
        float
    )


def test_full_batch_descent_on_a_linear_network_reaches_least_squares(population_of: Make, train: Train) -> None:
    trained = train(population_of(GRADIENT_DESCENT))
    x, y = arrays(trained)
    design = np.c_[x, np.ones(len(x))]
    exact = np.linalg.lstsq(design, y, rcond=None)[0]
    weights = trained.weights(trained.population.members[0])
    found = np.concatenate([weights["output/kernel"], weights["output/bias"][None]])
    assert np.linalg.norm(found - exact) / np.linalg.norm(exact) < 1e-5
    assert len(trained.results[0].records) < 3000, "the convergence criterion must end it"


def test_with_l2_it_reaches_ridge_per_member(population_of: Make, train: Train) -> None:
    """argmin 1/N |Xw + b - y|^2 + lambda |w|^2, the bias not penalised, for two lambdas in one program."""
    trained = train(population_of(GRADIENT_DESCENT.change(l2=(0.05, 0.5))))
    x, y = arrays(trained)
    centred, mean = x - x.mean(0), y.mean(0)
    for member in trained.population.members:
        strength = member.settings["l2"] * len(x) * np.eye(x.shape[1])
        exact = np.linalg.solve(centred.T @ centred + strength, centred.T @ (y - mean))
        weights = trained.weights(member)
        assert np.linalg.norm(weights["output/kernel"] - exact) / np.linalg.norm(exact) < 1e-5
        assert np.allclose(weights["output/bias"], mean - x.mean(0) @ exact, atol=1e-5)


def test_data_loss_and_penalty_are_recorded_apart(population_of: Make, train: Train) -> None:
    trained = train(population_of(GRADIENT_DESCENT.change(l2=0.5, epochs=50, convergence=0)))
    record = trained.results[0].records[-1]
    x, y = arrays(trained)
    weights = trained.weights(trained.population.members[0])
    residual = x @ weights["output/kernel"] + weights["output/bias"] - y
    assert record.losses[0, 0, -1] == pytest.approx((residual**2).mean(), rel=0.02)
    assert record.penalties[0, 0, -1] == pytest.approx(0.5 * (weights["output/kernel"] ** 2).sum(), rel=0.02)


def test_dropout_keeps_the_expectation_and_is_silent_at_test_time() -> None:
    units = np.ones((4000, 8), np.float32)
    dropped = np.asarray(drop_units(units, 0.3, np.array([7, 1], np.uint32)))
    assert set(np.unique(dropped.round(4))) == {0.0, np.float32(round(1 / 0.7, 4))}
    assert dropped.mean() == pytest.approx(1.0, abs=4 * np.sqrt(0.3 / 0.7 / units.size))
    functional = make_functional(Network(kind="dense", numbers=3, flags=0, hidden=(64,), dropout=True))
    trainable, state = functional.draw(0)
    state[functional.rates[0]] = np.float32(0.5)
    silent, left = functional.apply(trainable, state, [np.ones((9, 3), "f4")], False)
    drawn, changed = functional.apply(trainable, state, [np.ones((9, 3), "f4")], True)
    assert np.ptp(silent, axis=0) < 1e-6
    assert np.ptp(drawn, axis=0) > 1e-2
    assert np.array_equal(left[1], state[1])
    assert not np.array_equal(changed[1], state[1]), "another mask at the next step"


def test_hashed_bits_are_uniform_and_uncorrelated() -> None:
    bits = np.asarray(hashed_bits(jnp.array([7, 3], jnp.uint32), (256, 256))).astype(float) / 2**32
    counts = np.histogram(bits, 16, (0, 1))[0]
    chi_square = ((counts - bits.size / 16) ** 2 / (bits.size / 16)).sum()
    assert chi_square < 37.7, "the 99.9 % point of chi-square with 15 degrees of freedom"
    neighbours = np.corrcoef(bits[:, 1:].ravel(), bits[:, :-1].ravel())[0, 1]
    assert abs(neighbours) < 4 / 256


def test_batch_norm_stands_between_affine_and_activation_without_a_bias() -> None:
    plan = Plan(hidden=(5,), normalization="batch")
    network = describe_network(plan, Task(kind="regression", targets=("y",)), InputShape(3, 0), False)
    steps = {one.name: one for one in operations(network)}
    assert list(steps)[:3] == ["hidden_0", "norm_0", "activation_0"]
    assert [array.name for array in steps["hidden_0"].arrays] == ["hidden_0/kernel"]


def test_test_time_statistics_are_those_of_the_whole_training_set(population_of: Make, train: Train) -> None:
    plan = Plan(hidden=(6, 5), normalization="batch", epochs=2, batch_size=16, learning_rate=1e-2, dropout=0.0)
    trained = train(population_of(plan))
    weights = trained.weights(trained.population.members[0])
    x, _ = arrays(trained)
    before = x @ weights["hidden_0/kernel"]
    assert np.allclose(weights["norm_0/moving_mean"], before.mean(0), atol=1e-6)
    assert np.allclose(weights["norm_0/moving_variance"], before.var(0), rtol=1e-5)
    normal = (before - before.mean(0)) / np.sqrt(before.var(0) + 1e-3)
    units = normal * weights["norm_0/gamma"] + weights["norm_0/beta"]
    second = (units / (1 + np.exp(-units))) @ weights["hidden_1/kernel"]
    assert np.allclose(weights["norm_1/moving_mean"], second.mean(0), atol=1e-5)


def test_chunks_merge_to_the_same_statistics(
    monkeypatch: pytest.MonkeyPatch, population_of: Make, train: Train
) -> None:
    plan = Plan(hidden=(6,), normalization="batch", epochs=1, batch_size=16, learning_rate=1e-2, dropout=0.0)
    trained = train(population_of(plan))
    work, result = trained.population.works[0], trained.results[0]
    (weights, *_), rows = result.best.values(), work.folds[0].train
    monkeypatch.setattr("rounds.training.result.batch_statistics.CHUNK", 7)
    assert len(rows) % 7, "the last chunk is filled up"
    chunked = exact_statistics(work.program, {0: weights}, work.data.inputs, {0: rows})[0]
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(chunked.state, weights.state, strict=True))


def test_early_stopping_and_the_best_snapshot_are_per_member(population_of: Make, train: Train) -> None:
    plan = Plan(
        hidden=(32,), epochs=60, batch_size=16, learning_rate=(1e-4, 3e-2), patience=5, dropout=0.0, schedule="constant"
    )
    trained = train(population_of(plan))
    records = trained.results[0].records
    running = np.stack([r.running for r in records])[:, 0]
    assert len(set(running.sum(0).tolist())) == 2, "the two members must stop at different epochs"
    for i in range(2):
        losses = np.array([r.validation[0, i, 0] for r in records])[: int(running[:, i].sum()) + 1]
        assert records[-1].best_epoch[0, i] == losses.argmin()
        assert records[-1].best_value[0, i] == losses.min()


def test_a_stopped_member_moves_no_more(population_of: Make, train: Train) -> None:
    plan = Plan(hidden=(8,), epochs=20, batch_size=16, learning_rate=(1e-4, 0.5), patience=1, schedule="constant")
    records = train(population_of(plan.change(dropout=0.0, warmup_epochs=0))).results[0].records
    values = np.array([r.validation[0, :, 0] for r in records])
    running = np.array([r.running[0] for r in records])
    assert not running[-1, 1], "half a unit a step must overshoot"
    stopped = int(np.argmin(running[:, 1]))
    assert stopped < len(values) - 1, "its companion must go on for a while"
    assert np.ptp(values[stopped:, 1]) == 0.0
    assert np.ptp(values[stopped:, 0]) > 0.0


@pytest.mark.parametrize(("kind", "metric"), [("regression", "mae"), ("regression", "r2"), ("binary", "auroc")])
def test_any_metric_chooses_the_epoch_kept_and_when_to_stop(
    population_of: Make, train: Train, kind: str, metric: str
) -> None:
    plan = Plan(hidden=(16,), epochs=12, batch_size=16, learning_rate=(1e-2, 0.1), dropout=0.0, schedule="constant")
    trained = train(population_of(plan.change(keep_best=metric, patience=3), kind=kind))
    records = trained.results[0].records
    running = np.array([r.running[0] for r in records])
    worst = -1.0 if metric in ("r2", "auroc") else 1.0
    for i in range(2):
        lived = int(running[:, i].sum()) + (not running[-1, i])
        values = worst * np.array([r.validation[0, i, metric_names(kind).index(metric)] for r in records])[:lived]
        assert records[-1].best_epoch[0, i] == values.argmin()
        assert lived == len(records) or lived == values.argmin() + 1 + 3, "it stops three epochs after its best"


def test_weight_averages_follow_the_recursion_and_are_what_is_kept(population_of: Make, train: Train) -> None:
    """a <- ema a + (1 - ema) w after each step, from a = the initial weights; a twin by full-batch descent."""
    plan = GRADIENT_DESCENT.change(epochs=6, convergence=0.0, ema=(0.5, 0.9))
    population = population_of(plan)
    first = population.members[0]
    start = population.programs[0].functional.draw(first.seed)[0]
    trained = train(population)
    x, y = arrays(trained)
    for member in population.members:
        w, b = (a.astype(float) for a in start)
        averages, decay = [w, b], member.settings["ema"]
        for _ in range(plan.epochs):
            error = 2 * (x @ w + b - y) / len(x)
            w, b = w - plan.learning_rate * x.T @ error, b - plan.learning_rate * error.sum(0)
            averages = [decay * a + (1 - decay) * new for a, new in zip(averages, (w, b), strict=True)]
        kept = trained.weights(member)
        assert np.allclose(kept["output/kernel"], averages[0], atol=1e-5)
        assert np.allclose(kept["output/bias"], averages[1], atol=1e-5)


def test_the_rate_recorded_is_that_of_the_schedule(population_of: Make, train: Train) -> None:
    plan = Plan(hidden=(4,), epochs=5, batch_size=16, learning_rate=(1e-3, 1e-2), schedule="one_cycle", warmup_epochs=1)
    records = train(population_of(plan)).results[0].records
    for i, rate in enumerate(plan.learning_rate):
        settings = {"learning_rate": jnp.float32(rate), "warmup_epochs": jnp.float32(1)}
        wanted = [float(learning_rate_at(plan, settings, jnp.float32(epoch + 1))) for epoch in range(5)]
        assert np.allclose([r.learning_rate[0, i] for r in records], wanted, rtol=1e-5)


def test_a_slab_without_hope_ends_at_that_epoch(population_of: Make) -> None:
    population = population_of(Plan(network="linear", epochs=9, learning_rate=0.01))
    *_, trained = train_population(population, hopeless=lambda work, at: at.epoch >= 3)
    assert isinstance(trained, Trained)
    assert [len(result.records) for result in trained.results] == [3]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_frozen_layers_stay_as_they_were_drawn(population_of: Make, train: Train, optimizer: str) -> None:
    plan = Plan(hidden=(5, 4), frozen_layers=1, optimizer=optimizer, epochs=2, learning_rate=0.1, keep_best="none")
    population = population_of(plan)
    (member,) = population.members
    functional = population.programs[0].functional
    drawn = dict(zip(functional.names, functional.draw(member.seed)[0], strict=True))
    weights = train(population).weights(member)
    still = {name for name in drawn if np.array_equal(drawn[name], weights[name])}
    assert still == {"hidden_0/kernel", "hidden_0/bias"}


@pytest.mark.parametrize("keep_best", ["loss", "none"])
def test_plateau_decays_each_members_rate(population_of: Make, train: Train, keep_best: str) -> None:
    plan = Plan(
        keep_best=keep_best,
        hidden=(4,),
        schedule="plateau",
        plateau_epochs=2,
        decay_factor=0.5,
        epochs=12,
        batch_size=16,
        learning_rate=(0.0, 1e-3),
        warmup_epochs=0,
        dropout=0.0,
    )
    rates = np.array([r.learning_rate[0] for r in train(population_of(plan)).results[0].records])
    never = (
        train(population_of(plan.change(learning_rate=1.0, optimizer="sgd", initializer="zeros"))).results[0].records
    )
    assert rates[-1, 1] == pytest.approx(1e-3), "a member that improves keeps its rate"
    assert never[-1].learning_rate[0, 0] < 1.0


def test_patience_stops_who_keeps_the_last_epoch_too(population_of: Make, train: Train) -> None:
    """A member at rate 0 never improves on its first epoch: it waits three more, and the last of them is kept."""
    plan = Plan(hidden=(4,), keep_best="none", patience=3, epochs=9, learning_rate=(0.0, 1e-3), dropout=0.0)
    records = train(population_of(plan)).results[0].records
    assert [bool(r.running[0, 0]) for r in records] == [True] * 3 + [False] * 6
    assert records[-1].best_epoch[0].tolist() == [3, 8]


def test_a_diverging_member_is_stopped_and_spares_its_companions(population_of: Make, train: Train) -> None:
    plan = Plan(hidden=(8,), optimizer="sgd", learning_rate=(1e-2, 1e6), epochs=5, batch_size=16, schedule="constant")
    records = train(population_of(plan.change(activation="relu", dropout=0.0))).results[0].records
    assert records[-1].running[0].tolist() == [True, False]
    assert np.isfinite(records[-1].validation[0, 0]).all()


@pytest.mark.parametrize("name", ["label_smoothing", "input_noise", "mixup", "clip_norm", "ema"])
def test_a_setting_at_0_is_off_and_above_0_changes_training(population_of: Make, train: Train, name: str) -> None:
    plan = Plan(hidden=(8,), epochs=2, batch_size=16, learning_rate=1e-2, dropout=0.0)
    trained = train(population_of(plan.change(**{name: (0.0, 0.2)}), kind="binary"))
    off, on = (trained.weights(m)["hidden_0/kernel"] for m in trained.population.members)
    plain = train(population_of(plan, kind="binary"))
    assert np.allclose(off, plain.weights(plain.population.members[0])["hidden_0/kernel"], atol=1e-5)
    assert not np.allclose(off, on, atol=1e-4)


@pytest.mark.parametrize("name", [n for n in INITIALIZER_NAMES if n != "identity"])
def test_every_keras_initializer_starts_a_network(name: str) -> None:
    plan = Plan(hidden=(6,), initializer=name)
    network = describe_network(plan, Task(kind="regression", targets=("y",)), InputShape(4, 0), False)
    functional = make_functional(network)
    kernel = functional.names.index("hidden_0/kernel")
    one, again, other = (functional.draw(seed)[0][kernel] for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    if name not in ("zeros", "ones", "constant"):
        assert not np.allclose(one, other)


ARGUMENTS = {
    "random_normal": "stddev",
    "random_uniform": "maxval",
    "truncated_normal": "stddev",
    "variance_scaling": "scale",
    "orthogonal": "gain",
    "constant": "value",
}
DRAWN = [
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "random_normal:0.3",
    "random_uniform:0.2",
    "truncated_normal:0.1",
    "variance_scaling:2",
    "orthogonal:0.5",
    "constant:0.1",
]


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("shape", [(300, 400), (3, 3, 40, 60)])
def test_drawn_weights_have_kerass_own_distribution(name: str, shape: tuple[int, ...]) -> None:
    from rounds.networks.keras.backend import keras

    ours = np.sort(draw_array(name, shape, np.random.default_rng(0)).ravel())
    family, _, argument = name.partition(":")
    options = {"minval": -float(argument)} if family == "random_uniform" else {}
    keras_family = getattr(keras.initializers, family)
    by_keras = keras_family(**{ARGUMENTS[family]: float(argument)}, **options) if argument else keras_family()
    keras_own = np.sort(np.asarray(by_keras(shape)).ravel())
    assert ours.std() == pytest.approx(keras_own.std(), rel=0.02, abs=1e-7)
    assert np.abs(ours - keras_own).mean() < 0.03 * max(keras_own.std(), 1e-6), "the same quantiles"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "he_norml",
            r"initializer must be one of Keras's names, got initializer='he_norml'\. Did you mean he_normal\?",
        ),
        ("zeros:3", r"initializer must be a name without argument, got initializer='zeros:3'\. Write zeros\."),
        ("constant:x", r"initializer must be name:number, got initializer='constant:x'\."),
    ],
)
def test_initializers_that_cannot_be_are_refused(text: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        make_initializer(text)


def test_unknown_names_are_refused(population_of: Make) -> None:
    with pytest.raises(
        PlanError, match=r"activation must be one of Keras's names, got activation='relo'\. Did you mean relu"
    ):
        population_of(Plan(activation="relo"))
    with pytest.raises(PlanError, match=r"keep_best must be one of .*, got keep_best='auroc'"):
        population_of(Plan(keep_best="auroc"))


def test_validation_metrics_equal_scikit_learns() -> None:
    from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

    random = np.random.default_rng(0)
    y = (random.random(60) < 0.3).astype(float)
    p = np.round(np.clip(0.3 * y + random.random(60) * 0.7, 0.01, 0.99), 1)  # rounded: many ties
    y, p, weights = np.append(y, [1.0, 0.0]), np.append(p, [0.9, 0.1]), np.append(np.ones(60), [0.0, 0.0])
    judged = JudgedOutputs(jnp.zeros(62), jnp.asarray(y)[:, None], jnp.asarray(p)[:, None], jnp.asarray(weights))
    found = dict(zip(metric_names("binary"), np.asarray(metric_values(judged, "binary")), strict=True))
    y, p = y[:60], p[:60]
    assert found["auprc"] == pytest.approx(average_precision_score(y, p), abs=1e-6)
    assert found["auroc"] == pytest.approx(roc_auc_score(y, p), abs=1e-6)
    assert found["log_loss"] == pytest.approx(log_loss(y, p), abs=1e-6)
