"""Page of the parallel scan: minGRU's steps combined in levels, and why other cells cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.parallel_scan import ParallelScan, parallel_scan, reads_state, sources
from rnnviz.display import visible
from rnnviz.equations import SUBSCRIPTS, number, numbers
from rnnviz.equations import Line as Formula
from rnnviz.query import Question
from rnnviz.tui.panels import conclusion
from rnnviz.tui.panels.equations import equation
from rnnviz.tui.render.segments import Line, fit, short, wrapped
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.off_screen import off_rows
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

#: Columns of a token, of the last state, and of a pair (a, b), its b alone, and its b in short.
TOKEN, STATE = 12, 8
PAIR, ALONE, SHORT = 14, 8, 5
#: In place of a where a pair spans all tokens so far: then its b is the state.
DONE = "h"


@dataclass(frozen=True)
class LevelColumns:
    """The levels that have a column, and its width."""

    levels: range
    width: int


@dataclass(frozen=True)
class ScanState(PageState):
    """The last level that is computed; None: all of them."""

    page: ClassVar[str] = "scan"
    level: int | None = None


class ScanPage(Page):
    """A row for each token, a column for each level; the tree of the current token is lit."""

    name: ClassVar[str] = "scan"
    full_screen = True
    actions = ("next",)

    def press(self, view_state: ViewState, key: str) -> Change:
        """Compute one level more; after the last one begin with the single tokens."""
        depth = (len(view_state.trace.tokens) - 1).bit_length()
        level = view_state.page_state(ScanState).level
        return Change(ScanState(0 if level is None or level >= depth else level + 1))

    @classmethod
    def applies(cls, view_state: ViewState) -> bool:
        return reads_state(view_state.layer) is None

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        return conclusion.clauses(view_state)

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        return conclusion.questions(view_state)

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        if (line := reads_state(view_state.layer)) is not None:
            self.visible_tokens = range(0)
            return self._one_by_one(view_state, line, width)
        scan = parallel_scan(view_state.layer)
        below = self._combined(view_state, scan, width)
        said = self._paragraph(view_state, width, "how", **self._counts(view_state, scan.depth))
        room = height - 2 - len(said)
        shown = self.visible_tokens = view_state.visible_tokens(max(3, room - len(below) - 1))
        columns = _columns(width, len(scan.levels))
        note = view_state.text("panel.unit", n=view_state.cursor.unit)
        if more := off_rows(view_state, shown, 20):
            note += f" · {more}"
        rows = [self._row(view_state, scan, columns, t) for t in shown]
        below = below[max(0, len(below) - max(0, room - len(rows) - 1)) :]
        titles = self._titles(view_state, columns)
        return [self.head(view_state, width, note), titles, *rows, [], *below, *said]

    # -- a cell whose gates read the input alone ------------------------------------------------

    def _titles(self, view_state: ViewState, columns: LevelColumns) -> Line:
        theme, width = view_state.theme, columns.width
        texts = [
            fit(self.page_text(view_state, "steps", n=2**level) if width > SHORT else f"{2**level}",
                width)
            for level in columns.levels
        ]  # fmt: skip
        label = fit(" " + self.page_text(view_state, "spans"), TOKEN)
        return [
            Segment(label, theme.dim),
            Segment("".join(texts) + view_state.symbol("h"), theme.dim),
        ]

    def _row(
        self, view_state: ViewState, scan: ParallelScan, columns: LevelColumns, t: int
    ) -> Line:
        """A token's pair at every level, and its state as the cell computed it."""
        theme, layer, unit = view_state.theme, view_state.layer, view_state.cursor.unit
        current = t == view_state.cursor.t
        token = f"{'▸' if current else ' '}{visible(view_state.trace.tokens[t])}"
        row = [Segment(fit(token, TOKEN - 1) + " ", theme.now if current else theme.ink)]
        if not view_state.known(t, "h"):
            mark = "?" if current and view_state.part_hidden else "·"
            row += [Segment(fit(mark, columns.width), theme.later) for _ in columns.levels]
            return [*row, Segment(mark, theme.later)]
        place, order = layer.order.index(t), layer.order
        last = self._last_level(view_state, scan)
        lit = sources(len(order), scan.depth, order.index(view_state.cursor.t))
        for level in columns.levels:
            if level > last:
                row.append(Segment(fit("·", columns.width), theme.later))
                continue
            pairs = scan.levels[level]
            done = pairs.first[place] == 0
            b = float(pairs.b[place, unit])
            if done:
                b += float(pairs.a[place, unit] * layer.initial["h"][unit])
            style = theme.dim
            if (level, place) in lit:
                style = theme.now if done else theme.source
            text = fit(short(b), columns.width)
            if columns.width > SHORT:
                text = fit(number(b, 3, True, ALONE - 1), ALONE)
            if columns.width == PAIR:
                a = DONE if done else number(float(pairs.a[place, unit]), 2, room=5)
                text = fit(a, PAIR - ALONE - 1, ">") + " " + text
            row.append(Segment(text, style))
        h = number(float(layer.values["h"][t, unit]), 3, True, STATE - 1)
        return [*row, Segment(h, theme.now if current else theme.ink)]

    def _last_level(self, view_state: ViewState, scan: ParallelScan) -> int:
        level = view_state.page_state(ScanState).level
        return scan.depth if level is None else min(level, scan.depth)

    def _combined(self, view_state: ViewState, scan: ParallelScan, width: int) -> list[Line]:
        """For the current token the combination at each level, with its numbers."""
        theme, layer, t = view_state.theme, view_state.layer, view_state.cursor.t
        if not view_state.known(t, "h"):
            return []
        unit, place = view_state.cursor.unit, layer.order.index(t)
        lines: list[Line] = []
        for level in range(1, self._last_level(view_state, scan) + 1):
            before, at = scan.levels[level - 1], place - 2 ** (level - 1)
            if before.first[place] == 0:
                break
            done = before.first[at] == 0
            own = _span(layer.order, before.first[place], place)
            other = _span(layer.order, before.first[at], at)
            earlier = float(before.b[at, unit])
            if done:
                earlier += float(before.a[at, unit] * layer.initial["h"][unit])
            values = {"a": before.a[place, unit], "p": earlier, "b": before.b[place, unit]}
            worked = numbers("a * p + b", values, unit)
            state = view_state.symbol("h", layer.order[at] + 1) if done else f"b{other}"
            whole = _span(layer.order, before.first[at], place)
            made = view_state.symbol("h", t + 1) if done else f"b{whole}"
            text = f"{made} = a{own} ⊙ {state} + b{own} = {worked.text}"
            if TOKEN + cell_len(text) > width:
                text = f"{made} = {worked.text}"
            label = self.page_text(view_state, "level", n=level)
            lines.append([
                Segment(fit(f" {label}", TOKEN), theme.dim),
                Segment(text, theme.now if done else theme.source),
            ])  # fmt: skip
        return lines

    # -- a cell whose gates read the state ------------------------------------------------------

    def _one_by_one(self, view_state: ViewState, line: Formula, width: int) -> list[Line]:
        """The line that reads the state before, and how many steps that takes."""
        theme, T = view_state.theme, len(view_state.trace.tokens)
        counts = self._counts(view_state, (T - 1).bit_length())
        known = view_state.known(view_state.cursor.t, line.name)
        return [
            self.head(view_state, width),
            [],
            *([*equation(view_state, line, width, False), []] if known else []),
            *self._paragraph(
                view_state, width, "waits", name=view_state.symbol(line.name), **counts
            ),
            [],
            [Segment(f" {self._chain(view_state, width - 2)}", theme.source)],
            [],
            *self._paragraph(
                view_state,
                width,
                "otherwise" if _has_key(view_state) else "otherwise_on_paper",
                **counts,
            ),
        ]

    def _chain(self, view_state: ViewState, width: int) -> str:
        """The tokens in the order in which they are read, one after the other."""
        layer, tokens = view_state.layer, view_state.trace.tokens
        text = " → ".join(visible(tokens[t]) for t in layer.order)
        return fit(text, width).rstrip()

    def _counts(self, view_state: ViewState, depth: int) -> dict[str, object]:
        T, long = len(view_state.trace.tokens), 500
        return {"T": T, "depth": depth, "long": long, "levels": (long - 1).bit_length()}

    def _paragraph(
        self, view_state: ViewState, width: int, key: str, **values: object
    ) -> list[Line]:
        text = self.page_text(view_state, key, **values)
        return [[Segment(f" {line}", view_state.theme.dim)] for line in wrapped(text, width - 2)]


def _columns(width: int, levels: int) -> LevelColumns:
    """All levels as wide as they fit; in a narrow terminal the last ones."""
    room = width - TOKEN - STATE
    wide = next((wide for wide in (PAIR, ALONE) if wide * levels <= room), SHORT)
    count = min(levels, max(1, room // wide))
    return LevelColumns(range(levels - count, levels), wide)


def _span(order: range, first: int, last: int) -> str:
    """The tokens from one place in reading order to another, counted from 1, as a subscript."""
    ends = sorted((order[first] + 1, order[last] + 1))
    text = "-".join(map(str, ends if first != last else ends[:1]))
    return text.translate(SUBSCRIPTS).replace("-", "₋")


def _has_key(view_state: ViewState) -> bool:
    """Whether the key that the text names switches to minGRU here."""
    return not view_state.keyless and view_state.others[5:6] == ("sentiment-mingru",)
