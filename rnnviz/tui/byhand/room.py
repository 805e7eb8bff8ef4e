"""How the table and the arithmetic share a screen: side by side or one above the other."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment

from rnnviz.tui.byhand.entries import Shown
from rnnviz.tui.byhand.table import height, states, table
from rnnviz.tui.byhand.working import Working
from rnnviz.tui.draw import Line, length

#: The least columns in which arithmetic is worth having beside the table.
BESIDE = 40


def arranged(shown: Shown, width: int, room: int) -> list[Line]:
    """The first arrangement that fits: of all units, else of the chosen one, else a part of it."""
    working = Working(shown)
    for lines in _arrangements(shown, working, width, room):
        if lines and len(lines) <= room and _wide(lines) <= width:
            return lines
    one = range(shown.moment.cursor.unit, shown.moment.cursor.unit + 1)
    weights = table(shown, one, True)
    weights = weights if _wide(weights) <= width else table(shown, one, False)
    # The first states give way to arithmetic, unless one of them is being looked at.
    if shown.chosen.name not in shown.moment.layer.states:
        weights = weights[: -len(shown.hand.initial)]
    return [*weights, *working.around(working.blocks(width), room - len(weights))]


def _arrangements(shown: Shown, working: Working, width: int, room: int) -> Iterator[list[Line]]:
    unit = shown.moment.cursor.unit
    for units in (range(shown.hand.units), range(unit, unit + 1)):
        if height(shown, units) > room:
            continue
        for words in (True, False):
            yield _beside(shown, working, units, words, width, room)
        if height(shown, units) + len(shown.moment.layer.lines) < room:
            yield [*table(shown, units, True), *working.spaced(working.blocks(width), 0)]


def _beside(
    shown: Shown, working: Working, units: range, words: bool, width: int, room: int
) -> list[Line]:
    left = table(shown, units, words)
    wide = _wide(left)
    if width - wide - 2 < BESIDE:
        return []
    done = working.blocks(width - wide - 2)
    if words and any(len(block) > 1 for block in done):
        return []  # without the words there may be room for whole lines
    right = working.spaced(done, room)
    also = states(shown)
    if len(left) + len(also) < room and _wide(also) <= wide:
        left += [[], *also]
    rule = Segment(" │", shown.moment.look.rule)
    lines: list[Line] = []
    for k in range(max(len(left), len(right))):
        one, other = (side[k] if k < len(side) else [] for side in (left, right))
        lines.append([*one, Segment(" " * (wide - length(one))), rule, *other])
    return lines


def _wide(lines: list[Line]) -> int:
    return max(length(line) for line in lines)
