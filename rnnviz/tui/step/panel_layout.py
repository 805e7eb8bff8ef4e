"""Textual's layout of the step screen: places from the view state, by arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.geometry import Region
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from rnnviz.display import visible
from rnnviz.tui.panels.arrangement import Places, arrange
from rnnviz.tui.panels.cell_diagram import diagram
from rnnviz.tui.panels.heat_grid import Shape
from rnnviz.tui.panels.vote_pane import vote_height
from rnnviz.tui.render.segments import wrapped
from rnnviz.tui.step.lesson.pane import pane_height
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.tui.step.panel_screen import PanelScreen

#: The number of heat maps there is a widget for.
HEATMAPS = 8


class PanelLayout(Layout):
    """Places the panels by :meth:`PanelScreen.places`; hides the others."""

    name = "panels"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Any, greedy: bool = True
    ) -> ArrangeResult:
        screen: PanelScreen = parent  # type: ignore[assignment]
        places = screen.laid_out = screen.places(size.width, size.height)
        return [
            WidgetPlacement(
                places.get(child.id or "", Region()), child.styles.offset.resolve(size, size),
                child.styles.margin, child,
            )
            for child in children
            if places.get(child.id or "")
        ]  # fmt: skip


def panel_places(
    view_state: ViewState, width: int, height: int, *, typing: bool, full_screen: bool,
    conclusion: int | None = None,
) -> Places:  # fmt: skip
    """The region of every visible panel, by id."""
    plan = diagram(view_state.layer)
    status = message_lines(view_state, width)
    lesson = pane_height(view_state, width, height)
    return arrange(
        width,
        height,
        zoom=view_state.cursor.zoom,
        shape=Shape(
            len(view_state.trace.tokens),
            view_state.layer.units,
            min(HEATMAPS, len(view_state.quantities)),
            (plan.width, len(plan.art)),
            len([model for model in view_state.reaches if model != view_state.trace.model]),
            # A line for each equation, one in words for each part, two for read and predict.
            len(view_state.layer.lines) + len(view_state.layer.parts) + 4,
            len(view_state.layer.parts),
        ),
        lesson=lesson,
        vote=vote_height(view_state, height - lesson - 14),
        status=status,
        typing=typing,
        page=view_state.page,
        full_screen=full_screen,
        backward=view_state.backward,
        presenter=bool(view_state.presenter),
        thing=view_state.thing,
        conclusion=conclusion,
    )


def message_lines(view_state: ViewState, width: int) -> int:
    """The lines of the message above the keys, at most three."""
    return min(3, len(wrapped(visible(view_state.message), max(1, width - 4))))


def layout_key(view_state: ViewState, width: int) -> object:
    """What the places depend on, apart from the height of the screen."""
    T = len(view_state.trace.tokens)
    shape = (view_state.layer.cell, view_state.layer.units, T, len(view_state.reaches))
    model = view_state.trace.model
    zoom, backward = view_state.cursor.zoom, view_state.backward
    presented = (bool(view_state.presenter), view_state.thing)
    lesson = view_state.lesson
    # The pane of a lesson is as high as its step needs.
    step = None if lesson is None else (lesson.player.lesson, lesson.player.index)
    lines = message_lines(view_state, width)
    vote = vote_height(view_state, 10**6)
    return (zoom, backward, view_state.page, model, *shape, *presented, lines, step, vote)
