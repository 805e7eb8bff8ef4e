"""The sentence panel: the words, the prediction after each, and the gradient of each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.tui.render.segments import Line, bar, curve, fit, heading
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState, saliency
from rnnviz.tui.view.widget import CellPicked, View

GUTTER = 13
LONGEST = 16  # columns of one word; longer ones are cut


@dataclass(frozen=True)
class WordColumn:
    """A word of the strip: its token, column and width."""

    t: int
    x: int
    width: int
    word: str
    other: str = ""  # the aligned word of the second sentence


def columns(view_state: ViewState, width: int) -> list[WordColumn]:
    """The words that fit around the chosen one."""
    tokens, t, found = (
        view_state.trace.tokens,
        view_state.cursor.t,
        second_sentence.difference(view_state),
    )

    def word(k: int) -> str:
        text = second_sentence.mark(view_state, k) + visible(tokens[k])
        text += "?" if view_state.trace.unknown[k] else ""
        least = 4 if found is None else max(4, cell_len(second_sentence.words(found, k)))
        return fit(text, min(LONGEST, max(least, cell_len(text))))

    room = width - GUTTER - 2
    gap = 2
    if len(tokens) <= 20:  # spread out a short sentence
        free = room - sum(cell_len(word(k)) for k in range(len(tokens)))
        gap = min(16, max(2, free // len(tokens)))
    first = last = t
    used = cell_len(word(t)) + gap
    while True:
        # Two thirds of the columns for words before the chosen one, one third for words after it.
        grown = False
        if first > 0 and used + (wide := cell_len(word(first - 1)) + gap) <= room * 2 // 3:
            first, used, grown = first - 1, used + wide, True
        elif last + 1 < len(tokens) and used + (wide := cell_len(word(last + 1)) + gap) <= room:
            last, used, grown = last + 1, used + wide, True
        elif first > 0 and used + (wide := cell_len(word(first - 1)) + gap) <= room:
            first, used, grown = first - 1, used + wide, True
        if not grown:
            break
    placed, x = [], GUTTER + 1
    for k in range(first, last + 1):
        other = "" if found is None else second_sentence.words(found, k)
        placed.append(WordColumn(k, x, cell_len(word(k)), word(k), other))
        x += placed[-1].width + gap
    return placed


class Sentence(View):
    """Words, predictions, their curve, and bars of |∂L/∂x|."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        theme = view_state.theme
        shown = columns(view_state, width)
        title, question = "panel.sentence", "question.sentence"
        if view_state.trace.series is not None:
            title, question = "page.series.strip", "page.series.strip_question"
        lines = [
            heading(
                view_state.text(title), view_state.text(question), width, theme, _both(view_state)
            ),
            words(view_state, shown),
            predictions(view_state, shown),
        ]
        beside = second_sentence.difference(view_state) is not None and height > 4
        if beside:
            lines.insert(2, others(view_state, shown))
        # A second sentence takes precedence over the bars.
        bars = 2 if height >= 7 + beside else 0
        rows = height - len(lines) - bars
        if rows >= 2:
            lines += prediction_curve(view_state, shown, width, rows)
        if bars:
            lines += weight_bars(view_state, shown, bars)
        return lines

    def picked(self, view_state: ViewState, x: int, y: int) -> CellPicked | None:
        for column in columns(view_state, self.size.width):
            if column.x - 1 <= x <= column.x + column.width:
                return CellPicked(t=column.t)
        return None


def columns_line(shown: list[WordColumn], texts: list[Segment]) -> Line:
    """One segment per column; segments may be up to a column wider on each side."""
    line: Line = []
    at = 0
    for column, piece in zip(shown, texts, strict=True):
        start = column.x - (cell_len(piece.text) - column.width) // 2
        line += [Segment(" " * (start - at)), piece]
        at = start + cell_len(piece.text)
    return line


def words(view_state: ViewState, shown: list[WordColumn]) -> Line:
    """The words; the chosen one in brackets."""
    theme, layer, t = view_state.theme, view_state.layer, view_state.cursor.t
    pieces = []
    for column in shown:
        if column.t == t:
            pieces.append(Segment(f"▐{column.word}▌", theme.chosen))
        elif view_state.trace.unknown[column.t]:
            pieces.append(Segment(column.word, theme.unknown))
        else:
            read = layer.order.index(column.t) < layer.order.index(t)
            lit = theme.above if second_sentence.mark(view_state, column.t) else theme.bold
            pieces.append(Segment(column.word, lit if read else theme.dim))
    return columns_line(shown, pieces)


def others(view_state: ViewState, shown: list[WordColumn]) -> Line:
    """The second sentence below each word: = the same, ≠ another, − none, + one more."""
    theme = view_state.theme
    pieces = []
    for column in shown:
        style = theme.source if second_sentence.mark(view_state, column.t) else theme.dim
        pieces.append(Segment(fit(column.other, column.width, "^"), style))
    return _labelled(view_state.text("beside.other"), columns_line(shown, pieces), theme.dim)


def _labelled(text: str, line: Line, style: Style) -> Line:
    """A line of the strip with its label at the left."""
    first = line[0]
    line[0] = Segment(" " * (cell_len(first.text) - GUTTER), first.style)
    return [Segment(fit(text, GUTTER - 1, ">") + " ", style), *line]


def _both(view_state: ViewState) -> str:
    """The prediction here, and that for the second sentence at the aligned word."""
    t, k = view_state.cursor.t, view_state.shown_class()
    at = second_sentence.aligned_token(view_state, t)
    if at is None or not view_state.prediction_known(t):
        return ""
    a, b = view_state.readout[t, k], at[0].b.head.readout[at[1], k]
    return view_state.text("beside.beliefs", a=number(float(a)), b=number(float(b)))


