"""What is held at a value instead of being computed: the what-if of a reading."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rnnviz.errors import UsageError, nearest


@dataclass(frozen=True)
class Clamp:
    """Hold a recorded value; None stands for all: every token, every unit, the first layer."""

    name: str  # "f", "c", "x" ...
    value: float
    t: int | None = None  # token, from 0
    unit: int | None = None
    layer: str | None = None  # as the trace names it: "lstm", "lstm.1.backward"

    def __str__(self) -> str:
        """As it is typed: ``lstm.1.f[3,17]=0.5``."""
        layer = "" if self.layer is None else f"{self.layer}."
        t = "*" if self.t is None else self.t
        unit = "" if self.unit is None else f",{self.unit}"
        return f"{layer}{self.name}[{t}{unit}]={self.value:.9g}"

    @property
    def where(self) -> tuple[int | slice, int | slice]:
        """The index of what is held in an array (T, H)."""
        every = slice(None)
        return every if self.t is None else self.t, every if self.unit is None else self.unit

    def holds(self, name: str, t: int, unit: int) -> bool:
        """Is this value of this token and unit held?"""
        return self.name == name and self.t in (None, t) and self.unit in (None, unit)


#: A value beyond this could leave float32's range a few products later.
LARGEST = 1e6

_TYPED = re.compile(
    r"(?:(?P<layer>[\w.-]+)\.)?(?P<name>\w+)"
    r"(?:\[ *(?P<t>\*|\d{1,9}) *(?:, *(?P<unit>\*|\d{1,9}) *)?\])? *= *(?P<value>\S+)"
)


def parse(text: str) -> Clamp:
    """What ``[LAYER.]NAME[T[,UNIT]]=VALUE`` says: ``f[*]=1``, ``i[3,17]=0``, ``c=0``.

    T and UNIT count from 0; ``*`` or nothing stands for all. UsageError if it cannot be read.
    """
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"Clamp {text!r}: expected [LAYER.]NAME[TOKEN,UNIT]=VALUE, counted from 0, "
            "for example 'f[*]=1' or 'i[3,17]=0'."
        )
    return Clamp(
        found["name"], _value(text, found["value"]), _index(found["t"]), _index(found["unit"]),
        found["layer"],
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
            f"Clamp {text!r}: {typed} is no number from {-LARGEST:.0f} to {LARGEST:.0f}; "
            "write one like 0.5."
        )
    return value


class ClampTarget(NamedTuple):
    """A layer and direction something can be held in."""

    layer: str
    title: str  # of its cell: "LSTM"
    widths: Mapping[str, int]  # of each recorded value: units, or the width of x


def placed(clamp: Clamp, places: Sequence[ClampTarget], T: int) -> Clamp:
    """The clamp with its layer named; UsageError for what a text of T tokens does not have."""
    layers = [place.layer for place in places]
    layer = layers[0] if clamp.layer is None else clamp.layer
    if layer not in layers:
        raise UsageError(
            f"Clamp '{clamp}': there is no layer '{layer}'.{nearest(layer, layers)} "
            f"Layers: {', '.join(layers)}."
        )
    place = places[layers.index(layer)]
    names = list(place.widths)
    if clamp.name not in names:
        raise UsageError(
            f"Clamp '{clamp}': {place.title} has no value '{clamp.name}'."
            f"{nearest(clamp.name, names)} Values: {', '.join(names)}."
        )
    if clamp.t is not None and clamp.t >= T:
        raise UsageError(f"Clamp '{clamp}': this text has tokens 0 to {T - 1}; * holds all.")
    width = place.widths[clamp.name]
    if clamp.unit is not None and clamp.unit >= width:
        raise UsageError(f"Clamp '{clamp}': {clamp.name} has units 0 to {width - 1}; * holds all.")
    return replace(clamp, layer=layer)
