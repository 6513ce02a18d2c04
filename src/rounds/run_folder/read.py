"""Records of a run folder, read back."""

from pathlib import Path
from typing import Any

from rounds.errors import RunFolderError
from rounds.foreign_files import JsonObject, parse_json, read_small

SCHEMA_VERSION = 1  # of the layout of a run folder's records
RESTORE = "Restore the file, or train again"


def read_record(run: Path, name: str) -> JsonObject:
    """A JSON file of a run folder that holds one record.

    Raises RunFolderError where there is no run, or the file is missing or damaged.
    """
    content = _read(run, name)
    if not isinstance(content, dict):
        raise RunFolderError(name, "a JSON object", file=str(run / name), advice=RESTORE)
    refuse_later_version(name, content.get("schema_version", SCHEMA_VERSION))
    return content


def refuse_later_version(name: str, version: object) -> None:
    """Raises RunFolderError for a file whose layout is of a later version than this Rounds knows."""
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        advice = "Install the version of Rounds that wrote it, or a later one"
        expected = f"of schema version {SCHEMA_VERSION} or before"
        raise RunFolderError(name, expected, name="schema_version", got=version, advice=advice)


def read_record_if_there(run: Path, name: str) -> JsonObject:
    """The same, empty where the file is missing."""
    return read_record(run, name) if (run / name).exists() else {}


def read_records(run: Path, name: str) -> list[JsonObject]:
    """A JSON file of a run folder that holds a list of records; raises as `read_record`."""
    content = _read(run, name)
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise RunFolderError(name, "a list of JSON objects", file=str(run / name), advice=RESTORE)
    return content


def read_records_if_there(run: Path, name: str) -> list[JsonObject]:
    """The same, empty where the file is missing."""
    return read_records(run, name) if (run / name).exists() else []


class _Told(JsonObject):
    """A JSON object that names its file where a part of it is missing: it was edited, or another version wrote it."""

    def __init__(self, content: JsonObject, file: Path) -> None:
        super().__init__(content)
        self.file = file

    def __missing__(self, key: str) -> Any:
        raise RunFolderError(self.file.name, f"a record with {key}", file=str(self.file), advice=RESTORE)


def _read(run: Path, name: str) -> Any:
    if not run.is_dir():
        raise RunFolderError(
            "RUN", "a run folder", name="run", got=str(run), advice="Give the folder that rounds train wrote"
        )
    try:
        file = run / name
        return parse_json(read_small(file), object_hook=lambda content: _Told(content, file))
    except FileNotFoundError:
        advice = "Give a folder in which rounds train finished, or go on with it by rounds train ... --resume"
        raise RunFolderError("RUN", f"a run folder with {name}", name="run", got=str(run), advice=advice) from None
    except (ValueError, OSError) as error:
        raise RunFolderError(name, "readable JSON", file=f"{run / name} ({error})", advice=RESTORE) from None
