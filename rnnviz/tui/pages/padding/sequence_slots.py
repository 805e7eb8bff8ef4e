"""A padded sequence in columns: compressed padding, words, and bars below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.tui.render.segments import Line, bar, cut, fit

LONGEST = 16  # columns of one word
WIDEST = 8  # columns of one padding
Kind = Literal["pad", "word", "more"]


@dataclass(frozen=True)
class Slot:
    """Columns x to x + width, and the steps (from 0) that they represent."""

    kind: Kind  # "more": words that do not fit
    x: int
    width: int
    first: int
    last: int
    text: str = ""
    word: int = -1  # index of the word


@lru_cache(maxsize=64)
def slots(words: tuple[str, ...], pads: int, front: bool, room: int, chosen: int) -> list[Slot]:
    """The sequence in ``room`` columns; if not all words fit, those around the chosen one."""
    least = min(pads, room // 3)
    space = room - least - (1 if pads else 0)
    first, last = _word_range(words, space, chosen)
    texts = [cut(word, LONGEST) for word in words[first : last + 1]]
    used = sum(cell_len(word) + 1 for word in texts) + 2 * (first > 0)
    used += 2 * (last + 1 < len(words))
    columns = min(pads, room - used)
    # Draw few paddings wider, so that they can be counted.
    wide = min(WIDEST, (room - used) // pads) if pads and columns == pads else 1
    result, x, step = [], 0, pads if front else 0
    if front:
        result, x = _padding_slots(0, columns, wide, pads, 0), columns * wide + (columns > 0)
    if first:
        result.append(Slot("more", x, 1, step, step + first - 1, "…"))
        x += 2
    for k, word in enumerate(texts, first):
        result.append(Slot("word", x, cell_len(word), step + k, step + k, word, k))
        x += cell_len(word) + 1
    if last + 1 < len(words):
        result.append(Slot("more", x, 1, step + last + 1, step + len(words) - 1, "…"))
        x += 2
    if not front:
        result += _padding_slots(x, columns, wide, pads, len(words))
    return result


def _word_range(words: Sequence[str], space: int, chosen: int) -> tuple[int, int]:
    """The first and the last word to show."""
    wide = [cell_len(cut(word, LONGEST)) + 1 for word in words]
    if sum(wide) <= space:
        return 0, len(words) - 1
    space -= 4  # the ellipses
    first = last = chosen
    used = wide[chosen]
    grown = True
    while grown:
        grown = False
        if last + 1 < len(words) and used + wide[last + 1] <= space:
            last, used, grown = last + 1, used + wide[last + 1], True
        if first > 0 and used + wide[first - 1] <= space:
            first, used, grown = first - 1, used + wide[first - 1], True
    return first, last


def _padding_slots(x: int, columns: int, wide: int, pads: int, start: int) -> list[Slot]:
    """Paddings in ``columns`` slots of equal width; each shows the state after its last step."""
    edges = [start + round(k * pads / max(columns, 1)) for k in range(columns + 1)]
    return [
        Slot("pad", x + k * wide, wide, edges[k], edges[k + 1] - 1, "░" * wide)
        for k in range(columns)
    ]


def row(slots: Sequence[Slot], texts: Sequence[str], styles: Sequence[Style]) -> Line:
    """One line with a text for each slot, as wide as the slot; equal styles are merged."""
    line: Line = []
    at = 0
    for slot, text, style in zip(slots, texts, styles, strict=True):
        # Append the gap to the text before it, so that columns of one style stay one segment.
        gap = " " * (slot.x - at)
        at = slot.x + slot.width
        if line and line[-1].style is style:
            line[-1] = Segment(line[-1].text + gap + text, style)
            continue
        if gap:
            line.append(Segment(gap))
        line.append(Segment(text, style))
    return line


def bars(
    slots: Sequence[Slot], shares: Sequence[float | None], styles: Sequence[Style], rows: int,
    dots: Style,
) -> list[Line]:  # fmt: skip
    """A bar on each slot, ``rows`` lines high; None (not known yet) is a dot at the bottom."""
    unknown = [" "] * (rows - 1) + ["·"]
    blocks = [unknown if share is None else bar(share, rows) for share in shares]
    bar_styles = [dots if s is None else style for s, style in zip(shares, styles, strict=True)]
    lines = []
    for n in range(rows):
        texts = [
            fit(block[n], slot.width, "^") if share is None else block[n] * slot.width
            for slot, block, share in zip(slots, blocks, shares, strict=True)
        ]
        lines.append(row(slots, texts, bar_styles))
    return lines
