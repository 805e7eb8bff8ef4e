"""Charts as lines of segments, in the colours of the theme."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from rnnviz.charts import Chart, text
from rnnviz.tui.render.segments import Line
from rnnviz.tui.render.theme import ViewTheme


def chart_lines(chart: Chart, theme: ViewTheme, width: int, height: int) -> list[Line]:
    """The chart as ``height`` lines of at most ``width`` columns."""
    rows = text(chart, max(1, width - 2), height, ascii_only=theme.ascii)
    return [
        [Segment(" ", theme.ink), *(Segment(s.text, _style(theme, s.role, s.hue)) for s in row)]
        for row in rows
    ]


def _style(theme: ViewTheme, role: str, hue: int | None) -> Style:
    if role == "data":
        return theme.below if hue == 0 else theme.above
    styles = {"title": theme.bold, "level": theme.source, "spot": theme.now, "note": theme.dim}
    return styles.get(role, theme.dim)
