"""The curves of every word's prediction over training; that of the word at the cursor is lit."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.learning import Learning
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.pages.learning.snapshot_columns import (
    LearningLayout,
    LearningView,
    SnapshotColumns,
)
from rnnviz.tui.render.braille_plot import GRID, Cell, TokenCurve, plot, row_of, runs
from rnnviz.tui.render.segments import Line, cut, fit
from rnnviz.tui.render.theme import ViewTheme

#: The point of the snapshot on the lit curve, and the owner of what is at the snapshot.
POINT, NOW = "●", -2


def chart(view: LearningView, plan: LearningLayout, across: SnapshotColumns) -> list[Line]:
    """The chart, ``plan.chart`` lines high."""
    rows, view_state = plan.chart, view.view_state
    if not rows:
        return []
    theme, t = view_state.theme, view_state.cursor.t
    known = tuple(k for k in plan.tokens if k != t and view.knows(k))
    lit = (t,) if view.knows(t) else ()
    words = tuple((n, view.label_after(n)) for n in (*known, *lit))
    picture = _picture(
        view.learning, view.range, words, bool(lit), view.last,
        (across.shown, across.wide), rows, theme.ascii,
    )  # fmt: skip
    column = across.current * across.wide + across.wide // 2
    at = row_of(float(view.shares(t)[view.snapshot]), rows) if lit else -1
    lines = []
    for y, (row, label) in enumerate(zip(picture, _labels(view, rows), strict=True)):
        char, owner = row[column]
        if y == at:
            char, owner = POINT, NOW
        elif owner in (None, GRID) and y % 2 == 0:
            char, owner = "│", GRID
        cells = [*row[:column], (char, owner), *row[column + 1 :]]
        line = [Segment(fit(label, plan.start - 2, ">") + " ", theme.dim), Segment("│", theme.rule)]
        line += [
            Segment(text, _style(theme, n, len(known) if lit else -9)) for text, n in runs(cells)
        ]
        lines.append(line)
    return lines


@lru_cache(maxsize=16)
def _picture(
    learning: Learning, ends: tuple[float, float], words: tuple[tuple[int, int], ...], lit: bool,
    last: int, across: tuple[tuple[int, ...], int], rows: int, plain: bool,
) -> list[list[Cell]]:  # fmt: skip
    """The curves without the snapshot that is shown; the lit one is the last of the words.

    A word is its token and the class whose probability is shown.
    """
    (shown, wide), (low, high) = across, ends
    seen = [snapshot for snapshot in shown if snapshot <= last]
    places = [n * wide + wide // 2 for n in range(len(seen))]
    curves = [
        TokenCurve(
            (learning.outputs[seen, t, k] - low) / (high - low),
            "*" if lit and n == len(words) - 1 else "." if plain else "",
        )
        for n, (t, k) in enumerate(words)
    ]
    if not plain:
        curves = [TokenCurve(curve.shares) for curve in curves]
    return plot(curves, places, len(shown) * wide, rows, (0.5,), plain)


def _labels(view: LearningView, rows: int) -> list[str]:
    """The ends of the scale, and its middle."""
    head, (low, high) = view.view_state.trace.head, view.range
    labels = [""] * rows
    if head.is_number:
        labels[0], labels[-1] = number(high, 2), number(low, 2)
        return labels
    rival = head.other_class(view.label)
    labels[0] = "1" if head.writes else f"{cut(visible(head.labels[view.label]), 12)} 1"
    labels[-1] = "0" if rival is None else f"{cut(visible(head.labels[rival]), 12)} 0"
    labels[row_of(0.5, rows)] = "0.5"
    return labels


def _style(theme: ViewTheme, n: int | None, lit: int) -> Style:
    if n is None:
        return theme.ink
    if n == GRID:
        return theme.rule
    return theme.now if n in (NOW, lit) else theme.dim
