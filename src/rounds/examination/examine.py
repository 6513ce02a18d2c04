"""The examination itself: every rule asked, findings put in order, three answers given."""

from dataclasses import replace

import numpy as np

from rounds.examination.data_rules.names import outcome_names
from rounds.examination.finding import (
    BY_HARM,
    SEVERITIES,
    Answer,
    Examination,
    Finding,
    NotApplicable,
    Seen,
    Verdict,
    healthy,
)
from rounds.examination.follow import Found, following, ground
from rounds.examination.harm import weighed
from rounds.examination.rule import FAILED
from rounds.examination.rules import every_rule, rules_of_training
from rounds.examination.run import Run
from rounds.statistics.differences import worth_it


def examine_run(run: Run) -> Examination:
    """Everything that the rules say of a run, main cause first; a single `healthy` where nothing alarms."""
    with np.errstate(all="ignore"):  # a loss that is lost makes shares of it nan, and nan passes no threshold
        asked = {rule.code: (rule, rule.ask(run)) for rule in rules_of_training()}
    found_by = {code: (rule, said) for code, (rule, said) in asked.items() if isinstance(said, Seen)}
    alone = all(rule.in_good_plans for rule, said in found_by.values() if said.severity == BY_HARM)
    seen = {code: (rule, weighed(run, said, alone)) for code, (rule, said) in found_by.items()}
    absent = tuple((code, said.reason) for code, (_, said) in asked.items() if isinstance(said, NotApplicable))
    follows = following(run, seen)
    found = [
        _from_causes(run, seen, follows[code], rule.finding(said, run.round)) for code, (rule, said) in seen.items()
    ]
    findings = _in_order([*run.data_findings, *found])
    if not any(f.alarms for f in findings):
        findings = (_healthy(run, len(asked) - len(absent)), *findings)
    everything = (*run.data_not_applicable, *absent)
    return Examination(findings, everything, _verdict(run, findings))


def _from_causes(run: Run, seen: Found, causes: tuple[str, ...], finding: Finding) -> Finding:
    words = finding.explanation + ground(run, causes, seen)
    return replace(finding, follows_from=causes, explanation=words)


def _in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Data before training before worth; alarms before notes; causes before what follows from them. First comes what no
    score can be believed beside."""
    questions = ("data", "training", "worth")
    place = {rule.code: rule.place for rule in rules_of_training()}
    place |= {rule.code: -2 for rule in every_rule() if rule.refutes_score}

    def key(f: Finding) -> tuple[int, int, int, int, int]:
        rank = SEVERITIES.index(f.severity)
        return (not f.alarms, questions.index(f.question), len(f.follows_from) > 0, place.get(f.code, -1), rank)

    return tuple(sorted(findings, key=key))


def _healthy(run: Run, rules: int) -> Finding:
    total = len(rules_of_training())
    members, epochs = len(run.curves), max(len(c.epochs) for c in run.curves)
    words = (
        f"{rules} of {total} rules looked at {members} {'networks' if members > 1 else 'network'} over {epochs} "
        f"{'epochs' if epochs > 1 else 'epoch'} and found nothing to be done."
    )
    evidence = {"rules": rules, "members": members, "epochs": epochs}
    return healthy(words, evidence, round(rules / total, 2), run.round)


def _verdict(run: Run, findings: tuple[Finding, ...]) -> Verdict:
    return Verdict(believable(run, findings), _well_trained(findings), _worth(run))


def believable(run: Run, findings: tuple[Finding, ...]) -> Answer:
    """No where a data rule found an error, or patients on both sides; unknown while one warns, or anything was not
    checked or not declared."""
    refuting = {rule.code for rule in every_rule() if rule.refutes_score}
    about_data = [f for f in findings if f.question == "data"]
    against = [f for f in about_data if f.severity == "error" or (f.alarms and f.code in refuting)]
    if against:
        return Answer("no", f"{against[0].name}: {against[0].explanation}")
    if run.dataset is None or not run.data_examined:
        return Answer("unknown", "the data were not examined")
    warnings = [f for f in about_data if f.severity == "warning"]
    if warnings:
        return Answer("unknown", f"{warnings[0].name}: {warnings[0].explanation}")
    failed = [code for code, reason in run.data_not_applicable if reason.startswith(FAILED)]
    if failed:
        return Answer("unknown", f"not everything was checked: {failed[0]} failed")
    features = [c for c in run.dataset.columns if c.role in ("numeric", "categorical", "boolean")]
    unknown = [c.name for c in features if c.known == "unknown"]
    if unknown:
        first = outcome_names(unknown)
        shown = ", ".join([*first, *(name for name in unknown if name not in first)][:5])
        share = f"{len(unknown)} of {len(features)} columns"
        return Answer("unknown", f"{share} do not say when their value is known: {shown}")
    return Answer("yes", "no leak was found, and every column is declared as known at the moment of prediction")


def _well_trained(findings: tuple[Finding, ...]) -> Answer:
    alarms = [f for f in findings if f.question == "training" and f.alarms]
    if alarms:
        return Answer("no", f"{alarms[0].name}: {alarms[0].explanation}")
    return Answer("yes", "no rule found anything in the curves and measures")


def _worth(run: Run) -> Answer:
    if run.metrics is None:
        return Answer("unknown", "nothing was judged beside a baseline")
    said = worth_it(run.metrics.difference)
    return Answer(said.answer, said.reason)
