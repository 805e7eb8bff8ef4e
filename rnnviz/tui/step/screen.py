"""The step screen: its keys, its pages, its input line, and what it reads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.widgets import Input

from rnnviz.cursor import ZOOMS, Cursor, fitted, to_part, to_token, to_unit, zoomed
from rnnviz.display import in_one_line
from rnnviz.errors import system_reason
from rnnviz.files import write_new
from rnnviz.query import Explorer, Query
from rnnviz.tui.app.key_bindings import key_bindings
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.keymap import ACTIONS
from rnnviz.tui.panels.arrangement import SMALLEST
from rnnviz.tui.step.class_vote.host import ClassHost
from rnnviz.tui.step.event_stream import DELAY, EventStream
from rnnviz.tui.step.lesson.host import LessonHost
from rnnviz.tui.step.line_prompt import LinePrompt
from rnnviz.tui.step.page_host import PageHost, QuestionAnswered
from rnnviz.tui.step.panel_screen import PanelScreen
from rnnviz.tui.step.playback import Playback
from rnnviz.tui.step.predict_control import PredictControl
from rnnviz.tui.step.presenter import PresenterMode
from rnnviz.tui.step.trace_requests import ReachReady, TraceReady, TraceRequest, TraceRequests
from rnnviz.tui.step.travel import TravelPlayer
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.lesson_state import with_open_question
from rnnviz.tui.view.page import Page
from rnnviz.tui.view.predict_notice import followed
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked, KeyClicked, WheelTurned

if TYPE_CHECKING:
    from rnnviz.analysis.model_list import ModelEntry
    from rnnviz.tui.step.lesson.session import LessonSession


class StepScreen(PanelScreen):
    """One trace, one cursor, every view of it."""

    DEFAULT_CSS = "StepScreen #typing { border: none; height: 1; padding: 0 1; width: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [*key_bindings(ACTIONS)]

    def __init__(
        self, explorer: Explorer, view_state: ViewState, lesson: LessonSession | None = None
    ) -> None:
        super().__init__(view_state)
        self.requests = TraceRequests(self, explorer)
        self.page_host = PageHost(self, explorer)
        self.prompt = LinePrompt(self)
        self.playback = Playback(self)
        self.event_stream = EventStream(self)
        self.presenter = PresenterMode(self)
        self.lesson = LessonHost(self, lesson)
        self.travel = TravelPlayer(self)
        self.predictions = PredictControl(self)
        self.class_host = ClassHost(self)

    @property
    def is_typing(self) -> bool:
        """Whether an input line is open."""
        return self.input is not None

    @property
    def open_page(self) -> Page | None:
        """The page in place of the panels; None for the panels."""
        return self.page_host.page

    def followed(self, view_state: ViewState) -> ViewState:
        """With what predict mode or an open question hides, and with the mode's notice."""
        return with_open_question(followed(self.view_state, view_state))

    def state_shown(self) -> None:
        """Publish what has changed, and ask what the open page wants to know."""
        self.event_stream.state_shown()
        self.page_host.ask_questions()
        self.class_host.follow()

    def listen(self, state: Path) -> None:
        """Let other terminals of this user follow and steer the screen, soon."""
        self.set_timer(DELAY, partial(self._listen, state))

    def _listen(self, state: Path) -> None:
        self.run_worker(self.event_stream.listen(state), group="events", exit_on_error=False)

    def on_unmount(self) -> None:
        """Disconnect the other terminals."""
        self.event_stream.close()

    def move(self, cursor: Cursor) -> None:
        """Move the cursor and remove the message; numbers that travel are where they belong."""
        first = self.page_host.first_row(cursor.t)
        self.show(cursor=cursor, first=first, travel=None, status="", failed=False)

    # -- keys that move the cursor ------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a terminal that is too small only quitting is possible."""
        small = self.size.width < SMALLEST[0] or self.size.height < SMALLEST[1]
        return action == "quit" if small and self.size.width else True

    def action_token(self, step: int) -> None:
        """Move along the sentence."""
        page = self.open_page
        if step > 0 and page is not None and page.reveals and self.predictions.reveal_token():
            return
        if self.page_host.press("token_on" if step > 0 else "token_back"):
            return
        view_state = self.view_state
        if step < 0 or not self.predictions.reveal_token():
            self.move(to_token(view_state.cursor, view_state.trace, view_state.cursor.t + step))

    def action_edge(self, end: int) -> None:
        """Move to the first (0) or the last (1) token."""
        if self.page_host.press("last" if end else "first"):
            return
        t = (len(self.view_state.trace.tokens) - 1) * end
        self.move(to_token(self.view_state.cursor, self.view_state.trace, t))

    def action_part(self, step: int) -> None:
        """Move along the parts of the cell, across tokens; or along those of a travel."""
        if self.travel.is_active:
            self.travel.step(step)
        elif step < 0 or not self.predictions.reveal_part():
            self.move(to_part(self.view_state.cursor, self.view_state.trace, step))

    def action_unit(self, step: int) -> None:
        """Move to another unit."""
        self.move(to_unit(self.view_state.cursor, self.view_state.trace, step))

    def action_zoom(self, step: int) -> None:
        """Zoom in or out; escape first closes what is open, and never quits."""
        if self.input is not None:
            self.prompt.close()
            self.show(status="", failed=False)
        elif self.travel.is_active and step < 0:
            self.travel.end()
        elif self.view_state.status and step < 0:
            self.show(status="", failed=False)
        elif step < 0 and self.predictions.skip_seen():
            pass
        elif self.view_state.page and step < 0:
            self.page_host.toggle(self.view_state.page)
        elif step > 0 and self.page_host.press("zoom_in"):
            pass
        elif self.view_state.thing:
            self.presenter.move(step)
        else:
            self.show(cursor=zoomed(self.view_state.cursor, step))

    def action_view(self) -> None:
        """The next zoom level, or the next thing of presenter mode, in a cycle."""
        if self.view_state.thing:
            self.presenter.move(1, around=True)
            return
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
        """Step automatically, or pause; also the numbers that travel."""
        (self.travel.pause if self.travel.is_active else self.playback.toggle)()

    def action_speed(self, step: int) -> None:
        """Play faster or slower."""
        self.playback.change_speed(step)

    def on_cell_picked(self, message: CellPicked) -> None:
        """A token, a unit or a part was clicked."""
        clicked = {"t": message.t, "unit": message.unit, "part": message.part}
        places: Any = {name: at for name, at in clicked.items() if at is not None}
        self.move(fitted(replace(self.view_state.cursor, **places), self.view_state.trace))

    def on_wheel_turned(self, message: WheelTurned) -> None:
        """The wheel was turned over a view."""
        getattr(self, f"action_{message.moves}")(message.step)

    async def on_key_clicked(self, message: KeyClicked) -> None:
        """A key of the key bar was clicked."""
        await self.run_action(message.action)

    # -- pages --------------------------------------------------------------------------------

    def action_page(self, name: str) -> None:
        """Open a page in place of the panels, or close it."""
        self.page_host.toggle(name)

    def action_on_page(self, action: str) -> None:
        """Run an action of the open page; a lesson and predict mode take what is typed first."""
        if action != "type" or not (self.lesson.open() or self.predictions.open()):
            self.page_host.press(action)

    def on_key(self) -> None:
        """A key pressed while a line is open removes the message about what was wrong."""
        if self.input is not None:
            self.clear_failure()

    def on_question_answered(self, message: QuestionAnswered) -> None:
        """The answer to a question of the open page."""
        self.page_host.receive_answer(message)

    # -- what the views show ------------------------------------------------------------------

    def action_beside(self) -> None:
        """Highlight the differences from the second sentence in every view, or stop it."""
        second = second_sentence.state(self.view_state)
        if not second.text:
            self.fail("beside.none")
            return
        second = replace(second, highlighted=not second.highlighted)
        self.show(page_states={**self.view_state.page_states, second.page: second})
        self.say(
            "beside.lit" if second.highlighted else "beside.unlit", text=in_one_line(second.text)
        )

    def action_predict(self) -> None:
        """Predict mode on, or off again."""
        self.predictions.toggle()

    def action_class(self) -> None:
        """Show the code that leads the phones of a class here."""
        self.class_host.open_window()

    def action_presenter(self) -> None:
        """Enter or leave presenter mode."""
        self.presenter.toggle()

    def action_travel(self) -> None:
        """Let the numbers of this token travel through the diagram, or stop them."""
        self.travel.toggle()

    def action_language(self) -> None:
        """The next language."""
        app = self.app
        assert isinstance(app, ThemedApp)
        self.show(lang=app.next_language(), status="")
        self.lesson.switch_language(self.view_state.lang)

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
            self.fail("status.not_saved", path=where, reason=system_reason(error))
        else:
            self.say("status.saved", path=path)

    def action_help(self) -> None:
        """Open the help: what one is looking at, all keys, and how to read each panel."""
        from rnnviz.tui.app.help_screen import HelpScreen
        from rnnviz.tui.step.help import sections

        self.app.push_screen(HelpScreen(sections(self.view_state)))

    def action_quit(self) -> None:
        """Close the open page; without one, quit without asking: there is nothing to save."""
        if self.view_state.page:
            self.page_host.toggle(self.view_state.page)
        else:
            self.leave()

    def leave(self) -> None:
        """Leave the screen."""
        self.app.exit(0)

    # -- lessons ------------------------------------------------------------------------------

    def action_lesson(self, step: int) -> None:
        """Go on (1) or back (−1) in the lesson."""
        self.lesson.move(step)

    # -- other sentences and models -----------------------------------------------------------

    @property
    def input(self) -> Input | None:
        """The line that is being typed into; None if there is none."""
        return self.prompt.input

    def action_sentence(self) -> None:
        """Open a line to type a sentence into."""
        self.prompt.open()

    def action_continue(self) -> None:
        """Open a line to type the next sentence into, which goes on from the current token."""
        from rnnviz.tui.step import continuation

        self.prompt.open(continuation.prompt(self.view_state))

    def action_go_to(self) -> None:
        """Open a line to type a word, a token, a unit or a layer into."""
        from rnnviz.tui.step import go_to

        self.prompt.open(go_to.prompt(self.view_state))

    def action_copy(self) -> None:
        """Choose what to copy to the clipboard."""
        from rnnviz.tui.step import clipboard_text

        clipboard_text.choose(self)

    def action_models(self) -> None:
        """Choose a model, and read the same text with it if it reads such texts."""
        from rnnviz.tui.step.model_picker import ModelPicker

        explorer = self.requests.explorer
        self.app.push_screen(ModelPicker(explorer, self.view_state), self._choose_model)

    def _choose_model(self, entry: ModelEntry | None) -> None:
        from rnnviz.tui.step.model_picker import request

        if entry is not None:
            self.requests.ask(request(self.view_state, entry))

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
            self.ask(replace(self.view_state.query, text=text, target=None, initial=()))

    def action_model(self, n: int) -> None:
        """Read the same sentence with another model; in a lesson, choose an option."""
        if self.lesson.choose(n + 1) or self.page_host.press(f"model_{n + 1}"):
            return
        if n >= len(self.view_state.others):
            self.fail("status.no_model", n=n + 1)
        else:
            self.ask(replace(self.view_state.query, model=self.view_state.others[n]))

    def ask(self, query: Query, *, quiet: bool = False, edit: bool = False) -> None:
        """Read another query; ``quiet``: keep the message and the cursor.

        ``edit``: the query goes on with a series of edits.
        """
        self.requests.ask(TraceRequest(query, quiet), edit=edit)

    def action_undo(self) -> None:
        """Read the query before the latest one again."""
        self.requests.undo()

    def action_redo(self) -> None:
        """Read the query again that was undone last."""
        self.requests.redo()

    def on_trace_ready(self, message: TraceReady) -> None:
        """The trace of a query, or the reason why there is none."""
        self.requests.show_trace(message)
        self.event_stream.apply_pending()

    def action_reach(self) -> None:
        """Compare how far back other models reach over the same sentence."""
        self.requests.compare_reach()

    def on_reach_ready(self, message: ReachReady) -> None:
        """The comparison, or the reason why there is none."""
        self.requests.show_reach(message)
        self.event_stream.apply_pending()
