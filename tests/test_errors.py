"""An error says one sentence, and holds its parts."""

import pickle

import pytest

from rounds.errors import DataError, PlanError, RoundsError


def test_the_sentence_has_what_must_be_what_was_got_and_what_to_do():
    error = PlanError("batch_size", "a whole number > 0", got=0, advice="Give at least 1")
    assert str(error) == "batch_size must be a whole number > 0, got batch_size=0. Give at least 1."


def test_a_question_keeps_its_mark_and_advice_its_full_stop():
    assert str(RoundsError("NAME", "known", name="name", got="x", advice="Did you mean y?")).endswith("Did you mean y?")
    assert str(RoundsError("NAME", "known", name="name", got="x", advice="Write y.")).endswith("Write y.")


def test_a_cell_is_named_by_its_column_row_and_file():
    error = DataError("Outcome", "0 or 1", column="died", got="3", row=12, file="stays.csv")
    assert str(error) == "Outcome must be 0 or 1, got died='3', row=12, file='stays.csv'."
    assert (error.column, error.row, error.file, error.got) == ("died", 12, "stays.csv", "3")


def test_nothing_got_is_not_said_and_none_is():
    assert str(DataError("Table", "there", advice="Name one")) == "Table must be there. Name one."
    assert (
        str(DataError("Package", "installed", name="found", got=None)) == "Package must be installed, got found=None."
    )


@pytest.mark.parametrize(
    "error", [DataError("Age", "a number", column="age", got="old", row=3), DataError("As it is.")]
)
def test_an_error_travels_between_processes_whole(error: DataError):
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
