"""The screen's compositor: of what has changed, only the columns that have are drawn and written.

Textual's own divides every changed line where any widget begins or ends, and writes a changed span
from the beginning of its widget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

#: Where a piece is written, and what of which line: (y, x, strip, first column, behind the last).
Piece = tuple[int, int, Strip, int, int]
Spans = dict[int, list[tuple[int, int]]]
#: Text of one style: (y, x, text, style, columns).
Run = tuple[int, int, str, Style | None, int]


class Pieces(ChopsUpdate):
    """Pieces of lines, each written at its place."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__([], [], [])
        self.pieces = pieces

    def render_segments(self, console: Console) -> str:
        """The data for the terminal."""
        # A code before each run and none behind it: fewer for the driver to look at.
        ansi, system = Strip.render_ansi, console._color_system or ColorSystem.TRUECOLOR
        out: list[str] = []
        row = column = -1
        worn: Style | None = None
        for y, x, text, style, width in _by_style(self.pieces):
            if y != row:
                out.append(f"\x1b[{y + 1};{x + 1}H")
            elif x != column:
                out.append(_along(x, x - column))
            if style is not worn:
                out.append(f"\x1b[0;{ansi(style, system)}m" if style else "\x1b[0m")
                worn = style
            out.append(text)
            row, column = y, x + width
        out.append("\x1b[0m")
        return "".join(out)


def _along(x: int, by: int) -> str:
    """To column x of the same line: half as many bytes as to a line and a column."""
    if 0 < by < 10:
        return f"\x1b[{by}C" if by > 1 else "\x1b[C"
    return f"\x1b[{x + 1}G"


def _by_style(pieces: Sequence[Piece]) -> Iterator[Run]:
    """One style after the other: to move the cursor is fewer bytes than to change a colour."""
    groups: dict[Style | None, list[Run]] = {}
    for run in _joined(_runs(pieces)):
        groups.setdefault(run[3], []).append(run)
    for style in sorted(groups, key=_paper_and_ink):
        yield from groups[style]


def _joined(runs: Iterator[Run]) -> Iterator[Run]:
    """Spaces show no ink: they join what stands beside them on the same background."""
    last = next(runs, None)
    if last is None:
        return
    for run in runs:
        y, x, text, style, width = run
        beside = y == last[0] and x == last[1] + last[4]
        if beside and (style == last[3] or _blank(run, last[3])):
            last = (*last[:2], last[2] + text, last[3], last[4] + width)
        elif beside and _blank(last, style):
            last = (*last[:2], last[2] + text, style, last[4] + width)
        else:
            yield last
            last = run
    yield last


def _blank(run: Run, beside: Style | None) -> bool:
    """Do these spaces look the same in the style beside them?"""
    style = run[3]
    if style is None or beside is None or run[2].strip(" "):
        return False
    return style.bgcolor == beside.bgcolor and not any(
        each.reverse or each.underline or each.strike for each in (style, beside)
    )


def _paper_and_ink(style: Style | None) -> tuple[str, str]:
    """Styles of one background after one another: only the ink changes between them."""
    colours = (None, None) if style is None else (style.bgcolor, style.color)
    paper, ink = ("" if colour is None else colour.name for colour in colours)
    return paper, ink


def _runs(pieces: Sequence[Piece]) -> Iterator[Run]:
    """The segments of all pieces, each with its place and its columns."""
    for y, x, strip, start, end in pieces:
        for text, style, _ in _between(strip, start, end):
            width = len(text) if text.isascii() else cell_len(text)
            yield y, x, text, style, width
            x += width


def _between(strip: Strip, start: int, end: int) -> Iterator[Segment]:
    """The segments from one column to another."""
    x = 0
    for segment in strip:
        text = segment.text
        before, x = x, x + (len(text) if text.isascii() else cell_len(text))
        if x <= start:
            continue
        if x > end:
            segment = segment.split_cells(end - before)[0]
        if before < start:
            segment = segment.split_cells(start - before)[1]
        yield segment
        if x >= end:
            return


class DiffCompositor(Compositor):
    """Textual's compositor with updates of :class:`Pieces`."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed since the last time."""
        screen = self.size.region
        regions = [region.intersection(screen) for region in self._dirty_regions]
        self._dirty_regions.clear()
        left: Spans = {}
        for y, start, end in self._regions_to_spans(filter(None, regions)):
            left.setdefault(y, []).append((start, end))
        pieces = list(self._pieces(left))
        return Pieces(sorted(pieces, key=lambda piece: piece[:2])) if pieces else None

    def _pieces(self, left: Spans) -> Iterator[Piece]:
        """The widgets' parts of the spans; what is in front comes first and covers the others."""
        for widget, (region, clip) in self.visible_widgets.items():
            if not left:
                return
            seen = region.intersection(clip)
            rows = [y for y in seen.line_range if y in left]
            if not any(_touch(left[y], seen) for y in rows):
                continue
            lines = widget.render_lines(seen.translate((-region.x, -region.y)))
            for y in rows:
                strip, rest = lines[y - seen.y], []
                for start, end in left[y]:
                    first, last = max(start, seen.x), min(end, seen.right)
                    if first >= last:
                        rest.append((start, end))
                        continue
                    yield y, first, strip, first - seen.x, last - seen.x
                    rest += [(a, b) for a, b in ((start, first), (last, end)) if a < b]
                left[y] = rest
                if not rest:
                    del left[y]


def _touch(spans: list[tuple[int, int]], seen: Region) -> bool:
    return any(start < seen.right and end > seen.x for start, end in spans)
