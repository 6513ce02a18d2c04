"""The first screen: what was asked, what came out, whether to believe it, and what to do next."""

from dataclasses import dataclass

from rounds.report.run_files import RunFiles
from rounds.report.tables.checks import Check, data_checks
from rounds.report.wording import MOMENTS, contestant, count, estimate_cells, label, number, with_unit
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.findings import FindingRecord, VerdictRecord
from rounds.run_folder.metrics import MetricsFile
from rounds.statistics.small_cells import FEWEST_PATIENTS
from rounds.task import Task

MANY = 4  # targets named in a title
HEADLINES = {
    "mae": "Predictions miss by",
    "r2": "Variation between patients that is explained",
    "auroc": "Ranks a case above a non-case (AUROC)",
}
BESIDE = {
    "regression": ("rmse", "r2"),
    "count": ("rmse", "r2"),
    "binary": ("calibration_slope", "calibration_intercept", "brier"),
    "multiclass": ("accuracy", "log_loss"),
    "multilabel": ("auprc", "log_loss"),
}
TEST_KINDS = {
    "held-out": "patients set aside before training",
    "given": "the patients of the test table",
    "out-of-fold": "patients each judged by networks that never saw them",
}


@dataclass(frozen=True)
class ShownAnswer:
    """answer: yes, no or unknown; tone: good, bad, open or plain (nothing to be glad about yet)."""

    answer: str
    reason: str
    tone: str


@dataclass(frozen=True)
class Opening:
    """What the top of the page is filled with."""

    title: str
    asked: list[tuple[str, str]]
    headline: tuple[str, str, str]
    beside: list[tuple[str, str, str]]
    difference: str
    judged_on: str
    verdicts: dict[str, ShownAnswer]
    checks: dict[str, list[Check]]
    trained: list[FindingRecord]
    next_step: str


def make_opening(run: RunFiles) -> Opening:
    """The first screen of a run's report."""
    metrics, checks = run.metrics, data_checks(run.findings)
    main = headline_metric(run)
    return Opening(
        title=page_title(run),
        asked=asked(run),
        headline=(HEADLINES[main], *_shown(main, run)),
        beside=[(label(m), *_shown(m, run)) for m in BESIDE[run.task.kind] if m != main and _known(m, run)],
        difference=difference_sentence(run),
        judged_on=judged_on(metrics),
        verdicts=verdicts(run.findings.verdict, checks),
        checks=checks,
        trained=[f for f in run.findings.findings if f.question == "training" and f.code != "healthy"],
        next_step=next_step(run),
    )


def judged_on(metrics: MetricsFile) -> str:
    """Who judged, and how often they had judged before."""
    who = f"{count(metrics.patients['test'])} {TEST_KINDS[metrics.test_kind]}"
    before = metrics.ledger.times_before
    return f"{who}; they judged {before} runs before" if before else who


def page_title(run: RunFiles) -> str:
    """The question in one line."""
    moment = run.dataset.prediction_moment
    return f"Predicting {named(run.task.targets).replace('_', ' ')}" + (
        f" {MOMENTS[moment]}" if moment in MOMENTS else ""
    )


def named(names: tuple[str, ...]) -> str:
    """Some names, and how many more.

    >>> named(("mortality", "readmission")), named(("a", "b", "c", "d", "e"))
    ('mortality, readmission', 'a, b, c, d and 1 more')
    """
    return ", ".join(names[:MANY]) + (f" and {len(names) - MANY} more" if len(names) > MANY else "")


def asked(run: RunFiles) -> list[tuple[str, str]]:
    """The terms of the question, each with its answer."""
    data, task = run.dataset, run.task
    events, dates = data.split.events, data.time_range
    moment = MOMENTS.get(data.prediction_moment or "", "not stated for every column")
    found = [
        ("Target", f"{named(task.targets)}: {_target_kind(task)}{_positive(task, data)}"),
        ("Predicted", moment),
        ("Patients", count(data.patients)),
        ("Rows", _rows(data)),
        ("Events", f"{_events(events['all'], data.rows)} ({task.classes[1]})" if events and task.classes else ""),
        ("Dates", f"{_month(dates[0])} to {_month(dates[1])}" if dates else "not given"),
        ("Split", data.split.how),
        ("No effect", "; ".join(f"{n.because} ({n.field})" for n in run.plan.no_effect)),
        ("Failed", "; ".join(f"{f.stage} ({f.error})" for f in run.metrics.failed)),
    ]
    return [(name, text) for name, text in found if text]


