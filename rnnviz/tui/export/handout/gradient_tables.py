"""Backpropagation through time as tables: the gradients of each step, and those of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnviz.analysis.shared_weights import Use, column, growth, sizes, uses, walk
from rnnviz.display import markup, visible
from rnnviz.equations import number
from rnnviz.trace import LayerTrace
from rnnviz.tui.render.segments import cut
from rnnviz.tui.view.view_state import ViewState

#: The most steps of a table; those that the walk comes to first.
MOST_STEPS = 24
#: The most values and the most weights in a row: more do not fit on the width of a sheet in
#: letters of 7.5 points. A weight has two numbers.
MOST_VALUES, MOST_WEIGHTS = 9, 6
#: The most characters of a token in a table.
LONGEST_TOKEN = 16


def gradient_tables(state: ViewState) -> str:
    """The tables of the cursor's layer as HTML, with their captions."""
    return "\n".join([*_steps(state), *_weights(state), _left_out(state)])


def _left_out(state: ViewState) -> str:
    rest = len(state.layer.mask) - MOST_STEPS
    if rest <= 0:
        return ""
    return f"<p>{markup(state.text('handout.steps_left_out', n=rest))}</p>"


def _steps(state: ViewState) -> Iterator[str]:
    """∂L/∂v of each value of the chosen unit at each step, in the order of the walk."""
    layer, unit = state.layer, state.cursor.unit
    names = list(dict.fromkeys(line.name[2:] for line in layer.back))
    names = [name for name in names if name in layer.grads and layer.grads[name].ndim == 2]
    per_unit = [n for n in names if n not in ("x", "h_prev") and unit < layer.grads[n].shape[1]]
    caption = state.text("handout.table_steps", unit=unit, units=layer.units)
    tables = -(-len(per_unit) // MOST_VALUES)
    count = -(-len(per_unit) // tables)
    for start in range(0, len(per_unit), count):
        shown = per_unit[start : start + count]
        head = [state.symbol(f"d_{name}") for name in shown]
        rows = [
            [number(float(layer.grads[name][t, unit]), 3, signed=True) for name in shown]
            for t in _tokens(layer)
        ]
        if start + len(shown) == len(per_unit):
            head += [f"‖{state.symbol('d_h')}‖", f"‖{state.symbol('d_x')}‖"]
            for row, t in zip(rows, _tokens(layer), strict=True):
                row += [number(float(sizes(layer, name)[t])) for name in ("h", "x")]
        yield _table(state, caption, head, rows)


def _weights(state: ViewState) -> Iterator[str]:
    """What each step adds to the gradients of the shared weights, and the sums.

    Of an array of one number it is that number with its sign, else the norm.
    """
    layer = state.layer
    used = uses(layer)
    caption = state.text("handout.table_weights")
    for start in range(0, len(used), MOST_WEIGHTS):
        shown = used[start : start + MOST_WEIGHTS]
        head = [_weight_name(state, use) for use in shown]
        rows = [[text for use in shown for text in _added(layer, use, t)] for t in _tokens(layer)]
        yield _table(state, caption, head, rows, span=2)


def _weight_name(state: ViewState, use: Use) -> str:
    symbol = f"∂L/∂{state.symbol(use.weight)}"
    return symbol if growth(state.layer, use).full.size == 1 else f"‖{symbol}‖"


def _added(layer: LayerTrace, use: Use, t: int) -> tuple[str, str]:
    """The term of token t, and the sum with it."""
    grown, at = growth(layer, use), list(walk(layer)).index(t)
    if grown.full.size == 1:
        before, term = column(layer, use, t, 0)
        values = float(term[0]), float(before[0] + term[0])
        return number(values[0], 3, signed=True), number(values[1], 3, signed=True)
    return f"+{number(float(grown.term[t]))}", number(float(grown.total[at]))


def _tokens(layer: LayerTrace) -> list[int]:
    return list(walk(layer))[:MOST_STEPS]


def _table(
    state: ViewState, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]],
    span: int = 1,
) -> str:  # fmt: skip
    """A row a step, the step read last first; ``span``: the numbers below each heading."""
    wide = f' colspan="{span}"' if span > 1 else ""
    top = "".join(f'<th scope="col"{wide}>{markup(name)}</th>' for name in head)
    body = []
    for t, row in zip(_tokens(state.layer), rows, strict=True):
        token = cut(visible(state.trace.tokens[t]), LONGEST_TOKEN)
        named = f'<th scope="row">{t + 1} · {markup(token)}</th>'
        body.append(f"<tr>{named}{''.join(f'<td>{markup(cell)}</td>' for cell in row)}</tr>")
    step = markup(state.text("handout.step"))
    return (
        f'<table class="numbers"><caption>{markup(caption)}</caption>\n'
        f'<thead><tr><th scope="col">{step}</th>{top}</tr></thead>\n'
        f"<tbody>{''.join(body)}</tbody></table>"
    )
