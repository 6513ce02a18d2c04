"""The live page: what it shows while a run is under way, who may see it, and how it ends, in a real browser."""

import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.job import live_files
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.stages import stages
from rounds.live import serve as server
from rounds.live.view import live_view_of
from rounds.report.page import write_report
from rounds.run_folder.progress import duration
from rounds.training.pool import Progress

EPOCHS = 20
RNG = np.random.default_rng(0)
FRAME = pl.DataFrame({f"x{i}": RNG.normal(size=120) for i in range(3)}).with_columns(y=pl.col("x0") + 0.3)
LOST = {"learning_rate": 10.0, "epochs": EPOCHS, "hidden": (8,), "number_embedding": "none", "folds": 2}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and pages are made whenever something happened."""
    monkeypatch.setattr(live_files, "EVERY", 0.0)
    monkeypatch.setattr(live_files, "SHARE", 1e9)
    monkeypatch.setattr(server, "EVERY", 0.1)


class Training:
    """A run that goes on as far as it is told to."""

    def __init__(self, folder: Path) -> None:
        data = load(FRAME[:100], Choices(targets=("y",), group="none"), test=FRAME[100:])
        request = Request(changes={"seed": 0, **LOST}, members=2, out=folder, rounds=0)
        self.folder, self._events = folder, stages(data, request)

    def until(self, reached: Callable[[Any], bool]) -> Any:
        return next(event for event in self._events if reached(event))

    def until_epoch(self, epoch: int) -> None:
        self.until(lambda event: isinstance(event, Progress) and event.epoch >= epoch)

    def finish(self) -> None:
        self.until(lambda event: isinstance(event, Result))
        write_report(self.folder)


@pytest.fixture
def training(tmp_path: Path, at_once: None) -> Training:
    return Training(tmp_path / "run")


def test_a_run_under_way_is_shown_and_ends_as_its_report(training: Training) -> None:
    assert live_view_of([training.folder]).stage == "waiting for the first epoch"
    training.until_epoch(9)
    view = live_view_of([training.folder])
    assert view.stage == "training"
    assert {"learning-curve", "metric-curve"} <= {figure.name for figure in view.figures}
    assert all(figure.svg.startswith("<svg") for figure in view.figures)
    assert view.share is not None
    assert 0 < view.share < 1
    assert [finding.code for finding in view.findings] == ["learning-rate-too-high"]
    assert any("memory" in fact for fact in view.facts)
    training.finish()
    assert live_view_of([training.folder]).finished
    assert not (training.folder / "live").exists()


def test_what_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    assert live_view_of([tmp_path / "nowhere"]).stage == "waiting for the first epoch"


def test_logs_of_other_tools_are_drawn(tmp_path: Path) -> None:
    rows = "\n".join(f"{e},{1 / e + 0.1},{1 / e + 0.02 * e}" for e in range(1, 31))
    (tmp_path / "training.csv").write_text(f"epoch,loss,val_loss\n{rows}\n")
    view = live_view_of([tmp_path])
    assert view.figures[0].svg.startswith("<svg")
    assert "overfitting" in {finding.code for finding in view.findings}


@pytest.mark.parametrize(("seconds", "said"), [(4.4, "4 s"), (89.0, "89 s"), (90.0, "2 min"), (7200.0, "2.0 h")])
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.fixture
def served(training: Training) -> str:
    """The address of a page on the training."""
    addresses: queue.Queue[str] = queue.Queue()
    words = ([training.folder], addresses.put, "127.0.0.1", 0, True)
    threading.Thread(target=server.serve, args=words, daemon=True).start()
    return addresses.get(timeout=60)


def test_nobody_sees_it_without_the_token(served: str, training: Training) -> None:
    with urllib.request.urlopen(served) as page:
        assert "EventSource" in page.read().decode()
        assert page.headers["Cache-Control"] == "no-store"
    root = served.rsplit("/", 2)[0]
    for path in ("/", "/events", "/wrong/", "/wrong/report.html"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(root + path)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(served + "report.html")
    training.finish()


@pytest.fixture
def on_loopback(browser: Any) -> Iterator[Any]:
    """The browser with a network, which for it is this machine."""
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **conditions})
    yield browser
    browser.get("about:blank")
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **conditions})


CURVE = "return document.querySelector('#figure-metric-curve svg')?.innerHTML.length || 0"


def test_in_a_browser_curves_grow_findings_appear_and_it_ends_as_the_report(
    on_loopback: Any, served: str, training: Training
) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    def wait(holds: Callable[[], Any]) -> None:
        WebDriverWait(on_loopback, 60, 0.1).until(lambda _: holds())

    on_loopback.get(served)
    assert on_loopback.find_element("id", "stage").text == "waiting for the first epoch"
    training.until_epoch(3)
    wait(lambda: on_loopback.execute_script(CURVE) > 0)
    early = on_loopback.execute_script(CURVE)
    assert not on_loopback.find_element("id", "found").is_displayed()
    training.until_epoch(12)
    wait(lambda: on_loopback.execute_script(CURVE) > early)
    wait(lambda: "learning-rate-too-high" in on_loopback.find_element("id", "findings").text)
    loaded = on_loopback.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
    assert all(name.startswith(("http://127.0.0.1:", "data:")) for name in loaded)
    training.finish()
    wait(lambda: on_loopback.current_url.endswith("/report.html"))
    wait(lambda: on_loopback.title.startswith("Predicting"))
    severe = [entry for entry in on_loopback.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []
