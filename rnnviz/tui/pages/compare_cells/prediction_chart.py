"""The predictions of all cells, as curves and as a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.tui.pages.cell_marks import axis, hue, mark
from rnnviz.tui.pages.compare_cells.cell_panel import followed_class, page_text
from rnnviz.tui.render.braille_plot import TokenCurve, centres, plot, runs
from rnnviz.tui.render.segments import Line, cut, fit, page
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.view_state import ViewState

GUTTER = 11


def chart(
    view_state: ViewState, traces: Sequence[Trace | None], width: int, rows: int
) -> list[Line]:
    """A curve for each cell, up to the cursor."""
    if rows < 4:
        return []
    theme, t = view_state.theme, view_state.cursor.t
    known = [trace for trace in traces if trace is not None]
    room = width - GUTTER - 1
    T = len(view_state.trace.tokens)
    count = min(T, room)
    first = page(T, t, count)
    columns = centres(count, room)
    shares, labels = _shares(view_state, known, rows - 1)
    trails = [
        TokenCurve(each[first : first + count], mark(trace.layers[0].cell, theme), n)
        for n, (trace, each) in enumerate(zip(known, shares, strict=True))
    ]
    picture = plot(trails, columns, room, rows - 1, (0.5,), theme.ascii)
    styles = [hue(trace.layers[0].cell, theme) for trace in known]
    lines: list[Line] = []
    for row, label in zip(picture, labels, strict=True):
        line = [Segment(fit(label, GUTTER - 1, ">"), theme.dim), Segment("│", theme.rule)]
        line += [Segment(text, _ink(n, styles, theme.rule)) for text, n in runs(row)]
        lines.append(line)
    return [*lines, axis(view_state, first, columns, GUTTER, theme.now)]


def summary(view_state: ViewState, traces: Sequence[Trace | None]) -> list[Clause]:
    """The current prediction of each cell, and whether they agree."""
    t, known = view_state.cursor.t, [trace for trace in traces if trace is not None]
    token = cut(visible(view_state.trace.tokens[t]), 20)
    if not view_state.known(t, "p"):
        return []
    parts = []
    for trace in known:
        leading = int(np.argmax(trace.head.readout[t]))
        p, label = float(trace.head.readout[t, leading]), trace.head.labels[leading]
        key = "forecast" if trace.head.is_number else "each"
        values = {"cell": trace.layers[0].title, "label": visible(label), "p": number(p, 2)}
        parts.append(page_text(view_state, key, **values))
    if not parts:
        return []
    clauses = [Clause((page_text(view_state, "says", token=token, said=", ".join(parts)),))]
    agreement = _agreement(view_state, known)
    return [*clauses, Clause((agreement,), rank=2)] if agreement else clauses


def _agreement(view_state: ViewState, known: Sequence[Trace]) -> str:
    if len(known) < 2 or any(trace.head.is_number for trace in known):
        return ""
    by_label: dict[str, list[str]] = {}
    for trace in known:
        leading = int(np.argmax(trace.head.readout[view_state.cursor.t]))
        by_label.setdefault(trace.head.labels[leading], []).append(trace.layers[0].title)
    names = [(visible(label), ", ".join(cells)) for label, cells in by_label.items()]
    if len(names) == 1:
        return page_text(view_state, "agree", label=names[0][0])
    if len(names) > 2:
        return ""
    (label, some), (other, others) = names
    return page_text(view_state, "part", some=some, label=label, others=others, other=other)


def _shares(
    view_state: ViewState, traces: Sequence[Trace], rows: int
) -> tuple[list[np.ndarray], list[str]]:
    """Predictions as shares of the chart's height (NaN if not known), and its labels."""
    T = len(view_state.trace.tokens)
    known = np.array([view_state.known(k, "p") for k in range(T)])
    curves = [
        np.where(known, trace.head.readout[:, followed_class(view_state, trace)], np.nan).astype(
            np.float64
        )
        for trace in traces
    ]
    labels, head = [""] * rows, view_state.trace.head
    if head.is_number:
        every = np.concatenate(
            [trace.head.readout[:, followed_class(view_state, trace)] for trace in traces]
        )
        low, high = float(every.min()), float(every.max())
        labels[0], labels[-1] = number(high, 2), number(low, 2)
        return [(each - low) / ((high - low) or 1) for each in curves], labels
    k = view_state.shown_class()
    labels[0] = visible(head.labels[k])
    rival = head.other_class(k)
    labels[-1] = "0" if rival is None else visible(head.labels[rival])
    if rows % 2:
        labels[rows // 2] = view_state.text("view.unsure")
    return curves, labels


def _ink(n: int | None, styles: Sequence[Style], grid: Style) -> Style:
    return grid if n is None or n < 0 else styles[n]
