"""Logs that are still Python objects: recognised by what they have, so that no framework is imported."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rounds.examination.logs.json_files import read_json
from rounds.examination.logs.read import Logs, logs_of
from rounds.examination.logs.runs import Choice
from rounds.examination.logs.table import LogTable


def is_log_object(source: Any) -> bool:
    """Whether it is a History of Keras, a ScoringMonitor of scikit-learn, or plain dicts and lists."""
    return isinstance(source, dict | list) or hasattr(source, "get_logs") or isinstance(_history(source), dict)


def read_log_objects(sources: Sequence[Any], choice: Choice | None = None) -> Logs:
    """Raises DataError where no loss or score is in them."""
    return logs_of([table for source in sources for table in _tables(source)], choice, "the objects")


def _tables(source: Any) -> list[LogTable]:
    if hasattr(source, "get_logs"):
        logs = source.get_logs(select="all")
        found = [_json_tables(log.estimator_name, log.data) for log in logs]
        return [table for tables in found for table in tables]
    history = _history(source)
    return _json_tables("history", source if history is None else history)


def _history(source: Any) -> Any:
    return getattr(source, "history", None)


def _json_tables(name: str, content: Any) -> list[LogTable]:
    return read_json(Path(name), json.dumps(content, default=_plain))


def _plain(value: Any) -> Any:
    """Numbers of NumPy as Python's, and what else JSON does not know as text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, Iterable) else str(value)
