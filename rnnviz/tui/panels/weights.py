"""The weights panel: the strongest weights into the chosen unit, and what each adds now."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.arrays import Array
from rnnviz.equations import Product, number, numbers, terms
from rnnviz.tui.render.segments import Line, fit, heading, length, wrapped
from rnnviz.tui.view.view_state import ViewState, weight_names
from rnnviz.tui.view.widget import View

#: Columns of "h₃[31] −0.94": a weight in a list without products.
SHORT = 15


class WeightsView(View):
    """The strongest weights of the matrices used last, up to the current part."""

    def lines(self, view_state: ViewState, width: int, height: int) -> list[Line]:
        title, question = view_state.text("panel.weights"), view_state.text("question.weights")
        note = view_state.text("panel.unit", n=view_state.cursor.unit)
        lines = [heading(title, question, width, view_state.theme, note)]
        parts = view_state.layer.parts[: view_state.cursor.part + 1]
        used = [line for line in view_state.layer.lines if line.part in parts]
        used = [line for line in used if weight_names(line)]
        if not used:
            return lines
        products = [term for term in terms(used[-1].formula) if isinstance(term, Product)]
        # The same number of lines for each matrix, whatever is in it.
        each = (height - 1) // max(1, len(products))
        for product in products:
            lines += matrix_lines(view_state, product, width, each)
        return lines


def matrix_lines(view_state: ViewState, product: Product, width: int, height: int) -> list[Line]:
    """The strongest weights of one matrix, a line each: the weight, its input, and the product.

    In few lines several weights stand in a line, without their products.
    """
    theme, unit = view_state.theme, view_state.cursor.unit
    column = np.asarray(view_state.layer.weights[product.weight][:, unit], np.float64)
    source = view_state.symbol(product.value, view_state.step)
    written = view_state.symbol(product.weight)
    named = {"name": written, "source": source, "n": len(column)}
    labels = [view_state.text(f"view.weights_{form}", **named) for form in ("of", "short")]
    label = next((text for text in labels if cell_len(text) < width), labels[-1])
    lines: list[Line] = [[Segment(" " + label, theme.dim)]]
    values = _values(view_state, product.value)
    if values is not None and not values.any():
        text = view_state.text("view.weights_zero", source=source, name=written)
        lines += [[Segment(" " + s, theme.source)] for s in wrapped(text, width - 2)]
    order = np.argsort(-np.abs(column), kind="stable")
    room = height - len(lines)
    if room < min(4, len(column)) or values is None:
        return lines + _list(view_state, source, column, order, width, max(1, room))
    top = float(np.abs(column).max()) or 1.0
    for k in order[:room]:
        lines.append(_row(view_state, f"{source}[{k}]", column[k], values[k], top, width))
    return lines


def _values(view_state: ViewState, name: str) -> Array | None:
    """What the matrix multiplies at this token; None while it is hidden."""
    if view_state.part_hidden and not (name == "x" or name.endswith("_prev")):
        return None
    return np.asarray(view_state.layer.at(view_state.cursor.t)[name], np.float64)


def _row(
    view_state: ViewState, name: str, weight: float, value: float, top: float, width: int
) -> Line:
    """``x₄[22] −1.0670 × −0.3505 = +0.374`` and a bar of the weight's size."""
    theme = view_state.theme
    # As many digits as it takes for the product as printed to be the product of what is printed.
    digits = numbers("w * v", {"w": weight, "v": value}, 0).digits
    line = [
        Segment(f"  {name:<8}", theme.dim),
        Segment(number(weight, digits, True), theme.ink),
        Segment(f" × {number(value, digits, True)}", theme.source),
        Segment(f" = {number(weight * value, 3, True)}", theme.now),
    ]
    room = width - 42
    if room >= 6:
        style = theme.above if weight > 0 else theme.below
        gap = Segment(" " * max(1, 42 - length(line)))
        line += [gap, Segment("█" * round(room * abs(weight) / top), style)]
    return line


def _list(
    view_state: ViewState, source: str, column: Array, order: Array, width: int, room: int
) -> list[Line]:
    """Weights without products, as many as ``room`` lines have room for."""
    each = max(1, (width - 2) // SHORT)
    lines: list[Line] = []
    for first in range(0, min(len(order), each * min(room, 3)), each):
        found = [
            fit(f"{source}[{k}] {number(column[k], 2, True)}", SHORT)
            for k in order[first : first + each]
        ]
        lines.append([Segment("  " + "".join(found), view_state.theme.ink)])
    return lines
