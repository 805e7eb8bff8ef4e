"""Edits of a net by hand as they are typed: ``U_i[0,1]=-1``, ``W_f=[.5 .3]``, ``z=renew``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from rnnviz.errors import UsageError, nearest
from rnnviz.hand import (
    CELLS,
    HEADS,
    MOST,
    Hand,
    Rows,
    Sequence,
    WeightEntry,
    matrices,
    shapes,
    zeros,
)
from rnnviz.hand.document import CHOICES, OF_CELLS, chosen, target
from rnnviz.hand.friendly import example, for_model, friendly
from rnnviz.hand.names import meant
from rnnviz.hand.typed import DECIMAL_COMMA, inputs, number, spoken, table

_EDIT = re.compile(
    r"\s*(\w+)\s*(?:\[\s*(\d{1,6})\s*(?:,\s*(\d{1,6})\s*)?\])?\s*=\s*(.*)", re.ASCII | re.DOTALL
)
_FORM = "Write NAME=VALUE or NAME[INDEX]=VALUE, for example W_f=0.5 or U_i[0,1]=-1."
#: What can be set beside numbers.
SETTINGS = ("cell", "units", "inputs", *CHOICES, "head", "target", "bias")


def changed(hand: Hand, text: str, entry: WeightEntry, value: float) -> tuple[Hand, str]:
    """The net and its text with another number in one place."""
    if entry.name != "x":
        return hand.changed(entry, value), text
    x = [list(row) for row in inputs(text, hand.inputs)]
    x[entry.row][entry.column] = value
    return hand, spoken(tuple(map(tuple, x)))


def edited(hand: Hand, text: str, said: str) -> tuple[Hand, str]:
    """The net and its text after an edit that was typed; UsageError that says what was meant.

    Without an index a number is set in every place of the name, and a list in its order.
    """
    match = _EDIT.fullmatch(said)
    if match is None:
        raise UsageError(f"{_short(said)} is no edit. {_FORM}")
    name, row, column, value = match.groups()
    index = [int(n) for n in (row, column) if n is not None]
    value = value.strip()
    try:
        if name in SETTINGS and not index and not (name == "bias" and _is_list(value)):
            return _set(hand, text, name, value)
        if name not in ("x", *hand.names):
            return _by_other_name(hand, name, index, value), text
        listed = not index and _is_list(value)
        if name == "x" and listed:
            return hand, spoken(inputs(value, hand.inputs))
        if listed:
            return _listed(hand, name, value), text
        to = number(value)
    except (UsageError, ValueError) as error:
        raise UsageError(f"{_short(said)}: {error}") from None
    for entry in _meant(hand, text, said, name, index):
        hand, text = changed(hand, text, entry, to)
    return hand, text


def _is_list(value: str) -> bool:
    return bool(re.search(r"[\s,;|()\[\]{}]", value)) and not DECIMAL_COMMA.fullmatch(value)


def _listed(hand: Hand, name: str, value: str) -> Hand:
    """The net with a whole matrix or vector, laid out as the net's layout says."""
    rows = table(value)
    given: object = rows[0] if len(rows) == 1 and "[[" not in value.replace(" ", "") else rows
    if name in ("h", "c"):
        return hand.having({name: matrices.vector(name, given, hand.units)})
    if name == "W_y":
        return hand.having({name: tuple((v,) for v in matrices.vector(name, given, hand.units)[0])})
    if name == "b_y":
        return hand.having({name: matrices.vector(name, given, 1)})
    form = hand.form
    found = matrices.weights(hand.cell, hand.inputs, hand.units, form.layout, {name: given})
    return hand.having(found)


def _by_other_name(hand: Hand, name: str, index: list[int], value: str) -> Hand:
    """An edit under another name of a weight: ``W_xf``, ``kernel``; ValueError if none has it."""
    if index or meant(hand.cell, name) is None:
        every = ("x", *hand.names, *SETTINGS)
        close = nearest(name, every)
        raise UsageError(
            f"a {hand.cell} by hand has no {name!r}.{close} It has x, {', '.join(hand.names)}; "
            f"and {', '.join(SETTINGS)}."
        )
    return _listed(hand, name, value)


