"""The command line: every command reads its words, calls one function, prints one record.

Read first: app.py.
"""

from rounds.cli import (
    audit,
    check_gradient,
    clean,
    compare,
    data,
    evaluate,
    examine,
    export,
    graph,
    plan,
    predict,
    privacy,
    report,
    schema,
    train,
    watch,
)
from rounds.cli.app import app, main

__all__ = [
    "app",
    "audit",
    "check_gradient",
    "clean",
    "compare",
    "data",
    "evaluate",
    "examine",
    "export",
    "graph",
    "main",
    "plan",
    "predict",
    "privacy",
    "report",
    "schema",
    "train",
    "watch",
]
