"""Travel: the numbers of a token move through the diagram of the cell in three seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.timer import Timer

from rnnviz.tui.panels.cell_diagram import diagram
from rnnviz.tui.terminal.line_speed import slow_line

if TYPE_CHECKING:
    from rnnviz.tui.step.screen import StepScreen

#: Seconds from the first number to the last, and frames a second at most.
SECONDS, FRAMES = 3.0, 25
#: A line is slow once the terminal has not taken a frame for so many others in a row.
LATE = 5


class TravelPlayer:
    """The clock of one step screen's travelling numbers.

    On a slow line there is one frame for each stage instead of those between.
    """

    #: The clock; a test sets its own.
    clock: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, screen: StepScreen) -> None:
        self.screen = screen
        self.by_stages = False  # one frame a stage
        self._timer: Timer | None = None
        self._late = 0
        self._last = 0.0  # when the time of the view state was set

    @property
    def is_active(self) -> bool:
        """Whether numbers travel, or are paused on their way."""
        return self.screen.view_state.travel is not None

    @property
    def _stages(self) -> int:
        from rnnviz.tui.panels.travel import travel

        view_state = self.screen.view_state
        plan = diagram(view_state.layer, view_state.lang)
        return len(travel(view_state, plan).stages)

    def toggle(self) -> None:
        """Start from the beginning, in a diagram that is visible; or end it."""
        if self.is_active:
            self.end()
            return
        screen, view_state = self.screen, self.screen.view_state
        places = screen.places(*screen.size)
        cursor = view_state.cursor
        if not {"cell", "large-cell"} & set(places):
            cursor = replace(cursor, zoom="cell")
            screen.show(page="", cursor=cursor, presenter=view_state.presenter and "cell")
        screen.playback.stop()
        self.by_stages = slow_line(os.environ)
        self._late = 0
        screen.show(travel=0.0, status="", failed=False)
        if self.by_stages:
            screen.say("travel.slow")
        self._start()

    def pause(self) -> None:
        """Stop where the numbers are, or go on."""
        if self._timer is None:
            self._start()
        else:
            self._stop()

    def step(self, step: int) -> None:
        """Pause, and go to the next or the previous instant at which a stage is over."""
        self._stop()
        count, now = self._stages, self.screen.view_state.travel or 0.0
        at = round(now * count, 6)
        n = int(at) + 1 if step > 0 else -int(-at // 1) - 1
        self._show(min(max(n, 0), count) / count)

    def end(self) -> None:
        """Show the diagram at the cursor again."""
        self._stop()
        if self.is_active:
            self.screen.show(travel=None, status="", failed=False)

    def tick(self) -> None:
        """The next frame, unless the terminal has not taken the last one."""
        screen = self.screen
        if screen.view_state.travel is None:
            self._stop()
            return
        if getattr(screen.app._driver, "pending", 0):
            self._late += 1
            if self._late == LATE and not self.by_stages:
                self.by_stages = True
                screen.say("travel.slow")
            return
        self._late = 0
        now = self.clock()
        time = screen.view_state.travel + (now - self._last) / SECONDS
        if time >= 1:
            self._finish()
            return
        if self.by_stages:
            count = self._stages
            shown = int(time * count) / count
            if shown <= screen.view_state.travel:
                return
            time = shown
        self._last = now
        self._show(time)

    def _show(self, time: float) -> None:
        self.screen.show_in(("cell", "large-cell"), travel=time)

    def _start(self) -> None:
        self._last = self.clock()
        self._timer = self.screen.set_interval(1 / FRAMES, self.tick)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = None

    def _finish(self) -> None:
        """Every number is at its label: the cursor goes to the last part, backward to the first."""
        self._stop()
        view_state = self.screen.view_state
        cursor = view_state.cursor
        if not view_state.hidden:
            last = len(view_state.layer.parts) - 1
            cursor = replace(cursor, part=0 if view_state.backward else last)
        self.screen.show(travel=None, cursor=cursor, status="", failed=False)
