"""What a person sees in the terminal: progress while a run trains, and its result in a few lines."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from rounds.cli.console import make_console
from rounds.cli.readable import print_json, readable, say
from rounds.errors import DrawingError, RoundsError, TrainingError
from rounds.run_folder.progress import duration

if TYPE_CHECKING:
    from rich.progress import Task

    from rounds.data.choices import Choices
    from rounds.data.dataset import Dataset
    from rounds.job.request import Request
    from rounds.job.result import Result
    from rounds.job.time_left import Remaining
    from rounds.training.population.build import Population


@dataclass(frozen=True)
class Shown:
    """What a training shows, and where. quiet: print errors only; images: pictures of patients in the report; log:
    other tools that are told (TOOL or TOOL=PLACE); watch: a live page."""

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

    console = make_console(shown.quiet, goes_on=True)
    for line in dataset.provenance.left_out:
        console.print(f"Left out: {line}")
    for line in _unsaveable(request):
        console.print(line)
    result = None
    with logging_to(shown.log) as logs, page_beside(shown.watch) as tell_page, _bars(console) as bars:
        watch = _Watch(bars, console, first_lines(dataset))
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
    _print_advice(console, result.folder)
    _print_result(console, result.record, report)
    return result


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

    def see(self, event: Any) -> None:
        if hasattr(event, "name"):
            self._new_stage(event.name, event.population)
            return
        if hasattr(event, "likely"):
            self._say_left(event)
            return
        if hasattr(event, "because"):
            self.console.print(str(event), markup=False)
            return
        if hasattr(event, "finding"):
            from rounds.examination.finding import finding_record

            so_far = f"Seen after {event.epoch} epochs of {event.networks} networks"
            self.console.print(_finding_line(finding_record(event.finding), so_far))
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

    return (
        f"Training {len(population.members)} networks in {len(population.slabs)} slabs. The whole run takes about "
        f"{span(left)}, and {held_megabytes(population):,.0f} MB for data and networks."
    )


def _print_advice(console: Console, folder: Path) -> None:
    """What was found in each round, what was tried against it, and what is found now."""
    from rounds.run_folder.read import read_record, read_records

    found = read_record(folder, "findings.json")
    for finding in found.get("earlier", ()):
        console.print(_finding_line(finding, f"Found in round {finding['look']}"))
    if entries := read_records(folder, "prescriptions.json"):
        console.print(stay_table(entries), soft_wrap=False)
    rounds = read_record(folder, "metrics.json").get("rounds", {})
    for one in rounds.get("contradictions", ()):
        console.print(f"Round {one['round']}: {one['reason']}.")
    if rounds.get("examined"):
        console.print(f"The stay ended: {rounds['ended'].rstrip('.')}.")
    for finding in found["findings"]:
        if finding["severity"] != "note" or finding["code"] == "healthy":
            console.print(_finding_line(finding, "Finding"))


def _finding_line(finding: dict[str, Any], said: str) -> str:
    follows = f" (follows from {', '.join(finding['follows_from'])})" if finding["follows_from"] else ""
    return f"{said}: {finding['code']}{follows}. {finding['explanation']}"


def stay_table(entries: list[dict[str, Any]]) -> Table:
    """A row for each remedy that was tried: against what, what it was worth, and what became of it."""
    table = Table(title="What was tried", title_justify="left", box=None, pad_edge=False)
    for name in ("round", "against", "change", "gain (95 % interval)", "verdict"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        table.add_row(*map(Text, entry_cells(entry)))
    return table


def entry_cells(entry: dict[str, Any]) -> tuple[str, ...]:
    """Round, finding, change, what it was worth, and what became of it.

    >>> rate = {"learning_rate": [10.0, 0.003]}
    >>> effect = {"value": 24.83, "low": 14.0, "high": 35.66}
    >>> entry_cells({"round": 1, "finding": "diverged", "change": rate, "metric": "rmse", "effect": effect,
    ...              "verdict": "kept", "reason": "confirmed"})
    ('1', 'diverged', 'learning_rate 10.0 -> 0.003', 'rmse 24.8 (14 to 35.7)', 'kept: confirmed')
    """
    change = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in entry["change"].items()) or entry["remedy"]
    effect = entry["effect"]
    worth = "{} {:.3g} ({:.3g} to {:.3g})".format(entry["metric"], *effect.values()) if effect else "-"
    return str(entry["round"]), entry["finding"], change, worth, f"{entry['verdict']}: {entry['reason'].rstrip('.')}"


def _print_result(console: Console, record: dict[str, Any], report: str) -> None:
    from rounds.job.failures import FAILURES
    from rounds.metrics.worth import worth_it
    from rounds.report.wording import stopped_in_words

    table = Table(title=_title(record), title_justify="left", box=None, pad_edge=False)
    metrics = list(record["test"])
    for column in ("", *metrics):
        table.add_column(column, justify="left" if not column else "right")
    rows = {"network": record["test"], "single network": record["single_network"], **record["baselines"]}
    for name, scores in rows.items():
        table.add_row(name, *(_cell(scores.get(metric)) for metric in metrics))
    console.print(table)
    for failed in record.get("failed", ()):
        console.print(f"Failed: {failed['stage']} ({failed['error']}). {FAILURES} has the details.")
    if "stopped_early" in record:
        console.print(f"Stopped early: {stopped_in_words(record['stopped_early'])}.")
    worth = worth_it(record["difference"])
    console.print(f"Worth it: {worth['answer']} ({worth['reason']}).")
    console.print(ensemble_line(record))
    console.print(f"Report: {report}")


def ensemble_line(record: dict[str, Any]) -> str:
    """How networks were averaged, what that was worth, and what it costs."""
    from rounds.metrics.worth import gain_in_words

    made, gain = record["ensemble"], record["gain_over_single"]
    cost = made["prediction"]
    if cost["networks"] == 1:
        return "Ensemble: none, one network predicts."
    seconds = cost["seconds"]
    return (
        f"Ensemble: {made['rule']} of {cost['networks']} networks, {gain['metric']} "
        f"{gain_in_words(gain, 'the best single one')}; {cost['rows']:,} rows take "
        f"{1000 * seconds['ensemble']:.0f} ms instead of {1000 * seconds['single_network']:.0f}."
    )


def _title(record: dict[str, Any]) -> str:
    kinds = {
        "held-out": "held-out test rows",
        "given": "rows of the test table",
        "out-of-fold": "out of fold: every patient judged by networks that never saw them",
    }
    target = ", ".join(record["task"]["targets"][:3]) + (", ..." if len(record["task"]["targets"]) > 3 else "")
    unit = f" in {record['unit']}" if record["unit"] else ""
    rows, patients = record["rows"]["test"], record["patients"]["test"]
    return f"{target}{unit}, {rows:,} rows of {patients:,} patients, {kinds[record['test_kind']]}"


def _cell(score: dict[str, float] | None) -> str:
    if not score or score.get("value") is None:
        return "-"
    return f"{score['value']:.3g} ({score['low']:.3g} to {score['high']:.3g})"


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
        show_table(rows)


def show_table(rows: list[dict[str, Any]]) -> None:
    """Prints records as a table, one a line."""
    table = Table(box=None, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    make_console(soft_wrap=False).print(table)


def _text(value: Any) -> str:
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
