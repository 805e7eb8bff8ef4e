"""Clamps: recorded values that are set to a number instead of being computed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rnnviz.errors import UsageError, nearest


@dataclass(frozen=True)
class Clamp:
    """Set a recorded value to a number."""

    name: str  # "f", "c", "x" ...
    value: float
    t: int | None = None  # token, from 0; None: all
    unit: int | None = None  # None: all
    layer: str | None = None  # as the trace names it, "lstm.1.backward"; None: the first

    def __str__(self) -> str:
        """The clamp as it is typed: ``lstm.1.f[3,17]=0.5``."""
        layer = "" if self.layer is None else f"{self.layer}."
        t = "*" if self.t is None else self.t
        unit = "" if self.unit is None else f",{self.unit}"
        return f"{layer}{self.name}[{t}{unit}]={self.value:.9g}"

    @property
    def where(self) -> tuple[int | slice, int | slice]:
        """The index of the clamped elements in an array (T, H)."""
        every = slice(None)
        return every if self.t is None else self.t, every if self.unit is None else self.unit

    def holds(self, name: str, t: int, unit: int) -> bool:
        """Whether this value of this token and unit is clamped."""
        return self.name == name and self.t in (None, t) and self.unit in (None, unit)


#: Largest absolute value: larger ones could overflow float32 after a few products.
LARGEST = 1e6

_TYPED = re.compile(
    r"(?:(?P<layer>[\w.-]+)\.)?(?P<name>\w+)"
    r"(?:\[ *(?P<t>\*|\d{1,9}) *(?:, *(?P<unit>\*|\d{1,9}) *)?\])? *= *(?P<value>\S+)"
)


def parse(text: str) -> Clamp:
    """Parse ``[LAYER.]NAME[T[,UNIT]]=VALUE``: ``f[*]=1``, ``i[3,17]=0``, ``c=0``.

    T and UNIT count from 0; ``*`` or nothing means all. Raises UsageError for anything else.
    """
    match = _TYPED.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"Clamp {text!r}: expected [LAYER.]NAME[TOKEN,UNIT]=VALUE, counted from 0, "
            "for example 'f[*]=1' or 'i[3,17]=0'."
        )
    return Clamp(
        match["name"], _value(text, match["value"]), _index(match["t"]), _index(match["unit"]),
        match["layer"],
    )  # fmt: skip


def _index(typed: str | None) -> int | None:
    return None if typed in (None, "*") else int(typed)


def _value(text: str, typed: str) -> float:
    try:
        value = float(typed.replace("−", "-"))
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise UsageError(
            f"Clamp {text!r}: {typed} is not a number from {-LARGEST:.0f} to {LARGEST:.0f}; "
            "write one like 0.5."
        )
    return value


class ClampTarget(NamedTuple):
    """A layer and direction whose values can be clamped."""

    layer: str
    title: str  # of its cell: "LSTM"
    widths: Mapping[str, int]  # of each recorded value: units, or the width of x


def resolve_clamp(clamp: Clamp, targets: Sequence[ClampTarget], T: int) -> Clamp:
    """Fill in the clamp's layer; UsageError if a text of T tokens has no such value or index."""
    layers = [target.layer for target in targets]
    layer = layers[0] if clamp.layer is None else clamp.layer
    if layer not in layers:
        raise UsageError(
            f"Clamp '{clamp}': there is no layer '{layer}'.{nearest(layer, layers)} "
            f"Layers: {', '.join(layers)}."
        )
    target = targets[layers.index(layer)]
    names = list(target.widths)
    if clamp.name not in names:
        raise UsageError(
            f"Clamp '{clamp}': {target.title} has no value '{clamp.name}'."
            f"{nearest(clamp.name, names)} Values: {', '.join(names)}."
        )
    if clamp.t is not None and clamp.t >= T:
        raise UsageError(f"Clamp '{clamp}': this text has tokens 0 to {T - 1}; * holds all.")
    width = target.widths[clamp.name]
    if clamp.unit is not None and clamp.unit >= width:
        raise UsageError(f"Clamp '{clamp}': {clamp.name} has units 0 to {width - 1}; * holds all.")
    return replace(clamp, layer=layer)
