"""Which layer learns? The norm of each layer's gradient, now and over the last batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from rnnviz.display import visible
from rnnviz.tui.dashboard.bars import meter
from rnnviz.tui.dashboard.board import Board, Panel
from rnnviz.tui.render.segments import BARS, Line, fit, heading, log_range


class Norms(Panel):
    """A line a layer: its name, a bar and the number of now, and a trail of the last batches."""

    def lines(self, board: Board, width: int, height: int) -> list[Line]:
        look, norms = board.theme, board.story.norms
        title, ask = board.text("dashboard.norms"), board.text("dashboard.ask_norms")
        if not norms:
            return [heading(title, ask, width, look)]
        every = np.array([v for trail in norms.values() for v in trail])
        low, high = log_range(every[np.isfinite(every)])
        note = board.text("dashboard.log_scale", low=f"1e{low}", high=f"1e{high}")
        wide = max(len(name) for name in norms)
        bar = max(6, (width - wide - 16) // 2)
        trail_room = max(0, width - wide - bar - 16)
        lines = [heading(title, ask, width, look, note)]
        for name, trail in norms.items():
            now = trail[-1]
            share = (np.log10(now) - low) / (high - low) if now > 0 else 0.0
            lines.append([
                Segment(f" {fit(visible(name), wide)} ", look.ink),
                *meter(float(share), bar, look.below, look.rule),
                Segment(f" {now:<9.2e} ", look.bold),
                Segment(trail_of(trail[-trail_room:] if trail_room else ()), look.dim),
            ])  # fmt: skip
        return lines


def trail_of(values: Sequence[float]) -> str:
    """One block a value, each layer on its own scale: on a shared one nothing would move."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if not np.isfinite(high - low) or high == low:
        return BARS[4] * len(values)
    return "".join(BARS[1 + round(7 * (value - low) / (high - low))] for value in values)
