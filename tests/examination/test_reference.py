"""The linear model on the networks' own folds is near scikit-learn's, and a network behind it is known to be harmed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.examination import linear_by_fold as reference
from rounds.examination.harm import harm
from rounds.examination.linear_by_fold import linear_losses
from rounds.plan import Plan
from rounds.task import Kind, Task
from rounds.training.population.fold_data import make_folds_data
from tests.examination.planted import folds, run
from tests.examination.tables import table

RANDOM = np.random.default_rng(2)


def dataset_of(kind: Kind) -> Dataset:
    """Outcomes that a linear model explains in part, of each kind."""
    honest = table(400)
    score = honest.targets[:, 0]
    outcomes = {
        "regression": score,
        "count": RANDOM.poisson(np.exp(0.3 * score)),
        "binary": score > 0,
        "multiclass": np.digitize(score, [-1, 1]),
    }
    made = table(400, kind="binary" if kind == "binary" else "regression", outcome=outcomes[kind])
    classes = {"binary": ("0", "1"), "multiclass": ("low", "mid", "high")}.get(kind, ())
    targets = made.targets.astype(np.int32) if kind == "multiclass" else made.targets
    return replace(made, task=Task(kind=kind, targets=made.task.targets, classes=classes), targets=targets)


@pytest.mark.parametrize("kind", ["regression", "count", "binary", "multiclass"])
def test_linear_model_beats_the_constant(kind: Kind) -> None:
    from rounds.examination.run import constant_loss

    dataset = dataset_of(kind)
    fold_data = make_folds_data(dataset, split_dataset(dataset, folds=3, nested=False))[0]
    losses = linear_losses(fold_data, dataset.task, Plan())
    constant = constant_loss(dataset.task, Plan(), dataset.targets[fold_data.learned])
    assert set(losses) == {0, 1, 2}
    assert np.mean(list(losses.values())) < 0.95 * constant


def test_it_reads_the_features_by_hand_of_images(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    kind = np.arange(200) % 2
    pixels = random.integers(0, 200, (200, 12, 12)) + 30 * kind[:, None, None]
    np.savez(tmp_path / "images.npz", train_images=pixels.astype(np.uint8), train_labels=kind)
    dataset = load(tmp_path / "images.npz", Choices(("label",), "binary", group="none"))
    fold_data = make_folds_data(dataset, split_dataset(dataset, folds=3, nested=False))[0]
    losses = linear_losses(fold_data, dataset.task, Plan(network="convolutional"))
    assert np.mean(list(losses.values())) < 0.3 * np.log(2)
    bare = replace(fold_data, inputs=replace(fold_data.inputs, numbers=fold_data.inputs.numbers[:, :0]))
    assert linear_losses(bare, dataset.task, Plan(network="convolutional")) == {}


def test_many_features_by_hand_are_penalized_as_it_is_best_for_them() -> None:
    """Half as many columns as rows, of which one tells something: the usual penalty learns the others by heart."""
    noise = {f"n{i}": RANDOM.normal(size=200) for i in range(90)}
    wide = table(200, kind="binary", columns=noise)
    fold_data = make_folds_data(wide, split_dataset(wide, folds=3, nested=False))[0]
    beside = replace(fold_data, inputs=replace(fold_data.inputs, array=np.zeros((200, 2, 2, 1), np.uint8)))
    plain, chosen = (sum(linear_losses(m, wide.task, Plan()).values()) for m in (fold_data, beside))
    assert chosen < 0.9 * plain


def test_the_penalty_of_a_fold_is_chosen_without_its_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes that many columns tell want a light penalty; a fold whose outcomes are turned round wants a heavy one,
    and gets it for the models that are judged on the other folds alone."""
    columns = {f"n{i}": RANDOM.normal(size=240) for i in range(40)}
    outcome = sum(columns.values()) > 0
    made = table(240, kind="binary", columns=columns, outcome=outcome)
    split = split_dataset(made, folds=3, nested=False)
    fold_data = make_folds_data(made, split)[0]
    fold_data = replace(fold_data, inputs=replace(fold_data.inputs, array=np.zeros((240, 2, 2, 1), np.uint8)))
    turned = fold_data.targets.copy()
    turned[fold_data.folds[0].held] = 1 - turned[fold_data.folds[0].held]
    factors: list[float] = []
    fit = reference.fit_line
    monkeypatch.setattr(reference, "fit_line", lambda *words: factors.append(words[-1]) or fit(*words))
    chosen = []
    for targets in (fold_data.targets, turned):
        linear_losses(replace(fold_data, targets=targets), made.task, Plan())
        chosen.append(factors[-3:])
    before, after = chosen
    assert after[0] == before[0], "its own outcomes say nothing of it"
    assert all(heavy > light for heavy, light in zip(after[1:], before[1:], strict=True))


@pytest.mark.parametrize("count", [1, 2])
def test_few_folds_leave_nothing_to_choose_a_penalty_on(count: int) -> None:
    noise = {f"n{i}": RANDOM.normal(size=200) for i in range(90)}
    wide = table(200, kind="binary", columns=noise)
    fold_data = make_folds_data(wide, split_dataset(wide, folds=count, nested=False))[0]
    beside = replace(fold_data, inputs=replace(fold_data.inputs, array=np.zeros((200, 2, 2, 1), np.uint8)))
    plain, penalized = (linear_losses(m, wide.task, Plan()) for m in (fold_data, beside))
    assert set(penalized) == set(range(count))
    assert sum(penalized.values()) < 0.9 * sum(plain.values())


def test_unscaled_inputs_do_not_hurt_it() -> None:
    dataset = table(400, columns={"wide": RANDOM.normal(size=400) * 1e6})
    split = split_dataset(dataset, folds=3, nested=False)
    from rounds.training.population.fold_data import Scaling

    losses = [
        linear_losses(make_folds_data(dataset, split, Scaling(scale_inputs=scaled))[0], dataset.task, Plan())
        for scaled in (True, False)
    ]
    np.testing.assert_allclose(list(losses[0].values()), list(losses[1].values()), rtol=0.1)


def test_a_network_behind_it_is_harmed() -> None:
    near, far = ({"linear": dict.fromkeys(range(5), loss)} for loss in (0.51, 0.40))
    assert harm(run(folds(), linear_by_fold=near)) is None
    found = harm(run(folds(), linear_by_fold=far))
    assert found is not None
    assert found.evidence["behind_linear_share"] == pytest.approx(0.52**0.5 - 0.40**0.5, abs=0.01), "roots of squares"
