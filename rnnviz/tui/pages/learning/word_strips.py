"""The words of the sentence: the prediction after each, now and over training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.equations import number
from rnnviz.tui.pages.learning.snapshot_columns import (
    VALUE,
    LearningLayout,
    LearningView,
    SnapshotColumns,
)
from rnnviz.tui.panels.belief import output_name
from rnnviz.tui.panels.conclusion import word
from rnnviz.tui.render.braille_plot import level_bar, runs
from rnnviz.tui.render.marks import CHOSEN, THIS_BAR, UNIT_COLUMN
from rnnviz.tui.render.segments import Line, beside, fit
from rnnviz.tui.render.theme import BARS
from rnnviz.tui.view.off_screen import off_rows
from rnnviz.tui.view.token_text import token_text

#: The line of the first word.
TOP = 3


def moment(view: LearningView, width: int) -> Line:
    """The snapshot that is shown: its update, its epoch, its number; and if it is rounded."""
    learning, n, theme = view.learning, view.snapshot, view.view_state.theme
    text = view.view_state.text(
        "page.learning.moment", step=f"{learning.steps[n]:,}", epoch=number(learning.epochs[n], 2),
        n=n + 1, S=len(learning.steps), last=f"{learning.steps[-1]:,}",
    )  # fmt: skip
    writes = view.view_state.trace.head.writes
    name = view.view_state.text("next.name") if writes else output_name(view.view_state)
    left = [Segment(" " + text, theme.now)]
    room = width - cell_len(text) - cell_len(name) - 2
    spacing = f" · {view.view_state.text('page.learning.spacing')}"
    if learning.is_rounded:
        long = view.view_state.text("page.learning.rounded", dtype=learning.dtype)
        notes = (f" · {long}", f" · {learning.dtype}")
        left += [Segment(note, theme.dim) for note in notes if cell_len(note) <= room][:1]
        room -= cell_len(left[-1].text) if len(left) > 1 else 0
    if cell_len(spacing) <= room:
        left.append(Segment(spacing, theme.dim))
    return beside(left, [Segment(name, theme.dim)], width, theme.ink)


def marker(view: LearningView, plan: LearningLayout, across: SnapshotColumns) -> Line:
    """▼ over the snapshot from which on the word at the cursor matters."""
    view_state, theme = view.view_state, view.view_state.theme
    more = off_rows(view_state, plan.tokens, plan.start - 2)
    line = [Segment(fit(f" {more}", plan.start), theme.dim)]
    at, mark = view.onset(view_state.cursor.t), ""
    x = 0
    if at is not None:
        x = across.position(at) * across.wide
        text = view_state.text("page.learning.matters", word=word(view_state, view_state.cursor.t))
        mark = f"{UNIT_COLUMN} {text}"
        if x + cell_len(mark) > across.width:
            mark = f"{text} {UNIT_COLUMN}"
            x = max(0, x + 1 - cell_len(mark))
    line += [Segment(" " * x, theme.ink), Segment(mark, theme.source)]
    if plan.onset and not view_state.hidden:
        room = across.width + _gap(plan, across) - x - cell_len(mark)
        title = view_state.text("page.learning.from")
        line += [Segment(" " * max(1, room), theme.ink), Segment(title, theme.dim)]
    return line


def rows(view: LearningView, plan: LearningLayout, across: SnapshotColumns) -> list[Line]:
    """A row for each word."""
    return [_row(view, plan, across, t) for t in plan.tokens]


def _row(view: LearningView, plan: LearningLayout, across: SnapshotColumns, t: int) -> Line:
    view_state, theme = view.view_state, view.view_state.theme
    here = t == view_state.cursor.t
    token = fit(token_text(view_state, t, plan.label - 2), plan.label - 2)
    label = Segment(f"{CHOSEN if here else ' '}{token} ", theme.chosen if here else theme.ink)
    if not view.knows(t):
        return [label, Segment(fit("?", VALUE + plan.bar), theme.dim)]
    shares = view.shares(t)
    share = float(shares[view.snapshot])
    value = number(float(view.learning.outputs[view.snapshot, t, view.label_after(t)]), 2)
    style = theme.above if share >= 0.5 else theme.below
    line = [
        label,
        Segment(fit(value, VALUE), theme.now if here else theme.ink),
        Segment(level_bar(share, plan.bar - 1) + "  ", style),
        *bars(view, across, shares),
    ]
    if not plan.onset:
        return line
    return [*line, *_onset(view, plan, t, _gap(plan, across), here)]


def _gap(plan: LearningLayout, across: SnapshotColumns) -> int:
    """The columns between the strips and the step from which on a word matters."""
    return min(2, plan.room - across.width + 1)


def _onset(view: LearningView, plan: LearningLayout, t: int, gap: int, here: bool) -> Line:
    """The step that the word matters from, at the right of the strip."""
    theme, at = view.view_state.theme, view.onset(t)
    if view.view_state.hidden:
        return []
    text = "–" if at is None else f"{UNIT_COLUMN}{view.learning.steps[at]}"
    style = theme.dim if at is None else theme.now if here else theme.source
    return [Segment(" " * gap, theme.ink), Segment(fit(text, plan.onset), style)]


def bars(
    view: LearningView, across: SnapshotColumns, shares: np.ndarray, *, gate: bool = False
) -> Line:
    """Shares of 0 to 1 over training, a bar a snapshot; hidden ones are empty.

    The two halves of the scale have the colours of the two signs; ``gate``: all have that of gates.
    """
    theme = view.view_state.theme
    above, below = theme.faded(theme.above), theme.faded(theme.below)
    cells: list[tuple[str, Style]] = []
    for n, snapshot in enumerate(across.shown):
        share = float(shares[snapshot])
        if snapshot > view.last or not np.isfinite(share):
            cells.append((" " * across.wide, theme.rule))
            continue
        style = theme.gate if gate else above if share >= 0.5 else below
        style = theme.now if n == across.current else style
        cells.append((_bar(share, across.wide), style))
    return [Segment(text, style) for text, style in runs(cells)]


def _bar(share: float, wide: int) -> str:
    """A bar of a cell: at least a sliver, with a gap to the next one where there is room."""
    glyph = BARS[max(1, round(share * (len(BARS) - 1)))]
    return glyph * wide if wide < 3 else glyph * (wide - 1) + " "


def axis(view: LearningView, plan: LearningLayout, across: SnapshotColumns) -> Line:
    """The updates below their columns, where there is room; that of the snapshot is marked."""
    theme, steps = view.view_state.theme, view.learning.steps
    placed: list[tuple[int, str, Style]] = []

    def put(n: int, mark: str, style: Style) -> None:
        text = f"{mark}{steps[across.shown[n]]}"
        x = min(n * across.wide, across.width - len(text))
        if x >= 0 and all(x > at + len(old) or at > x + len(text) for at, old, _ in placed):
            placed.append((x, text, style))

    put(across.current, THIS_BAR, theme.now)
    for n in _spread(len(across.shown)):
        put(n, "", theme.dim)
    title = fit(view.view_state.text("page.learning.updates"), plan.start - 1, ">") + " "
    line, x = [Segment(title, theme.dim)], 0
    for at, text, style in sorted(placed, key=lambda each: each[0]):
        line += [Segment(" " * (at - x), theme.ink), Segment(text, style)]
        x = at + len(text)
    return line


def _spread(count: int) -> Sequence[int]:
    """Both ends, then the others from left to right."""
    return [0, count - 1, *range(1, count - 1)]
