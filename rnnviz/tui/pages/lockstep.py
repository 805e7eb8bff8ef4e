"""Three cells, one sentence: aligned words, a column for each cell, one cursor for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz.analysis.model_family import family_by_cell, family_trio, query_for
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.query import Query, Question
from rnnviz.trace import LayerTrace, Trace
from rnnviz.tui.pages.cell_marks import axis, hue, mark
from rnnviz.tui.render.braille_plot import Trail, centres, level_bar, plot, runs
from rnnviz.tui.render.segments import Line, cut, fit, heat, page, short, trimmed, window, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, PageKey, Prompt
from rnnviz.tui.view.page_state import PageOptions, PageState
from rnnviz.tui.view.view_state import ViewState, scale
from rnnviz.tui.view.widget import CellPicked

#: Cells side by side, at least and at most.
FEWEST, MOST = 2, 4
#: Columns of a prediction, of the chosen unit's number, of the reach.
SAID, UNIT, FAR = 5, 5, 7
#: Lines above the first word: title, cells, what the columns are.
TOP = 3
#: The most lines of the words below.
FOOT = 2
GUTTER = 11
#: Rows at most where not all tokens have one: when they turn, all of them are sent.
TURNED = 28


@dataclass(frozen=True)
class LockstepLayout:
    """Who stands where at one size."""

    words: int  # columns of the words
    each: int  # of one cell's panel
    bar: int
    heat: int
    far: int  # 0 where there is no room for the reach
    first: int  # the first token that has a row
    rows: int
    tall: int  # lines of a row
    chart: int  # lines of the curves, 0 without


@dataclass(frozen=True)
class LockstepState(PageState):
    """The models that stand side by side."""

    page: ClassVar[str] = "lockstep"
    models: tuple[str, ...] = ()  # (): the three of the family


class LockstepPage(Page):
    """The cells side by side."""

    name: ClassVar[str] = "lockstep"
    keys: ClassVar[tuple[PageKey, ...]] = (PageKey("models", ("m",), "m"),)
    alone: ClassVar[bool] = True

    @classmethod
    def initial_state(cls, options: PageOptions) -> LockstepState:
        return LockstepState(options.compare)

    def questions(self, moment: ViewState) -> Sequence[Question]:
        if not moment.query.model:
            return ()
        models = self._models(moment)
        asked: list[Query] = [q for m in models if (q := _query(moment, m)) is not None]
        return asked + [q for m in models if (q := _second(moment, m)) is not None]

    def press(self, moment: ViewState, key: str) -> Prompt:
        cells = {m: cell for cell, m in family_by_cell(moment.query.model, moment.others).items()}
        filled = ", ".join(cells.get(m, m) for m in self._models(moment))
        return Prompt(self.say(moment, "ask"), self._chosen, filled)

    def _chosen(self, moment: ViewState, said: str) -> Change:
        known = family_by_cell(moment.query.model, moment.others)
        valid = ", ".join(known) or "–"
        cells = said.replace(",", " ").split()
        for cell in cells:
            if cell not in known:
                words = self.say(moment, "unknown", name=visible(cell), valid=valid)
                return Change(message=words, failed=True)
        models = tuple(dict.fromkeys(known[cell] for cell in cells))
        if not FEWEST <= len(models) <= MOST:
            return Change(message=self.say(moment, "few", valid=valid), failed=True)
        return Change(LockstepState(models))

    def _models(self, moment: ViewState) -> tuple[str, ...]:
        chosen = moment.page_state(LockstepState).models
        return chosen or family_trio(moment.query.model, moment.others)

    # -- the page -------------------------------------------------------------------------------

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        models = self._models(moment)
        traces = [_trace(moment, model) for model in models]
        words = self._words(moment, traces, width)
        foot = _foot(moment, words, height)
        grid = _grid(moment, len(models), width, height - foot)
        self.sight = range(grid.first, grid.first + grid.rows)
        panels = [
            self._panel(moment, model, trace, grid)
            for model, trace in zip(models, traces, strict=True)
        ]
        left = self._left(moment, grid)
        rule = Segment("│", moment.look.rule)
        rows = [
            [piece for part in (*parts[:1], *([rule, *p] for p in parts[1:])) for piece in part]
            for parts in zip(left, *panels, strict=True)
        ]
        chart = self._chart(moment, traces, width, grid.chart)
        # The curves and the words stay where they are, however many rows there are above.
        above: list[Line] = [[]] * max(0, height - foot - 1 - len(rows) - len(chart))
        below: list[Line] = [[]] * (foot - len(words))
        return [self.head(moment, width), *rows, *above, *chart, *below, *words]

    def _left(self, moment: ViewState, grid: LockstepLayout) -> list[Line]:
        """The words, the chosen one as a bar."""
        look, t, lines = moment.look, moment.cursor.t, []
        for k in range(grid.first, grid.first + grid.rows):
            word = fit(visible(moment.trace.tokens[k]), grid.words - 1)
            mark = second_sentence.mark(moment, k)
            if k == t:
                lines.append([Segment(f"{mark or '▸'}{word}", look.chosen)])
            else:
                style = look.unknown if moment.trace.unknown[k] else look.ink
                lines.append([Segment(f"{mark or ' '}{word}", look.above if mark else style)])
            lines += [[Segment(" " * grid.words)]] * (grid.tall - 1)
        return [[Segment(" " * grid.words)], [Segment(" " * grid.words)], *lines]

    def _panel(
        self, moment: ViewState, model: str, trace: Trace | None, grid: LockstepLayout
    ) -> list[Line]:
        """One cell: who it is, what its columns are, and a row a word."""
        look, room = moment.look, grid.each - 1
        if trace is None:
            failed = moment.failures.get(_query(moment, model) or Query("", ""))
            said = self.say(moment, "computing") if failed is None else failed
            style = look.dim if failed is None else look.wrong
            told = [[Segment(line, style)] for line in wrapped(visible(f"{model}: {said}"), room)]
            height = TOP - 1 + grid.tall * grid.rows
            told = [*told, *([[]] * height)][:height]
            return [trimmed(line, room, look.ink) for line in told]
        layer = trace.layers[min(moment.cursor.layer, len(trace.layers) - 1)]
        own = model == moment.query.model
        title = f"{mark(layer.cell, look)} {layer.title}"
        lines = [
            [
                Segment(f"{'▸' if own else ' '}{title}", hue(layer.cell, look)),
                Segment(_beside(moment, model, trace), look.source),
            ],
            self._columns(moment, trace, layer, grid),
        ]
        for k in range(grid.first, grid.first + grid.rows):
            lines += _row(moment, trace, layer, grid, k)
        return [trimmed(line, room, look.ink) for line in lines]

    def _columns(
        self, moment: ViewState, trace: Trace, layer: LayerTrace, grid: LockstepLayout
    ) -> Line:
        """What stands below: the class, the chosen unit, where it is, the reach."""
        look, unit = moment.look, min(moment.cursor.unit, layer.units - 1)
        wide, first, _ = _units(layer, unit, grid.heat)
        room = SAID + grid.bar
        k = _class(moment, trace)
        label = visible(trace.head.labels[k])
        said = f"p({label})" if trace.head.kind != "linear" else label
        said = said if cell_len(said) < room else label
        arrow = (unit - first) * wide + (wide - 1) // 2
        line = [
            Segment(fit(fit(said, room - 1), room), look.dim),
            Segment(fit(f"h{unit}", UNIT), look.now),
            Segment(" " * arrow + "▼" + " " * (grid.heat - arrow - 1), look.now),
        ]
        if grid.far:
            line.append(Segment(fit(self.say(moment, "reach"), grid.far, ">"), look.dim))
        return line

    # -- the curves of what they say --------------------------------------------------------------

    def _chart(
        self, moment: ViewState, traces: Sequence[Trace | None], width: int, rows: int
    ) -> list[Line]:
        """One curve a cell, as far as it has been read."""
        if rows < 4:
            return []
        look, t = moment.look, moment.cursor.t
        told = [trace for trace in traces if trace is not None]
        room = width - GUTTER - 1
        T = len(moment.trace.tokens)
        count = min(T, room)
        first = page(T, t, count)
        columns = centres(count, room)
        shares, labels = _shares(moment, told, rows - 1)
        trails = [
            Trail(each[first : first + count], mark(trace.layers[0].cell, look), n)
            for n, (trace, each) in enumerate(zip(told, shares, strict=True))
        ]
        picture = plot(trails, columns, room, rows - 1, (0.5,), look.ascii)
        styles = [hue(trace.layers[0].cell, look) for trace in told]
        lines: list[Line] = []
        for row, label in zip(picture, labels, strict=True):
            line = [Segment(fit(label, GUTTER - 1, ">"), look.dim), Segment("│", look.rule)]
            line += [Segment(text, _ink(n, styles, look.rule)) for text, n in runs(row)]
            lines.append(line)
        return [*lines, axis(moment, first, columns, GUTTER, look.now)]

    # -- in words -------------------------------------------------------------------------------

    def _words(self, moment: ViewState, traces: Sequence[Trace | None], width: int) -> list[Line]:
        """What each says now, and whether they agree; at most FOOT lines."""
        t, told = moment.cursor.t, [trace for trace in traces if trace is not None]
        token = cut(visible(moment.trace.tokens[t]), 20)
        if not moment.known(t, "p"):
            said = self.say(moment, "hidden", token=token) if moment.hidden else ""
            return [[Segment(f" {line}", moment.look.dim)] for line in wrapped(said, width - 2)]
        parts = []
        for trace in told:
            leading = int(np.argmax(trace.head.readout[t]))
            p, label = float(trace.head.readout[t, leading]), trace.head.labels[leading]
            key = "forecast" if trace.head.kind == "linear" else "each"
            values = {"cell": trace.layers[0].title, "label": visible(label), "p": number(p, 2)}
            parts.append(self.say(moment, key, **values))
        said = self.say(moment, "says", token=token, said=", ".join(parts)) if parts else ""
        agreement = self._agreement(moment, told)
        if agreement and len(wrapped(f"{said} {agreement}", width - 2)) <= FOOT:
            said = f"{said} {agreement}"
        return [[Segment(f" {line}", moment.look.ink)] for line in wrapped(said, width - 2)[:FOOT]]

    def _agreement(self, moment: ViewState, told: Sequence[Trace]) -> str:
        if len(told) < 2 or any(trace.head.kind == "linear" for trace in told):
            return ""
        by_label: dict[str, list[str]] = {}
        for trace in told:
            leading = int(np.argmax(trace.head.readout[moment.cursor.t]))
            by_label.setdefault(trace.head.labels[leading], []).append(trace.layers[0].title)
        names = [(visible(label), ", ".join(cells)) for label, cells in by_label.items()]
        if len(names) == 1:
            return self.say(moment, "agree", label=names[0][0])
        if len(names) > 2:
            return ""
        (label, some), (other, others) = names
        return self.say(moment, "part", some=some, label=label, others=others, other=other)

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        models = self._models(moment)
        words = self._words(moment, [_trace(moment, m) for m in models], self.size.width)
        height = self.size.height
        height -= _foot(moment, words, height)
        grid = _grid(moment, len(models), self.size.width, height)
        at = (y - TOP) // grid.tall
        return CellPicked(t=grid.first + at) if y >= TOP and at < grid.rows else None


def _query(moment: ViewState, model: str) -> Query | None:
    """What has to be asked for a model; None for the one on the screen."""
    if model == moment.query.model:
        return None
    return query_for(moment.query, model, moment.query.random)


def _second(moment: ViewState, model: str) -> Query | None:
    """What has to be asked of a model for the second sentence; None without one."""
    other = second_sentence.asked(moment) if second_sentence.state(moment).lit else None
    if other is None:
        return None
    return other if model == moment.query.model else query_for(other, model, other.random)


def _beside(moment: ViewState, model: str, trace: Trace) -> str:
    """What a cell says of the second sentence, at the word that is aligned with the chosen one."""
    t, query = moment.cursor.t, _second(moment, model)
    at = second_sentence.place(moment, t) if moment.known(t, "p") else None
    answer: Trace | None = None if query is None else moment.answers.get(query)
    if at is None or answer is None or answer.tokens != at[0].b.tokens:
        return ""
    p = float(answer.head.readout[at[1], _class(moment, trace)])
    return f"  {second_sentence.OTHER} {number(p, 2)}"


def _trace(moment: ViewState, model: str) -> Trace | None:
    """The reading of a model, if it is known and has the same words."""
    query = _query(moment, model)
    trace: Trace | None = moment.trace if query is None else moment.answers.get(query)
    same = trace is not None and len(trace.tokens) == len(moment.trace.tokens)
    return trace if same else None


def _foot(moment: ViewState, words: Sequence[Line], height: int) -> int:
    """The lines of the words at the foot; where not all tokens fit, the most there may be.

    With as many as there are the rows would jump by one at every step that says more or less.
    """
    return len(words) if len(moment.trace.tokens) <= height - TOP - FOOT else FOOT


def _grid(moment: ViewState, panels: int, width: int, height: int) -> LockstepLayout:
    tokens = moment.trace.tokens
    longest = max(cell_len(visible(token)) for token in tokens)
    words = min(longest + 2, 10 if width < 100 else 14)
    each = (width - words) // panels
    inside = each - 1
    bar = 4 if inside < 44 else 8
    far = FAR if inside >= SAID + bar + UNIT + FAR + 8 else 0
    units = max(layer.units for layer in moment.trace.layers)
    room = inside - SAID - bar - UNIT - far
    shown = min(room, max(1, room // units) * units) if units <= room else room
    rows = max(1, min(len(tokens), height - TOP))
    if rows < len(tokens):
        rows = min(rows, TURNED)  # the rest is room for the curves
    # A short sentence has room for larger colours and a curve.
    tall = 2 if height - TOP - 2 * rows >= 8 else 1
    spare = height - TOP - tall * rows
    chart = spare if spare >= 5 else 0
    sight = moment.in_sight(rows)
    return LockstepLayout(words, each, bar, shown, far, sight.start, len(sight), tall, chart)


def _units(layer: LayerTrace, unit: int, room: int) -> tuple[int, int, int]:
    """Columns a unit, the first unit shown, how many."""
    wide = min(6, max(1, room // layer.units))
    count = min(layer.units, max(1, room // wide))
    return wide, window(layer.units, unit, count), count


def _class(moment: ViewState, trace: Trace) -> int:
    """The followed class among a trace's own labels."""
    label = moment.trace.head.labels[moment.shown_class()]
    labels = trace.head.labels
    return labels.index(label) if label in labels else len(labels) - 1


