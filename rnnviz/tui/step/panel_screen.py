"""The screen of all panels: their places, the first picture, and what a change repaints."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.layout import Layout
from textual.screen import Screen

from rnnviz.tui.panels import conclusion
from rnnviz.tui.panels.arrangement import Places
from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.gradients import Gradients
from rnnviz.tui.panels.heatmap import Heatmap, HeatmapWords
from rnnviz.tui.panels.reach import Reaches
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.panels.vote_pane import VotePane
from rnnviz.tui.panels.weights import WeightsView
from rnnviz.tui.step.conclusion_view import ConclusionView
from rnnviz.tui.step.key_bar import KeyBar, Small, StepStatus
from rnnviz.tui.step.lesson.pane import LessonPane
from rnnviz.tui.step.notation_switch import with_next_notation
from rnnviz.tui.step.panel_layout import HEATMAPS, PanelLayout, layout_key, panel_places
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import DrawnView


class PanelScreen(DiffScreen, Screen[None]):
    """The views of one view state; its subclass has the pages, the input line and most keys."""

    DEFAULT_CSS = "PanelScreen { overflow: hidden; }"

    def __init__(self, view_state: ViewState) -> None:
        super().__init__()
        self.view_state = view_state
        self._panel_layout = PanelLayout()
        self._awaited = {"size", "screen"}  # before the first picture
        self._begun = False
        self.is_shown = False  # the first picture is painted
        self.laid_out: Places = {}  # the places of the latest layout

    @property
    def is_typing(self) -> bool:
        """Whether an input line is open."""
        return False

    @property
    def open_page(self) -> Page | None:
        """The page in place of the panels; None for the panels."""
        return None

    def clauses(self, view_state: ViewState) -> Sequence[Clause]:
        """The sentence that the open page or the panels end with."""
        page = self.open_page
        if page is None or view_state.hidden or conclusion.leaves_out(view_state):
            return conclusion.clauses(view_state)
        return conclusion.before_answer(view_state, page.conclusion(view_state))

    def action_without_word(self) -> None:
        """Show what becomes of the prediction without the current word, or stop it."""
        left_out = self.view_state.page_state(conclusion.WordLeftOut)
        left_out = replace(left_out, shown=not left_out.shown)
        self.show(page_states={**self.view_state.page_states, left_out.page: left_out}, status="")

    def state_shown(self) -> None:
        """Called after every change, and after the first picture."""

    def followed(self, view_state: ViewState) -> ViewState:
        """The view state with what follows from a change of it."""
        return view_state

    @property
    def layout(self) -> Layout:
        """The arithmetic layout, in place of one from a style sheet."""
        return self._panel_layout

    def places(self, width: int, height: int) -> Places:
        """The region of every visible view at this size, by id."""
        page = self.open_page
        return panel_places(
            self.view_state, width, height, typing=self.is_typing,
            full_screen=page is not None and page.full_screen,
            conclusion=None if page is None else page.conclusion_rows(width, height),
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """Every view once; the layout decides which are visible."""
        view_state = self.view_state
        yield TitleBar(view_state, id="title")
        yield LessonPane(view_state, id="lesson")
        yield VotePane(view_state, id="vote")
        yield Sentence(view_state, id="sentence")
        for slot in range(HEATMAPS):
            yield HeatmapWords(view_state, id=f"words-{slot}")
            yield Heatmap(view_state, slot)
        yield CellView(view_state, id="cell")
        yield Equations(view_state, id="equation")
        yield Gradients(view_state, id="backward")
        yield Reaches(view_state, id="reach")
        yield WeightsView(view_state, id="weights")
        yield ConclusionView(view_state, self.clauses)
        yield StepStatus(view_state, id="status")
        yield KeyBar(view_state, id="keys")
        yield Small(view_state, id="small")

    def on_mount(self) -> None:
        """Hide Textual's toast rack, which is not used here."""
        # Textual hides it later, which would cause another layout.
        self.query("#textual-toastrack").set(display=False)

    def on_resize(self) -> None:
        """The size is known: one of the two things the first picture waits for."""
        self._awaited.discard("size")
        self._begin_if_ready()

    def on_screen_resume(self) -> None:
        """The screen is current: the other one."""
        self._awaited.discard("screen")
        self._begin_if_ready()

    def _begin_if_ready(self) -> None:
        if not self._awaited and not self._begun:
            self._begun = True
            # Long enough for the views' own layout requests to have arrived.
            self.set_timer(0.01, self._begin)

    def _begin(self) -> None:
        """Paint the first picture when every view is in place, and only once."""
        from rnnviz.tui.step.app import RnnvizApp

        # Everything is painted once, when painting is allowed: cancel Textual's own requests.
        self._set_dirty()
        self._dirty_widgets.add(self)
        self._refresh_layout()
        self._layout_required = self._repaint_required = False
        if isinstance(self.app, RnnvizApp):
            self.app.begin()
        self.is_shown = True
        self.state_shown()
        self.app.post_display_hook()  # this first picture was painted before it was shown

    def show_in(self, names: Collection[str], **changes: Any) -> None:
        """Change fields that only the views of these ids draw, and that move no view."""
        self.view_state = replace(self.view_state, **changes)
        for name in set(names) & set(self.places(*self.size)):
            view = self.query_one(f"#{name}", DrawnView)
            if view.update_visible(self.view_state):
                self._dirty_widgets.add(view)
        self.check_idle()

    def show(self, **changes: Any) -> None:
        """Change fields of the view state and pass it to every view; lay out only if needed."""
        self.show_state(self.followed(replace(self.view_state, **changes)))

    def show_state(self, view_state: ViewState, *, moves: bool = False) -> None:
        """Pass a view state to every view; ``moves``: lay out in any case."""
        width = self.size.width
        before = layout_key(self.view_state, width)
        self.view_state = view_state
        moves = moves or layout_key(self.view_state, width) != before
        places = self.places(*self.size)
        # Every view is a child: a query would match each widget's style sheet classes.
        for view in self.children:
            if not isinstance(view, DrawnView):
                continue
            place = places.get(view.id or "")
            if place and (not moves or place.size == view.size):
                if view.update_visible(self.view_state):
                    self._dirty_widgets.add(view)
            else:  # the layout paints a view that it shows or resizes
                view.update_hidden(self.view_state)
        self.lay_out() if moves else self.check_idle()  # Textual then writes what is dirty
        self.state_shown()

    def action_notation(self) -> None:
        """The next notation: its symbols, and its z, in every view."""
        self.show(**with_next_notation(self.view_state))

    def action_explain(self) -> None:
        """Open the glossary; the terms of what is on the screen come first."""
        from rnnviz.tui.app.help_screen import HelpScreen
        from rnnviz.tui.step.explanation import sections

        self.app.push_screen(HelpScreen(sections(self.view_state), "explain.search"))

    def action_backward(self) -> None:
        """Walk backward in the equation panel, or forward again."""
        self.show(backward=not self.view_state.backward)

    def action_steer(self) -> None:
        """Steer a screen that is played back from a recording; this one is not."""
        self.say("replay.none")

    # -- messages -----------------------------------------------------------------------------

    def say(self, key: str, **values: object) -> None:
        """Show a message above the keys; ``values`` fill the text of ``key``."""
        self.show(status=self.view_state.text(key, **values), failed=False)

    def fail(self, key: str, **values: object) -> None:
        """Show a message about what did not work."""
        self.show(status=self.view_state.text(key, **values), failed=True)

    def clear_failure(self) -> None:
        """Remove the message if it is about what did not work."""
        if self.view_state.failed:
            self.show(status="", failed=False)
