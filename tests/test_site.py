"""The documents as a site: what mkdocs.yml names is there, and the built pages open without a network."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rounds
from rounds.examination.rules import rule_of

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SETTINGS = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
FROM_ROOT = {"index.md", "contributing.md", "changelog.md"}  # written by docs/site/hooks.py
LARGEST_FIGURE = 100_000  # characters
LOADED = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(?:https?:)?//", re.I)


def navigation() -> list[str]:
    return re.findall(r"^ +- (?:.+: )?(\S+\.md)$", SETTINGS[SETTINGS.index("\nnav:") :], re.M)


def test_every_page_is_in_the_navigation_once() -> None:
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} | FROM_ROOT
    assert len(navigation()) == len(set(navigation()))
    assert set(navigation()) == pages


def test_every_public_name_has_its_reference() -> None:
    named = re.findall(r"^::: rounds\.(\w+)", (DOCS / "reference.md").read_text(encoding="utf-8"), re.M)
    assert set(rounds.__all__) <= set(named)


@pytest.mark.parametrize("page", sorted((DOCS / "gallery").glob("*.md")), ids=lambda page: page.stem)
def test_page_of_a_finding_shows_it_planted_and_mended(page: Path) -> None:
    """In the rule's own words, with figures that a script drew (python -m benchmarks.gallery)."""
    text = page.read_text(encoding="utf-8")
    rule = rule_of(page.stem)
    assert rule is not None
    assert f"**How it is detected.** {rule.how}" in text, f"python -m benchmarks.gallery {page.stem}"
    assert f"`{page.stem}`" not in text[text.index("What Rounds finds now") :], "what is mended is found no more"
    for figure in re.findall(r"\]\((\S+\.svg)\)", text):
        drawn = (page.parent / figure).read_text(encoding="utf-8")
        assert drawn.startswith("<svg")
        assert len(drawn) < LARGEST_FIGURE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all(importlib.util.find_spec(name) for name in ("material", "mkdocstrings")):
        pytest.skip('needs the generator: pip install ".[docs]"')
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= len(navigation())
    assert not [page.name for page in pages if LOADED.search(page.read_text(encoding="utf-8"))]


@pytest.mark.slow
def test_links_within_the_site_lead_somewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for target in re.findall(r"<(?:a|img|script|link)[^>]+(?:href|src)=\"?([^\" >#]+)", page.read_text("utf-8")):
            if "://" not in target and not target.startswith(("mailto:", "data:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.slow
def test_the_reference_shows_docstrings(site: Path) -> None:
    reference = (site / "reference.html").read_text(encoding="utf-8")
    for words in ("Trains a population of networks", "predict_proba", "442 patients"):
        assert words in reference


@pytest.mark.slow
def test_search_works_in_pages_opened_as_files(site: Path, browser: Any) -> None:
    browser.set_window_size(1300, 900)
    browser.get((site / "ideas" / "dropout.html").as_uri())
    box = browser.find_element("css selector", ".md-search__input")
    box.click()
    for _ in range(20):  # the index is read when the box is first entered
        box.clear()
        box.send_keys("unscaled")
        if browser.find_elements("css selector", ".md-search-result__item"):
            break
        browser.implicitly_wait(1)
    found = [link.get_attribute("href") for link in browser.find_elements("css selector", ".md-search-result__link")]
    assert any("findings.html" in link for link in found)
