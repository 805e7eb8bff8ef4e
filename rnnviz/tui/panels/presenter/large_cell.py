"""The diagram of the cell as large as the screen, with large digits."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from rnnviz.tui.panels.cell_diagram import State
from rnnviz.tui.panels.diagram_canvas import draw_on_canvas
from rnnviz.tui.panels.diagram_size import enlarged
from rnnviz.tui.panels.travel_picture import travel_picture
from rnnviz.tui.render.segments import Line, heading
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View


class LargeCell(View):
    """The part that is computed now at full contrast, with what it reads; the rest is dim."""

    wheel = "part"

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme = view_state.theme
        styles: dict[State, Style] = {
            "done": theme.dim, "now": theme.now, "source": theme.source, "later": theme.rule,
        }  # fmt: skip
        plan = enlarged(view_state.layer, view_state.lang, width - 2, height - 1)
        make = draw_on_canvas if view_state.travel is None else travel_picture
        picture = make(view_state, styles.__getitem__, plan)
        title = f"{view_state.text('panel.cell')} · {view_state.layer.title}"
        note = view_state.text("panel.unit", n=view_state.cursor.unit)
        head = heading(title, view_state.text("question.cell"), width, theme, note)
        margin = Segment(" " * max(0, (width - plan.width) // 2), theme.ink)
        above = max(0, height - 1 - len(picture)) // 2
        return [head, *([[]] * above), *([margin, *line] for line in picture)]
