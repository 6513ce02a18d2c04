"""What stands in tables: scores, columns, exclusions, choices of the plan, findings, trials, and what was tried."""

from collections import Counter
from dataclasses import replace
from typing import Any

from rounds.examination.finding import read_finding
from rounds.examination.rates import rates_in_words
from rounds.examination.rules import rule_of
from rounds.examination.text import seen_in_words, thresholds_in_words
from rounds.plan.no_effect import OF_BUILT_IN_NETWORKS
from rounds.report.figures.findings import finding_figure
from rounds.report.figures.scores import scores_by_contestant
from rounds.report.run_files import RunFiles
from rounds.report.wording import (
    METRIC_TERMS,
    contestant,
    count,
    estimate_cells,
    label,
    share,
    stopped_in_words,
    with_unit,
)
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import EvidenceFile
from rounds.run_folder.findings import FindingRecord, FindingsFile
from rounds.run_folder.metrics import MetricsFile, RoundsRecord
from rounds.run_folder.stored import Content
from rounds.statistics.small_cells import FEWEST_PATIENTS, shown_cells

# Evidence that lists single rows or patients is shown as a count.
OF_PATIENTS = ("row", "rows", "patients", "identifiers", "groups", "examples")
LONGEST_LIST = 8


def scores(run: RunFiles) -> Content:
    """Every metric of every contestant."""
    found = scores_by_contestant(run.metrics)
    names = list(run.metrics.test)
    rows = [
        (contestant(who, run.task.is_classification), who == "network", [estimate_cells(s.get(m)) for m in names])
        for who, s in found.items()
    ]
    heads = [f"{label(m)}{f' ({u.strip()})' if (u := with_unit(m, run.task.unit)) else ''}" for m in names]
    meanings = [(label(m), METRIC_TERMS[m].meaning) for m in names if m in METRIC_TERMS]
    validation = [(h, estimate_cells(run.metrics.validation.get(m))) for h, m in zip(heads, names, strict=True)]
    return {"heads": heads, "rows": rows, "meanings": meanings, "validation": validation}


def columns(run: RunFiles) -> Content:
    """Columns with what they are taken for, and how the patients became fewer."""
    data = run.dataset
    rows = [
        {
            "name": c.name,
            "role": c.role,
            "unit": c.unit,
            "known": c.known,
            "reason": c.reason,
            "missing": share(c.missing_share, data.rows),
            "proposed": ", ".join(map(str, c.proposed_missing)),
        }
        for c in data.columns
    ]
    return {
        "columns": rows,
        "roles": Counter(c.role for c in data.columns),
        "flow": flow_rows(data, lost_people(run.evidence)),
        "parts": parts(run.metrics),
        "notes": data.notes,
    }


def lost_people(evidence: EvidenceFile | None) -> dict[str, int | None]:
    """Patients of whom nothing is left, by the reason for which rows were left out."""
    return {e.reason: e.patients for e in evidence.flow.excluded} if evidence and evidence.flow else {}


def flow_rows(data: DatasetFile, people: dict[str, int | None]) -> list[tuple[str, str, bool]]:
    """(what, rows, whether it is a loss) from the file to the rows that are used."""
    rows = [n for _, n in data.exclusions]
    shown = shown_cells(rows)
    lost = [
        (_with_people(reason, people.get(reason)), count(n) if is_shown or n < FEWEST_PATIENTS else "some", True)
        for (reason, _), n, is_shown in zip(data.exclusions, rows, shown, strict=True)
    ]
    # Where few rows were lost in all, the number read would tell how many.
    read = [] if 0 < sum(rows) < FEWEST_PATIENTS else [("rows read", count(data.rows_read), False)]
    return [*read, *lost, ("rows used", count(data.rows), False)]


