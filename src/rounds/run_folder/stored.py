"""What every JSON record of a run folder shares: its file, the version of its layout, how it is written and read."""

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from rounds.errors import RunFolderError
from rounds.files import write_json
from rounds.run_folder.read import RESTORE, SCHEMA_VERSION, read_record, refuse_later_version

Number = float | None  # None where a figure is not defined


class Part(BaseModel):
    """A part of a stored record. What a later version adds is kept as it stands; what is there has its type."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class Stored(Part):
    """A JSON file of a run folder that holds one record.

    schema_version: of the file's layout. A file without one was written before there were versions, and has the layout
    of version 1; one of a later version is refused by name.
    """

    FILE: ClassVar[str]
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def read(cls, run: Path) -> Self:
        """The record in a run folder; raises RunFolderError where it is missing, damaged or of a later version."""
        return cls.of(read_record(run, cls.FILE), run)

    @classmethod
    def of(cls, content: dict[str, Any], run: Path | str = "") -> Self:
        """A record from its content; raises RunFolderError where a part is missing or of another type.

        >>> class Note(Stored):
        ...     FILE = "note.json"
        ...     text: str
        >>> Note.of({"text": "whole"}).schema_version
        1
        """
        refuse_later_version(cls.FILE, content.get("schema_version", SCHEMA_VERSION))
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "record"
            raise RunFolderError(
                cls.FILE, f"a record with {where} ({first['msg']})", file=f"{run}/{cls.FILE}", advice=RESTORE
            ) from None

    def content(self) -> dict[str, Any]:
        """As the file holds it: plain values, without parts that were not given."""
        return {
            "schema_version": self.schema_version,
            **self.model_dump(mode="json", exclude_unset=True, exclude={"schema_version"}),
        }

    def write(self, run: Path) -> None:
        """Writes the file, whole or not at all; raises RunFolderError as `write_whole`."""
        write_json(run / self.FILE, self.content())
