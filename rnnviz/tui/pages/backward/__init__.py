"""Page of backpropagation through time, token by token and part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis import next_tokens
from rnnviz.analysis.shared_weights import (
    Use,
    gate_at,
    gate_of,
    sizes,
    undone,
    undone_at,
    uses,
    walk,
)
from rnnviz.cursor import Cursor, to_part, to_token
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Question
from rnnviz.trace import LayerTrace
from rnnviz.tui.pages import conclusions, shared_gradients
from rnnviz.tui.pages.backward.gradient_map import draw_map, map_columns, map_rows
from rnnviz.tui.pages.backward.undone_equations import (
    comparison,
    note_lines,
    present_equations,
)
from rnnviz.tui.panels.conclusion import leave_out_question
from rnnviz.tui.panels.equations import is_top
from rnnviz.tui.render.segments import (
    Line,
    heading,
    trimmed,
)  # fmt: skip
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

TOP = 2  # lines above the first token: title and headings of the map
ROOMY = 100  # columns with room for the other sentence's norm in the title
TALKATIVE = 21  # lines with room for a sentence about the gradients
WORDS = 2  # lines of this sentence
WIDE = 160  # from this width on, equations and sums are side by side


@dataclass(frozen=True)
class BackwardLayout:
    """Lines of the map, the equations and the sums."""

    map: int
    equations: int
    sums: int
    titled: bool = True  # the equations have a title
    words: int = 0  # the largest and the smallest gradient, as a sentence
    tall: int = 1  # lines of a token in the map
    side: bool = False  # equations and sums are side by side


def planned(height: int, tokens: int, back: Sequence[str], weights: int) -> BackwardLayout:
    """Divide the lines among the map, the equations and the sums.

    ``back`` is the part of each backward equation.

    The result does not depend on the cursor, so that nothing jumps during the walk.
    """
    sums = 1 + weights + (2 if height >= 19 else 1 if height >= 15 else 0)
    room = height - sums
    body = max(3, *(back.count(part) for part in back))
    # All tokens come before the title, and before the equations of the parts before.
    titled = height >= 15 and (tokens + 1 <= room - body - 1 or tokens + 1 > room - body)
    least = body + titled
    most = len(back) + 4  # a title, a line each, and two for the current ones
    equations = min(most, max(least, room * 4 // 7))
    if tokens + 1 <= room - least:
        equations = min(equations, room - tokens - 1)
    rows = max(2, min(tokens + 1, room - equations))
    equations = min(most, room - rows)
    return BackwardLayout(rows, equations, height - rows - equations, titled)


@dataclass(frozen=True)
class BackwardState(PageState):
    """The value whose gradient is in the map."""

    page: ClassVar[str] = "backward"
    gradient: str = "h"


class BackwardPage(Page):
    """A map of one gradient, the backward equations of this part, and sums over tokens."""

    name: ClassVar[str] = "backward"
    actions = ("next", "previous")

    # -- cursor -----------------------------------------------------------------------------------

    def cursor_on_open(self, view_state: ViewState) -> Cursor:
        """If the token was read completely, start with all of its gradients computed."""
        cursor, last = view_state.cursor, len(view_state.layer.parts) - 1
        return replace(cursor, part=end(view_state.layer)) if cursor.part == last else cursor

    def cursor_on_close(self, view_state: ViewState) -> Cursor:
        """If all gradients of the token are computed, show it as read completely."""
        cursor, last = view_state.cursor, len(view_state.layer.parts) - 1
        return replace(cursor, part=last) if cursor.part <= end(view_state.layer) else cursor

    def first_cursor(self, view_state: ViewState) -> Cursor:
        """The prediction at the token that was read last."""
        cursor = to_token(view_state.cursor, view_state.trace, walk(view_state.layer)[0])
        return replace(cursor, part=len(view_state.layer.parts) - 1)

    def cursor_at_end(self, view_state: ViewState) -> Cursor:
        """The end of the walk: the token that was read first, with all gradients computed."""
        cursor = to_token(view_state.cursor, view_state.trace, walk(view_state.layer)[-1])
        return replace(cursor, part=end(view_state.layer))

    def next_cursor(self, view_state: ViewState) -> Cursor:
        """One part back; at the sentence zoom a whole token."""
        cursor, steps = view_state.cursor, walk(view_state.layer)
        if cursor.zoom != "sentence":
            return to_part(cursor, view_state.trace, -1)
        if cursor.part > end(view_state.layer):
            return replace(cursor, part=end(view_state.layer))
        at = min(steps.index(cursor.t) + 1, len(steps) - 1)
        return to_token(cursor, view_state.trace, steps[at])

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        return conclusions.backward(view_state)

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        question = leave_out_question(view_state)
        return () if question is None else (question,)

    # -- keys -------------------------------------------------------------------------------------

    def press(self, view_state: ViewState, key: str) -> Change:
        names = gradients(view_state.layer)
        step = 1 if key == "next" else -1
        chosen = names[(names.index(self.chosen(view_state)) + step) % len(names)]
        return Change(BackwardState(chosen))

    def chosen(self, view_state: ViewState) -> str:
        """The value whose gradient is in the map."""
        chosen = view_state.page_state(BackwardState).gradient
        return chosen if chosen in gradients(view_state.layer) else "h"

    def gate(self, view_state: ViewState) -> str:
        """The gate whose weights are shown: that of the map's gradient, else that of the part."""
        own = gate_of(view_state.layer, self.chosen(view_state))
        return (
            gate_at(view_state.layer, view_state.cursor.part, walking=True) if own is None else own
        )

    # -- drawing ----------------------------------------------------------------------------------

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        name = self.chosen(view_state)
        word = view_state.word("name", name)
        note = view_state.symbol(f"d_{name}") + ("" if word == name else f" {word}")
        note += self._beside(view_state, name) if width >= ROOMY else ""
        lines = [self.head(view_state, width, note)]
        if view_state.hidden:
            return lines + note_lines(view_state, "hidden", width)
        own = [
            u
            for u in uses(view_state.layer)
            if gate_of(view_state.layer, u.weight) == self.gate(view_state)
        ]
        plan = self._plan(view_state, width, height)
        lines += draw_map(view_state, name, width, plan.map, plan.tall)
        lines += [[]] * (1 + plan.map - len(lines))
        words = comparison(view_state, name, width, plan.words)
        words = [[]] * (plan.words - len(words)) + words
        if plan.side:
            return [*lines, *self._side(view_state, own, width, plan.equations), *words]
        equations = present_equations(view_state, width, plan.equations, plan.titled)
        equations += [[]] * (plan.equations - len(equations))
        sums = self.shared(view_state, own, width, plan.sums)
        sums += [[]] * (plan.sums - len(sums))
        return lines + equations + sums + words

    def _plan(self, view_state: ViewState, width: int, height: int) -> BackwardLayout:
        T, back = len(view_state.trace.tokens), [line.part for line in view_state.layer.back]
        if width >= WIDE and height >= 24:
            words, least = WORDS, height - 1 - WORDS - len(back) - 4
            tall = 2 if 2 * T + 1 <= min(least, height // 2) else 1
            rows = min(tall * T + 1, height // 2)
            rest = height - 1 - words - rows
            return BackwardLayout(rows, rest, rest, True, words, tall, True)
        weights = sum(
            gate_of(view_state.layer, use.weight) == self.gate(view_state)
            for use in uses(view_state.layer)
        )
        weights += self._sums_head(view_state)
        words = WORDS if height >= TALKATIVE else 0
        return replace(planned(height - 1 - words, T, back, weights), words=words)

    def _sums_head(self, view_state: ViewState) -> bool:
        """Whether the sums have a row for the weights of the head, which every step adds to."""
        return is_top(view_state) and next_tokens.reads_h(view_state.trace)

    def _side(self, view_state: ViewState, own: list[Use], width: int, height: int) -> list[Line]:
        left = width * 11 // 20
        one = present_equations(view_state, left, height, True)
        everything = list(uses(view_state.layer))
        shown = everything if len(everything) + 4 <= height else own
        other = self.shared(view_state, shown, width - left - 1, height, own)
        ink = view_state.theme.ink
        one += [[]] * (height - len(one))
        other += [[]] * (height - len(other))
        gap = Segment(" ", ink)
        return [[*trimmed(a, left, ink), gap, *b] for a, b in zip(one, other, strict=True)]

    def _beside(self, view_state: ViewState, name: str) -> str:
        """The norm of this token's gradient, and that of the second sentence with its loss."""
        t = view_state.cursor.t
        at = None if view_state.hidden else second_sentence.aligned_token(view_state, t)
        if at is None or not undone(view_state.layer, t, view_state.cursor.part, t, name):
            return ""
        (diff, j), n = at, view_state.cursor.layer
        own, other = (number(float(sizes(x.layers[n], name)[k]))
                      for x, k in ((diff.a, t), (diff.b, j)))  # fmt: skip
        text = f" · ‖{view_state.symbol(f'd_{name}', t + 1)}‖ {own}  {second_sentence.MARK} {other}"
        target = diff.b.head.target
        if target == diff.a.head.target:
            return text
        return f"{text} ({self.page_text(view_state, 'other_loss', label=visible(target))})"

    # -- the map ----------------------------------------------------------------------------------

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        width, height = self.size
        at, plan = map_columns(view_state, width), self._plan(view_state, width, height)
        rows = map_rows(view_state, plan.map, plan.tall)
        row = (y - TOP) // plan.tall
        if y < TOP or row >= len(rows) or view_state.hidden:
            return None
        unit = (x - at.heat) // at.wide + at.first
        inside = x >= at.heat and unit < at.first + at.count
        return CellPicked(t=rows[row], unit=unit if inside else None)

    # -- the sums ---------------------------------------------------------------------------------

    def shared(
        self,
        view_state: ViewState,
        uses_shown: list[Use],
        width: int,
        height: int,
        own: list[Use] | None = None,
    ) -> list[Line]:
        """The gradients of shared weights: this step's term and the sum so far."""
        own = own or uses_shown
        gate = self.gate(view_state)
        title, word = self.page_text(view_state, "shared"), view_state.word("name", gate)
        written = view_state.symbol(gate) if gate else ""
        titles = [f"{title} · {written} {word}", f"{title} · {written}"] if gate else [title]
        every = len(uses_shown) > len(own)
        titles = [self.page_text(view_state, "shared_all")] if every else titles
        notes = shared_gradients.additions_texts(view_state, own)
        pairs = [*((titles[0], note) for note in notes[:2]), *((titles[-1], n) for n in notes)]
        title, note = next(((a, b) for a, b in pairs if cell_len(a + b) + 4 <= width), pairs[-1])
        head = heading(title, "", width, view_state.theme, note)
        lines = [
            head,
            *shared_gradients.table(view_state, uses_shown, width, gate if every else ""),
        ]
        if self._sums_head(view_state):
            lines.append(shared_gradients.head_row(view_state, uses_shown, width))
            if view_state.part == "predict":
                return [*lines, *shared_gradients.head_addition(view_state, width)]
        first = next(use for use in own if use.read)
        k = shared_gradients.entry(view_state, first)
        room = height - len(lines)
        for tight in (False, True):
            arithmetic = shared_gradients.addition(view_state, first, k, width, tight)
            if len(arithmetic) <= room:
                spare = room - len(arithmetic) - 1
                return [
                    *lines,
                    *arithmetic,
                    *shared_gradients.ledger(view_state, first, k, width, spare),
                ]
        return lines


def gradients(layer: LayerTrace) -> list[str]:
    """Names of the gradients to choose from: the states, then the others in backward order."""
    names = [line.name[2:] for line in layer.back if line.name != "d_x"]
    return list(dict.fromkeys([*layer.states, *names]))


def end(layer: LayerTrace) -> int:
    """The part at which the backward pass of a token ends."""
    return min(undone_at(layer, line.name[2:]) for line in layer.back)
