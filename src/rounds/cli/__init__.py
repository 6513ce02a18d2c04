"""The command line: a file a command in `commands`, and what they share.

Read first: app.py.
"""

from rounds.cli import commands
from rounds.cli.app import app, main

__all__ = ["app", "commands", "main"]
