"""The equations of the current part in large letters, between those of the other parts."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.equations import Line as Formula
from rnnviz.equations import number
from rnnviz.tui.panels.equation_chain import arrangements, backward_arrangements, other_part, words
from rnnviz.tui.panels.equations import arithmetic, name_style
from rnnviz.tui.render.large_text import MEDIUM, drawable, large_line, large_width
from rnnviz.tui.render.segments import Line, flowed, heading, spans
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View

Block = list[Line]


class LargeEquations(View):
    """What the part does in words, then its equations in symbols and in numbers."""

    wheel = "part"

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        what = view_state.word("part", view_state.part)
        unit = view_state.text("panel.unit", n=view_state.cursor.unit)
        title = view_state.text("panel.backward" if view_state.backward else "panel.equation")
        head = heading(title, "", width, view_state.theme, f"{what} · {unit}")
        lines: list[Line] = []
        for lines in _arrangements(view_state, width):
            if len(lines) < height:
                break
        return [head, *lines]


def _arrangements(view_state: ViewState, width: int) -> Iterator[Block]:
    """The equations of the token, the longest arrangement first; the last ones are plain."""
    here, parts = view_state.cursor.part, view_state.layer.parts
    said = words(view_state, view_state.part, width)
    blocks = _large(view_state, width)
    if blocks is not None:
        current = _apart([said, *blocks])
        if not view_state.backward:
            others = [other_part(view_state, part, width) for part in parts]
            every = [*others[:here], [[], *current, []], *others[here + 1 :]]
            yield _apart(every)
            yield [line for block in every for line in block]
        yield current
        yield [*said, *(line for block in blocks for line in block)]
        yield [*said, *blocks[-1]]
    yield from (backward_arrangements if view_state.backward else arrangements)(view_state, width)


def _large(view_state: ViewState, width: int) -> list[Block] | None:
    """The equations of the part in large letters, a block each; None if they do not fit."""
    blocks = []
    for line in _pieces(view_state):
        block: Block = []
        for pieces in line:
            drawn = _fitted(view_state, pieces, width - 2)
            if drawn is None:
                return None
            block += drawn
        blocks.append(block)
    return blocks or None


def _fitted(view_state: ViewState, pieces: Line, width: int) -> Block | None:
    """The pieces in large letters, in as few lines as fit in the width."""
    if not all(drawable(piece.text, MEDIUM) for piece in pieces):
        return None
    for letters in range(width // 2, 7, -1):
        lines = flowed(pieces, letters, 4)
        if all(large_width("".join(p.text for p in line), MEDIUM) <= width for line in lines):
            theme = view_state.theme
            drawn = [row for line in lines for row in large_line(line, MEDIUM, theme.ascii)]
            return [[Segment(" ", theme.ink), *row] for row in drawn]
    return None


def _pieces(view_state: ViewState) -> list[list[Line]]:
    """The lines of the current part, each in symbols and in numbers; time is not written."""
    theme, layer, t = view_state.theme, view_state.layer, view_state.cursor.t
    if view_state.backward:
        return [_equation(view_state, line) for line in view_state.back]
    if view_state.part == "read":
        word = f"{view_state.symbol('x')} = “{visible(view_state.trace.tokens[t])}”"
        states = [
            [Segment(f"{view_state.symbol(s + '_prev')} = ", theme.ink),
             Segment(number(float(layer.state_before(t, s)[view_state.cursor.unit]), 3, True),
                     theme.source)]
            for s in layer.states
        ]  # fmt: skip
        return [[[Segment(word, theme.now)]], *([line] for line in states)]
    if view_state.part == "predict":
        k = view_state.shown_class()
        value = "?" if view_state.part_hidden else number(float(view_state.readout[t, k]), 3)
        name = visible(view_state.trace.head.labels[k])
        return [[[Segment(f"{name} = ", theme.ink), Segment(value, theme.now)]]]
    return [_equation(view_state, line) for line in view_state.lines]


def _equation(view_state: ViewState, line: Formula) -> list[Line]:
    theme, style = view_state.theme, name_style(view_state, line.name)
    done = None
    if not view_state.part_hidden:
        done = arithmetic(
            view_state.layer, line.formula, view_state.cursor.t, view_state.cursor.unit
        )
    left = [Segment(view_state.symbol(line.name), theme.now), Segment(" = ", theme.ink)]
    result = Segment(done.result if done else "?", theme.now)
    filled = spans(done.spans, style) if done else []
    equals = [Segment(" = ", theme.ink)]
    return [
        [*left, *spans(view_state.layer.symbols(line.formula), style)],
        [*equals, *filled, *equals, result],
    ]


def _apart(blocks: list[Block]) -> Block:
    """The blocks with an empty line between them."""
    lines: Block = []
    for block in blocks:
        if block:
            lines += [*([[]] if lines else []), *block]
    return lines
