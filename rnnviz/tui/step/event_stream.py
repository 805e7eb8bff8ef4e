"""The events of one step screen: published as its view state changes, and applied from outside.

The events themselves are imported when somebody subscribes or an event is applied, after the first
picture.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz.errors import RnnvizError
from rnnviz.tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rnnviz.events import Event
    from rnnviz.events.server import EventServer
    from rnnviz.tui.step.screen import StepScreen

#: Events that may wait while a query is being read; further ones are dropped.
MOST_PENDING = 1000
#: Seconds after the first picture until the screen listens.
DELAY = 0.5
#: Actions that are not steered: they open something to type or choose on this screen, write a
#: file, or end the app.
UNSTEERED = frozenset({
    "sentence", "continue", "models", "go_to", "copy", "type", "save_net", "screenshot",
    "textshot", "palette", "help", "explain", "steer", "quit", "interrupt",
})  # fmt: skip


class EventStream:
    """Publishes what changes on one screen to its subscribers, and applies events to it.

    Without subscribers a change costs nothing.
    """

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self._subscribers: list[Callable[[Event], None]] = []
        self._published: ViewState | None = None  # None: nobody has asked
        self._pending: deque[Event] = deque()
        self._server: EventServer | None = None

    # -- published ----------------------------------------------------------------------------

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Send every further event to a function."""
        self._published = self.screen.view_state
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Send it no more events."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def snapshot(self, session: str = "") -> list[Event]:
        """The events that lead another screen to what is on now."""
        from rnnviz.tui.step import view_differences

        return [*view_differences.snapshot(self.screen.view_state, session)]

    def state_shown(self) -> None:
        """Publish what has changed since the last time; called after every change."""
        if not self._subscribers:
            return
        from rnnviz.tui.step import view_differences

        before, now = self._published, self.screen.view_state
        self._published = now
        for event in view_differences.differences(before or now, now):
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
        """Apply the events that wait, up to the next query or comparison that takes time."""
        screen = self.screen
        while self._pending and not (screen.requests.is_reading or screen.view_state.comparing):
            from rnnviz.tui.step import event_effects

            event = self._pending.popleft()
            try:
                event_effects.apply(screen, event)
            except RnnvizError as error:
                screen.fail("status.failed", reason=str(error).rstrip("."))
