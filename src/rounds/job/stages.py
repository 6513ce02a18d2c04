"""The whole job in plain order: split, propose, train, choose, judge, write down."""

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from rounds.baselines.fit import Baseline
from rounds.data.dataset import Dataset, Split
from rounds.data.splitting import split_dataset
from rounds.ensemble.choose import ChosenEnsemble, choose_ensemble, refitted
from rounds.ensemble.importance import importance_record
from rounds.ensemble.judge import JudgedRows, average_judged, fit_fold_baselines, fit_judging_baselines, predict_judged
from rounds.ensemble.measurement_pattern import measurement_pattern_record
from rounds.errors import DataError, PlanError, RunFolderError, TrainingError, nearest
from rounds.evaluation.evidence_pack import known_columns, write_evidence
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine import examine_run
from rounds.examination.examine_data import DataSaid, examine_data
from rounds.examination.finding import Answer, Examination, Finding, Verdict
from rounds.examination.rules import every_rule, rules_of_data
from rounds.examination.sources.population import run_of
from rounds.examination.while_training.early import SeenEarly, watched
from rounds.examination.while_training.lost import hopeless_in, saved_by_stopping
from rounds.files import remove_leftovers
from rounds.job.failures import Failures, said
from rounds.job.few_rows import SAME_ROWS, is_repeated
from rounds.job.live_files import LiveFiles
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.run_folder import (
    CHECKPOINTS,
    Clock,
    Finished,
    begin_run,
    begun_shapes,
    close_run,
    dataset_record,
    finish_of,
    open_run_folder,
    plan_record,
    refuse_other_request,
    write_curves,
    write_image_files,
    write_results,
    write_trained,
)
from rounds.job.time_left import (
    BEGINNING,
    FITTING,
    JUDGING_STAGE,
    TRAINING,
    WRITING_STAGE,
    Remaining,
    TimeLeft,
)
from rounds.networks.network import OWN
from rounds.plan import Plan, PlanNote, make_plan
from rounds.prediction.model_folder import save_predictor
from rounds.prescription.earlier_findings import earlier_findings
from rounds.prescription.loop import Circumstances, Loop, Round, broken_off, look, refit, treat
from rounds.proposal import Amount, Decided, propose
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.lock import locked
from rounds.run_folder.metrics import MetricsFile, RoundsRecord
from rounds.run_folder.prescriptions import write_prescriptions
from rounds.run_folder.stored import Content
from rounds.statistics.subgroups import make_groups
from rounds.training.machine.compilation_cache import open_compilation_cache
from rounds.training.machine.device import cores_here, hand_back_freed
from rounds.training.pool import Progress
from rounds.training.population.build import (
    Population,
    Shapes,
    Trained,
    idle_fields,
    make_population,
    train_to_end,
)
from rounds.training.population.fold_data import FoldData, make_folds_data, scaling_of
from rounds.training.result.progress import Stage
from rounds.user_code import refuse_code

FOLDS = 5
SINGLE_LEARNING_RATE = 3e-3  # between the rates that a population averages over


Event = Stage | Progress | Remaining | SeenEarly | PlanNote | Result


@dataclass(frozen=True)
class Begun:
    """A run before its training. described: dataset.json; data_said: by the data rules; reasons: of plan fields;
    baselines: of the predictor's own fold (None: they could not be fitted, which judging says)."""

    request: Request
    given: Circumstances
    folder: Path
    described: DatasetFile
    data_said: DataSaid
    reasons: dict[str, str]
    failures: Failures
    baselines: tuple[FoldData, list[Baseline]] | None = None


