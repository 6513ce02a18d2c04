"""Options that several commands take, by the same name and with the same words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rounds.errors import PlanError, RoundsError

if TYPE_CHECKING:
    from rounds.data.choices import Choices, ImageChoices

Data = Annotated[
    str, typer.Argument(help="CSV, TSV, Parquet or NPZ file, image folder, or a built-in set (diabetes, ...)")
]
Run = Annotated[Path, typer.Argument(help="run folder that `rounds train` left behind")]
AsJson = Annotated[bool, typer.Option("--json", help="print the record as JSON")]
Model = Annotated[
    str | None, typer.Option("--model", help="Keras model to train: FILE.keras, or FILE.py:NAME, which is run")
]
ShowImages = Annotated[
    bool, typer.Option("--show-images", help="pictures of patients in the report, else they lie beside it")
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="import modules that the plan or the model names as module:name")
]
Target = Annotated[list[str] | None, typer.Option("--target", help="column to predict; several: a,b or a glob")]
Kind = Annotated[str | None, typer.Option("--task", help="regression, count, binary, multiclass or multilabel")]
Positive = Annotated[str | None, typer.Option("--positive", help="class that counts as positive")]
Group = Annotated[str | None, typer.Option("--group", help="patient column; none: every row is another patient")]
Time = Annotated[str | None, typer.Option("--time", help="split by this column: test on the latest patients")]
Roles = Annotated[Path | None, typer.Option("--roles", help="roles.toml as `rounds data FILE --write` wrote it")]
As = Annotated[list[str] | None, typer.Option("--as", help="COL=ROLE: what a column is taken for")]
Drop = Annotated[list[str] | None, typer.Option("--drop", help="leave this column out; repeat it or use a glob")]
Known = Annotated[
    list[str] | None,
    typer.Option(
        "--known",
        metavar="[COL=]WHEN",
        help="admission, stay or outcome: when columns are known (a name, a glob, or all)",
    ),
]
Dates = Annotated[
    str | None, typer.Option("--dates", help="day-first or month-first: how dates such as 05/07/2024 are read")
]
Decimal = Annotated[str | None, typer.Option("--decimal", help="point or comma: the mark before decimals")]
Where = Annotated[str | None, typer.Option("--where", help="keep the rows for which this holds: age >= 18")]
Images = Annotated[
    str | None, typer.Option("--images", help="column of a table that names image files (else recognised)")
]
ImageSize = Annotated[int, typer.Option("--image-size", help="pixels a side that images of a folder are resized to")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="leave out image files that cannot be read")]
Subgroup = Annotated[
    list[str] | None, typer.Option("--subgroup", help="column to compare by (else sex and age); repeat it")
]
Log = Annotated[
    list[str] | None,
    typer.Option("--log", metavar="TOOL[=PLACE]", help="tensorboard, mlflow, wandb-offline or csv; repeat it"),
]
ScoresPage = Annotated[
    Path | None,
    typer.Option("--out", metavar="PAGE.html", help="write the scores as a page (a folder: report.html in it)"),
]
Settings = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE of a plan field; [a,b] is a sweep")]
Score = Annotated[str | None, typer.Option("--baseline", help="column with the score in use today")]

Sequences = Annotated[
    str | None,
    typer.Option("--sequences", help="recordings of DATA's rows: table, or folder (text files, Parquet, WFDB, EDF)"),
]
TestSequences = Annotated[str | None, typer.Option("--test-sequences", help="recordings of the rows of --test")]
Key = Annotated[str | None, typer.Option("--key", help="column that DATA and its recordings share")]


def pairs(words: list[str] | None, option: str) -> dict[str, str]:
    for word in words or []:
        if "=" not in word:
            advice = f"Write {option} NAME=VALUE"
            raise PlanError(option, "NAME=VALUE", name=option.strip("-"), got=word, advice=advice)
    return dict(word.split("=", 1) for word in words or [])


def make_choices(
    target: list[str] | None, task: str | None, positive: str | None, group: str | None, time: str | None, **others: Any
) -> "Choices":
    from rounds.data.choices import Choices, ImageChoices
    from rounds.task import KINDS

    if task is not None and task not in KINDS:
        raise RoundsError("task", f"one of {', '.join(KINDS)}", got=task, advice="Leave it out to have it decided")
    return Choices(
        targets=tuple(target or ()),
        kind=task,
        positive=positive,
        group=group,
        time=time,
        roles=others.get("roles"),
        as_roles=pairs(others.get("as_"), "--as"),
        drop=tuple(others.get("drop") or ()),
        where=others.get("where"),
        baseline=others.get("baseline"),
        pictures=others.get("pictures") or ImageChoices(),
        sequences=others.get("sequences"),
        test_sequences=others.get("test_sequences"),
        key=others.get("key"),
        dates=others.get("dates"),
        decimal=others.get("decimal"),
        known=tuple(others.get("known") or ()),
    )


def image_choices(column: str | None, size: int, skip_bad: bool) -> "ImageChoices":
    from rounds.data.choices import ImageChoices

    return ImageChoices(column, size, skip_bad)
