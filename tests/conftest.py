"""What all tests share: type checks of every annotated function, and the folder of real tables."""

import contextlib
import gc
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from beartype.claw import beartype_packages

# Programs compiled once serve all tests, both workers, the commands they start and the next session. `make clean`
# removes them; a folder named from outside is left alone.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")

# Rooms of NumPy functions: while tests run, every call is checked against its annotations. Not the networks (Keras
# reads the signature of a layer's constructor, which a checked one hides), nor training (where NumPy arrays may stand
# for JAX ones).
beartype_packages(
    [
        "rounds.metrics",
        "rounds.data",
        "rounds.statistics",
        "rounds.prediction",
        "rounds.baselines",
        "rounds.ensemble",
        "rounds.evaluation",
        "rounds.export",
    ]
)


SECONDS = Path(__file__).resolve().parents[1] / ".cache" / "test_seconds.json"  # of each test, when it last ran
QUICK_SECONDS = 0.02  # `--quick` leaves out what took longer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out tests that were slow when they last ran")


def _measured() -> dict[str, float]:
    return json.loads(SECONDS.read_text(encoding="utf-8")) if SECONDS.exists() else {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--quick`: tests that were quick when they last ran, and those that never ran."""
    if config.getoption("--quick"):
        seconds = _measured()
        slow = [item for item in items if seconds.get(item.nodeid, 0.0) > QUICK_SECONDS]
        items[:] = [item for item in items if seconds.get(item.nodeid, 0.0) <= QUICK_SECONDS]
        config.hook.pytest_deselected(items=slow)


_taken: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _taken[report.nodeid] = _taken.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The first process writes down how long each test took, whichever worker ran it."""
    if not hasattr(session.config, "workerinput") and _taken:
        SECONDS.parent.mkdir(exist_ok=True)
        taken = {name: round(seconds, 3) for name, seconds in {**_measured(), **_taken}.items()}
        SECONDS.write_text(json.dumps(taken), encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def _programs_end_with_their_module() -> Iterator[None]:
    """Compiled programs are forgotten after each file of tests; those on disk are read again in little time."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tables beside the repository; tests on them are skipped where it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the shared tables beside the repository")
    return folder


class Ended(NamedTuple):
    """How a command ended: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


def run_command(*words: object) -> Ended:
    """The `rounds` command in this process, which spares the seconds that a new one takes to import."""
    from rounds.cli import main

    out, err = io.StringIO(), io.StringIO()
    caught = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with (
        caught[0],
        caught[1],
        pytest.raises(SystemExit) as stop,
        patch.object(sys, "argv", ["rounds", *map(str, words)]),
    ):
        main()
    return Ended(int(stop.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def command() -> Callable[..., Ended]:
    return run_command


CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a window and without a network; tests in it are skipped where there is none."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver on the path")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    flags = "headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", f"user-data-dir={profile}"
    for flag in flags:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    yield driver
    driver.quit()
