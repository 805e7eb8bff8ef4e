"""How far are we? The epoch, the whole run, the pace, the time that is left."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.tui.dashboard.board import Board, Panel
from rnnviz.tui.render.segments import Line, fit


class Bars(Panel):
    """How far are we? The epoch, the whole run, the pace and the time left."""

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        story = board.story
        of_epoch, of_run = story.shares
        batch, pace = "", []
        if story.step is not None:
            batch = board.text("dashboard.batch_of", n=story.step.batch, N=story.step.batches)
        if story.rate is not None:
            pace.append(board.text("dashboard.rate", rate=f"{story.rate:,.0f}"))
        if story.seconds_left is not None:
            left = board.duration(story.seconds_left)
            pace.append(board.text("dashboard.left", time=left))
        names = [board.text("dashboard.bar_epoch"), board.text("dashboard.bar_run")]
        wide = max(cell_len(name) for name in names)
        notes = [batch, " · ".join(pace)]
        # Steady: bars that change their length with the words behind them would flicker.
        room = max(10, width - wide - 10 - 38)
        look = board.theme
        return [
            [
                Segment(f" {fit(name, wide)} ", look.dim),
                *meter(share, room, look.above, look.rule),
                Segment(f" {percent(share):>5} ", look.bold),
                Segment(note, look.ink),
            ]
            for name, share, note in zip(names, (of_epoch, of_run), notes, strict=True)
        ]


def meter(share: float, width: int, full: Style, empty: Style) -> Line:
    """A bar in exactly ``width`` columns; full only when all is done."""
    done = int(max(0.0, min(1.0, share)) * width)
    return [Segment("█" * done, full), Segment("░" * (width - done), empty)]


def percent(share: float) -> str:
    """Rounded down: 100 % means all of it."""
    return f"{int(100 * share)} %"
