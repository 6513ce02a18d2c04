"""A file a command, or for two that belong together: it reads its words, calls one function, prints one record.

Read first: predict.py.
"""

from rounds.cli.commands import (
    audit,
    check_gradient,
    compare,
    data,
    evaluate,
    examine,
    export,
    graph,
    layouts,
    predict,
    privacy,
    report,
    train,
    watch,
)

__all__ = [
    "audit",
    "check_gradient",
    "compare",
    "data",
    "evaluate",
    "examine",
    "export",
    "graph",
    "layouts",
    "predict",
    "privacy",
    "report",
    "train",
    "watch",
]
