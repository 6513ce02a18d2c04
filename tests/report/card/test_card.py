"""The card fills what the run knows, names every gap, leaves intended use blank, and holds no markup from a file."""

import json
import shutil

import pytest

from rounds.ensemble.judge import NETWORK
from rounds.errors import RunFolderError
from rounds.evaluation.evidence_pack import Finish, Said, write_evidence
from rounds.files import write_json
from rounds.report.card.card import card_record, write_card

PLAN = {
    "network": "dense",
    "hidden": [64, 64],
    "activation": "silu",
    "optimizer": "adamw",
    "schedule": "cosine",
    "epochs": 9,
    "batch_size": 64,
    "seed": 3,
    "class_weights": "none",
    "scale_inputs": True,
    "number_embedding": "periodic",
    "parameters": [1234],
    "reasons": {},
    "rows_that": {"judge": "test rows"},
}
FINDINGS = {
    "verdict": {k: {"answer": "yes", "reason": "so"} for k in ("believable", "well_trained", "worth_it")},
    "findings": [
        {
            "round": 0,
            "question": "training",
            "code": "overfitting",
            "name": "Overfitting",
            "severity": "warning",
            "evidence": {},
            "confidence": 1.0,
            "explanation": "It overfits.",
        }
    ],
    "not_applicable": [{"code": "patient-leak", "reason": "none"}],
}


@pytest.fixture
def make_finished(runs, tmp_path):
    def make(kind: str = "binary"):
        """A run folder with every record that a finished training leaves."""
        run, folder = runs(kind), tmp_path / kind
        shutil.copytree(run.folder, folder)
        said = [Said(part.rows, part.predictions[NETWORK]) for part in (run.validation, run.judged)]
        write_evidence(folder, Finish(run.dataset, run.split, said[0], said[1], run.predictor.target_scale))
        dataset = json.loads((folder / "dataset.json").read_text())
        split = {"kind": "held-out", "how": "test: a fifth", "seed": 1, "events": {"all": 500, "test": 7}}
        write_json(folder / "dataset.json", {**dataset, "split": split})
        sizes = {"train": 800, "validation": 200, "test": 300}
        metrics = json.loads((folder / "metrics.json").read_text())
        extra = {
            "task": run.dataset.task.model_dump(mode="json"),
            "members": 20,
            "configurations_tried": 4,
            "rows": sizes,
            "patients": sizes,
            "main_metric": "log_loss",
            "statistic": "probability",
            "ledger": {"times_before": 2},
            "versions": {"rounds": "0.1.0"},
        }
        write_json(folder / "metrics.json", {**metrics, **extra})
        write_json(folder / "plan.json", PLAN)
        write_json(folder / "findings.json", FINDINGS)
        return folder

    return make


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass", "multilabel"])
def test_every_item_is_filled_or_asked_for(make_finished, kind) -> None:
    record = card_record(make_finished(kind)).content()
    numbers = [item["number"] for item in record["items"]]
    assert len(numbers) == len(set(numbers)) == 52
    assert {n.rstrip("abcdefg") for n in numbers} == {str(n) for n in range(1, 28)}, "27 items"
    for item in record["items"]:
        assert item["text"] or item["ask"], item["number"]
        assert item["status"] == ("gap" if not item["text"] else "partly" if item["ask"] else "filled")
    assert record["counts"]["filled"] + record["counts"]["partly"] + record["counts"]["gap"] == 52
    assert record["counts"]["gap"] <= 24


def test_intended_use_is_blank_and_data_named(make_finished) -> None:
    folder = make_finished()
    paths = write_card(folder, licence="CC BY 4.0")
    record, text = json.loads(paths[0].read_text()), paths[1].read_text()
    assert record["intended_use"] == ""
    assert "left blank on purpose" in text
    assert record["data"]["licence"] == "CC BY 4.0"
    assert json.loads(write_card(folder)[0].read_text())["data"]["licence"] == "CC BY 4.0", "kept when drawn again"
    assert record["seeds"] == {"networks": 3, "split": 1}
    assert record["model_hashes"] == json.loads((folder / "model" / "checksums.json").read_text())
    assert all(item["topic"] in text for item in record["items"])


def test_figures_are_those_of_the_run(make_finished) -> None:
    folder = make_finished()
    items = {item["number"]: item["text"] for item in card_record(folder).content()["items"]}
    auroc = json.loads((folder / "metrics.json").read_text())["test"]["auroc"]["value"]
    assert f"auroc {auroc:.3g}" in items["23a"]
    assert "It overfits." in items["26"]
    assert "judged 2 runs before" in items["26"]
    assert "patient-leak" in items["26"]
    assert "creatinine" in items["11"]
    assert "sex" in items["14"]


def test_small_counts_are_not_shown(make_finished) -> None:
    items = {item["number"]: item["text"] for item in card_record(make_finished()).content()["items"]}
    assert "of them fewer than 10 among those who judge" in items["10"]


def test_names_from_the_table_are_no_markup(make_finished) -> None:
    folder = make_finished()
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["task"]["targets"] = ["<script>alert(1)</script> [x](y)"]
    write_json(folder / "metrics.json", metrics)
    text = write_card(folder)[1].read_text()
    assert "<script" not in text
    assert "[x](" not in text.replace("\\[x](", "")


def test_run_without_evidence_has_more_gaps(make_finished) -> None:
    folder = make_finished()
    before = card_record(folder).counts["gap"]
    (folder / "evidence.json").unlink()
    assert card_record(folder).counts["gap"] > before


def test_unfinished_run_is_refused(make_finished) -> None:
    folder = make_finished()
    (folder / "evidence.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"evidence\.json must be readable JSON"):
        write_card(folder)
    (folder / "metrics.json").unlink()
    with pytest.raises(RunFolderError, match=r"RUN must be a run folder with metrics\.json"):
        write_card(folder)


def test_the_card_says_why_no_map_was_applied_and_whose_thresholds_these_are(make_finished) -> None:
    folder = make_finished()
    evidence = json.loads((folder / "evidence.json").read_text())
    few = {"temperature": {"not_tried": "too few"}, "isotonic": {"not_tried": "fewer still"}}
    wide = {**few, "temperature": {"gain": {"value": 0.0, "low": -1.0, "high": 1.0}}}
    for tried, said in ((few, "too few patients to fit one (fewer still; too few)"), (wide, "none helped")):
        evidence["recalibration"] = {"kept": "none", "tried": tried}
        write_json(folder / "evidence.json", evidence)
        items = {item["number"]: item["text"] for item in card_record(folder).content()["items"]}
        assert items["12f"] == f"No recalibration was applied: {said}."
    assert f"Thresholds were chosen on {evidence['decisions']['chosen_on']}, for stated" in items["15"]
