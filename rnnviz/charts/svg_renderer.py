"""Rendering charts as a self-contained SVG document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rnnviz.charts.canvas import cut
from rnnviz.charts.chart import Chart
from rnnviz.charts.label_placement import OccupiedPoints
from rnnviz.charts.layout import ChartLayout, Curve, axes, lay_out
from rnnviz.charts.svg_elements import (
    DARK,
    LETTER,
    LIGHT,
    Paint,
    PlotArea,
    circle,
    length_of,
    path,
    pixels,
    steps,
    text_element,
)
from rnnviz.display import markup

END_NAME = 24  # letters of a name at a line's end
DASHES = ("", "9 4", "2 4", "12 4 2 4", "5 8", "18 6")
DOT, RING, ROW = 3.6, 7.0, 20.0


def svg(chart: Chart, width: int = 800, height: int = 400, dark: bool = False) -> str:
    """Render a chart as an SVG of that many pixels; at least 400 × 240 is useful."""
    return figure([chart], width, height, dark)


def figure(charts: Sequence[Chart], width: int = 800, height: int = 400, dark: bool = False) -> str:
    """Render charts below each other in one SVG, each ``height`` pixels high."""
    paint, total = DARK if dark else LIGHT, height * len(charts)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" '
        f'viewBox="0 0 {width} {total}" role="img" font-size="13" '
        f"font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">",
        f"<title>{markup(' · '.join(chart.title for chart in charts))}</title>",
        f'<rect width="{width}" height="{total}" fill="{paint.paper}"/>',
    ]
    for k, chart in enumerate(charts):
        inside = _chart(chart, width, height, paint)
        parts += [f'<g transform="translate(0 {k * height})">', *inside, "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _chart(chart: Chart, width: int, height: int, paint: Paint) -> Iterator[str]:
    layout = lay_out(chart, *axes(chart, max(2, width // 80), max(2, height // 60)), width)
    gutter = max([length_of(label) for _, label in layout.y.ticks], default=0)
    left = 16 + gutter + (22 if chart.y_label else 0)
    legend = list(_legend(layout, paint, left, width))
    top = 44 + ROW * max((row for row, _ in legend), default=0)
    names = [length_of(cut(c.name, END_NAME)) + 8 for c in layout.curves if c.letter and len(c.x)]
    foot = 50 if chart.x_label else 30
    size = width - left - 18 - max(names, default=0), height - top - foot
    frame = PlotArea(left, top, max(size[0], 40), max(size[1], 40))
    title = cut(chart.title, int((width - left) / (1.35 * LETTER)))
    yield text_element(left, 24, title, paint.ink, ' font-size="16" font-weight="bold"')
    yield from (drawn for _, drawn in legend)
    yield from _axes(chart, layout, frame, paint)
    for share, _ in layout.levels:
        across = steps((left, frame.y(share)), (frame.right, frame.y(share)))
        yield path(across, paint.dim, 1.5, "6 5")
    for curve in layout.in_order:
        yield from (_dots if curve.style == "dots" else _line)(curve, frame, paint)
    for x, y, _ in layout.spots:
        yield circle(frame.x(x), frame.y(y), RING, _ring(paint))
    yield from _ends(layout, frame, paint)
    yield from _labels(layout, frame, paint)


def _ring(paint: Paint) -> str:
    return f'fill="none" stroke="{paint.spot}" stroke-width="2.2"'


def _legend(
    layout: ChartLayout, paint: Paint, left: float, width: int
) -> Iterator[tuple[int, str]]:
    """Yield the row, from 1, and the SVG of each entry."""
    entries: list[tuple[str, Curve | str]] = [(curve.name, curve) for curve in layout.curves]
    entries += [(label, "level") for label in dict.fromkeys(label for _, label in layout.levels)]
    entries += [(label, "spot") for label in dict.fromkeys(s for _, _, s in layout.spots)]
    x, row = left, 1
    for full_label, kind in entries:
        label = cut(full_label, int((width - left - 52) / LETTER))
        needed = 36 + length_of(label) + 16
        if x > left and x + needed > width:
            x, row = left, row + 1
        y = 24 + ROW * row
        yield row, _sample(kind, x, y - 4.5, paint)
        yield row, text_element(x + 36, y, label, paint.ink)
        x += needed


def _sample(kind: Curve | str, x: float, y: float, paint: Paint) -> str:
    across = steps((x, y), (x + 28, y))
    if kind == "level":
        return path(across, paint.dim, 1.5, "6 5")
    if not isinstance(kind, Curve):
        return circle(x + 14, y, RING - 1, _ring(paint))
    if kind.style == "dots":
        return circle(x + 14, y, DOT, f'fill="{paint.hue(kind.hue)}"')
    return path(across, paint.hue(kind.hue), 2, _dashes(kind))


def _dashes(curve: Curve) -> str:
    # Dashes along thousands of points would hide some peaks.
    return "" if curve.dense else DASHES[curve.style_index % len(DASHES)]


def _axes(chart: Chart, layout: ChartLayout, frame: PlotArea, paint: Paint) -> Iterator[str]:
    for value, label in layout.y.ticks:
        y = frame.y(layout.y.share(value))
        yield path(steps((frame.left, y), (frame.right, y)), paint.grid, 1)
        yield text_element(frame.left - 8, y + 4.5, label.replace("-", "−"), paint.dim, _END)
    for value, label in layout.x.ticks:
        x = frame.x(layout.x.share(value))
        yield path(steps((x, frame.foot), (x, frame.foot + 5)), paint.dim, 1)
        yield text_element(x, frame.foot + 19, label.replace("-", "−"), paint.dim, _MIDDLE)
    corner = (frame.left, frame.top), (frame.left, frame.foot), (frame.right, frame.foot)
    yield path(steps(*corner), paint.dim, 1, more=' class="frame"')
    if chart.x_label:
        yield text_element(frame.x(0.5), frame.foot + 39, chart.x_label, paint.ink, _MIDDLE)
    if chart.y_label:
        middle = frame.y(0.5)
        turned = f'{_MIDDLE} transform="rotate(-90 18 {pixels(middle)})"'
        yield text_element(18, middle, chart.y_label, paint.ink, turned)


_END, _MIDDLE = ' text-anchor="end"', ' text-anchor="middle"'


def _line(curve: Curve, frame: PlotArea, paint: Paint) -> Iterator[str]:
    if curve.dense:
        curve = curve.outline(round(frame.width))
    cuts = np.flatnonzero(~curve.joined) + 1
    points = np.stack([frame.x(curve.x), frame.y(curve.y)], axis=-1)
    pieces = [piece for piece in np.split(points, cuts) if len(piece)]
    colour = paint.hue(curve.hue)
    yield from (
        circle(piece[0, 0], piece[0, 1], 1.2, f'fill="{colour}"')
        for piece in pieces
        if len(piece) == 1
    )
    long = [steps(*((x, y) for x, y in piece)) for piece in pieces if len(piece) > 1]
    if long:
        yield path("".join(long), colour, 1.2 if curve.dense else 2.2, _dashes(curve))


def _dots(curve: Curve, frame: PlotArea, paint: Paint) -> Iterator[str]:
    # Merging dots closer than half a dot is invisible and keeps the file small.
    grain = DOT / 2 if curve.dense else 0.1
    points = np.stack([frame.x(curve.x), frame.y(curve.y)], axis=-1)
    _, first = np.unique(np.round(points / grain), axis=0, return_index=True)
    attributes = f'fill="{paint.hue(curve.hue)}"'
    yield from (circle(x, y, DOT, attributes) for x, y in points[np.sort(first)])


def _ends(layout: ChartLayout, frame: PlotArea, paint: Paint) -> Iterator[str]:
    """Names at the ends of lines, moved until none covers another."""
    ends = [curve for curve in layout.curves if curve.letter and len(curve.x)]
    ends.sort(key=lambda curve: -curve.y[-1])
    space = min(15.0, frame.height / max(len(ends), 1))
    heights = [float(frame.y(curve.y[-1])) for curve in ends]
    for k in range(1, len(heights)):
        heights[k] = max(heights[k], heights[k - 1] + space)
    for k in reversed(range(len(heights))):
        below = heights[k + 1] - space if k + 1 < len(heights) else frame.foot
        heights[k] = min(heights[k], below)
    for curve, y in zip(ends, heights, strict=True):
        yield text_element(
            frame.right + 8, y + 4.5, cut(curve.name, END_NAME), paint.hue(curve.hue)
        )


def _labels(layout: ChartLayout, frame: PlotArea, paint: Paint) -> Iterator[str]:
    """Labels of marks, beside them where they cover least."""
    halo = f' paint-order="stroke" stroke="{paint.paper}" stroke-width="4" stroke-linejoin="round"'
    occupied = OccupiedPoints(layout, frame)
    for x, y, label in layout.spots:
        at_x, at_y, size = float(frame.x(x)), float(frame.y(y)), length_of(label)
        places = [(at_x + a, at_y + b) for b in (24, -14) for a in (-size / 2, 6, -size - 6)]
        places += [(at_x + 14, at_y + 4.5), (at_x - size - 14, at_y + 4.5)]
        if place := occupied.emptiest(places, size):
            yield text_element(*place, label, paint.spot, halo)
    for share, label in layout.levels:
        y, last = float(frame.y(share)), frame.right - length_of(label) - 6
        places = [(x, y + b) for x in (last, frame.left + 8) for b in (-6, 16)]
        if place := occupied.emptiest(places, length_of(label)):
            yield text_element(*place, label, paint.dim, halo)
