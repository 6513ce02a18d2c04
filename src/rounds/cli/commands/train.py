"""The command that trains."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rounds.cli.app import app
from rounds.cli.options import (
    AllowCode,
    As,
    AsJson,
    Data,
    Dates,
    Decimal,
    Drop,
    Group,
    Images,
    ImageSize,
    Key,
    Kind,
    Known,
    Log,
    Model,
    Positive,
    Roles,
    Score,
    Sequences,
    Settings,
    ShowImages,
    SkipBad,
    Subgroup,
    Target,
    TestSequences,
    Time,
    Where,
    image_choices,
    make_choices,
    pairs,
)
from rounds.cli.readable import print_json


@app.command("train")
def train_command(
    data: Data,
    target: Target = None,
    task: Kind = None,
    positive: Positive = None,
    group: Group = None,
    time: Time = None,
    roles: Roles = None,
    as_: As = None,
    drop: Drop = None,
    known: Known = None,
    where: Where = None,
    dates: Dates = None,
    decimal: Decimal = None,
    baseline: Score = None,
    images: Images = None,
    image_size: ImageSize = 64,
    skip_bad: SkipBad = False,
    test: Annotated[str | None, typer.Option("--test", help="table that judges, instead of a part of DATA")] = None,
    sequences: Sequences = None,
    test_sequences: TestSequences = None,
    key: Key = None,
    split_seed: Annotated[int, typer.Option("--split-seed", help="of the split into parts", min=0)] = 0,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="train in spite of this finding")] = None,
    subgroup: Subgroup = None,
    plan: Annotated[Path | None, typer.Option("--plan", help="TOML file with the plan fields to change")] = None,
    set_: Settings = None,
    rounds: Annotated[int, typer.Option("--rounds", help="how often to prescribe and try; 0 only trains", min=0)] = 2,
    members: Annotated[int | None, typer.Option("--members", help="networks to train; 1 trains one", min=1)] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="stop training after so long", min=0.0)] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="of weights, orders and masks (else the plan's); does not move the split", min=0),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="run folder to write")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    model: Model = None,
    allow_code: AllowCode = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="compile every program, and keep none on disk")] = False,
    show_images: ShowImages = False,
    log: Log = None,
    watch: Annotated[bool, typer.Option("--watch", help="serve a live page on this machine while it trains")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print errors only")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a population of networks on DATA, judge it on patients it never saw, write a run folder with a report."""
    from rounds.plan import Plan, make_plan, parse_value, read_plan_file

    set_fields = {name: parse_value(name, text) for name, text in pairs(set_, "--set").items()}
    changes = {"seed": 0} | (read_plan_file(plan) if plan else {}) | set_fields
    changes |= {} if seed is None else {"seed": seed}
    make_plan(Plan(), changes)
    choices = make_choices(
        target,
        task,
        positive,
        group,
        time,
        roles=roles,
        as_=as_,
        drop=drop,
        known=known,
        where=where,
        baseline=baseline,
        pictures=image_choices(images, image_size, skip_bad),
        sequences=sequences,
        test_sequences=test_sequences,
        key=key,
        dates=dates,
        decimal=decimal,
    )
    from rounds.cli.terminal import Shown, show_training
    from rounds.job.arguments import load_for_model
    from rounds.job.request import Request

    own_model = _own_model(model, allow_code)
    request = Request(
        changes=changes,
        members=members,
        minutes=minutes,
        split_seed=split_seed,
        out=out,
        resume=resume,
        allow=tuple(allow or ()),
        subgroups=tuple(subgroup) if subgroup else None,
        rounds=rounds,
        model=own_model,
        allow_code=allow_code,
        cache=not no_cache,
    )
    dataset = load_for_model(data, choices, test, own_model)
    shown = Shown(quiet or as_json, show_images, tuple(log or ()), watch)
    result = show_training(dataset, request, shown)
    if as_json:
        print_json(result.record)


def _own_model(where: str | None, allow_code: bool) -> Any:
    """The Keras model of FILE.keras, or of FILE.py:NAME, whose file is run because the user names it."""
    if where is None:
        return None
    if where.endswith(".keras"):
        from rounds.networks.user_model.runner import read_model

        return read_model(Path(where), allow_code)
    from rounds.graph.subjects.python_file import read_named

    return read_named(where)
