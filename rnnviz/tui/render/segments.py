"""Numbers and text as segments of lines; pure functions.

A line is a list of segments. User text passes through :func:`rnnviz.display.visible` before it is
measured, and is never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.arrays import Array
from rnnviz.equations import MINUS, Span
from rnnviz.tui.render.marks import UNIT_CELL
from rnnviz.tui.render.theme import BARS, STEPS, ViewTheme, gate_glyph, signed_glyph

Line = list[Segment]

# -- words ----------------------------------------------------------------------------------------


def cut(text: str, width: int) -> str:
    """The text if it fits, or its beginning and "…"; never wider than ``width`` columns."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    out = ""
    for char in text:
        if cell_len(out + char) > width - 1:
            break
        out += char
    return out + "…"


def fit(text: str, width: int, align: str = "<") -> str:
    """Exactly ``width`` columns: cut, or padded left (``>``), right (``<``) or both (``^``)."""
    text = cut(text, width)
    room = width - cell_len(text)
    left = {"<": 0, ">": room, "^": room // 2}[align]
    return " " * left + text + " " * (room - left)


def length(line: Iterable[Segment]) -> int:
    """The width of a line in columns."""
    texts = [segment.text for segment in line]
    return sum([len(text) if text.isascii() else cell_len(text) for text in texts])


def trimmed(line: Line, width: int, style: Style) -> Line:
    """The line in exactly ``width`` columns."""
    out: Line = []
    room = width
    for segment in line:
        if room <= 0:
            break
        text = segment.text
        taken = len(text) if text.isascii() else cell_len(text)
        if taken > room:
            segment = Segment(cut(segment.text, room), segment.style)
            taken = cell_len(segment.text)
        out.append(segment)
        room -= taken
    if room > 0:
        out.append(Segment(" " * room, style))
    return out


def beside(left: Line, right: Line, width: int, style: Style) -> Line:
    """Two lines at the ends of one; the left one is cut if they would overlap."""
    room = max(0, width - length(right) - (1 if right else 0))
    gap = [Segment(" ", style)] if right else []
    return trimmed([*trimmed(left, room, style), *gap, *right], width, style)


def heading(title: str, question: str, width: int, theme: ViewTheme, note: str | Line = "") -> Line:
    """The first line of a panel: title, note, question and a rule to the end.

    A note is dim text, or segments with styles of their own.
    """
    line = [Segment("─ ", theme.rule)]
    if title:
        line += [Segment(title, theme.bold), Segment(" ", theme.rule)]
    if note:
        line += [Segment(note, theme.dim)] if isinstance(note, str) else note
        line.append(Segment(" ", theme.rule))
    if question and length(line) + cell_len(question) + 4 <= width:
        line += [Segment("· " + question, theme.dim), Segment(" ", theme.rule)]
    rest = Segment("─" * max(0, width - length(line)), theme.rule)
    return trimmed([*line, rest], width, theme.rule)


def wrapped(text: str, width: int) -> list[str]:
    """Plain text in lines of at most ``width`` columns, broken between words."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width or not line:
            line = longer
        else:
            lines.append(line)
            line = word
    return [*lines, line] if line else lines


def flowed(pieces: Line, width: int, indent: int) -> list[Line]:
    """Pieces in lines of at most ``width`` columns, broken before operators and indented."""
    lines: list[Line] = [[]]
    used = 0
    for group in _groups(pieces):
        wide = length(group)
        if used + wide > width and used > indent:
            lines.append([Segment(" " * indent)])
            used = indent
        lines[-1] += group
        used += wide
    return lines


def _groups(pieces: Line) -> list[Line]:
    """Each operator with the operand behind it."""
    groups: list[Line] = [[]]
    for piece in pieces:
        operator = piece.text.startswith(" ") and piece.text.endswith(" ")
        if operator and groups[-1]:
            groups.append([])
        groups[-1].append(piece)
    return groups


# -- numbers ------------------------------------------------------------------------------------


def short(value: float) -> str:
    """A signed number in four columns: +.71, −.04, +1.2, −12."""
    value = float(value)
    size = abs(value)
    if size < 0.995:
        text = f"{size:.2f}"[1:]
    elif size < 9.95:
        text = f"{size:.1f}"
    else:
        text = f"{size:.0f}"[:3]
    if float(text or 0) == 0:
        return f" {text}" if value == 0 else f"{MINUS if value < 0 else '+'}{text}"
    return f"{MINUS if value < 0 else '+'}{text}".ljust(4)


def level(value: float, top: float) -> int:
    """The level of a value: −20 at −top, 0 at 0, 20 at top; clipped."""
    share = value / top if top > 0 else 0.0
    return int(np.clip(np.rint(share * STEPS), -STEPS, STEPS))


def levels(values: Array, top: float) -> Any:
    """:func:`level` of an array, as nested lists of its shape; much faster than one by one."""
    shares = np.asarray(values, np.float64) / top if top > 0 else np.zeros(np.shape(values))
    return np.clip(np.rint(shares * STEPS), -STEPS, STEPS).astype(int).tolist()


def heat(
    values: Array, top: float, gate: bool, theme: ViewTheme, wide: int, chosen: int | None
) -> Line:
    """A row of heat map cells, ``wide`` columns each; ``chosen`` is the index of the marked one."""
    row = levels(values, top)
    return _numbered(values, row, gate, theme, wide, chosen) if wide >= 4 else cells(
        row, gate, theme, wide, chosen
    )  # fmt: skip


def cells(row: Sequence[int], gate: bool, theme: ViewTheme, wide: int, chosen: int | None) -> Line:
    """A row of levels as cells without numbers; equal neighbours are one segment."""
    table = _glyphs_and_styles(theme, gate)
    line: Line = []
    text, style = "", None
    for k, at in enumerate(row):
        glyph, paint = table[at + STEPS]
        if k == chosen:
            glyph, paint = UNIT_CELL, theme.now if gate else theme.number_on(at, False)
        if paint is not style:
            if text:
                line.append(Segment(text, style))
            text, style = "", paint
        # Bars fill their cell up to a gap, signs stand at its left.
        text += (glyph * max(1, wide - 1) if gate and k != chosen else glyph).ljust(wide)
    return [*line, Segment(text, style)] if text else line


def _numbered(
    values: Array, row: Sequence[int], gate: bool, theme: ViewTheme, wide: int, chosen: int | None
) -> Line:
    line: Line = []
    for k, (value, at) in enumerate(zip(values, row, strict=True)):
        style = theme.number_on(at, gate)
        style = style + _MARKED if k == chosen else style
        text = fit(short(float(value)), wide)
        if line and line[-1].style is style:
            line[-1] = Segment(line[-1].text + text, style)
        else:
            line.append(Segment(text, style))
    return line


@lru_cache(maxsize=16)
def _glyphs_and_styles(theme: ViewTheme, gate: bool) -> list[tuple[str, Style]]:
    """Glyph and style of the levels −20 to 20."""
    every = range(-STEPS, STEPS + 1)
    if gate:
        return [(gate_glyph(max(at, 0)), theme.gate) for at in every]
    return [(signed_glyph(at), theme.signed(at)) for at in every]


_MARKED = Style(bold=True, underline=True)


def bar(share: float, rows: int) -> list[str]:
    """A column of blocks ``rows`` high, top first; anything above zero shows at least a sliver."""
    eighths = round(max(0.0, min(1.0, share)) * 8 * rows)
    return block_column(max(1, eighths) if share > 0 else eighths, rows)


def block_column(eighths: int, rows: int, blocks: str = BARS) -> list[str]:
    """A column filled from below, top first; ``blocks``: glyphs of 0 to 8 eighths of a row."""
    return [blocks[min(8, max(0, eighths - 8 * below))] for below in range(rows - 1, -1, -1)]


def log_range(values: Array) -> tuple[int, int]:
    """Exponents of powers of ten around every positive value; at least one decade apart."""
    positive = values[values > 0]
    if not len(positive):
        return -1, 0
    # A value barely above a power of ten (1.0000001) does not need the next decade.
    high = int(np.ceil(np.log10(positive.max()) - 1e-4))
    low = int(np.floor(np.log10(positive.min())))
    return min(low, high - 1), high


def log_share(value: float, low: int, high: int) -> float:
    """Where a value stands between 10^low (0) and 10^high (1), logarithmically; 0 for 0."""
    if value <= 0:
        return 0.0
    return float(np.clip((np.log10(value) - low) / (high - low), 0, 1))


def log_spark(values: Array, low: int, high: int) -> str:
    """One block a value, logarithmic between 10^low and 10^high."""
    sizes = np.asarray(values, np.float64)
    shares = (np.log10(np.where(sizes > 0, sizes, 1)) - low) / (high - low)
    at = np.where(sizes > 0, 1 + np.rint(7 * np.clip(shares, 0, 1)), 0).astype(int)
    return "".join(BARS[n] for n in at.tolist())


def window(count: int, chosen: int, room: int) -> int:
    """The first of ``room`` rows out of ``count``, the chosen one in the middle if possible."""
    return max(0, min(chosen - room // 2, count - room))


def page(count: int, chosen: int, room: int) -> int:
    """Like :func:`window`, but scrolls by pages, because scrolling repaints every row.

    The rows before and after the chosen one are visible too.
    """
    turn = room - 2
    if turn < 2:
        return window(count, chosen, room)
    return max(0, min((chosen - 1) // turn * turn, count - room))


def spans(pieces: Iterable[Span], style_of: Callable[[str | None], Style]) -> Line:
    """Formula spans as segments."""
    return [Segment(text, style_of(name)) for text, name in pieces]