def stages(dataset: Dataset, request: Request) -> Iterator[Event]:
    """The job as a stream of events that ends in a Result; who stops listening stops the job at an epoch boundary.

    What fails after training leaves the trained networks, their curves and a word in the run folder (`failures`).
    """
    clock = Clock()
    if request.cache:
        open_compilation_cache()
    yield Stage(BEGINNING)
    if is_repeated(dataset):
        request = replace(request, allow=(*request.allow, SAME_ROWS))
    make_groups(known_columns(dataset), request.subgroups)  # refused now, not after hours of training
    changes = requested_changes(request)
    changes = {"folds": 1, **changes} if dataset.cohort.given_validation is not None else changes
    nested = request.members != 1 and dataset.signals.array is None  # judging folds of images would take hours
    split = split_dataset(dataset, changes.get("folds", FOLDS), request.split_seed, nested=nested)
    described = dataset_record(dataset, split, request.split_seed)
    folder = open_run_folder(Path(request.out) if request.out else None, described, request.resume)
    with locked(folder) as lock:
        remove_leftovers(folder)
        if (folder / "metrics.json").exists():
            refuse_other_request(folder, asked_for(request))
            yield Result.load(folder, request.allow_code)
            return
        live = LiveFiles(folder, TimeLeft(request.rounds, cores_here()))
        for event in _run(dataset, split, request, changes, described, folder, clock):
            lock.check()
            left = None if isinstance(event, Result) else live.see(event)
            yield event
            if left is not None:
                yield left


def _run(
    dataset: Dataset,
    split: Split,
    request: Request,
    changes: Content,
    described: DatasetFile,
    folder: Path,
    clock: Clock,
) -> Iterator[Event]:
    """A run in its folder, which nobody else writes. changes: of the plan, with what the data and the request say."""
    described, data_said = _examine_data(dataset, split, folder, described, request.allow)
    given = Circumstances(dataset, split, request.members, 1, np.inf, folder / CHECKPOINTS)
    given, population, reasons = propose_population(given, request, begun_shapes(folder))
    described.write(folder)
    begin_run(folder, population, reasons, asked_for(request))
    clock.lap("preparing")
    yield from idle_fields(population, request.changes)
    yield from compiling_without_effect(request.model)
    yield Stage(FITTING)
    baselines = _own_baselines(given, population, request)
    clock.lap("baselines")
    ends = np.inf if request.minutes is None else time.monotonic() + 60 * request.minutes
    given = replace(given, ends=ends)
    begun = Begun(request, given, folder, described, data_said, reasons, Failures(folder), baselines)
    yield Stage(TRAINING, population, folder)
    training = train_to_end(population, given.folder, given.minutes_left(), hopeless_in(population))
    found = Loop(((yield from watched(population, training)),))
    clock.lap("training")
    saved = saved_by_stopping(found.trained, clock.seconds["training"])
    write_trained(folder, found.populations)
    found = yield from _rounds(begun, found)
    clock.lap("rounds")
    hand_back_freed()
    yield Stage(JUDGING_STAGE)
    finished = _finished(begun, found)
    clock.lap("judging")
    yield Stage(WRITING_STAGE)
    record = _written(begun, found, finished).model_copy(update={"stopped_early": saved} if saved else {})
    yield Result(folder, close_run(folder, record, clock), finished.made.predictor)


def _rounds(begun: Begun, found: Loop) -> Generator[Event, None, Loop]:
    """All rounds; one that fails ends them, and what was trained before is judged."""
    while True:
        before, number = found, len(found.examinations) + 1
        try:
            found, this_round = look(begun.given, found, begun.request.rounds)
            if this_round is None:
                return (yield from refit(begun.given, found))
            found = yield from _one_round(begun, found, this_round)
        except (RunFolderError, TrainingError):
            raise
        except Exception as error:
            begun.failures.note(f"round {number}", error)
            return replace(before, ended=f"round {number} failed: {said(error)}")
        if len(found.populations) > len(before.populations):
            write_trained(begun.folder, found.populations)


def _one_round(begun: Begun, found: Loop, this_round: Round) -> Generator[Event, None, Loop]:
    try:
        _write_so_far(begun.folder, begun.given, found)
    except RunFolderError as error:
        return broken_off(begun.given, found, this_round, error)
    found = yield from treat(begun.given, found, this_round)
    with suppress(RunFolderError):  # for whoever watches; at the end they are written again
        write_prescriptions(begun.folder, list(found.entries))
    return found


