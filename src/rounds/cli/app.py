"""The program itself: what every command shares, and how each way to end becomes an exit status."""

import os
import sys
from importlib.metadata import version as package_version
from typing import Annotated

import typer

from rounds.errors import RoundsError

app = typer.Typer(
    name="rounds",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
BAD_INPUT, FAILED = 2, 1
OUT_OF_MEMORY = (
    "Memory must be enough for the networks and the data, got less. Take smaller networks (--set hidden=64,64), "
    "smaller minibatches (--set batch_size=32), fewer networks (--members), or a machine with more."
)
NOTHING_WRITTEN = "no file was written."  # all other commands write theirs whole, at the end
ON_DISK = "everything up to the last epoch boundary is on disk. --resume goes on with it."


FIRST_STEPS = """\
Rounds trains neural networks on patient data, says what is wrong with them, and proves what a remedy was worth.

  rounds train diabetes                                  try it on patients that come with Rounds
  rounds data stays.csv                                  what each column of your table is taken for
  rounds train stays.csv --target length_of_stay --group patient_id
  rounds examine training.log                            what is wrong with a training of another tool

rounds --help lists all commands, rounds COMMAND --help what one takes."""


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version of Rounds")] = False,
) -> None:
    """Trains neural networks on patient data, says what is wrong with them, and proves what a remedy was worth."""
    if version:
        print(f"rounds {package_version('rounds')}")
    elif context.invoked_subcommand is None:
        print(FIRST_STEPS)


def main() -> None:
    """Runs a command; every refusal is one line on standard error and an exit status, never a traceback."""
    try:
        status = app(standalone_mode=False)
    except RoundsError as error:
        status = _refused(" ".join(str(error).splitlines()), error.exit_status)  # a column's name may hold a new line
    except typer.Exit as stop:
        status = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        if _is_out_of_memory(error):
            status = _refused(OUT_OF_MEMORY, FAILED)
        elif hasattr(error, "format_message"):
            status = _refused(f"{error.format_message()}{_hint(error)}", BAD_INPUT)
        else:
            raise
    if status == INTERRUPTED:  # however Typer tells it: as an exception, or as a status of its own
        _refused(f"Interrupted: {ON_DISK if sys.argv[1:2] == ['train'] else NOTHING_WRITTEN}", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _hint(error: Exception) -> str:
    """Where a word that is no option is a field of the plan: how fields are set."""
    from rounds.plan import Plan

    name = str(getattr(error, "option_name", "")).lstrip("-").replace("-", "_")
    return f" Fields of the plan are set by --set {name}=VALUE." if name in Plan.model_fields else ""


def _is_out_of_memory(error: Exception) -> bool:
    """Python's error, or JAX's, which is told by its first word so that JAX need not be imported."""
    return isinstance(error, MemoryError) or str(error).startswith("RESOURCE_EXHAUSTED")


def _refused(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status
