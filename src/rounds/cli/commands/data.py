"""The command that says what a table is taken for."""

from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import (
    As,
    AsJson,
    Dates,
    Decimal,
    Drop,
    Group,
    Images,
    ImageSize,
    Key,
    Kind,
    Known,
    Positive,
    Roles,
    Sequences,
    SkipBad,
    Target,
    Where,
    image_choices,
    make_choices,
)


@app.command()
def data(
    source: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="file, image folder or built-in set")
    ] = None,
    target: Target = None,
    task: Kind = None,
    positive: Positive = None,
    group: Group = None,
    roles: Roles = None,
    as_: As = None,
    drop: Drop = None,
    known: Known = None,
    where: Where = None,
    dates: Dates = None,
    decimal: Decimal = None,
    images: Images = None,
    image_size: ImageSize = 64,
    skip_bad: SkipBad = False,
    sequences: Sequences = None,
    key: Key = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="write what every column is taken for to this file")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="with --write: overwrite a file that was edited")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what each column of a table is taken for; --write a file to edit and hand back with --roles."""
    from rounds.cli.terminal import show_columns

    choices = make_choices(
        target,
        task,
        positive,
        group,
        None,
        roles=roles,
        as_=as_,
        drop=drop,
        known=known,
        where=where,
        pictures=image_choices(images, image_size, skip_bad),
        sequences=sequences,
        key=key,
        dates=dates,
        decimal=decimal,
    )
    show_columns(source, choices, write, as_json, force)