def _finished(begun: Begun, found: Loop) -> Finished:
    """The chosen ensemble, and what it says of patients who judge."""
    given = begun.given
    try:
        with begun.failures.needed("judging"):
            made, judged, baselines = _judging(begun, found)
    except TrainingError as error:
        alarms = _write_what_happened(begun, found).alarms
        if alarms and not begun.failures.records:
            raise _with_finding(error, alarms[0], begun.folder) from error
        raise
    return Finished(given.dataset, given.split, found.populations, made, judged, tuple(baselines))


def _written(begun: Begun, found: Loop, finished: Finished) -> MetricsFile:
    """Everything in the run folder but metrics.json, whose content it returns: with that the run is finished."""
    folder, failures, made = begun.folder, begun.failures, finished.made
    patients, fold_data = (
        finished.dataset.cohort.patients[finished.split.development],
        found.trained.population.folds_data[0],
    )
    with failures.needed("writing the results"):
        record = write_results(folder, finished).model_copy(update={"rounds": _spent(found)})
    importance = None
    with failures.passed_over("drawing what images answer to"):
        write_image_files(folder, finished)
    with failures.passed_over("permutation importance"):
        importance = importance_record(found.trained, fold_data, made, patients)
    with failures.passed_over("the pattern of measurements"):
        pattern = measurement_pattern_record(found.trained, fold_data, made, patients)
        record = record.model_copy(update={"gaps": pattern} if pattern else {})
    with failures.passed_over("gathering the evidence"):
        finish = replace(finish_of(finished), importance=importance)
        write_evidence(folder, finish, begun.request.subgroups)
    with failures.needed("writing the findings"):
        record = _write_advice(begun, found, record)
    return record.model_copy(update={"failed": tuple(failures.records)} if failures.records else {})


def asked_for(request: Request) -> Content:
    """What of a request decides the networks: a run goes on, or is read back, with the same only."""
    asked: Content = {"plan": {"seed": 0, **request.changes}, "members": request.members, "rounds": request.rounds}
    if request.model is None:
        return asked
    from rounds.networks.user_model.model import layers_record

    return {**asked, "model": layers_record(request.model)}


def requested_changes(request: Request) -> Content:
    """The plan fields that differ from what Rounds proposes; raises PlanError for code that was not allowed."""
    refuse_code(request.changes, request.allow_code)
    return {**{name: value for name, (value, _) in decided(request).items()}, **request.changes}


def decided(request: Request) -> Decided:
    """Plan fields that follow from what was given and asked for, and why: each gives way to the user's own."""
    found: Decided = {}
    if request.members == 1:
        found = {name: (value, "one network was asked for") for name, value in one_network({}).items()}
    if request.model is None:
        return found
    return {**found, **model_fields(request.model)}


def _examine_data(
    dataset: Dataset, split: Split, folder: Path, described: DatasetFile, allow: tuple[str, ...]
) -> tuple[DatasetFile, DataSaid]:
    """dataset.json with what the data rules saw, and what they say; an error among them stops the run, unless it is
    allowed by its code."""
    codes = [rule.code for rule in rules_of_data()]
    for code in allow:
        if code not in codes:
            raise PlanError("allow", "the code of a finding about data", got=code, advice=nearest(code, codes))
    evidence = DataEvidence(dataset, split)
    findings, absent = examine_data(evidence)
    described = described.model_copy(update={"tells_most": tuple(evidence.tells_most)})
    errors = [f for f in findings if f.severity == "error" and f.code not in allow]
    if errors:
        described.write(folder)
        unknown = Answer("unknown", "nothing was trained")
        verdict = Verdict(Answer("no", errors[0].explanation), unknown, unknown)
        record = Examination(findings, absent, verdict).record()
        record.model_copy(update={"asked": tuple(codes)}).write(folder)
        drop = _drop(errors[0].evidence)
        advice = f"{errors[0].explanation} Mend it{drop}, or train in spite of it with --allow {errors[0].code}"
        raise DataError("Data", "fit to judge a network", name="finding", got=errors[0].code, advice=advice)
    return described, (findings, absent)


