"""The command line: a file a command in `commands`, and what they share.

Read first: app.py.
"""

from rounds.cli import commands
from rounds.cli.app import app, main
from rounds.cli.help import with_help

with_help(app)

__all__ = ["app", "commands", "main"]
