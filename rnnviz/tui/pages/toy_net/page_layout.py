"""Layouts of the table and the arithmetic: side by side or one above the other."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment

from rnnviz.tui.pages.toy_net.entries import ToyNetView
from rnnviz.tui.pages.toy_net.unit_arithmetic import EquationBlocks
from rnnviz.tui.pages.toy_net.weight_table import height, table, values
from rnnviz.tui.render.segments import Line, length

#: Least columns of the arithmetic beside the table.
BESIDE = 40
#: More columns than any table has, so that nothing is left out.
ALL = 10_000


def arrange_page(net_view: ToyNetView, width: int, room: int) -> list[Line]:
    """The first layout that fits, with the values of every unit below it if there is room.

    Tried for all units, then for the chosen unit, then for a part of it.
    """
    working, every = EquationBlocks(net_view), values(net_view, width)
    for below in ([[], *every], []):
        for lines in _arrangements(net_view, working, width, room - len(below)):
            if lines and len(lines) <= room - len(below) and _wide(lines) <= width:
                return [*lines, *below]
    return _part(net_view, working, width, room)


def _part(net_view: ToyNetView, working: EquationBlocks, width: int, room: int) -> list[Line]:
    """The chosen unit's table, as far as it fits, above the arithmetic near the current part."""
    one = range(net_view.view_state.cursor.unit, net_view.view_state.cursor.unit + 1)
    whole = table(net_view, one, True, ALL)
    weights = whole if _wide(whole) <= width else table(net_view, one, False, width)
    # Leave out the initial states in favour of the arithmetic, unless one is chosen.
    if net_view.chosen.name not in net_view.view_state.layer.states:
        weights = weights[: -len(net_view.net.initial)]
    return [*weights, *working.around(working.blocks(width), room - len(weights))]


def _arrangements(
    net_view: ToyNetView, working: EquationBlocks, width: int, room: int
) -> Iterator[list[Line]]:
    unit = net_view.view_state.cursor.unit
    for units in (range(net_view.net.units), range(unit, unit + 1)):
        if height(net_view, units) > room:
            continue
        for words in (True, False):
            yield _beside(net_view, working, units, words, width, room)
        if height(net_view, units) + len(net_view.view_state.layer.lines) < room:
            for words in (True, False):
                lines = [*table(net_view, units, words, ALL)]
                yield [*lines, *working.spaced(working.blocks(width), 0)]


def _beside(
    net_view: ToyNetView, working: EquationBlocks, units: range, words: bool, width: int, room: int
) -> list[Line]:
    left = table(net_view, units, words, ALL)
    wide = _wide(left)
    if width - wide - 2 < BESIDE:
        return []
    blocks = working.blocks(width - wide - 2)
    if words and any(len(block) > 1 for block in blocks):
        return []  # without the words whole lines may fit
    right = working.spaced(blocks, min(room, len(left) + 8))
    rule = Segment(" │", net_view.view_state.theme.rule)
    lines: list[Line] = []
    for k in range(max(len(left), len(right))):
        one, other = (side[k] if k < len(side) else [] for side in (left, right))
        lines.append([*one, Segment(" " * (wide - length(one))), rule, *other])
    return lines


def _wide(lines: list[Line]) -> int:
    return max(length(line) for line in lines)