def _drop(evidence: Mapping[str, Any]) -> str:
    """What to type to leave out the columns that a finding names."""
    columns = evidence.get("columns") or [evidence.get("column")]
    names = [name for name in columns if isinstance(name, str)]
    return f", leave it out with {' '.join(f'--drop {quote(name)}' for name in names[:3])}" if names else ""


def propose_population(
    given: Circumstances, request: Request, shapes: Shapes | None
) -> tuple[Circumstances, Population, dict[str, str]]:
    """The population for this amount of data, the reasons, and the circumstances with its number of seeds."""
    dataset, split = given.dataset, given.split
    folds_data = make_folds_data(dataset, split, scaling_of(make_plan(Plan(), requested_changes(request))))
    fields = decided(request)
    if dataset.cohort.given_validation is not None:
        fields["folds"] = (1, "the data bring a validation part")
    proposal = propose(dataset.task, amount_of(dataset, split, folds_data[0]), request.changes, fields)
    given = replace(given, seeds=proposal.seeds if len(split.test) else 1)
    plans = list(proposal.plans)
    population = make_population(
        plans, dataset.task, folds_data, given.count(plans), shapes=shapes, model=request.model
    )
    return given, population, proposal.reasons


def _spent(found: Loop) -> RoundsRecord:
    """What metrics.json says of the rounds."""
    return RoundsRecord(
        examined=len(found.examinations),
        remedies_tried=sum(entry.verdict != "advice" for entry in found.entries),
        remedies_kept=sum(entry.verdict == "kept" for entry in found.entries),
        member_epochs_in_populations=found.in_populations,
        member_epochs_in_trials=found.member_epochs,
        found=tuple(tuple(finding.code for finding in e.alarms) for e in found.examinations),
        own_plans=tuple(found.owned),
        contradictions=tuple(c.record() for c in found.contradictions),
        ended=found.ended,
    )


def _write_so_far(folder: Path, given: Circumstances, found: Loop) -> None:
    """Curves, and a model to predict with, before a round begins: whatever ends it leaves them."""
    write_curves(folder, found.populations)
    write_prescriptions(folder, found.entries)
    try:
        made = _chosen(given.dataset, given.split, found.trained)
    except TrainingError:  # nothing is finite yet: that is what the round is for
        return
    save_predictor(folder / "model", made.predictor)


def _every_code() -> tuple[str, ...]:
    """Of the rules that a finished run was asked about: those of later versions were not."""
    return tuple(rule.code for rule in every_rule())


def _with_finding(error: TrainingError, finding: Finding, folder: Path) -> TrainingError:
    """The error with what the examination of the networks says first, and where the rest of it stands."""
    return TrainingError(f"{error} First finding: {finding.name} ({finding.code}). All: rounds examine {folder}")


def _write_what_happened(begun: Begun, found: Loop) -> Examination:
    """Curves and findings of a training that left nothing to judge: why it failed is what its user needs."""
    run = replace(
        run_of(found.own, len(found.populations) - 1),
        dataset=begun.described,
        data_findings=begun.data_said[0],
        data_not_applicable=begun.data_said[1],
        data_examined=True,
    )
    examination = examine_run(run)
    examination.record().model_copy(update={"asked": _every_code()}).write(begun.folder)
    write_prescriptions(begun.folder, found.entries)
    return examination


def _write_advice(begun: Begun, found: Loop, record: MetricsFile) -> MetricsFile:
    """findings.json of the chosen population and of those before, prescriptions.json, and the plan that
    won; returns metrics.json with what networks were held against."""
    folder, (findings, absent) = begun.folder, begun.data_said
    last = len(found.populations) - 1
    run = replace(
        run_of(found.own, last, found.known_linear_by_fold),
        metrics=record,
        dataset=begun.described,
        data_findings=findings,
        data_not_applicable=absent,
        data_examined=True,
        advantages=record.differences,
        constant_score=record.baselines["constant"][record.main_metric].value,
    )
    final = examine_run(run)
    asked = {"asked": _every_code(), "earlier": earlier_findings(found, final)}
    final.record().model_copy(update=asked).write(folder)
    write_prescriptions(folder, found.entries)
    kept = [entry for entry in found.entries if entry.verdict == "kept"]
    prescribed = {name: f"prescribed in round {e.round} against {e.finding}" for e in kept for name in e.change}
    plan_record(found.trained.population, begun.reasons | prescribed, asked_for(begun.request)).write(folder)
    return record.model_copy(update={"validation_references": dict(run.linear_by_fold)})


