"""The step screen: it holds the view state, passes it to every view, and handles the keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.layout import Layout
from textual.screen import Screen
from textual.widgets import Input

from rnnviz import i18n
from rnnviz.cursor import ZOOMS, Cursor, fitted, to_part, to_token, to_unit, zoomed
from rnnviz.display import visible
from rnnviz.files import write_new
from rnnviz.query import Explorer, Query
from rnnviz.tui.app.key_bindings import key_bindings
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.keymap import ACTIONS
from rnnviz.tui.panels.arrangement import SMALLEST, Places
from rnnviz.tui.panels.cell import CellView
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.gradients import Gradients
from rnnviz.tui.panels.heatmap import Heatmap, HeatmapWords, rows
from rnnviz.tui.panels.reach import Reaches
from rnnviz.tui.panels.sentence import Sentence
from rnnviz.tui.panels.title import TitleBar
from rnnviz.tui.panels.weights import WeightsView
from rnnviz.tui.step.key_bar import KeyBar, Small, Status
from rnnviz.tui.step.line_prompt import LinePrompt
from rnnviz.tui.step.page_host import PageHost, QuestionAnswered
from rnnviz.tui.step.panel_layout import HEATMAPS, PanelLayout, layout_key, panel_places
from rnnviz.tui.step.playback import Playback
from rnnviz.tui.step.trace_requests import ReachReady, TraceReady, TraceRequests
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked, DrawnView, KeyClicked


class StepScreen(DiffScreen, Screen[None]):
    """One trace, one cursor, every view of it."""

    DEFAULT_CSS = """
    StepScreen { overflow: hidden; }
    StepScreen #typing { border: none; height: 1; padding: 0 1; width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*key_bindings(ACTIONS)]

    def __init__(self, explorer: Explorer, view_state: ViewState) -> None:
        super().__init__()
        self.view_state = view_state
        self.requests = TraceRequests(self, explorer)
        self.page_host = PageHost(self, explorer)
        self.prompt = LinePrompt(self)
        self.playback = Playback(self)
        self._panel_layout = PanelLayout()
        self._awaited = {"size", "screen"}  # before the first picture
        self._begun = False

    # -- layout and painting ------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """The arithmetic layout, in place of one from a style sheet."""
        return self._panel_layout

    def places(self, width: int, height: int) -> Places:
        """The region of every visible view at this size, by id."""
        return panel_places(
            self.view_state, width, height, typing=self.input is not None,
            full_screen=self.page_host.full_screen,
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        """Every view once; the layout decides which are visible."""
        view_state = self.view_state
        yield TitleBar(view_state, id="title")
        yield Sentence(view_state, id="sentence")
        for slot in range(HEATMAPS):
            yield HeatmapWords(view_state, id=f"words-{slot}")
            yield Heatmap(view_state, slot)
        yield CellView(view_state, id="cell")
        yield Equations(view_state, id="equation")
        yield Gradients(view_state, id="backward")
        yield Reaches(view_state, id="reach")
        yield WeightsView(view_state, id="weights")
        yield Status(view_state, id="status")
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
        self.page_host.ask_questions()

    def show(self, **changes: Any) -> None:
        """Change fields of the view state and pass it to every view; lay out only if needed."""
        before = layout_key(self.view_state)
        self.view_state = replace(self.view_state, **changes)
        moves = layout_key(self.view_state) != before
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
        self.page_host.ask_questions()

    def move(self, cursor: Cursor) -> None:
        """Move the cursor and remove the message."""
        self.show(cursor=cursor, first=self._first_row(cursor.t), status="", failed=False)

    def _first_row(self, t: int) -> int:
        """The token of the first row when the cursor goes to token t.

        A step past the last row scrolls so that t becomes the first row: the tokens after it are
        still unknown and drawn as dots, so that only one row of numbers has to be sent.
        """
        page, view_state = self.page_host.page, self.view_state
        heat_height = self.query_one("#heat-0").size.height
        visible_rows = page.visible_tokens if page else rows(view_state, heat_height)[1]
        if visible_rows is None:
            return view_state.first
        if t in visible_rows:
            return visible_rows.start
        step = abs(t - view_state.cursor.t) == 1 and view_state.layer.order[0] == 0
        return t if step else max(0, t - len(visible_rows) + 1)

    # -- keys that move the cursor ------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a terminal that is too small only quitting is possible."""
        small = self.size.width < SMALLEST[0] or self.size.height < SMALLEST[1]
        return action == "quit" if small and self.size.width else True

    def action_token(self, step: int) -> None:
        """Move along the sentence."""
        view_state = self.view_state
        self.move(to_token(view_state.cursor, view_state.trace, view_state.cursor.t + step))

    def action_edge(self, end: int) -> None:
        """Move to the first (0) or the last (1) token."""
        t = (len(self.view_state.trace.tokens) - 1) * end
        self.move(to_token(self.view_state.cursor, self.view_state.trace, t))

    def action_part(self, step: int) -> None:
        """Move along the parts of the cell, across tokens."""
        self.move(to_part(self.view_state.cursor, self.view_state.trace, step))

    def action_unit(self, step: int) -> None:
        """Move to another unit."""
        self.move(to_unit(self.view_state.cursor, self.view_state.trace, step))

    def action_zoom(self, step: int) -> None:
        """Zoom in or out; escape first closes what is open, and never quits."""
        if self.input is not None:
            self.prompt.close()
            self.show(status="", failed=False)
        elif self.view_state.status and step < 0:
            self.show(status="", failed=False)
        elif self.view_state.page and step < 0:
            self.page_host.toggle(self.view_state.page)
        else:
            self.show(cursor=zoomed(self.view_state.cursor, step))

    def action_view(self) -> None:
        """The next zoom level, in a cycle."""
        cursor = self.view_state.cursor
        zoom = ZOOMS[(ZOOMS.index(cursor.zoom) + 1) % len(ZOOMS)]
        self.show(cursor=replace(cursor, zoom=zoom))

    def action_layer(self) -> None:
        """The next layer or direction."""
        view_state = self.view_state
        N = len(view_state.trace.layers)
        if N == 1:
            self.say("status.one_layer")
            return
        # Cells differ in their parts: the last one stays the last one, others keep their number.
        at_last_part = view_state.cursor.part == len(view_state.layer.parts) - 1
        cursor = replace(view_state.cursor, layer=(view_state.cursor.layer + 1) % N)
        cursor = replace(cursor, part=10**6) if at_last_part else cursor
        self.move(fitted(cursor, view_state.trace))
        view_state = self.view_state
        n, name = view_state.cursor.layer + 1, view_state.layer.name
        self.say("status.layer", n=n, N=N, name=name)

    def action_play(self) -> None:
        """Step automatically, or pause."""
        self.playback.toggle()

    def action_speed(self, step: int) -> None:
        """Play faster or slower."""
        self.playback.change_speed(step)

    def on_cell_picked(self, message: CellPicked) -> None:
        """A token or a unit was clicked."""
        cursor = self.view_state.cursor
        if message.t is not None:
            cursor = replace(cursor, t=message.t)
        if message.unit is not None:
            cursor = replace(cursor, unit=message.unit)
        self.move(fitted(cursor, self.view_state.trace))

    async def on_key_clicked(self, message: KeyClicked) -> None:
        """A key of the key bar was clicked."""
        await self.run_action(message.action)

    # -- pages --------------------------------------------------------------------------------

    def action_page(self, name: str) -> None:
        """Open a page in place of the panels, or close it."""
        self.page_host.toggle(name)

    def action_on_page(self, action: str) -> None:
        """Run an action of the open page."""
        self.page_host.press(action)

    def on_key(self) -> None:
        """A key pressed while a line is open removes the message about what was wrong."""
        if self.input is not None:
            self.clear_failure()

    def on_question_answered(self, message: QuestionAnswered) -> None:
        """The answer to a question of the open page."""
        self.page_host.receive_answer(message)

    # -- what the views show ------------------------------------------------------------------

    def action_backward(self) -> None:
        """Walk backward in the equation panel, or forward again."""
        self.show(backward=not self.view_state.backward)

    def action_beside(self) -> None:
        """Highlight the differences from the second sentence in every view, or stop it."""
        second = second_sentence.state(self.view_state)
        if not second.text:
            self.fail("beside.none")
            return
        second = replace(second, highlighted=not second.highlighted)
        self.show(page_states={**self.view_state.page_states, second.page: second})
        self.say("beside.lit" if second.highlighted else "beside.unlit", text=visible(second.text))

    def action_predict(self) -> None:
        """Hide what comes at this token; show it when pressed again."""
        hidden = not self.view_state.hidden
        hint = self.view_state.text("view.hidden_hint") if hidden else ""
        self.show(hidden=hidden, status=hint, failed=False)

    def action_language(self) -> None:
        """The next language."""
        at = (i18n.LANGUAGES.index(self.view_state.lang) + 1) % len(i18n.LANGUAGES)
        self.show(lang=i18n.LANGUAGES[at], status="")

    def action_theme(self) -> None:
        """The next theme."""
        app = self.app
        assert isinstance(app, ThemedApp)
        name = app.use_next_theme()
        self.show(theme=app.view_theme)
        self.say(f"theme.{name}")

    def action_screenshot(self, form: str = "svg") -> None:
        """Save the screen as SVG or text in the working folder, as a new file."""
        from rnnviz.tui.export import pictures

        picture = pictures.of_screen(self.app, form)
        try:
            path = write_new(Path.cwd(), "rnnviz", form, picture)
        except OSError as error:
            where = error.filename or "."
            self.fail("status.not_saved", path=where, reason=error.strerror or "?")
        else:
            self.say("status.saved", path=path)

    def action_help(self) -> None:
        """Open the help: all keys, and how to read each panel."""
        from rnnviz.tui.step.help import HelpScreen, page

        self.app.push_screen(HelpScreen(page(self.view_state)))

    def action_quit(self) -> None:
        """Close the open page; without one, quit without asking: there is nothing to save."""
        if self.view_state.page:
            self.page_host.toggle(self.view_state.page)
        else:
            self.leave()

    def leave(self) -> None:
        """Leave the screen."""
        self.app.exit(0)

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

    # -- other sentences and models -----------------------------------------------------------

    @property
    def input(self) -> Input | None:
        """The line that is being typed into; None if there is none."""
        return self.prompt.input

    def action_sentence(self) -> None:
        """Open a line to type a sentence into."""
        self.prompt.open()

    def on_input_changed(self) -> None:
        """Typing on removes the message about what was wrong."""
        self.clear_failure()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A line was typed."""
        self.prompt.submit(event.value)

    def on_paste(self, event: events.Paste) -> None:
        """Read text that was pasted while no line is open as a sentence."""
        text = " ".join(event.text.split())
        if self.input is None and text:
            self.ask(replace(self.view_state.query, text=text, target=None))

    def action_model(self, n: int) -> None:
        """Read the same sentence with another model."""
        if n >= len(self.view_state.others):
            self.fail("status.no_model", n=n + 1)
        else:
            self.ask(replace(self.view_state.query, model=self.view_state.others[n]))

    def ask(self, query: Query, *, quiet: bool = False) -> None:
        """Read another query; ``quiet``: keep the message and the cursor."""
        self.playback.stop()
        if not quiet:
            self.say("status.reading", text=query.text)
        self.requests.read(query, quiet)

    def on_trace_ready(self, message: TraceReady) -> None:
        """The trace of a query, or the reason why there is none."""
        self.requests.show_trace(message)

    def action_reach(self) -> None:
        """Compare how far back other models reach over the same sentence."""
        self.requests.compare_reach()

    def on_reach_ready(self, message: ReachReady) -> None:
        """The comparison, or the reason why there is none."""
        self.requests.show_reach(message)
