"""Each JSON file of a run folder is one typed record: what was written is read back, what cannot be read is named."""

import json

import pytest

from rounds.errors import RunFolderError
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.read import SCHEMA_VERSION, read_record
from rounds.run_folder.records import RECORDS, schema

SAID = {"answer": "unknown", "reason": "nothing was trained"}
CONTENT = {
    "verdict": {"believable": SAID, "well_trained": SAID, "worth_it": SAID},
    "findings": [],
    "not_applicable": [{"code": "overfitting", "reason": "nothing was trained"}],
}


def test_a_record_is_read_as_it_was_written(tmp_path):
    FindingsFile.of(CONTENT).write(tmp_path)
    assert json.loads((tmp_path / "findings.json").read_text()) == {"schema_version": SCHEMA_VERSION, **CONTENT}
    assert FindingsFile.read(tmp_path) == FindingsFile.of({"schema_version": SCHEMA_VERSION, **CONTENT})


def test_a_file_from_before_versions_is_read(tmp_path):
    (tmp_path / "findings.json").write_text(json.dumps(CONTENT))
    assert FindingsFile.read(tmp_path).not_applicable[0].code == "overfitting"


def test_what_a_later_version_added_is_kept():
    assert FindingsFile.of({**CONTENT, "signed_by": "nobody"}).content()["signed_by"] == "nobody"


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, "two"])
def test_a_later_layout_is_refused_by_name(tmp_path, version):
    (tmp_path / "findings.json").write_text(json.dumps({**CONTENT, "schema_version": version}))
    with pytest.raises(RunFolderError, match=r"findings\.json must be of schema version 1 or before"):
        read_record(tmp_path, "findings.json")


def test_a_missing_part_is_named():
    with pytest.raises(RunFolderError, match=r"findings\.json must be a record with verdict\.worth_it"):
        FindingsFile.of({**CONTENT, "verdict": {"believable": SAID, "well_trained": SAID}})


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_record_has_a_schema(command, name):
    ended = command("schema", name)
    assert ended.status == 0
    assert json.loads(ended.out) == schema(name)


def test_an_unknown_record_is_refused(command):
    ended = command("schema", "metrix")
    assert ended.status == 2
    assert "Did you mean metrics?" in ended.err
