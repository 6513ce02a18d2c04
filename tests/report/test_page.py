"""The report as a whole."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from rounds.errors import RunFolderError
from rounds.report.page import write_report

from .conftest import NASTY, SECRET, TASKS, MakeRun, records

BYTES = 2_500_000


def text_of(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


class Links(HTMLParser):
    """Everything that a page would load, and every element's name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.names: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href", "xlink:href", "data") and v and v[0] != "#"]
        self.ids += [v for k, v in attrs if k == "id" and v]


def test_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"RUN must be a run folder with metrics\.json"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="RUN must be a run folder, got run="):
        write_report(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["curves.parquet", "predictions.parquet", "prescriptions.json"])
def test_damaged_file_is_named_and_the_old_report_kept(make_run: MakeRun, name: str) -> None:
    run = make_run()
    old = text_of(run)
    (run / name).write_bytes(b"\x00 not what it was")
    with pytest.raises(RunFolderError, match=re.escape(f"{name} must be")) as caught:
        write_report(run)
    assert "\n" not in str(caught.value)
    assert (run / "report.html").read_text(encoding="utf-8") == old


@pytest.mark.parametrize("kind", TASKS)
def test_every_kind_of_task_gets_a_page(make_run: MakeRun, kind: str) -> None:
    page = text_of(make_run(kind))
    found = Links(page)
    assert found.names.count("svg") >= 8
    assert len(found.ids) == len(set(found.ids)), "ids are there once, or charts take each other's clip paths"
    assert "None" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "nan" not in re.findall(r"[\w.]+", page)


def test_nothing_is_loaded_and_no_script_runs(make_run: MakeRun) -> None:
    found = Links(text_of(make_run()))
    assert [link for link in found.loads if not link.startswith("data:")] == []
    assert "script" not in found.names


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_names_are_escaped_everywhere(make_run: MakeRun, kind: str) -> None:
    page = text_of(make_run(kind))
    assert NASTY not in page
    assert "&lt;img src=x" in page
    assert "img" not in Links(page).names
    assert "dead <b>" not in page


def test_no_patient_is_named(make_run: MakeRun) -> None:
    page = text_of(make_run())
    assert not re.findall(rf"{SECRET // 1_000_000},?000,?\d\d\d", page)
    assert "2019-02-17" not in page, "the first date is that of one patient"
    assert "2019-02" in page
    observed = pl.read_parquet(make_run() / "predictions.parquet")["observed"]
    values = {f"{v:.4f}" for v in observed}
    assert not values & set(re.findall(r"\d+\.\d{4}\b", page))


def test_small_counts_are_not_told(make_run: MakeRun) -> None:
    page = text_of(make_run())
    assert "fewer than 10</b> outside the cohort" in page
    assert "under 10 rows" in page  # three patients without sodium
    assert "<b>some</b> outcome not known" in page  # or 300 - 55 - 240 would tell the other
    base = records(TASKS["regression"])["dataset"]
    few = {**base, "exclusions": [["outcome not known", 3]], "rows_read": base["rows"] + 3}
    assert "rows read" not in text_of(make_run(dataset=few))
    many = {**base, "exclusions": [["outcome not known", 60]]}
    assert "<b>60</b> outcome not known" in text_of(make_run(dataset=many))


def test_findings_and_trials_are_shown(make_run: MakeRun) -> None:
    finding = {
        "round": 0,
        "question": "training",
        "code": "overfitting",
        "name": "Overfitting",
        "severity": "warning",
        "evidence": {"gap": 0.31, "patients": [SECRET + 1, SECRET + 2]},
        "confidence": 0.9,
        "explanation": "Validation rises while training falls.",
        "follows_from": [],
        "remedies": ["stop earlier"],
        "members": [0, 1],
    }
    base = records(TASKS["regression"])["findings"]
    trial = {
        "round": 1,
        "finding": "overfitting",
        "change": {"dropout": [0.1, 0.3]},
        "verdict": "kept",
        "effect": {"value": 0.2, "low": 0.1, "high": 0.3},
    }
    believed = {**base["verdict"], "believable": {"answer": "yes", "reason": "ten checks passed"}}
    findings = {"verdict": believed, "findings": [finding], "not_applicable": [{"code": "plateau", "reason": "short"}]}
    page = text_of(make_run(findings=findings, prescriptions=[trial]))
    for expected in ("Validation rises", "stop earlier", "figure-trial-effects", "0.1 → 0.3", "plateau", "Ten checks"):
        assert expected in page
    assert str(SECRET + 1) not in page
    assert "Overfitting: stop earlier" in page  # the next step


def test_it_is_light(make_run: MakeRun) -> None:
    assert write_report(make_run()).stat().st_size < BYTES


def test_importing_the_page_loads_nothing_heavy() -> None:
    code = "import rounds.report.page, sys; print({'altair', 'polars', 'jinja2', 'numpy'} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"


def test_the_same_run_gives_the_same_page(make_run: MakeRun) -> None:
    run = make_run("binary")
    assert text_of(run) == text_of(run)


def test_a_run_without_a_list_of_prescriptions_is_drawn(make_run: MakeRun) -> None:
    run = make_run()
    (run / "prescriptions.json").unlink()
    assert 'id="prescribed"' not in text_of(run)
    (run / "prescriptions.json").write_text(json.dumps({}))
    with pytest.raises(RunFolderError, match=r"prescriptions\.json must be a list of JSON objects"):
        write_report(run)


@pytest.mark.parametrize("name", ["dataset", "plan", "findings", "metrics"])
def test_a_record_without_a_part_is_named(make_run: MakeRun, name: str) -> None:
    run = make_run()
    (run / f"{name}.json").write_text("{}")
    with pytest.raises(RunFolderError, match=rf"{name}\.json must be a record with \w+, got file=") as refused:
        write_report(run)
    assert str(refused.value).endswith("Restore the file, or train again.")


def test_a_model_of_the_users_own_shows_its_layers_and_no_field_of_built_in_ones(make_run: MakeRun) -> None:
    plan = {**records(TASKS["regression"])["plan"], "network": "keras", "cell": "gru"}
    own = text_of(make_run("regression", plan=plan))
    assert "a model of your own. Its layers that were looked into: <code>hidden_0</code>" in own
    assert "<code>cell</code>" not in own
    built_in = text_of(make_run("regression", plan={**plan, "network": "recurrent"}))
    assert "a model of your own" not in built_in
    assert "<code>cell</code>" in built_in
