"""Charts of the loss and of the metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.segment import Segment

from rnnviz.charts import Chart, Level, Spot
from rnnviz.charts import ChartLine as Curve
from rnnviz.display import visible
from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.dashboard.training_progress import TrainingProgress
from rnnviz.tui.render.chart_lines import chart_lines
from rnnviz.tui.render.segments import Line, wrapped


class ChartPanel(DashboardPanel):
    """A chart drawn by :mod:`rnnviz.charts`, in the colours of the theme."""

    def chart(self, state: DashboardState) -> Chart | None:
        """The chart; None while there is no data."""
        raise NotImplementedError

    def empty(self, state: DashboardState) -> tuple[str, ...]:
        """The texts to show while there is no data."""
        raise NotImplementedError

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        """The rows of the chart."""
        chart = self.chart(state)
        if chart is None:
            room = max(1, width - 4)
            messages = [visible(piece) for piece in self.empty(state)]
            texts = [line for piece in messages for line in wrapped(piece, room)]
            texts = texts[-max(0, height - 2) :]
            return [[], [], *([Segment("  " + line, state.theme.dim)] for line in texts)]
        return chart_lines(chart, state.theme, width, height)


def _curve(name: str, points: Sequence[tuple[float, float]], hue: int, dots: bool = False) -> Curve:
    x, y = [x for x, _ in points], [y for _, y in points]
    return Curve(name, x, y, "dots" if dots else "line", hue)


class LossChart(ChartPanel):
    """The smoothed loss of the batches and the validation loss of each epoch."""

    def empty(self, state: DashboardState) -> tuple[str, ...]:
        return (*state.progress.notes, state.text("dashboard.no_loss"))

    def chart(self, state: DashboardState) -> Chart | None:
        progress = state.progress
        points = [(x, y) for x, y in progress.losses if math.isfinite(y)]
        validation = [(e.number, e.valid["loss"]) for e in progress.epochs if "loss" in e.valid]
        if not points and not validation:
            return None
        lines = []
        if points:
            name = state.text("dashboard.live_loss")
            lines.append(_curve(name, points, 0))
        if validation:
            name = state.text("dashboard.validation")
            lines.append(_curve(name, validation, 1, dots=len(validation) == 1))
        title = state.text("dashboard.loss_title", value=_last(progress.smoothed_loss))
        return Chart(
            title, lines, state.text("dashboard.axis_epoch"), "", x_range=_span(progress, 0)
        )


def _span(progress: TrainingProgress, first: int) -> tuple[float, float] | None:
    """The epochs of the whole run, so that the axis does not change while the curves grow."""
    return None if progress.started is None else (first, max(first, progress.started.epochs))


def _last(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


class MetricChart(ChartPanel):
    """The metric of each epoch: training, validation, the published number, the best epoch."""

    def empty(self, state: DashboardState) -> tuple[str, ...]:
        return (state.text("dashboard.no_metric"),)

    def chart(self, state: DashboardState) -> Chart | None:
        progress = state.progress
        name, best = progress.metric, progress.best
        if best is None:
            return None
        training = [(e.number, e.train[name]) for e in progress.epochs if name in e.train]
        validation = [(e.number, e.valid[name]) for e in progress.epochs if name in e.valid]
        lines = []
        if training:
            lines.append(_curve(state.text("dashboard.training"), training, 0, dots=True))
        lines.append(_curve(state.text("dashboard.validation"), validation, 1))
        value = best.valid[name]
        text = state.text("dashboard.best_mark", value=state.own_score(value))
        marks: list[Level | Spot] = [Spot(best.number, value, text)]
        if progress.started and progress.started.published is not None:
            level = progress.started.published
            text = state.text("dashboard.published", value=state.score(level))
            marks.append(Level(level, text))
        title = state.text(f"dashboard.{name}")
        axis = state.text("dashboard.axis_epoch")
        return Chart(title, lines, axis, "", marks, x_range=_span(progress, 1))
