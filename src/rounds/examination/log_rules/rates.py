"""How often each rule for logs was right and wrong on simulated logs, as benchmarks/logs measured it (docs/ward.md)."""

import json
from functools import cache
from pathlib import Path

from rounds.examination.rates import Rates

MEASURED = Path(__file__).parent / "rates.json"


@cache
def _measured() -> dict[str, Rates]:
    content: dict[str, Rates] = json.loads(MEASURED.read_text(encoding="utf-8"))["rules"]
    return content


def log_rates(code: str) -> Rates:
    """{"hits": [said, logs with a fault it should name], "alarms": [alarms, logs on which it should not]}; empty where
    the rule was not measured."""
    return _measured().get(code, {})
