"""Names of weights in textbooks and frameworks: W_xf, W_hh, weight_ih_l0, recurrent_kernel …"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rnnviz.toy_net import GATES

Kind = Literal["W", "U", "b", "br"]

#: Letters that denote each cell's candidate.
_CANDIDATE = {"lstm": "cagCA", "gru": "hncg", "gru-2014": "hncg"}
_WHOLE: dict[str, Kind] = {
    "W": "W", "U": "U", "R": "U", "b": "b", "kernel": "W", "recurrent_kernel": "U", "bias": "b",
    "weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "bias_hh": "br",
}  # fmt: skip
#: Names of the SimpleRNN's weights, which may contain source and target.
_RNN: dict[str, Kind] = {
    "W": "W", "W_x": "W", "W_xh": "W", "W_hx": "W", "W_ih": "W",
    "U": "U", "W_h": "U", "W_hh": "U", "U_h": "U", "W_rec": "U", "R_h": "U",
    "b": "b", "b_h": "b", "b_x": "b", "b_xh": "b", "b_ih": "b", "b_hh": "br",
}  # fmt: skip
_NAME = re.compile(r"([WURb])_?([A-Za-z]{1,2})")
_FROM: dict[str, Kind] = {"x": "W", "i": "W", "h": "U"}


@dataclass(frozen=True)
class NamedWeight:
    """The weight that a name denotes: the kind, and the gate (None: all gates in one array).

    "br" is the recurrent bias: separate in GRU, added to the other bias in the other cells.
    ``stacked`` is the framework whose order the gates of one array have.
    """

    kind: Kind
    gate: str | None
    stacked: Literal["", "keras", "pytorch"] = ""


def parse_weight_name(cell: str, name: str) -> NamedWeight | None:
    """The weight that a name denotes in a cell; None if it denotes none."""
    plain = re.sub(r"_l0$", "", name)
    if cell == "rnn" and plain in _RNN:
        return NamedWeight(_RNN[plain], "")
    if plain in _WHOLE:
        order: Literal["", "keras", "pytorch"] = ""
        order = "pytorch" if plain.startswith(("weight", "bias_")) else order
        order = "keras" if "kernel" in plain or plain == "bias" else order
        return NamedWeight(_WHOLE[plain], "" if cell == "rnn" else None, order)
    found = _NAME.fullmatch(name)
    if cell == "rnn" or found is None:
        return None
    return _of_gate(cell, *found.groups())


def _of_gate(cell: str, letter: str, end: str) -> NamedWeight | None:
    """``W_f``, ``U_C``; ``W_xf`` and ``W_fx`` from x, ``W_hf`` and ``W_fh`` from h; ``b_rz``."""
    kind: Kind = {"W": "W", "U": "U", "R": "U", "b": "b"}[letter]  # type: ignore[assignment]
    gate = _gate(cell, end[-1])
    if len(end) == 1:
        return None if gate is None else NamedWeight(kind, gate)
    if letter == "b" and end[0] == "r" and cell == "gru" and gate is not None:
        return NamedWeight("br", gate)
    first = _gate(cell, end[0])
    source = end[0] if gate is not None and end[0] in _FROM else end[1]
    gate = gate if source == end[0] else first
    if letter == "U" or source not in _FROM or gate is None:
        return None
    if letter == "b":
        return NamedWeight("br" if source == "h" else "b", gate)
    return NamedWeight(_FROM[source], gate)


def _gate(cell: str, letter: str) -> str | None:
    if letter in GATES[cell]:
        return letter
    return "g" if letter in _CANDIDATE[cell] else None


def weight_names(cell: str) -> list[str]:
    """The formula names of a cell's weights."""
    ends = [f"_{gate}" if gate else "" for gate in GATES[cell]]
    return [f"{kind}{end}" for end in ends for kind in "WUb"]
