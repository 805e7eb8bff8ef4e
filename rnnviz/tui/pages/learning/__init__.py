"""Page of learning: one sentence read with every snapshot of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from rich.segment import Segment

from rnnviz import i18n
from rnnviz.analysis.learning import LEAST, Learning, LearningQuestion
from rnnviz.cursor import Cursor, to_token
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.lookup import is_shipped
from rnnviz.query import Question
from rnnviz.tui.pages.learning import gate_strips, word_curves, word_strips
from rnnviz.tui.pages.learning.snapshot_columns import LearningView, columns, layout
from rnnviz.tui.panels.belief import output_name
from rnnviz.tui.panels.conclusion import word
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked


@dataclass(frozen=True)
class LearningState(PageState):
    """The snapshot that is shown, by its step, as long as a model is on the screen.

    With another model, and at first, it is that of the model: of a run the last one.
    """

    page: ClassVar[str] = "learning"
    model: str = ""
    step: int = 0


class LearningPage(Page):
    """Strips of every word's prediction over training, its curve, and the gates of one unit."""

    name = "learning"
    full_screen = True
    actions = ("next", "previous")
    overrides = ("token_back", "token_on", "first", "last", "zoom_in")

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        query = view_state.query
        free = not (query.hand or query.clamps or query.initial or view_state.trace.series)
        trained = query.random is None and query.model and not is_shipped(query.model)
        return bool(free and trained)

    def questions(self, view_state: ViewState) -> Sequence[LearningQuestion]:
        if not self.applies(view_state):
            return ()
        return (LearningQuestion(view_state.query.model, view_state.query.text),)

    def cursor_on_open(self, view_state: ViewState) -> Cursor:
        """The last word, unless one has been chosen or what comes is hidden."""
        cursor, trace = view_state.cursor, view_state.trace
        if view_state.hidden or cursor.t:
            return cursor
        return to_token(cursor, trace, len(trace.tokens) - 1)

    @classmethod
    def overridden(cls, view_state: ViewState) -> tuple[str, ...]:
        """In predict mode the keys of words read the words, as long as one of them is hidden."""
        if view_state.predictions.on and view_state.hidden:
            return ("zoom_in",)
        return cls.overrides

    # -- the snapshot -------------------------------------------------------------------------

    def _learning(self, view_state: ViewState) -> Learning | None:
        found = next((view_state.answers.get(q) for q in self.questions(view_state)), None)
        same = isinstance(found, Learning) and len(found.tokens) == len(view_state.trace.tokens)
        return found if same else None

    def _view(self, view_state: ViewState) -> LearningView | None:
        learning = self._learning(view_state)
        if learning is None:
            return None
        # While something is hidden, so is what comes in training after the model on the screen.
        own = learning.index(learning.step_of(view_state.query.model))
        last = own if view_state.hidden else len(learning.steps) - 1
        state, snapshot = view_state.page_state(LearningState), own
        if state.model == view_state.query.model:
            snapshot = learning.index(state.step)
        return LearningView(view_state, learning, min(snapshot, last), last)

    def press(self, view_state: ViewState, key: str) -> Change | None:
        """Another snapshot or word; or read with the model of the snapshot."""
        if key in ("next", "previous"):
            step = 1 if key == "next" else -1
            T = len(view_state.trace.tokens)
            t = (view_state.cursor.t + step) % T
            return Change(cursor=to_token(view_state.cursor, view_state.trace, t))
        view = self._view(view_state)
        if view is None:
            return None
        learning, model = view.learning, view_state.query.model
        if key == "zoom_in":
            chosen = learning.model(view.snapshot)
            step = learning.steps[view.snapshot]
            return Change(
                query=replace(view_state.query, model=chosen, target=None), page="",
                message=self.page_text(view_state, "opened", step=f"{step:,}"),
            )  # fmt: skip
        moves = {
            "first": 0, "last": view.last, "token_on": view.snapshot + 1,
            "token_back": view.snapshot - 1,
        }  # fmt: skip
        snapshot = min(max(moves[key], 0), view.last)
        return Change(LearningState(model, learning.steps[snapshot]))

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        view = self._view(view_state)
        if view is None:
            return None
        row = y - word_strips.TOP
        shown = layout(view, *self.size).tokens
        return CellPicked(t=shown[row]) if 0 <= row < len(shown) else None

    # -- drawing ------------------------------------------------------------------------------

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        view = self._view(view_state)
        if view is None:
            self.visible_tokens = range(0)
            return self._nothing(view_state, width)
        plan = layout(view, width, height)
        self.visible_tokens = plan.tokens
        across = columns(len(view.learning.steps), view.snapshot, plan)
        return [
            self.head(view_state, width, visible(view.learning.run)),
            word_strips.moment(view, width),
            word_strips.marker(view, plan, across),
            *word_strips.rows(view, plan, across),
            *word_curves.chart(view, plan, across),
            word_strips.axis(view, plan, across),
            *gate_strips.rows(view, plan, across, width),
        ]

    def _nothing(self, view_state: ViewState, width: int) -> list[Line]:
        """Why there are no snapshots, and how to get some."""
        theme = view_state.theme
        texts = [(self.page_text(view_state, "untrained"), theme.ink)]
        if view_state.query.clamps or view_state.query.initial:
            texts = [(self.page_text(view_state, "held"), theme.ink)]
        elif view_state.trace.series:
            model = visible(view_state.query.model)
            texts = [(self.page_text(view_state, "numbers", model=model), theme.ink)]
        elif view_state.query.random is None and is_shipped(model := view_state.query.model):
            texts = [
                (self.page_text(view_state, "shipped", model=visible(model)), theme.ink),
                (self.page_text(view_state, "how"), theme.ink),
            ]
        for question in self.questions(view_state):
            reason = view_state.failures.get(question)
            texts = [(self.page_text(view_state, "reading"), theme.dim)]
            if reason is not None:
                texts = [
                    (visible(reason), theme.ink),
                    (self.page_text(view_state, "how"), theme.dim),
                ]
        lines: list[Line] = [
            self.head(
                view_state, width, visible(i18n.model_name(view_state.query.model, view_state.lang))
            )
        ]
        for text, style in texts:
            lines += [[], *([Segment(f" {line}", style)] for line in wrapped(text, width - 2))]
        return lines

    # -- the sentence at the end --------------------------------------------------------------

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        """From which snapshot on the word at the cursor matters, as the page defines it."""
        view = self._view(view_state)
        if view is None or view_state.trace.head.is_number:
            return ()
        learning, t, k = view.learning, view_state.cursor.t, view.label
        end, without = float(learning.outputs[-1, -1, k]), float(learning.without[-1, t, k])
        if not np.isfinite(without):
            return ()
        at = learning.onset(t, k)
        values = {
            "word": word(view_state, t), "name": output_name(view_state, k), "end": number(end, 2),
            "without": number(without, 2), "least": number(LEAST, 1),
        }  # fmt: skip
        key = "never" if at is None else "onset"
        if at is not None:
            step, epoch = learning.steps[at], number(learning.epochs[at], 1)
            values |= {"step": f"{step:,}", "epoch": epoch}
        asked = tuple(self.questions(view_state))
        clauses = []
        for rank, part in enumerate((key, f"{key}_means")):
            texts = tuple(
                self.page_text(view_state, f"close_{part}{form}", **values)
                for form in ("", "_short")
            )
            clauses.append(Clause(texts, asked, rank))
        return clauses

    def conclusion_rows(self, width: int, height: int) -> int | None:
        """Two lines, for what it means that a word matters."""
        return 2

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        return self.questions(view_state)
