"""What `rounds COMMAND --help` shows beside the words of each option: groups of options, and commands to paste."""

from typing import Any

import typer
from typer.core import TyperCommand

_DATA = (
    "data source target task positive group time roles as_ drop known where dates decimal baseline images image_size "
    "skip_bad sequences key label score patient"
)
# Group -> options in it, by the names of their parameters.
GROUPS = {
    "Data": _DATA,
    "Split and judging": "test test_sequences split_seed allow subgroup split",
    "Plan and remedies": "plan set_ rounds members model allow_code",
    "Running": "minutes seed resume cluster no_cache watch",
    "Output": "out log show_images quiet as_json write force page open",
}
OTHER = "Arguments and options"
EXAMPLES = {
    "audit": ("rounds audit predictions.csv", "rounds audit model.keras stays.csv --target died --out audit.html"),
    "check-gradient": ("rounds check-gradient mine.py:loss",),
    "clean": ("rounds clean",),
    "compare": ("rounds compare runs/first runs/second", "rounds compare runs/* --out compared.html"),
    "runs": ("rounds runs", "rounds runs study --json"),
    "watch": ("rounds watch runs/first --page", "rounds watch lightning_logs"),
    "data": (
        "rounds data stays.csv --target length_of_stay",
        "rounds data stays.csv --dates day-first --as ward=categorical --write roles.toml",
    ),
    "evaluate": ("rounds evaluate runs/stays next_year.csv --out evaluation.html",),
    "examine": ("rounds examine runs/stays", "rounds examine training.log --out page.html"),
    "export": ("rounds export runs/stays --format onnx",),
    "graph": ("rounds graph mine.py:loss --out graph.html",),
    "plan": ("rounds plan",),
    "predict": ("rounds predict runs/stays new_patients.csv --out predicted.csv",),
    "privacy": ("rounds privacy runs/stays --strip",),
    "report": ("rounds report runs/stays",),
    "schema": ("rounds schema metrics",),
    "train": (
        "rounds train diabetes",
        "rounds train stays.csv --target length_of_stay --group patient_id --known admission",
        'rounds train stays.csv --target died --where "age >= 18" --drop "icd_*" --set hidden=64,64 --out runs/died',
        "rounds train stays.csv --target died --sequences vitals.parquet --key stay_id",
        "rounds train stays.csv --target died --out runs/died --resume",
    ),
}


class HelpfulCommand(TyperCommand):
    """A command whose options stand in groups, with examples below them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                groups.setdefault(_group(parameter.name or ""), []).append(record)
        for name in (*GROUPS, OTHER):
            if name in groups:
                with formatter.section(name):
                    formatter.write_dl(groups[name])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        if examples := EXAMPLES.get(self.name or ""):
            formatter.write(f"\nExamples:\n{''.join(f'  {line}{chr(10)}' for line in examples)}")


def _group(parameter: str) -> str:
    return next((name for name, members in GROUPS.items() if parameter in members.split()), OTHER)


def with_help(app: typer.Typer) -> None:
    """Every command of the program gets groups and examples."""
    for command in app.registered_commands:
        command.cls = HelpfulCommand
