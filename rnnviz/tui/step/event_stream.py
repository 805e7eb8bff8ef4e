"""The events of one step screen: published as its view state changes, and applied from outside."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz.errors import RnnvizError
from rnnviz.events import (
    ActionEvent,
    AnswerEvent,
    CursorEvent,
    Event,
    EventError,
    LessonEvent,
    PageEvent,
    PageStateEvent,
    QueryEvent,
    QuestionEvent,
    ReachEvent,
    RevealEvent,
    SessionEvent,
    ViewEvent,
)
from rnnviz.tui.pages import load
from rnnviz.tui.step import view_differences
from rnnviz.tui.step.trace_requests import TraceRequest
from rnnviz.tui.view.view_state import ViewState
from rnnviz.version import VERSION

if TYPE_CHECKING:
    from rnnviz.events.server import EventServer
    from rnnviz.tui.step.screen import StepScreen

#: Events that may wait while a query is being read; further ones are dropped.
MOST_PENDING = 1000
#: Seconds after the first picture until the screen listens.
DELAY = 0.5
#: Actions that are not steered: they open something to type or choose on this screen, write a
#: file, or end the app.
UNSTEERED = frozenset({
    "sentence", "models", "go_to", "copy", "type", "save_net", "screenshot", "textshot", "palette",
    "quit", "interrupt",
})  # fmt: skip

Subscriber = Callable[[Event], None]


class EventStream:
    """Publishes what changes on one screen to its subscribers, and applies events to it.

    Without subscribers a change costs nothing.
    """

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self.lesson = ""  # the id of the lesson that is on
        #: What applies the events of a lesson that come from outside.
        self.on_lesson: Subscriber | None = None
        self._subscribers: list[Subscriber] = []
        self._published: ViewState | None = None  # None: nobody has asked
        self._lesson_events: list[Event] = []  # since the lesson came to its step
        self._pending: deque[Event] = deque()
        self._server: EventServer | None = None

    # -- published ----------------------------------------------------------------------------

    def subscribe(self, subscriber: Subscriber) -> None:
        """Send every further event to a function."""
        self._published = self.screen.view_state
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Send it no more events."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def snapshot(self, session: str = "") -> list[Event]:
        """The events that lead another screen to what is on now."""
        first = SessionEvent(session, self.lesson, VERSION)
        return [first, *view_differences.snapshot(self.screen.view_state), *self._lesson_events]

    def state_shown(self) -> None:
        """Publish what has changed since the last time; called after every change."""
        if self._subscribers:
            before, now = self._published, self.screen.view_state
            self._published = now
            for event in view_differences.differences(before or now, now):
                self._send(event)

    def publish(self, event: Event) -> None:
        """Publish an event that is no change of the view state: of a lesson or a question."""
        if isinstance(event, LessonEvent):
            self.lesson = event.lesson
            self._lesson_events = []
        self._lesson_events.append(event)
        self._send(event)

    def _send(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(event)

    # -- a second terminal --------------------------------------------------------------------

    async def listen(self, state: Path) -> None:
        """Serve the clients of the socket of this screen, until cancelled."""
        from rnnviz.events import sessions
        from rnnviz.events.server import EventServer

        if not sessions.supported():
            return
        server = EventServer(self.snapshot, self.apply, state)
        try:
            await server.start()
        except OSError:
            return  # no folder takes a socket: the screen works without a second terminal
        self._server = server
        self.subscribe(server.send)
        try:
            await asyncio.Event().wait()
        finally:
            self.close()

    def close(self) -> None:
        """Disconnect all clients and remove the socket."""
        if self._server is not None:
            self.unsubscribe(self._server.send)
            self._server.close()
            self._server = None

    # -- applied ------------------------------------------------------------------------------

    def apply(self, event: Event) -> None:
        """Apply an event from outside; one that cannot be applied is reported and ignored.

        Events after a query wait until its trace is shown.
        """
        if len(self._pending) < MOST_PENDING:
            self._pending.append(event)
        self.apply_pending()

    def apply_pending(self) -> None:
        """Apply the events that wait, up to the next query that has to be read."""
        while self._pending and not self.screen.requests.is_reading:
            event = self._pending.popleft()
            try:
                self._apply(event)
            except RnnvizError as error:
                self.screen.fail("status.failed", reason=str(error).rstrip("."))

    def _apply(self, event: Event) -> None:
        screen, view_state = self.screen, self.screen.view_state
        match event:
            case CursorEvent():
                first = min(max(event.first, 0), len(view_state.trace.tokens) - 1)
                cursor = view_differences.cursor_at(event, view_state)
                if (cursor, first) != (view_state.cursor, view_state.first):
                    screen.show(cursor=cursor, first=first, status="", failed=False)
            case QueryEvent():
                self._apply_query(event)
            case PageEvent(page=page):
                if page != view_state.page:
                    screen.page_host.toggle(
                        view_differences.require_page(page) if page else view_state.page
                    )
            case PageStateEvent():
                self._apply_page_state(event)
            case ViewEvent(changes=changes):
                screen.show(**view_differences.view_changes(changes, view_state))
            case ReachEvent():
                screen.action_reach()
            case LessonEvent() | QuestionEvent() | AnswerEvent() | RevealEvent():
                if self.on_lesson is not None:
                    self.on_lesson(event)
            case ActionEvent(name=name):
                self._run(name)
            case _:
                pass

    def _apply_query(self, event: QueryEvent) -> None:
        screen, query = self.screen, view_differences.query_of(event)
        queries = screen.view_state.queries
        if query == queries.current.query:
            return
        if event.step == "undo" and queries.past and queries.past[-1].query == query:
            screen.action_undo()
        elif event.step == "redo" and queries.future and queries.future[0].query == query:
            screen.action_redo()
        else:
            request = TraceRequest(query, quiet=True)
            screen.requests.ask(request, edit=event.step == "edit")

    def _apply_page_state(self, event: PageStateEvent) -> None:
        """Show the state of a page, after a drawing on trial: its values are not checked."""
        state, view_state = view_differences.page_state_of(event), self.screen.view_state
        page_states = {**view_state.page_states, state.page: state}
        if page_states == view_state.page_states:
            return
        try:
            trial = replace(view_state, page=event.page, page_states=page_states)
            page = load(event.page)(trial)
            page.questions(trial)
            page.strips_at(trial, 80, 20)
        except Exception as error:
            raise EventError(f"The page {event.page!r} cannot show {event.state}.") from error
        self.screen.show(page_states=page_states)

    def _run(self, name: str) -> None:
        """Run an action as its key would."""
        actions = self.screen.view_state.keymap.by_name
        if name not in actions or name in UNSTEERED:
            raise EventError(f"There is no action {name[:60]!r} to steer.")
        self.screen.call_later(self.screen.run_action, actions[name].run)