def _with_people(reason: str, patients: int | None) -> str:
    """
    >>> _with_people("outcome not known", 120), _with_people("outcome not known", 0)
    ('outcome not known (with them all rows of 120 patients)', 'outcome not known')
    """
    return f"{reason} (with them all rows of {count(patients)} patients)" if patients else reason


def parts(metrics: MetricsFile) -> list[tuple[str, str, str]]:
    """(part, rows, patients) of the split; train and validation are those of one network."""
    names = {"train": "one network learns from", "validation": "validates it", "test": "judges"}
    return [(text, count(metrics.rows[p]), count(metrics.patients[p])) for p, text in names.items()]


def plan_section(run: RunFiles) -> Content:
    """Fields chosen for this data with the reason, the others at their default, and who does what; of a model of the
    user's own its layers, and none of the fields that describe those of built-in networks."""
    reasons, fields = run.plan.reasons, run.plan.fields
    chosen = [(name, value_text(fields[name]), reasons[name]) for name in fields if name in reasons]
    own_model = fields.get("network") == "keras"
    without = {*reasons, *(OF_BUILT_IN_NETWORKS if own_model else ())}
    others = [(name, value_text(value)) for name, value in fields.items() if name not in without]
    measured = run.tables["measures"]["layer"].unique(maintain_order=True).to_list() if own_model else []
    layers = [name for name in measured if name != "network"]
    beside = [[(name, value_text(new)) for name, (_, new) in other.items()] for other in run.plan.beside]
    return {"chosen": chosen, "others": others, "beside": beside, "rows_that": run.plan.rows_that, "layers": layers}


