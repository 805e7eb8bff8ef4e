"""Typed edits of a toy net: ``U_i[0,1]=-1``, ``W_f=[.5 .3]``, ``z=renew``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _
from rnnviz.toy_net import (
    CELLS,
    HEADS,
    MOST,
    Rows,
    Sequence,
    ToyNet,
    WeightEntry,
    shapes,
    weight_layouts,
    zeros,
)
from rnnviz.toy_net.default_nets import default_net, example, for_model
from rnnviz.toy_net.net_record import CHOICES, OF_CELLS, chosen, target
from rnnviz.toy_net.number_text import DECIMAL_COMMA, input_text, inputs, number, table
from rnnviz.toy_net.weight_names import parse_weight_name

_EDIT = re.compile(
    r"\s*(\w+)\s*(?:\[\s*(\d{1,6})\s*(?:,\s*(\d{1,6})\s*)?\])?\s*=\s*(.*)", re.ASCII | re.DOTALL
)
#: Settings that can be edited beside numbers.
SETTINGS = ("cell", "units", "inputs", *CHOICES, "head", "target", "bias")


def changed(net: ToyNet, text: str, entry: WeightEntry, value: float) -> tuple[ToyNet, str]:
    """The net and its text with one number changed."""
    if entry.name != "x":
        return net.changed(entry, value), text
    x = [list(row) for row in inputs(text, net.inputs)]
    x[entry.row][entry.column] = value
    return net, input_text(tuple(map(tuple, x)))


def edited(net: ToyNet, text: str, typed: str) -> tuple[ToyNet, str]:
    """The net and its text after a typed edit; UsageError if it is invalid.

    Without an index, a number is set in all entries of the name, and a list fills them in order.
    """
    match = _EDIT.fullmatch(typed)
    if match is None:
        raise UsageError(
            _(
                "{typed} is not an edit. Write NAME=VALUE or NAME[INDEX]=VALUE, for example "
                "W_f=0.5 or U_i[0,1]=-1."
            ).format(typed=_short(typed))
        )
    name, row, column, value = match.groups()
    index = [int(n) for n in (row, column) if n is not None]
    value = value.strip()
    try:
        if name in SETTINGS and not index and not (name == "bias" and _is_list(value)):
            return _set(net, text, name, value)
        if name not in ("x", *net.names):
            return _by_other_name(net, name, index, value), text
        listed = not index and _is_list(value)
        if name == "x" and listed:
            return net, input_text(inputs(value, net.inputs))
        if listed:
            return _listed(net, name, value), text
        to = number(value)
    except (UsageError, ValueError) as error:
        raise UsageError(f"{_short(typed)}: {error}") from None
    for entry in _entries_at(net, text, typed, name, index):
        net, text = changed(net, text, entry, to)
    return net, text


def _is_list(value: str) -> bool:
    return bool(re.search(r"[\s,;|()\[\]{}]", value)) and not DECIMAL_COMMA.fullmatch(value)


def _listed(net: ToyNet, name: str, value: str) -> ToyNet:
    """The net with a whole matrix or vector replaced, given in the net's layout."""
    rows = table(value)
    given: object = rows[0] if len(rows) == 1 and "[[" not in value.replace(" ", "") else rows
    if name in ("h", "c"):
        return net.having({name: weight_layouts.vector(name, given, net.units)})
    if name == "W_y":
        return net.having(
            {name: tuple((v,) for v in weight_layouts.vector(name, given, net.units)[0])}
        )
    if name == "b_y":
        return net.having({name: weight_layouts.vector(name, given, 1)})
    form = net.form
    found = weight_layouts.from_layout(net.cell, net.inputs, net.units, form.layout, {name: given})
    return net.having(found)


def _by_other_name(net: ToyNet, name: str, index: list[int], value: str) -> ToyNet:
    """The net after an edit of a weight by a synonym: ``W_xf``, ``kernel``."""
    if index or parse_weight_name(net.cell, name) is None:
        every = ("x", *net.names, *SETTINGS)
        close = nearest(name, every)
        raise UsageError(
            _("a {cell} by hand has no {name!r}.{close} It has x, {names}; and {settings}.").format(
                cell=net.cell,
                name=name,
                close=close,
                names=", ".join(net.names),
                settings=", ".join(SETTINGS),
            )
        )
    return _listed(net, name, value)


