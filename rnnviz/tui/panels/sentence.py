"""What does it believe now? The words, the prediction after each, and how much each one weighs."""

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
    """One word on the strip: which token, where, how wide."""

    t: int
    x: int
    width: int
    word: str
    other: str = ""  # what the second sentence has there


def columns(moment: ViewState, width: int) -> list[WordColumn]:
    """The words that fit around the chosen one; only these are looked at."""
    tokens, t, found = moment.trace.tokens, moment.cursor.t, second_sentence.compared(moment)

    def word(k: int) -> str:
        said = second_sentence.mark(moment, k) + visible(tokens[k])
        said += "?" if moment.trace.unknown[k] else ""
        least = 4 if found is None else max(4, cell_len(second_sentence.words(found, k)))
        return fit(said, min(LONGEST, max(least, cell_len(said))))

    room = width - GUTTER - 2
    gap = 2
    if len(tokens) <= 20:  # a short sentence is spread out, a long one stands closer
        free = room - sum(cell_len(word(k)) for k in range(len(tokens)))
        gap = min(16, max(2, free // len(tokens)))
    first = last = t
    used = cell_len(word(t)) + gap
    while True:
        # Two thirds of the room belong to what was read, one to what comes.
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
    """Words, prediction after each, its curve, and |∂L/∂x| bars."""

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        look = moment.look
        shown = columns(moment, width)
        title, question = "panel.sentence", "question.sentence"
        if moment.trace.series is not None:
            title, question = "page.series.strip", "page.series.strip_question"
        lines = [
            heading(moment.text(title), moment.text(question), width, look, _both(moment)),
            words(moment, shown),
            beliefs(moment, shown),
        ]
        beside = second_sentence.compared(moment) is not None and height > 4
        if beside:
            lines.insert(2, others(moment, shown))
        # The words of a second sentence are worth more than the bars.
        bars = 2 if height >= 7 + beside else 0
        rows = height - len(lines) - bars
        if rows >= 2:
            lines += believed_curve(moment, shown, width, rows)
        if bars:
            lines += weight_bars(moment, shown, bars)
        return lines

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        for column in columns(moment, self.size.width):
            if column.x - 1 <= x <= column.x + column.width:
                return CellPicked(t=column.t)
        return None


def placed(shown: list[WordColumn], texts: list[Segment]) -> Line:
    """One piece a column, at its place; pieces may be up to a column wider on each side."""
    line: Line = []
    at = 0
    for column, piece in zip(shown, texts, strict=True):
        start = column.x - (cell_len(piece.text) - column.width) // 2
        line += [Segment(" " * (start - at)), piece]
        at = start + cell_len(piece.text)
    return line


def words(moment: ViewState, shown: list[WordColumn]) -> Line:
    """The words; the chosen one in brackets."""
    look, layer, t = moment.look, moment.layer, moment.cursor.t
    pieces = []
    for column in shown:
        if column.t == t:
            pieces.append(Segment(f"▐{column.word}▌", look.chosen))
        elif moment.trace.unknown[column.t]:
            pieces.append(Segment(column.word, look.unknown))
        else:
            read = layer.order.index(column.t) < layer.order.index(t)
            lit = look.above if second_sentence.mark(moment, column.t) else look.bold
            pieces.append(Segment(column.word, lit if read else look.dim))
    return placed(shown, pieces)


def others(moment: ViewState, shown: list[WordColumn]) -> Line:
    """What the second sentence has under each word: = the same, ≠ another, − none, + one more."""
    look = moment.look
    pieces = []
    for column in shown:
        style = look.source if second_sentence.mark(moment, column.t) else look.dim
        pieces.append(Segment(fit(column.other, column.width, "^"), style))
    return _labelled(moment.text("beside.other"), placed(shown, pieces), look.dim)


def _labelled(said: str, line: Line, style: Style) -> Line:
    """A line of the strip with its name in the gutter."""
    first = line[0]
    line[0] = Segment(" " * (cell_len(first.text) - GUTTER), first.style)
    return [Segment(fit(said, GUTTER - 1, ">") + " ", style), *line]


def _both(moment: ViewState) -> str:
    """What is believed here and, at the same word, of the second sentence."""
    t, k = moment.cursor.t, moment.shown_class()
    at = second_sentence.place(moment, t)
    if at is None or not moment.told(t):
        return ""
    a, b = moment.readout[t, k], at[0].b.head.readout[at[1], k]
    return moment.text("beside.beliefs", a=number(float(a)), b=number(float(b)))


def beliefs(moment: ViewState, shown: list[WordColumn]) -> Line:
    """The probability of the followed class after each word."""
    look, k = moment.look, moment.shown_class()
    head, told = moment.trace.head, moment.readout
    name = visible(head.labels[k])
    said = moment.text("view.believes", label=name) if head.kind != "linear" else name
    pieces = []
    for column in shown:
        if not moment.told(column.t):
            hidden = moment.hidden and column.t == moment.cursor.t
            pieces.append(Segment(fit("?" if hidden else "·", column.width, "^"), look.rule))
            continue
        value = float(told[column.t, k])
        style = look.above if value >= 0.5 else look.below
        style = look.ink if head.kind == "linear" else style
        pieces.append(Segment(fit(number(value, 2), max(4, column.width), "^"), style))
    return _labelled(said, placed(shown, pieces), look.dim)


def believed_curve(moment: ViewState, shown: list[WordColumn], width: int, rows: int) -> list[Line]:
    """The same probabilities as a curve under the words, as far as they are known."""
    look, head, k = moment.look, moment.trace.head, moment.shown_class()
    known = [column for column in shown if moment.told(column.t)]
    values = [float(moment.readout[column.t, k]) for column in known]
    # A long series hardly changes from one hour to the next: its scale is that of what is shown.
    scaled = head.readout.ravel().tolist() if moment.trace.series is None else values
    low, high = min(scaled, default=0.0), max(scaled, default=0.0)
    if head.kind == "linear":
        values = [(value - low) / ((high - low) or 1) for value in values]
    drawn = [" " * (width - GUTTER)] * rows
    if known:
        centres = [column.x + column.width // 2 - GUTTER for column in known]
        drawn = curve(values, centres, width - GUTTER, rows)
    behind = _other_curve(moment, known, (low, high), width - GUTTER, rows)
    other = head.labels[1 - k] if len(head.labels) == 2 else ""
    names = [""] * rows
    if head.kind != "linear":
        names[0], names[-1] = visible(head.labels[k]), visible(other) or "0"
        if rows % 2:
            names[rows // 2] = moment.text("view.unsure")
    elif moment.trace.series is not None and known:
        names[0], names[-1] = number(high, 2), number(low, 2)
    lines = []
    for row in range(rows):
        middle = row - (rows - 1) / 2
        style = look.above if middle < 0 else look.below if middle > 0 else look.ink
        style = look.source if head.kind == "linear" else style
        mark = "┤" if names[row] else "│"
        lines.append(
            [
                Segment(fit(names[row], GUTTER - 2, ">") + " ", look.dim),
                Segment(mark, look.rule),
                *_over(drawn[row], behind[row] if behind else "", style, look.source),
            ]
        )
    return lines


#: The second sentence's curve is thin: told from the other without any colour.
_THIN = str.maketrans("●━┃┏┓┗┛", "◆─│┌┐└┘")


def _other_curve(
    moment: ViewState, known: list[WordColumn], scale: tuple[float, float], width: int, rows: int
) -> list[str]:
    """What the second sentence makes believe, at the words that are aligned; empty without one."""
    k, linear = moment.shown_class(), moment.trace.head.kind == "linear"
    low, top = scale if linear else (0.0, 1.0)
    shares, centres = [], []
    for column in known:
        at = second_sentence.place(moment, column.t)
        if at is not None:
            value = float(at[0].b.head.readout[at[1], k])
            shares.append((value - low) / ((top - low) or 1))
            centres.append(column.x + column.width // 2 - GUTTER)
    drawn = curve(shares, centres, width, rows) if shares else []
    return [row.translate(_THIN) for row in drawn]


def _over(front: str, behind: str, style: Style, dim: Style) -> Line:
    """One row of a curve over another; a point of the one behind is never hidden by a line."""
    line: Line = []
    for one, other in zip_longest(front, behind, fillvalue=" "):
        hidden = other == " " or one == "●" or (one != " " and other != "◆")
        text, worn = (one, style) if hidden else (other, dim)
        if line and line[-1].style is worn:
            line[-1] = Segment(line[-1].text + text, worn)
        else:
            line.append(Segment(text, worn))
    return line


def weight_bars(moment: ViewState, shown: list[WordColumn], rows: int) -> list[Line]:
    """How much the loss would feel a small change of each word."""
    look, t = moment.look, moment.cursor.t
    if moment.hidden:
        # The walk back starts at the prediction.
        labels = [f"{said:>{GUTTER - 1}} " for said in ("|∂L/∂x|", "?")]
        return [[Segment(said, look.dim)] for said in labels[:rows]]
    sizes = saliency(moment.trace)
    top = float(sizes.max()) or 1.0
    blocks = {column.t: bar(float(sizes[column.t]) / top, rows) for column in shown}
    labels = ["|∂L/∂x|", number(float(sizes[t]))]
    lines = []
    for row in range(rows):
        pieces = [
            Segment(
                blocks[column.t][row] * column.width,
                look.now if column.t == t else look.dim,
            )
            for column in shown
        ]
        line = placed(shown, pieces)
        line[0] = Segment(" " * (cell_len(line[0].text) - GUTTER))
        label = labels[row] if row < 2 else ""
        style = look.dim if row == 0 else look.now
        lines.append([Segment(fit(label, GUTTER - 1, ">") + " ", style), *line])
    return lines
