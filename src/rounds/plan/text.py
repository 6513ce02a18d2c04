"""A plan as text: what `--set` and plan files mean, and the table of all fields that `rounds plan` prints."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rounds.errors import PlanError, nearest
from rounds.foreign_files import parse_toml, read_small
from rounds.plan.plan import Plan, describe_range, setting_names

Changes = dict[str, Any]  # of a plan: {field: value}


def parse_value(name: str, text: str) -> Any:
    """What the text after ``--set NAME=`` means: ``[a,b]`` is a sweep, ``a,b`` is one value that holds several.

    >>> parse_value("learning_rate", "[1e-3,1e-2]"), parse_value("hidden", "256,256"), parse_value("shuffle", "false")
    ((0.001, 0.01), (256, 256), False)
    """
    if name not in Plan.model_fields:
        raise _unknown_field(name, text)
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        if name not in setting_names() and "tuple" not in str(Plan.model_fields[name].annotation):
            raise PlanError(
                f"{name} must be one value, got {name}={text}. Only settings can be swept: {', '.join(setting_names())}"
            )
        return tuple(_scalar(part) for part in text[1:-1].split(",") if part.strip())
    return tuple(_scalar(part) for part in text.split(",")) if "," in text else _scalar(text)


def _unknown_field(name: str, value: object) -> PlanError:
    hint = nearest(name, list(Plan.model_fields))
    return PlanError("Plan field", "one of the fields of `rounds plan`", name=name, got=value, advice=hint)


def _scalar(text: str) -> Any:
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def make_plan(start: Plan, changes: Changes) -> Plan:
    """`start` with changes applied; every refusal names the field, its value and what is allowed."""
    for name in changes:
        if name not in Plan.model_fields:
            raise _unknown_field(name, changes[name])
    try:
        return start.change(**changes)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "plan"
        value = changes.get(name)
        raise PlanError(f"{name} must be {describe_range(name)}, got {name}={value!r}. {first['msg']}.") from None


def read_plan_file(path: Path) -> Changes:
    """The fields a plan file changes: TOML, ``name = value`` or ``[name]`` with ``value`` and ``why``."""
    try:
        content = parse_toml(read_small(path))
    except FileNotFoundError:
        raise PlanError(f"Plan file must be a file that exists, got plan={str(path)!r}. Check the path.") from None
    except (OSError, ValueError) as error:
        raise PlanError(
            f"Plan file must be TOML, got plan={str(path)!r} ({error}). Write lines such as learning_rate = 0.001."
        ) from None
    values = {k: v["value"] if isinstance(v, dict) and "value" in v else v for k, v in content.items()}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def plan_table() -> list[dict[str, str]]:
    """A row a field: name, default, allowed values, unit, half, and what it does.

    >>> plan_table()[0]["field"]
    'network'
    """
    default, settings = Plan(), (*setting_names(), "seed")
    return [
        {
            "field": name,
            "default": _shown(getattr(default, name)),
            "allowed": describe_range(name),
            "unit": str(info.json_schema_extra["unit"]) if isinstance(info.json_schema_extra, dict) else "",
            "kind": "setting" if name in settings else "structure",
            "does": info.description or "",
        }
        for name, info in Plan.model_fields.items()
    ]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
