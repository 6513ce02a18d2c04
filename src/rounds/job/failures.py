"""What goes wrong after training: the networks stay, and a file in the run folder says what failed and where."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rounds.errors import RunFolderError, TrainingError
from rounds.files import write_whole
from rounds.run_folder.metrics import FailedStage

FAILURES = "failures.txt"
ON_DISK = (
    f"The trained networks and their curves are in the run folder, and {FAILURES} says where it failed. Hand that file "
    "to whoever maintains Rounds; --resume tries the rest again, without training"
)


@dataclass
class Failures:
    """Stages of a run that failed, in their order, as {"stage", "error"}.

    A disk that cannot be written and networks that all diverged say so themselves: their errors pass.
    """

    folder: Path
    records: list[FailedStage] = field(default_factory=list)

    @contextmanager
    def passed_over(self, stage: str) -> Iterator[None]:
        """A stage that others can do without: what fails in it is written down, and the run goes on."""
        try:
            yield
        except (RunFolderError, TrainingError):
            raise
        except Exception as error:
            self.note(stage, error)

    @contextmanager
    def needed(self, stage: str) -> Iterator[None]:
        """A stage without which there is no result: what fails in it is written down, and ends the run in a sentence.

        Raises TrainingError.
        """
        try:
            yield
        except (RunFolderError, TrainingError):
            raise
        except Exception as error:
            self.note(stage, error)
            what = stage[0].upper() + stage[1:]
            raise TrainingError(what, "done without an error", name="error", got=said(error), advice=ON_DISK) from error

    def note(self, stage: str, error: Exception) -> None:
        """Writes down what failed, with its traceback."""
        self.records.append(FailedStage(stage=stage, error=said(error)))
        path = self.folder / FAILURES
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        write_whole(path, f"{before}{stage} failed:\n{''.join(traceback.format_exception(error))}\n")


def said(error: Exception) -> str:
    """An error in one line.

    >>> said(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    return " ".join(f"{type(error).__name__}: {error}".split())
