"""How charts look: one size, one font, colours that the page sets for light, dark and paper; and the way to SVG."""

import re

import altair as alt

from rounds.errors import DrawingError
from rounds.foreign_files import silenced
from rounds.run_folder.stored import Content

Chart = alt.Chart | alt.LayerChart | alt.FacetChart

WIDTH, HEIGHT = 470, 290  # px: two beside each other on a screen, one on a phone without the text getting too small
# Labels are laid out in this font and size; the page shows them in its own font at 12 px, so that the wider fonts of
# some machines (DejaVu Sans is a seventh wider than Arial) still find room.
FONT, LAID_OUT = "Liberation Sans, Arial, Helvetica, sans-serif", 14

# Colours are names that the page gives values to, so that a chart follows light, dark and print. The hues are those
# of Okabe and Ito (2008), distinguishable with every kind of colour vision.
INK, SOFT, FAINT, ARRAY = "var(--ink)", "var(--soft)", "var(--faint)", "var(--grid)"
BLUE, ORANGE, GREEN, PURPLE = "var(--blue)", "var(--orange)", "var(--green)", "var(--purple)"
RATES = [f"var(--rate-{i})" for i in range(6)]  # a quantity: from low to high
HEAT = [f"var(--heat-{i})" for i in range(7)]

_WORDS = {
    "labelColor": SOFT,
    "titleColor": SOFT,
    "titleFontWeight": "normal",
    "labelFontSize": LAID_OUT,
    "titleFontSize": LAID_OUT,
    "labelFont": FONT,
    "titleFont": FONT,
}
_AXIS = {
    **_WORDS,
    "domainColor": FAINT,
    "tickColor": FAINT,
    "gridColor": ARRAY,
    "tickSize": 4,
    "titlePadding": 8,
    "labelPadding": 4,
    "tickCount": 5,
    "labelOverlap": True,
    "labelLimit": 150,
}
_LEGEND = {
    **_WORDS,
    "orient": "top",
    "offset": 6,
    "symbolOpacity": 1,
    "symbolStrokeWidth": 2.5,
    "columns": 5,
    "labelLimit": 300,
}
CONFIG: Content = {
    "background": None,
    "font": FONT,
    "aria": False,
    "axis": _AXIS,
    "legend": _LEGEND,
    "view": {"stroke": None},
    "text": {"color": INK, "font": FONT, "fontSize": LAID_OUT},
    "padding": {"left": 2, "right": 6, "top": 4, "bottom": 2},
}


# Bytes of addresses that the drawing library reserves, most of which it never uses (measured: it dies with 40 GB).
LEAST_ADDRESS_SPACE = 128 * 2**30


def to_svg(chart: Chart, name: str, label: str) -> str:
    """The chart as an SVG element that scales with the page; `name` keeps its ids apart from other charts'.

    label: what a screen reader says. Nothing is fetched, and no JavaScript is needed to see it.
    """
    import vl_convert

    sized = chart if "height" in chart._kwds and chart.height is not alt.Undefined else chart.properties(height=HEIGHT)
    fitted = sized.properties(width=WIDTH, autosize=alt.AutoSizeParams(type="fit", contains="padding"))
    spec = {**fitted.to_dict(validate=False), "config": CONFIG}
    _refuse_small_address_space()
    try:
        with silenced():
            drawn = vl_convert.vegalite_to_svg(spec)
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":  # which is no Exception
            advice = "Raise the limits of this shell (ulimit -n, ulimit -v); rounds report RUN draws the report again"
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise DrawingError("Drawing library", "able to draw", name="error", got=first, advice=advice) from None
        raise
    return _embedded(drawn, name, label)


def _refuse_small_address_space() -> None:
    """Raises DrawingError where the drawing library, which reserves much at once, would end the whole process."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit not in (resource.RLIM_INFINITY, -1) and limit < LEAST_ADDRESS_SPACE:
        advice = "Give it up (ulimit -v unlimited); rounds report RUN draws the report then"
        expected = f"at least {LEAST_ADDRESS_SPACE // 2**30} GB to draw"
        raise DrawingError(
            "Limit of address space", expected, name="ulimit", got=f"{limit / 2**30:.1f} GB", advice=advice
        )


def _embedded(svg: str, name: str, label: str) -> str:
    """SVG for a place inside HTML: own ids, its size left to the style sheet, no roles inside the picture."""
    from markupsafe import escape

    svg = re.sub(r' (?:aria-hidden|aria-roledescription|role|pointer-events)="[^"]*"', "", svg)
    for place, old in enumerate(re.findall(r'\bid="([^"]+)"', svg)):  # numbered over all charts of the process
        svg = svg.replace(f'id="{old}"', f'id="{name}-{place}"').replace(f"url(#{old})", f"url(#{name}-{place})")
    svg = re.sub(r'<path class="(?:background|foreground)"[^>]*/>', "", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
