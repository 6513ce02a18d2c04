"""The program itself: what every command shares, and how each way to end becomes an exit status."""

import errno
import os
import signal
import sys
from contextlib import suppress
from importlib.metadata import version as package_version
from itertools import dropwhile, islice
from types import FrameType
from typing import Annotated

import typer

from rounds.cli.readable import say
from rounds.errors import RoundsError, TrainingError

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
OUTPUT_ADVICE = "Free some space, or write elsewhere"
FAULT = (
    "Rounds failed, and should have said why: {}: {}. Report it, with what ROUNDS_TRACEBACK=1 before the command shows."
)
SHOW_TRACEBACK = "ROUNDS_TRACEBACK"
_SAID_OF_MEMORY = ("RESOURCE_EXHAUSTED", "failed to map segment", "cannot allocate memory", "Cannot allocate memory")
NOTHING_WRITTEN = "no file was written."  # all other commands write theirs whole, at the end
ON_DISK = "everything up to the last epoch boundary is on disk. --resume goes on with it."


# Address space that the libraries of a command take before there is any data, measured: below, they end the process.
LEAST_MEMORY = {"train": 2_500_000_000}
ENDING = ("SIGTERM", "SIGHUP", "SIGINT")
LEAST_OF_OTHERS = 1_600_000_000


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
    _open_streams()
    _end_as_interrupted()
    try:
        status = _status_of_command()
        sys.stdout.flush()
    except BrokenPipeError:
        status = 0
        _close_output()
    except OSError as error:
        status = _refused_by_system(error)
    sys.exit(status)


def _status_of_command() -> int:
    try:
        _refuse_little_memory()
        status = app(standalone_mode=False)
    except RoundsError as error:
        return _refused(str(error), error.exit_status)
    except typer.Exit as stop:
        status = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except OSError:
        raise
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit) or os.environ.get(SHOW_TRACEBACK):
            raise
        return _refused(*_failure(error))
    if status == INTERRUPTED:  # however Typer tells it: as an exception, or as a status of its own
        return _refused(f"Interrupted: {ON_DISK if sys.argv[1:2] == ['train'] else NOTHING_WRITTEN}", INTERRUPTED)
    return status if isinstance(status, int) else 0


def _refuse_little_memory() -> None:
    """Raises TrainingError where a limit of the shell leaves too little for the libraries, which end without a word."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    least = LEAST_MEMORY.get(next(iter(sys.argv[1:2]), ""), LEAST_OF_OTHERS)
    if limit != resource.RLIM_INFINITY and limit < least:
        raise TrainingError(
            "Limit of address space",
            f"at least {least / 1e9:g} GB for the libraries that this command loads",
            name="ulimit -v",
            got=f"{limit / 1e9:.2g} GB",
            advice="Raise it (ulimit -v unlimited) and run the command again",
        )


def _hint(error: BaseException) -> str:
    """Where a word that is no option is a field of the plan: how fields are set."""
    from rounds.plan import Plan

    name = str(getattr(error, "option_name", "")).lstrip("-").replace("-", "_")
    if name not in Plan.model_fields:
        return ""
    words = dropwhile(lambda word: word.lstrip("-").replace("-", "_") != name, sys.argv)
    value = next((word for word in islice(words, 1, 2) if not word.startswith("-")), "VALUE")
    return f" It is a field of the plan: --set {name}={value}."


def _refused_by_system(error: OSError) -> int:
    """What the operating system refuses: a file by its name, else the output."""
    reason = error.strerror or str(error)
    if error.errno == errno.EMFILE:
        advice = "Raise the limit (ulimit -n 1024) and run the command again; train goes on with --resume"
        full = RoundsError("Limit of open files", "enough for a command", name="error", got=reason, advice=advice)
        return _refused(str(full), FAILED)
    if error.filename is not None:
        advice = "Check the path, and who may read it"
        unread = RoundsError("File", "one that can be read", file=f"{error.filename} ({reason})", advice=advice)
        return _refused(str(unread), BAD_INPUT)
    _close_output()
    closed = RoundsError("Output", "a place that can be written", name="error", got=reason, advice=OUTPUT_ADVICE)
    return _refused(str(closed), FAILED)


def _failure(error: BaseException) -> tuple[str, int]:
    """What is said of an error that no command refused, and its exit status."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in _SAID_OF_MEMORY):
        return OUT_OF_MEMORY, FAILED
    if hasattr(error, "format_message"):
        return f"{str(error.format_message()).rstrip('.')}.{_hint(error)}", BAD_INPUT
    first = next(iter(str(error).splitlines()), "")
    return FAULT.format(type(error).__name__, first), FAILED


def _open_streams() -> None:
    """Standard output and error that take every letter, even where they are closed or know ASCII alone."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open until the end)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _end_as_interrupted() -> None:
    """Lets SIGTERM and SIGHUP, which clusters and closed terminals send, end a command as Ctrl-C does."""
    for name in ENDING:
        number = getattr(signal, name, None)
        usual = (signal.SIG_DFL, signal.default_int_handler)  # nohup has it ignored
        if number is not None and signal.getsignal(number) in usual:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for name in ENDING:  # the first is enough: a second would break off what the first has to save
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _already_ending)
    raise KeyboardInterrupt


def _already_ending(number: int, frame: FrameType | None) -> None:
    """Nothing: a signal that is ignored outright may be on its way, of which Python would complain."""


def _close_output() -> None:
    """Nothing more is written where nobody reads, so that Python does not say so once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _refused(text: str, status: int) -> int:
    with suppress(OSError):
        say(" ".join(text.splitlines()), error=True)  # a column's name may hold a new line
    return status
