"""MLflow by its own client: a run, a nested run for each network, and what was found as tags."""

import os
import time
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from rounds.loggers.logger import FinishedRun, LoggedMember

EXPERIMENT = "rounds"
PARENT = "mlflow.parentRunId"
AT_ONCE = 1000  # values that MLflow takes in one call
LONGEST = 500  # letters that MLflow takes in a parameter or a tag
# A folder of files is what MLflow advises against for servers of many users; it is asked for by name here.
FOLDERS_ALLOWED = "MLFLOW_ALLOW_FILE_STORE"


class MLflow:
    """Writes to a folder of files, or to a server by its address."""

    def __init__(self, place: str) -> None:
        if "://" not in place:
            os.environ.setdefault(FOLDERS_ALLOWED, "true")
        self._client = MlflowClient(tracking_uri=place)
        known = self._client.get_experiment_by_name(EXPERIMENT)
        self._experiment = known.experiment_id if known else self._client.create_experiment(EXPERIMENT)
        self._runs: dict[str, str] = {}
        self._waiting: dict[str, list[Metric]] = {}
        self._run = ""
        self._ended = "FAILED"

    def begin(self, name: str, plan: Mapping[str, Any]) -> None:
        self._run = self._client.create_run(self._experiment, run_name=name).info.run_id
        self._parameters(self._run, plan)

    def epoch(self, member: LoggedMember, epoch: int, values: Mapping[str, float]) -> None:
        if member.name not in self._runs:
            tags = {PARENT: self._run}
            made = self._client.create_run(self._experiment, run_name=member.name, tags=tags)
            self._runs[member.name] = made.info.run_id
            self._parameters(made.info.run_id, member.settings)
        waiting = self._waiting.setdefault(member.name, [])
        waiting += [Metric(name, value, _now(), epoch) for name, value in values.items()]
        if len(waiting) + len(values) > AT_ONCE:
            self._flush(member.name)

    def finding(self, code: str, words: str) -> None:
        self._client.set_tag(self._run, f"seen_early.{code}", words[:LONGEST])

    def finish(self, run: FinishedRun) -> None:
        words_of = {**{f"finding.{code}": words for code, words in run.findings.items()}, **run.verdict}
        tags = [RunTag(name, words[:LONGEST]) for name, words in words_of.items()]
        metrics = [Metric(name, value, _now(), 0) for name, value in run.metrics.items()]
        self._client.log_batch(self._run, metrics=metrics[:AT_ONCE], tags=tags)
        for path in run.artefacts:
            self._client.log_artifact(self._run, str(path))
        self._ended = "FINISHED"

    def close(self) -> None:
        for name in list(self._waiting):
            self._flush(name)
        for run in (*self._runs.values(), self._run):
            if run:
                self._client.set_terminated(run, self._ended)

    def _flush(self, name: str) -> None:
        self._client.log_batch(self._runs[name], metrics=self._waiting.pop(name))

    def _parameters(self, run: str, values: Mapping[str, Any]) -> None:
        self._client.log_batch(run, params=[Param(name, str(value)[:LONGEST]) for name, value in values.items()])


def _now() -> int:
    return int(time.time() * 1000)
