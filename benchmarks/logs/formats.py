"""The same learning curve as tools leave it: each function writes one format, file names with their contents.

A curve is rows of epoch, loss and val_loss (and accuracy, val_accuracy); what a format cannot hold, it leaves out.
"""

import json
from collections.abc import Callable, Iterable, Sequence

Row = dict[str, float]
Files = dict[str, str]
Format = Callable[[Sequence[Row]], Files]
STEPS = 25  # of an epoch, in formats that count steps


def _lines(file: str, lines: Iterable[str]) -> Files:
    return {file: "\n".join(lines) + "\n"}


def _each(file: str, template: str) -> Format:
    """A line (or several) an epoch; n: the epoch from 1, e: from 0, s: steps done, total: epochs."""

    def write(rows: Sequence[Row]) -> Files:
        return _lines(
            file,
            (
                template.format(
                    n=i + 1, e=i, s=STEPS * (i + 1), total=len(rows), train=r["loss"], val=r["val_loss"], clock=i % 60
                )
                for i, r in enumerate(rows)
            ),
        )

    return write


def _keras_progress(rows: Sequence[Row]) -> Files:
    """Keras 3 in a terminal: colours, backspaces, carriage returns, one bar for many minibatches."""
    text = ""
    for i, r in enumerate(rows):
        text += f"Epoch {i + 1}/{len(rows)}\n"
        for batch in (1, 12, STEPS):
            share = r["loss"] * (1 + 0.3 * (STEPS - batch) / STEPS)
            bar = f"\x1b[1m{batch:2d}/{STEPS}\x1b[0m \x1b[32m━━━━━\x1b[0m\x1b[37m━━━\x1b[0m"
            text += f"\r{bar} \x1b[1m0s\x1b[0m 12ms/step - loss: {share:.6g}"
        text += "\x08" * 40
        text += f"\r{bar} \x1b[1m1s\x1b[0m 14ms/step - loss: {r['loss']:.6g} - val_loss: {r['val_loss']:.6g}\n"
    return {"train.out": text}


def _keras_old(rows: Sequence[Row]) -> Files:
    """Keras 2, carriage returns within an epoch, then the line that stays."""
    text = ""
    for i, r in enumerate(rows):
        text += f"Epoch {i + 1}/{len(rows)}\n"
        text += f"\r 8/25 [======>.......] - ETA: 2s - loss: {1.2 * r['loss']:.6g}"
        text += f"\r25/25 [==============] - 3s 120ms/step - loss: {r['loss']:.6g} - val_loss: {r['val_loss']:.6g}\n"
    return {"nohup.out": text}


def _wandb(rows: Sequence[Row]) -> Files:
    def name(part: str) -> str:
        return f'"fancy-sun-7 - {part}","fancy-sun-7 - {part}__MIN","fancy-sun-7 - {part}__MAX"'

    lines = [f'"Step",{name("train/loss")},{name("val/loss")}']
    for i, r in enumerate(rows):
        told = [f'"{r[key]}","{r[key]}","{r[key]}"' for key in ("loss", "val_loss")]
        lines.append(f'"{i}",' + ",".join(told))
    return _lines("wandb_export_2024-03-01T10_00_00.000+01_00.csv", lines)


def _wandb_history(rows: Sequence[Row]) -> Files:
    """What `run.history().to_csv()` leaves: validation only where it was taken, and W&B's own columns."""
    lines = [",_step,_runtime,_timestamp,train/loss,val/loss,epoch"]
    for i, r in enumerate(rows):
        lines.append(f"{2 * i},{2 * i},{30 * i},{1.7e9 + 30 * i},{r['loss']},,{i}")
        lines.append(f"{2 * i + 1},{2 * i + 1},{30 * i + 9},{1.7e9 + 30 * i + 9},,{r['val_loss']},{i}")
    return _lines("history.csv", lines)


def _tensorboard_exports(rows: Sequence[Row]) -> Files:
    files: Files = {}
    for file, key in (("run-train-tag-epoch_loss.csv", "loss"), ("run-validation-tag-epoch_loss.csv", "val_loss")):
        lines = (f"{1.7e9 + 60 * i},{i},{r[key]}" for i, r in enumerate(rows))
        files |= _lines(file, ["Wall time,Step,Value", *lines])
    return files


