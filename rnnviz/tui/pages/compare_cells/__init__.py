"""Page that compares cells on one sentence: a panel for each cell, one cursor for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment

from rnnviz.analysis.interventions import LeaveOutQuestion
from rnnviz.analysis.model_family import MAX_MODELS, MIN_MODELS, family_by_cell, family_trio
from rnnviz.display import visible
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tui.pages import conclusions
from rnnviz.tui.pages.compare_cells.cell_panel import (
    FOOT,
    TOP,
    draw_panel,
    layout,
    model_query,
    model_trace,
    second_query,
    token_column,
    units_note,
)
from rnnviz.tui.pages.compare_cells.prediction_chart import chart, summary
from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page, Prompt
from rnnviz.tui.view.page_state import PageOptions, PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked


@dataclass(frozen=True)
class CompareCellsState(PageState):
    """The models that are compared."""

    page: ClassVar[str] = "lockstep"
    models: tuple[str, ...] = ()  # (): RNN, LSTM and GRU of the family


class CompareCellsPage(Page):
    """Panels of the cells side by side, their predictions as curves and as a sentence."""

    name: ClassVar[str] = "lockstep"
    actions = ("type",)
    full_screen: ClassVar[bool] = True

    @classmethod
    def initial_state(cls, options: PageOptions) -> CompareCellsState:
        return CompareCellsState(options.compare)

    def questions(self, view_state: ViewState) -> Sequence[Question]:
        if not view_state.query.model:
            return ()
        models = self._models(view_state)
        queries: list[Query] = [q for m in models if (q := model_query(view_state, m)) is not None]
        return queries + [q for m in models if (q := second_query(view_state, m)) is not None]

    def press(self, view_state: ViewState, key: str) -> Prompt:
        cells = {
            m: cell for cell, m in family_by_cell(view_state.query.model, view_state.others).items()
        }
        filled = ", ".join(cells.get(m, m) for m in self._models(view_state))
        return Prompt(self.page_text(view_state, "ask"), self._chosen, filled)

    def _chosen(self, view_state: ViewState, text: str) -> Change:
        known = family_by_cell(view_state.query.model, view_state.others)
        valid = ", ".join(known) or "–"
        cells = text.replace(",", " ").split()
        for cell in cells:
            if cell not in known:
                words = self.page_text(view_state, "unknown", name=visible(cell), valid=valid)
                return Change(message=words, failed=True)
        models = tuple(dict.fromkeys(known[cell] for cell in cells))
        if not MIN_MODELS <= len(models) <= MAX_MODELS:
            return Change(message=self.page_text(view_state, "few", valid=valid), failed=True)
        return Change(CompareCellsState(models))

    def _models(self, view_state: ViewState) -> tuple[str, ...]:
        chosen = view_state.page_state(CompareCellsState).models
        return chosen or family_trio(view_state.query.model, view_state.others)

    # -- the sentence at the end ------------------------------------------------------------------

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        traces = [model_trace(view_state, model) for model in self._models(view_state)]
        read = [(trace, q) for trace, q in self._left_out(view_state) if trace is not None]
        without = conclusions.other_nets(view_state, read) if all(traces) else []
        return [*summary(view_state, traces), *without]

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        if view_state.hidden or not view_state.query.model:
            return ()
        return [question for _, question in self._left_out(view_state)]

    def conclusion_rows(self, width: int, height: int) -> int:
        return FOOT

    def _left_out(self, view_state: ViewState) -> list[tuple[Trace | None, LeaveOutQuestion]]:
        """By cell its trace, and the question of the end without each word."""
        return [
            (
                model_trace(view_state, model),
                LeaveOutQuestion(model_query(view_state, model) or view_state.query),
            )
            for model in self._models(view_state)
        ]

    # -- the page -------------------------------------------------------------------------------

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        models = self._models(view_state)
        traces = [model_trace(view_state, model) for model in models]
        grid = layout(view_state, traces, width, height)
        self.visible_tokens = range(grid.first, grid.first + grid.rows)
        panels = [
            draw_panel(view_state, model, trace, grid)
            for model, trace in zip(models, traces, strict=True)
        ]
        left = token_column(view_state, grid)
        rule = Segment("│", view_state.theme.rule)
        rows = [
            [piece for part in (*parts[:1], *([rule, *p] for p in parts[1:])) for piece in part]
            for parts in zip(left, *panels, strict=True)
        ]
        curves = chart(view_state, traces, width, grid.chart)
        # The curves stay in place, however many rows there are above.
        above: list[Line] = [[]] * max(0, height - 1 - len(rows) - len(curves))
        head = self.head(view_state, width, units_note(view_state, traces, grid))
        return [head, *rows, *above, *curves]

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        models = self._models(view_state)
        traces = [model_trace(view_state, model) for model in models]
        grid = layout(view_state, traces, self.size.width, self.size.height)
        at = (y - TOP) // grid.tall
        return CellPicked(t=grid.first + at) if y >= TOP and at < grid.rows else None
