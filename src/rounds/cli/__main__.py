"""`python -m rounds.cli` is the `rounds` command."""

from rounds.cli import main

main()
