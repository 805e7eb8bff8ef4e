"""What never changes? One gate's weights into the chosen unit, and what they make of this token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from rich.segment import Segment

from rnnviz.analysis.shared import (
    Use,
    column,
    gate_at,
    gate_of,
    gates,
    growth,
    pre_activation,
    products,
    read_by,
    strongest,
    uses,
)
from rnnviz.arrays import Array
from rnnviz.equations import Line as Formula
from rnnviz.equations import names, number, numbers, symbol
from rnnviz.trace import LayerTrace
from rnnviz.tui.pages import shared_gradients
from rnnviz.tui.panels.equations import beside, equation, reading
from rnnviz.tui.render.segments import Line, fit, heading, heat, length, trimmed, window, wrapped
from rnnviz.tui.view.page import Change, Page, PageKey
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

LABEL = 12  # columns of a strip's name
MOST = 8  # products that are written out
BROAD = 66  # columns of their table
SUM = 9  # columns of what a strip comes to


@dataclass(frozen=True)
class WeightsState(PageState):
    """The chosen gate, and the cell and part for which it was chosen."""

    page: ClassVar[str] = "weights"
    cell: str = ""
    part: int = 0
    gate: str = ""


class WeightsPage(Page):
    """Strips of weights, inputs and products; the largest products; the sum and its gate."""

    name: ClassVar[str] = "weights"
    keys: ClassVar[tuple[PageKey, ...]] = (PageKey("gate", ("g",), "g"),)

    def press(self, moment: ViewState, key: str) -> Change:
        found = gates(moment.layer)
        gate = found[(found.index(self.gate(moment)) + 1) % len(found)]
        return Change(WeightsState(moment.layer.cell, moment.cursor.part, gate))

    def gate(self, moment: ViewState) -> str:
        """The gate that was chosen, until the part changes; else that of the part."""
        state = moment.page_state(WeightsState)
        if (state.cell, state.part) == (moment.layer.cell, moment.cursor.part):
            return state.gate
        return gate_at(moment.layer, moment.cursor.part)

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        gate = self.gate(moment)
        own = [use for use in uses(moment.layer) if gate_of(moment.layer, use.weight) == gate]
        word = moment.word("name", gate) if gate else ""
        note = f"{gate} {word} · ".lstrip() if gate else ""
        lines = [self.head(moment, width, note + moment.text("panel.unit", n=moment.cursor.unit))]
        if height >= 20:
            lines += self._source(moment, width)
        matrices = [use for use in own if use.read]
        if moment.backward and moment.hidden:
            hidden = wrapped(moment.text("page.backward.hidden"), width - 2)
            return [*lines, *([Segment(f" {line}", moment.look.dim)] for line in hidden)]
        if moment.backward:
            return lines + self.growing(moment, own, matrices, width, height - len(lines))
        ends = self.made(moment, own, gate, width, height >= 20)
        room = height - len(lines) - len(ends)
        each = 3 if room >= 3 * len(matrices) + 4 else 1
        for use in matrices:
            lines += self.strip(moment, use, matrices, width, each)
            if room >= 4 * len(matrices) + 8:
                lines.append([])
        room = height - len(lines) - len(ends)
        told = self.tables(moment, matrices, width, room)
        return [*lines, *told, *([[]] * (room - len(told)))[:1], *ends]

    def _source(self, moment: ViewState, width: int) -> list[Line]:
        """Where x comes from: for text, the token whose embedding it is."""
        return [
            [Segment(piece.text, moment.look.dim) for piece in line]
            for line in reading(moment, width)[0][:-1]
        ]

    # -- strips -----------------------------------------------------------------------------------

    def strip(
        self, moment: ViewState, use: Use, matrices: list[Use], width: int, each: int
    ) -> list[Line]:
        """The weights of one column; below them what they are multiplied with, and the products."""
        look, layer, cursor = moment.look, moment.layer, moment.cursor
        own = products(layer, use, cursor.t, cursor.unit)
        # Which product is the largest is to be predicted, too.
        best = None if moment.hidden else int(np.argmax(np.abs(own)))
        weight = layer.weights[use.weight]
        lines = [
            self._cells(moment, f"{use.weight}[:,{cursor.unit}]", weight[:, cursor.unit],
                        float(np.abs(weight).max()), best, width)
        ]  # fmt: skip
        if each < 3:
            return lines
        read = read_by(layer, use)
        name = symbol(use.read, moment.step)
        top = max(_top(layer, u, cursor.unit) for u in matrices)
        lines.append(
            self._cells(moment, name, read[cursor.t], float(np.abs(read).max()), best, width)
        )
        if moment.hidden:
            return [*lines, [Segment(f" {fit('×', LABEL - 1)}?", look.now)]]
        product = f"{name}·{use.weight}"
        row = self._cells(moment, product, own, top, best, width, look.now)
        total = Segment(f" = {number(float(own.sum()), 3, True)}", look.now)
        return [*lines, [*row, total]]

    def _cells(
        self, moment: ViewState, name: str, values: Array, top: float, best: int | None, width: int,
        style: object = None, widest: int = 6,
    ) -> Line:  # fmt: skip
        look = moment.look
        room = width - LABEL - SUM - 4
        # Numbers in the cells where they are few: in many, each token would be too much to send.
        wide = max(1, min(widest if len(values) <= 16 else 3, room // len(values)))
        count = min(len(values), room // wide)
        first = window(len(values), best or 0, count)
        shown, chosen = values[first : first + count], None if best is None else best - first
        said = Segment(fit(f" {name}", LABEL), look.bold if style is None else look.now)
        return [said, *heat(shown, top or 1.0, False, look, wide, chosen)]

    # -- the largest products ---------------------------------------------------------------------

    def tables(self, moment: ViewState, matrices: list[Use], width: int, room: int) -> list[Line]:
        """For each matrix its largest products, all others as one number, and the sum."""
        if moment.hidden or room < 3:
            return []
        each = min(BROAD, width // len(matrices))
        if each < 34:
            matrices, each = matrices[:1], min(BROAD, width)
        told = [self._table(moment, use, each - 1, room) for use in matrices]
        tall = max(map(len, told))
        told = [[*table, *([[]] * (tall - len(table)))] for table in told]
        ink = moment.look.ink
        return [
            [piece for part in row for piece in trimmed(part, each, ink)]
            for row in zip(*told, strict=True)
        ]

    def _table(self, moment: ViewState, use: Use, width: int, room: int) -> list[Line]:
        look, layer, cursor = moment.look, moment.layer, moment.cursor
        name = symbol(use.read, moment.step)
        title = self.say(moment, "largest", read=name, weight=use.weight)
        lines = [heading(title, "", width, look)]
        everything = products(layer, use, cursor.t, cursor.unit)
        count = min(len(everything), MOST, max(1, room - 3))
        found = strongest(everything, count)
        terms = {f"p{n}": p for n, p in enumerate(found.products)}
        if found.rest:
            terms["others"] = found.others
        # With so many digits the terms as printed add up to the sum as printed.
        total = numbers(" + ".join(terms), terms, 0)
        read, weight = read_by(layer, use)[cursor.t], layer.weights[use.weight][:, cursor.unit]
        rows: list[tuple[int, Line]] = []
        for n, k in enumerate(found.inputs):
            values = {"read": float(read[k]), "weight": float(weight[k])}
            done = numbers("read * weight", values, 0, total.digits)
            style = look.now if n == 0 else look.ink
            line = [Segment(fit(done.result, total.digits + 5, ">"), style)]
            middle = Segment("".join(s for s, _ in done.spans) + " = ", look.dim)
            # Numbers are left out whole where there is no room for them, never cut.
            if length([middle, *line]) + len(f" [{k}]") < width:
                line.insert(0, middle)
            rows.append((k, line))
        full = {k: f" {name}[{k}] × {use.weight}[{k},{cursor.unit}]" for k in found.inputs}
        roomy = all(length(line) + len(full[k]) < width for k, line in rows)
        for k, line in rows:
            left = fit(full[k] if roomy else f" [{k}]", width - length(line))
            lines.append([Segment(left, look.source), *line])
        if found.rest:
            said = " " + self.say(moment, "others", n=found.rest)
            number_said = number(found.others, total.digits, True)
            lines.append(self._end(said, number_said, total.digits, width, moment, False))
        said = f" {name}·{use.weight}"
        lines.append(self._end(said, total.result, total.digits, width, moment, True))
        return lines

    def _end(
        self, said: str, value: str, digits: int, width: int, moment: ViewState, total: bool
    ) -> Line:
        look = moment.look
        wide = digits + 5
        style = look.now if total else look.ink
        return [
            Segment(fit(said, width - wide - 2), style),
            Segment("= " if total else "  ", look.dim),
            Segment(fit(value, wide, ">"), style),
        ]

    def made(
        self, moment: ViewState, own: list[Use], gate: str, width: int, roomy: bool
    ) -> list[Line]:
        """The lines that add these products and biases up, and the gate that comes out."""
        layer = moment.layer
        wanted = [use.made for use in own]
        found: list[Formula] = [li for li in layer.lines if li.name in wanted]
        gated = pre_activation(layer, gate)
        found += [line for line in layer.lines if gated in names(line.formula)]
        blocks = [equation(moment, line, width, not roomy) for line in found]
        if roomy:
            pairs = zip(found, blocks, strict=True)
            blocks = [beside(moment, line.name, block, width) for line, block in pairs]
        head = [heading(self.say(moment, "sum"), "", width, moment.look)] if roomy else []
        return [*head, *(line for block in blocks for line in block)]

    # -- in the walk back -------------------------------------------------------------------------

    def growing(
        self, moment: ViewState, own: list[Use], matrices: list[Use], width: int, height: int
    ) -> list[Line]:
        """The gradient that each weight of the column has gathered on the walk back."""
        # Here a token is undone as a whole, whatever part the cursor stands in.
        moment = replace(moment, cursor=replace(moment.cursor, part=0))
        layer, cursor, look = moment.layer, moment.cursor, moment.look
        lines: list[Line] = []
        for use in matrices:
            before, term = column(layer, use, cursor.t, cursor.unit)
            best, top = shared_gradients.entry(moment, use), _top_gradient(layer, use, cursor.unit)
            column_name = f"{use.weight}[:,{cursor.unit}]"
            rows = [
                (f"{column_name}", layer.weights[use.weight][:, cursor.unit],
                 float(np.abs(layer.weights[use.weight]).max())),
                (self.say(moment, "adds"), term, top),
                (self.say(moment, "so_far"), before + term, top),
            ]  # fmt: skip
            for n, (name, values, scale) in enumerate(rows if height >= 14 else rows[2:]):
                style = look.now if n == 2 else None
                lines.append(self._cells(moment, name, values, scale, best, width, style, 3))
            if height >= 22:
                lines.append([])
        title = self.say(moment, "shared") if width >= 90 else moment.text("page.backward.shared")
        head = heading(title, "", width, look, shared_gradients.count_said(moment, own))
        lines += [head, *shared_gradients.table(moment, own, width)]
        room = height - len(lines)
        for use in matrices:
            told = shared_gradients.addition(
                moment, use, shared_gradients.entry(moment, use), width, room < 8
            )
            if len(told) <= height - len(lines):
                lines += told
        first = matrices[0]
        room = height - len(lines) - 1
        return lines + shared_gradients.ledger(
            moment, first, shared_gradients.entry(moment, first), width, room
        )


@lru_cache(maxsize=64)
def _top(layer: LayerTrace, use: Use, unit: int) -> float:
    """The largest product of the column at any token: one scale for the whole text."""
    weight = layer.weights[use.weight][:, unit].astype(np.float64)
    return float(np.abs(read_by(layer, use) * weight).max())


@lru_cache(maxsize=64)
def _top_gradient(layer: LayerTrace, use: Use, unit: int) -> float:
    """The largest entry of the column's whole gradient."""
    return float(np.abs(growth(layer, use).full[:, unit]).max())
