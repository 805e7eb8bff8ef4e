"""The arithmetic of the chosen unit at the current token, every term written out."""

from __future__ import annotations

from functools import cached_property, lru_cache

from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis import toy_net
from rnnviz.equations import Arithmetic, number, symbol, symbols
from rnnviz.equations import Line as Formula
from rnnviz.trace import Trace
from rnnviz.tui.pages.toy_net.entries import ToyNetView
from rnnviz.tui.panels.equations import name_style
from rnnviz.tui.render.segments import Line, flowed, length, spans

Block = list[Line]


@lru_cache(maxsize=256)
def arithmetic(trace: Trace, t: int, unit: int) -> tuple[tuple[Formula, Arithmetic], ...]:
    """All equations of a unit at a token with numbers; those of the head read all units."""
    values = toy_net.values_at(trace, t)
    return tuple(
        (line, toy_net.written_out(line.formula, values, 0 if toy_net.is_head_line(line) else unit))
        for line in toy_net.lines_at(trace, t)
    )


class EquationBlocks:
    """The equations at one cursor, drawn once and wrapped to any width."""

    def __init__(self, net_view: ToyNetView) -> None:
        self.net_view = net_view
        cursor = net_view.view_state.cursor
        self._done = arithmetic(net_view.view_state.trace, cursor.t, cursor.unit)
        self._named = max(len(symbol(line.name, cursor.t + 1)) for line, _ in self._done)
        self._parts = [line.part for line, _ in self._done]

    def _lines(self, symbolic: bool) -> list[Line]:
        return [_line(self.net_view, line, w, self._named, symbolic) for line, w in self._done]

    @cached_property
    def _both(self) -> list[Line]:
        return self._lines(True)

    @cached_property
    def _short(self) -> list[Line]:
        return self._lines(False)

    @cached_property
    def _longest(self) -> int:
        return max(length(line) for line in self._both)

    def blocks(self, width: int) -> list[Block]:
        """A block for each equation, in symbols too if both fit."""
        if self._longest < width:
            return [[line] for line in self._both]
        return [flowed(line, width - 1, self._named + 4) for line in self._short]

    def spaced(self, blocks: list[Block], room: int) -> list[Line]:
        """The blocks below each other, with an empty line between parts if there is room."""
        turns = {k for k in range(1, len(blocks)) if self._parts[k] != self._parts[k - 1]}
        loose = sum(map(len, blocks)) + len(turns) <= room
        lines: list[Line] = []
        for k, block in enumerate(blocks):
            lines += [[]] * (loose and k in turns)
            lines += block
        return lines

    def around(self, blocks: list[Block], room: int) -> list[Line]:
        """As many of the last blocks as fit, starting at the current part at the latest.

        If some are left out, the last line gives the numbers of lines above and below.
        """
        if sum(map(len, blocks)) <= room:
            return [line for block in blocks for line in block]
        part = self.net_view.view_state.part
        first, latest = 0, self._parts.index(part) if part in self._parts else 0
        while first < latest and sum(map(len, blocks[first:])) > room - 1:
            first += 1
        lines = [line for block in blocks[first:] for line in block]
        below = max(0, len(lines) - (room - 1))
        keys = "" if self.net_view.view_state.keyless else self.net_view.page_text("more_keys")
        note = self.net_view.page_text(
            "more", above=sum(map(len, blocks[:first])), below=below, keys=keys
        )
        return [
            *lines[: max(0, room - 1)],
            [Segment(f" {note}", self.net_view.view_state.theme.dim)],
        ][:room]


def _line(
    net_view: ToyNetView, line: Formula, worked: Arithmetic, named: int, symbolic: bool
) -> Line:
    view_state, theme, t = (
        net_view.view_state,
        net_view.view_state.theme,
        net_view.view_state.cursor.t,
    )
    of_head = toy_net.is_head_line(line)
    known = view_state.known(t, "p" if of_head else line.name)
    left = symbol(line.name, t + 1).ljust(named)
    name, equals = Segment(f" {left}", theme.now if known else theme.dim), Segment(" = ", theme.ink)
    if not known:
        return [name, equals, Segment("?" if view_state.part_hidden else "·", theme.rule)]
    stuck = (
        None if of_head else view_state.layer.clamped_value(line.name, t, view_state.cursor.unit)
    )
    if stuck is not None:
        return [
            name,
            Segment(
                f"   {net_view.page_text('held', value=number(stuck, toy_net.DIGITS))}", theme.now
            ),
        ]
    full = view_state.part in ("predict", line.part)
    style_of, used = name_style(view_state, line.name), net_view.span

    def style(span: str | None) -> Style:
        if span is not None and span == used:
            return theme.chosen
        return style_of(toy_net.array_name(span)) if full else theme.dim

    symbols_part = [*spans(symbols(line.formula, t + 1), style), equals] if symbolic else []
    result = Segment(worked.result, theme.now if full else theme.ink)
    return [name, equals, *symbols_part, *spans(worked.spans, style), equals, result]
