"""The command line that opens the step screen at a view state."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rnnviz.analysis import toy_net
from rnnviz.analysis.model_family import family_by_cell
from rnnviz.equations import DEFAULT_NOTATION
from rnnviz.query import Query
from rnnviz.toy_net import ToyNet, cell_of, is_toy_net
from rnnviz.toy_net.default_nets import default_net
from rnnviz.toy_net.net_record import CHOICES, OF_CELLS
from rnnviz.tui.pages.compare_cells import CompareCellsState
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import NOTHING, ViewState


def command_line(view_state: ViewState, options: Sequence[str] = ()) -> str:
    """The command, quoted for a POSIX shell; ``options`` are those the app was started with.

    It leads to the same text, model, target, seed, clamps, token, unit, notation, page, second
    sentence and compared cells. There is no option for the layer, the part, the zoom level, and
    what a page remembers besides. Control characters in the text become spaces, which separate
    words as well.
    """
    query, trace, cursor = view_state.query, view_state.trace, view_state.cursor
    if query == NOTHING:
        query = Query(trace.text, trace.model)
    if trace.series is not None:
        query = Query(trace.series.moment, query.model, query.target, query.random, query.clamps)
    words = [*_model(query), *options]
    net = query.hand
    if query.target is not None and (net is None or net.form.head != "linear"):
        words += ["--target", query.target]
    if query.random is not None:
        words += ["--random", str(query.random)]
    for clamp in query.clamps:
        words += ["--clamp", str(clamp)]
    if query.initial:
        words += ["--initial", ",".join(map(str, query.initial))]
    words += ["--at", str(cursor.t + 1)]
    if cursor.unit < trace.layers[0].units:  # the units of the option are those of the first layer
        words += ["--unit", str(cursor.unit)]
    if view_state.notation != DEFAULT_NOTATION:
        words += ["--notation", view_state.notation]
    words += _pages(view_state, query)
    text = _printable(query.text)
    if text == "-":
        text = "- "  # the dash alone stands for the standard input
    words = [_printable(word) for word in words]
    ordered = [*words, "--", text] if text.startswith("-") else [text, *words]
    return shlex.join(["rnnviz", "step", *ordered])


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _model(query: Query) -> Iterator[str]:
    if query.hand is not None:
        yield from _net(query.hand)
    elif is_toy_net(query.model):
        yield from ("--units", "1", "--cell", cell_of(query.model) or "lstm")
    else:
        yield from ("-m", query.model)


def _net(net: ToyNet) -> Iterator[str]:
    """A net by hand: its size, and what differs from the default net of that size."""
    yield from ("--units", str(net.units), "--inputs", str(net.inputs), "--cell", net.cell)
    default = default_net(net.cell, net.units, net.inputs)
    for edit in _edits(net, default):
        yield from ("--set", edit)


def _edits(net: ToyNet, default: ToyNet) -> Iterator[str]:
    form, before = net.form, default.form
    if form.head != before.head:
        yield f"head={form.head}"
    for name in CHOICES:
        value = getattr(form, name)
        if value and value != getattr(before, name) and net.cell in OF_CELLS.get(name, (net.cell,)):
            yield f"{name}={value}"
    if form.target is not None:
        yield f"target={form.target!r}"
    for name in net.names:
        for entry in net.entries(name):
            if net.value(entry) != default.value(entry):
                yield f"{net.written(entry)}={net.value(entry)!r}"


def _pages(view_state: ViewState, query: Query) -> Iterator[str]:
    second = second_sentence.state(view_state)
    compared = view_state.page_state(CompareCellsState).models
    if second.text:
        yield from ("--against", second.text)
    elif query.model in compared:  # the command takes either of the two
        cells = {m: cell for cell, m in family_by_cell(query.model, view_state.others).items()}
        if all(model in cells for model in compared):
            yield from ("--compare", ",".join(cells[model] for model in compared))
    if toy_net.toy_net_of(view_state.trace) is not None or second.text or compared:
        # These open a page by themselves.
        yield from ("--view", view_state.page or "panels")
    elif view_state.page:
        yield from ("--view", view_state.page)
