"""The options of ``inspect``, ``models import`` and ``step -m FILE``: what files do not say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rnnviz.interop.contents import ImportOptions

F = TypeVar("F", bound=Callable[..., Any])

#: The names of the parameters that these options give a command.
NAMES = (
    "activation", "gate_activation", "reset_after", "head", "output", "dense_activation",
    "update", "concat", "config",
)  # fmt: skip

_OPTIONS = (
    click.option("--activation", metavar="NAME",
                 help="The activation of the states: tanh, relu … (PyTorch's nonlinearity)."),
    click.option("--gate-activation", metavar="NAME",
                 help="The activation of the gates: sigmoid, hard_sigmoid …"),
    click.option("--reset-after/--reset-before", "reset_after", default=None,
                 help="Where the reset gate of a GRU acts."),
    click.option("--head", type=click.Choice(["last", "end", "steps", "none"]),
                 help="What the dense layers read: the last states, the outputs at the last token, "
                 "those of every step; none: leave them out."),
    click.option("--output", metavar="NAME",
                 help="The activation of the last dense layer: sigmoid, softmax, linear …"),
    click.option("--dense-activation", metavar="NAME",
                 help="The activation of the dense layers before the last one."),
    click.option("--update", type=click.Choice(["keeps", "renews"]),
                 help="Whether z of a GRU is the share of the old state or of the new one."),
    click.option("--concat", type=click.Choice(["hx", "xh"]),
                 help="The order in matrices on h and x side by side."),
    click.option("--config", type=click.Path(path_type=Path),
                 help="A JSON file with the architecture of a file of weights alone."),
)  # fmt: skip


def import_options(command: F) -> F:
    """Add the options of ``ImportOptions`` to a command; ``to_import_options`` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def to_import_options(said: dict[str, Any]) -> ImportOptions:
    """The options of a command as ``ImportOptions``; other parameters are left alone."""
    from rnnviz.interop.contents import ImportOptions

    return ImportOptions(**{name: said[name] for name in NAMES if said.get(name) is not None})
