"""Each kind of file that people leave is read for what it is, whatever it is called."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.errors import DataError
from rounds.examination.logs.columns import meaning
from rounds.examination.logs.read import read_logs
from rounds.examination.logs.runs import Choice
from rounds.examination.logs.table import cell_number
from rounds.examination.sources.source import examine_log_files
from tests.examination.logs.written import EPOCHS, TRAIN, VALIDATION, assert_curves, keras_rows, read, write


@pytest.mark.parametrize("name", ["log.csv", "training.log", "history", "x.txt"])
def test_a_table_by_its_content(tmp_path: Path, name: str) -> None:
    (run,) = read(write(tmp_path / name, "epoch,accuracy,loss,val_loss", *keras_rows()))
    assert_curves(run)
    assert run.unit == "epoch"
    assert run.loss.train is not None
    assert run.loss.train.at[0] == 0
    assert run.scores[0].train is not None


def test_a_table_without_a_column_of_epochs(tmp_path: Path) -> None:
    """pandas: History as a frame, with its index as a column without a name."""
    rows = [f"{e},{TRAIN[e]},{VALIDATION[e]}" for e in EPOCHS]
    (run,) = read(write(tmp_path / "h.csv", ",loss,val_loss", *rows))
    assert_curves(run)
    assert any("no column of epochs" in line for line in run.read)


def test_rows_cut_short_and_heads_repeated_are_named(tmp_path: Path) -> None:
    rows = keras_rows()
    head = "epoch,accuracy,loss,val_loss"
    (run,) = read(write(tmp_path / "a.csv", head, *rows[:6], head, *rows[6:], "12,0.8,0."))
    assert_curves(run)
    assert set(run.ignored) >= {"1 row (a repeated head)", "1 row (3 cells in place of 4)"}


def test_runs_that_were_appended_are_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", "epoch,accuracy,loss,val_loss", *keras_rows(), *keras_rows())
    runs = read(path)
    assert [run.name for run in runs] == ["a.log run 1", "a.log run 2"]
    assert_curves(runs[1])


def test_a_log_that_was_appended_with_another_head(tmp_path: Path) -> None:
    more = [f"{e},{TRAIN[e]},0.001,{VALIDATION[e]}" for e in EPOCHS]
    heads = "epoch,accuracy,loss,val_loss", "epoch,loss,lr,val_loss"
    runs = read(write(tmp_path / "a.log", "# resnet", heads[0], *keras_rows(), heads[1], *more))
    assert [run.name for run in runs] == ["a.log part 1", "a.log part 2"]
    assert_curves(runs[1])
    assert runs[1].settings == {"learning_rate": 0.001}


def test_runs_that_were_broken_off_after_one_epoch_are_apart(tmp_path: Path) -> None:
    first = keras_rows()[0]
    runs = read(write(tmp_path / "a.log", "epoch,accuracy,loss,val_loss", first, first, *keras_rows()))
    assert [len(run.loss.judged) for run in runs] == [1, 1, 12]


def test_a_run_that_was_resumed_counts_once(tmp_path: Path) -> None:
    """From where it was resumed the later rows win."""
    stale = [f"{e},0.5,9.0,9.0" for e in range(6, 9)]
    (run,) = read(
        write(tmp_path / "a.csv", "epoch,accuracy,loss,val_loss", *keras_rows()[:6], *stale, *keras_rows()[6:])
    )
    assert_curves(run)


@pytest.mark.parametrize("by", ["run", "fold", "seed"])
def test_a_column_tells_runs_apart(tmp_path: Path, by: str) -> None:
    rows = [f"{k},{e},{TRAIN[e]},{VALIDATION[e]}" for k in range(3) for e in EPOCHS]
    runs = read(write(tmp_path / "a.csv", f"{by},epoch,loss,val_loss", *rows))
    assert len(runs) == 3
    assert {run.varies for run in runs} == {by}
    assert_curves(runs[2])


def test_lightning(tmp_path: Path) -> None:
    """Several rows an epoch, cells left empty, a final test that is no validation; hyperparameters lie beside it."""
    rows = [
        line
        for e in EPOCHS
        for line in (f"{e},{9 * e},9.0,,,", f"{e},{9 * e + 8},,{TRAIN[e]},,", f"{e},{9 * e + 8},,,{VALIDATION[e]},")
    ]
    folder = tmp_path / "lightning_logs" / "version_0"
    write(
        folder / "metrics.csv", "epoch,step,train_loss_step,train_loss_epoch,val_loss,test_loss", *rows, "12,108,,,,0.9"
    )
    write(folder / "hparams.yaml", "lr: 0.001", "model:", "  depth: 3", "name: net")
    (run,) = read(tmp_path)
    assert_curves(run)
    assert run.settings == {"learning_rate": 0.001}
    assert run.name == "lightning_logs/version_0/metrics.csv"


def test_ultralytics(tmp_path: Path) -> None:
    """Parts of the loss one by one and summed; scores without a split are of validation."""
    head = "epoch,time,train/box_loss,train/cls_loss,metrics/mAP50-95(B),val/box_loss,val/cls_loss,lr/pg0"
    rows = [f"{e + 1},9,{TRAIN[e]},1.0,{0.03 * e},{VALIDATION[e]},2.0,0.001" for e in EPOCHS]
    (run,) = read(write(tmp_path / "results.csv", head.replace(",", ",   "), *rows))
    assert_curves(run, TRAIN + 1, VALIDATION + 2)
    assert [part.name for part in run.parts] == ["box", "cls"]
    assert run.scores[0].train is None
    assert run.scores[0].validation is not None
    assert run.rate is not None


@pytest.mark.parametrize(
    "content",
    [
        {"loss": list(TRAIN), "val_loss": list(VALIDATION)},
        {"history": {"loss": list(TRAIN), "val_loss": list(VALIDATION)}, "params": {"epochs": 12}},
        {"train_losses": list(TRAIN), "val_losses": list(VALIDATION), "best_epoch": 11},
        {"trainLoss": list(TRAIN), "valLoss": list(VALIDATION)},
        {f"epoch_{e}": {"train_loss": TRAIN[e], "val_loss": VALIDATION[e]} for e in EPOCHS},
        {"train": {"loss": list(TRAIN)}, "val": {"loss": list(VALIDATION)}},
        {"loss": {str(e): TRAIN[e] for e in EPOCHS}, "val_loss": {str(e): VALIDATION[e] for e in EPOCHS}},
        [{"epoch": int(e), "train_loss": TRAIN[e], "val_loss": VALIDATION[e]} for e in EPOCHS],
        {"epochs": [{"epoch": int(e), "train": {"loss": TRAIN[e]}, "val": {"loss": VALIDATION[e]}} for e in EPOCHS]},
        {
            "log_history": [
                entry
                for e in EPOCHS
                for entry in (
                    {"step": int(e), "loss": TRAIN[e]},
                    {"step": int(e), "eval_loss": VALIDATION[e], "eval_runtime": 3.0},
                )
            ]
        },
        [
            entry
            for e in EPOCHS
            for entry in (
                {"mode": "train", "epoch": int(e), "loss": TRAIN[e]},
                {"mode": "val", "epoch": int(e), "loss": VALIDATION[e]},
            )
        ],
    ],
)
def test_json_by_any_common_spelling(tmp_path: Path, content: object) -> None:
    (run,) = read(write(tmp_path / "h.json", json.dumps(content)))
    assert_curves(run)


def test_json_of_several_models(tmp_path: Path) -> None:
    content = {
        name: {"train_loss": list(f * TRAIN), "val_loss": list(f * VALIDATION)}
        for name, f in (("resnet", 1), ("vgg", 2))
    }
    runs = read(write(tmp_path / "all.json", json.dumps(content)))
    assert [run.name for run in runs] == ["all.json resnet", "all.json vgg"]
    assert_curves(runs[1], 2 * TRAIN, 2 * VALIDATION)


@pytest.mark.parametrize("nested", ["lists", "records"])
def test_json_of_folds(tmp_path: Path, nested: str) -> None:
    lists = {"train_losses": list(TRAIN), "val_losses": list(VALIDATION)}
    records = [{"epoch": int(e), "train_loss": TRAIN[e], "val_loss": VALIDATION[e]} for e in EPOCHS]
    content = [records, records] if nested == "records" else {"folds": [{"fold": 1, **lists}, {"fold": 2, **lists}]}
    runs = read(write(tmp_path / "cv.json", json.dumps(content)))
    assert len(runs) == 2
    assert_curves(runs[1])


def test_columns_of_spaces(tmp_path: Path) -> None:
    rows = [f"{e:3d}   {TRAIN[e]}  {VALIDATION[e]}" for e in EPOCHS]
    for head in ("epoch  train_loss   valid_loss", "Epoch  Train Loss   Valid Loss", "epoch train_loss valid_loss"):
        (run,) = read(write(tmp_path / "log.txt", head, *rows))
        assert_curves(run)


def test_steps_that_begin_anew_in_each_epoch(tmp_path: Path) -> None:
    rows = [
        json.dumps({"mode": "train", "epoch": int(e), "iter": i, "loss": TRAIN[e]}) for e in range(3) for i in (50, 100)
    ]
    (run,) = read(write(tmp_path / "log.json", *rows))
    assert_curves(run, TRAIN[:3], None)


def test_json_lines_with_a_last_line_cut_short(tmp_path: Path) -> None:
    lines = [json.dumps({"epoch": int(e), "train_loss": TRAIN[e], "test_loss": VALIDATION[e]}) for e in EPOCHS]
    (run,) = read(write(tmp_path / "log.txt", *lines, '{"epoch": 12, "tra'))
    assert_curves(run)
    assert any("12 whole lines" in line for line in run.ignored)


def test_scores_in_percent_and_lists_a_class(tmp_path: Path) -> None:
    rows = [
        {"epoch": int(e), "train_loss": TRAIN[e], "val_acc": 50.0 + e, "val_dice": [0.1, 0.1 * (e % 2)]} for e in EPOCHS
    ]
    (run,) = read(write(tmp_path / "h.json", json.dumps(rows)))
    assert_curves(run, TRAIN, None if run.loss.validation is None else run.loss.validation.values)
    accuracy = next(s for s in run.scores if s.name == "acc").validation
    assert accuracy is not None
    np.testing.assert_allclose(accuracy.values, 0.5 + EPOCHS / 100)


def test_weights_and_biases_export(tmp_path: Path) -> None:
    """A column a run and metric, each with its least and most."""
    head = '"Step","calm-1 - val_loss","calm-1 - val_loss__MIN","calm-1 - val_loss__MAX","wild-2 - val_loss"'
    rows = [f'"{e}","{VALIDATION[e]}","0","9","{2 * VALIDATION[e]}"' for e in EPOCHS]
    runs = read(write(tmp_path / "wandb_export.csv", head, *rows))
    assert [run.name for run in runs] == ["wandb_export.csv calm-1", "wandb_export.csv wild-2"]
    assert_curves(runs[1], None, 2 * VALIDATION)


@pytest.mark.parametrize(
    "line",
    [
        "epoch {e} loss {t} val_loss {v}",
        "2024-01-02 10:11:12,345 - INFO - Epoch {e}/12, Train Loss: {t}, Val Loss: {v}, Acc: 59.8%",
        "2024-01-02 10:11:12 | INFO | Epoch [{e:03d}/012] TrainLoss={t} | ValLoss={v} | LR=1.00e-04 | Time=480.3s",
        "[{e:>2}] train-logloss:{t}\teval-logloss:{v}",
        "[{e}]\ttraining's binary_logloss: {t}\tvalid_1's binary_logloss: {v}",
        "{e}:\tlearn: {t}\ttest: {v}\tbest: {v} ({e})\ttotal: 58ms\tremaining: 5.8s",
        "[{e}]\tvalidation_0-rmse:{t}\tvalidation_1-rmse:{v}",
        "Epoch {e}/11\n 32/32 [=====>] - 1s 20ms/step - loss: {t} - accuracy: 0.5 - val_loss: {v} - val_accuracy: 0.6",
        "Epoch {e}\ntrain Loss: {t} Acc: 0.51\nval Loss: {v} Acc: 0.52\nSaved best model (epoch {e}, val_loss 9.9)",
        "step {e}: train loss {t}, val loss {v}",
        "-------第 {e} 轮训练开始-------\n训练集损失：{t}\n验证集损失：{v}，准确率：0.5",
        "Ep.   {e}|train_loss: {t}|valid_loss: {v}|valid_metric: 0.348 -saved",
        "seed: 0, FOLD: 0, EPOCH: {e}, train_loss: {t}, valid_loss: {v}, best_loss: 0.1, best_loss_epoch: 0",
        "Epoch {e} completed in 801.3s\n   Train Loss: {t}\n   Val Loss: {v}\nNew best validation loss: 0.1",
        "Epoch [{e}/650], Train Loss: {t}\nEpoch [{e}/650], Validation Loss: {v}, Smoothed Validation Loss: 0.0064",
        "{{'loss': {t}, 'grad_norm': 1.5, 'epoch': {e}.0}}\n{{'eval_loss': {v}, 'eval_runtime': 3.2, 'epoch': {e}.0}}",
        'INFO:root:{{"epoch": {e}, "train_loss": "{t}", "valid_loss": "{v}"}}',
        "I0425 18:10:12.123456  1234 solver.cpp:239] Iteration {e}, train loss = {t}, test loss = {v}",
        "| end of epoch {e:3d} | time: 12.5s | train loss {t} | valid loss {v} |",
        "2024-04-26 09:39:10.910043: Epoch {e}\n2024-04-26 09:39:10: Current learning rate: 0.01\n2024-04-26 09:41:39: "
        "train_loss {t}\n2024-04-26 09:41:39: val_loss {v}\n2024-04-26 09:41:39: Pseudo dice [0.1, np.float32(0.3)]\n"
        "2024-04-26 09:41:39: Epoch time: 148.59 s\n2024-04-26 09:41:39: Yayy! New best EMA pseudo Dice: 0.2",
        "2022-02-11 09:32:44.2: \nepoch:  {e}\n2022-02-11 09:34: train loss : {t}\n2022-02-11 09:34: validation "
        "loss: {v}\n"
        "2022-02-11 09:34: Average global foreground Dice: [0.88]\n2022-02-11 09:35:00.8: lr: 0.009937",
    ],
)
def test_lines_of_text(tmp_path: Path, line: str) -> None:
    lines = [line.format(e=e, t=TRAIN[e], v=VALIDATION[e]) for e in EPOCHS]
    (run,) = read(write(tmp_path / "training.log", "Using device: cuda", "Epochs: 12", *lines, "Best epoch: 3"))
    assert_curves(run)


def test_scoring_monitor_of_scikit_learn(tmp_path: Path) -> None:
    """Its records: a task of each iteration, below the fit that they belong to; the sign of the score is its own."""
    rows = [
        {
            "task_id_path": [0, fit, int(e)],
            "parent_task_id_path": f"(0, {fit})",
            "estimator_name": "Net",
            "task_name": "iteration",
            "task_id": int(e),
            "sequential_subtasks": False,
            "neg_log_loss": -TRAIN[e],
        }
        for fit in range(2)
        for e in EPOCHS
    ]
    runs = read(write(tmp_path / "monitor.json", json.dumps(rows)))
    assert len(runs) == 2
    assert_curves(runs[0], TRAIN, None)


def test_curves_of_rounds(tmp_path: Path) -> None:
    parts = [
        pl.DataFrame({"member": 0, "epoch": EPOCHS + 1, "split": split, "metric": "loss", "value": values})
        for split, values in {"train": TRAIN, "validation": VALIDATION}.items()
    ]
    pl.concat(parts).write_parquet(tmp_path / "curves.parquet")
    (run,) = read(tmp_path / "curves.parquet")
    assert_curves(run)


def test_columns_named_by_hand(tmp_path: Path) -> None:
    rows = [f"{10 * e},{e},{TRAIN[e]},{VALIDATION[e]},1" for e in EPOCHS]
    path = write(tmp_path / "a.csv", "tick,epoch,energy,other,loss", *rows)
    (run,) = read(path, Choice(step="tick", loss="energy", validation="other"))
    assert_curves(run)
    assert run.loss.train is not None
    assert run.loss.train.at[-1] == 110
    with pytest.raises(DataError, match=r"--loss must be a column of a\.csv, got column='energie'"):
        read(path, Choice(loss="energie"))


def test_validations_without_training_beside_them_stay(tmp_path: Path) -> None:
    sparse = [f"{e},{TRAIN[e] if e % 5 == 4 else ''},{VALIDATION[e]}" for e in EPOCHS]
    (run,) = read(write(tmp_path / "a.csv", "epoch,loss,val_loss", *sparse))
    assert_curves(run, TRAIN[[4, 9]], VALIDATION)


def test_a_repeated_test_stands_in_for_validation(tmp_path: Path) -> None:
    rows = [f"{e},{TRAIN[e]},{VALIDATION[e]}" for e in EPOCHS]
    (run,) = read(write(tmp_path / "a.csv", "epoch,loss,test_loss", *rows))
    assert_curves(run)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", "must be a log of a kind that is known"),
        ("x.json", b"{", "must be a log of a kind that is known"),
        ("x.json", b"[" * 100_000, "must be a log of a kind that is known"),
        ("x.json", b'{"a":' * 900 + b"1" + b"}" * 900, "must be losses or scores of a training"),
        ("x.json", b"[1, 2]", "must be losses or scores of a training"),
        ("summary.json", b'{"_runtime": 1983, "_step": 0}', "must be losses or scores of a training"),
        ("x.parquet", b"nothing", "must be a Parquet file that can be read"),
        ("x.csv", b"\0\0\1", "must be text"),
        ("events.out.tfevents.1.h", b"\x00" * 50, "must be losses or scores of a training"),
        ("empty.csv", b"", "must be a log of a kind that is known"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_logs([tmp_path / name])


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a file or folder that exists"):
        read_logs([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="must be losses or scores of a training"):
        read_logs([tmp_path])


@pytest.mark.parametrize(
    ("name", "split", "metric", "kind"),
    [
        ("Validation Mean Squared Error", "validation", "mse", "error"),
        ("epoch_val_loss", "validation", "", "loss"),
        ("valid_0's l2", "validation", "0_l2", "error"),
        ("train/lr", "train", "learning_rate", "rate"),
        ("eval_runtime", "validation", "runtime", "other"),
        ("grad_norm", "train", "grad_norm", "other"),
        ("cls_loss", "train", "cls", "loss"),
        ("dice_loss", "train", "dice", "loss"),
        ("val_IoU", "validation", "iou", "score"),
        ("global_step", "train", "global_step", "position"),
        ("total", "train", "", "other"),
        ("train/epoch", "train", "", "other"),
        ("validation_epoch_average", "validation", "", "loss"),
        ("vloss", "validation", "", "loss"),
        ("best_val_loss", "validation", "best", "other"),
    ],
)
def test_names_of_columns(name: str, split: str, metric: str, kind: str) -> None:
    said = meaning(name)
    assert (said.split, said.metric, said.kind) == (split, metric, kind)


def test_numbers_as_people_write_them() -> None:
    assert cell_number("1,5") == 1.5
    assert cell_number("1,500,000") is None
    assert cell_number(True) is None


def test_spacy_prints_a_table_among_other_lines(tmp_path: Path) -> None:
    rows = [f"{e // 3:3d}  {200 * e:6d}  {TRAIN[e]:12.4f}  {80.0 - e:6.2f}  {0.6:5.2f}" for e in EPOCHS]
    head = ("E    #       LOSS NER      ENTS_F  SCORE", "---  ------  ------------  ------  -----")
    (run,) = read(write(tmp_path / "spacy.txt", "i Initial learn rate: 0.001", *head, *rows, "Saved pipeline to out"))
    assert run.unit == "step"
    assert run.loss.train is not None
    np.testing.assert_allclose(run.loss.train.values, TRAIN[1:], atol=1e-4)  # before the first step nothing is measured
    assert run.loss.train.at[0] == 200


@pytest.mark.parametrize("avg", ["avg loss", "avg"])
def test_darknet_counts_its_steps_without_a_word(tmp_path: Path, avg: str) -> None:
    rows = [f"{e + 1}: 9.0, {TRAIN[e]:.5f} {avg}, 0.001000 rate, 3.2 seconds, {64 * e} images" for e in EPOCHS]
    (run,) = read(write(tmp_path / "yolo.log", "Learning Rate: 0.001, Momentum: 0.9", *rows))
    assert run.loss.train is not None
    np.testing.assert_allclose(run.loss.train.values, TRAIN, atol=1e-5)
    assert run.rate is not None


SEARCHES = {
    "cv_results.csv": ",mean_fit_time,param_C,mean_test_score,rank_test_score\n0,.1,1,.7,2\n1,.1,10,.8,1\n2,.1,9,.6,3",
    "grid.json": json.dumps([{"lr": 1e-3, "batch": b, "val_loss": 0.5 + b / 100} for b in (8, 16, 8, 16)]),
    "trials.csv": "number,value,params_lr,state\n0,.5,.1,COMPLETE\n1,.4,.01,COMPLETE\n2,.6,.2,COMPLETE\n",
    "runs.csv": "hidden_units,dropout,val_loss\n64,.1,.5\n128,.3,.4\n64,.2,.6\n",
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_no_course_of_a_training(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SEARCHES[name], encoding="utf-8")
    with pytest.raises(DataError, match=r"must be a log by epoch or step.*\(a search\)"):
        read_logs([tmp_path / name])


@pytest.mark.parametrize(("score", "words"), [("acc", "1 - val_acc"), ("r2", "-val_r2")])
def test_what_stands_for_the_loss_is_named_as_it_is_computed(tmp_path: Path, score: str, words: str) -> None:
    rows = [f"{i},{0.5 + 0.01 * i},{0.4 + 0.01 * i}" for i in range(20)]
    text = "\n".join([f"epoch,{score},val_{score}", *rows])
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    (row,) = examine_log_files([tmp_path / "log.csv"]).rows
    assert row.judged == words
    assert any(f"validation error as {words}" in line for line in row.read)
