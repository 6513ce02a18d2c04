"""What an examination of logs says beyond one of Rounds' own runs: a row for every run, and what was left out."""

from dataclasses import dataclass

from rounds.examination.finding import Examination
from rounds.examination.log_rules.run_row import RunRow
from rounds.examination.logs.logged_run import LoggedRun
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.stored import Part


class LeftOutFile(Part):
    """A file that is no log, or holds no curve, and why."""

    file: str
    reason: str


class LogFindings(FindingsFile):
    """findings.json of logs."""

    runs: tuple[RunRow, ...]
    left_out: tuple[LeftOutFile, ...]
    together: str | None


@dataclass(frozen=True, repr=False)
class LogExamination(Examination):
    """rows: the best run first; left_out: (file, why); together: "folds" or "seeds" where runs are of one
    configuration, and `spread` what they say of it; runs: what was read, by number."""

    rows: tuple[RunRow, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    together: str = ""
    spread: str = ""
    runs: tuple[LoggedRun, ...] = ()

    def record(self) -> LogFindings:
        """The record of an examination, with the runs, the best first."""
        record = super().record()
        return LogFindings(
            **{name: getattr(record, name) for name in record.model_fields_set},
            runs=self.rows,
            left_out=tuple(LeftOutFile(file=name, reason=reason) for name, reason in self.left_out),
            together=self.together or None,
        )