def _events(events: int, rows: int) -> str:
    """A count of events that tells neither few patients with the outcome nor few without.

    >>> _events(90, 240), _events(4, 240), _events(238, 240)
    ('90', 'fewer than 10', 'all but fewer than 10')
    """
    without = rows - events
    return f"all but {count(without)}" if 0 < without < FEWEST_PATIENTS else count(events)


def _target_kind(task: Task) -> str:
    kinds = {"regression": "a number", "count": "a count", "binary": "yes or no", "multilabel": "each yes or no"}
    kind = kinds.get(task.kind, f"one of {len(task.classes)} classes")
    return f"{kind}, in {task.unit}" if task.unit else kind


def _positive(task: Task, data: DatasetFile) -> str:
    """Which class is the positive one, and why; runs of earlier versions do not say why."""
    if task.kind != "binary" or not task.classes:
        return ""
    why = data.positive_reason
    return f"; positive is {task.classes[1]}" + (f" ({why})" if why else "")


def _rows(data: DatasetFile) -> str:
    if data.rows == data.patients:
        return f"{count(data.rows)}, one a patient"
    return f"{count(data.rows)}, {data.rows / max(data.patients, 1):.1f} a patient"


def _month(date: str) -> str:
    """A date without its day: the first and the last one are those of single patients.

    >>> _month("2008-03-17 00:00:00")
    '2008-03'
    """
    return date[:7] if date[4:5] == "-" else date[:4]


def headline_metric(run: RunFiles) -> str:
    """The metric that a clinician can hold on to: error in the target's unit, or how well cases are ranked."""
    if run.task.is_classification:
        return "auroc"
    return "mae" if len(run.task.targets) == 1 else "r2"


def _known(metric: str, run: RunFiles) -> bool:
    return metric in run.metrics.test and run.metrics.test[metric].is_defined


def _shown(metric: str, run: RunFiles) -> tuple[str, str]:
    value, interval = estimate_cells(run.metrics.test.get(metric))
    return f"{value}{with_unit(metric, run.task.unit)}", interval


def difference_sentence(run: RunFiles) -> str:
    """The paired difference to the best baseline, in one sentence."""
    d = run.metrics.difference
    metric, name = d.metric, contestant(d.baseline, run.task.is_classification)
    unit = with_unit(metric, run.task.unit)
    value, interval = estimate_cells(d)
    by = f"{value.removeprefix('−')}{unit}"
    beside = f"the best simpler way ({name[0].lower() + name[1:]})"
    side = "better" if d.value >= 0 else "worse"
    return (
        f"{label(metric)} {by} {side} than {beside}, 95 % interval of the gain {interval}; "
        f"a gain counts from {number(d.smallest_worthwhile)}{unit}."
    )


def verdicts(verdict: VerdictRecord, checks: dict[str, list[Check]]) -> dict[str, ShownAnswer]:
    """The three answers, each with a tone; nothing is green above an unanswered or doubtful "believable"."""
    believed = verdict.believable.answer == "yes" and not checks["failed"] and not checks["doubtful"]
    tones = {"yes": "good" if believed else "plain", "no": "bad", "unknown": "open"}
    answers = {"believable": verdict.believable, "well_trained": verdict.well_trained, "worth_it": verdict.worth_it}
    return {name: ShownAnswer(a.answer, a.reason, tones[a.answer]) for name, a in answers.items()}


def next_step(run: RunFiles) -> str:
    """The one thing to do now: what stands in the way of believing comes before what could be better."""
    alarms = [f for f in run.findings.findings if f.severity != "note"]
    said, difference_to = run.findings.verdict, run.metrics.difference.baseline
    unknown = [c.name for c in run.dataset.columns if c.known == "unknown" and c.role in FEATURES]
    for question in ("data", "training"):
        for finding in alarms:
            if finding.question == question and finding.remedies:
                return f"{finding.name}: {finding.remedies[0]}"
        if question == "data" and unknown:
            return (
                f"Say when each of the {len(unknown)} columns becomes known (rounds data TABLE --write roles.toml, "
                "then train with --roles roles.toml): until then a column from after the outcome cannot be ruled out."
            )
        if question == "data" and said.believable.answer != "yes":
            return "Have the data examined for leaks: until then, take none of the figures on this page for granted."
    if said.worth_it.answer == "no":
        return f"Use the simpler way ({difference_to}): the networks do not predict better by an amount that matters."
    if said.worth_it.answer == "unknown":
        return "Collect more patients: there are too few to tell the networks from the best simpler way."
    return "Judge it on patients of another hospital or a later year before anybody acts on its predictions."


FEATURES = ("numeric", "categorical", "boolean", "date")
