"""The command line: every command reads its words, calls one function, prints one record."""

from rounds.cli import check_gradient, data, evaluate, examine, plan, predict, report, train
from rounds.cli.app import app, main

__all__ = ["app", "check_gradient", "data", "evaluate", "examine", "main", "plan", "predict", "report", "train"]
