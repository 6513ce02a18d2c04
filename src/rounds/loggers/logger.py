"""What a logger receives, whatever tool it writes for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

# What of a run folder is handed on: aggregates, and nothing of a single patient.
ARTEFACTS = ("report.html", "plan.json", "findings.json", "prescriptions.json", "metrics.json")


@dataclass(frozen=True)
class LoggedMember:
    """One of the chosen networks. round: of the population that it is trained in; number: as in
    members.parquet; settings: what it has of its own (swept settings, fold, seed)."""

    round: int
    number: int
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"round_{self.round}_member_{self.number:03d}"


@dataclass(frozen=True)
class FinishedRun:
    """A run that is done. folder: where it is; metrics: "test_mae" and so on, of the network and of each baseline;
    findings, verdict: what was found, as codes with their words, and the three answers; artefacts: files."""

    folder: Path
    metrics: Mapping[str, float]
    findings: Mapping[str, str]
    verdict: Mapping[str, str]
    artefacts: tuple[Path, ...]


class Logger(Protocol):
    """Writes for one tool. Values are named "train_loss", "validation_loss", "learning_rate" and so on."""

    def begin(self, name: str, plan: Mapping[str, Any]) -> None:
        """A run of this name and plan begins."""

    def epoch(self, member: LoggedMember, epoch: int, values: Mapping[str, float]) -> None:
        """What a network did in an epoch, counted from 1."""

    def finding(self, code: str, words: str) -> None:
        """Something was seen while networks train."""

    def finish(self, run: FinishedRun) -> None:
        """The run is done."""

    def close(self) -> None:
        """Whatever happened, what it received is on disk."""