def _lightning(rows: Sequence[Row]) -> Files:
    """CSVLogger of Lightning: validation and training in rows of their own, cells left empty."""
    lines = ["epoch,step,train_loss_epoch,train_loss_step,val_loss"]
    for i, r in enumerate(rows):
        lines.append(f"{i},{STEPS * i + 9},,{1.05 * r['loss']},")
        lines.append(f"{i},{STEPS * (i + 1) - 1},,,{r['val_loss']}")
        lines.append(f"{i},{STEPS * (i + 1) - 1},{r['loss']},,")
    return _lines("lightning_logs/version_0/metrics.csv", lines)


def _trainer_state(rows: Sequence[Row]) -> Files:
    history: list[dict[str, float]] = []
    for i, r in enumerate(rows):
        place = {"epoch": float(i + 1), "step": STEPS * (i + 1)}
        history.append({**place, "loss": r["loss"], "learning_rate": 5e-5, "grad_norm": 1.3})
        history.append({**place, "eval_loss": r["val_loss"], "eval_runtime": 2.5, "eval_samples_per_second": 40.0})
    history.append({"epoch": float(len(rows)), "step": STEPS * len(rows), "train_loss": 0.3, "train_runtime": 99.0})
    state = {"best_metric": None, "epoch": float(len(rows)), "global_step": STEPS * len(rows), "log_history": history}
    return {"checkpoint-25/trainer_state.json": json.dumps(state)}


def _trainer_prints(rows: Sequence[Row]) -> Files:
    lines = []
    for i, r in enumerate(rows):
        place = f"'epoch': {i + 1.0}"
        lines.append(f"{{'loss': {r['loss']:.6g}, 'grad_norm': 1.2, 'learning_rate': 4.9e-05, {place}}}")
        lines.append(f"{{'eval_loss': {r['val_loss']:.6g}, 'eval_runtime': 1.93, {place}}}")
        lines.append(f" {i}%|█▌        | {STEPS * i}/900 [00:{i % 60:02d}<05:00,  2.5it/s]")
    return _lines("slurm-123.out", lines)


def _fastai(rows: Sequence[Row]) -> Files:
    lines = (f"{i},{r['loss']:.6g},{r['val_loss']:.6g},00:{i % 60:02d}" for i, r in enumerate(rows))
    return _lines("history.csv", ["epoch,train_loss,valid_loss,time", *lines])


def _fastai_printed(rows: Sequence[Row]) -> Files:
    lines = (f"{i:<9} {r['loss']:<10.6g}  {r['val_loss']:<10.6g}  00:{i % 60:02d}" for i, r in enumerate(rows))
    return _lines("out.txt", ["epoch     train_loss  valid_loss  time", *lines])


def _ultralytics(rows: Sequence[Row]) -> Files:
    """Padded headers; the loss in two parts."""
    head = ("epoch", "time", "train/box_loss", "train/cls_loss", "metrics/precision(B)", "val/box_loss", "val/cls_loss")
    lines = [",".join(f"{name:>23}" for name in head)]
    for i, r in enumerate(rows):
        train, validation = ([share * r[key] for share in (0.625, 0.375)] for key in ("loss", "val_loss"))
        cells = (i + 1, 9.5 * i, *train, 0.5, *validation)
        lines.append(",".join(f"{cell:>23.6g}" for cell in cells))
    return _lines("runs/detect/train/results.csv", lines)


def _nnunet_old(rows: Sequence[Row]) -> Files:
    """nnU-Net 1: three lines an epoch, a clock before each."""
    lines = ["Starting... ", "2022-03-01 10:00:00.1: lr: 0.01"]
    for i, r in enumerate(rows):
        stamp = f"2022-03-01 10:{i % 60:02d}:07.123456:"
        lines += ["", f"{stamp} epoch:  {i} ", f"{stamp} train loss : {r['loss']:.6g} "]
        lines += [f"{stamp} validation loss: {r['val_loss']:.6g} ", f"{stamp} lr: 0.009 "]
        lines += [f"{stamp} This epoch took 312.1 s"]
    return _lines("training_log_2022_3_1_10_00_00.txt", lines)


