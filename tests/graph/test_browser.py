"""The page of a graph in a real browser: it folds, shows values, needs no network, and fits a phone, light and dark."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from rounds.graph.tape.backward import graph_of
from rounds.graph.view.page import page_of
from rounds.graph.view.summary import view_of

PHONE, SCREEN = 390, 1280
# Time that opening or drawing anything may take, so that it still feels immediate (Nielsen 1993: about a second).


def shrinking(p: dict[str, Any]) -> Any:
    """Ten layers whose sigmoids let less and less of the gradient through."""
    h = p["x"]
    for layer in range(10):
        with jax.named_scope(f"layer_{layer}"):
            h = jax.nn.sigmoid(h @ p[f"w{layer}"])
    return jnp.sum(h)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = {f"w{layer}": jnp.eye(3) for layer in range(10)}
    view = view_of(graph_of(shrinking, {"x": jnp.ones((2, 3)), **weights}), "layers")
    path = tmp_path_factory.mktemp("page") / "graph.html"
    path.write_text(page_of(view, "ten sigmoids </script><b>"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three thousand operations side by side, in no layer at all."""

    def long(p: dict[str, Any]) -> Any:
        w = p["w"]
        for _ in range(1500):
            w = jnp.sin(w) + 1.0
        return w.sum()

    path = tmp_path_factory.mktemp("large") / "graph.html"
    path.write_text(page_of(view_of(graph_of(long, {"w": jnp.ones(2)}), "operations"), "long"), encoding="utf-8")
    return path


def opened(browser: Any, page: Path, width: int = SCREEN, scheme: str = "light") -> Any:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    return browser


def boxes(browser: Any, which: str = "") -> list[str]:
    """Names of the boxes on the screen, from the top down."""
    found = browser.execute_script(
        f"return [...document.querySelectorAll('.box{which}')].map(b => [b.getBoundingClientRect().y, b.ariaLabel])"
    )
    return [name for _, name in sorted(found)]


def press(browser: Any, label: str) -> None:
    browser.execute_script(
        "[...document.querySelectorAll('[aria-label]')].find(b => b.ariaLabel === arguments[0])"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))",
        label,
    )


def test_opens_without_a_complaint_or_a_network(browser: Any, page: Path) -> None:
    shown = opened(browser, page)
    assert [entry for entry in shown.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert shown.execute_script("return performance.getEntriesByType('resource').map(r => r.name)") == []
    assert shown.title == "ten sigmoids </script><b>: graph"


def test_layers_stand_below_each_other_in_the_order_of_computing(browser: Any, page: Path) -> None:
    shown = opened(browser, page)
    shown.execute_script("document.getElementById('fold-all').click()")
    layers = [name.split(",")[0] for name in boxes(shown, ".group")]
    assert layers == [f"group layer_{layer}" for layer in range(10)] + ["group L"]


def test_a_group_opens_and_folds(browser: Any, page: Path) -> None:
    shown = opened(browser, page)
    shown.execute_script("document.getElementById('fold-all').click()")
    folded = boxes(shown)
    press(shown, next(name for name in folded if name.startswith("group layer_3")))
    assert "input w3" in boxes(shown)
    assert len(boxes(shown)) > len(folded)
    press(shown, "fold layer_3")
    assert boxes(shown) == folded


def test_the_keyboard_opens_too(browser: Any, page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    shown = opened(browser, page)
    shown.execute_script("document.getElementById('fold-all').click(); document.querySelector('.box.group').focus()")
    before = len(boxes(shown))
    shown.switch_to.active_element.send_keys(Keys.ENTER)
    assert len(boxes(shown)) > before


def test_pointing_at_a_box_shows_its_values_and_the_chain_rule(browser: Any, page: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    shown = opened(browser, page)
    shown.execute_script("document.getElementById('fold-all').click()")
    ActionChains(shown).move_to_element(shown.find_element(By.CSS_SELECTOR, ".box.group")).perform()
    told = shown.find_element(By.ID, "details").text
    for words in ("layer_0", "2x3 float32", "incoming gradient", "local gradient", "entries"):
        assert words in told
    assert shown.execute_script("return document.querySelectorAll('.arrow.near').length") >= 1


def test_a_vanishing_gradient_is_seen_by_its_colour(browser: Any, page: Path) -> None:
    shown = opened(browser, page)
    shown.execute_script("document.getElementById('fold-all').click()")
    heats = shown.execute_script(
        "return [...document.querySelectorAll('.box.group')]"
        ".map(b => [b.getBoundingClientRect().y, b.className.baseVal])"
    )
    order = [int(name.split("heat-")[1]) for _, name in sorted(heats)]
    assert order == sorted(order)
    assert order[0] < order[-1] - 3


def test_light_and_dark_have_readable_words(browser: Any, page: Path) -> None:
    read = (
        "return [...document.querySelectorAll('.box')].map(b => [getComputedStyle(b.querySelector('rect')).fill,"
        " getComputedStyle(b.querySelector('text')).fill])"
    )
    seen = {}
    for scheme in ("light", "dark"):
        shown = opened(browser, page, scheme=scheme)
        pairs = [*shown.execute_script(read), *([colours(shown)])]
        assert all(contrast(back, ink) >= 4.5 for back, ink in pairs)  # WCAG 2.2, minimum contrast of text
        seen[scheme] = pairs
    assert seen["light"] != seen["dark"]


def colours(browser: Any) -> list[str]:
    return browser.execute_script("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two CSS colours `rgb(r, g, b)`."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_fits_a_phone(browser: Any, page: Path) -> None:
    shown = opened(browser, page, width=PHONE)
    assert shown.execute_script("return document.documentElement.scrollWidth") <= PHONE
    tall = shown.execute_script("return document.getElementById('drawing').getBoundingClientRect().height")
    assert tall > 250


def test_thousands_of_operations_stay_usable(browser: Any, large_page: Path) -> None:
    shown = opened(browser, large_page)
    assert "3,001 operations" in shown.page_source
    assert 1 < len(boxes(shown)) <= 60
    shown.execute_script("document.getElementById('open-all').click()")
    assert 300 < len(boxes(shown)) <= 700


def test_a_box_is_found_by_name_wherever_it_is_folded(browser: Any, large_page: Path) -> None:
    shown = opened(browser, large_page)
    shown.execute_script(
        "const f = document.getElementById('find'); f.value = 'reduce_sum'; f.dispatchEvent(new Event('input'))"
    )
    assert shown.execute_script("return document.getElementById('found').textContent") == "1 found"
    assert boxes(shown, ".found") == ["operation reduce_sum"]
