"""The clock of presenter mode: minutes and seconds since the start, and the time of day."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.segment import Segment

from rnnviz.tui.render.segments import Line, fit
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class Clock(View):
    """Blank until it is started; a tick repaints the digits that differ."""

    began: float | None = None  # on the monotonic clock

    #: The clocks it reads; a test sets its own.
    monotonic: Callable[[], float] = staticmethod(time.monotonic)
    time_of_day: Callable[[], str] = staticmethod(lambda: time.strftime("%H:%M"))

    def start(self, began: float) -> None:
        """Count from ``began``, a time of the monotonic clock."""
        self.began = began

    def tick(self) -> None:
        """Paint the time if it is shown; at most a few bytes."""
        self.watch_state()

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if self.began is None or view_state.paper:
            return []
        minutes, seconds = divmod(int(self.monotonic() - self.began), 60)
        text = f"{minutes:02}:{seconds:02}  {self.time_of_day()} "
        return [[Segment(fit(text, width, ">"), view_state.theme.ink)]]
