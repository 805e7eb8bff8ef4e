"""Pictures of the screen or of one panel: SVG for slides, plain text for everything else."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment, Segments

from rnnviz.tui.moment import Moment
from rnnviz.tui.view import View
from rnnviz.tui.views.cell import Cell
from rnnviz.tui.views.equations import Equations
from rnnviz.tui.views.heatmap import Heatmap
from rnnviz.tui.views.sentence import Sentence

if TYPE_CHECKING:
    from textual.app import App
    from textual.strip import Strip

#: The panels that no page shows larger, by name.
PANELS: Mapping[str, type[View]] = {"sentence": Sentence, "cell": Cell, "equation": Equations}

#: Fonts that have the block and box characters; the picture asks for none from the network.
FONTS = '"Fira Code", "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace'


def of_screen(app: App[int], form: str) -> str:
    """The whole screen as it is now; ``form`` is "svg" or "txt"."""
    console = _console(*app.size)
    console.print(app.screen._compositor.render_update(full=True))
    return _exported(console, form)


def of_panel(moment: Moment, name: str, size: tuple[int, int], form: str) -> str:
    """One panel drawn by itself; ``name`` is one of PANELS or a quantity with a heat map.

    KeyError for a name that is neither.
    """
    width, height = size
    strips = _trimmed(_view(moment, name)._draw(moment, width, height))
    console = _console(width, len(strips))
    for strip in strips:
        console.print(Segments([*strip, Segment.line()]))
    return _exported(console, form)


def _view(moment: Moment, name: str) -> View:
    if name in PANELS:
        return PANELS[name](moment)
    if name not in moment.quantities:
        raise KeyError(name)
    return Heatmap(moment, moment.quantities.index(name))


def _trimmed(strips: list[Strip]) -> list[Strip]:
    """Without the empty lines at the end."""
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
    return offline(console.export_svg(title="rnnviz"))


def offline(svg: str) -> str:
    """The picture without the fonts it would fetch, and without a word of who drew it."""
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {FONTS};", svg)
