"""Charts: one description and one layout, drawn as characters or as SVG.

    chart = Chart("Accuracy", [Line("training", epochs, acc, "dots"), Line("validation", …)],
                  x_label="epoch", marks=[Level(0.846, "published 0.846")])
    rows = text(chart, 80, 20)      # rows of spans, for stdout, rich or Textual to colour
    document = svg(chart)           # for slides

Nothing is thinned out by skipping: every column shows the lowest and the highest value in it.
"""

from __future__ import annotations

from rnnviz.charts.characters import ColourSpan, plain, text
from rnnviz.charts.learning import ChartText, best_of, learning
from rnnviz.charts.parts import Chart, ChartLine, Level, Spot
from rnnviz.charts.vectors import figure, svg

__all__ = [
    "Chart",
    "ChartLine",
    "ChartText",
    "ColourSpan",
    "Level",
    "Spot",
    "best_of",
    "figure",
    "learning",
    "plain",
    "svg",
    "text",
]  # fmt: skip
