"""How does a number travel? The cell as a wiring diagram; the part computed now is heavy."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.tui.diagram import State, draw
from rnnviz.tui.draw import Line, heading, length
from rnnviz.tui.moment import Moment
from rnnviz.tui.view import View


class Cell(View):
    """The diagram of the cell with the chosen unit's numbers in it."""

    def lines(self, moment: Moment, width: int, height: int) -> list[Line]:
        look = moment.look
        styles: dict[State, Style] = {
            "done": look.ink, "now": look.now, "source": look.source, "later": look.rule,
        }  # fmt: skip
        drawn = draw(moment, styles.__getitem__)
        left = max(0, (width - max(length(line) for line in drawn)) // 2)
        above = max(0, (height - 1 - len(drawn)) // 2) if moment.cursor.zoom == "cell" else 0
        title = f"{moment.text('panel.cell')} · {moment.layer.title}"
        note = f"“{visible(moment.trace.tokens[moment.cursor.t])}” · " + moment.text(
            "panel.unit", n=moment.cursor.unit
        )
        head = heading(title, moment.text("question.cell"), width, look, note)
        margin = Segment(" " * left, look.ink)
        return [head, *([[]] * above), *([margin, *line] for line in drawn)]
