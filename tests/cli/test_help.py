"""Help of every command: options in groups, and examples whose options are there."""

import re

import pytest

from rounds.cli import app
from rounds.cli.help import EXAMPLES, GROUPS

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(command, name):
    ended = command(name, "--help")
    assert ended.status == 0
    assert re.search(rf"Examples?:\s+rounds {name}", ended.out)


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in EXAMPLES.items() for line in lines])
def test_options_of_examples_exist(command, name, line):
    assert name in COMMANDS
    shown = command(name, "--help").out
    assert all(f"{option} " in shown for option in re.findall(r" (--[a-z-]+)", line))


def test_options_of_training_are_grouped(command):
    shown = command("train", "--help").out
    places = [shown.index(f"\n{group}:\n") for group in GROUPS]
    assert places == sorted(places)
    assert places[0] < shown.index("--known") < places[1] < shown.index("--allow") < places[2]
