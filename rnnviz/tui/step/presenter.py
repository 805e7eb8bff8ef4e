"""Presenter mode: one thing at a time, large, with a clock."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.timer import Timer

from rnnviz.cursor import Zoom
from rnnviz.tui.view.view_state import THINGS

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: The thing that presenter mode shows at first, by zoom level.
_FIRST: dict[Zoom, str] = {"sentence": "belief", "cell": "cell", "equation": "equation"}


class PresenterMode:
    """Presenter mode of one step screen; its views are made when it is first entered."""

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self.began = time.monotonic()
        self._ready = False
        self._ticking: Timer | None = None

    def toggle(self) -> None:
        """Enter presenter mode at the zoom level of the cursor, or leave it."""
        view_state = self.screen.view_state
        if view_state.presenter:
            if self._ticking is not None:
                self._ticking.pause()
            self.screen.show(presenter="", status="", failed=False)
            return
        if not self._ready:
            self.prepare()
        elif self._ticking is not None:
            self._ticking.resume()
        thing = _FIRST[view_state.cursor.zoom]
        self.screen.show(presenter=thing, status="", failed=False)

    def move(self, step: int, *, around: bool = False) -> None:
        """Show another thing; ``around``: the first one comes after the last one."""
        view_state, names = self.screen.view_state, list(THINGS)
        at = names.index(view_state.thing) + step
        name = names[at % len(names) if around else min(max(at, 0), len(names) - 1)]
        cursor = replace(view_state.cursor, zoom=THINGS[name])
        self.screen.show(presenter=name, cursor=cursor)

    def prepare(self) -> None:
        """Make the views, so that the screen can show them; once."""
        if self._ready:
            return
        from rnnviz.tui.panels.presenter import Clock, views

        self._ready = True
        clock = Clock(self.screen.view_state, id="clock")
        self.screen.mount(*views(self.screen.view_state), clock, before="#status")
        if not self.screen.app.is_headless:  # a picture shows the same at any time
            clock.start(self.began)
            self._ticking = self.screen.set_interval(1, clock.tick)
