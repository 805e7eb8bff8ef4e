"""A net by hand on the command line: ``--units`` and ``--set``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnnviz.errors import UsageError
from rnnviz.hand import CELLS, EXAMPLE, MOST, model_of
from rnnviz.hand.friendly import friendly
from rnnviz.hand.typed import edited, inputs

if TYPE_CHECKING:
    from rnnviz.query import Query
    from rnnviz.trace import Trace

F = TypeVar("F", bound=Callable[..., Any])


def switch(model: str, usual: Sequence[str]) -> tuple[str, ...]:
    """The nets behind the keys 1, 2, 3 of the stepper: beside a net by hand its like."""
    by_hand = tuple(model_of(cell) for cell in CELLS)
    return by_hand if model in by_hand else tuple(usual)


def options(f: F) -> F:
    """--units and --set."""
    f = click.option(
        "--set", "edits", multiple=True, metavar="NAME=VALUE",
        help="With --units: a weight, a state before the first token or an x; repeatable.",
    )(f)  # fmt: skip
    return click.option(
        "--units", type=click.IntRange(1, MOST), metavar=f"1..{MOST}",
        help="A net by hand of so many units: TEXT is numbers, every weight is short.",
    )(f)  # fmt: skip


def query(
    units: int | None,
    edits: Sequence[str],
    text: str | None,
    *,
    cell: str | None,
    model: str | None,
    target: str | None,
    random: int | None,
) -> Query:
    """What is asked of the net by hand; UsageError for options that do not go together."""
    from rnnviz.query import Query

    if units is None:
        raise UsageError(
            "--set changes a number of a net by hand; say how many units it has.\n"
            f'Type for example: rnnviz step --units 1 --set {edits[0]!r} "{EXAMPLE}"'
        )
    if model is not None:
        raise UsageError("Give --units (a net by hand) or --model, not both.")
    if cell not in (None, *CELLS):
        raise UsageError(f"A net by hand is one of {', '.join(CELLS)}; --cell {cell} is not.")
    hand = friendly(cell or "lstm", units)
    text = EXAMPLE if text is None else text
    inputs(text)
    for said in edits:
        hand, text = edited(hand, text, said)
    return Query(text, model_of(hand.cell), target, random, hand=hand)


def plain(trace: Trace, lang: str) -> Iterator[str]:
    """The weights and the whole arithmetic of a net by hand; nothing for any other trace."""
    from rnnviz.findings import hand as found
    from rnnviz.texts import text

    hand = found.of_trace(trace)
    if hand is None:
        return
    names = [entry for name in hand.names for entry in hand.entries(name)]
    said = ", ".join(f"{hand.written(e)} = {found.written(hand.value(e))}" for e in names)
    yield text("page.hand.plain_weights", lang, weights=said)
    for t, token in enumerate(trace.tokens):
        for unit in range(hand.units):
            yield text("page.hand.plain_unit", lang, t=t + 1, token=token, unit=unit)
            yield from _lines(trace, t, unit, lang)


def _lines(trace: Trace, t: int, unit: int, lang: str) -> Iterator[str]:
    """The whole arithmetic of a unit at a token; the prediction's after the last unit."""
    from rnnviz.equations import number, symbol
    from rnnviz.findings import hand as found
    from rnnviz.texts import text

    layer, values = trace.layers[0], found.at(trace, t)
    for line in layer.lines:
        held = layer.held(line.name, t, unit)
        if held is not None:
            said = text("page.hand.held", lang, value=number(held))
            yield f"{symbol(line.name, t + 1)}: {said}"
        else:
            worked = found.whole(line.formula, values, unit)
            yield f"{symbol(line.name, t + 1)} = {worked.text}"
    if unit == layer.units - 1:
        for line in found.HEAD:
            yield f"{symbol(line.name, t + 1)} = {found.whole(line.formula, values, 0).text}"
