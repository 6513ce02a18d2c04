"""What every JSON record of a run folder shares: its file, the version of its layout, how it is written and read."""

from math import isnan, nan
from pathlib import Path
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from rounds.errors import RunFolderError
from rounds.files import write_json
from rounds.foreign_files import JsonObject
from rounds.run_folder.read import RESTORE, SCHEMA_VERSION, read_record, refuse_later_version

Content = JsonObject
Number = float | None  # None where a figure is not defined
Figure = Annotated[  # the same for what is reckoned with: nan where it is not defined, null in the file
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(lambda value: nan if value is None else value, json_schema_input_type=Number),
    PlainSerializer(lambda value: None if isnan(value) else value, return_type=Number),
]


class Part(BaseModel):
    """A part of a stored record. What a later version adds is kept as it stands; what is there has its type."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, defer_build=True)

    def content(self) -> Content:
        """As JSON holds it: plain values, without parts that were not given."""
        return self.model_dump(mode="json", exclude_unset=True)


P = TypeVar("P", bound=Part)


def checked(kind: type[P], content: Content, file: Path) -> P:
    """A record from its content; raises RunFolderError where a part is missing or of another type."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "record"
        where += "" if first["type"] == "missing" else f" ({first['msg']})"
        raise RunFolderError(file.name, f"a record with {where}", file=str(file), advice=RESTORE) from None


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
    def read_if_there(cls, run: Path) -> Self | None:
        """The same, None where the file is missing."""
        return cls.read(run) if (run / cls.FILE).exists() else None

    @classmethod
    def of(cls, content: Content, run: Path | str = "") -> Self:
        """A record from its content; raises RunFolderError where a part is missing or of another type.

        >>> class Note(Stored):
        ...     FILE = "note.json"
        ...     text: str
        >>> Note.of({"text": "whole"}).schema_version
        1
        """
        refuse_later_version(cls.FILE, content.get("schema_version", SCHEMA_VERSION))
        return checked(cls, content, Path(run) / cls.FILE)

    def content(self) -> Content:
        """As the file holds it: the version of its layout first."""
        return {"schema_version": self.schema_version} | super().content()

    def write(self, run: Path) -> None:
        """Writes the file, whole or not at all; raises RunFolderError as `write_whole`."""
        write_json(run / self.FILE, self.content())