def predictions(view_state: ViewState, shown: list[WordColumn]) -> Line:
    """The probability of the followed class after each word."""
    theme, k = view_state.theme, view_state.shown_class()
    head, values = view_state.trace.head, view_state.readout
    name = visible(head.labels[k])
    text = view_state.text("view.believes", label=name) if head.kind != "linear" else name
    pieces = []
    for column in shown:
        if not view_state.prediction_known(column.t):
            hidden = view_state.hidden and column.t == view_state.cursor.t
            pieces.append(Segment(fit("?" if hidden else "·", column.width, "^"), theme.rule))
            continue
        value = float(values[column.t, k])
        style = theme.above if value >= 0.5 else theme.below
        style = theme.ink if head.kind == "linear" else style
        pieces.append(Segment(fit(number(value, 2), max(4, column.width), "^"), style))
    return _labelled(text, columns_line(shown, pieces), theme.dim)


def prediction_curve(
    view_state: ViewState, shown: list[WordColumn], width: int, rows: int
) -> list[Line]:
    """The predictions as a curve below the words, as far as they are known."""
    theme, head, k = view_state.theme, view_state.trace.head, view_state.shown_class()
    known = [column for column in shown if view_state.prediction_known(column.t)]
    values = [float(view_state.readout[column.t, k]) for column in known]
    # A series changes slowly: scale the curve to the visible part.
    scaled = head.readout.ravel().tolist() if view_state.trace.series is None else values
    low, high = min(scaled, default=0.0), max(scaled, default=0.0)
    if head.kind == "linear":
        values = [(value - low) / ((high - low) or 1) for value in values]
    picture = [" " * (width - GUTTER)] * rows
    if known:
        centres = [column.x + column.width // 2 - GUTTER for column in known]
        picture = curve(values, centres, width - GUTTER, rows)
    behind = _other_curve(view_state, known, (low, high), width - GUTTER, rows)
    other = head.labels[1 - k] if len(head.labels) == 2 else ""
    names = [""] * rows
    if head.kind != "linear":
        names[0], names[-1] = visible(head.labels[k]), visible(other) or "0"
        if rows % 2:
            names[rows // 2] = view_state.text("view.unsure")
    elif view_state.trace.series is not None and known:
        names[0], names[-1] = number(high, 2), number(low, 2)
    lines = []
    for row in range(rows):
        middle = row - (rows - 1) / 2
        style = theme.above if middle < 0 else theme.below if middle > 0 else theme.ink
        style = theme.source if head.kind == "linear" else style
        mark = "┤" if names[row] else "│"
        lines.append(
            [
                Segment(fit(names[row], GUTTER - 2, ">") + " ", theme.dim),
                Segment(mark, theme.rule),
                *_over(picture[row], behind[row] if behind else "", style, theme.source),
            ]
        )
    return lines


#: The second sentence's curve is thin, to be distinguishable without colour.
_THIN = str.maketrans("●━┃┏┓┗┛", "◆─│┌┐└┘")


def _other_curve(
    view_state: ViewState,
    known: list[WordColumn],
    scale: tuple[float, float],
    width: int,
    rows: int,
) -> list[str]:
    """The curve of the second sentence at the aligned words; empty without one."""
    k, linear = view_state.shown_class(), view_state.trace.head.kind == "linear"
    low, top = scale if linear else (0.0, 1.0)
    shares, centres = [], []
    for column in known:
        at = second_sentence.aligned_token(view_state, column.t)
        if at is not None:
            value = float(at[0].b.head.readout[at[1], k])
            shares.append((value - low) / ((top - low) or 1))
            centres.append(column.x + column.width // 2 - GUTTER)
    picture = curve(shares, centres, width, rows) if shares else []
    return [row.translate(_THIN) for row in picture]


def _over(front: str, behind: str, style: Style, dim: Style) -> Line:
    """One row of a curve over another; a line never hides a point of the one behind."""
    line: Line = []
    for one, other in zip_longest(front, behind, fillvalue=" "):
        hidden = other == " " or one == "●" or (one != " " and other != "◆")
        text, worn = (one, style) if hidden else (other, dim)
        if line and line[-1].style is worn:
            line[-1] = Segment(line[-1].text + text, worn)
        else:
            line.append(Segment(text, worn))
    return line


def weight_bars(view_state: ViewState, shown: list[WordColumn], rows: int) -> list[Line]:
    """Bars of |∂L/∂x|, the sensitivity of the loss to each word."""
    theme, t = view_state.theme, view_state.cursor.t
    if view_state.hidden:
        # Gradients would reveal the hidden prediction.
        labels = [f"{text:>{GUTTER - 1}} " for text in ("|∂L/∂x|", "?")]
        return [[Segment(text, theme.dim)] for text in labels[:rows]]
    sizes = saliency(view_state.trace)
    top = float(sizes.max()) or 1.0
    blocks = {column.t: bar(float(sizes[column.t]) / top, rows) for column in shown}
    labels = ["|∂L/∂x|", number(float(sizes[t]))]
    lines = []
    for row in range(rows):
        pieces = [
            Segment(
                blocks[column.t][row] * column.width,
                theme.now if column.t == t else theme.dim,
            )
            for column in shown
        ]
        line = columns_line(shown, pieces)
        line[0] = Segment(" " * (cell_len(line[0].text) - GUTTER))
        label = labels[row] if row < 2 else ""
        style = theme.dim if row == 0 else theme.now
        lines.append([Segment(fit(label, GUTTER - 1, ">") + " ", style), *line])
    return lines
