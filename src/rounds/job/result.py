"""A finished run, as Python has it: its folder, read when asked, and the predictor."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.data.preparation.encoding import CLIP, NumberEncoding
from rounds.errors import DataError, RunFolderError
from rounds.examination.finding import Finding, Verdict
from rounds.examination.sources.run_folder import read_examination
from rounds.job.model_changes import code_lines
from rounds.job.speaking_python import speaking_python
from rounds.networks.network import Feed
from rounds.networks.user_model.planned import ColumnScaling, planned_model
from rounds.plan import Plan
from rounds.prediction.model_folder import load_predictor
from rounds.prediction.predictor import Predictor
from rounds.prediction.table import new_inputs, predict_table, read_date_references, read_source
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.run_folder.prescriptions import read_prescriptions
from rounds.run_folder.stored import Content
from rounds.user_code import code_allowed, is_code_allowed


@dataclass(frozen=True, repr=False)
class Result:
    """A finished run: its folder, metrics.json, and the predictor."""

    folder: Path
    metrics: MetricsFile
    predictor: Predictor

    @classmethod
    def load(cls, folder: Path | str, allow_code: bool = False) -> "Result":
        """The result of a run that is finished; allow_code: import what its model names as module:name.

        Raises RunFolderError where there is none, or a file is damaged.
        """
        place = Path(folder)
        with code_allowed(allow_code):
            return cls(place, MetricsFile.read(place), load_predictor(place / "model"))

    @property
    def record(self) -> Content:
        """metrics.json as plain values."""
        return self.metrics.content()

    @property
    def scores(self) -> pl.DataFrame:
        """(model, metric, value, low, high): of the networks and of every baseline, on the same judged patients."""
        rows = {"network": self.metrics.test, **self.metrics.baselines}
        return pl.DataFrame(
            [
                {"model": model, "metric": metric, "value": score.value, "low": score.low, "high": score.high}
                for model, scores in rows.items()
                for metric, score in scores.items()
            ],
            infer_schema_length=None,
        ).fill_nan(None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, main cause first, or a single `healthy`."""
        return read_examination(self.folder).findings

    @property
    def verdict(self) -> Verdict:
        """The three answers: believable, well trained, worth it."""
        return read_examination(self.folder).verdict

    @property
    def prescriptions(self) -> list[Content]:
        """What was tried against what was found, and what it was worth."""
        return [entry.content() for entry in read_prescriptions(self.folder)]

    @property
    def plan(self) -> Plan:
        """The main plan, with every remedy that was kept."""
        return PlanFile.read(self.folder).main

    @property
    def members(self) -> pl.DataFrame:
        """A row a network: its settings, its best epoch, how it ended."""
        return pl.read_parquet(self.folder / "members.parquet")

    @property
    def curves(self) -> pl.DataFrame:
        """(round, slab, member, epoch, split, metric, value)."""
        return pl.read_parquet(self.folder / "curves.parquet")

    @property
    def model(self) -> Any:
        """The user's own Keras model as it was trained in the end: its first network's weights, every remedy that was
        kept (a scaling of inputs as layers in front, which take columns without missing values as the file has them),
        compiled with the plan's optimizer and loss; uncompiled where these are the user's own.

        Raises RunFolderError where the networks are Rounds's own.
        """
        place = self.folder / "model" / "network_0.keras"
        if not place.exists():
            advice = "Predict with result.predict, or write one with result.export('keras')"
            raise RunFolderError("Result.model", "a model of your own", name="model", got=str(place), advice=advice)
        from rounds.networks.user_model.runner import read_model

        planned, described = PlanFile.read(self.folder), DatasetFile.read(self.folder)
        plan, network = planned.main, self.predictor.parts[0].network
        rows = described.split.rows["train"]
        steps = plan.epochs * (1 if plan.batch_size == "all" else rows // min(plan.batch_size, rows))
        scaling = self._scaling(network.feeds) if plan.scale_inputs else None
        model = read_model(place, is_code_allowed())
        return model if planned.model is None else planned_model(model, plan, planned.model, steps, scaling)

    def _scaling(self, feeds: tuple[Feed, ...]) -> ColumnScaling | None:
        """Of the columns of a model's only input; None where it reads codes, arrays, or has several inputs."""
        if len(feeds) != 1 or feeds[0].codes or feeds[0].array:
            return None
        preparation, names = self.predictor.preparation, self.predictor.preparation.names
        by_column = {e.column: e for e in preparation.encodings if isinstance(e, NumberEncoding)}
        numbers = [by_column[name] for name in names.numbers]
        centre = np.array([e.centre for e in numbers] + [0.0] * len(names.flags))
        spread = np.array([e.spread for e in numbers] + [1.0] * len(names.flags))
        places = list(feeds[0].columns)
        return ColumnScaling(centre[places], spread[places], np.array(places) < len(numbers), CLIP)

    @property
    def model_changes(self) -> list[str]:
        """What was changed of the user's own model, as lines of code; `prescriptions` says what each was worth."""
        planned = PlanFile.read(self.folder)
        return code_lines(read_prescriptions(self.folder), planned.main, planned.model)

    @speaking_python()
    def predict(self, data: Any, intervals: bool = False) -> Any:
        """Predictions [N, T] in the target's unit, or probabilities [N, classes], for new patients.

        data: a path, a Polars or pandas frame, the name of a built-in set, or an array of the features in order.
        intervals: a Polars table instead, identifiers first, with the limits of each number where the run has them.
        Raises DataError where a feature is of another type than in training.
        """
        source = self._frame(data)
        if intervals:
            return predict_table(self.folder, source).table
        new = read_source(source, self.predictor)
        inputs = new_inputs(new.table, self.predictor, read_date_references(self.folder))
        return self.predictor.predict(inputs, array=new.array).values

    def _frame(self, data: Any) -> Any:
        if not isinstance(data, np.ndarray):
            return data
        names = self.predictor.preparation.columns
        if data.ndim != 2 or data.shape[1] != len(names):
            advice = f"Its columns are {', '.join(names[:20])}"
            raise DataError("data", f"an array of {len(names)} columns", name="shape", got=data.shape, advice=advice)
        return pl.DataFrame(data, schema=list(names))

    @speaking_python()
    def evaluate(self, data: Any, where: str | None = None, subgroup: Collection[str] | None = None) -> Content:
        """Scores, calibration and drift on new patients whose outcomes are known, as `rounds evaluate` has them."""
        from rounds.evaluation.evaluate import evaluate

        return evaluate(self.folder, self._frame(data), where, subgroup).content()

    @speaking_python()
    def audit(self, subgroup: Collection[str] | None = None) -> Content:
        """What the run's own judged predictions show when they are looked at as anybody's: `rounds audit` of them.

        Raises DataError for several targets or classes.
        """
        from rounds.evaluation.audit.prediction_file import named_predictions
        from rounds.evaluation.audit.predictions import audit_predictions

        table = pl.read_parquet(self.folder / "predictions.parquet")
        if table["target"].n_unique() > 1:
            advice = "Audit the predictions of one target: rounds audit FILE --label ... --score ..."
            raise DataError(
                "Result.audit", "of one target", name="targets", got=table["target"].n_unique(), advice=advice
            )
        kept = table.select("patient", "split", label="observed", score="network")
        return audit_predictions(named_predictions(kept, {}, None), subgroup).content()

    @speaking_python()
    def export(self, format: str = "onnx", out: Path | None = None) -> Content:
        """Writes the model as ONNX or Keras, checked against its own predictions; what was written, as a record."""
        from rounds.export.export import export_run

        return export_run(self.folder, format, out)

    def report(self, path: Path | str | None = None) -> Path:
        """Draws report.html again; copies it to `path` where one is given."""
        from rounds.report.page import write_report

        made = write_report(self.folder)
        return Path(shutil.copyfile(made, path)) if path else made

    write_report = report

    @cached_property
    def _lines(self) -> tuple[str, ...]:
        """The three answers and the main metric, a line each."""
        score = self.metrics.test[self.metrics.main_metric]
        said = self.verdict
        answers = {"believable": said.believable, "well trained": said.well_trained, "worth it": said.worth_it}
        limits = f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g})"
        value = limits if score.is_defined else "not defined"
        return (
            f"{', '.join(self.metrics.task.targets[:3])}: {self.metrics.main_metric} {value}",
            *(f"{name}: {answer.answer} ({answer.reason})" for name, answer in answers.items()),
        )

    def __repr__(self) -> str:
        return f"Result({str(self.folder)!r}: {self._lines[0]})"

    def _repr_html_(self) -> str:
        """For notebooks: aggregates alone."""
        from html import escape

        lines = "".join(f"<li>{escape(line)}</li>" for line in self._lines)
        return f"<b>{escape(str(self.folder))}</b><ul>{lines}</ul>"
