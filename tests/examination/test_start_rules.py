"""Set-ups that cannot work: first weights, unscaled inputs, loss and output that do not fit, sorted rows."""

from dataclasses import replace

import numpy as np
import pytest

from rounds.examination.finding import NotApplicable
from rounds.examination.run import Run
from rounds.examination.training_rules.start import ORDERED, serial_correlation
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.batches.orders import epoch_order
from tests.examination.planted import behind, curve, folds, healthy_loss, inside, run, said, seen

POOR = healthy_loss(0.97)


def poor(plan: Plan | None = None, **measures: object) -> object:
    return run(folds(train=POOR, validation=POOR, measures=inside(**measures)), plans=(plan or Plan(),), **behind())


@pytest.mark.parametrize("measures", [{"loss": (1e4, 1.0)}, {"dead_share": 1.0}, {"gradient_norm": [0.0, 0.0, 1.0]}])
def test_poor_initialization(measures: dict[str, object]) -> None:
    found = seen("poor-initialization", poor(**measures))
    assert found.severity == "error"
    assert found.onset == 0


@pytest.mark.parametrize(("norm", "strange"), [(0.1, True), (10.0, False), (200.0, True)])
def test_first_weights_of_a_strange_size(norm: float, strange: bool) -> None:
    judged = said("poor-initialization", poor(weight_norm=(norm, 10.0)))
    assert (judged is not None) == strange
    if strange:
        assert seen("poor-initialization", poor(weight_norm=(norm, 10.0))).evidence["weights_over_usual"] != 1.0


def test_a_dead_unit_in_a_layer_of_one_is_luck() -> None:
    narrow = poor(Plan(hidden=(1, 1)), dead_share=1.0, weight_norm=1.4)
    assert said("poor-initialization", narrow) is None


def test_a_start_that_was_overcome_is_left_alone() -> None:
    assert said("poor-initialization", run(folds(measures=inside(loss=(50.0, 0.5))))) is None
    assert isinstance(said("poor-initialization", run(folds())), NotApplicable)


def test_slow_start_then_drop() -> None:
    def late(epochs: np.ndarray) -> np.ndarray:
        return np.where(epochs < 25, 1.0, 0.5)

    start = inside(gradient_norm=[0.0, 0.5, 1.0])
    late_run = run(folds(train=late, validation=late, measures=start))
    found = seen("poor-initialization", late_run)
    assert found.severity == "note", "it ended where it should"
    assert seen("poor-initialization", replace(late_run, constant_loss=None)).severity == "warning", "nobody knows"
    assert found.evidence["slow_start_share_of_epochs"] > 0.5


def test_unscaled_inputs() -> None:
    plan = Plan(scale_inputs=False)
    assert seen("unscaled-inputs", poor(plan, activation_spread=200.0)).severity == "error"
    assert said("unscaled-inputs", poor(activation_spread=200.0)) is None
    assert said("unscaled-inputs", run(folds(measures=inside()), plans=(plan,))) is None
    assert isinstance(said("unscaled-inputs", run(folds(), plans=())), NotApplicable)


def test_loss_and_output() -> None:
    assert seen("loss-output-mismatch", poor(Plan(output_activation="relu"))).severity == "error"
    assert said("loss-output-mismatch", poor()) is None
    assert isinstance(said("loss-output-mismatch", run(folds(), plans=())), NotApplicable)
    death = Task(kind="binary", targets=("death",), classes=("0", "1"))
    harmless = run(folds(), plans=(Plan(loss="mse"),), task=death)
    assert seen("loss-output-mismatch", harmless).severity == "note"


def steps(ordered: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    position = np.arange(1, 24 * 40 + 1) / 24
    wave = np.sin(2 * np.pi * position) if ordered else 0.0
    return position, 0.5 + 0.2 * wave + 0.05 * np.random.default_rng(seed).standard_normal(len(position))


def test_not_shuffled() -> None:
    plan = Plan(shuffle=False)
    found = seen("not-shuffled", run(folds(steps=steps(True, 0)), plans=(plan,), **behind()))
    assert found.severity == "error"
    assert found.evidence["serial_correlation"] > 0.5
    assert seen("not-shuffled", run(folds(steps=steps(True, 0)), plans=(plan,))).severity == "note"
    assert said("not-shuffled", run(folds(steps=steps(False, 0)), plans=(plan,), **behind())) is None
    assert said("not-shuffled", run(folds(steps=steps(True, 0)))) is None
    assert isinstance(said("not-shuffled", run(folds(), plans=(plan,))), NotApplicable)


@pytest.mark.parametrize("rows", [273, 288, 300])
def test_a_sorted_file_is_told_whether_or_not_minibatches_fit_into_it(rows: int) -> None:
    """Losses of steps are means over what `epoch_order` deals out, of rows whose losses rise through the file."""
    random, shape = np.random.default_rng(0), (-(-rows // 32), 32)
    by_row = np.linspace(0, 1, rows) + 0.3 * random.standard_normal(rows)
    dealt = {True: np.argsort(random.random(rows)), False: np.arange(rows)}

    def course(mixed: bool, shuffle: bool) -> tuple[np.ndarray, np.ndarray]:
        orders = [epoch_order(dealt[mixed], (0, 0), epoch, shape, shuffle) for epoch in range(20)]
        steps = by_row[np.concatenate(orders)].mean(axis=1) + np.linspace(1, 0, 20 * shape[0])  # and learning
        return np.arange(1, len(steps) + 1) / shape[0], steps

    found = serial_correlation(curve(steps=course(False, False)))
    assert found is not None
    assert found[0] > max(ORDERED.value, found[1])
    shuffled, in_no_order = (serial_correlation(curve(steps=course(*how))) for how in ((False, True), (True, False)))
    assert shuffled is not None
    assert shuffled[0] < ORDERED.value / 2
    assert in_no_order is not None
    assert in_no_order[0] < found[0] / 2, "minibatches are always the same, and tell nothing"


def test_units_that_dropout_silences_are_no_poor_start() -> None:
    silent = inside(dead_share=0.8, gradient_norm=[(0.0, 0.3), 1.0, 1.0])

    def dropped(share: float) -> Run:
        curves = folds(train=POOR, validation=POOR, measures=silent)
        return run(tuple(replace(c, settings={**c.settings, "dropout": share}) for c in curves), **behind())

    assert seen("poor-initialization", dropped(0.1)).evidence["dead_share"] == 0.8
    assert said("poor-initialization", dropped(0.97)) is None