def _nnunet(rows: Sequence[Row]) -> Files:
    """nnU-Net 2."""
    lines = ["", "#######################################################################"]
    for i, r in enumerate(rows):
        stamp = f"2024-03-01 10:{i % 60:02d}:07.123456:"
        lines += [f"{stamp}  ", f"{stamp} Epoch {i} ", f"{stamp} Current learning rate: 0.01 "]
        lines += [f"{stamp} train_loss {r['loss']:.6g} ", f"{stamp} val_loss {r['val_loss']:.6g} "]
        lines += [f"{stamp} Epoch time: 61.4 s "]
    return _lines("training_log_2024_3_1.txt", lines)


def _catboost_folder(rows: Sequence[Row]) -> Files:
    files: Files = {}
    for file, key in (("learn_error.tsv", "loss"), ("test_error.tsv", "val_loss")):
        files |= _lines(f"catboost_info/{file}", ["iter\tLogloss", *(f"{i}\t{r[key]:.6g}" for i, r in enumerate(rows))])
    return files


def _nested_records(rows: Sequence[Row]) -> Files:
    records = [
        {"epoch": i + 1, "train": {"loss": r["loss"]}, "valid": {"loss": r["val_loss"]}} for i, r in enumerate(rows)
    ]
    return {"metrics.json": json.dumps(records)}


def _columns(*names: str, file: str = "history.json", within: str = "") -> Format:
    """JSON of two lists, under names of one's own."""

    def write(rows: Sequence[Row]) -> Files:
        lists = dict(zip(names, ([r[key] for r in rows] for key in ("loss", "val_loss")), strict=True))
        return {file: json.dumps({within: lists} if within else lists)}

    return write


def _results_of_boosting(rows: Sequence[Row]) -> Files:
    lists = {"validation_0": {"logloss": [r["loss"] for r in rows]}}
    return {"evals_result.json": json.dumps(lists | {"validation_1": {"logloss": [r["val_loss"] for r in rows]}})}


def _json_lines(rows: Sequence[Row]) -> Files:
    lines = []
    for i, r in enumerate(rows):
        lines.append(json.dumps({"mode": "train", "epoch": i + 1, "iter": STEPS, "lr": 0.01, "loss": r["loss"]}))
        lines.append(json.dumps({"mode": "val", "epoch": i + 1, "iter": STEPS, "lr": 0.01, "loss": r["val_loss"]}))
    return _lines("20240301_100000.log.json", lines)


def _mlflow(rows: Sequence[Row]) -> Files:
    def metric(key: str) -> str:
        return "".join(f"{1_700_000_000_000 + i} {r[key]} {i}\n" for i, r in enumerate(rows))

    run = "mlruns/0/0123456789abcdef0123456789abcdef"
    about = "artifact_uri: x\nrun_id: 0123456789abcdef0123456789abcdef\nrun_name: mild-owl-1\nlifecycle_stage: active\n"
    return {
        f"{run}/meta.yaml": about,
        f"{run}/metrics/train_loss": metric("loss"),
        f"{run}/metrics/val_loss": metric("val_loss"),
        f"{run}/params/lr": "0.001",
    }


def _mnist_example(rows: Sequence[Row]) -> Files:
    """PyTorch's example: minibatches of training, then the average over the test set."""
    lines = []
    for i, r in enumerate(rows):
        for batch, share in ((0, 0.0), (320, 33.0), (640, 67.0)):
            lines.append(f"Train Epoch: {i + 1} [{batch}/960 ({share:.0f}%)]\tLoss: {r['loss']:.6f}")
        lines += ["", f"Test set: Average loss: {r['val_loss']:.6f}, Accuracy: 900/1000 (90%)", ""]
    return _lines("log.txt", lines)


def _transfer_example(rows: Sequence[Row]) -> Files:
    lines = []
    for i, r in enumerate(rows):
        lines += [f"Epoch {i}/{len(rows) - 1}", "----------", f"train Loss: {r['loss']:.6f} Acc: 0.7213"]
        lines += [f"val Loss: {r['val_loss']:.6f} Acc: 0.7411", ""]
    return _lines("train.log", lines)


def _skorch(rows: Sequence[Row]) -> Files:
    lines = ["  epoch    train_loss    valid_loss     dur", "-------  ------------  ------------  ------"]
    for i, r in enumerate(rows):
        lines.append(
            f"{i + 1:7d}        \x1b[36m{r['loss']:.6g}\x1b[0m        \x1b[32m{r['val_loss']:.6g}\x1b[0m  0.0213"
        )
    return _lines("skorch.txt", lines)


