"""Playing: the screen steps by itself, at a speed that can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

from rnnviz.cursor import Cursor, to_part, to_token
from rnnviz.tui.view.page import Change

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: Seconds a step is shown, from slow to fast.
SPEEDS = (4.0, 2.0, 1.5, 1.0, 0.7, 0.4, 0.2, 0.1, 0.05)
#: Of a step, and of a token that is written, at first.
STEP_SECONDS, TOKEN_SECONDS = 1.0, 0.2


class Playback:
    """The timer of one step screen: tokens in the sentence, parts in the cell."""

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self._timer: Timer | None = None
        #: The place in SPEEDS, of pages that play by themselves and of everything else.
        self._speeds = {True: SPEEDS.index(TOKEN_SECONDS), False: SPEEDS.index(STEP_SECONDS)}

    def toggle(self) -> None:
        """Play on, from the beginning where the end is reached; or pause."""
        if self._timer is not None:
            self.stop()
            return
        if self._page_plays:
            pass
        elif self._page_steps:
            if not self._step_page("token_on"):
                self._step_page("first")
        elif self._next_cursor() == self.screen.view_state.cursor:
            self.screen.move(self._first_cursor())
        self._start()

    def stop(self) -> None:
        """Pause."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self.screen.show(seconds=None)

    def change_speed(self, step: int) -> None:
        """Faster or slower by so many speeds."""
        at = self._speeds[self._page_plays] + step
        self._speeds[self._page_plays] = min(max(at, 0), len(SPEEDS) - 1)
        if self._timer is not None:
            self._start()

    def step(self) -> None:
        """One step; pause at the end."""
        if self._page_plays:
            change = self.screen.page_host.run("play")
            if not isinstance(change, Change) or change.message:
                self.stop()
            return
        if self._page_steps:
            if not self._step_page("token_on"):
                self.stop()
            return
        cursor = self._next_cursor()
        if cursor == self.screen.view_state.cursor:
            self.stop()
        else:
            self.screen.move(cursor)

    @property
    def _page_plays(self) -> bool:
        """Whether the open page has an action of its own for each step."""
        page = self.screen.page_host.page
        return page is not None and "play" in page.overridden(self.screen.view_state)

    @property
    def _page_steps(self) -> bool:
        """Whether the open page has steps of its own instead of tokens."""
        page = self.screen.page_host.page
        return page is not None and "token_on" in page.overridden(self.screen.view_state)

    def _step_page(self, action: str) -> bool:
        """Move along the steps of the page; whether it has changed."""
        before = self.screen.view_state.page_states
        self.screen.page_host.press(action)
        return self.screen.view_state.page_states != before

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        seconds = SPEEDS[self._speeds[self._page_plays]]
        self._timer = self.screen.set_interval(seconds, self.step)
        self.screen.show(seconds=seconds)

    def _first_cursor(self) -> Cursor:
        view_state, page = self.screen.view_state, self.screen.page_host.page
        cursor = page.first_cursor(view_state) if page is not None else None
        return cursor or to_token(view_state.cursor, view_state.trace, view_state.layer.order[0])

    def _next_cursor(self) -> Cursor:
        view_state, page = self.screen.view_state, self.screen.page_host.page
        cursor = page.next_cursor(view_state) if page is not None else None
        if cursor is not None:
            return cursor
        if view_state.cursor.zoom != "sentence":
            return to_part(view_state.cursor, view_state.trace, 1)
        order = view_state.layer.order
        at = order.index(view_state.cursor.t) + 1
        t = order[min(at, len(order) - 1)]
        return to_token(view_state.cursor, view_state.trace, t)
