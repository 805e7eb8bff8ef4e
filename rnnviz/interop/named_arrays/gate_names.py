"""Names of matrices of nets written by hand: ``Wf``, ``W_xf``, ``Uf``, ``bf``, ``Whh`` …"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: The gates of each kind of cell, by the letters that nets use.
LSTM_LETTERS: Final = {
    "f": "f", "forget": "f", "i": "i", "input": "i", "u": "i", "o": "o", "output": "o",
    "c": "g", "g": "g", "a": "g", "n": "g", "cell": "g", "candidate": "g", "z": "g",
}  # fmt: skip
GRU_LETTERS: Final = {
    "z": "z", "u": "z", "update": "z", "r": "r", "reset": "r",
    "h": "g", "c": "g", "g": "g", "n": "g", "candidate": "g", "cell": "g", "hat": "g",
}  # fmt: skip
_GATE: Final = "forget|input|output|update|reset|candidate|cell|hat|f|i|o|c|g|a|n|z|u|r|h"
_KIND: Final = r"(?P<kind>weights?|bias|[WwUuRrBb])"
#: W_xf, and W_fx: the letter of what a matrix reads stands before or after that of the gate.
_BEFORE: Final = re.compile(rf"{_KIND}(?P<source>[xih](?=[a-z]))?(?P<gate>{_GATE})")
_AFTER: Final = re.compile(rf"{_KIND}(?P<gate>{_GATE})(?P<source>[xh])?")
_IS_AFTER: Final = re.compile(r"(?:.*[._/])?[Ww]_?[fzr]_?x\d*")
#: Names of plain recurrent nets: x is the input's matrix, h the recurrent one.
_PLAIN: Final = {
    "Wax": "x", "Waa": "h", "ba": "b", "Wx": "x", "Wh": "h", "b": "b", "Win": "x", "Wrec": "h",
}  # fmt: skip
_FIRST: Final = tuple("WwUuBbRr")
_LAYER: Final = re.compile(r"_?(?:l|layer)?_?(?P<number>\d+)$")


@dataclass(frozen=True)
class GateName:
    """A matrix or bias of one gate. ``source``: "x", "h", or "" for both or a bias."""

    stack: str  # what stands before and after: the layer
    bias: bool
    source: str
    gate: str


def gate_names(names: Iterable[str]) -> dict[str, GateName]:
    """The names that may be those of a gate."""
    every = list(names)
    if {"U", "V", "W"} <= set(every):  # h = tanh(U·x + W·h + b), y = V·h + c
        return {
            name: GateName("", name == "b", source, "h")
            for name, source in (("U", "x"), ("W", "h"), ("b", ""))
            if name in every
        }
    form = _AFTER if any(_IS_AFTER.fullmatch(name) for name in every) else _BEFORE
    return {name: found for name in every if (found := _gate_name(name, every, form)) is not None}


def _gate_name(name: str, every: list[str], form: re.Pattern[str]) -> GateName | None:
    stack, rest = _split(name)
    layer = _LAYER.search(rest)
    if layer is not None and layer.start():
        stack = f"{stack}.{layer['number']}" if stack else layer["number"]
        rest = rest[: layer.start()]
    short = rest.replace("_", "")
    above = name[: len(name) - len(rest)] if layer is None else ""
    for x, h in (("Wax", "Waa"), ("Wx", "Wh"), ("Win", "Wrec")):
        mine = short in (x, h) or (_PLAIN.get(short) == "b" and short != "Wx")
        if mine and {above + x, above + h} <= set(every):
            source = _PLAIN[short]
            return GateName(stack, source == "b", "" if source == "b" else source, "h")
    matched = form.fullmatch(short)
    if matched is None:
        return None
    bias = matched["kind"][0] in "Bb"
    source = matched["source"] or ""
    if matched["kind"] in ("U", "u", "R", "r"):
        source = source or "h"
    return GateName(stack, bias, "x" if source == "i" else source, matched["gate"])


def _split(name: str) -> tuple[str, str]:
    """The layer and the matrix: lstm and Wf of lstm/Wf, lstm1 and Wf of lstm1_Wf."""
    for separator in ("/", ".", ":"):
        if separator in name:
            above, _, last = name.rpartition(separator)
            return above, last
    above, _, last = name.partition("_")
    if len(above) > 2 and above not in ("weight", "weights", "bias") and last[:1] in _FIRST:
        return above, last
    return "", name
