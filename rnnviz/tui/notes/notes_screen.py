"""The notes screen: its keys, and the line that an answer of the class is typed into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from rnnviz.display import folded
from rnnviz.events import ActionEvent, AnswerEvent, Event
from rnnviz.lessons.predictions import read_number
from rnnviz.tui.app.help_screen import HelpScreen, HelpSection
from rnnviz.tui.app.line_input import LineInput
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.keymap import ACTIONS
from rnnviz.tui.notes.notes_state import NotesState
from rnnviz.tui.notes.notes_view import OWN_ACTIONS, NotesKeyBar, NotesTitle, NotesView, action_of
from rnnviz.tui.step.event_stream import UNSTEERED
from rnnviz.tui.step.key_bar import Status
from rnnviz.tui.terminal.compositor import DiffScreen
from rnnviz.tui.view.widget import DrawnView, KeyClicked


class NotesScreen(DiffScreen, Screen[None]):
    """The notes; ``send`` steers the screen of the class, ``lang_changed`` reads another language.

    Without a screen to steer ``send`` returns False.
    """

    DEFAULT_CSS = """
    NotesScreen { overflow: hidden; layout: vertical; }
    NotesScreen #title, NotesScreen #keys, NotesScreen #status { height: 1; }
    NotesScreen #notes { height: 1fr; }
    NotesScreen #foot { height: auto; }
    NotesScreen #typing { border: none; height: 1; padding: 0 1; width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(a.keys), action_of(a.name), a.name, show=False, id=a.name)
        for a in ACTIONS
        if a.name not in UNSTEERED or a.name in OWN_ACTIONS
    ]

    def __init__(
        self, state: NotesState, send: Callable[[Event], bool], lang_changed: Callable[[], None]
    ) -> None:
        super().__init__()
        self.state, self.send, self.lang_changed = state, send, lang_changed

    def compose(self) -> ComposeResult:
        """The title, the notes, the message, the keys."""
        yield NotesTitle(self.state, id="title")
        yield NotesView(self.state, id="notes")
        with Vertical(id="foot"):
            yield Status(self.state, id="status")
            yield NotesKeyBar(self.state, id="keys")

    def on_mount(self) -> None:
        """Hide Textual's toast rack, which is not used here."""
        self.query("#textual-toastrack").set(display=False)

    def show(self, **changes: Any) -> None:
        """Change fields of the state and pass it to every view."""
        self.state = replace(self.state, **changes)
        for view in self.query(DrawnView):
            view.state = self.state

    def say(self, key: str, *, failed: bool = False, **values: object) -> None:
        """Show a message above the keys."""
        self.show(status=self.state.text(key, **values), failed=failed)

    # -- steering -----------------------------------------------------------------------------

    def action_steer(self, name: str) -> None:
        """Run an action on the screen of the class."""
        if name == "zoom_out" and self.input is not None:
            self.close_line()
        else:
            self._send(ActionEvent(name))

    def action_go_on(self) -> None:
        """Go on in the lesson; at an open question type the answer of the class.

        A vote that phones have answered is closed instead.
        """
        if self.state.is_asked and not self.state.is_voting:
            self.action_answer()
        else:
            self._send(ActionEvent("lesson_on"))

    def _send(self, event: Event) -> None:
        if self.send(event):
            self.show(status="", failed=False)
        else:
            self.say("notes.nothing_to_steer", failed=True)

    # -- the answer of the class --------------------------------------------------------------

    @property
    def input(self) -> Input | None:
        """The open line; None if there is none."""
        return next(iter(self.query(LineInput)), None)

    def action_answer(self) -> None:
        """Open a line for what the class has answered."""
        step = self.state.step
        if not self.state.is_asked or step is None or step.question is None:
            self.say("notes.no_question", failed=True)
        elif self.input is None:
            kind = step.question.kind
            count = len(step.question.options)
            line = LineInput(
                placeholder=self.state.text(f"notes.type_{kind}", n=count), id="typing"
            )
            self.show(status="", failed=False)
            self.query_one("#foot").mount(line, before="#keys")
            self.set_focus(line)

    def close_line(self) -> None:
        """Close the line."""
        if (line := self.input) is not None:
            line.remove()
        self.set_focus(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the answer; an empty line goes on without one."""
        step, typed = self.state.step, event.value.strip()
        if step is None or step.question is None:
            self.close_line()
            return
        answer = self._answer(typed)
        if typed and answer is None:
            self.say(f"notes.wrong_{step.question.kind}", failed=True)
            return
        self.close_line()
        self._send(AnswerEvent(step.id, answer))

    def _answer(self, typed: str) -> float | None:
        """The answer that was typed: an option or a word by its number, or a number."""
        step = self.state.step
        assert step is not None and step.question is not None
        value = read_number(typed, self.state.lang) if typed else None
        if step.question.kind == "number":
            return value
        query = self.state.query
        words = [] if query is None else query.text.split()
        if step.question.kind == "word" and typed and value is None:
            found = [n for n, word in enumerate(words, 1) if folded(word) == folded(typed)]
            return float(found[0]) if found else None
        most = len(step.question.options)
        if self.state.cursor is not None and step.question.kind == "word":
            most = self.state.cursor.tokens
        whole = value is not None and value == int(value) and 1 <= value <= most
        return value if whole else None

    # -- keys of this terminal ----------------------------------------------------------------

    def action_language(self) -> None:
        """The next language, of this terminal only."""
        app = self.app
        assert isinstance(app, ThemedApp)
        self.show(lang=app.next_language(), status="")
        self.lang_changed()

    def action_theme(self) -> None:
        """The next theme, of this terminal only."""
        app = self.app
        assert isinstance(app, ThemedApp)
        app.use_next_theme()
        self.show(theme=app.view_theme)

    def action_help(self) -> None:
        """Open the help: what this terminal is for, and all keys."""
        state, keymap = self.state, self.state.keymap
        idea = HelpSection(state.text("notes.title"), (("", state.text("notes.idea")),))
        rows = tuple(
            (keymap[name].shown, keymap.words(keymap[name], state.lang)) for name in OWN_ACTIONS
        )
        steering = tuple(
            (a.shown, keymap.words(a, state.lang))
            for a in keymap.actions
            if a.name not in UNSTEERED and a.name not in OWN_ACTIONS
            and not a.name.startswith("model_")
        )  # fmt: skip
        sections = [
            idea,
            HelpSection(state.text("notes.own_keys"), rows),
            HelpSection(state.text("notes.steering_keys"), steering),
        ]
        self.app.push_screen(HelpScreen(sections))

    def action_quit(self) -> None:
        """Leave; the screen of the class goes on."""
        if self.input is not None:
            self.close_line()
        else:
            self.app.exit(0)

    async def on_key_clicked(self, message: KeyClicked) -> None:
        """A key of the key bar was clicked."""
        await self.run_action(message.action)

    def tick(self, seconds: Callable[[], float | None]) -> None:
        """Show the time once a second."""
        self.set_interval(1, partial(self._show_time, seconds))

    def _show_time(self, seconds: Callable[[], float | None]) -> None:
        now = seconds()
        if now is not None:
            self.show(seconds=now)
