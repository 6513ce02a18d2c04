"""The report in a real browser: with the network off, in light and dark, on a phone, on paper."""

import base64
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import TASKS

PageOf = Callable[[str], Path]

LONG_WORD = 15  # letters: longer ones may be hyphenless over two lines of a narrow column
PHONE, SCREEN = 390, 1280


def opened(browser: Any, report: Path, width: int = SCREEN, scheme: str = "light") -> Any:
    """The report in the browser, so wide and in such a colour scheme."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(report.as_uri())
    return browser


@pytest.mark.parametrize("kind", TASKS)
def test_opens_offline_without_a_complaint(browser: Any, page_of: PageOf, kind: str) -> None:
    page = opened(browser, page_of(kind))
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert page.title.startswith("Predicting")


@pytest.mark.parametrize("kind", TASKS)
def test_charts_are_drawn(browser: Any, page_of: PageOf, kind: str) -> None:
    page = opened(browser, page_of(kind))
    sizes = page.execute_script(
        "return [...document.querySelectorAll('figure svg')].map(s => {const b = s.getBoundingClientRect();"
        "return [b.width, b.height, s.querySelectorAll('path, line, text').length]})"
    )
    assert len(sizes) >= 8
    assert all(width > 200 and height > 80 and marks > 5 for width, height, marks in sizes)


def test_light_and_dark_differ_on_page_and_chart(browser: Any, page_of: PageOf) -> None:
    colours = "const s = getComputedStyle; return [s(document.body).backgroundColor, s(document.body).color,"
    colours += "s(document.querySelector('#figure-forest svg text')).fill]"
    report = page_of("regression")
    light, dark = (opened(browser, report, scheme=scheme).execute_script(colours) for scheme in ("light", "dark"))
    assert light[0] == "rgb(255, 255, 255)"
    assert all(a != b for a, b in zip(light, dark, strict=True))
    for background, ink, label in (light, dark):
        assert contrast(background, ink) >= 7.0  # WCAG 2.2, enhanced contrast of text
        assert contrast(background, label) >= 4.5  # WCAG 2.2, minimum contrast of text


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two CSS colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(p) / 255 for p in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", TASKS)
def test_a_phone_need_not_scroll_sideways(browser: Any, page_of: PageOf, kind: str) -> None:
    page = opened(browser, page_of(kind), width=PHONE)
    assert page.execute_script("return innerWidth") == PHONE
    assert page.execute_script("return document.documentElement.scrollWidth") <= PHONE


def test_first_screen_is_in_the_order_of_the_questions(browser: Any, page_of: PageOf) -> None:
    page = opened(browser, page_of("regression"))
    places = page.execute_script(
        "return ['h1', '#answer', '#believable', '#well-trained', '#worth-it', '#figure-forest', '#judged']"
        ".map(s => {const b = document.querySelector(s).getBoundingClientRect(); return [b.top, b.left]})"
    )
    assert places == sorted(places, key=lambda p: (round(p[0]), p[1]))


def test_a_wide_table_on_a_phone_says_that_it_scrolls(browser: Any, page_of: PageOf) -> None:
    page = opened(browser, page_of("binary"), width=PHONE)
    said = page.execute_script(
        "return [...document.querySelectorAll('.table')].filter(t => t.checkVisibility())"
        ".map(t => [t.scrollWidth > t.clientWidth, getComputedStyle(t, '::before').display != 'none'])"
    )
    assert [wide for wide, _ in said].count(True) >= 1
    assert all(wide == told for wide, told in said)


def test_no_green_above_an_unanswered_question(browser: Any, page_of: PageOf) -> None:
    """Trained well and worth it, but believable unknown: neither badge may look like praise."""
    page = opened(browser, page_of("regression"))
    marks = page.execute_script("return [...document.querySelectorAll('.answer')].map(a => [a.innerText, a.className])")
    assert sorted(marks) == [["Not known", "answer open"], ["Yes", "answer plain"], ["Yes", "answer plain"]]


def test_it_prints(browser: Any, page_of: PageOf) -> None:
    page = opened(browser, page_of("regression"), scheme="dark")
    paper = {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", paper)
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    defaults = "return document.querySelector('#plan details .fields').getBoundingClientRect().height"
    assert page.execute_script(defaults) > 0, "what is folded away on the screen is open on paper"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    printed = on_paper(page)
    assert printed[:5] == b"%PDF-"
    assert 3 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 12


def on_paper(page: Any) -> bytes:
    """The page as a PDF."""
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    made = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    return base64.b64decode(made["data"])


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_paper_has_every_column_and_no_heading_alone_at_a_pages_end(
    browser: Any, page_of: PageOf, kind: str, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    page = opened(browser, page_of(kind))
    texts = (
        "return [...document.querySelectorAll(arguments[0])]"
        ".map(e => [...e.childNodes].map(n => n.textContent).join(' '))"
    )
    heads, titles = (page.execute_script(texts, what) for what in ("th, td", "h2, h3"))
    (tmp_path / "page.pdf").write_bytes(on_paper(page))
    read = ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"]
    sheets = subprocess.run(read, capture_output=True, text=True, check=True).stdout.split("\f")
    printed = Counter(word for sheet in sheets for word in sheet.split())
    cells = Counter(word for text in heads for word in text.split() if word.isalpha())
    assert {word for word, count in cells.items() if printed[word] < count and len(word) < LONG_WORD} == set()
    last = [sheet.strip().splitlines()[-1].strip() for sheet in sheets[:-1] if sheet.strip()]
    assert not {" ".join(title.split()) for title in titles} & {" ".join(line.split()) for line in last}
