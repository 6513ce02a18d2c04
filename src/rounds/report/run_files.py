"""What the report is drawn from: the records and tables of one finished run folder, read once."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from rounds.errors import RunFolderError
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import EvidenceFile
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.run_folder.prescriptions import PrescriptionRecord, read_prescriptions
from rounds.run_folder.privacy import is_stripped
from rounds.task import Task

TABLES = ("curves", "members", "steps", "measures", "predictions")
MAIN = -1  # `outer` of the members that make the predictor; the others only judge (small data)


@dataclass(frozen=True)
class RunFiles:
    """evidence: None of a run that was stopped while writing, or made by an older version; tables: Parquet files by
    name; pictures: data addresses by file name, "" for those that stay beside the
    page; population: the one that is looked at, from 0 (None: the last)."""

    dataset: DatasetFile
    plan: PlanFile
    findings: FindingsFile
    metrics: MetricsFile
    prescriptions: tuple[PrescriptionRecord, ...] = ()
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    evidence: EvidenceFile | None = None
    pictures: dict[str, str] = field(default_factory=dict)
    shows_patients: bool = False
    population: int | None = None

    @property
    def task(self) -> Task:
        return self.metrics.task

    @property
    def main_metric(self) -> str:
        return self.metrics.main_metric

    @property
    def kept_metric(self) -> str:
        """What the `best_value` of a member is measured in: the loss where the plan keeps the last epoch."""
        kept = self.plan.main.keep_best
        return "loss" if kept == "none" else kept

    @property
    def members(self) -> pl.DataFrame:
        """Members of the population looked at that learn for the predictor, not for judging."""
        members = self.tables["members"].filter(pl.col("outer") == MAIN)
        return members.filter(
            pl.col("round") == (pl.col("round").max() if self.population is None else self.population)
        )

    @property
    def examined_members(self) -> pl.DataFrame:
        """Members of every population that were looked at: without plans of before that a treated one stands beside."""
        members = self.tables["members"].filter(pl.col("outer") == MAIN)
        rounds = self.metrics.rounds
        for number, own in enumerate(rounds.own_plans if rounds else ()):
            if own is not None:
                members = members.filter((pl.col("round") != number) | (pl.col("plan") < own))
        return members

    def of_members(self, table: str) -> pl.DataFrame:
        """Rows of `table` that belong to `members`, with each one's learning rate and fold; finite values only."""
        keys = ["round", "slab", "member"]
        chosen = self.members.select(*keys, "learning_rate", "fold").cast(dict.fromkeys(keys, pl.Int32))
        value = "loss" if table == "steps" else "value"
        found = self.tables[table].join(chosen, on=keys, maintain_order="left")
        return found.filter(pl.col(value).is_finite())

    def predictions(self, split: str = "test") -> pl.DataFrame:
        """(row, patient, target, observed, one column a contestant) of the judged rows."""
        return self.tables["predictions"].filter((pl.col("split") == split) & pl.col("observed").is_not_null())


def read_run_files(run: Path) -> RunFiles:
    """Everything the report needs.

    Raises RunFolderError where the run is not finished, or a file is missing or damaged.
    """
    return RunFiles(
        DatasetFile.read(run),
        PlanFile.read(run),
        FindingsFile.read(run),
        MetricsFile.read(run),
        read_prescriptions(run),
        {name: read_run_table(run / f"{name}.parquet") for name in TABLES},
        EvidenceFile.read_if_there(run),
    )


def read_run_table(path: Path) -> pl.DataFrame:
    """A Parquet file of a run folder; raises RunFolderError where it is missing or damaged."""
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        if is_stripped(path):
            advice = "Draw the report in the folder as it was before"
            removed = f"{path} (removed by rounds privacy --strip)"
            raise RunFolderError(path.name, "there", file=removed, advice=advice) from None
        raise _damaged(path, "a Parquet file", error) from None


def _damaged(path: Path, expected: str, error: object) -> RunFolderError:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    advice = "Restore the file, or train again"
    return RunFolderError(path.name, expected, file=f"{path} ({first})", advice=advice)
