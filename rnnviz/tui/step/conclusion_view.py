"""The widget of the sentence that the panels and every page end with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment

from rnnviz.tui.render.segments import Line
from rnnviz.tui.view.conclusion import Clause, fitted
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class ConclusionView(View):
    """The last line above the keys: what the numbers on the screen say, in words."""

    def __init__(
        self, view_state: ViewState, clauses: Callable[[ViewState], Sequence[Clause]]
    ) -> None:
        super().__init__(view_state, id="conclusion")
        self._clauses = clauses

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme = view_state.theme
        found = fitted(self._clauses(view_state), width - 2, height)
        style = theme.dim if view_state.hidden else theme.bold
        lines: list[Line] = [[Segment(f" {line}", style)] for line in found]
        return lines
