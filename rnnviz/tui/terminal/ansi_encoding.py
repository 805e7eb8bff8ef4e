"""Pieces of styled lines as data for a terminal, in few bytes.

Pieces are written style by style: moving the cursor takes fewer bytes than changing a colour. Only
the attributes that change are sent, and long gaps are erased where the terminal can do that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

#: A part of a line and where it is written: (y, x, strip, first column, column after the last).
Piece = tuple[int, int, Strip, int, int]
#: Text of one style: (y, x, text, style, columns).
Run = tuple[int, int, str, Style | None, int]

#: The codes that begin and end each attribute of a style.
_ATTRIBUTES = {
    "bold": ("1", "22"), "dim": ("2", "22"), "italic": ("3", "23"), "underline": ("4", "24"),
    "blink": ("5", "25"), "blink2": ("6", "25"), "reverse": ("7", "27"), "conceal": ("8", "28"),
    "strike": ("9", "29"), "underline2": ("21", "24"), "frame": ("51", "54"),
    "encircle": ("52", "54"), "overline": ("53", "55"),
}  # fmt: skip
_COLOUR_SYSTEMS = {
    "standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR, "windows": ColorSystem.WINDOWS,
}  # fmt: skip


def encoded(pieces: Sequence[Piece], console: Console) -> str:
    """Cursor movements, SGR sequences and text that draw the pieces."""
    system = _COLOUR_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
    erases = erases_in_colour()
    out: list[str] = []
    row = column = -1
    current: Style | None = None
    for y, x, text, style, width in _by_style(pieces):
        if y != row:
            out.append(f"\x1b[{y + 1};{x + 1}H")
        elif x != column:
            out.append(_along(x, x - column))
        if style is not current:
            out.append(_change(current, style, system))
            current = style
        out.append(_GAP.sub(_erased, text) if erases and not _marks_spaces(style) else text)
        row, column = y, x + width
    out.append("\x1b[0m")
    return "".join(out)


@lru_cache(maxsize=4096)
def _change(before: Style | None, after: Style | None, system: ColorSystem) -> str:
    """The shortest SGR sequence that leads from one style to another."""
    if after is None:
        return "\x1b[0m"
    every = Strip.render_ansi(after, system)
    whole = f"\x1b[0;{every}m" if every else "\x1b[0m"
    if before is None:
        return whole
    codes = []
    for name, (on, off) in _ATTRIBUTES.items():
        if getattr(before, name) and not getattr(after, name):
            codes.append(off)
        elif getattr(after, name) and not getattr(before, name):
            codes.append(on)
    if "22" in codes and (after.bold or after.dim):
        return whole  # this code ends both
    if before.color != after.color:
        codes += _colour_codes(after.color, system, foreground=True)
    if before.bgcolor != after.bgcolor:
        codes += _colour_codes(after.bgcolor, system, foreground=False)
    return min(f"\x1b[{';'.join(codes)}m", whole, key=len) if codes else ""


def _colour_codes(colour: Color | None, system: ColorSystem, foreground: bool) -> tuple[str, ...]:
    colour = Color.default() if colour is None else colour.downgrade(system)
    return colour.get_ansi_codes(foreground)


#: A gap that takes fewer bytes to erase and skip than to write.
_GAP = re.compile(" {13,}")


def _erased(gap: re.Match[str]) -> str:
    return f"\x1b[{len(gap[0])}X\x1b[{len(gap[0])}C"


@cache
def erases_in_colour() -> bool:
    """Whether the terminal erases in the current background. Unknown terminals: assume no."""
    try:
        import curses

        curses.setupterm(fd=1)  # while the app runs, sys.stdout is not the terminal
        return curses.tigetflag("bce") == 1 and curses.tigetstr("ech") is not None
    except Exception:
        # No curses (Windows), no such terminal, or no terminal at all.
        return False


def _along(x: int, by: int) -> str:
    """The movement to column x of the same line, ``by`` columns on; shorter than one to a cell."""
    if 0 < by < 10:
        return f"\x1b[{by}C" if by > 1 else "\x1b[C"
    return f"\x1b[{x + 1}G"


def _by_style(pieces: Sequence[Piece]) -> Iterator[Run]:
    """The runs grouped by style."""
    groups: dict[Style | None, list[Run]] = {}
    for run in _joined(_runs(pieces)):
        groups.setdefault(run[3], []).append(run)
    for style in sorted(groups, key=_colour_key):
        yield from groups[style]


def _joined(runs: Iterator[Run]) -> Iterator[Run]:
    """The runs, with spaces joined to neighbours on the same background."""
    last = next(runs, None)
    if last is None:
        return
    for run in runs:
        y, x, text, style, width = run
        beside = y == last[0] and x == last[1] + last[4]
        if beside and (style == last[3] or _joins(run, last[3])):
            last = (*last[:2], last[2] + text, last[3], last[4] + width)
        elif beside and _joins(last, style):
            last = (*last[:2], last[2] + text, style, last[4] + width)
        else:
            yield last
            last = run
    yield last


def _joins(run: Run, beside: Style | None) -> bool:
    """Whether a run is spaces that look the same in the style beside it."""
    style = run[3]
    if style is None or beside is None or run[2].strip(" "):
        return False
    return style.bgcolor == beside.bgcolor and not (_marks_spaces(style) or _marks_spaces(beside))


def _marks_spaces(style: Style | None) -> bool:
    """Whether spaces in this style show more than their background."""
    return style is not None and bool(style.reverse or style.underline or style.strike)


def _colour_key(style: Style | None) -> tuple[str, str]:
    """A sort key that puts styles of one background next to each other."""
    colours = (None, None) if style is None else (style.bgcolor, style.color)
    background, foreground = ("" if colour is None else colour.name for colour in colours)
    return background, foreground


def _runs(pieces: Sequence[Piece]) -> Iterator[Run]:
    """The segments of all pieces, each with its position and width."""
    for y, x, strip, start, end in pieces:
        for text, style, _ in _between(strip, start, end):
            width = len(text) if text.isascii() else cell_len(text)
            yield y, x, text, style, width
            x += width


def _between(strip: Strip, start: int, end: int) -> Iterator[Segment]:
    """The segments of a strip between two columns."""
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
