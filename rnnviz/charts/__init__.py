"""Charts: one description and one layout, rendered as text or as SVG.

    chart = Chart("Accuracy", [Line("training", epochs, acc, "dots"), Line("validation", …)],
                  x_label="epoch", marks=[Level(0.846, "published 0.846")])
    rows = text(chart, 80, 20)      # rows of spans, to be coloured by the caller
    document = svg(chart)           # for slides

Long series are not subsampled: every column shows the lowest and the highest value in it.
"""

from __future__ import annotations

from rnnviz.charts.chart import Chart, ChartLine, Level, Spot
from rnnviz.charts.svg_renderer import figure, svg
from rnnviz.charts.text_renderer import ColourSpan, plain, text
from rnnviz.charts.training_curves import ChartText, best_of, learning_curves

__all__ = [
    "Chart",
    "ChartLine",
    "ChartText",
    "ColourSpan",
    "Level",
    "Spot",
    "best_of",
    "figure",
    "learning_curves",
    "plain",
    "svg",
    "text",
]  # fmt: skip
