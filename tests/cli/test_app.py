"""What the program says before any command: first steps, its version, help, and how a field of the plan is set."""

from importlib.metadata import version

import pytest


def test_bare_it_says_what_to_do_first(command):
    ended = command()
    assert ended.status == 0
    assert "rounds train diabetes" in ended.out


def test_version(command):
    ended = command("--version")
    assert (ended.status, ended.out) == (0, f"rounds {version('rounds')}\n")


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help(command, word):
    ended = command(word)
    assert ended.status == 0
    assert "--install-completion" in ended.out
    assert "train" in ended.out


def test_a_field_of_the_plan_that_is_no_option(command):
    ended = command("train", "diabetes", "--epochs", "5")
    assert ended.status == 2
    assert "No such option: --epochs. It is a field of the plan: --set epochs=5." in ended.err


def test_another_unknown_option_has_no_such_hint(command):
    ended = command("train", "diabetes", "--epoks", "5")
    assert ended.status == 2
    assert "--set" not in ended.err
