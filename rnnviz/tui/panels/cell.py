"""The panel of the cell: its wiring diagram with the current part in heavy lines."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.panels.cell_diagram import State, draw
from rnnviz.tui.panels.diagram_size import sized
from rnnviz.tui.render.segments import Line, heading, length
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class CellView(View):
    """The diagram of the cell with the chosen unit's numbers in it."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme = view_state.theme
        styles: dict[State, Style] = {
            "done": theme.ink, "now": theme.now, "source": theme.source, "later": theme.later,
        }  # fmt: skip
        other = _other(view_state)
        plan = sized(view_state.layer, view_state.lang, width - 2, height - 1 - bool(other))
        picture = draw(view_state, styles.__getitem__, plan)
        left = max(0, (width - max(length(line) for line in picture)) // 2)
        above = max(0, (height - 1 - len(picture)) // 2) if view_state.cursor.zoom == "cell" else 0
        title = f"{view_state.text('panel.cell')} · {view_state.layer.title}"
        note = f"“{visible(view_state.trace.tokens[view_state.cursor.t])}” · " + view_state.text(
            "panel.unit", n=view_state.cursor.unit
        )
        spare = height - 1 - above - len(picture)
        if other and spare < 1:
            note += f"  {other[0]}"
        head = heading(title, view_state.text("question.cell"), width, theme, note)
        margin = Segment(" " * left, theme.ink)
        lines = [head, *([[]] * above), *([margin, *line] for line in picture)]
        if other and spare >= 1:
            lines.append([margin, Segment("  ".join(other), theme.source)])
        return lines


def _other(view_state: ViewState) -> list[str]:
    """The values of the current part in the second sentence."""
    texts = []
    for line in view_state.lines:
        value = None if line.name.startswith("a_") else second_sentence.value(view_state, line.name)
        if value is not None:
            name = second_sentence.symbol_at_aligned(view_state, line.name)
            texts.append(f"{second_sentence.MARK} {name} {number(value, 3, True)}")
    return texts