def _entries_at(
    net: ToyNet, text: str, typed: str, name: str, index: list[int]
) -> list[WeightEntry]:
    """The entries of a name at an index; all entries without an index."""
    if name == "x":
        rows, columns = len(inputs(text, net.inputs)), net.inputs
        entries = [WeightEntry("x", t, k) for t in range(rows) for k in range(columns)]
    else:
        rows, columns = len(net.array(name)), len(net.array(name)[0])
        entries = list(net.entries(name))
    if not index:
        return entries
    # A vector takes one index, whether it is a row or a column in the formula.
    short = max(rows, columns) if 1 in (rows, columns) and (name != "x" or columns == 1) else None
    for entry in entries:
        if index == [entry.row, entry.column]:
            return [entry]
        if short and index == [max(entry.row, entry.column)]:
            return [entry]
    if name == "x" and columns > 1 and len(index) == 1 and index[0] < rows:
        return [entry for entry in entries if entry.row == index[0]]
    last = f"[{short - 1}]" if short else f"[{rows - 1},{columns - 1}]"
    first = "[0]" if short else "[0,0]"
    if last == first:
        raise UsageError(
            _("{typed}: {name} has 1 number, {name}{first}.").format(
                typed=typed, name=name, first=first
            )
        )
    raise UsageError(
        _("{typed}: {name} has {count} numbers, {name}{first} to {name}{last}.").format(
            typed=typed, name=name, count=len(entries), first=first, last=last
        )
    )


# -- settings -------------------------------------------------------------------------------------


def _set(net: ToyNet, text: str, name: str, value: str) -> tuple[ToyNet, str]:
    if net.cell not in OF_CELLS.get(name, CELLS):
        cells = _(" and ").join(OF_CELLS[name])
        raise UsageError(
            _("a {cell} does not have it; it belongs to {cells}").format(cell=net.cell, cells=cells)
        )
    if name == "loss" and net.form.head != "linear":
        raise UsageError(_("a sigmoid head has the log-loss; head=linear has others"))
    if name in ("units", "inputs"):
        return _sized(net, text, name, value)
    if name == "cell":
        if value not in CELLS:
            raise UsageError(
                _("expected one of {cells}.{hint}").format(
                    cells=", ".join(CELLS), hint=nearest(value, CELLS)
                )
            )
        return for_model(net, value), text
    if name == "bias":
        rows = ((0.0 if value in ("none", "no", "false") else number(value),) * net.units,)
        names = [n for n, _ in net.weights if n.startswith("b") and n != "b_y"]
        return net.having(dict.fromkeys(names, rows)), text
    if name == "head":
        if value not in HEADS:
            raise UsageError(
                _("expected {heads}.{hint}").format(
                    heads=_(" or ").join(HEADS), hint=nearest(value, HEADS)
                )
            )
        form = replace(net.form, head=value, target=None)
    elif name == "target":
        to = None if value in ("none", "") else number(value)
        form = replace(net.form, target=target(net.form.head, to))
    else:
        choice: dict[str, Any] = {name: chosen(name, value)}
        form = replace(net.form, **choice)
    return replace(net, form=form), text


def _sized(net: ToyNet, text: str, name: str, value: str) -> tuple[ToyNet, str]:
    if not value.isascii() or not value.isdecimal() or not 1 <= int(value[:6]) <= MOST:
        raise UsageError(_("expected a whole number from 1 to {most}").format(most=MOST))
    count = int(value)
    units, width = (count, net.inputs) if name == "units" else (net.units, count)
    return resized(net, units, width), resized_text(text, net.inputs, width)


def resized(net: ToyNet, units: int, width: int) -> ToyNet:
    """The net with another number of units and inputs; weights are kept, new ones are 0.

    A default net becomes the default net of the new size.
    """
    if net == default_net(net.cell, net.units, net.inputs):
        return default_net(net.cell, units, width)

    def cut(name: str, shape: tuple[int, int]) -> Rows:
        old, (rows, columns) = net.array(name), shape
        return tuple(
            tuple(old[r][c] if r < len(old) and c < len(old[0]) else 0.0 for c in range(columns))
            for r in range(rows)
        )

    weights = tuple((name, cut(name, shape)) for name, shape in shapes(net.cell, units, width))
    initial = tuple((name, cut(name, (1, units))) for name, _ in net.initial)
    return ToyNet(net.cell, units, weights, initial, width, net.form)


def resized_text(text: str, before: int, width: int) -> str:
    """The text for another number of inputs: tokens are truncated or extended with zeros."""
    if before == width:
        return text
    x = inputs(text, before)
    if text == example(before):
        return example(width)
    cut: Sequence = tuple((*row, *zeros(1, width)[0])[:width] for row in x)
    return input_text(cut)


def _short(typed: str) -> str:
    return repr(typed) if len(typed) <= 80 else repr(typed[:77] + "...")
