"""The equation panel: the equations of the token, part by part, each part in words as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rich.segment import Segment

from rnnviz.equations import Line as Formula
from rnnviz.tui.panels.equations import (
    backward,
    equation,
    forward,
    symbol_spans,
)
from rnnviz.tui.panels.gradients import gradient_line
from rnnviz.tui.panels.part_words import part_words
from rnnviz.tui.render.marks import CHOSEN
from rnnviz.tui.render.segments import Line, heading, wrapped
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View

#: The lines of one part.
Block = list[Line]


class Equations(View):
    """The equations of the current part, forward or backward, among those of the other parts."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        what = view_state.word("part", view_state.part)
        title = view_state.text("panel.backward" if view_state.backward else "panel.equation")
        unit = view_state.text("panel.unit", n=view_state.cursor.unit)
        # The head reads every unit.
        note = what if view_state.part == "predict" else f"{what} · {unit}"
        question = view_state.text(
            "question.backward" if view_state.backward else "question.equation"
        )
        head = heading(title, question, width, view_state.theme, note)
        make = backward_arrangements if view_state.backward else arrangements
        lines: list[Line] = []
        for lines in make(view_state, width):
            if len(lines) < height:
                break
        return [head, *lines]


def arrangements(view_state: ViewState, width: int) -> Iterator[list[Line]]:
    """The equations of the token, the longest arrangement first."""
    here = view_state.cursor.part
    parts = view_state.layer.parts
    said = [words(view_state, part, width) for part in parts]
    tight = [
        forward(view_state, width, True) if k == here else [other_part(view_state, part, width)]
        for k, part in enumerate(parts)
    ]
    roomy = forward(view_state, width, False)
    every = [said[k] + _joined(tight[k]) for k in range(len(parts))]
    yield _apart([*every[:here], said[here] + _apart(roomy), *every[here + 1 :]])
    yield _apart(every)
    yield _joined(every)
    # Without what is said in words already: the embedding, and the bars of the classes.
    last = said[-1] + _joined(tight[-1][:-1]) if here == len(parts) - 1 else said[-1]
    read = said[0] + tight[0][0][-1:] if here == 0 else []
    yield _joined([read, *every[1:-1], last])
    yield _joined([every[k] if k == here else said[k] for k in range(len(parts))])
    yield said[here] + _apart(roomy)
    yield said[here] + _joined(roomy)
    yield every[here]
    yield _joined(tight[here])


def backward_arrangements(view_state: ViewState, width: int) -> Iterator[list[Line]]:
    """The backward equations of the token in the order of computation, the longest one first."""
    here = view_state.cursor.part
    parts = view_state.layer.parts[::-1]
    at = len(parts) - 1 - here
    roomy, tight = backward(view_state, width, False), backward(view_state, width, True)
    plain: list[Block] = []
    short: list[Block] = []
    for part in parts:
        lines = [line for line in view_state.layer.back if line.part == part]
        plain.append([piece for li in lines for piece in equation(view_state, li, width, True)])
        short.append([piece for li in lines for piece in gradient_line(view_state, li, width)])
    plain, short = ([_dim(view_state, block) for block in blocks] for blocks in (plain, short))
    marked = [_marked(view_state, block) for block in (_apart(roomy), _joined(tight))]
    for others, separate in ((plain, _apart), (plain, _joined), (short, _joined)):
        for block in marked:
            yield separate([*others[:at], block, *others[at + 1 :]])
    yield _apart(roomy)
    yield _joined(roomy)
    yield _joined(tight)


def words(view_state: ViewState, part: str, width: int) -> Block:
    """The part in words; the current one is marked."""
    theme, now = view_state.theme, part == view_state.part
    lines = wrapped(part_words(view_state, part), width - 2)
    if not now:
        return [[Segment(" " + text, theme.ink)] for text in lines]
    return [
        [Segment(CHOSEN if k == 0 else " ", theme.now), Segment(text, theme.bold)]
        for k, text in enumerate(lines)
    ]


def _marked(view_state: ViewState, block: Block) -> Block:
    """The lines with ▸ in the first column."""
    if not block or not block[0] or not block[0][0].text.startswith(" "):
        return block
    first, *rest = block[0]
    mark = Segment(CHOSEN, view_state.theme.now)
    return [[mark, Segment(first.text[1:], first.style), *rest], *block[1:]]


def other_part(view_state: ViewState, part: str, width: int) -> Block:
    """The equations of a part that is not the current one, dim; later ones without numbers."""
    lines = [line for line in view_state.layer.lines if line.part == part]
    if view_state.layer.parts.index(part) > view_state.cursor.part:
        return [_later(view_state, line) for line in lines]
    # Parts before the hidden one are known.
    seen = replace(view_state, hidden=False) if view_state.hidden else view_state
    return _dim(view_state, [piece for li in lines for piece in equation(seen, li, width, True)])


def _later(view_state: ViewState, line: Formula) -> Line:
    formula = "".join(
        text for text, _ in symbol_spans(line.formula, view_state.step, view_state.layer.table)
    )
    text = f" {view_state.symbol(line.name, view_state.step)} = {formula}"
    return [Segment(text, view_state.theme.rule)]


def _dim(view_state: ViewState, block: Block) -> Block:
    return [[Segment("".join(s.text for s in line), view_state.theme.dim)] for line in block]


def _joined(blocks: list[Block]) -> Block:
    return [line for block in blocks for line in block]


def _apart(blocks: list[Block]) -> Block:
    """The blocks with an empty line between them."""
    lines: Block = []
    for block in blocks:
        if block:
            lines += [*([[]] if lines else []), *block]
    return lines
