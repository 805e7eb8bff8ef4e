"""Page of padding: the padded sequence, and the four padding modes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment

from rnnviz.analysis.padding import (
    PADDING_MODES,
    PaddingComparison,
    PaddingMode,
    PaddingQuestion,
)
from rnnviz.display import visible
from rnnviz.query import Question
from rnnviz.trace import Trace
from rnnviz.tui.pages import conclusions
from rnnviz.tui.pages.padding.padded_drawing import GUTTER, Drawing, without_answer
from rnnviz.tui.pages.padding.padding_table import in_sight, states, table
from rnnviz.tui.render.segments import Line, beside, trimmed, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

SIDE_BY_SIDE = 119  # from this width on, states and table are side by side
TABLE = 66


@dataclass(frozen=True)
class PaddingState(PageState):
    """The padding mode that is drawn, and the number of paddings; None: as in training."""

    page: ClassVar[str] = "padding"
    mode: PaddingMode | None = None
    pads: int | None = None


class PaddingPage(Page):
    """The sequence with its curves, rows of h, and the table of all padding modes."""

    name = "padding"
    full_screen = True
    actions = ("padding_mode", "padding_count")

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        trace = view_state.trace
        return not (trace.series or trace.hand or trace.clamps or _is_one_text(trace))

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        return () if self._why_not(view_state) else (self._question(view_state),)

    def _question(self, view_state: ViewState) -> PaddingQuestion:
        query = replace(view_state.query, target=None)
        return PaddingQuestion(query, view_state.page_state(PaddingState).pads)

    def _why_not(self, view_state: ViewState) -> str:
        """Why nothing is padded here, which the trace shows; "" if it is."""
        trace = view_state.trace
        if trace.series is not None or trace.hand is not None or trace.reads == "vectors":
            key = "numbers" if trace.series is None else "series"
            return self.page_text(view_state, f"no_padding_{key}")
        if _is_one_text(trace):
            return self.page_text(view_state, "no_padding_text")
        return self.page_text(view_state, "no_padding_held") if trace.clamps else ""

    def _answer(self, view_state: ViewState) -> PaddingComparison | None:
        return view_state.answers.get(self._question(view_state))

    def press(self, view_state: ViewState, key: str) -> Change | None:
        """Choose another padding mode or number of paddings."""
        state, answer = view_state.page_state(PaddingState), self._answer(view_state)
        if answer is None:
            return None
        if key == "padding_mode":
            at = PADDING_MODES.index(state.mode or answer.trained_mode)
            return Change(replace(state, mode=PADDING_MODES[(at + 1) % len(PADDING_MODES)]))
        more = [n for n in answer.choices if n > answer.pads]
        pads = more[0] if more else answer.choices[0]
        return Change(
            replace(state, pads=pads), message=self.page_text(view_state, "said_pads", n=pads)
        )

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        """Move the cursor to the clicked word."""
        drawing = self._drawing(view_state)
        if drawing is None:
            return None
        for slot in drawing.slots(self.size.width):
            if slot.kind == "word" and slot.x <= x - GUTTER < slot.x + slot.width:
                return CellPicked(t=drawing.lead + slot.word)
        return None

    def _drawing(self, view_state: ViewState) -> Drawing | None:
        answer = self._answer(view_state)
        if answer is None:
            return None
        mode = view_state.page_state(PaddingState).mode or answer.trained_mode
        lane = min(view_state.cursor.layer, len(answer.unpadded.h) - 1)
        return (
            without_answer(Drawing(view_state, answer, mode, lane))
            if view_state.hidden
            else Drawing(view_state, answer, mode, lane)
        )

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        drawing, question = self._drawing(view_state), self._question(view_state)
        if drawing is None:
            return ()
        return conclusions.padding(
            view_state, drawing.answer, drawing.mode, question, drawing.title
        )

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, question = view_state.theme, self._question(view_state)
        drawing = self._drawing(view_state)
        if drawing is None:
            failed = self._why_not(view_state) or view_state.failures.get(question)
            paragraph = wrapped(
                visible(failed or self.page_text(view_state, "computing")), width - 4
            )
            style = theme.wrong if failed else theme.dim
            return [
                self.head(view_state, width),
                *([Segment("  " + line, style)] for line in paragraph),
            ]
        lines = [self.head(view_state, width, drawing.title()), drawing.summary(width)]
        lane = drawing.sequence(width, height)
        explanation = drawing.explanation(width)
        lines += [*lane, *explanation]
        modes_table = table(drawing, TABLE if width >= SIDE_BY_SIDE else width)
        room = height - len(lines)
        tall = room - len(modes_table) if width < SIDE_BY_SIDE else room
        self.visible_tokens = in_sight(drawing, tall) if tall >= 2 else None
        if width < SIDE_BY_SIDE:
            return lines + states(drawing, width, room - len(modes_table)) + modes_table
        left = states(drawing, width - TABLE - 2, room)
        rows = max(len(left), len(modes_table))
        left, modes_table = ([*part, *[[]] * (rows - len(part))] for part in (left, modes_table))
        both = zip(left, modes_table, strict=True)
        return lines + [beside(a, trimmed(b, TABLE, theme.ink), width, theme.ink) for a, b in both]


def _is_one_text(trace: Trace) -> bool:
    """Whether the net was trained on windows of one long text: it has no entry for padding."""
    return trace.head.writes and trace.head.labels[0] != ""
