"""What is said of one logged training: curves with a planted fault, and curves without one."""

from pathlib import Path

import numpy as np
import pytest

from rounds.errors import DataError
from rounds.examination.log_rules.examination import LogExamination
from rounds.examination.log_rules.examine import examine_log
from rounds.examination.log_rules.fitting import rows_behind
from rounds.examination.log_rules.loss_curve import LossCurve
from rounds.examination.log_rules.text import WIDTH, log_text
from rounds.examination.logs.logged_run import LoggedRun, Measured, Series
from rounds.examination.rules import rules_of_logs
from rounds.examination.sources.source import examine_log_files, examine_log_objects

EPOCHS = np.arange(30)
TRAIN = 0.3 + np.exp(-EPOCHS / 4)
VALIDATION = 0.35 + np.exp(-EPOCHS / 4)
RISING = VALIDATION + np.maximum(EPOCHS - 10, 0) * 0.02


def history(train: object = TRAIN, validation: object = VALIDATION, **more: object) -> dict[str, list[float]]:
    columns = {"loss": train, "val_loss": validation, **more}
    return {name: [float(v) for v in np.asarray(values)] for name, values in columns.items() if values is not None}


def examined(*runs: dict[str, list[float]]) -> LogExamination:
    return examine_log_objects(runs)


def codes(*runs: dict[str, list[float]]) -> list[str]:
    return [f.code for f in examined(*runs).findings]


def test_every_rule_names_its_thresholds_and_what_to_do() -> None:
    assert len({rule.code for rule in rules_of_logs()}) == len(rules_of_logs())
    assert all(rule.how and rule.why and rule.remedies and rule.thresholds for rule in rules_of_logs())


def test_a_training_without_fault() -> None:
    assert codes(history()) == ["healthy", "plateau"]


@pytest.mark.parametrize(
    ("train", "validation", "code"),
    [
        (TRAIN - 0.005 * EPOCHS, RISING, "overfitting"),
        (np.exp(-EPOCHS / 4), np.ones(30) + 0.001 * (EPOCHS % 2), "overfitting"),
        (np.where(EPOCHS > 20, np.nan, TRAIN), np.where(EPOCHS > 20, np.nan, VALIDATION), "diverged"),
        (TRAIN * np.exp(EPOCHS / 3), VALIDATION * np.exp(EPOCHS / 3), "diverged"),
        (np.where(EPOCHS > 15, 1.3, TRAIN), np.where(EPOCHS > 15, 1.3, VALIDATION), "diverged"),
        (1.3 - 0.03 * EPOCHS, 1.4 - 0.03 * EPOCHS, "still-improving"),
        (1 + 0.001 * (EPOCHS % 3), 1 + 0.001 * (EPOCHS % 2), "not-learning"),
        (TRAIN * (1 + 0.8 * (EPOCHS % 2)), VALIDATION * (1 + 0.8 * (EPOCHS % 2)), "unstable"),
        (None, VALIDATION * (1 + 0.8 * (EPOCHS % 2)), "unstable"),
    ],
)
def test_planted_faults(train: np.ndarray | None, validation: np.ndarray, code: str) -> None:
    found = examined(history(train, validation))
    assert found.findings[0].code == code
    assert found.findings[0].alarms
    assert found.verdict.well_trained.answer == "no"


def test_one_huge_first_loss_hides_nothing() -> None:
    train, validation = TRAIN - 0.005 * EPOCHS, RISING.copy()
    train[0], validation[0] = 500.0, 500.0
    assert codes(history(train, validation))[0] == "overfitting"


def test_one_spike_is_no_unrest() -> None:
    validation = VALIDATION.copy()
    validation[20] *= 5
    assert codes(history(TRAIN, validation)) == ["healthy", "plateau"]


def test_noise_without_a_fault_gets_no_alarm() -> None:
    random = np.random.default_rng(0)
    noisy = [history(TRAIN, VALIDATION + 0.03 * random.standard_normal(30)) for _ in range(20)]
    assert not examined(*noisy).alarms


@pytest.mark.parametrize("points", [1, 4])
def test_too_few_points_are_never_healthy(points: int) -> None:
    found = examined(history(TRAIN[:points], VALIDATION[:points]))
    assert found.findings[-1].code == "cannot-be-told"
    assert "healthy" not in [f.code for f in found.findings]
    assert not found.alarms