def _monai(rows: Sequence[Row]) -> Files:
    lines = []
    for i, r in enumerate(rows):
        lines += ["----------", f"epoch {i + 1}/{len(rows)}"]
        lines += [f"{batch}/3, train_loss: {r['loss']:.4f}" for batch in (1, 2, 3)]
        lines += [f"epoch {i + 1} average loss: {r['loss']:.6g}", f"epoch {i + 1} validation loss: {r['val_loss']:.6g}"]
    return _lines("monai.log", lines)


def _detectron(rows: Sequence[Row]) -> Files:
    lines = []
    for i, r in enumerate(rows):
        place = {"iteration": STEPS * (i + 1), "lr": 0.001, "time": 0.3, "eta_seconds": 100.0}
        lines.append(json.dumps({**place, "total_loss": r["loss"]}))
        lines.append(json.dumps({"iteration": STEPS * (i + 1), "validation_loss": r["val_loss"]}))
    return _lines("metrics.json", lines)


def _caffe(rows: Sequence[Row]) -> Files:
    lines = []
    for i, r in enumerate(rows):
        stamp = f"I0301 10:00:{i % 60:02d}.123456  1234 solver.cpp"
        lines.append(f"{stamp}:228] Iteration {100 * i}, loss = {r['loss']:.6g}")
        lines.append(
            f"{stamp}:404]     Test net output #1: loss = {r['val_loss']:.6g} (* 1 = {r['val_loss']:.6g} loss)"
        )
    return _lines("caffe.INFO.log", lines)


def _r_keras(rows: Sequence[Row]) -> Files:
    """`as.data.frame(history)` of Keras in R."""
    lines = ['"","epoch","value","metric","data"']
    for split, key in (("training", "loss"), ("validation", "val_loss")):
        lines += [f'"{len(lines) + i}",{i + 1},{r[key]},"loss","{split}"' for i, r in enumerate(rows)]
    return _lines("history.csv", lines)


def _split_files(rows: Sequence[Row]) -> Files:
    """One file a split."""
    files: Files = {}
    for file, key in (("train_log.csv", "loss"), ("val_log.csv", "val_loss")):
        files |= _lines(f"logs/{file}", ["epoch,loss", *(f"{i},{r[key]:.6g}" for i, r in enumerate(rows))])
    return files


