"""How often each rule was right and wrong on the ward, as benchmarks/ward measured it (docs/ward.md)."""

import json
from functools import cache
from pathlib import Path

MEASURED = Path(__file__).parent / "ward.json"
Rates = dict[str, list[int]]


@cache
def _measured() -> dict[str, Rates]:
    content: dict[str, Rates] = json.loads(MEASURED.read_text(encoding="utf-8"))["rules"]
    return content


def rates_of(code: str) -> Rates:
    """{"hits": [alarms, runs with a fault it should name], "alarms": [alarms, runs without a fault]}; empty where the
    rule was not measured."""
    return _measured().get(code, {})


def rates_in_words(rates: Rates) -> str:
    """One sentence on a rule's measured rates; empty where there are none.

    >>> rates_in_words({"hits": [9, 10], "alarms": [1, 200]})
    'On runs with faults planted on purpose it was said of 9 in 10 with such a fault, and of 1 in 200 without any.'
    """
    if not rates:
        return ""
    hits, runs = rates["hits"]
    alarms, controls = rates["alarms"]
    planted = f"of {hits:,} in {runs:,} with such a fault, and " if runs else ""
    return f"On runs with faults planted on purpose it was said {planted}of {alarms:,} in {controls:,} without any."
