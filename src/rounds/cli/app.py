"""The program itself: what every command shares, and how each way to end becomes an exit status."""

import os
import sys

import typer

from rounds.errors import RoundsError

app = typer.Typer(
    name="rounds",
    help="Trains neural networks on patient data, says what is wrong with them, and proves what a remedy was worth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

INTERRUPTED = 130
BAD_INPUT = 2
ON_DISK = "everything up to the last epoch boundary is on disk. --resume goes on with it."


def main() -> None:
    """Runs a command; every refusal is one line on standard error and an exit status, never a traceback."""
    try:
        status = app(standalone_mode=False)
    except RoundsError as error:
        status = _refused(str(error), error.exit_status)
    except typer.Exit as stop:
        status = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        status = _refused(error.format_message(), BAD_INPUT)
    if status == INTERRUPTED:  # however Typer tells it: as an exception, or as a status of its own
        _refused(f"Interrupted: {ON_DISK}", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _refused(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status
