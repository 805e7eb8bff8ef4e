"""The gradient norm of each layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.dashboard.panel import DashboardPanel, DashboardState
from rnnviz.tui.dashboard.progress_bars import meter
from rnnviz.tui.render.segments import Line, fit, heading, log_range
from rnnviz.tui.render.theme import BARS


class GradientNorms(DashboardPanel):
    """Which layer learns? For each layer its norm as a bar and a number, and the last batches."""

    def lines(self, state: DashboardState, width: int, height: int) -> list[Line]:
        theme, norms = state.theme, state.progress.norms
        title, ask = state.text("dashboard.norms"), state.text("dashboard.ask_norms")
        if not norms:
            return [heading(title, ask, width, theme)]
        every = np.array([v for history in norms.values() for v in history])
        low, high = log_range(every[np.isfinite(every)])
        note = state.text("dashboard.log_scale", low=f"1e{low}", high=f"1e{high}")
        wide = max(len(name) for name in norms)
        bar = max(6, (width - wide - 16) // 2)
        room = max(0, width - wide - bar - 16)
        lines = [heading(title, ask, width, theme, note)]
        for name, history in norms.items():
            latest = history[-1]
            share = (np.log10(latest) - low) / (high - low) if latest > 0 else 0.0
            lines.append([
                Segment(f" {fit(visible(name), wide)} ", theme.ink),
                *meter(float(share), bar, theme.below, theme.rule),
                Segment(f" {latest:<9.2e} ", theme.bold),
                Segment(sparkline(history[-room:] if room else ()), theme.dim),
            ])  # fmt: skip
        return lines


def sparkline(values: Sequence[float]) -> str:
    """One block a value, from the least to the greatest of these values."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if not np.isfinite(high - low) or high == low:
        return BARS[4] * len(values)
    return "".join(BARS[1 + round(7 * (value - low) / (high - low))] for value in values)