def _appended(rows: Sequence[Row]) -> Files:
    """The same file begun again, header and all, and a last row that was not finished."""
    own = [f"{i},{r['loss']},{r['val_loss']}" for i, r in enumerate(rows)]
    head = "epoch,loss,val_loss"
    return {"training.log": "\n".join([head, *own[: len(own) // 2], head, *own, f"{len(rows)},0.3"])}


def _decimal_commas(rows: Sequence[Row]) -> Files:
    lines = (f"{i + 1};{r['loss']:.6f};{r['val_loss']:.6f}".replace(".", ",") for i, r in enumerate(rows))
    return _lines("Verlauf.csv", ["Epoche;loss;val_loss", *lines])


def _table_of_bars(rows: Sequence[Row]) -> Files:
    lines = (f"| {i + 1:5d} | {r['loss']:.6f} | {r['val_loss']:.6f} |" for i, r in enumerate(rows))
    return _lines("README_training.txt", ["| Epoch | Train Loss | Val Loss |", "|-------|------|------|", *lines])


def _notebook_table(rows: Sequence[Row]) -> Files:
    """What a notebook shows of Hugging Face's Trainer, copied."""
    lines = (f"{i + 1}\t{r['loss']:.6f}\t{r['val_loss']:.6f}" for i, r in enumerate(rows))
    return _lines("copied.txt", ["Epoch\tTraining Loss\tValidation Loss", *lines])


FORMATS: dict[str, Format] = {
    "Keras, progress": _keras_progress,
    "Keras 2, progress": _keras_old,
    "Keras, CSVLogger": _each("training.log", "{e},{train},{val}"),
    "pandas, no epochs": _each("hist.csv", "{e},{train},{val}"),
    "W&B, chart": _wandb,
    "W&B, history": _wandb_history,
    "TensorBoard, CSV": _tensorboard_exports,
    "Lightning, CSVLogger": _lightning,
    "Hugging Face, state": _trainer_state,
    "Hugging Face, printed": _trainer_prints,
    "Hugging Face, notebook": _notebook_table,
    "fastai, CSVLogger": _fastai,
    "fastai, printed": _fastai_printed,
    "Ultralytics": _ultralytics,
    "nnU-Net 1": _nnunet_old,
    "nnU-Net 2": _nnunet,
    "XGBoost": _each("xgb.log", "[{e}]\ttrain-logloss:{train:.6g}\teval-logloss:{val:.6g}"),
    "XGBoost, scikit-learn": _each("xgb.log", "[{e}]\tvalidation_0-rmse:{train:.6g}\tvalidation_1-rmse:{val:.6g}"),
    "LightGBM": _each("lgb.log", "[{n}]\ttraining's binary_logloss: {train:.6g}\tvalid_1's binary_logloss: {val:.6g}"),
    "CatBoost": _each(
        "cat.log", "{e}:\tlearn: {train:.6g}\ttest: {val:.6g}\tbest: {val:.6g} ({e})\ttotal: 1.2ms\tremaining: 2s"
    ),
    "CatBoost, folder": _catboost_folder,
    "evals_result": _results_of_boosting,
    "JSON, records": _nested_records,
    "JSON, lists": _columns("train_losses", "val_losses"),
    "JSON, trainLoss": _columns("trainLoss", "valLoss", within="history"),
    "JSON, tr_loss": _columns("tr_loss", "vl_loss", file="log.json"),
    "JSON, splits": _columns("train", "test", within="losses"),
    "JSON lines": _json_lines,
    "MLflow": _mlflow,
    "PyTorch, MNIST": _mnist_example,
    "PyTorch, transfer": _transfer_example,
    "text, bars": _each("a.log", "Epoch: {n:03d} | Train Loss: {train:.6g} | Val. Loss: {val:.6g}"),
    "text, indented": _each(
        "b.log", "Epoch: {n:02d} | Time: 0m {clock}s\n\tTrain Loss: {train:.6g}\n\t Val. Loss: {val:.6g}"
    ),
    "text, commas": _each("c.log", "epoch {n}/{total}, loss={train:.6g}, val loss={val:.6g}, {clock}s"),
    "text, brackets": _each("d.log", "[Epoch {n}/{total}] [train loss: {train:.6g}] [val loss: {val:.6g}]"),
    "text, averages": _each(
        "e.log", "Epoch {n} - avg_train_loss: {train:.6g}  avg_val_loss: {val:.6g}  time: {clock}s"
    ),
    "text, arrows": _each("f.log", "====> Epoch: {n} Average loss: {train:.6g}\n====> Test set loss: {val:.6g}"),
    "text, logging": _each(
        "g.log",
        "2024-05-01 12:00:{clock:02d},123 - INFO - Epoch [{n}/{total}] Training loss: {train:.6g}\n"
        "2024-05-01 12:00:{clock:02d},456 - INFO - Epoch [{n}/{total}] Validation loss: {val:.6g}",
    ),
    "text, steps": _each("h.log", "step {s}: train loss {train:.6g}, val loss {val:.6g}"),
    "text, iter": _each("i.log", "iter: {s:6d}  train_loss: {train:.4e}  test_loss: {val:.4e}  lr: 1.0e-03"),
    "text, bare": _each("j.log", "{n} train_loss={train:.6g} valid_loss={val:.6g}"),
    "timm": _each("summary.csv", "{e},{train},{val},71.5"),
    "fairseq": _each(
        "k.log",
        "2024-01-01 00:00:{clock:02d} | INFO | train | epoch {n:03d} | loss {train:.6g} | ppl 12.1 | wps 3000\n"
        "2024-01-01 00:00:{clock:02d} | INFO | valid | epoch {n:03d} | on 'valid' subset | loss {val:.6g} | ppl 9",
    ),
    "skorch": _skorch,
    "MONAI": _monai,
    "Detectron2": _detectron,
    "Caffe": _caffe,
    "Keras in R": _r_keras,
    "a file a split": _split_files,
    "appended": _appended,
    "decimal commas": _decimal_commas,
    "Markdown table": _table_of_bars,
}
HEADERS = {
    "Keras, CSVLogger": "epoch,loss,val_loss",
    "pandas, no epochs": ",loss,val_loss",
    "timm": "epoch,train_loss,eval_loss,eval_top1",
}


def written(name: str, rows: Sequence[Row]) -> Files:
    """The files of one format, with its header where it has one."""
    files = FORMATS[name](rows)
    return {file: f"{HEADERS[name]}\n{text}" for file, text in files.items()} if name in HEADERS else files
