"""Progress bars of the epoch and the whole run."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.render.segments import Line, fit


class ProgressBars(DashboardPanel):
    """How far is it? The epoch, the whole run, the rate and the time left."""

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        progress = state.progress
        shares = progress.shares
        batch, rate = "", []
        if progress.step is not None:
            batch = state.text("dashboard.batch_of", n=progress.step.batch, N=progress.step.batches)
        if progress.rate is not None:
            rate.append(state.text("dashboard.rate", rate=f"{progress.rate:,.0f}"))
        if progress.seconds_left is not None:
            left = state.duration(progress.seconds_left)
            rate.append(state.text("dashboard.left", time=left))
        names = [state.text("dashboard.bar_epoch"), state.text("dashboard.bar_run")]
        wide = max(cell_len(name) for name in names)
        notes = [batch, " · ".join(rate)]
        # Constant: bars whose length depends on the notes after them would flicker.
        room = max(10, width - wide - 10 - 38)
        theme = state.theme
        return [
            [
                Segment(f" {fit(name, wide)} ", theme.dim),
                *meter(share, room, theme.above, theme.rule),
                Segment(f" {percent(state, share):>5} ", theme.bold),
                Segment(note, theme.ink),
            ]
            for name, share, note in zip(names, shares, notes, strict=True)
        ]


def meter(share: float, width: int, full: Style, empty: Style) -> Line:
    """A bar of exactly ``width`` columns; full only for a share of 1."""
    done = int(max(0.0, min(1.0, share)) * width)
    return [Segment("█" * done, full), Segment("░" * (width - done), empty)]


def percent(state: DashboardState, share: float) -> str:
    """A share as text, rounded down so that 100 % means done."""
    return state.text("words.percent", n=int(100 * share))
