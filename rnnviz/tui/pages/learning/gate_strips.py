"""The gates and states of one unit after the word at the cursor, over training."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment

from rnnviz.trace.notation import turns_z
from rnnviz.tui.pages.learning.snapshot_columns import (
    VALUE,
    LearningLayout,
    LearningView,
    SnapshotColumns,
)
from rnnviz.tui.pages.learning.word_strips import bars
from rnnviz.tui.panels.conclusion import word
from rnnviz.tui.render.segments import Line, cells, fit, heading, levels, short
from rnnviz.tui.view.view_state import scale

#: Columns of the number of a gate.
NUMBER = 5


def rows(
    view: LearningView, plan: LearningLayout, across: SnapshotColumns, width: int
) -> list[Line]:
    """The title and a row for each gate and state of the cursor's layer."""
    if plan.gates < 2:
        return []
    view_state = view.view_state
    layer, cursor = view_state.layer, view_state.cursor
    note = "" if view_state.keyless else "↑ ↓"
    title = view_state.text(
        "page.learning.gates", n=cursor.unit, H=layer.units, layer=layer.name,
        word=word(view_state, cursor.t),
    )  # fmt: skip
    names = view_state.quantities[: plan.gates - 1]
    return [
        heading(title, "", width, view_state.theme, note),
        *(_row(view, plan, across, name) for name in names),
    ]


def _row(view: LearningView, plan: LearningLayout, across: SnapshotColumns, name: str) -> Line:
    view_state, theme = view.view_state, view.view_state.theme
    layer, cursor = view_state.layer, view_state.cursor
    symbol, words = view_state.symbol(name), view_state.word("name", name)
    title = symbol if words == symbol else f"{symbol} {words}"
    # The value of a projection may have fewer units.
    learned = view.learning.values.get(layer.name, {}).get(name)
    room = plan.label + plan.bar + VALUE - NUMBER
    label = Segment(f" {fit(title, room - 2)} ", theme.ink)
    if learned is None or cursor.unit >= learned.shape[2]:
        return [label]
    if view_state.hidden and not view_state.known(cursor.t, name):
        return [label, Segment(fit("?", NUMBER), theme.dim)]
    values = _values(view, learned, name)
    gate, top = scale(layer, name)
    value = Segment(fit(short(float(values[view.snapshot])), NUMBER + 1), theme.now)
    if gate:
        return [label, value, *bars(view, across, values, gate=True)]
    if top != 1:
        top = float(np.abs(learned[: view.last + 1]).max()) or 1.0
    shown = [n for n in across.shown if n <= view.last]
    row = levels(values[shown], top)
    return [label, value, *cells(row, False, theme, across.wide, across.current)]


def _values(view: LearningView, learned: np.ndarray, name: str) -> np.ndarray:
    """The value of the unit after the word, of each snapshot, as the notation has it."""
    view_state = view.view_state
    values: np.ndarray = learned[:, view_state.cursor.t, view_state.cursor.unit]
    source = (view_state.trace.source or view_state.trace).layers[view_state.cursor.layer]
    return 1 - values if name == "z" and turns_z(source, view_state.layer.notation) else values
