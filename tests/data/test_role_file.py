"""What `rounds data FILE --write` writes can be edited and handed back, whatever the columns are called."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rounds.data.choices import Choices
from rounds.data.dataset import Column
from rounds.data.loading import load
from rounds.data.roles.role_file import GIVEN_ROLES, check_roles, parse_roles, write_roles
from rounds.data.sources.builtin import BUILTIN
from rounds.errors import DataError

N = 80
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    place = tmp_path / "stays.csv"
    pl.DataFrame(
        {
            "patient_nbr": np.arange(N) // 2,
            "age": [*random.integers(40, 90, N - 8), *[-9] * 8],
            "icd": random.choice(["250.10", "250.1", "428"], N),
            "discharge_code": random.choice([1, 2, 3], N),
            "score": random.normal(size=N).round(2),
            "admitted": ["2020-01-01"] * (N // 2) + ["2020-01-05"] * (N // 2),
            "born": ["1950-01-01"] * N,
            "los": random.lognormal(1, 1, N).round(2),
        }
    ).write_csv(place)
    return place


def columns(command: Command, *words: object) -> dict[str, dict[str, str]]:
    status, out, err = command("data", *words, "--json")
    assert status == 0, err
    return {row["column"]: row for row in json.loads(out)["columns"]}


def test_untouched_file_changes_nothing(table: Path, command: Command) -> None:
    roles = table.parent / "roles.toml"
    before = columns(command, table, "--target", "los", "--write", roles)
    after = columns(command, table, "--target", "los", "--roles", roles)
    icd = before.pop("icd"), after.pop("icd")
    assert [(c["role"], c["known"], c["unit"], c["read as missing"]) for c in before.values()] == [
        (c["role"], c["known"], c["unit"], c["read as missing"]) for c in after.values()
    ]
    assert [c["role"] for c in icd] == ["numeric", "numeric"]


def test_edited_file_is_followed(table: Path, command: Command) -> None:
    roles = table.parent / "roles.toml"
    shown = columns(command, table, "--write", roles)
    assert shown["age"]["looks missing"] == "-9"
    assert shown["patient_nbr"]["reason"].endswith("repeats: --group patient_nbr or --group none")
    text = roles.read_text()
    assert 'missing = []  # proposed: ["-9"]' in text
    edits = {
        "age": 'role = "numeric"\nknown = "admission"\nunit = "years"\nmissing = ["-9"]\n',
        "icd": 'role = "categorical"\n',
        "score": 'role = "numeric"\nknown = "outcome"\n',
        "admitted": 'role = "date:born"\nknown = "admission"\n',
    }
    sections = {name: fields for name, fields in tomllib.loads(text).items() if name not in edits}
    kept = "".join(f'["{name}"]\nrole = "{fields["role"]}"\n' for name, fields in sections.items())
    roles.write_text(kept + "".join(f'["{name}"]\n{fields}' for name, fields in edits.items()))
    after = columns(command, table, "--roles", roles)
    assert (after["age"]["unit"], after["age"]["known"], after["age"]["read as missing"]) == (
        "years",
        "admission",
        "-9",
    )
    assert after["age"]["looks missing"] == ""
    assert (after["icd"]["role"], after["icd"]["levels"]) == ("categorical", 3)
    assert (after["score"]["role"], after["score"]["known"]) == ("dropped", "outcome")
    assert (after["admitted"]["role"], after["admitted"]["reason"]) == ("numeric", "days since born")
    assert columns(command, table, "--roles", roles, "--as", "icd=numeric")["icd"]["role"] == "numeric"


def test_untouched_file_does_not_choose_the_patients(table: Path, command: Command) -> None:
    roles = table.parent / "roles.toml"
    columns(command, table, "--write", roles)
    status, _, err = command("train", table, "--target", "los", "--roles", roles, "--out", table.parent / "run")
    assert status == 2
    assert "Group must be chosen where an identifier repeats, got column='patient_nbr'." in err


def test_built_in_sets_are_listed_and_shown(command: Command) -> None:
    assert command("data")[1].split() == list(BUILTIN)
    status, out, err = command("data", "admissions")
    assert (status, "simulated hospital: no patient in it is real" in err) == (0, True)
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert rows["procedures"].split()[1:3] == ["dropped", "stay"]
    assert rows["died"].split()[1:3] == ["dropped", "outcome"]
    assert rows["creatinine"].split()[1:4] == ["numeric", "admission", "mg/dL"]
    assert "…" not in out


text = st.text(st.characters(codec="utf-8"), max_size=12)
made = st.builds(
    Column,
    name=text,
    role=st.sampled_from(GIVEN_ROLES),
    reason=text,
    known=st.sampled_from(["admission", "stay", "outcome", "unknown"]),
    unit=text,
    missing=st.lists(text, max_size=3).map(tuple),
    proposed_missing=st.lists(text, max_size=2).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(made, min_size=1, max_size=4, unique_by=lambda column: column.name))
def test_any_column_survives_the_file(tmp_path_factory: pytest.TempPathFactory, chosen: list[Column]) -> None:
    place = tmp_path_factory.mktemp("roles") / "roles.toml"
    write_roles(place, tuple(chosen))
    said = parse_roles(place)
    check_roles(said, [column.name for column in chosen])
    for column in chosen:
        fields = said[column.name]
        assert (fields["role"], fields["known"], fields["unit"]) == (column.role, column.known, column.unit)
        assert tuple(fields["missing"]) == column.missing


def test_an_edited_file_is_not_overwritten(command: Command, table: Path, tmp_path: Path) -> None:
    roles = tmp_path / "kept.toml"
    columns(command, table, "--write", roles)
    columns(command, table, "--write", roles)  # nothing was edited: the same again
    edited = roles.read_text(encoding="utf-8") + "# mine\n"
    roles.write_text(edited, encoding="utf-8")
    status, out, err = command("data", table, "--write", roles)
    assert (status, out) == (2, "")
    assert f"Roles file must be a new file, got write='{roles}'." in err
    assert "--force" in err
    assert roles.read_text(encoding="utf-8") == edited
    columns(command, table, "--write", roles, "--force")
    assert "# mine" not in roles.read_text(encoding="utf-8")


def test_a_table_is_never_overwritten(command: Command, table: Path) -> None:
    before = table.read_bytes()
    status, _, err = command("data", table, "--write", table, "--force")
    assert status == 2
    assert "Roles file must be a .toml file, got write=" in err
    assert table.read_bytes() == before


def test_when_columns_are_known_is_said_by_name_glob_or_for_all(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"age": [1.5, 2, 3] * 9, "lab_a": [0.5, 7, 8] * 9, "lab_b": [2.5, 1, 4] * 9, "died": [0, 1, 1] * 9}
    )
    said = Choices(targets=("died",), group="none", known=("admission", "lab_*=stay", "lab_b=outcome"))
    columns = {column.name: column for column in load(table, said).columns}
    assert [columns[name].known for name in ("age", "lab_a", "lab_b")] == ["admission", "stay", "outcome"]
    assert columns["lab_b"].role == "dropped", "what is known with the outcome is no feature"
    with pytest.raises(DataError, match="known must be admission or stay or outcome, got known='later'"):
        load(table, Choices(targets=("died",), group="none", known=("age=later",)))
    with pytest.raises(DataError, match="Did you mean lab_a"):
        load(table, Choices(targets=("died",), group="none", known=("lab_aa=stay",)))


def test_commas_part_names(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": range(30), "a": [0, 1] * 15, "b,c": [1, 0] * 15, "d": [1, 1, 0] * 10})
    assert load(table, Choices(targets=("a,d",), group="none")).task.targets == ("a", "d")
    assert load(table, Choices(targets=("b,c",), group="none")).task.targets == ("b,c",)


def test_pressures_name_no_patients(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    rows = "".join(f"{i},{110 + i % 40} / {60 + i % 17} mmHg,{i % 2}\n" for i in range(2, 82))
    place.write_text(f"x,bp,died\n{rows}{rows}")
    assert load(place, Choices(targets=("died",))).cohort.group is None