def value_text(value: Any) -> str:
    """A value of a plan or of evidence, short.

    >>> value_text([128, 128]), value_text(None), value_text(True), value_text(0.30000000000000004)
    ('128, 128', '–', 'yes', '0.3')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return "; ".join(f"{k}: {value_text(v)}" for k, v in list(value.items())[:LONGEST_LIST])
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value[:LONGEST_LIST])) + (" …" if len(value) > LONGEST_LIST else "")
    return str(value)


def findings(run: RunFiles) -> Content:
    """Findings, main cause first, those of populations before, and the rules that could not judge."""
    names = finding_names(run.findings)
    now = [{**_told(run, f, names), "id": f.code, "when": ""} for f in run.findings.findings]
    before = [
        {
            **_told(replace(run, population=f.round), f, names),
            "id": f"{f.look}-{f.code}",
            "when": f"found in round {f.look}, before what was kept",
        }
        for f in run.findings.earlier
    ]
    skipped = [{"name": _check_name(n.code), "reason": n.reason} for n in run.findings.not_applicable]
    return {"findings": now, "earlier": before, "not_judged": skipped}


def _check_name(code: str) -> str:
    rule = rule_of(code)
    return rule.check or rule.code if rule else code


def finding_names(record: FindingsFile) -> dict[str, str]:
    """What findings are called, by their codes."""
    return {f.code: f.name for f in (*record.earlier, *record.findings)}


def _told(run: RunFiles, finding: FindingRecord, names: dict[str, str]) -> Content:
    """A finding as its article shows it."""
    seen = read_finding(finding)
    return {
        **dict(finding),
        "evidence": evidence(finding.evidence),
        "picture": finding_figure(run, finding),
        "because": [names.get(c, c) for c in finding.follows_from],
        "rates": rates_in_words(finding.rates),
        "seen": seen_in_words(seen),
        "thresholds": thresholds_in_words(seen),
    }


def evidence(content: Content) -> list[tuple[str, str]]:
    """Evidence as (name, value); nothing that names a patient.

    >>> evidence({"validation_loss": 0.5, "patients": [17, 23]})
    [('validation loss', '0.5'), ('patients', 'fewer than 10 of them')]
    """
    return [(name.replace("_", " "), _evidence_value(name, value)) for name, value in content.items()]


def _evidence_value(name: str, value: Any) -> str:
    if name.lower() in OF_PATIENTS and isinstance(value, list | tuple | dict):
        return f"{count(len(value))} of them"
    return value_text(value)


def trials(run: RunFiles) -> Content | None:
    """Prescriptions with what became of them; None where none was tried."""
    if not run.prescriptions:
        return None
    names = finding_names(run.findings)
    made = [
        {
            "round": p.round,
            "finding": names.get(p.finding, p.finding),
            "verdict": p.verdict,
            "reason": p.reason,
            "remedy": p.remedy,
            "change": [(n, value_text(old), value_text(new)) for n, (old, new) in p.change.items()],
            "effect": "{} ({})".format(*estimate_cells(p.effect)) if p.effect else "–",
        }
        for p in run.prescriptions
    ]
    return {"trials": made}


def ensemble(metrics: MetricsFile) -> list[tuple[str, str]]:
    """How networks were averaged, what that was worth on judged patients, and what it costs."""
    made, gain = metrics.ensemble, metrics.gain_over_single
    if made.prediction is None or gain is None:
        return []
    facts = [("How they are averaged", f"{made.rule}: {made.reason}")]
    if made.greedy is not None:
        shown = "{} ({})".format(*estimate_cells(made.greedy.gain))
        facts.append((f"Greedy selection, gain in {label(made.greedy.metric)}", shown))
    facts.append(
        (f"Gain over the best single network in {label(gain.metric)}", "{} ({})".format(*estimate_cells(gain)))
    )
    seconds = [f"{1000 * made.prediction.seconds[who]:.0f} ms" for who in ("ensemble", "single_network")]
    facts.append((f"Time to predict {made.prediction.rows:,} rows", f"{seconds[0]}; one network alone {seconds[1]}"))
    return facts


def tried(run: RunFiles) -> Content:
    """What was tried to get here, how often these patients judged before, with which versions, in what time."""
    metrics, members = run.metrics, run.members
    outcomes = members.group_by("outcome").len().sort("len", descending=True).rows()
    before = metrics.ledger.times_before
    times = {None: "not known, the record of test reuse could not be read", 0: "never"}.get(before, f"{before} times")
    facts = [
        ("Networks trained", str(run.plan.members_trained or members.height)),
        ("of them for the predictor", ", ".join(f"{n} {outcome}" for outcome, n in outcomes)),
        ("Networks averaged in the predictor", str(metrics.members)),
        *ensemble(metrics),
        ("Configurations compared", str(metrics.configurations_tried)),
        *rounds_facts(metrics.rounds),
        *([("Given up early", stopped_in_words(metrics.stopped_early))] if metrics.stopped_early else []),
        ("Parameters of a network", ", ".join(f"{p:,}" for p in run.plan.parameters)),
        ("These patients judged before", times),
        ("Table", f"content hash {run.dataset.content_hash[:16]}"),
    ]
    seconds = [(name, f"{value:.1f} s") for name, value in metrics.seconds_by_stage.items()]
    total = f"{metrics.seconds:.1f} s" if metrics.seconds else "–"
    return {"facts": facts, "versions": metrics.versions, "seconds": [*seconds, ("in all", total)]}


def rounds_facts(rounds: RoundsRecord | None) -> list[tuple[str, str]]:
    """Rounds of examination and trial, and what became of their remedies.

    >>> some = {"examined": 2, "remedies_tried": 3, "remedies_kept": 1, "member_epochs_in_trials": 1200}
    >>> rounds_facts(RoundsRecord(**some))[1]
    ('Remedies tried', '3, of them 1 kept and 2 dropped')
    """
    if rounds is None:
        return []
    tried, kept = rounds.remedies_tried, rounds.remedies_kept
    said = f"{tried}, of them {kept} kept and {tried - kept} dropped" if tried else "none"
    spent = [("Epochs of single networks in trials", count(rounds.member_epochs_in_trials))] if tried else []
    return [("Times the networks were examined", str(rounds.examined)), ("Remedies tried", said), *spent]