def _row(
    moment: ViewState, trace: Trace, layer: LayerTrace, grid: LockstepLayout, k: int
) -> list[Line]:
    """The lines of one word in one cell: prediction, the chosen unit, all units, reach."""
    look, now = moment.look, k == moment.cursor.t
    hidden = moment.hidden and now
    if hidden or not moment.known(k, "h"):
        mark = fit(" ?" if hidden else " ·", SAID + grid.bar + UNIT)
        dots = ("·   " * grid.heat)[: grid.heat]
        return [[Segment(mark, look.dim), Segment(dots, look.rule)], *([[]] * (grid.tall - 1))]
    unit = min(moment.cursor.unit, layer.units - 1)
    shape = (grid.bar, grid.heat, grid.far)
    label, said = _class(moment, trace), moment.known(k, "p")
    row = _computed(trace, layer, k, unit, label, shape, now, said, moment.hidden, look)
    return [row, *([_below(row)] * (grid.tall - 1))]


@lru_cache(maxsize=2048)
def _computed(
    trace: Trace,
    layer: LayerTrace,
    k: int,
    unit: int,
    label: int,
    shape: tuple[int, int, int],
    now: bool,
    predicted: bool,
    hidden: bool,
    look: ViewTheme,
) -> Line:
    """A row; a step changes two of them, so the others are kept."""
    bar, room, far = shape
    p, linear = float(trace.head.readout[k, label]), trace.head.kind == "linear"
    style = look.ink if linear else look.above if p >= 0.5 else look.below
    blocks = level_bar(p, bar - 1) if predicted and not linear else ""
    wide, first, count = _units(layer, unit, room)
    gate, end = scale(layer, "h")
    values = layer.values["h"][k]
    line = [
        Segment(fit(number(p, 2) if predicted else "·", SAID), style),
        Segment(fit(blocks, bar), style),
        Segment(fit(short(float(values[unit])), UNIT), look.now if now else look.dim),
        *heat(values[first : first + count], end, gate, look, wide, unit - first),
        Segment(" " * (room - count * wide), look.ink),
    ]
    if far:
        said = "?" if hidden else number(float(layer.reach[k]), 2)
        line.append(Segment(fit(said, far, ">"), look.now if now else look.dim))
    return line


