"""What was learned? The live loss, and the metric of each epoch beside the published number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from rnnviz.charts import Chart, Level, Spot, text
from rnnviz.charts import ChartLine as Curve
from rnnviz.display import visible
from rnnviz.tui.dashboard.board import Board, Panel
from rnnviz.tui.dashboard.state import Story
from rnnviz.tui.render.segments import Line, wrapped
from rnnviz.tui.render.theme import ViewTheme


class Picture(Panel):
    """A chart, drawn by :mod:`rnnviz.charts` and coloured here."""

    def chart(self, board: Board) -> Chart | None:
        """What is to be drawn; None while there is nothing."""
        raise NotImplementedError

    def empty(self, board: Board) -> tuple[str, ...]:
        """What is said, a text a line, as long as there is nothing to draw."""
        raise NotImplementedError

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        """The chart's rows."""
        chart = self.chart(board)
        if chart is None:
            room = max(1, width - 4)
            told = [visible(piece) for piece in self.empty(board)]
            said = [line for piece in told for line in wrapped(piece, room)]
            said = said[-max(0, height - 2) :]
            return [[], [], *([Segment("  " + line, board.theme.dim)] for line in said)]
        rows = text(chart, max(1, width - 2), height, ascii_only=board.theme.ascii)
        look = board.theme
        return [
            [Segment(" ", look.ink), *(Segment(s.text, _style(look, s.role, s.hue)) for s in row)]
            for row in rows
        ]


def _style(look: ViewTheme, role: str, hue: int | None) -> Style:
    if role == "data":
        return look.below if hue == 0 else look.above
    styles = {"title": look.bold, "level": look.source, "spot": look.now, "note": look.dim}
    return styles.get(role, look.dim)


def _curve(name: str, points: Sequence[tuple[float, float]], hue: int, dots: bool = False) -> Curve:
    x, y = [x for x, _ in points], [y for _, y in points]
    return Curve(name, x, y, "dots" if dots else "line", hue)


class Loss(Picture):
    """The smoothed loss of the batches as it falls, and the validation loss of each epoch."""

    def empty(self, board: Board) -> tuple[str, ...]:
        return (*board.story.notes, board.text("dashboard.no_loss"))

    def chart(self, board: Board) -> Chart | None:
        story = board.story
        points = [(x, y) for x, y in story.losses if math.isfinite(y)]
        checked = [(e.number, e.valid["loss"]) for e in story.epochs if "loss" in e.valid]
        if not points and not checked:
            return None
        lines = []
        if points:
            name = board.text("dashboard.live_loss")
            lines.append(_curve(name, points, 0))
        if checked:
            name = board.text("dashboard.validation")
            lines.append(_curve(name, checked, 1, dots=len(checked) == 1))
        title = board.text("dashboard.loss_title", value=_last(story.smooth))
        return Chart(title, lines, board.text("dashboard.axis_epoch"), "", x_range=_span(story, 0))


def _span(story: Story, first: int) -> tuple[float, float] | None:
    """The epochs of the whole run, so that the axis stands still while the curves grow."""
    return None if story.begun is None else (first, max(first, story.begun.epochs))


def _last(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


class Metric(Picture):
    """Training as dots, validation as a line, the published number as a line, the best marked."""

    def empty(self, board: Board) -> tuple[str, ...]:
        return (board.text("dashboard.no_metric"),)

    def chart(self, board: Board) -> Chart | None:
        story = board.story
        name, best = story.metric, story.best
        if best is None:
            return None
        trained = [(e.number, e.train[name]) for e in story.epochs if name in e.train]
        checked = [(e.number, e.valid[name]) for e in story.epochs if name in e.valid]
        lines = []
        if trained:
            lines.append(_curve(board.text("dashboard.training"), trained, 0, dots=True))
        lines.append(_curve(board.text("dashboard.validation"), checked, 1))
        value = best.valid[name]
        said = board.text("dashboard.best_mark", value=board.score(value) + board.real(value))
        marks: list[Level | Spot] = [Spot(best.number, value, said)]
        if story.begun and story.begun.published is not None:
            level = story.begun.published
            said = board.text("dashboard.published", value=board.score(level))
            marks.append(Level(level, said))
        title = board.text(f"dashboard.{name}")
        axis = board.text("dashboard.axis_epoch")
        return Chart(title, lines, axis, "", marks, x_range=_span(story, 1))
