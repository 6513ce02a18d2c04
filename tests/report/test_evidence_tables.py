"""Tables of evidence.json: nothing that stands for, or tells, 1 to 9 patients; all else as it was counted."""

import json
import re
from typing import Any

import numpy as np
import pytest

from rounds.report.page import write_report
from rounds.report.run_files import RunFiles, read_run_files
from rounds.report.tables import evidence as evidence_tables
from rounds.statistics.decision import Scored, operating_point

from .conftest import TASKS, MakeRun, evidence

TITLES = ("Calibration", "Decisions", "Intervals of single predictions", "Subgroups", "Table 1")


def section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)
    return found.group() if found else ""


@pytest.mark.parametrize("kind", TASKS)
def test_every_kind_has_its_sections(make_run: MakeRun, kind: str) -> None:
    page = write_report(make_run(kind)).read_text(encoding="utf-8")
    names = ["calibration", "subgroups", "characteristics", "tried"]
    names.append("decisions" if TASKS[kind].is_classification else "intervals")
    assert all(section(page, name) for name in names)


def test_run_without_evidence_is_drawn_without_these_sections(make_run: MakeRun) -> None:
    run = make_run("binary")
    (run / "evidence.json").unlink()
    page = write_report(run).read_text(encoding="utf-8")
    assert not any(section(page, n) for n in ("calibration", "decisions", "intervals", "subgroups", "characteristics"))


def read(make_run: MakeRun, kind: str, **changes: Any) -> RunFiles:
    return read_run_files(make_run(kind, **{"evidence": {**evidence(TASKS[kind]), **changes}}))


def test_a_run_from_before_cells_were_rounded_is_drawn(make_run: MakeRun) -> None:
    run = make_run("binary")
    made = json.loads((run / "evidence.json").read_text())
    for said in made["decisions"]["outputs"].values():
        said["points"] = [point for point in said["points"] if not point.pop("rounded")]
        assert said["points"]
    (run / "evidence.json").write_text(json.dumps(made))
    assert "about" not in section(write_report(run).read_text(encoding="utf-8"), "decisions")


def test_calibration_figures_are_those_of_the_record(make_run: MakeRun) -> None:
    made = evidence_tables.calibration_table(read(make_run, "binary"))
    said = evidence(TASKS["binary"])["calibration"]["death"]
    assert made is not None
    (name, figures, parts), *rest = made["rows"]
    assert (name, rest) == ("death", [])
    assert float(figures[0][0]) == pytest.approx(said["slope"]["value"], abs=0.05)
    shown = [float(p.replace("−", "-")) for p in parts]
    assert shown[0] == pytest.approx(shown[1] - shown[2] + shown[3] + shown[4], abs=3e-4), "Brier's parts add up"
    assert made["maps"][1] == ("Isotonic", "–", "not tried: 240 patients are fewer than 1000")


def test_a_kept_map_is_said_with_whether_it_is_applied(make_run: MakeRun) -> None:
    kept = {
        "kept": "temperature",
        "metric": "log_loss",
        "applied": True,
        "tried": {"temperature": {"gain": {"value": 0.02, "low": 0.01, "high": 0.03}}},
    }
    made = evidence_tables.calibration_table(read(make_run, "binary", recalibration=kept))
    assert made is not None
    assert made["kept"].startswith("Temperature map kept")
    assert made["kept"].endswith("every prediction goes through it")


def test_error_by_size_grows_with_the_prediction(make_run: MakeRun) -> None:
    made = evidence_tables.calibration_table(read(make_run, "regression"))
    curve = evidence(TASKS["regression"])["calibration"]["length_of_stay"]["curve"]
    assert made is not None
    assert [float(row[3]) for row in made["by_size"]] == pytest.approx([p["mae"] for p in curve], rel=0.01)


def point_with(missed: int) -> dict[str, Any]:
    """An operating point on 400 rows with 100 cases, of which so many are missed."""
    case = np.arange(400) < 100
    alert = np.where(case, np.arange(400) >= missed, np.arange(400) >= 320)
    judged = Scored(case.astype(float), case.astype(float), np.arange(400))
    return operating_point({"sensitivity": 0.95}, 0.12, alert, judged).content()


