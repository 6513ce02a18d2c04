"""A finished run, as Python has it: its folder, read when asked, and the predictor."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.errors import DataError, RunFolderError
from rounds.examination.finding import Finding, Verdict
from rounds.examination.sources.run_folder import read_examination, read_plans
from rounds.job.arguments import speaking_python
from rounds.job.model_changes import code_lines
from rounds.model_facts import ModelFacts
from rounds.plan import Plan
from rounds.prediction.model_folder import load_predictor
from rounds.prediction.predictor import Predictor
from rounds.prediction.table import new_inputs, predict_table, read_date_references, read_source
from rounds.run_folder.read import read_record, read_records
from rounds.user_code import code_allowed, is_code_allowed

Record = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Result:
    """A finished run: its folder, what metrics.json says (`record`), and the predictor."""

    folder: Path
    record: Record
    predictor: Predictor

    @classmethod
    def load(cls, folder: Path | str, allow_code: bool = False) -> "Result":
        """The result of a run that is finished; allow_code: import what its model names as module:name.

        Raises RunFolderError where there is none, or a file is damaged.
        """
        place = Path(folder)
        with code_allowed(allow_code):
            return cls(place, read_record(place, "metrics.json"), load_predictor(place / "model"))

    @property
    def scores(self) -> pl.DataFrame:
        """(model, metric, value, low, high): of the networks and of every baseline, on the same judged patients."""
        rows = {"network": self.record["test"], **self.record["baselines"]}
        return pl.DataFrame(
            [
                {"model": model, "metric": metric, **{part: value.get(part) for part in ("value", "low", "high")}}
                for model, metrics in rows.items()
                for metric, value in metrics.items()
            ],
            infer_schema_length=None,
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, main cause first, or a single `healthy`."""
        return read_examination(self.folder).findings

    @property
    def verdict(self) -> Verdict:
        """The three answers: believable, well trained, worth it."""
        return read_examination(self.folder).verdict

    @property
    def prescriptions(self) -> list[Record]:
        """What was tried against what was found, and what it was worth."""
        return read_records(self.folder, "prescriptions.json")

    @property
    def plan(self) -> Plan:
        """The main plan, with every remedy that was kept."""
        return read_plans(read_record(self.folder, "plan.json"))[0]

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
        """The user's own Keras model as it was trained in the end, with its first network's weights and every remedy
        that was kept, but for the scaling of inputs, which `model_changes` names.

        Raises RunFolderError where the networks are Rounds's own.
        """
        place = self.folder / "model" / "network_0.keras"
        if not place.exists():
            advice = "Predict with result.predict, or write one with result.export('keras')"
            raise RunFolderError("Result.model", "a model of your own", name="model", got=str(place), advice=advice)
        from rounds.networks.user_model.runner import read_model

        return read_model(place, is_code_allowed())

    @property
    def model_changes(self) -> list[str]:
        """What was changed of the user's own model, as lines of code; `prescriptions` says what each was worth."""
        planned = read_record(self.folder, "plan.json")
        model = ModelFacts.model_validate(planned["model"]) if planned.get("model") else None
        return code_lines(self.prescriptions, planned, model)

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
    def evaluate(self, data: Any, where: str | None = None, subgroup: Collection[str] | None = None) -> Record:
        """Scores, calibration and drift on new patients whose outcomes are known, as `rounds evaluate` has them."""
        from rounds.evaluation.evaluate import evaluate

        return evaluate(self.folder, self._frame(data), where, subgroup)

    @speaking_python()
    def audit(self, subgroup: Collection[str] | None = None) -> Record:
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
        return audit_predictions(named_predictions(kept, {}, None), subgroup)

    @speaking_python()
    def export(self, format: str = "onnx", out: Path | None = None) -> Record:
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
        test = self.record["test"]
        metric = self.record.get("main_metric") or next(iter(test))
        score = test[metric]
        said = self.verdict
        answers = {"believable": said.believable, "well trained": said.well_trained, "worth it": said.worth_it}
        value = "not defined" if score["value"] is None else "{value:.3g} ({low:.3g} to {high:.3g})".format(**score)
        return (
            f"{', '.join(self.record['task']['targets'][:3])}: {metric} {value}",
            *(f"{name}: {answer.answer} ({answer.reason})" for name, answer in answers.items()),
        )

    def __repr__(self) -> str:
        return f"Result({str(self.folder)!r}: {self._lines[0]})"

    def _repr_html_(self) -> str:
        """For notebooks: aggregates alone."""
        from html import escape

        lines = "".join(f"<li>{escape(line)}</li>" for line in self._lines)
        return f"<b>{escape(str(self.folder))}</b><ul>{lines}</ul>"
