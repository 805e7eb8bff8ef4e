"""What did each epoch bring? The numbers behind the curves."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.progress import Epoch
from rnnviz.tui.dashboard.board import Board, Panel
from rnnviz.tui.render.segments import Line, fit, heading


class Epochs(Panel):
    """What did each epoch bring? A line an epoch, the newest at the bottom, the best marked."""

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        look, story, best = board.theme, board.story, board.story.best
        columns = [board.text("dashboard.column_epoch"), *_columns(board)]
        wide = max(8, min(14, (width - 2) // len(columns)))
        said = [Segment("".join(fit(c, wide - 1, ">") + " " for c in columns), look.dim)]
        lines: list[Line] = [
            heading(
                board.text("dashboard.epochs"), board.text("dashboard.ask_epochs"), width, look
            ),
            said,
        ]
        for epoch in story.epochs[-max(0, height - 2) :] if height > 2 else ():
            chosen = best is not None and epoch.number == best.number
            cells = [f"{'*' if chosen else ''}{epoch.number}", *_numbers(board, epoch)]
            text = "".join(fit(cell, wide - 1, ">") + " " for cell in cells)
            lines.append([Segment(text, look.now if chosen else look.ink)])
        return lines


def _columns(board: Board) -> list[str]:
    """Loss and metric of training and validation; where the loss is the metric, once."""
    names = ["loss", board.story.metric] if board.story.metric != "mae" else ["mae"]
    heads = [board.text(f"dashboard.{of}_{name}") for name in names for of in ("short", "valid")]
    return [*heads, *([board.unit] if board.unit else []), board.text("dashboard.column_seconds")]


def _numbers(board: Board, epoch: Epoch) -> list[str]:
    names = ["loss", board.story.metric] if board.story.metric != "mae" else ["mae"]
    found = [m.get(name) for name in names for m in (epoch.train, epoch.valid)]
    told = ["–" if value is None else f"{value:.4f}" for value in found]
    return [*told, *_real(board, epoch), f"{epoch.seconds:.1f}"]


def _real(board: Board, epoch: Epoch) -> list[str]:
    """The error of validation in the unit of the series, where it has one."""
    begun, error = board.story.begun, epoch.valid.get("mae")
    if begun is None or begun.scale is None or not board.unit:
        return []
    return ["–" if error is None else f"{error * begun.scale:.2f}"]