def model_fields(model: Any) -> Decided:
    """Plan fields that a model of the user's own decides: what its layers are, and what it was compiled with."""
    from rounds.networks.user_model.compiled import read_compiled
    from rounds.networks.user_model.model import check_model
    from rounds.networks.user_model.remake import FIXED, GIVEN, can_be_remade

    check_model(model)
    said = (GIVEN if can_be_remade(model) else FIXED, "the model's own layers")
    own = dict.fromkeys(("activation", "initializer", "bias_initializer"), said)
    compiled = read_compiled(model)
    fields = {} if compiled is None else compiled.fields
    return {"network": (OWN, "a model was given"), **own, **fields}


def compiling_without_effect(model: Any) -> tuple[PlanNote, ...]:
    """What a model of the user's own was compiled with, and Rounds does otherwise."""
    if model is None:
        return ()
    from rounds.networks.user_model.compiled import read_compiled

    compiled = read_compiled(model)
    return () if compiled is None else compiled.notes


def one_network(changes: Content) -> Content:
    """Plan fields for a single network: one validation part and one learning rate, unless the user says otherwise."""
    return {"folds": 1, "learning_rate": SINGLE_LEARNING_RATE, **changes}


def _chosen(dataset: Dataset, split: Split, trained: Trained) -> ChosenEnsemble:
    patients = dataset.cohort.patients[split.development]
    return choose_ensemble(trained, trained.population.folds_data[0], dataset.columns, patients)


def _own_baselines(
    given: Circumstances, population: Population, request: Request
) -> tuple[FoldData, list[Baseline]] | None:
    """Baselines of the predictor's own fold, before training: how long they take tells how long judging will."""
    fold_data = population.folds_data[0]
    with suppress(Exception):
        return fold_data, fit_fold_baselines(given.dataset, given.split, fold_data, request.changes.get("seed", 0))
    return None


def _judging(begun: Begun, found: Loop) -> tuple[ChosenEnsemble, JudgedRows, list[Baseline]]:
    """The chosen predictor, and what was predicted for patients it (or, for small data, the members of
    that judging fold) never saw."""
    dataset, split, seed = begun.given.dataset, begun.given.split, begun.request.changes.get("seed", 0)
    trained, folds_data = found.trained, found.trained.population.folds_data
    patients = dataset.cohort.patients[split.development]
    made = refitted(_chosen(dataset, split, trained), found.refitted)
    fold_data, baselines = begun.baselines or (None, [])
    if fold_data is not folds_data[0]:  # a remedy may have changed how inputs are scaled
        baselines = fit_fold_baselines(dataset, split, folds_data[0], seed)
    if split.kind != "out-of-fold":
        return made, predict_judged(dataset, split.test, made, baselines), baselines
    parts, judging = [], list(folds_data[1:])
    each = fit_judging_baselines(dataset, split, judging, seed)
    for fold_data, fold_baselines in zip(judging, each, strict=True):
        rows = split.development[fold_data.judged]
        parts.append(predict_judged(dataset, rows, choose_ensemble(trained, fold_data, (), patients), fold_baselines))
    return made, average_judged(parts), baselines


def amount_of(dataset: Dataset, split: Split, fold_data: FoldData) -> Amount:
    """How much the members of a fold learn from."""
    rows = fold_data.folds[0].train
    targets = fold_data.targets[rows]
    counts = np.bincount(targets[:, 0].astype(int)) if dataset.task.kind in ("binary", "multiclass") else np.zeros(1)
    shape = fold_data.preparation.shape
    patients = len(np.unique(dataset.cohort.patients[split.development[rows]]))
    return Amount(len(rows), patients, int(counts.min()), shape.numbers, shape.flags, shape.array, shape.hand[0])
