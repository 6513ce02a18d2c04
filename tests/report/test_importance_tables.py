"""What predictions rest on, as the report tells it."""

from rounds.report.run_files import RunFiles
from rounds.report.sections import SECTIONS, missing_sections
from rounds.report.tables.importance import importance
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import EvidenceFile, Importance
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.plan import PlanFile


def files(evidence: EvidenceFile | None) -> RunFiles:
    empty = (kind.model_construct() for kind in (DatasetFile, PlanFile, FindingsFile, MetricsFile))
    return RunFiles(*empty, evidence=evidence)


def run_with(columns: int, spans: int) -> RunFiles:
    lost = [{"name": f"c{i}", "value": 0.1 - i / 1000, "low": 0.05, "high": 0.15} for i in range(columns)]
    time = [{"name": f"hour {i}", "value": 0.01, "low": -0.01, "high": 0.03} for i in range(spans)]
    made = {"metric": "auroc", "rows": 1200, "columns": lost, "spans": time, "reason": ""}
    return files(EvidenceFile.model_construct(importance=Importance.model_validate(made)))


def test_all_columns_and_spans_are_shown() -> None:
    content = importance(run_with(20, 8))
    assert content is not None
    columns, time = content["parts"]
    assert (columns["title"], len(columns["rows"]), columns["rows"][0]) == (
        "Columns",
        20,
        ("c0", "0.100", "0.050 to 0.150"),
    )
    assert (time["title"], len(time["rows"])) == ("Time", 8)
    assert (content["metric"], content["rows"]) == ("AUROC", "1,200")


def test_tables_have_no_spans_and_old_runs_nothing() -> None:
    content = importance(run_with(2, 0))
    assert content is not None
    assert [part["title"] for part in content["parts"]] == ["Columns"]
    assert importance(run_with(0, 0)) is None
    assert importance(files(None)) is None


def test_every_section_that_is_not_there_says_why() -> None:
    bare = files(None)
    missing = missing_sections(bare, {"judged", "found"})
    assert [section.name for section, _ in missing] == [s.name for s in SECTIONS if s.name not in ("judged", "found")]
    assert all(why for _, why in missing)
    no_importance = Importance(metric="auroc", rows=9, reason="networks of images are asked otherwise")
    made = files(EvidenceFile.model_construct(importance=no_importance))
    reasons = {section.name: why for section, why in missing_sections(made, set())}
    assert reasons["importance"] == no_importance.reason
