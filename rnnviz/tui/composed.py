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
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

#: Where a piece is written, and what of which line: (y, x, strip, first column, behind the last).
Piece = tuple[int, int, Strip, int, int]
Spans = dict[int, list[tuple[int, int]]]


class Pieces(ChopsUpdate):
    """Pieces of lines, each written at its place."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        super().__init__([], [], [])
        self.pieces = pieces

    def render_segments(self, console: Console) -> str:
        """The data for the terminal."""
        out: list[str] = []
        # A code before each segment and none behind it: fewer for the driver to look at.
        ansi, system = Strip.render_ansi, console._color_system or ColorSystem.TRUECOLOR
        at = -1
        for y, x, strip, start, end in self.pieces:
            # To a column of the same line is half as many bytes as to a line and a column.
            out.append(f"\x1b[{x + 1}G" if y == at else f"\x1b[{y + 1};{x + 1}H")
            at = y
            for text, style, _ in _between(strip, start, end):
                out.append(f"\x1b[0;{ansi(style, system)}m{text}" if style else f"\x1b[0m{text}")
            out.append("\x1b[0m")
        return "".join(out)


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


class Sparing(Compositor):
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
