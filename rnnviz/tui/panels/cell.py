"""The panel of the cell: its wiring diagram with the current part in heavy lines."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style

from rnnviz.cursor import part_of
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.panels.cell_diagram import Diagram, State, draw
from rnnviz.tui.panels.diagram_size import sized
from rnnviz.tui.render.segments import Line, heading
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked, View


class CellView(View):
    """The diagram of the cell with the chosen unit's numbers in it."""

    wheel = "part"

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme = view_state.theme
        styles: dict[State, Style] = {
            "done": theme.ink, "now": theme.now, "source": theme.source, "later": theme.later,
        }  # fmt: skip
        other = _other(view_state)
        plan, left, above = _placed(view_state, width, height)
        picture = _picture(view_state, styles.__getitem__, plan)
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

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        """The part that computes the value whose box or line was clicked."""
        plan, left, above = _placed(view_state, *self.size)
        row, column = y - 1 - above, x - left
        if not (0 <= row < len(plan.mask) and 0 <= column < len(plan.mask[row])):
            return None
        name = plan.name(plan.mask[row][column])
        if not name:
            return None
        before = name == "x" or name.endswith("_prev")
        return CellPicked(part=0 if before else part_of(view_state.layer, name))


def _picture(view_state: ViewState, style: Callable[[State], Style], plan: Diagram) -> list[Line]:
    """The diagram, or a moment of the numbers that travel through it."""
    if view_state.travel is None:
        return draw(view_state, style, plan)
    from rnnviz.tui.panels.travel_picture import travel_picture

    return travel_picture(view_state, style, plan)


def _placed(view_state: ViewState, width: int, height: int) -> tuple[Diagram, int, int]:
    """The diagram, the columns at its left, and the lines between it and the title."""
    other = bool(_other(view_state))
    plan = sized(view_state.layer, view_state.lang, width - 2, height - 1 - other)
    room = height - 1 - len(plan.art) if view_state.cursor.zoom == "cell" else 0
    return plan, max(0, (width - plan.width) // 2), max(0, room // 2)


def _other(view_state: ViewState) -> list[str]:
    """The values of the current part in the second sentence."""
    texts = []
    for line in view_state.lines:
        value = None if line.name.startswith("a_") else second_sentence.value(view_state, line.name)
        if value is not None:
            name = second_sentence.symbol_at_aligned(view_state, line.name)
            texts.append(f"{second_sentence.MARK} {name} {number(value, 3, True)}")
    return texts