def test_the_beginning_of_something_in_three_points() -> None:
    overfits = examined(history([0.39, 0.23, 0.11], [0.32, 0.38, 0.44]))
    assert [f.code for f in overfits.findings] == ["overfitting", "cannot-be-told"]
    assert "lowest at epoch 1 of 3 points" in overfits.findings[0].explanation
    assert codes(history([0.9, 0.7, 0.5], [1.0, 0.8, 0.6])) == ["still-improving", "cannot-be-told"]
    assert not overfits.alarms


def test_few_validations_beside_many_steps_are_no_clean_bill() -> None:
    sparse = [float(v) if e in (9, 19) else float("nan") for e, v in enumerate(VALIDATION)]
    assert codes(history(TRAIN, sparse)) == ["plateau", "cannot-be-told"]


def test_networks_that_play_against_each_other_are_not_told_by_their_losses() -> None:
    found = examined({"g_loss": list(1 + 0.1 * EPOCHS), "d_loss": list(1 - 0.01 * EPOCHS)})
    assert [f.code for f in found.findings] == ["cannot-be-told"]
    lost = [float("nan") if e > 20 else 1.0 for e in EPOCHS]
    assert examined({"g_loss": lost, "d_loss": lost}).findings[0].code == "diverged"


def test_a_gap_is_no_loss_that_was_lost() -> None:
    """What is a number again afterwards was never lost; nor is a validation of every third epoch."""
    assert codes(history(np.where(EPOCHS == 5, np.nan, TRAIN))) == ["healthy", "plateau"]
    assert codes(history(TRAIN, np.where(EPOCHS % 3 == 0, VALIDATION, np.nan)))[0] == "healthy"


def test_the_place_is_in_the_log_s_own_counting(tmp_path: Path) -> None:
    rows = [f"{100 * e},{TRAIN[e] - 0.005 * e},{RISING[e]}" for e in EPOCHS]
    (tmp_path / "a.csv").write_text("\n".join(["step,loss,val_loss", *rows]))
    (finding, *_) = examine_log_files([tmp_path / "a.csv"]).findings
    assert "From step 1" in finding.explanation
    assert finding.epoch is not None
    assert 1000 <= finding.epoch <= 1500


def test_a_score_that_falls_while_training_goes_on() -> None:
    rising = np.minimum(EPOCHS, 15) * 0.02 - np.maximum(EPOCHS - 15, 0) * 0.01
    found = examined(history(np.exp(-EPOCHS / 4), None, val_auc=0.6 + rising))
    assert found.findings[0].code == "overfitting"
    assert "val_auc was best at epoch 16" in found.findings[0].explanation


def test_a_score_that_gains_while_the_loss_rises_is_said() -> None:
    found = examined(history(TRAIN - 0.005 * EPOCHS, RISING, val_accuracy=0.6 + 0.01 * EPOCHS))
    (finding,) = [f for f in found.findings if f.code == "overfitting"]
    assert finding.severity == "note"
    assert "val_accuracy rose all the same" in finding.explanation


def test_an_accuracy_of_the_largest_class() -> None:
    flat = np.ones(30) + 0.001 * (EPOCHS % 3)
    assert "misleading-metric" in codes(history(flat, flat, val_accuracy=np.full(30, 0.77)))
    assert "misleading-metric" not in codes(history(val_accuracy=np.full(30, 0.99)))


def test_rows_behind_an_accuracy() -> None:
    def behind(values: list[float]) -> int | None:
        return rows_behind(Measured("accuracy", None, Series("val_accuracy", np.arange(len(values)), np.array(values))))

    assert behind([0.75, 0.8125, 0.6875]) == 16
    assert behind([0.7501, 0.8123, 0.6873]) is None
    assert "validation-too-small" in codes(history(val_accuracy=0.5 + (EPOCHS % 5) / 16))


def test_validation_on_another_scale_and_too_good() -> None:
    assert "shifted-validation" in codes(history(TRAIN, 100 * VALIDATION))
    assert "shifted-validation" not in codes(history())
    assert "implausible-score" in codes(history(TRAIN, 1e-5 * VALIDATION))


def test_a_low_rate_falls_slowly_and_steadily() -> None:
    slow = 1 - 0.004 * EPOCHS
    assert "learning-rate-too-low" in codes(history(slow, slow + 0.01))


