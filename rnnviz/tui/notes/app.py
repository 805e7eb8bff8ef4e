"""The app of the notes terminal: it looks for a screen, follows it, and waits for the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from textual.screen import Screen
from textual.worker import get_current_worker

from rnnviz.errors import RnnvizError, UsageError, one_line
from rnnviz.events import Event, EventError, SessionEvent
from rnnviz.events.client import EventClient, connect
from rnnviz.lessons.claims import Evaluator
from rnnviz.lessons.lesson import Lesson, Step
from rnnviz.lessons.predictions import spoken
from rnnviz.query import Explorer
from rnnviz.tui.app.themed_app import ThemedApp
from rnnviz.tui.keymap import DEFAULT_KEYMAP, Keymap
from rnnviz.tui.notes.notes_screen import NotesScreen
from rnnviz.tui.notes.notes_state import NotesState

#: Seconds between two looks for a screen.
INTERVAL = 1.0

#: Reads the lesson of an id in a language; RnnvizError if there is none.
LessonReader = Callable[[str, str], Lesson]


class NotesApp(ThemedApp[int]):
    """The notes of ``lesson``, or of whatever lesson is on if it is None.

    ``read`` reads a lesson; ``explorer`` computes right answers; ``session`` chooses one of several
    screens; ``state`` is the folder of the user's state, None for the usual one.
    """

    def __init__(
        self,
        lesson: Lesson | None,
        read: LessonReader,
        explorer: Explorer,
        *,
        session: str | None = None,
        state: Path | None = None,
        lang: str = "en",
        theme: str = "dark",
        colour: bool = True,
        ascii_only: bool = False,
        keymap: Keymap = DEFAULT_KEYMAP,
    ) -> None:
        super().__init__(theme, colour, ascii_only, keymap)
        self.read, self.session, self.sockets = read, session, state
        self.wanted = None if lesson is None else lesson.id
        self.client: EventClient | None = None
        self._evaluator = Evaluator(explorer)
        self._began: float | None = None  # of the screen, on the clock of this process
        name = "" if lesson is None else lesson.id
        first = NotesState(self.view_theme, lang, keymap, name, lesson)
        self.notes_screen = NotesScreen(first, self.send, self.read_lesson)

    @property
    def lang(self) -> str:
        """The language of this terminal."""
        return self.notes_screen.state.lang

    def get_default_screen(self) -> Screen[None]:
        """The notes."""
        return self.notes_screen

    def on_mount(self) -> None:
        """Begin to look for a screen."""
        self.notes_screen.tick(self.seconds)
        self.run_worker(self.follow(), group="events", exit_on_error=False)

    def seconds(self) -> float | None:
        """Seconds since the screen of the class began; None before one was found."""
        return None if self._began is None else time.monotonic() - self._began

    def send(self, event: Event) -> bool:
        """Send an event to the screen of the class; whether there is one."""
        if self.client is None:
            return False
        self.client.send(event)
        return True

    # -- following ----------------------------------------------------------------------------

    async def follow(self) -> None:
        """Follow the newest screen until it ends, then the next one, until the app ends."""
        while True:
            try:
                self.client = await connect(self.wanted, self.session, self.sockets)
            except UsageError as error:
                self.notes_screen.show(status=one_line(error), failed=True)
            if self.client is not None:
                await self._follow(self.client)
            await asyncio.sleep(INTERVAL)

    async def _follow(self, client: EventClient) -> None:
        try:
            self.receive(client.session)
            async for timestamp, event in client.events():
                self._began = time.monotonic() - timestamp
                self.receive(event)
        except (EventError, OSError):
            pass  # as if it had ended
        finally:
            client.close()
            self.client = None
        self.notes_screen.show(session=None, cursor=None, status="", failed=False)

    def receive(self, event: Event) -> None:
        """Show what an event says."""
        screen = self.notes_screen
        before = screen.state.step
        if isinstance(event, SessionEvent):
            screen.show(status="", failed=False)
        screen.show(**_changes(screen.state, screen.state.after(event)))
        place = screen.state.place
        if place is not None and (self._lesson_id() != place.lesson):
            self.read_lesson()
        step = screen.state.step
        if step is not None and step is not before:
            self.find_right(step)

    def _lesson_id(self) -> str | None:
        lesson = self.notes_screen.state.lesson
        return None if lesson is None else lesson.id

    def read_lesson(self) -> None:
        """Read the lesson that is on, in the language of this terminal."""
        state = self.notes_screen.state
        name = state.place.lesson if state.place is not None else self._lesson_id()
        if name is None:
            return
        try:
            lesson = self.read(name, state.lang)
        except (OSError, RnnvizError) as error:
            reason = one_line(error) if isinstance(error, RnnvizError) else str(error)
            self.notes_screen.show(lesson=None, status=reason, failed=True)
            return
        self.notes_screen.show(lesson=lesson, right="")
        step = self.notes_screen.state.step
        if step is not None:
            self.find_right(step)

    # -- right answers ------------------------------------------------------------------------

    def find_right(self, step: Step) -> None:
        """Compute in a thread what is right at a step, where its file does not say so."""
        if step.question is not None and not step.question.options:
            self.run_worker(
                partial(self._find_right, step), thread=True, exclusive=True, group="right",
                exit_on_error=False,
            )  # fmt: skip

    def _find_right(self, step: Step) -> None:
        question = step.question
        assert question is not None
        try:
            value: Any = question.right
            if question.of:
                value = self._evaluator.value(question.of, step.query, step.against)
            text = f"{int(value)}" if question.kind == "word" else spoken(float(value))
        except Exception as error:
            text = str(error)  # an error in a lesson file or a model must not end the app
        if not get_current_worker().is_cancelled:
            self.call_later(self._show_right, step, text)

    def _show_right(self, step: Step, text: str) -> None:
        now = self.notes_screen.state.step
        if now is not None and now.id == step.id:
            self.notes_screen.show(right=text)


def _changes(before: NotesState, after: NotesState) -> dict[str, Any]:
    return {name: value for name, value in vars(after).items() if value is not vars(before)[name]}