def decided(make_run: MakeRun, point: dict[str, Any]) -> dict[str, Any]:
    outputs = {"death": {"prevalence": 0.25, "points": [point], "curve": []}}
    record = {"outputs": outputs, "chosen_on": "validation patients", "rows_a_day": None, "reason": ""}
    run = read(make_run, "binary", decisions=record)
    made = evidence_tables.decisions(run)
    assert made is not None
    return made["outputs"][0]["points"][0]


def test_four_cells_and_shares_stand_as_counted(make_run: MakeRun) -> None:
    made = decided(make_run, point_with(missed=20))
    assert made["cells"] == ["80", "80", "20", "220"]
    assert [value for value, _ in made["shares"]] == ["80.0 %", "73.3 %", "50.0 %", "91.7 %", "40.0 %"]
    assert (made["target"], made["threshold"]) == ("find 95 % of cases", "12.0 %")


def test_what_would_tell_a_small_cell_is_hidden_or_rounded(make_run: MakeRun) -> None:
    """With 93 of 100 cases found, 93, 93 % or an exact PPV and alert share would each say that 7 were missed."""
    made = decided(make_run, point_with(missed=7))
    assert made["cells"] == ["about 90", "about 80", "under 10", "about 220"]
    assert [value for value, _ in made["shares"]] == ["hidden", "about 73 %", "about 53 %", "hidden", "about 42 %"]
    assert all(interval == "" for _, interval in made["shares"])
    others = {json.dumps(decided(make_run, point_with(missed=n))) for n in (6, 7)}
    assert len(others) == 1, "one patient more or less does not show"


def test_an_empty_cell_is_no_secret(make_run: MakeRun) -> None:
    made = decided(make_run, point_with(missed=0))
    assert made["cells"] == ["100", "80", "0", "220"]


def test_alert_loads_are_in_alerts_a_day(make_run: MakeRun) -> None:
    made = evidence_tables.decisions(read(make_run, "binary"))
    assert made is not None
    assert made["a_day"]
    assert [p["target"] for p in made["outputs"][0]["points"]][-2:] == ["alert on 1 a day", "alert on 2 a day"]


def test_small_groups_are_hidden_and_comparisons_counted(make_run: MakeRun) -> None:
    run = make_run("binary")
    page = write_report(run).read_text(encoding="utf-8")
    found = section(page, "subgroups")
    assert found.count("hidden: too few patients") == 1
    assert ">about 10<" in found, "the ward of 12, or the hidden one would be what is left of all"
    assert "1 comparison" in found
    assert ">too few<" in found, "wards of so few cases are not compared"


def test_coverage_is_told_beside_the_promise(make_run: MakeRun) -> None:
    page = write_report(make_run("regression")).read_text(encoding="utf-8")
    found = section(page, "intervals")
    assert "90 % of new patients like these should lie inside" in found
    measured = evidence(TASKS["regression"])["intervals"]["judged"]["targets"]["length_of_stay"]["coverage"]["value"]
    assert f"{100 * measured:.1f} %" in found
    assert "no measure of this" in found, "disagreement is not called uncertainty"


def test_too_few_patients_for_intervals_are_said(make_run: MakeRun) -> None:
    made = evidence_tables.intervals(
        read(make_run, "regression", intervals={"made": False, "reason": "too few patients"})
    )
    assert made is not None
    assert made["reason"] == "too few patients"


def test_table_one_has_parts_and_missing_values(make_run: MakeRun) -> None:
    page = write_report(make_run("binary")).read_text(encoding="utf-8")
    found = section(page, "characteristics")
    assert "1996 (1990 to 2001)" in found
    assert "30 (12 %)" in found
    assert found.count(">hidden<") == 4
    assert "<i>a</i>" not in found


def test_everything_tried_says_what_was_dropped(make_run: MakeRun) -> None:
    run = make_run("binary")
    path = run / "metrics.json"
    rounds = {"examined": 2, "remedies_tried": 3, "remedies_kept": 1, "member_epochs_in_trials": 1200}
    path.write_text(json.dumps({**json.loads(path.read_text()), "rounds": rounds}))
    found = section(write_report(run).read_text(encoding="utf-8"), "tried")
    assert "3, of them 1 kept and 2 dropped" in found
    assert "2 times" in found, "the record of test reuse"
