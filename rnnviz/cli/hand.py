"""A net by hand on the command line: ``--units``, ``--inputs``, ``--net``, ``--set`` and others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnnviz.cli.options import output_file
from rnnviz.errors import UsageError
from rnnviz.hand import CELLS, EXAMPLE, MOST, model_of

if TYPE_CHECKING:
    from rnnviz.hand import Hand
    from rnnviz.query import Query
    from rnnviz.trace import Trace

F = TypeVar("F", bound=Callable[..., Any])


def switch(model: str, usual: Sequence[str]) -> tuple[str, ...]:
    """The nets behind the keys 1, 2, 3 of the stepper: beside a net by hand its like."""
    by_hand = tuple(model_of(cell) for cell in CELLS)
    return by_hand if model in by_hand else tuple(usual)


@dataclass(frozen=True)
class ToyNetOptions:
    """The options of a net by hand."""

    net: str | None = None
    units: int | None = None
    inputs: int | None = None
    edits: tuple[str, ...] = ()
    initial: str | None = None
    save_net: Path | None = None

    def __bool__(self) -> bool:
        return self != ToyNetOptions()

    @property
    def changes(self) -> bool:
        """Whether a net is asked for; what is there can be written without."""
        return replace(self, save_net=None) != ToyNetOptions()


def options(f: F) -> F:
    """--net, --units, --inputs, --set, --initial and --save-net, together as ``by_hand``."""

    def given(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        found = ctx.params.get("by_hand", ToyNetOptions())
        ctx.params["by_hand"] = ToyNetOptions(**{**vars(found), str(param.name): value})
        return value

    def option(*names: str, **more: Any) -> Callable[[F], F]:
        return click.option(*names, callback=given, expose_value=False, **more)

    for decorate in (
        option("--save-net", type=output_file(), metavar="FILE.toml",
               help="Write the net by hand, as it was read, to a file that --net opens."),
        option("--initial", metavar="h=…,c=…",
               help="Of a net by hand: its states before the first token."),
        option("--set", "edits", multiple=True, metavar="NAME=VALUE",
               help="Of a net by hand: a weight, an x, or z=renew, activation=relu, head=linear, "
                    "target=0.5 …; a wrong name lists them. Repeatable."),
        option("--inputs", type=click.IntRange(1, MOST), metavar=f"1..{MOST}",
               help="Of a net by hand: how many numbers it reads a token."),
        option("--units", type=click.IntRange(1, MOST), metavar=f"1..{MOST}",
               help="A net by hand of so many units: TEXT is numbers, every weight is short."),
        option("--net", metavar="FILE.toml",
               help="A net by hand from a file, or a shipped one: lstm-2-units; a wrong name lists "
                    "them."),
    ):  # fmt: skip
        f = decorate(f)
    return f


def query(
    asked: ToyNetOptions,
    text: str | None,
    *,
    cell: str | None,
    model: str | None,
    target: str | None,
    random: int | None,
) -> Query:
    """What is asked of the net by hand; UsageError for options that do not go together."""
    from rnnviz.hand.edits import edited
    from rnnviz.hand.friendly import example
    from rnnviz.hand.typed import inputs, spoken
    from rnnviz.query import Query

    if model is not None:
        other = "--net" if asked.net is not None else "--units"
        raise UsageError(f"Give {other} (a net by hand) or --model, not both.")
    held: tuple[Any, ...] = ()
    if asked.net is not None:
        from rnnviz.hand.files import open_net

        _without(asked, cell)
        net = open_net(asked.net)
        hand, held = net.hand, net.hold
        if text is None:
            text = example(hand.inputs) if net.x is None else spoken(net.x)
    else:
        hand = _begun(asked, cell)
        text = example(hand.inputs) if text is None else text
    inputs(text, hand.inputs)
    for said in (*asked.edits, *_states(asked.initial)):
        hand, text = edited(hand, text, said)
    if target is not None and hand.form.head == "linear":
        (hand, text), target = edited(hand, text, f"target={target}"), None
    return Query(text, model_of(hand.cell), target, random, held, hand=hand)


def _begun(asked: ToyNetOptions, cell: str | None) -> Hand:
    from rnnviz.hand.friendly import friendly

    if asked.units is None:
        given = {
            "--set": asked.edits and f"--set {asked.edits[0]!r}",
            "--initial": asked.initial and f"--initial {asked.initial!r}",
            "--inputs": asked.inputs and f"--inputs {asked.inputs}",
            "--save-net": asked.save_net and f"--save-net {asked.save_net}",
        }
        name, said = next((k, v) for k, v in given.items() if v)
        raise UsageError(
            f"{name} is of a net by hand; say how many units it has, or which file it is in "
            f'(--net).\nType for example: rnnviz step --units 1 {said} "{EXAMPLE}"'
        )
    if cell not in (None, *CELLS):
        raise UsageError(f"A net by hand is one of {', '.join(CELLS)}; --cell {cell} is not.")
    return friendly(cell or "lstm", asked.units, asked.inputs or 1)


def _without(asked: ToyNetOptions, cell: str | None) -> None:
    for name, value in (("units", asked.units), ("inputs", asked.inputs), ("cell", cell)):
        if value is not None:
            raise UsageError(
                f"--net says its {name} itself; leave --{name} out, or change it: "
                f"--set {name}={value}"
            )


def _states(said: str | None) -> list[str]:
    """The edits that ``h=0.1 0.2,c=0.3`` stands for."""
    if said is None:
        return []
    found = re.split(r"[,;\s]\s*(?=[A-Za-z]\w*\s*=)", said.strip())
    for each in found:
        if not re.match(r"[hc](\[\d+\])?\s*=", each):
            raise UsageError(
                f"--initial {said[:80]!r}: expected h=… and c=…, one number or one for each unit, "
                "for example h=0.1 or 'h=0.1 0.2,c=0'."
            )
    return found


def save(trace: Trace, path: Path) -> None:
    """Write the net of a trace with what it read; UsageError where it is none by hand."""
    from rnnviz.analysis.toy_net import net_file_of
    from rnnviz.hand.files import save_net

    found = net_file_of(trace)
    if found is None:
        raise UsageError("--save-net writes a net by hand; this trace is of another model.")
    save_net(path, found)


def plain(trace: Trace, lang: str) -> Iterator[str]:
    """The weights and the whole arithmetic of a net by hand; nothing for any other trace."""
    from rnnviz.analysis import toy_net
    from rnnviz.display import visible
    from rnnviz.i18n import text

    hand = toy_net.toy_net_of(trace)
    if hand is None:
        return
    for said in (hand.form.title, hand.form.source):
        if said:
            yield visible(said)
    names = [entry for name in hand.names for entry in hand.entries(name)]
    said = ", ".join(f"{hand.written(e)} = {toy_net.full_literal(hand.value(e))}" for e in names)
    form = (
        text(f"page.hand.{key}", lang, **values) for key, values in toy_net.convention_texts(trace)
    )
    yield text("page.hand.plain_form", lang, form="; ".join(form))
    yield text("page.hand.plain_weights", lang, weights=said)
    if hand.units > 1:
        yield text("page.hand.plain_index", lang)
    for t, token in enumerate(trace.tokens):
        for unit in range(hand.units):
            yield text("page.hand.plain_unit", lang, t=t + 1, token=token, unit=unit)
            yield from _lines(trace, t, unit, lang)


def _lines(trace: Trace, t: int, unit: int, lang: str) -> Iterator[str]:
    """The whole arithmetic of a unit at a token; the prediction's after the last unit."""
    from rnnviz.analysis import toy_net
    from rnnviz.equations import number, symbol
    from rnnviz.i18n import text

    layer, values = trace.layers[0], toy_net.values_at(trace, t)
    for line in toy_net.lines_at(trace, t):
        if toy_net.is_head_line(line):
            if unit == layer.units - 1:
                worked = toy_net.written_out(line.formula, values, 0)
                yield f"{symbol(line.name, t + 1)} = {worked.text}"
            continue
        held = layer.held(line.name, t, unit)
        if held is not None:
            said = text("page.hand.held", lang, value=number(held))
            yield f"{symbol(line.name, t + 1)}: {said}"
        else:
            worked = toy_net.written_out(line.formula, values, unit)
            yield f"{symbol(line.name, t + 1)} = {worked.text}"
