"""Pictures of the screen or of one panel, as SVG or plain text."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment, Segments
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme

from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.heatmap import Heatmap
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View

if TYPE_CHECKING:
    from textual.app import App
    from textual.strip import Strip

#: Panels that can be drawn alone, by name.
PANELS: Mapping[str, type[View]] = {"sentence": Sentence, "cell": CellView, "equation": Equations}

#: Local fonts that have the block and box characters.
FONTS = '"Fira Code", "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace'


def form(path: Path) -> str:
    """The form of a picture in a file: text for .txt, otherwise SVG, from which others are made."""
    return "txt" if path.suffix.lower() == ".txt" else "svg"


def of_screen(app: App[Any], form: str) -> str:
    """The current screen; ``form`` is "svg" or "txt"."""
    console = _console(*app.size)
    # Textual's public export writes SVG only, no text.
    console.print(app.screen._compositor.render_update(full=True))
    return _exported(console, form)


def of_panel(view_state: ViewState, name: str, size: tuple[int, int], form: str) -> str:
    """One panel; ``name`` is one of PANELS or a quantity with a heat map.

    Raises KeyError for other names.
    """
    return of_panels(view_state, {name: size[1]}, size[0], form)


def of_panels(view_state: ViewState, rows: Mapping[str, int], width: int, form: str) -> str:
    """Panels below each other, as :func:`of_panel`; ``rows``: the most rows of each, by name."""
    strips = panel_strips(view_state, rows, width)
    console = _console(width, len(strips))
    for strip in strips:
        console.print(Segments([*strip, Segment.line()]))
    return _exported(console, form)


def panel_strips(view_state: ViewState, rows: Mapping[str, int], width: int) -> list[Strip]:
    """The lines of panels below each other, as in :func:`of_panels`, without empty ends."""
    return [
        strip
        for name, height in rows.items()
        for strip in trimmed(_view(view_state, name).strips_at(view_state, width, height))
    ]


def _view(view_state: ViewState, name: str) -> View:
    if name in PANELS:
        return PANELS[name](view_state)
    if name not in view_state.quantities:
        raise KeyError(name)
    return Heatmap(view_state, view_state.quantities.index(name))


def trimmed(strips: list[Strip]) -> list[Strip]:
    """The strips without empty ones at the end."""
    while len(strips) > 1 and not any(s.text.strip() or s.style for s in strips[-1]):
        strips = strips[:-1]
    full = [n for n, strip in enumerate(strips) if strip.text.strip()]
    return strips[: full[-1] + 1] if full else strips[:1]


def _console(width: int, height: int) -> Console:
    return Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, record=True,
        color_system="truecolor", legacy_windows=False, safe_box=False,
    )  # fmt: skip


def _exported(console: Console, form: str) -> str:
    if form == "txt":
        lines = console.export_text().splitlines()
        return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"
    svg = console.export_svg(title="rnnviz", theme=_terminal_colours())
    return offline(_NOT_XML.sub("\ufffd", svg))


def _terminal_colours() -> TerminalTheme:
    """Rich's colours of a terminal with a black that is black: its own is faint on the others."""
    rich = SVG_EXPORT_THEME
    listed = (rich.ansi_colors[n] for n in range(1, 16))
    colours = [(0, 0, 0), *((c.red, c.green, c.blue) for c in listed)]
    return TerminalTheme(rich.background_color, rich.foreground_color, colours[:8], colours[8:])


#: Characters that XML does not allow.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def offline(svg: str) -> str:
    """The SVG without web fonts, and in a third of the bytes."""
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {FONTS};", svg)
    # Every text has its length and stays in its line: clipping is not needed.
    svg = re.sub(r'\s+clip-path="url\(#[^)]*-line-\d+\)"', "", svg)
    svg = re.sub(r'<clipPath id="[^"]*-line-\d+">.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = svg.replace(' shape-rendering="crispEdges"', "").replace("&#160;", "\N{NO-BREAK SPACE}")
    svg = svg.replace("</style>", "rect { shape-rendering: crispEdges; }</style>", 1)
    svg = re.sub(_TEXT, _without_spaces, _merge_background(svg))
    # Ids of several pictures on one page differ by a number; four digits are enough.
    return re.sub(r"terminal-(\d{1,4})\d*-", r"t\1-", svg)


#: Width and height of a character in the exported picture.
CELL, LINE = 12.2, 24.4
_SPACE = "\N{NO-BREAK SPACE}"
_TEXT = r'<text class="([^"]*)" x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)">([^<]*)</text>\n?'
_RECT = r'<rect fill="([^"]*)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>'


def _without_spaces(match: re.Match[str]) -> str:
    """A text element without surrounding spaces, which some programs drop."""
    style, x, y, length, text = match.groups()
    inside = text.strip(_SPACE)
    if not inside.strip():
        return ""
    before = len(text) - len(text.lstrip(_SPACE))
    after = len(text) - len(text.rstrip(_SPACE))
    x = f"{float(x) + before * CELL:.7g}"
    # textLength keeps the columns in any font; a single character needs none.
    length = f"{float(length) - (before + after) * CELL:.7g}"
    attribute = f' textLength="{length}"' if len(inside) > 1 else ""
    return f'<text class="{style}" x="{x}" y="{y}"{attribute}>{inside}</text>\n'


def _merge_background(svg: str) -> str:
    """The SVG with one rectangle of the most frequent colour instead of one a segment.

    Unchanged if a place inside it has no background of its own, which would be covered.
    """
    found = [(fill, *map(float, numbers)) for fill, *numbers in re.findall(_RECT, svg)]
    area: Counter[str] = Counter()
    for fill, _, _, width, height in found:
        area[fill] += int(width * height)
    if not area:
        return svg
    background = area.most_common(1)[0][0]
    own = [rect for rect in found if rect[0] == background]
    left, top = min(x for _, x, *_ in own), min(y for _, _, y, *_ in own)
    right, bottom = max(x + w for _, x, _, w, _ in own), max(y + h for _, _, y, _, h in own)
    inside = [r for r in found if left <= r[1] < right and top <= r[2] < bottom]
    lines = {y: sum(w for _, _, at, w, _ in inside if at == y) for _, _, y, *_ in inside}
    whole_lines = round((bottom - top) / LINE)
    if len(lines) < whole_lines or min(lines.values()) < right - left - CELL / 2:
        return svg
    whole = (
        f'<rect fill="{background}" x="{left:g}" y="{top:g}" width="{right - left:.7g}" '
        f'height="{bottom - top:.7g}"/>'
    )
    first = re.search(_RECT, svg)
    assert first is not None
    rest = re.sub(
        _RECT, lambda m: "" if m.group(1) == background else m.group(0), svg[first.start() :]
    )
    return svg[: first.start()] + whole + rest