def _meant(hand: Hand, text: str, said: str, name: str, index: list[int]) -> list[WeightEntry]:
    """The entries of a name at an index; all of them without one."""
    if name == "x":
        rows, columns = len(inputs(text, hand.inputs)), hand.inputs
        entries = [WeightEntry("x", t, k) for t in range(rows) for k in range(columns)]
    else:
        rows, columns = len(hand.array(name)), len(hand.array(name)[0])
        entries = list(hand.entries(name))
    if not index:
        return entries
    # A vector needs one index, whichever way it stands in the formula.
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
    raise UsageError(
        f"{said}: {name} has {len(entries)} number{'s' * (len(entries) > 1)}, "
        f"{name}{first}{f' to {name}{last}' if last != first else ''}."
    )


# -- what is no number ----------------------------------------------------------------------------


def _set(hand: Hand, text: str, name: str, value: str) -> tuple[Hand, str]:
    if hand.cell not in OF_CELLS.get(name, CELLS):
        raise UsageError(f"a {hand.cell} has none; it belongs to {' and '.join(OF_CELLS[name])}")
    if name == "loss" and hand.form.head != "linear":
        raise UsageError("a sigmoid head has the log-loss; head=linear has others")
    if name in ("units", "inputs"):
        return _sized(hand, text, name, value)
    if name == "cell":
        if value not in CELLS:
            raise UsageError(f"expected one of {', '.join(CELLS)}.{nearest(value, CELLS)}")
        return for_model(hand, value), text
    if name == "bias":
        rows = ((0.0 if value in ("none", "no", "false") else number(value),) * hand.units,)
        names = [n for n, _ in hand.weights if n.startswith("b") and n != "b_y"]
        return hand.having(dict.fromkeys(names, rows)), text
    if name == "head":
        if value not in HEADS:
            raise UsageError(f"expected {' or '.join(HEADS)}.{nearest(value, HEADS)}")
        form = replace(hand.form, head=value, target=None)
    elif name == "target":
        to = None if value in ("none", "") else number(value)
        form = replace(hand.form, target=target(hand.form.head, to))
    else:
        choice: dict[str, Any] = {name: chosen(name, value)}
        form = replace(hand.form, **choice)
    return replace(hand, form=form), text


def _sized(hand: Hand, text: str, name: str, value: str) -> tuple[Hand, str]:
    if not value.isascii() or not value.isdecimal() or not 1 <= int(value[:6]) <= MOST:
        raise UsageError(f"expected a whole number from 1 to {MOST}")
    count = int(value)
    units, width = (count, hand.inputs) if name == "units" else (hand.units, count)
    return resized(hand, units, width), reread(text, hand.inputs, width)


def resized(hand: Hand, units: int, width: int) -> Hand:
    """The net with other numbers of units and inputs; what it had stays, what is new is 0.

    One that is still as it began becomes the larger or smaller one to begin with.
    """
    if hand == friendly(hand.cell, hand.units, hand.inputs):
        return friendly(hand.cell, units, width)

    def cut(name: str, shape: tuple[int, int]) -> Rows:
        old, (rows, columns) = hand.array(name), shape
        return tuple(
            tuple(old[r][c] if r < len(old) and c < len(old[0]) else 0.0 for c in range(columns))
            for r in range(rows)
        )

    weights = tuple((name, cut(name, shape)) for name, shape in shapes(hand.cell, units, width))
    initial = tuple((name, cut(name, (1, units))) for name, _ in hand.initial)
    return Hand(hand.cell, units, weights, initial, width, hand.form)


def reread(text: str, before: int, width: int) -> str:
    """The text for another number of inputs: each token is cut, or goes on with zeros."""
    if before == width:
        return text
    x = inputs(text, before)
    if text == example(before):
        return example(width)
    cut: Sequence = tuple((*row, *zeros(1, width)[0])[:width] for row in x)
    return spoken(cut)


def _short(said: str) -> str:
    return repr(said) if len(said) <= 80 else repr(said[:77] + "...")
