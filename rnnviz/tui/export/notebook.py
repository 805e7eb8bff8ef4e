"""A trace as a picture for a notebook: the sentence, and heat maps of gates and states."""

from __future__ import annotations

from dataclasses import replace

from rnnviz.cursor import start
from rnnviz.trace import Trace
from rnnviz.tui.export.pictures import of_panels
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.view_state import ViewState

#: Columns: as wide as a notebook's output. The most rows of the sentence and of a heat map.
WIDTH, SENTENCE_ROWS, HEATMAP_ROWS = 110, 14, 12


def trace_svg(trace: Trace) -> str:
    """The tokens with the prediction after each, and the top layer's gates and states, as SVG."""
    cursor = start(trace, len(trace.tokens) - 1)
    top = len(trace.layers) - 1
    view_state = ViewState(
        trace, replace(cursor, layer=top, part=len(trace.layers[top].parts) - 1),
        ViewTheme("light"), paper=True,
    )  # fmt: skip
    rows = {"sentence": SENTENCE_ROWS} | dict.fromkeys(view_state.quantities, HEATMAP_ROWS)
    return of_panels(view_state, rows, WIDTH, "svg")
