"""A table of the epochs."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.progress import Epoch
from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.render.segments import Line, fit, heading


class EpochTable(DashboardPanel):
    """What did each epoch achieve? A row an epoch, the newest last, the best marked."""

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        theme, progress, best = state.theme, state.progress, state.progress.best
        columns = [state.text("dashboard.column_epoch"), *_columns(state)]
        wide = max(8, min(14, (width - 2) // len(columns)))
        texts = [Segment("".join(fit(c, wide - 1, ">") + " " for c in columns), theme.dim)]
        lines: list[Line] = [
            heading(
                state.text("dashboard.epochs"), state.text("dashboard.ask_epochs"), width, theme
            ),
            texts,
        ]
        for epoch in progress.epochs[-max(0, height - 2) :] if height > 2 else ():
            chosen = best is not None and epoch.number == best.number
            cells = [f"{'*' if chosen else ''}{epoch.number}", *_numbers(state, epoch)]
            text = "".join(fit(cell, wide - 1, ">") + " " for cell in cells)
            lines.append([Segment(text, theme.now if chosen else theme.ink)])
        return lines


def _names(state: DashboardState) -> list[str]:
    """The metrics: loss and metric; one where both are the same number."""
    if state.progress.writes:
        return ["bits", "perplexity"]
    return ["loss", state.progress.metric] if state.progress.metric != "mae" else ["mae"]


def _columns(state: DashboardState) -> list[str]:
    """The titles: each metric of training and of validation."""
    names = _names(state)
    heads = [state.text(f"dashboard.{of}_{name}") for name in names for of in ("short", "valid")]
    return [*heads, *([state.unit] if state.unit else []), state.text("dashboard.column_seconds")]


def _numbers(state: DashboardState, epoch: Epoch) -> list[str]:
    names = _names(state)
    found = [m.get(name) for name in names for m in (epoch.train, epoch.valid)]
    texts = ["–" if value is None else f"{value:.4f}" for value in found]
    return [*texts, *_in_series_unit(state, epoch), f"{epoch.seconds:.1f}"]


def _in_series_unit(state: DashboardState, epoch: Epoch) -> list[str]:
    """The validation error in the unit of the series, if it has one."""
    started, error = state.progress.started, epoch.valid.get("mae")
    if started is None or started.scale is None or not state.unit:
        return []
    return ["–" if error is None else f"{error * started.scale:.2f}"]
