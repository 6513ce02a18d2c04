"""What an examination of logs says beyond one of Rounds' own runs: a row for every run, and what was left out."""

from dataclasses import asdict, dataclass
from typing import Any

from rounds.examination.finding import Examination
from rounds.examination.log_rules.run_row import RunRow
from rounds.examination.logs.logged_run import LoggedRun


@dataclass(frozen=True, repr=False)
class LogExamination(Examination):
    """rows: the best run first; left_out: (file, why); together: "folds" or "seeds" where runs are of one
    configuration, and `spread` what they say of it; runs: what was read, by number."""

    rows: tuple[RunRow, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    together: str = ""
    spread: str = ""
    runs: tuple[LoggedRun, ...] = ()

    def record(self) -> dict[str, Any]:
        """The record of an examination, with the runs, the best first."""
        left_out = [{"file": name, "reason": reason} for name, reason in self.left_out]
        rows = [{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(row).items()} for row in self.rows]
        return {**super().record(), "runs": rows, "left_out": left_out, "together": self.together or None}
