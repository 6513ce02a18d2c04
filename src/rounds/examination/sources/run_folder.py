"""A run folder read back as evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from rounds.errors import RunFolderError
from rounds.examination.finding import Answer, Examination, Finding, Verdict, read_finding
from rounds.examination.rules import rules_of_data
from rounds.examination.run import Run, constant_loss, curves_of
from rounds.metrics import main_metric
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.findings import AnswerRecord, FindingsFile
from rounds.run_folder.metrics import Estimate, MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.statistics.differences import paired_differences
from rounds.task import Task

FINDINGS = "findings.json"
NETWORK = "network"
_NOT_BASELINES = {"row", "patient", "split", "target", "observed", NETWORK, "single network"}


def read_run(folder: Path) -> Run:
    """Evidence of the run that a folder keeps, of its last round; of one that was never judged, the curves alone.

    Raises RunFolderError where there is no run, or a file is missing or damaged.
    """
    dataset, planned = DatasetFile.read(folder), PlanFile.read(folder)
    every = [_frame(folder, name) for name in ("curves", "members", "measures", "steps")]
    last = int(every[1]["round"].max())  # type: ignore[arg-type]
    findings, absent = _data_findings(folder)
    run = Run(
        curves=curves_of(*(frame.filter(pl.col("round") == last) for frame in every)),
        plans=planned.plans,
        task=dataset.task,
        dataset=dataset,
        data_findings=findings,
        data_not_applicable=absent,
        data_examined=(folder / FINDINGS).exists(),
        round=last,
        model=planned.model,
    )
    metrics = MetricsFile.read_if_there(folder)
    return run if metrics is None else _judged(_own(run, metrics), metrics, folder, dataset.task)


def _own(run: Run, metrics: MetricsFile) -> Run:
    """Without members of plans that a treated one was set beside: they were examined before, and not again."""
    *_, own = (None, *(metrics.rounds.own_plans if metrics.rounds else ()))
    return run if own is None else replace(run, curves=tuple(c for c in run.curves if c.plan < own))


def _judged(run: Run, metrics: MetricsFile, folder: Path, task: Task) -> Run:
    """With what was found on judged patients."""
    predictions = read_predictions(folder)
    observed = observed_targets(task, predictions.filter(pl.col("split") == "validation"))
    constant = metrics.baselines.get("constant", {}).get(main_metric(task))
    return replace(
        run,
        constant_loss=constant_loss(task, run.plans[0], observed),
        metrics=metrics,
        advantages=metrics.differences or _differences(task, predictions),
        constant_score=constant.value if constant else None,
        linear_by_fold=metrics.validation_references,
    )


def _differences(task: Task, predictions: pl.DataFrame) -> dict[str, Estimate]:
    """Of a run of before differences were kept: the same from the predictions of its judged rows."""
    judged = predictions.filter(pl.col("split") == "test")
    names = [c for c in judged.columns if c not in _NOT_BASELINES and judged[c].null_count() == 0]
    if NETWORK not in judged.columns or not judged.height:
        return {}
    patients = judged.filter(pl.col("target") == task.output_names[0])["patient"].to_numpy()
    network, *others = (predicted_outputs(task, judged, name) for name in (NETWORK, *names))
    named = dict(zip(names, others, strict=True))
    return paired_differences(task, main_metric(task), observed_targets(task, judged), network, named, patients)


def predicted_outputs(task: Task, predictions: pl.DataFrame, column: str) -> np.ndarray:
    parts = [predictions.filter(pl.col("target") == name)[column].to_numpy() for name in task.output_names]
    return np.stack(parts, axis=1)


def read_examination(folder: Path) -> Examination:
    """What findings.json says: of a run that an error in its data stopped before training, that is all there is."""
    record = FindingsFile.read(folder)
    said = record.verdict
    verdict = Verdict(*(_answer(one) for one in (said.believable, said.well_trained, said.worth_it)))
    absent = tuple((skipped.code, skipped.reason) for skipped in record.not_applicable)
    return Examination(tuple(read_finding(f) for f in record.findings), absent, verdict)


def _answer(record: AnswerRecord) -> Answer:
    return Answer(record.answer, record.reason)


def observed_targets(task: Task, predictions: pl.DataFrame) -> np.ndarray:
    """Outcomes [N, T] in the user's unit (multiclass: class index [N, 1]) from the rows of predictions.parquet."""
    table = predicted_outputs(task, predictions, "observed")
    return table.argmax(1)[:, None] if task.kind == "multiclass" else table


def read_predictions(folder: Path) -> pl.DataFrame:
    """predictions.parquet: (row, patient, split, target, observed, one column a contestant)."""
    return _frame(folder, "predictions")


def _frame(folder: Path, name: str) -> pl.DataFrame:
    path = folder / f"{name}.parquet"
    try:
        return pl.read_parquet(path)
    except FileNotFoundError:
        advice = "Give a folder in which rounds train finished"
        raise RunFolderError(
            "RUN", f"a run folder with {path.name}", name="run", got=str(folder), advice=advice
        ) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        advice = "Restore the file, or train again"
        raise RunFolderError(
            path.name, "a readable Parquet file", name="error", got=str(error), advice=advice
        ) from None


def _data_findings(folder: Path) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """What the data rules said before training: the rows themselves are not in the folder."""
    if not (folder / FINDINGS).exists():
        return (), ()
    found = read_examination(folder)
    codes = {rule.code for rule in rules_of_data()}
    absent = tuple((code, reason) for code, reason in found.not_applicable if code in codes)
    return tuple(f for f in found.findings if f.code in codes), absent
