"""The views of presenter mode: one thing each, to be read from the back of a room."""

from __future__ import annotations

from rnnviz.tui.panels.presenter.clock import Clock
from rnnviz.tui.panels.presenter.headline import Headline
from rnnviz.tui.panels.presenter.large_belief import LargeBelief
from rnnviz.tui.panels.presenter.large_cell import LargeCell
from rnnviz.tui.panels.presenter.large_equations import LargeEquations
from rnnviz.tui.panels.presenter.large_units import LargeUnits
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View

__all__ = ["Clock", "views"]


def views(view_state: ViewState) -> list[View]:
    """The views of presenter mode without the clock, each with its id."""
    return [
        Headline(view_state, id="headline"),
        LargeBelief(view_state, id="large-belief"),
        LargeCell(view_state, id="large-cell"),
        LargeUnits(view_state, id="large-units"),
        LargeEquations(view_state, id="large-equation"),
    ]