def test_losses_that_cross_zero() -> None:
    """nnU-Net's loss is a negative dice: it has no ratio, and its range is the unit."""
    train = 0.2 - 0.9 * (1 - np.exp(-EPOCHS / 5))
    assert codes(history(train, train + 0.05))[0] == "healthy"
    curve = LossCurve(EPOCHS.astype(float), train)
    assert 0.6 < curve.unit < 0.9


def test_parts_of_a_loss_are_judged_one_by_one(tmp_path: Path) -> None:
    """The sum still falls while one part rises."""
    head = "epoch,train/box_loss,train/cls_loss,val/box_loss,val/cls_loss"
    rows = [f"{e},{TRAIN[e] - 0.005 * e},{3 - 0.09 * e},{RISING[e]},{3 - 0.08 * e}" for e in EPOCHS]
    (tmp_path / "results.csv").write_text("\n".join([head, *rows]))
    found = {f.code: f for f in examine_log_files([tmp_path / "results.csv"]).findings}
    assert "validation box loss" in found["overfitting"].explanation


def test_each_run_is_judged_by_itself_the_best_first() -> None:
    found = examined(history(TRAIN - 0.005 * EPOCHS, 2 * RISING), history())
    assert [row.run for row in found.rows] == [1, 0]
    assert [row.found[0] for row in found.rows] == ["healthy", "overfitting"]
    assert found.rows[0].best == pytest.approx(VALIDATION[-1])
    assert found.rows[0].best_at == 30


def test_folds_are_judged_together_where_that_is_said() -> None:
    rising, flat = history(TRAIN - 0.005 * EPOCHS, RISING), history()
    found = examine_log_objects([rising, rising, flat], together="folds")
    (finding,) = [f for f in found.findings if f.code == "overfitting"]
    assert finding.explanation.startswith("In 2 of 3 folds: ")
    assert finding.severity == "warning"
    assert "over 3 runs" in found.spread
    few = examine_log_objects([rising, flat, flat], together="seeds")
    assert not few.alarms


def test_a_column_of_folds_says_it_itself(tmp_path: Path) -> None:
    rows = [f"{k},{e},{TRAIN[e]},{VALIDATION[e]}" for k in range(3) for e in EPOCHS]
    (tmp_path / "a.csv").write_text("\n".join(["fold,epoch,loss,val_loss", *rows]))
    assert examine_log_files([tmp_path / "a.csv"]).together == "folds"


def test_a_sweep_of_learning_rates() -> None:
    quick = history(4 * TRAIN, 4 * VALIDATION, lr=np.full(30, 1.0))
    found = {f.code: f for f in examined(history(lr=np.full(30, 0.01)), quick).findings}
    assert found["learning-rate-too-high"].evidence["learning_rate"] == 1.0
    assert found["learning-rate-too-high"].members == (1,)


def test_the_text_says_what_was_read_and_what_was_left_out(tmp_path: Path) -> None:
    rows = [f"{e},{TRAIN[e]},{VALIDATION[e]},{e * 3}" for e in EPOCHS]
    (tmp_path / "a.csv").write_text("\n".join(["epoch,loss,val_loss,odd", *rows]))
    (tmp_path / "b.txt").write_text("of no use")
    text = log_text(examine_log_files([tmp_path]))
    assert "training loss from loss; validation loss from val_loss; epochs from epoch" in " ".join(text.split())
    assert "odd" in text
    assert "Left out:\n  b.txt: " in text
    assert "30 epochs logged; validation loss at best 0.3507 (epoch 29), at the end 0.3507." in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_table_of_several_runs() -> None:
    text = log_text(examined(history(), history(TRAIN - 0.005 * EPOCHS, RISING)))
    assert "healthy" in text
    assert text.count("history") >= 2


def test_the_record_has_the_runs() -> None:
    record = examined(history()).record().content()
    assert record["runs"][0]["found"] == ["healthy", "plateau"]
    assert record["left_out"] == []


def test_what_cannot_be_told_is_said_with_its_reason() -> None:
    run = LoggedRun("a", "epoch", Measured("", Series("loss", EPOCHS.astype(float), TRAIN)))
    _, absent = examine_log(run)
    assert ("overfitting", "needs 5 validation points") in absent


@pytest.mark.parametrize(
    ("source", "together", "message"),
    [
        (3, None, "What is examined must be a path, a History"),
        ({"loss": [1.0]}, "years", "--as must be folds or seeds"),
    ],
)
def test_what_cannot_be_examined(source: object, together: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        examine_log_objects([source], together=together)
