"""The page of `rounds evaluate` and `rounds audit`: what the terminal says, drawn; nothing runs or is fetched."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.evaluation.audit.prediction_file import named_predictions
from rounds.evaluation.audit.predictions import audit_predictions
from rounds.report.scores_page import Concern, ScoresPage, audit_page, write_scores_page
from rounds.run_folder.evidence import Calibration
from rounds.run_folder.metrics import Estimate


def predictions(rows: int = 600) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    risk = draw.beta(2, 3, rows)
    sex = draw.choice(["F", "M<script>alert(1)</script>"], rows)
    return pl.DataFrame(
        {"patient": range(rows), "label": (draw.random(rows) < risk).astype(int), "score": risk, "sex": sex}
    )


@pytest.mark.parametrize("place", ["page.html", "folder"])
def test_an_audit_becomes_a_page(tmp_path: Path, place: str) -> None:
    record = audit_predictions(named_predictions(predictions(), {}, None), None)
    path = write_scores_page(audit_page(record, "predictions.csv"), tmp_path / place)
    assert path == (tmp_path / place if place.endswith("html") else tmp_path / place / "report.html")
    text = path.read_text(encoding="utf-8")
    assert "Audit of predictions.csv" in text
    assert "<svg" in text
    assert "<script" not in text
    assert "M&lt;script&gt;" in text
    assert f"<td>{record.metrics['auroc'].value:.3g} (" in text
    assert "not checked: target-leak" in text


def test_a_page_without_probabilities_has_no_figure(tmp_path: Path) -> None:
    page = ScoresPage(
        "t",
        "l",
        [Concern("error", "patient-leak", "why")],
        {},
        {"los": Calibration(curve=(), bias=Estimate(value=0.0))},
        [],
    )
    text = write_scores_page(page, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<svg" not in text
    assert "error: patient-leak" in text
