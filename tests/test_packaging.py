"""What other ways of installing say of Rounds agrees with pyproject.toml."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RECIPE = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")


def test_the_conda_recipe_asks_for_the_same() -> None:
    run = RECIPE.split("\n  run:\n")[1].split("\n\n")[0]
    listed = [line.strip(" -").replace(" ", "") for line in run.splitlines()]
    assert listed == [f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]]
    assert f'version: "{PROJECT["version"]}"' in RECIPE
    command, place = next(iter(PROJECT["scripts"].items()))
    assert f"- {command} = {place}" in RECIPE


def test_the_version_is_one() -> None:
    assert version("rounds") == PROJECT["version"]


def test_every_extra_that_is_asked_for_in_words_is_there() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    asked = set(re.findall(r"rounds\[(\w+)\]", text))
    assert asked <= set(PROJECT["optional-dependencies"])
    assert {"watch", "tensorboard", "mlflow", "wandb"} <= set(PROJECT["optional-dependencies"])