def _below(row: Line) -> Line:
    """The same row again, without its numbers."""
    digits = frozenset("0123456789·?")
    return [
        Segment(" " * cell_len(piece.text) if digits & {*piece.text} else piece.text, piece.style)
        for piece in row
    ]


def _shares(
    moment: ViewState, told: Sequence[Trace], rows: int
) -> tuple[list[np.ndarray], list[str]]:
    """Predictions as shares of the chart, NaN where they are not known, and its labels."""
    T = len(moment.trace.tokens)
    seen = np.array([moment.known(k, "p") for k in range(T)])
    found = [
        np.where(seen, trace.head.readout[:, _class(moment, trace)], np.nan).astype(np.float64)
        for trace in told
    ]
    labels, head = [""] * rows, moment.trace.head
    if head.kind == "linear":
        every = np.concatenate([trace.head.readout[:, 0] for trace in told])
        low, high = float(every.min()), float(every.max())
        labels[0], labels[-1] = number(high, 2), number(low, 2)
        return [(each - low) / ((high - low) or 1) for each in found], labels
    k = moment.shown_class()
    labels[0] = visible(head.labels[k])
    labels[-1] = visible(head.labels[1 - k]) if len(head.labels) == 2 else "0"
    if rows % 2:
        labels[rows // 2] = moment.text("view.unsure")
    return found, labels


def _ink(n: int | None, styles: Sequence[Style], grid: Style) -> Style:
    return grid if n is None or n < 0 else styles[n]
