"""Page of weights: one gate's weights into the chosen unit and their products at this token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.shared_weights import (
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
from rnnviz.equations import DEFAULT_NOTATION, names, number, numbers
from rnnviz.equations import Line as Formula
from rnnviz.query import Question
from rnnviz.trace import LayerTrace
from rnnviz.tui.pages import conclusions, shared_gradients
from rnnviz.tui.panels.equations import beside, equation, reading
from rnnviz.tui.render.segments import Line, fit, heading, heat, length, trimmed, window, wrapped
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.page import Change, Page
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState

LABEL = 12  # columns of a strip's name, at least
MOST = 8  # products in a table
MOST_TALL = 20  # in a high terminal
TALL = 30  # lines from which a table is higher
BROAD = 66  # columns of their table
BARRED = 88  # columns of a table with a bar for each product
BAR = 20  # columns of the longest bar
SUM = 9  # columns of a strip's sum


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
    actions = ("next",)

    def press(self, view_state: ViewState, key: str) -> Change:
        names = gates(view_state.layer)
        gate = names[(names.index(self.gate(view_state)) + 1) % len(names)]
        return Change(WeightsState(view_state.layer.cell, view_state.cursor.part, gate))

    def conclusion(self, view_state: ViewState) -> Sequence[Clause]:
        return conclusions.weights(view_state, self.gate(view_state))

    def conclusion_questions(self, view_state: ViewState) -> Sequence[Question]:
        return conclusions.gate_queries(view_state, self.gate(view_state))

    def gate(self, view_state: ViewState) -> str:
        """The chosen gate until the part changes, else the gate of the part."""
        state = view_state.page_state(WeightsState)
        if (state.cell, state.part) == (view_state.layer.cell, view_state.cursor.part):
            return state.gate
        return gate_at(view_state.layer, view_state.cursor.part)

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        gate = self.gate(view_state)
        own = [
            use for use in uses(view_state.layer) if gate_of(view_state.layer, use.weight) == gate
        ]
        word = view_state.word("name", gate) if gate else ""
        note = f"{view_state.symbol(gate)} {word} · ".lstrip() if gate else ""
        lines = [
            self.head(
                view_state, width, note + view_state.text("panel.unit", n=view_state.cursor.unit)
            )
        ]
        if height >= 20:
            lines += self._source(view_state, width)
        matrices = [use for use in own if use.read]
        if view_state.backward and view_state.hidden:
            hidden = wrapped(view_state.text("page.backward.hidden"), width - 2)
            return [*lines, *([Segment(f" {line}", view_state.theme.dim)] for line in hidden)]
        if view_state.backward:
            return lines + self.growing(view_state, own, matrices, width, height - len(lines))
        ends = self.made(view_state, own, gate, width, height >= 20)
        room = height - len(lines) - len(ends)
        each = 3 if room >= 3 * len(matrices) + 4 else 1
        for use in matrices:
            lines += self.strip(view_state, use, matrices, width, each)
            if room >= 4 * len(matrices) + 8:
                lines.append([])
        room = height - len(lines) - len(ends)
        products = self.tables(view_state, matrices, width, room)
        return [*lines, *products, *([[]] * (room - len(products)))[:1], *ends]

    def _source(self, view_state: ViewState, width: int) -> list[Line]:
        """The origin of x: for text, the token of the embedding."""
        return [
            [Segment(piece.text, view_state.theme.dim) for piece in line]
            for line in reading(view_state, width)[0][:-1]
        ]

    # -- strips -----------------------------------------------------------------------------------

    def strip(
        self, view_state: ViewState, use: Use, matrices: list[Use], width: int, each: int
    ) -> list[Line]:
        """One column of weights; below it the inputs and the products."""
        theme, layer, cursor = view_state.theme, view_state.layer, view_state.cursor
        own = products(layer, use, cursor.t, cursor.unit)
        # The largest product would reveal the hidden answer.
        marked = own.any() and not view_state.part_hidden
        best = int(np.argmax(np.abs(own))) if marked else None
        weight = layer.weights[use.weight]
        lines = [
            self._cells(view_state, layer.entry(use.weight, ":", cursor.unit),
                        weight[:, cursor.unit], float(np.abs(weight).max()), best, width)
        ]  # fmt: skip
        if each < 3:
            return lines
        read = read_by(layer, use)
        name = view_state.symbol(use.read, view_state.step)
        top = max(_top(layer, u, cursor.unit) for u in matrices)
        lines.append(
            self._cells(view_state, name, read[cursor.t], float(np.abs(read).max()), best, width)
        )
        if view_state.part_hidden:
            return [*lines, [Segment(f" {fit('×', _label(view_state) - 1)}?", theme.now)]]
        product = layer.product(name, use.weight)
        row = self._cells(view_state, product, own, top, best, width, theme.now)
        total = Segment(f" = {number(float(own.sum()), 3, True)}", theme.now)
        return [*lines, [*row, total]]

    def _cells(
        self, view_state: ViewState, name: str, values: Array, top: float, best: int | None,
        width: int, style: object = None, widest: int = 6,
    ) -> Line:  # fmt: skip
        theme = view_state.theme
        label_width = _label(view_state)
        room = width - label_width - SUM - 4
        # Draw numbers only in few cells: many would send too many bytes per token.
        wide = max(1, min(widest if len(values) <= 16 else 3, room // len(values)))
        count = min(len(values), room // wide)
        first = window(len(values), best or 0, count)
        part, chosen = values[first : first + count], None if best is None else best - first
        label = Segment(fit(f" {name}", label_width), theme.bold if style is None else theme.now)
        return [label, *heat(part, top or 1.0, False, theme, wide, chosen)]

    # -- the largest products ---------------------------------------------------------------------

    def tables(
        self, view_state: ViewState, matrices: list[Use], width: int, room: int
    ) -> list[Line]:
        """For each matrix its largest products, the sum of the others, and the total."""
        if view_state.part_hidden or room < 3:
            return []
        each = width // len(matrices)
        each = each if each >= BARRED else min(BROAD, each)
        if each < 34:
            matrices, each = matrices[:1], min(BROAD, width)
        barred = BAR + 1 if each >= BARRED else 0
        columns = [self._table(view_state, use, each - 1, room, barred) for use in matrices]
        tall = max(map(len, columns))
        columns = [[*table, *([[]] * (tall - len(table)))] for table in columns]
        ink = view_state.theme.ink
        return [
            [piece for part in row for piece in trimmed(part, each, ink)]
            for row in zip(*columns, strict=True)
        ]

    def _table(
        self, view_state: ViewState, use: Use, width: int, room: int, barred: int
    ) -> list[Line]:
        """The largest products, with bars in the last ``barred`` columns, and their sum."""
        theme, layer, cursor = view_state.theme, view_state.layer, view_state.cursor
        name = view_state.symbol(use.read, view_state.step)
        if not read_by(layer, use)[cursor.t].any():
            return self._nothing_read(view_state, use, name, width)
        title = self.page_text(view_state, "largest", read=name, weight=layer.symbol(use.weight))
        lines = [heading(title, "", width, theme)]
        width -= barred
        everything = products(layer, use, cursor.t, cursor.unit)
        most = MOST_TALL if room >= TALL - 8 else MOST
        count = min(len(everything), most, max(1, room - 3))
        largest = strongest(everything, count)
        terms = {f"p{n}": p for n, p in enumerate(largest.products)}
        if largest.rest:
            terms["others"] = largest.others
        # Enough digits that the printed terms add up to the printed sum.
        total = numbers(" + ".join(terms), terms, 0)
        read, weight = read_by(layer, use)[cursor.t], layer.weights[use.weight][:, cursor.unit]
        rows: list[tuple[int, Line]] = []
        for n, k in enumerate(largest.inputs):
            values = {"read": float(read[k]), "weight": float(weight[k])}
            arithmetic = numbers("read * weight", values, 0, total.digits)
            style = theme.now if n == 0 else theme.ink
            line = [Segment(fit(arithmetic.result, total.digits + 5, ">"), style)]
            middle = Segment("".join(s for s, _ in arithmetic.spans) + " = ", theme.dim)
            # Leave out numbers that do not fit: a truncated number would be wrong.
            if length([middle, *line]) + len(f" [{k}]") < width:
                line.insert(0, middle)
            rows.append((k, line))
        full = {
            k: f" {name}[{k}] × {layer.entry(use.weight, k, cursor.unit)}" for k in largest.inputs
        }
        roomy = all(length(line) + cell_len(full[k]) < width for k, line in rows)
        for k, line in rows:
            left = fit(full[k] if roomy else f" [{k}]", width - length(line))
            lines.append([Segment(left, theme.source), *line])
            if barred:
                lines[-1].append(_bar(everything[k], everything, theme))
        if largest.rest:
            row_label = " " + self.page_text(view_state, "others", n=largest.rest)
            number_said = number(largest.others, total.digits, True)
            lines.append(self._end(row_label, number_said, total.digits, width, view_state, False))
        row_label = f" {layer.product(name, use.weight)}"
        lines.append(self._end(row_label, total.result, total.digits, width, view_state, True))
        return lines

    def _nothing_read(self, view_state: ViewState, use: Use, name: str, width: int) -> list[Line]:
        """In place of products that are all 0: why they are, and that the weight adds nothing."""
        layer = view_state.layer
        begun = any(state.any() for state in layer.initial.values())
        first = view_state.cursor.t == layer.order[0] and use.read != "x" and not begun
        key = "nothing_before" if first else "nothing_here"
        text = self.page_text(view_state, key, read=name, weight=layer.symbol(use.weight))
        head = heading(f"{layer.product(name, use.weight)} = 0", "", width, view_state.theme)
        return [head, *([Segment(f" {s}", view_state.theme.now)] for s in wrapped(text, width - 2))]

    def _end(
        self, label: str, value: str, digits: int, width: int, view_state: ViewState, total: bool
    ) -> Line:
        theme = view_state.theme
        wide = digits + 5
        style = theme.now if total else theme.ink
        return [
            Segment(fit(label, width - wide - 2), style),
            Segment("= " if total else "  ", theme.dim),
            Segment(fit(value, wide, ">"), style),
        ]

    def made(
        self, view_state: ViewState, own: list[Use], gate: str, width: int, roomy: bool
    ) -> list[Line]:
        """The equations that sum these products and biases, and the resulting gate."""
        layer = view_state.layer
        wanted = [use.made for use in own]
        equations: list[Formula] = [li for li in layer.lines if li.name in wanted]
        gated = pre_activation(layer, gate)
        equations += [line for line in layer.lines if gated in names(line.formula)]
        blocks = [equation(view_state, line, width, not roomy) for line in equations]
        if roomy:
            pairs = zip(equations, blocks, strict=True)
            blocks = [beside(view_state, line.name, block, width) for line, block in pairs]
        head = (
            [heading(self.page_text(view_state, "sum"), "", width, view_state.theme)]
            if roomy
            else []
        )
        return [*head, *(line for block in blocks for line in block)]

    # -- backward pass ----------------------------------------------------------------------------

    def growing(
        self, view_state: ViewState, own: list[Use], matrices: list[Use], width: int, height: int
    ) -> list[Line]:
        """The gradients of the column's weights, summed over the backward pass so far."""
        # A token is processed as a whole, whatever part the cursor is in.
        view_state = replace(view_state, cursor=replace(view_state.cursor, part=0))
        layer, cursor, theme = view_state.layer, view_state.cursor, view_state.theme
        lines: list[Line] = []
        for use in matrices:
            before, term = column(layer, use, cursor.t, cursor.unit)
            best, top = (
                shared_gradients.entry(view_state, use),
                _top_gradient(layer, use, cursor.unit),
            )
            column_name = layer.entry(use.weight, ":", cursor.unit)
            rows = [
                (f"{column_name}", layer.weights[use.weight][:, cursor.unit],
                 float(np.abs(layer.weights[use.weight]).max())),
                (self.page_text(view_state, "adds"), term, top),
                (self.page_text(view_state, "so_far"), before + term, top),
            ]  # fmt: skip
            for n, (name, values, scale) in enumerate(rows if height >= 14 else rows[2:]):
                style = theme.now if n == 2 else None
                lines.append(self._cells(view_state, name, values, scale, best, width, style, 3))
            if height >= 22:
                lines.append([])
        title = (
            self.page_text(view_state, "shared")
            if width >= 90
            else view_state.text("page.backward.shared")
        )
        notes = shared_gradients.additions_texts(view_state, own)
        note = next((n for n in notes if cell_len(title + n) + 4 <= width), notes[-1])
        head = heading(title, "", width, theme, note)
        lines += [head, *shared_gradients.table(view_state, own, width)]
        room = height - len(lines)
        for use in matrices:
            arithmetic = shared_gradients.addition(
                view_state, use, shared_gradients.entry(view_state, use), width, room < 8
            )
            if len(arithmetic) <= height - len(lines):
                lines += arithmetic
        first = matrices[0]
        room = height - len(lines) - 1
        return lines + shared_gradients.ledger(
            view_state, first, shared_gradients.entry(view_state, first), width, room
        )


