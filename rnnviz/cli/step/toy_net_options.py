"""A net by hand on the command line: ``--units``, ``--inputs``, ``--net``, ``--set`` and others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnnviz.cli import completions
from rnnviz.cli.options import output_file
from rnnviz.errors import UsageError
from rnnviz.messages import N_, _
from rnnviz.toy_net import CELLS, EXAMPLE, MOST, model_of

if TYPE_CHECKING:
    from rnnviz.query import Query
    from rnnviz.toy_net import ToyNet

F = TypeVar("F", bound=Callable[..., Any])


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
        """Whether a net by hand is asked for: any model has initial states."""
        return replace(self, initial=None) != ToyNetOptions()

    @property
    def changes(self) -> bool:
        """Whether a net is asked for: --save-net alone writes the one that is there."""
        return replace(self, initial=None, save_net=None) != ToyNetOptions()


def options(f: F) -> F:
    """--net, --units, --inputs, --set, --initial and --save-net, together as ``toy_net``."""

    def collect(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        options = ctx.params.get("toy_net", ToyNetOptions())
        ctx.params["toy_net"] = replace(options, **{str(param.name): value})
        return value

    def option(*names: str, **more: Any) -> Callable[[F], F]:
        return click.option(*names, callback=collect, expose_value=False, **more)

    for decorate in (
        option(
            "--save-net",
            type=output_file(),
            metavar="FILE.toml",
            help=N_("Write the net by hand, as it was read, to a file that --net opens."),
        ),
        option(
            "--initial",
            metavar="h=…,c=…",
            help=N_("The states before the first token: one number, or one for each unit."),
        ),
        option(
            "--set",
            "edits",
            multiple=True,
            metavar="NAME=VALUE",
            help=N_(
                "Of a net by hand: a weight, an x, or z=renew, activation=relu, head=linear, "
                "target=0.5 …; a wrong name lists them. Repeatable."
            ),
        ),
        option(
            "--inputs",
            type=click.IntRange(1, MOST),
            metavar=f"1..{MOST}",
            help=N_("Of a net by hand: how many numbers it reads a token."),
        ),
        option(
            "--units",
            type=click.IntRange(1, MOST),
            metavar=f"1..{MOST}",
            help=N_("A net by hand of so many units: TEXT is numbers, every weight is short."),
        ),
        option(
            "--net",
            metavar="FILE.toml",
            shell_complete=completions.nets,
            help=N_(
                "A net by hand from a file, or a shipped one: lstm-2-units; a wrong name lists "
                "them."
            ),
        ),
    ):
        f = decorate(f)
    return f


def query(
    toy_net: ToyNetOptions,
    text: str | None,
    *,
    cell: str | None,
    model: str | None,
    target: str | None,
    random: int | None,
) -> Query:
    """The query of a net by hand; UsageError for options that do not go together."""
    from rnnviz.query import Query
    from rnnviz.toy_net.default_nets import example
    from rnnviz.toy_net.edits import edited
    from rnnviz.toy_net.number_text import input_text, inputs

    if model is not None:
        other = "--net" if toy_net.net is not None else "--units"
        raise UsageError(
            _("Give {other} (a net by hand) or --model, not both.").format(other=other)
        )
    clamps: tuple[Any, ...] = ()
    if toy_net.net is not None:
        from rnnviz.toy_net.net_files import open_net

        _check_net_alone(toy_net, cell)
        net = open_net(toy_net.net)
        hand, clamps = net.hand, net.hold
        if text is None:
            text = example(hand.inputs) if net.x is None else input_text(net.x)
    else:
        hand = _friendly_net(toy_net, cell)
        text = example(hand.inputs) if text is None else text
    inputs(text, hand.inputs)
    for edit in (*toy_net.edits, *_state_edits(toy_net.initial)):
        hand, text = edited(hand, text, edit)
    if target is not None and hand.form.head == "linear":
        (hand, text), target = edited(hand, text, f"target={target}"), None
    return Query(text, model_of(hand.cell), target, random, clamps, hand=hand)


def _friendly_net(toy_net: ToyNetOptions, cell: str | None) -> ToyNet:
    """A net of --units and --cell with easy weights; UsageError without --units."""
    from rnnviz.toy_net.default_nets import default_net

    if toy_net.units is None:
        given = {
            "--set": toy_net.edits and f"--set {toy_net.edits[0]!r}",
            "--inputs": toy_net.inputs and f"--inputs {toy_net.inputs}",
            "--save-net": toy_net.save_net and f"--save-net {toy_net.save_net}",
        }
        name, option = next((k, v) for k, v in given.items() if v)
        raise UsageError(
            _(
                "{name} is of a net by hand; say how many units it has, or which file it is "
                "in (--net).\n"
                'Type for example: rnnviz step --units 1 {option} "{example}"'
            ).format(name=name, option=option, example=EXAMPLE)
        )
    if cell not in (None, *CELLS):
        raise UsageError(
            _("A net by hand is one of {names}; --cell {cell} is not.").format(
                names=", ".join(CELLS), cell=cell
            )
        )
    return default_net(cell or "lstm", toy_net.units, toy_net.inputs or 1)


def _check_net_alone(toy_net: ToyNetOptions, cell: str | None) -> None:
    """UsageError for options that repeat what a net of --net has."""
    for name, value in (("units", toy_net.units), ("inputs", toy_net.inputs), ("cell", cell)):
        if value is not None:
            raise UsageError(
                _(
                    "--net says its {name} itself; leave --{name} out, or change it: --set "
                    "{name}={value}"
                ).format(name=name, value=value)
            )


def _state_edits(initial: str | None) -> list[str]:
    """The edits that ``h=0.1 0.2,c=0.3`` stands for."""
    if initial is None:
        return []
    edits = re.split(r"[,;\s]\s*(?=[A-Za-z]\w*\s*=)", initial.strip())
    for edit in edits:
        if not re.match(r"[hc](\[\d+\])?\s*=", edit):
            raise UsageError(
                _(
                    "--initial {initial!r}: expected h=… and c=…, one number or one for each "
                    "unit, for example h=0.1 or 'h=0.1 0.2,c=0'."
                ).format(initial=initial[:80])
            )
    return edits
