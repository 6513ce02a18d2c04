"""Gradients that vanish or explode, units that die or saturate."""

from rounds.examination.finding import NotApplicable
from tests.examination.planted import behind, folds, healthy_loss, inside, run, said, seen

POOR = healthy_loss(0.97)
RULES = ("frozen-layer", "vanishing-gradients", "exploding-gradients", "dead-units", "saturated-units")


def poor(**measures: object) -> object:
    return run(folds(train=POOR, validation=POOR, measures=inside(**measures)), **behind())


def test_healthy_insides_are_left_alone_and_missing_ones_said() -> None:
    evidence = run(folds(measures=inside(saturated_share=0.0)))
    assert [said(code, evidence) for code in RULES] == [None] * 5
    assert all(isinstance(said(code, run(folds())), NotApplicable) for code in RULES)


def test_vanishing() -> None:
    found = seen("vanishing-gradients", poor(gradient_norm=[1e-6, 1e-3, 1.0]))
    assert found.evidence["first_to_last_gradient"] < 1e-3
    assert found.onset == 0
    harmless = run(folds(measures=inside(gradient_norm=[1e-6, 1e-3, 1.0])))
    assert said("vanishing-gradients", harmless) is None


def test_exploding() -> None:
    found = seen("exploding-gradients", poor(gradient_norm=(1.0, 1e4)))
    assert found.severity == "error"
    assert found.onset == 20


def test_dead() -> None:
    found = seen("dead-units", poor(dead_share=[(0.0, 0.9), 0.0]))
    assert found.evidence["layer"] == "activation_0"
    assert found.evidence["share_at_start"] == 0.0
    assert seen("dead-units", run(folds(measures=inside(dead_share=0.9)))).severity == "note"


def test_saturated() -> None:
    assert seen("saturated-units", poor(saturated_share=0.8)).severity == "error"


def test_frozen() -> None:
    moving, still = (10.0, 11.0), 10.0
    found = seen("frozen-layer", poor(weight_norm=[still, moving, moving]))
    assert (found.severity, found.evidence["layers"]) == ("error", ["hidden_0"])
    harmless = run(folds(measures=inside(weight_norm=[still, moving, moving])))
    assert seen("frozen-layer", harmless).severity == "note"
    without_gradient = poor(weight_norm=[still, moving, moving], gradient_norm=[0.0, 1.0, 1.0])
    assert said("frozen-layer", without_gradient) is None