def _bar(product: float, products: Array, theme: ViewTheme) -> Segment:
    """A bar for a product; the largest of ``products`` fills it."""
    share = abs(float(product)) / (float(np.abs(products).max()) or 1.0)
    style = theme.above if product > 0 else theme.below
    return Segment(" " + shared_gradients.blocks(share, BAR), style)


@lru_cache(maxsize=64)
def _label(view_state: ViewState) -> int:
    """Columns of the names of strips: a notation may have long ones."""
    layer, unit = view_state.layer, view_state.cursor.unit
    entries = (layer.entry(use.weight, ":", unit) for use in uses(layer) if use.read)
    longest = max(cell_len(entry) for entry in entries)
    return LABEL if layer.table.notation == DEFAULT_NOTATION else max(LABEL, longest + 2)


def _top(layer: LayerTrace, use: Use, unit: int) -> float:
    """The largest product of the column at any token: the scale for the whole text."""
    weight = layer.weights[use.weight][:, unit].astype(np.float64)
    return float(np.abs(read_by(layer, use) * weight).max())


@lru_cache(maxsize=64)
def _top_gradient(layer: LayerTrace, use: Use, unit: int) -> float:
    """The largest entry of the column's total gradient."""
    return float(np.abs(growth(layer, use).full[:, unit]).max())
