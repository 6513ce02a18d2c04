"""`rounds.train`: what the command `rounds train` does, its options and the plan's fields being keywords."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rounds.data.dataset import Dataset
from rounds.job.arguments import Names, choices_of, dataset_of, names_of, plan_changes
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.speaking_python import speaking_python
from rounds.job.stages import stages
from rounds.plan import Plan

if TYPE_CHECKING:
    from rounds.task import Kind


def train(
    data: Any,
    plan: Plan | Mapping[str, Any] | Path | str | None = None,
    request: Request | None = None,
    *,
    target: Names = None,
    task: "Kind | None" = None,
    positive: str | None = None,
    group: str | None = None,
    time: str | None = None,
    roles: Path | str | None = None,
    as_: Mapping[str, str] | Names = None,
    drop: Names = None,
    known: Mapping[str, str] | Names = None,
    where: str | None = None,
    dates: str | None = None,
    decimal: str | None = None,
    baseline: str | None = None,
    images: str | None = None,
    image_size: int = 64,
    skip_bad: bool = False,
    test: Any = None,
    sequences: Any = None,
    test_sequences: Any = None,
    key: str | None = None,
    split_seed: int = 0,
    allow: Names = (),
    subgroup: Names = None,
    rounds: int | None = None,
    members: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    model: Any = None,
    allow_code: bool = False,
    no_cache: bool = False,
    show_images: bool = False,
    log: Names = None,
    watch: bool = False,
    quiet: bool = False,
    **fields: Any,
) -> Result:
    """Trains a population of networks, examines it, tries remedies, judges, and writes a run folder with a report.

        result = rounds.train("stays.csv", target="length_of_stay", group="patient_id", members=8, epochs=40)

    data: a path, a Polars or pandas frame, (X, y), the name of a built-in set, or a Dataset; target: one column or
    several; rounds: how often to prescribe and try (2; 0 trains and examines alone); log: other tools to write to,
    "tensorboard" or ["csv=curves", ...]; watch: a live page, whose address is printed; quiet: no progress; fields: of
    the plan, a list being a sweep. All else is as `rounds train --help` says, a dash being an underscore.

    Raises DataError, PlanError or RunFolderError for what cannot be used, TrainingError where no network is finite.
    """
    options = {name: value for name, value in locals().items() if name not in ("data", "plan", "request", "fields")}
    with speaking_python():
        asked = _request(plan, request, options, fields)
        dataset = dataset_of(data, choices_of(options), test, model)
        return _run(dataset, asked, options)


def improve(
    data: Any,
    plan: Plan | Mapping[str, Any] | Path | str | None = None,
    request: Request | None = None,
    **options: Any,
) -> Result:
    """The same as `train`; this name goes with the next release, and warns that it does."""
    import warnings

    said = "rounds.improve is rounds.train by its old name, which goes with the next release. Call rounds.train."
    warnings.warn(said, FutureWarning, stacklevel=2)
    return train(data, plan, request, **options)


def _request(plan: Any, request: Request | None, options: Mapping[str, Any], fields: Mapping[str, Any]) -> Request:
    """What is asked for beside the data: of a Request where one is given, then of the keywords that were used."""
    given = request or Request()
    said = {
        name: options[name] for name in ("members", "minutes", "rounds", "model", "out") if options[name] is not None
    }
    said |= {name: options[name] for name in ("split_seed", "resume", "allow_code") if options[name]}
    if options["no_cache"]:
        said["cache"] = False
    if options["allow"]:
        said["allow"] = (*given.allow, *names_of(options["allow"]))
    if options["subgroup"]:
        said["subgroups"] = names_of(options["subgroup"])
    return replace(given, changes=plan_changes(given.changes, plan, fields, options["seed"]), **said)


def _run(dataset: Dataset, request: Request, options: Mapping[str, Any]) -> Result:
    """The stages to their end, and the report."""
    from rounds.job.progress_line import progress_line
    from rounds.live.beside import page_beside
    from rounds.loggers.events import logging_to
    from rounds.report.card.card import write_card
    from rounds.report.page import write_report

    tools, watch, quiet = names_of(options["log"]), options["watch"], options["quiet"]
    with logging_to(tools) as logs, page_beside(watch) as tell_page, progress_line(quiet) as see:
        for event in stages(dataset, request):
            logs.see(event)
            tell_page(event)
            if isinstance(event, Result):
                write_report(event.folder, options["show_images"])
                write_card(event.folder)
                logs.finished(event.folder)
                return event
            see(event)
    raise AssertionError("stages end in a result")
