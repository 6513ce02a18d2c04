"""`rounds.train`: what the command `rounds train` does, its options and the plan's fields being keywords."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rounds.job.arguments import Names, choices_of, dataset_of, names_of, plan_changes, speaking_python
from rounds.job.stages import Request, Result, stages
from rounds.plan import Plan

if TYPE_CHECKING:
    from rounds.task import Kind

ROUNDS = 2  # of examination and trial, unless the user says otherwise


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
    where: str | None = None,
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
    seed: int = 0,
    out: Path | str | None = None,
    resume: bool = False,
    model: Any = None,
    allow_code: bool = False,
    show_images: bool = False,
    quiet: bool = True,
    **fields: Any,
) -> Result:
    """Trains a population of networks, examines it, tries remedies, judges, and writes a run folder with a report.

        result = rounds.train("stays.csv", target="length_of_stay", group="patient_id", members=8, epochs=40)

    data: a path, a Polars or pandas frame, (X, y), the name of a built-in set, or a Dataset; target: one column or
    several; rounds: how often to prescribe and try (2; 0 trains and examines alone); quiet: print nothing; fields: of
    the plan, a list being a sweep. All else is as `rounds train --help` says, a dash being an underscore.

    Raises DataError, PlanError or RunFolderError for what cannot be used, TrainingError where no network is finite.
    """
    options = {name: value for name, value in locals().items() if name not in ("data", "plan", "request", "fields")}
    with speaking_python():
        asked = _request(plan, request, options, fields)
        dataset = dataset_of(data, choices_of(options), test)
        return _run(dataset, asked, quiet, show_images)


def improve(
    data: Any, plan: Plan | Mapping[str, Any] | None = None, request: Request | None = None, **options: Any
) -> Result:
    """The same as `train`; this name goes with the next release."""
    return train(data, plan, request, **options)


def _request(plan: Any, request: Request | None, options: Mapping[str, Any], fields: Mapping[str, Any]) -> Request:
    """What is asked for beside the data: of a Request where one is given, and of the keywords that were used."""
    given = request or Request(rounds=ROUNDS)
    changes = {**given.changes, **plan_changes(plan, fields, options["seed"] or given.changes.get("seed", 0))}
    said = {
        name: options[name] for name in ("members", "minutes", "rounds", "model", "out") if options[name] is not None
    }
    more: dict[str, Any] = {"split_seed": options["split_seed"] or given.split_seed}
    more["allow"] = (*given.allow, *names_of(options["allow"]))
    more["subgroups"] = names_of(options["subgroup"]) or given.subgroups
    more |= {name: options[name] or getattr(given, name) for name in ("resume", "allow_code")}
    return replace(given, changes=changes, **said, **more)


def _run(dataset: Any, request: Request, quiet: bool, show_images: bool) -> Result:
    for event in stages(dataset, request):
        if isinstance(event, Result):
            return event
    raise AssertionError("stages end in a result")
