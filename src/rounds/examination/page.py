"""The page of findings: every rule in the words and with the thresholds that it runs on."""

from typing import Any

from rounds.examination.finding import HEALTHY, Threshold
from rounds.examination.harm import HARM_THRESHOLDS
from rounds.examination.log_rules.rates import log_rates
from rounds.examination.rates import Rates, rates_in_words, rates_of
from rounds.examination.rule import Rule
from rounds.examination.rules import every_rule, rules_of_logs

_QUESTIONS = {
    "data": "Can the number be believed",
    "training": "Was it trained well",
    "worth": "Was it worth it",
}
_SHOWN_BY_GOOD_PLANS = " and ".join(f"`{rule.code}`" for rule in every_rule() if rule.in_good_plans)
_HEAD = f"""# Findings

<!-- Made from the rules themselves: python -m rounds.examination.page > docs/findings.md -->

What `rounds examine` can say, question by question, causes before symptoms. A finding is an `error`, a `warning`, or
a `note`; notes ask for nothing to be done. Where a rule cannot judge a run it says so and why (`not_applicable`): that
is not the same as fine. A share "of the constant's loss" is a share of the loss of always predicting the same.

Severity follows measured harm. What is odd and cost nothing is a note; it becomes an error where the networks are known
to be worse than they should be: where their loss was lost; where a linear model of the same inputs is ahead, by the
mean of what the validation patients of the same folds say of single networks and what judged patients say of all of
them together (by somewhat more for {_SHOWN_BY_GOOD_PLANS}, of which good plans show something too); where judged
patients put them behind the trees; or, with no linear model to tell, where they remove next to nothing of the
constant's loss on validation patients. Where patients of another site or time judge, as was meant, validation patients
alone say it: the others tell how far networks travel.
"""
_HEALTHY = f"""## `{HEALTHY}`: nothing found

No rule alarms. The finding says how many rules looked at how many networks; those that could not judge are listed
apart.
"""


_LOGS = """# Of trainings that another tool logged

A log holds losses and scores, and nothing of what happened inside: these rules read what is there. [Logs](logs.md) says
how.
"""


def findings_page() -> str:
    """docs/findings.md.

    >>> findings_page().splitlines()[0]
    '# Findings'
    """
    parts = [_HEAD, *_threshold_table(HARM_THRESHOLDS)]
    for question, title in _QUESTIONS.items():
        parts.append(f"# {title}\n")
        asked = [rule for rule in every_rule() if rule.question == question]
        parts += [_rule_text(rule, rates_of(rule.code), "[the ward](ward.md)") for rule in asked]
    logs = [_LOGS, *(_rule_text(rule, log_rates(rule.code), "[Logs](logs.md)") for rule in rules_of_logs())]
    return "\n".join([*parts, _HEALTHY, *logs])


def _rule_text(rule: Rule[Any], rates: Rates, measured: str) -> str:
    lines = [f"## `{rule.code}`: {rule.name[0].lower()}{rule.name[1:]}", "", f"**How it is detected.** {rule.how}", ""]
    lines += _threshold_table(rule.thresholds)
    lines += [f"**Why it matters.** {rule.why}", "", "**What to do.**", ""]
    lines += [f"{number}. {remedy}" for number, remedy in enumerate(rule.remedies, 1)] + [""]
    if said := rates_in_words(rates):
        lines += [f"**How often it is right.** {said} See {measured}.", ""]
    if rule.needs:
        lines += [f"Needs {'; '.join(need.words for need in rule.needs)}.", ""]
    if rule.causes:
        lines += [f"May follow from: {', '.join(f'`{code}`' for code in rule.causes)}.", ""]
    return "\n".join(lines)


def _threshold_table(thresholds: tuple[Threshold, ...]) -> list[str]:
    if not thresholds:
        return []
    rows = [_threshold_row(t) for t in thresholds]
    return ["| threshold | value | of what | source |", "| --- | --- | --- | --- |", *rows, ""]


def _threshold_row(threshold: Threshold) -> str:
    cells = (threshold.name, f"{threshold.value:g}", threshold.unit, threshold.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(findings_page(), end="")
