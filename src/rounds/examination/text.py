"""An examination for the terminal: three answers, then each finding with its numbers and what to do."""

import textwrap

from rounds.examination.finding import Examination, Finding
from rounds.examination.rates import rates_in_words

WIDTH = 110
MOST_LISTED = 8  # networks by number


def examination_text(found: Examination) -> str:
    """Plain text, no wider than WIDTH.

    >>> from rounds.examination.finding import Answer, Verdict
    >>> yes = Answer("yes", "tried")
    >>> print(examination_text(Examination((), (), Verdict(yes, yes, yes))))
    Can the number be believed: yes (tried).
    Was it trained well: yes (tried).
    Was it worth it: yes (tried).
    """
    questions = (
        ("Can the number be believed", found.verdict.believable),
        ("Was it trained well", found.verdict.well_trained),
        ("Was it worth it", found.verdict.worth_it),
    )
    answers = [_wrapped(f"{asked}: {said.answer} ({said.reason.rstrip('.')}).", "") for asked, said in questions]
    blocks = ["\n".join(answers), *(finding_text(f) for f in found.findings)]
    if found.not_applicable:
        lines = [_wrapped(f"{code}: {reason}", "  ") for code, reason in found.not_applicable]
        blocks.append("Could not be judged:\n" + "\n".join(lines))
    return "\n\n".join(blocks)


def finding_text(finding: Finding) -> str:
    """A finding in a few lines."""
    lines = [f"{finding.severity}: {finding.code} ({finding.name}; confidence {finding.confidence:.2f})"]
    lines.append(_wrapped(finding.explanation, "  "))
    lines += [_wrapped(said, "  ") for said in (seen_in_words(finding), thresholds_in_words(finding)) if said]
    if finding.follows_from:
        lines.append(f"  follows from: {', '.join(finding.follows_from)}")
    lines += [_wrapped(f"{number}. {remedy}", "    ") for number, remedy in enumerate(finding.remedies, 1)]
    lines += [_wrapped(said, "  ")] if (said := rates_in_words(finding.rates)) else []
    return "\n".join(lines)


def seen_in_words(finding: Finding) -> str:
    """Where it was seen; empty where that is not of networks.

    >>> from dataclasses import replace
    >>> lost = Finding("training", "diverged", "The loss is lost", "error", "Lost.", members=(3,), epoch=2)
    >>> seen_in_words(lost), seen_in_words(replace(lost, members=(1, 2, 5), epoch=0))
    ('Seen in network 3, from epoch 2.', 'Seen in networks 1, 2, 5, before the first step.')
    """
    if not finding.members:
        return ""
    listed = ", ".join(map(str, finding.members[:MOST_LISTED]))
    more = f" and {len(finding.members) - MOST_LISTED} more" if len(finding.members) > MOST_LISTED else ""
    since = (
        "" if finding.epoch is None else f", from epoch {finding.epoch}" if finding.epoch else ", before the first step"
    )
    return f"Seen in {'networks' if len(finding.members) > 1 else 'network'} {listed}{more}{since}."


def thresholds_in_words(finding: Finding) -> str:
    """What its rule stands on.

    >>> from rounds.examination.finding import Threshold
    >>> rise = Threshold("rise", 0.05, "share of the constant's loss")
    >>> thresholds_in_words(Finding("training", "overfitting", "By heart", "error", "Rose.", thresholds=(rise,)))
    "Thresholds: rise 0.05 (share of the constant's loss)."
    """
    said = "; ".join(f"{t.name} {t.value:g} ({t.unit})" for t in finding.thresholds)
    return f"Thresholds: {said}." if said else ""


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent or "  ")
