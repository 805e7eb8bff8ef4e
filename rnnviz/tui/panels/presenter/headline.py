"""The current word and the prediction after it, in large letters."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.panels.belief import change_line, output_name
from rnnviz.tui.render.large_text import fitting_face, large_text, large_width
from rnnviz.tui.render.segments import Line, beside, cut, heading, length, trimmed
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import View

#: Columns between the word and the number.
_BETWEEN = 4


class Headline(View):
    """The word at the left, the prediction at the right, and above both what has changed."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme, rows = view_state.theme, height - 1
        name = output_name(view_state)
        said = change_line(view_state, width - cell_len(name) - 8)
        left = heading("", "", width - cell_len(name) - 2, theme, said)
        head = [*left, Segment(f" {name} ", theme.dim)]
        value, style = prediction(view_state)
        right = large_or_plain(view_state, value, width // 2, rows, style)
        room = width - _columns(right) - _BETWEEN
        word = visible(view_state.trace.tokens[view_state.cursor.t])
        text = large_or_plain(view_state, word, room, rows, theme.now)
        if view_state.thing == "units":
            text = self._with_name(view_state, text, room, rows)
        margin = Segment(" ", theme.ink)
        pairs = zip(text, right, strict=True)
        return [head, *(beside([margin, *a], [*b, margin], width, theme.ink) for a, b in pairs)]

    def _with_name(
        self, view_state: ViewState, text: list[Line], room: int, rows: int
    ) -> list[Line]:
        """The word and, behind it, the gate or state that is shown: its name, else its symbol."""
        name, wide = shown_name(view_state), _columns(text) + 2 * _BETWEEN
        for said in (view_state.word("name", name), name):
            if fitting_face(said, room - wide, rows) is not None:
                ink = view_state.theme.ink
                named = large_or_plain(view_state, said, room - wide, rows, ink)
                pairs = zip(text, named, strict=True)
                return [[*trimmed(a, wide, ink), *b] if b else a for a, b in pairs]
        return text


def prediction(view_state: ViewState) -> tuple[str, Style]:
    """The prediction after the current word: "?" while hidden.

    Before it is computed that after the word before, dim; "" at the first word.
    """
    t, theme = view_state.cursor.t, view_state.theme
    if not view_state.prediction_known(t):
        if view_state.part_hidden or t == 0 or not view_state.prediction_known(t - 1):
            return ("?" if view_state.part_hidden else "", theme.now)
        before = view_state.output(t - 1)
        return number(before, 2), theme.dim
    value = view_state.output(t)
    return number(value, 2), prediction_style(view_state, value)


def prediction_style(view_state: ViewState, value: float) -> Style:
    """The colour of a prediction: orange from 0.5 on, blue below; a forecast has neither."""
    theme = view_state.theme
    if view_state.trace.head.is_number:
        return theme.source
    return theme.above if value >= 0.5 else theme.below


def shown_name(view_state: ViewState) -> str:
    """The gate or state that the panel of units shows: what the current part computes.

    The first part shows the state that the token starts from, the prediction the state it reads.
    """
    made = [line.name for line in view_state.lines if line.name in view_state.quantities]
    return made[0] if made else view_state.layer.states[0]


def _columns(lines: list[Line]) -> int:
    return max(map(length, lines), default=0)


def large_or_plain(
    view_state: ViewState, text: str, width: int, rows: int, style: Style
) -> list[Line]:
    """The text as large as it fits in ``rows`` lines, the lines below it empty.

    Plain where a character has no large glyph or the text is too long.
    """
    face = fitting_face(text, width, rows)
    if not text:
        lines: list[Line] = []
    elif face is None:
        lines = [[], [Segment(cut(text, width), style)]]
    else:
        drawn = large_text(text, face, view_state.theme.ascii)
        wide = large_width(text, face)
        lines = [[Segment(line.ljust(wide), style)] for line in drawn]
        lines = [*([[]] * ((rows - face.lines) // 2)), *lines]
    return (lines + [[]] * rows)[:rows]
