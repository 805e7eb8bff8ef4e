"""States before the first token that a user sets, and files of them.

On the command line they are ``h=0.1,c=0`` (one number for all units, or one for each, separated by
spaces), of the first layer, or of a layer that is named as in the trace: ``lstm.1.h=0``. A file
has the states of all layers, so that a text can go on where another one ended.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnviz.errors import UsageError
from rnnviz.files import invalid_file_on_error, read_json
from rnnviz.messages import _

SCHEMA = "rnnviz.state/1"
#: Largest absolute value of a typed number.
LARGEST = 1e6

_SEPARATOR = re.compile(r"\s*[,;\s]\s*(?=[A-Za-z][\w.-]*\s*=)")
_ASSIGNMENT = re.compile(r"(?:(?P<layer>[\w.-]+)\.)?(?P<name>[A-Za-z]\w*)\s*=\s*(?P<values>.*)")


@dataclass(frozen=True)
class InitialState:
    """One state of one layer: a number for all units, or one for each."""

    name: str  # "h", "c"
    values: tuple[float, ...]
    layer: str | None = None  # as the trace names it; None: the first

    def __str__(self) -> str:
        """As it is typed."""
        layer = "" if self.layer is None else f"{self.layer}."
        return f"{layer}{self.name}={' '.join(f'{value:.9g}' for value in self.values)}"


def parse(text: str) -> tuple[InitialState, ...]:
    """Parse ``h=0.1 0.2,c=0.3`` or ``lstm.1.h=0``; UsageError for anything else."""
    found = []
    for part in _SEPARATOR.split(text.strip()):
        match = _ASSIGNMENT.fullmatch(part)
        if match is None:
            raise UsageError(
                _(
                    "--initial {text!r}: expected h=… and c=…, one number or one for each unit, "
                    "for example h=0.1 or 'h=0.1 0.2,c=0'."
                ).format(text=text)
            )
        values = tuple(
            _number(each, text) for each in re.split(r"[,;\s]+", match["values"].strip())
        )
        found.append(InitialState(match["name"], values, match["layer"]))
    return tuple(found)


def _number(word: str, text: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise UsageError(
            _("--initial {text!r}: {word!r} is not a number up to {highest:,.0f}.").format(
                text=text, word=word, highest=LARGEST
            )
        )
    return value


def read_states(path: Path) -> tuple[InitialState, ...]:
    """The states of a file of ``write_states``; InvalidFileError for another file."""
    with invalid_file_on_error(path, _("file of states")):
        return tuple(_states(read_json(path)))


def _states(document: Any) -> Iterator[InitialState]:
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise ValueError(
            _("expected an object of schema {schema} (rnnviz step --save-state FILE)").format(
                schema=SCHEMA
            )
        )
    layers = document.get("layers")
    if not isinstance(layers, list):
        raise ValueError(_("layers: expected a list"))
    for k, layer in enumerate(layers):
        states = layer.get("states") if isinstance(layer, Mapping) else None
        if not isinstance(states, Mapping) or not isinstance(layer.get("name"), str):
            raise ValueError(_("layers[{k}]: expected a name and states").format(k=k))
        for name, values in states.items():
            if not isinstance(values, list) or not values or not all(map(_is_number, values)):
                raise ValueError(
                    _("layers[{k}].states.{name}: expected a list of numbers").format(
                        k=k, name=name
                    )
                )
            yield InitialState(name, tuple(map(float, values)), layer["name"])


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST
