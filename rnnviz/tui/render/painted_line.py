"""Lines as they are painted: fitted to the width, on the background, in ASCII if needed."""

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

#: Fewer unchanged columns than this are written again: moving the cursor takes more bytes.
NEAR = 8


class PaintedLine:
    """A line in exactly ``width`` columns, with the segments it was made from."""

    def __init__(self, line: Line, width: int, theme: ViewTheme) -> None:
        self.line = line
        fitted = trimmed(printable(line), width, theme.ink)
        if theme.ascii:
            fitted = [to_ascii(segment) for segment in fitted]
        painted = on_background(fitted, theme)
        self.pieces = [piece for piece in painted if piece.text]
        self.strip = Strip(painted, width)

    @cached_property
    def single_width(self) -> bool:
        """Whether every character takes one column."""
        return all(s.text.isascii() or cell_len(s.text) == len(s.text) for s in self.pieces)


def printable(line: Line) -> Line:
    """The line without control characters.

    Views replace them before they measure text; this is a second line of defence.
    """
    if all(segment.text.isprintable() for segment in line):
        return line
    return [Segment(visible(text), style) for text, style, _ in line]


def on_background(line: Line, theme: ViewTheme) -> Line:
    """The line on the background of the theme."""
    if theme.background is None:
        return line
    styles = _styles_on_background(theme)
    out: Line = []
    for text, style, _ in line:
        style_on = styles.get(style)
        if style_on is None:
            style_on = styles[style] = (
                theme.background if style is None else theme.background + style
            )
        out.append(Segment(text, style_on))
    return out


@lru_cache(maxsize=16)
def _styles_on_background(theme: ViewTheme) -> dict[Style | None, Style]:
    """A cache of styles on the background, by style; adding two styles is slow."""
    return {}


def to_ascii(segment: Segment) -> Segment:
    """The segment in ASCII, of the same width."""
    text = segment.text.translate(ASCII)
    if not text.isascii():
        text = "".join(c if c.isascii() else "?" * cell_len(c) for c in text)
    return Segment(text, segment.style)


def changed_columns(old: PaintedLine, new: PaintedLine) -> list[tuple[int, int]]:
    """The spans [first, last + 1) in which two lines of the same width differ."""
    if not (old.single_width and new.single_width):
        return [_differing_middle(old.strip, new.strip)]
    runs: list[tuple[int, int]] = []
    for x, end in _differing(old.pieces, new.pieces):
        if runs and x - runs[-1][1] < NEAR:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((x, end))
    return runs


def _differing(old: Line, new: Line) -> Iterator[tuple[int, int]]:
    """The differing spans from left to right, if every character takes one column."""
    before = after = 0  # characters of the current pieces left of x
    i = j = _common_pieces(old, new)
    x = sum([len(piece.text) for piece in old[:i]])
    while i < len(old) and j < len(new):
        (old_text, old_style, _), (text, style, _) = old[i], new[j]
        count = min(len(old_text) - before, len(text) - after)
        if old_style is not style and old_style != style:
            yield x, x + count
        elif old_text != text or before != after:
            pairs = zip(old_text[before : before + count], text[after : after + count], strict=True)
            yield from ((x + k, x + k + 1) for k, (a, b) in enumerate(pairs) if a != b)
        x, before, after = x + count, before + count, after + count
        if before == len(old_text):
            i, before = i + 1, 0
        if after == len(text):
            j, after = j + 1, 0


def _common_pieces(old: Line, new: Line) -> int:
    """The number of equal pieces at the beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _differing_middle(old: Strip, new: Strip) -> tuple[int, int]:
    """The span from the first to the last differing piece."""
    width = new.cell_length
    start = _common_width(list(old), list(new))
    tail = _common_width(list(reversed(list(old))), list(reversed(list(new))))
    return (start, width - tail) if start < width - tail else (0, width)


def _common_width(one: list[Segment], other: list[Segment]) -> int:
    columns = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        columns += a.cell_length
    return columns
