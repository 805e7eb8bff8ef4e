"""A diagram drawn character by character: with tall labels, and with numbers on its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.panels.cell_diagram import Diagram, Label, State, label, state, wire
from rnnviz.tui.render.braille_plot import Canvas, runs
from rnnviz.tui.render.large_text import MEDIUM, drawable, large_text, large_width
from rnnviz.tui.render.segments import Line, fit
from rnnviz.tui.view.view_state import ViewState, scale


@dataclass(frozen=True)
class Overlay:
    """Text over the diagram: whole lines, which hide the labels that they touch."""

    row: int
    column: int
    lines: tuple[str, ...]
    style: Style

    @property
    def width(self) -> int:
        """Columns."""
        return max(map(len, self.lines))

    def covers(self, at: Label) -> bool:
        """Whether it touches the label, or the column beside it."""
        return self.meets(at.row, at.column, at.height, at.width)

    def meets(self, row: int, column: int, height: int, width: int) -> bool:
        """Whether it touches a rectangle, or the columns beside it."""
        across = self.column <= column + width and column <= self.column + self.width
        return across and self.row < row + height and row < self.row + len(self.lines)


def draw_on_canvas(
    view_state: ViewState,
    style_of: Callable[[State], Style],
    plan: Diagram,
    states: Mapping[str, State] | None = None,
    overlays: Iterable[Overlay] = (),
    printed: Mapping[str, tuple[str, str]] | None = None,
) -> list[Line]:
    """The diagram; ``states`` replaces those of the values at the cursor.

    ``printed``: symbol and number of labels in place of the values at the cursor.
    """
    theme, overlays = view_state.theme, tuple(overlays)
    if states is None:
        states = {name: state(view_state, name) for name in set(plan.names.values())}
    canvas = Canvas[Style](plan.width, len(plan.art), theme.rule)
    for row, pieces in enumerate(plan.runs):
        column = 0
        for text, name, labelled in pieces:
            style = style_of(states[name]) if name else theme.rule
            if not labelled:
                _put(canvas, row, column, wire(text, states[name]) if name else text, style)
            column += len(text)
    for at in plan.labels:
        if not any(overlay.covers(at) for overlay in overlays):
            style, own = style_of(states[at.name]), (printed or {}).get(at.name)
            _put_label(canvas, view_state, at, states[at.name], style, own)
    for overlay in overlays:
        for n, text in enumerate(overlay.lines):
            _put(canvas, overlay.row + n, overlay.column, text, overlay.style)
    return [[Segment(text, style) for text, style in runs(row)] for row in canvas.cells]


def _put(canvas: Canvas[Style], row: int, column: int, text: str, style: Style) -> None:
    for k, char in enumerate(text):
        canvas.put(row, column + k, char, style)


def _put_label(
    canvas: Canvas[Style],
    view_state: ViewState,
    at: Label,
    now: State,
    style: Style,
    own: tuple[str, str] | None,
) -> None:
    """The value in large digits where its label is high enough, beside its symbol."""
    sign, text = "", ""
    texts = [own, ("", own[1])] if own else _texts(view_state, at.name, now)
    for sign, text in texts if at.height >= MEDIUM.lines else ():
        wide = large_width(text, MEDIUM) + (large_width(sign, MEDIUM) + 2 if sign else 0)
        if drawable(sign + text, MEDIUM) and wide <= at.width:
            break
    else:
        said = " ".join(own).strip() if own else label(view_state, at.name, at.width, now)
        plain = fit(said if not own or cell_len(said) <= at.width else own[1], at.width)
        _put(canvas, at.row + (at.height - 1) // 2, at.column, plain, style)
        return
    column = at.column
    for piece in (sign, text):
        for n, line in enumerate(large_text(piece, MEDIUM, view_state.theme.ascii)):
            _put(canvas, at.row + n, column, line, style)
        column += large_width(piece, MEDIUM) + 2 if piece else 0


def _texts(view_state: ViewState, name: str, now: State) -> list[tuple[str, str]]:
    """Symbol and number of a value, the longest first."""
    sign = "p" if name == "p" else view_state.symbol(name)
    if name == "x":
        return [("", f"“{visible(view_state.trace.tokens[view_state.cursor.t])}”")]
    if now == "later":
        return [(sign, "·"), ("", "·")]
    if name == "p":
        value = float(view_state.readout[view_state.cursor.t, view_state.shown_class()])
    else:
        found = view_state.value(name)
        if found is None:
            return []
        value = found
    if view_state.part_hidden and now == "now":
        return [(sign, "?"), ("", "?")]
    signed = name != "p" and not (
        name in view_state.layer.values and scale(view_state.layer, name)[0]
    )
    long, short = number(value, 3, signed), number(value, 2, signed)
    narrow = number(value, 2, signed, 5)
    return [(sign, long), (sign, short), ("", long), ("", short), ("", narrow)]
