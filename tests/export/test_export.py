"""rounds export: checked by the command itself, whole or not at all, refused by name."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rounds.errors import PlanError, RoundsError, RunFolderError
from rounds.export import export
from rounds.export.export import TOLERANCE, export_run, made_up_inputs
from rounds.prediction.model_folder import load_predictor, save_predictor
from rounds.target_scale import TargetScale


@pytest.fixture
def make_run(random_predictor, tmp_path):
    def make(task: str = "binary", **options):
        save_predictor(tmp_path / "run" / "model", random_predictor(task, **options))
        return tmp_path / "run"

    return make


@pytest.mark.parametrize("wanted", ["onnx", "keras"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_export_agrees_and_describes_itself(make_run, wanted, task) -> None:
    if wanted == "onnx":
        pytest.importorskip("onnx", reason="needs rounds[onnx]")
    run = make_run(task, number_embedding="periodic", activation="silu")
    record = export_run(run, wanted)
    assert 0 < record["check"]["largest_difference"] <= TOLERANCE
    assert record["check"]["rows"] == 256
    written = json.loads((run / f"model.{wanted}.json").read_text())
    assert {**written, "file": str(run / f"model.{wanted}")} == record
    predictor = load_predictor(run / "model")
    assert written["preparation"] == predictor.preparation.model_dump(mode="json")
    assert [len(c) for c in written["inputs"].values()] == [
        predictor.preparation.shape.numbers,
        predictor.preparation.shape.flags,
    ]


@pytest.mark.parametrize("wanted", ["onnx", "keras"])
@pytest.mark.parametrize(("array", "dtype"), [((9, 8, 1), "uint8"), ((9, 8, 3), "uint16"), ((20, 2), "float32")])
def test_images_and_signals_are_fed_as_they_are_stored(image_predictor, tmp_path, wanted, array, dtype) -> None:
    if wanted == "onnx":
        pytest.importorskip("onnx", reason="needs rounds[onnx]")
    predictor = image_predictor(array, dtype, numbers=0, flags=0)
    save_predictor(tmp_path / "run" / "model", predictor)
    record = export_run(tmp_path / "run", wanted)
    assert 0 < record["check"]["largest_difference"] <= TOLERANCE
    size = " x ".join(map(str, array))
    assert record["inputs"] == {"grid": [f"{size} values as stored ({dtype}), given as float32"]}
    made = made_up_inputs(predictor.preparation.shape, predictor.preparation.array)
    assert str(made.array.dtype) == dtype
    assert np.ptp(predictor.average(predictor.outputs(made))) > 0.01, (
        "a network that says the same of all proves nothing"
    )
    assert np.isnan(made.array.astype("f4")).any() == (dtype == "float32")


@pytest.mark.parametrize("wanted", ["onnx", "keras"])
def test_a_temperature_over_classes_is_in_the_model_folder_and_in_the_export(make_run, wanted) -> None:
    if wanted == "onnx":
        pytest.importorskip("onnx", reason="needs rounds[onnx]")
    run = make_run("multiclass")
    sharp = load_predictor(run / "model")
    save_predictor(run / "model", replace(sharp, target_scale=TargetScale(kind="identity", temperature=3.0)))
    assert load_predictor(run / "model").target_scale.temperature == 3.0
    assert export_run(run, wanted)["check"]["largest_difference"] <= TOLERANCE


def test_onnx_file_runs_in_onnxruntime(make_run) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs rounds[onnx]")
    run = make_run()
    record = export_run(run, "onnx")
    assert record["check"]["computed_by"] == "onnxruntime"
    session = runtime.InferenceSession(run / "model.onnx")
    inputs = made_up_inputs(load_predictor(run / "model").preparation.shape, rows=5)
    made = session.run(None, {"numbers": inputs.numbers, "flags": inputs.flags})[0]
    assert made.shape == (5, 1), "any number of rows"


def test_an_export_that_does_not_agree_is_not_written(make_run, monkeypatch) -> None:
    run = make_run()
    before = sorted(p.name for p in run.iterdir())
    monkeypatch.setitem(export._MAKERS, "onnx", lambda predictor, fed: (b"", np.full((256, 1), 0.5), "nobody"))
    with pytest.raises(RoundsError, match="Export must be within 1e-05 of the native predictions, got difference="):
        export_run(run, "onnx")
    monkeypatch.setitem(export._MAKERS, "onnx", lambda predictor, fed: (b"", np.full((256, 1), np.nan), "nobody"))
    with pytest.raises(RoundsError, match="got difference='inf'"):
        export_run(run, "onnx")
    assert sorted(p.name for p in run.iterdir()) == before


def test_what_cannot_be_exported_is_refused_by_name(make_run, tmp_path) -> None:
    pytest.importorskip("onnx", reason="needs rounds[onnx]")
    run = make_run(activation="sparsemax")
    with pytest.raises(PlanError, match="got activation='sparsemax'"):
        export_run(run, "onnx")
    assert not (run / "model.onnx").exists()
    assert export_run(run, "keras")["check"]["largest_difference"] <= TOLERANCE
    with pytest.raises(RoundsError, match="format must be onnx or keras, got format='pmml'"):
        export_run(run, "pmml")
    with pytest.raises(RoundsError, match=r"out must be a file that ends in \.onnx, got out="):
        export_run(run, "onnx", tmp_path / "m.keras")
    with pytest.raises(RunFolderError, match="Run folder must be a folder that exists"):
        export_run(tmp_path / "nowhere", "onnx")


def test_missing_package_is_named(make_run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(RoundsError, match=r"Package onnx must be installed .* pip install 'rounds\[onnx\]'"):
        export_run(make_run(), "onnx")


def test_command_writes_where_it_is_told(make_run, tmp_path) -> None:
    words = [sys.executable, "-m", "rounds.cli", "export", str(make_run()), "--format", "keras"]
    done = subprocess.run([*words, "--out", str(tmp_path / "x.keras")], capture_output=True, text=True, check=True)
    assert "Differs from native predictions by at most" in done.stdout
    assert (tmp_path / "x.keras").is_file()
    assert (tmp_path / "x.keras.json").is_file()
    words[-1] = "pmml"
    refused = subprocess.run(words, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1
