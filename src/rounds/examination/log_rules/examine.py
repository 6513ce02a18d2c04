"""Logs examined: every run by itself, by the rules for logs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from rounds.examination.finding import Answer, Finding, NotApplicable, Seen, Verdict, healthy
from rounds.examination.log_rules.examination import LogExamination
from rounds.examination.log_rules.rates import log_rates
from rounds.examination.log_rules.run_row import run_row, sorted_by_best
from rounds.examination.log_rules.several import Together, of_configuration, rates_too_high, spread, taken_together
from rounds.examination.logs.logged_run import LoggedRun
from rounds.examination.logs.read import Logs
from rounds.examination.rule import Rule
from rounds.examination.rules import rules_of_logs

CANNOT_BE_TOLD = "cannot-be-told"


def examine_logs(logs: Logs, together: Together | None = None) -> LogExamination:
    """Every run judged by itself, then side by side where they are folds or seeds of one configuration.

    together: what they are, where the user says so; else the logs are asked.
    """
    judged = [examine_log(run, number) for number, run in enumerate(logs.runs)]
    rows = tuple(run_row(i, run, found) for i, (run, (found, _)) in enumerate(zip(logs.runs, judged, strict=True)))
    findings = [finding for found, _ in judged for finding in found]
    together = together or taken_together(logs.runs)
    if together and len(logs.runs) > 1:
        findings = list(of_configuration(findings, len(logs.runs), together))
    if (sweep := rates_too_high(logs.runs)) is not None:
        findings.append(sweep)
    ordered = in_order(findings)
    return LogExamination(
        ordered,
        tuple(dict.fromkeys(reason for _, absent in judged for reason in absent)),
        _verdict(ordered),
        tuple(run.name for run in logs.runs),
        rows=sorted_by_best(rows),
        left_out=logs.left_out,
        together=together or "",
        spread=spread(logs.runs) if together else "",
        runs=logs.runs,
    )


def examine_log(run: LoggedRun, member: int = 0) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """(findings of one run, what to act on first; (code, reason) of rules that could not judge)."""
    with np.errstate(all="ignore"):
        asked = [(rule, rule.ask(run)) for rule in rules_of_logs()]
    absent = tuple((rule.code, said.reason) for rule, said in asked if isinstance(said, NotApplicable))
    seen = {rule.code: (rule, said) for rule, said in asked if isinstance(said, Seen)}
    found = [_finding(rule, said, member, seen) for rule, said in seen.values()]
    if not any(f.alarms or f.code == CANNOT_BE_TOLD for f in found):
        found.append(_healthy(len(asked) - len(absent), member))
    return in_order(found), absent


def in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Alarms first, causes before what follows from them, in the order of the rules; `healthy` before notes."""
    place = {rule.code: i for i, rule in enumerate(rules_of_logs())}
    return tuple(sorted(found, key=lambda f: (not f.alarms, bool(f.follows_from), place.get(f.code, -1), f.members)))


def _finding(rule: Rule[LoggedRun], said: Seen, member: int, seen: Mapping[str, object]) -> Finding:
    made = rule.finding(replace(said, members=(member,)))
    return replace(made, follows_from=tuple(code for code in rule.causes if code in seen), rates=log_rates(rule.code))


def _healthy(rules: int, member: int) -> Finding:
    words = f"None of the {rules} rules that could judge this log found anything that asks for a change."
    return replace(healthy(words, {"rules": rules}, 0.5), members=(member,))


def _verdict(findings: tuple[Finding, ...]) -> Verdict:
    unknown = (
        Answer("unknown", "a log says nothing of the data"),
        Answer("unknown", "nothing was judged beside a baseline"),
    )
    alarms = [f for f in findings if f.alarms]
    said = (
        Answer("no", f"{alarms[0].name}: {alarms[0].explanation}")
        if alarms
        else Answer("unknown", "by losses and scores alone")
    )
    return Verdict(unknown[0], said, unknown[1])
