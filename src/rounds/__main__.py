"""`python -m rounds` is the `rounds` command."""

from rounds.cli import main

if __name__ == "__main__":
    main()
