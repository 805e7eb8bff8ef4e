"""The options of ``inspect``, ``models import`` and ``step -m FILE``: what files do not say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rnnviz.cli import completions
from rnnviz.cli.commands import Choice
from rnnviz.import_settings import SETTINGS, ImportSettings
from rnnviz.messages import N_

if TYPE_CHECKING:
    from rnnviz.interop.contents import ImportOptions

F = TypeVar("F", bound=Callable[..., Any])

#: The names of the parameters that these options give a command.
NAMES = (
    "activation", "gate_activation", "reset_after", "head", "output", "dense_activation",
    "update", "concat", "config",
)  # fmt: skip

_OPTIONS = (
    click.option(
        "--activation",
        metavar="NAME",
        shell_complete=completions.activations,
        help=N_("The activation of the states: tanh, relu … (PyTorch's nonlinearity)."),
    ),
    click.option(
        "--gate-activation",
        metavar="NAME",
        shell_complete=completions.activations,
        help=N_("The activation of the gates: sigmoid, hard_sigmoid …"),
    ),
    click.option(
        "--reset-after/--reset-before",
        "reset_after",
        default=None,
        help=N_("Where the reset gate of a GRU acts."),
    ),
    click.option(
        "--head",
        type=Choice(("last", "end", "steps", "none")),
        help=N_(
            "What the dense layers read: the last states, the outputs at the last token, "
            "those of every step; none: leave them out."
        ),
    ),
    click.option(
        "--output",
        metavar="NAME",
        shell_complete=completions.activations,
        help=N_("The activation of the last dense layer: sigmoid, softmax, linear …"),
    ),
    click.option(
        "--dense-activation",
        metavar="NAME",
        shell_complete=completions.activations,
        help=N_("The activation of the dense layers before the last one."),
    ),
    click.option(
        "--update",
        type=Choice(("keeps", "renews")),
        help=N_("Whether z of a GRU is the share of the old state or of the new one."),
    ),
    click.option(
        "--concat",
        type=Choice(("hx", "xh")),
        help=N_("The order in matrices on h and x side by side."),
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help=N_("A JSON file with the architecture of a file of weights alone."),
    ),
)


def import_options(command: F) -> F:
    """Add the options of ``ImportOptions`` to a command; ``to_import_options`` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def to_import_options(said: dict[str, Any]) -> ImportOptions:
    """The options of a command as ``ImportOptions``; other parameters are left alone."""
    from rnnviz.interop.contents import ImportOptions

    return ImportOptions(**{name: said[name] for name in NAMES if said.get(name) is not None})


_MODEL_OPTIONS = (
    click.option("--part", metavar="NAME", shell_complete=completions.parts,
                 help=N_("Of a file with several nets: the one that ends in this layer; a wrong "
                    "name lists them.")),
    click.option("--vocab", metavar="FILE",
                 help=N_("The words by id: one a line, or JSON (a list, words with ids, a Keras "
                    "Tokenizer).")),
    click.option("--vocab-offset", metavar="N",
                 help=N_("Added to the ids of --vocab: 3 for Keras's IMDB word index.")),
    click.option("--tokenizer", metavar="NAME", shell_complete=completions.tokenizers,
                 help=N_("How texts are cut: words, keras, vectorization, characters or spaces.")),
    click.option("--labels", metavar="A,B,…", help=N_("The names of the outputs.")),
    click.option("--length", metavar="N",
                 help=N_("Pad texts to so many tokens, for nets that read their padding.")),
    click.option("--padding", type=Choice(("front", "end")),
                 help=N_("Where the padding of --length stands.")),
)  # fmt: skip

#: The options that ``step --help`` lists, and what it says of them; it takes the others as well.
_OF_STEP = {
    "part": N_(
        "Of a model file: of a file with several nets: the one that ends in this layer; a wrong "
        "name lists them."
    ),
    "vocab": N_(
        "Of a model file: the words by id: one a line, or JSON (a list, words with ids, a "
        "Keras Tokenizer)."
    ),
    "tokenizer": N_(
        "Of a model file: how texts are cut: words, keras, vectorization, characters or spaces."
    ),
    "labels": N_("Of a model file: the names of the outputs."),
    "head": N_(
        "Of a model file: what the dense layers read: the last states, the outputs at the "
        "last token, those of every step; none: leave them out."
    ),
    "activation": N_(
        "Of a model file: the activation of the states: tanh, relu … (PyTorch's nonlinearity)."
    ),
    "gate_activation": N_("Of a model file: the activation of the gates: sigmoid, hard_sigmoid …"),
}


def model_options(command: F) -> F:
    """Add what a net needs besides ``import_options``; ``settings_of`` reads both."""
    for option in reversed(_MODEL_OPTIONS):
        command = option(command)
    return command


def settings_of(said: dict[str, Any]) -> ImportSettings:
    """The options of a command as settings; they are taken out of ``said``."""
    values: dict[str, str | None] = {}
    for name in SETTINGS:
        value = said.pop(name.replace("-", "_"), None)
        if isinstance(value, bool):
            value = "yes" if value else "no"
        values[name] = None if value is None else str(value)
    return ImportSettings.of(values)


def keep_usual_in_help(command: click.Command) -> None:
    """Leave the options out of the help of ``step`` that files seldom need."""
    for param in command.params:
        if isinstance(param, click.Option) and str(param.name).replace("_", "-") in SETTINGS:
            param.hidden = param.name not in _OF_STEP
            param.help = _OF_STEP.get(str(param.name), param.help)
