"""The command line: every command reads its words, calls one function, prints one record."""

from rounds.cli import data, plan, predict, report, train
from rounds.cli.app import app, main

__all__ = ["app", "data", "main", "plan", "predict", "report", "train"]
