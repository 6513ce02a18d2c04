"""What a person sees in the terminal: progress while a run trains, and its result in a few lines."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from rounds.cli.console import make_console
from rounds.cli.readable import print_json, readable, say
from rounds.errors import DrawingError, RoundsError, RunInterruptedError, TrainingError
from rounds.run_folder.progress import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.progress import Task

    from rounds.data.choices import Choices
    from rounds.data.dataset import Column, Dataset
    from rounds.examination.finding import Finding
    from rounds.job.request import Request
    from rounds.job.result import Result
    from rounds.job.time_left import Remaining
    from rounds.run_folder.findings import FindingRecord, FindingsFile, VerdictRecord
    from rounds.run_folder.metrics import Estimate, MetricsFile
    from rounds.run_folder.prescriptions import PrescriptionRecord
    from rounds.training.population.build import Population


@dataclass(frozen=True)
class Shown:
    """What a training shows, and where. quiet: print errors only; images: pictures of patients in the report; log:
    other tools to write to (TOOL or TOOL=PLACE); watch: a live page."""

    quiet: bool = False
    images: bool = False
    log: tuple[str, ...] = ()
    watch: bool = False


def show_training(dataset: "Dataset", request: "Request", shown: Shown) -> "Result":
    """Trains, with progress where a person is watching, and prints the result unless that is to be quiet."""
    from rounds.job.failures import said
    from rounds.job.result import Result
    from rounds.job.stages import stages
    from rounds.live.beside import page_beside
    from rounds.loggers.events import logging_to
    from rounds.report.card.card import write_card
    from rounds.report.page import write_report
    from rounds.run_folder.findings import FindingsFile

    console = make_console(shown.quiet, goes_on=True)
    for line in dataset.provenance.left_out:
        console.print(f"Left out: {line}")
    for line in _unsaveable(request):
        console.print(line)
    result = None
    with logging_to(shown.log) as logs, page_beside(shown.watch) as tell_page, _bars(console) as bars:
        watch = _Watch(bars, console, first_lines(dataset))
        with _interruption_named(watch):
            for event in stages(dataset, request):
                logs.see(event)
                tell_page(event)
                if isinstance(event, Result):
                    result = event
                else:
                    watch.see(event)
        assert result is not None
        bars.update(watch.task, description="drawing the report")
        try:
            write_card(result.folder)
            report = str(write_report(result.folder, shown.images))
        except DrawingError as error:
            report = f"not drawn. {error}"
        except RoundsError:
            raise
        except Exception as error:
            advice = f"All else is in {result.folder}: `rounds report {result.folder}` draws it again"
            raise TrainingError(
                "The report", "done without an error", name="error", got=said(error), advice=advice
            ) from error
        logs.finished(result.folder)
    found = FindingsFile.read(result.folder)
    _print_advice(console, result, found)
    _print_result(console, result.metrics, found.verdict, report)
    return result


@contextmanager
def _interruption_named(watch: "_Watch") -> Iterator[None]:
    """Ctrl-C and the signals that end a run say where it is, once there is a folder."""
    try:
        yield
    except KeyboardInterrupt:
        if watch.folder is None:
            raise
        raise RunInterruptedError(
            f"Interrupted: everything up to the last epoch boundary is on disk in {watch.folder}. "
            f"--resume --out {watch.folder} goes on with it."
        ) from None


MOST_NOTES = 12  # lines about the table before a training; the report has all


def first_lines(dataset: "Dataset") -> list[str]:
    """What the user should see before a training: what is predicted, and how the table was read."""
    from rounds.data.cohort.outcomes import Outcome
    from rounds.data.cohort.rows import said_of_rows
    from rounds.data.description import target_line
    from rounds.data.roles.read_columns import column_notes

    notes = [
        *(f"{note.rstrip('.')}." for note in (*dataset.provenance.notes, *dataset.provenance.read)),
        *said_of_rows(dataset.provenance.exclusions),
        *column_notes(dataset.columns),
    ]
    more = [f"{len(notes) - MOST_NOTES:,} more notes in the report."] if len(notes) > MOST_NOTES else []
    outcome = Outcome(dataset.task, dataset.targets, dataset.positive_reason)
    return [target_line(outcome), *(f"Note: {note}" for note in notes[:MOST_NOTES]), *more]


def _unsaveable(request: "Request") -> list[str]:
    """What the user should know before a long training of a model that Keras cannot save."""
    if request.model is None:
        return []
    from rounds.networks.user_model.model import is_saveable

    if is_saveable(request.model):
        return []
    return [
        "Keras cannot save this model, because a class in it has no get_config: the run folder will hold its weights "
        "without its layers, and `rounds predict` will not run it."
    ]


def _bars(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        _TimeLeft(),
    )
    return Progress(*columns, console=console, transient=True, disable=console.quiet or not sys.stdout.isatty())


class _TimeLeft(ProgressColumn):
    """What was last said of the time left, less the time since then."""

    def render(self, task: "Task") -> Text:
        left, said_at = task.fields["left"], task.fields["said_at"]
        return Text("" if left is None else f"{span(left.after(time.monotonic() - said_at))} left")


class _Watch:
    """Turns the events of a job into bars: how many member-epochs are done, and the best validation so far."""

    def __init__(self, bars: Progress, console: Console, first: list[str] | None = None) -> None:
        self.bars, self.console, self.first = bars, console, first or []
        # It is drawn at once, with every field of its line.
        self.task = bars.add_task("reading", total=None, note="", left=None, said_at=0.0)
        self.epochs: dict[int, int] = {}
        self.best = float("inf")
        self.announced: Population | None = None  # whose cost is still to be said
        self.folder: Path | None = None

    def see(self, event: Any) -> None:
        if hasattr(event, "name"):
            self.folder = event.folder or self.folder
            self._new_stage(event.name, event.population)
            return
        if hasattr(event, "likely"):
            self._say_left(event)
            return
        if hasattr(event, "because"):
            self.console.print(str(event), markup=False)
            return
        if hasattr(event, "finding"):
            so_far = f"Seen after {event.epoch} epochs of {event.networks} networks"
            self.console.print(_finding_line(event.finding, so_far))
            return
        self.epochs[event.slab] = event.epoch
        self.best = min(self.best, event.best_value if event.result is None else self.best)
        self.bars.update(self.task, completed=sum(self.epochs.values()), note=f"best validation {self.best:.4g}")

    def _new_stage(self, name: str, population: "Population | None") -> None:
        total = None
        if population is not None:
            while self.first:  # once it is known that there will be a training
                self.console.print(self.first.pop(0), markup=False)
            total = sum(population.plans[s.plan].epochs for s in population.slabs)
            self.announced = population
        self.bars.update(self.task, description=name, total=total, completed=0, note="")

    def _say_left(self, left: "Remaining") -> None:
        if self.announced is not None:
            self.console.print(estimate_line(self.announced, left))
            self.announced = None
        self.bars.update(self.task, left=left, said_at=time.monotonic())


def span(left: "Remaining") -> str:
    """In words.

    >>> from rounds.job.time_left import Remaining
    >>> span(Remaining(20.0, 60.0, 200.0)), span(Remaining(1.0, 1.1, 1.2))
    ('20 s to 3 min', '1 s')
    """
    low, high = duration(left.low), duration(left.high)
    return low if low == high else f"{low} to {high}"


def estimate_line(population: "Population", left: "Remaining") -> str:
    """Networks, how long the whole run takes, how much memory; said before the first step."""
    from rounds.training.machine.estimate import held_megabytes

    count = len(population.members)
    return (
        f"Training {count} network{'s' if count > 1 else ''}. The whole run takes about {span(left)}, and "
        f"{held_megabytes(population):,.0f} MB for data and networks."
    )


def _print_advice(console: Console, result: "Result", found: "FindingsFile") -> None:
    """What was found in each round, what was tried against it, and what is found now."""
    from rounds.run_folder.prescriptions import read_prescriptions

    for finding in found.earlier:
        console.print(_finding_line(finding, f"Found in round {finding.look}"))
    if entries := read_prescriptions(result.folder):
        console.print(tried_table(entries), soft_wrap=False)
    if rounds := result.metrics.rounds:
        for one in rounds.contradictions:
            console.print(f"Round {one.round}: {one.reason}.")
        if rounds.examined:
            console.print(f"Rounds ended: {rounds.ended.rstrip('.')}.")
    for finding in found.findings:
        if finding.severity != "note" or finding.code == "healthy":
            console.print(_finding_line(finding, "Finding"))


def _finding_line(finding: "Finding | FindingRecord", said: str) -> str:
    follows = f" (follows from {', '.join(finding.follows_from)})" if finding.follows_from else ""
    return f"{said}: {finding.code}{follows}. {finding.explanation}"


def tried_table(entries: "Iterable[PrescriptionRecord]") -> Table:
    """A row for each remedy that was tried: against what, what it was worth, and what became of it."""
    table = Table(title="What was tried", title_justify="left", box=None, pad_edge=False)
    for name in ("round", "against", "change", "gain (95 % interval)", "verdict"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        table.add_row(*map(Text, entry_cells(entry)))
    return table


def entry_cells(entry: "PrescriptionRecord") -> tuple[str, ...]:
    """Round, finding, change, what it was worth, and what became of it.

    >>> from rounds.run_folder.prescriptions import PrescriptionRecord
    >>> tried = {"change": {"learning_rate": [10.0, 0.003]}, "effect": {"value": 24.83, "low": 14.0, "high": 35.66}}
    >>> entry_cells(PrescriptionRecord(round=1, finding="diverged", metric="rmse", verdict="kept",
    ...                                reason="confirmed", **tried))
    ('1', 'diverged', 'learning_rate 10.0 -> 0.003', 'rmse 24.8 (14 to 35.7)', 'kept: confirmed')
    """
    change = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in entry.change.items()) or entry.remedy
    e = entry.effect
    worth = f"{entry.metric} {e.value:.3g} ({e.low:.3g} to {e.high:.3g})" if e else "-"
    return str(entry.round), entry.finding, change, worth, f"{entry.verdict}: {entry.reason.rstrip('.')}"


QUESTIONS = ("Can the number be believed", "Was it trained well", "Was it worth it")


def _print_result(console: Console, record: "MetricsFile", verdict: "VerdictRecord", report: str) -> None:
    """The three answers in their order, then the scores that the last of them rests on."""
    from rounds.job.failures import FAILURES
    from rounds.report.wording import stopped_in_words

    answers = (verdict.believable, verdict.well_trained, verdict.worth_it)
    for question, said in zip(QUESTIONS, answers, strict=True):
        console.print(f"{question}: {said.answer} ({said.reason.rstrip('.')}).")
    console.print(scores_table(record, console.width), soft_wrap=False)
    for failed in record.failed:
        console.print(f"Failed: {failed.stage} ({failed.error}). {FAILURES} has the details.")
    if record.stopped_early:
        console.print(f"Stopped early: {stopped_in_words(record.stopped_early)}.")
    console.print(ensemble_line(record))
    console.print(f"Report: {report}")


def scores_table(record: "MetricsFile", width: int) -> Table:
    """A row a metric, with the way in which it is better; a column each for the network and what it is compared with,
    whose intervals are left to the report where the terminal is narrow."""
    from rounds.metrics.table import METRICS

    models = {"network": record.test, "single network": record.single_network, **record.baselines}
    table = Table(title=_title(record), title_justify="left", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in models:
        table.add_column(name, justify="right", overflow="fold")
    for metric in record.test:
        arrow = ARROWS[METRICS[metric].better] if metric in METRICS else ""
        cells = [_cell(scores.get(metric)) for scores in models.values()]
        if width < WIDE:
            cells = [cells[0], *(cell.partition(" ")[0] for cell in cells[1:])]
        table.add_row(f"{metric} {arrow}".rstrip(), *cells)
    return table


WIDE = 130  # letters a line, from which every score is shown with its interval
ARROWS = {"higher": "↑", "lower": "↓", "ideal": "="}  # which way a score is better; "=": the nearer to its ideal


def ensemble_line(record: "MetricsFile") -> str:
    """How networks were averaged, what that was worth, and what it costs."""
    from rounds.statistics.differences import gain_in_words

    made, gain = record.ensemble, record.gain_over_single
    cost = made.prediction
    if cost is None or gain is None or cost.networks == 1:
        return "Ensemble: none, one network predicts."
    seconds = cost.seconds
    return (
        f"Ensemble: {made.rule} of {cost.networks} networks, {gain.metric} "
        f"{gain_in_words(gain, 'the best single one')}; {cost.rows:,} rows take "
        f"{1000 * seconds['ensemble']:.0f} ms instead of {1000 * seconds['single_network']:.0f}."
    )


def _title(record: "MetricsFile") -> str:
    kinds = {
        "held-out": "held-out test rows",
        "given": "rows of the test table",
        "out-of-fold": "out of fold: every patient judged by networks that never saw them",
    }
    targets = record.task.targets
    target = ", ".join(targets[:3]) + (", ..." if len(targets) > 3 else "")
    unit = f" in {record.unit}" if record.unit else ""
    if record.task.kind == "binary" and record.task.classes:
        unit += f" (positive: {record.task.classes[1]})"
    rows, patients = record.rows["test"], record.patients["test"]
    return f"{target}{unit}, {rows:,} rows of {patients:,} patients, {kinds[record.test_kind]}"


def _cell(score: "Estimate | None") -> str:
    from rounds.report.scores_text import interval_text

    return interval_text(score)


def show_columns(
    source: str | None, choices: "Choices", write: Path | None, as_json: bool, force: bool = False
) -> None:
    """Prints the columns of a table and what each is taken for, or the names of the built-in sets."""

    from rounds.data.description import target_line, target_record
    from rounds.data.loading import examine_table
    from rounds.data.roles.decide import columns_table
    from rounds.data.roles.role_file import write_roles
    from rounds.data.sources.builtin import builtin_names

    if source is None:
        print("\n".join(builtin_names()))
        return
    examined = examine_table(source, choices)
    if write is not None:
        write_roles(write, examined.columns, force)
    rows, outcome = columns_table(examined.columns), examined.outcome
    target = [] if outcome is None else [target_line(outcome)]
    for note in (*target, *examined.notes, *(f"left out: {line}" for line in examined.left_out)):
        say(note, error=True)
    if as_json:
        described = None if outcome is None else target_record(outcome)
        print_json({"columns": rows, "target": described, "notes": list(examined.notes)})
    else:
        show_roles(rows, examined.columns)


def show_roles(rows: list[dict[str, Any]], columns: "Sequence[Column]") -> None:
    """What each column is taken for: first those that surprise, without the fields that no column fills."""
    unusual = {
        c.name for c in columns if c.said or c.proposed_missing or c.role in ("dropped", "constant", "identifier")
    }
    kept = [name for name in rows[0] if name == "column" or any(row[name] not in ("", "unknown") for row in rows)]
    kept = [name for name in kept if name not in ("levels", "looks missing")]  # the reason and a note say them
    ordered = sorted(rows, key=lambda row: row["column"] not in unusual)
    show_table([{name: row[name] for name in kept} for row in ordered])
    if "known" not in kept:
        print("No column says when it is known: --known admission for all, --known COL=stay for one.")


def show_table(rows: "Sequence[Mapping[str, object]]") -> None:
    """Prints records as a table, one a line."""
    table = Table(box=None, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name == "role")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    make_console(soft_wrap=False).print(table)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def show_prediction(run: Path, data: str, wanted: tuple[Any, ...], quiet: bool) -> None:
    """Predicts, writes the table (else prints it as CSV), and says on standard error what stood out in it.

    wanted: what `predict_table` takes after the data, in its order; first the file to write.
    """
    from rounds.prediction.table import predict_table, without_formulas

    report = predict_table(run, data, *wanted)
    if report.out is None:
        table = without_formulas(report.table).write_csv()
        sys.stdout.write(readable(table) if sys.stdout.isatty() else table)
    if not quiet:
        for line in report.lines:
            say(line, error=True)
