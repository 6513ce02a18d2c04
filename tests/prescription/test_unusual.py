"""What few would choose is tried against what is usual where nothing alarms; ordinary plans are left alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds.data.dataset import Dataset
from rounds.data.splitting import split_dataset
from rounds.examination.finding import Answer, Examination, Verdict
from rounds.plan import Plan
from rounds.prescription import loop as loop
from rounds.prescription.loop import Circumstances, Loop, look, treat
from rounds.prescription.remedies.oddities import against_oddities
from rounds.prescription.remedies.prescribe import MOST_ARMS
from rounds.prescription.remedies.remedy import described, treated
from rounds.proposal import Amount, propose
from rounds.task import Task
from rounds.training.population.build import make_population, train_to_end
from rounds.training.population.fold_data import make_folds_data
from tests.generators import end_of

NUMBER = Task(kind="regression", targets=("days",))
DEATH = Task(kind="binary", targets=("death",), classes=("0", "1"))
# What is odd -> what is put in its place.
ODD: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"activation": "linear"}, {"activation": "silu"}),
    ({"activation": "sigmoid", "hidden": (64, 64, 64)}, {"activation": "silu"}),
    ({"output_activation": "tanh", "loss": "mae"}, {"output_activation": "auto", "loss": "auto"}),
    ({"initializer": "random_normal:0.05"}, {"initializer": "he_normal"}),
    ({"bias_initializer": "constant:-5"}, {"bias_initializer": "zeros"}),
    ({"scale_inputs": False}, {"scale_inputs": True}),
    ({"shuffle": False}, {"shuffle": True}),
    ({"batch_size": 2}, {"batch_size": 32}),
    ({"batch_size": "all"}, {"batch_size": 32}),
    ({"hidden": (64, 2)}, {"hidden": (64, 64)}),
    ({"hidden": (16,) * 6}, {"hidden": (64, 64)}),
    ({"frozen_layers": 1}, {"frozen_layers": 0}),
    ({"learning_rate": (0.3, 1.0)}, {"learning_rate": 3e-3}),
    ({"learning_rate": 1e-7}, {"learning_rate": 3e-3}),
    ({"learning_rate": 1e-4, "optimizer": "sgd"}, {"learning_rate": 3e-3, "optimizer": "adamw"}),
    ({"epsilon": 1.0}, {"epsilon": 1e-8}),
    ({"optimizer": "momentum", "momentum": 0.999}, {"momentum": 0.9}),
    ({"clip_norm": 1e-3}, {"clip_norm": 0.0}),
    ({"dropout": 0.9}, {"dropout": 0.1}),
    ({"l2": 1.0}, {"l2": 0.0}),
    ({"input_noise": 3.0}, {"input_noise": 0.1}),
    ({"keep_best": "none"}, {"keep_best": "loss"}),
    ({"schedule": "step", "decay_epochs": (2.0,)}, {"schedule": "cosine"}),
)


@pytest.mark.parametrize(("odd", "usual"), ODD, ids=lambda c: described(c))
def test_each_oddity_is_put_back_and_then_nothing_is_odd(odd: dict[str, Any], usual: dict[str, Any]) -> None:
    plan = Plan().change(**odd)
    (only,) = against_oddities(plan, DEATH)
    assert usual.items() <= only.change.items()
    assert against_oddities(treated(plan, only.change), DEATH) == []


def test_what_is_odd_is_tried_together_first_and_not_twice() -> None:
    plan = Plan(activation="linear", shuffle=False, clip_norm=1e-3)
    made = against_oddities(plan, NUMBER)
    assert set(made[0].change) == {"activation", "shuffle", "clip_norm"}
    assert [set(p.change) for p in made[1:]] == [{"clip_norm"}, {"activation"}, {"shuffle"}]
    assert against_oddities(plan, NUMBER, frozenset({described(made[0].change)})) == made[1:]
    everything = Plan().change(**{k: v for odd, _ in ODD for k, v in odd.items()})
    assert len(against_oddities(everything, DEATH)) == MOST_ARMS


@pytest.mark.parametrize("task", [NUMBER, DEATH], ids=lambda t: t.kind)
@pytest.mark.parametrize("rows", [40, 700, 30_000])
@pytest.mark.parametrize("array", [(), (64, 64, 1), (140, 1), (800, 2)], ids=str)
def test_nothing_is_odd_in_what_is_proposed(task: Task, rows: int, array: tuple[int, ...]) -> None:
    """So that nobody who chose nothing pays for trials of it."""
    for plan in propose(task, Amount(rows, rows, rows // 3, 10, 2, array, 5 if len(array) == 2 else 0), {}).plans:
        assert against_oddities(plan, task) == []


def test_a_model_of_ones_own_keeps_its_layers() -> None:
    plan = Plan(network="keras", activation="linear", initializer="zeros", shuffle=False)
    assert [p.change for p in against_oddities(plan, NUMBER)][-1] == {"shuffle": True}
    assert all(not {"activation", "initializer"} & set(p.change) for p in against_oddities(plan, NUMBER))


def test_a_plan_that_nothing_alarms_about_is_tried_against_the_usual(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ward_data: Dataset
) -> None:
    """An output that cannot reach the outcomes: the examination is made to overlook it, and the trial is not."""
    unsure = Answer("unknown", "")
    monkeypatch.setattr(loop, "examine_run", lambda run: Examination((), (), Verdict(unsure, unsure, unsure)))
    split = split_dataset(ward_data, 3)
    given = Circumstances(ward_data, split, None, 1, np.inf, tmp_path)
    plan = Plan(
        hidden=(16,), epochs=8, learning_rate=0.03, folds=3, output_activation="sigmoid", target_transform="none"
    )
    population = make_population([plan], ward_data.task, make_folds_data(ward_data, split))
    found, this_round = look(given, Loop((end_of(train_to_end(population, tmp_path)),)), 2)
    assert this_round is not None
    assert "usual" in this_round.about
    assert found.ended == ""
    found = end_of(treat(given, found, this_round))
    (entry,) = found.entries
    assert (entry.verdict, entry.finding) == ("kept", "healthy")
    assert entry.effect is not None
    assert entry.effect.low > 0
    found, this_round = look(given, found, 2)
    assert (found.ended, this_round) == ("nothing to treat alarms any more", None)


def test_a_model_of_the_users_own_in_which_something_alarms_is_also_trained_as_rounds_trains() -> None:
    own = Plan(network="keras", activation="given", initializer="given", bias_initializer="given", loss="mse")
    steps = {"learning_rate": 3e-3, "optimizer": "adamw"}
    assert not steps.items() <= against_oddities(own, DEATH)[0].change.items()
    rate = against_oddities(own, DEATH, finding="learning-rate-too-high")[0].change
    assert steps.items() <= rate.items()
    assert "activation" not in rate
    closed = against_oddities(own, DEATH, finding="vanishing-gradients")[0].change
    assert {**steps, "activation": "elu", "initializer": "he_normal", "output_activation": "matched"}.items() <= (
        closed.items()
    )
    assert against_oddities(Plan(), DEATH, finding="vanishing-gradients") == []
