"""From a view's line to what is painted: as wide as the view, in its terminal's signs, on paper."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, trimmed
from rnnviz.tui.render.theme import ASCII, ViewTheme

#: To move the cursor over so many columns takes more bytes than to write them again.
NEAR = 8


class PaintedLine:
    """A line as it is painted, in exactly ``width`` columns, and the one it was made from."""

    def __init__(self, line: Line, width: int, look: ViewTheme) -> None:
        self.line = line
        fitted = trimmed(printable(line), width, look.ink)
        if look.ascii:
            fitted = [plain(segment) for segment in fitted]
        drawn = on_paper(fitted, look)
        self.pieces = [piece for piece in drawn if piece.text]
        self.strip = Strip(drawn, width)

    @cached_property
    def single(self) -> bool:
        """Whether every character takes one column."""
        return all(s.text.isascii() or cell_len(s.text) == len(s.text) for s in self.pieces)


def printable(line: Line) -> Line:
    """The line without anything that a terminal would take for a command.

    Views make text visible before they measure it; this holds for what one of them forgets.
    """
    if all(segment.text.isprintable() for segment in line):
        return line
    return [Segment(visible(text), style) for text, style, _ in line]


def on_paper(line: Line, look: ViewTheme) -> Line:
    """The line on the look's background."""
    if look.paper is None:
        return line
    known = _papered(look)
    out: Line = []
    for text, style, _ in line:
        on = known.get(style)
        if on is None:
            on = known[style] = look.paper if style is None else look.paper + style
        out.append(Segment(text, on))
    return out


@lru_cache(maxsize=16)
def _papered(look: ViewTheme) -> dict[Style | None, Style]:
    """Styles on the background: adding two takes as long as drawing what they are for."""
    return {}


def plain(segment: Segment) -> Segment:
    """The segment in ASCII, as wide as before."""
    text = segment.text.translate(ASCII)
    if not text.isascii():
        text = "".join(c if c.isascii() else "?" * cell_len(c) for c in text)
    return Segment(text, segment.style)


def changed(old: PaintedLine, new: PaintedLine) -> list[tuple[int, int]]:
    """Where two lines of the same width differ: from the first column to behind the last."""
    if not (old.single and new.single):
        return [_around(old.strip, new.strip)]
    runs: list[tuple[int, int]] = []
    for x, end in _differing(old.pieces, new.pieces):
        if runs and x - runs[-1][1] < NEAR:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((x, end))
    return runs


def _differing(old: Line, new: Line) -> Iterator[tuple[int, int]]:
    """The columns that differ, in order and as wide as they come; every character takes one."""
    before = after = 0  # how much of both pieces is behind the column
    i = j = _alike(old, new)
    x = sum([len(piece.text) for piece in old[:i]])
    while i < len(old) and j < len(new):
        (was, style, _), (text, worn, _) = old[i], new[j]
        some = min(len(was) - before, len(text) - after)
        if style is not worn and style != worn:
            yield x, x + some
        elif was != text or before != after:
            pairs = zip(was[before : before + some], text[after : after + some], strict=True)
            yield from ((x + k, x + k + 1) for k, (a, b) in enumerate(pairs) if a != b)
        x, before, after = x + some, before + some, after + some
        if before == len(was):
            i, before = i + 1, 0
        if after == len(text):
            j, after = j + 1, 0


def _alike(old: Line, new: Line) -> int:
    """How many pieces both begin with."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _around(old: Strip, new: Strip) -> tuple[int, int]:
    """From the first to behind the last piece that differs."""
    width = new.cell_length
    start = _common(list(old), list(new))
    tail = _common(list(reversed(list(old))), list(reversed(list(new))))
    return (start, width - tail) if start < width - tail else (0, width)


def _common(one: list[Segment], other: list[Segment]) -> int:
    columns = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        columns += a.cell_length
    return columns
