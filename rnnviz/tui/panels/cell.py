"""How does a number travel? The cell as a wiring diagram; the part computed now is heavy."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.panels.cell_diagram import State, draw
from rnnviz.tui.render.segments import Line, heading, length
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class CellView(View):
    """The diagram of the cell with the chosen unit's numbers in it."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
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
        other = _other(moment)
        spare = height - 1 - above - len(drawn)
        if other and spare < 1:
            note += f"  {other[0]}"
        head = heading(title, moment.text("question.cell"), width, look, note)
        margin = Segment(" " * left, look.ink)
        lines = [head, *([[]] * above), *([margin, *line] for line in drawn)]
        if other and spare >= 1:
            lines.append([margin, Segment("  ".join(other), look.source)])
        return lines


def _other(moment: ViewState) -> list[str]:
    """What is computed now, as the other sentence has it."""
    said = []
    for line in moment.lines:
        value = None if line.name.startswith("a_") else second_sentence.value(moment, line.name)
        if value is not None:
            name = second_sentence.named(moment, line.name)
            said.append(f"{second_sentence.OTHER} {name} {number(value, 3, True)}")
    return said
