"""The symbols of a notation for one cell, and the ways back from a symbol to a name.

``notations.toml`` has the data: Keras, PyTorch, the paper, ONNX, and the names of the cells' lines
themselves, which are the default. JSON, CSV and files always have the names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

#: The notations, the default one first; the key of the screen goes through them in this order.
NOTATIONS = ("rnnviz", "keras", "pytorch", "paper", "onnx")
DEFAULT_NOTATION = NOTATIONS[0]

#: The cells whose notation is that of another one; a name not in here is its own.
FAMILIES = {
    "lstm-slide": "lstm", "lstm-peephole": "lstm", "lstm-projection": "lstm", "gru-2014": "gru",
    "mingru": "gru",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SymbolTable:
    """How the names of one cell's lines are written."""

    notation: str = DEFAULT_NOTATION
    family: str = ""
    product: str = "row"  # "row", "transposed" or "column": see notations.toml
    order: tuple[str, ...] = ()  # the gates as the weight arrays hold them; (): as the cell does
    values: Mapping[str, str] = field(default_factory=dict)
    gates: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)  # by W, U, b, b_in, b_rec
    arrays: Mapping[str, str] = field(default_factory=dict)  # the whole arrays, by W, U, b

    def value(self, name: str) -> str:
        """The symbol of a recorded value: ``f``, ``a_g`` → ``a_n``."""
        if name.startswith("a_"):
            return f"a_{self.values.get(name[2:], name[2:])}"
        return self.values.get(name, name)

    def weight(self, name: str) -> str:
        """The symbol of a trained array: ``U_g`` → ``W_hn``."""
        letter, _, gate = name.partition("_")
        pattern = self.weights.get(letter)
        if pattern is None:
            return name
        if letter == "b" and "b_rec" in self.weights:
            recurrent = len(gate) == 2 and gate[0] == "r"
            pattern = self.weights["b_rec" if recurrent else "b_in"]
            gate = gate[1:] if recurrent else gate
        return pattern.format(g=self.gates.get(gate, gate))

    def name(self, symbol: str, known: Mapping[str, object]) -> str:
        """The name that a symbol stands for, among ``known``; the symbol itself if it is a name.

        A symbol of the notation comes before a name: ``c`` of an LSTM in ONNX is the candidate.
        """
        found = (name for name in known if self.value(name) == symbol)
        return next(found, symbol)


PLAIN = SymbolTable()


@cache
def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """``notations.toml``, by notation."""
    content = files(__package__).joinpath("notations.toml").read_text("utf-8")
    found: Mapping[str, Mapping[str, Any]] = tomllib.loads(content)
    return found


@cache
def symbol_table(notation: str, cell: str, split_bias: bool = True) -> SymbolTable:
    """The symbols of a cell, or of the "head"; KeyError for an unknown notation.

    ``split_bias``: whether the cell has a bias for each of its two products, as a GRU with
    reset_after; such a bias has a symbol of its own.
    """
    if notation == DEFAULT_NOTATION:
        return PLAIN
    own = catalogue()[notation]
    family = FAMILIES.get(cell, cell)
    entry: Mapping[str, Any] = own.get(family, {})
    letters = ("W", "U", "b", "b_in", "b_rec") if split_bias else ("W", "U", "b")
    return SymbolTable(
        notation,
        family,
        own["product"],
        tuple(entry.get("order", ())),
        entry.get("values", {}),
        entry.get("gates", {}),
        {letter: entry[letter] for letter in letters if letter in entry},
        own["arrays"],
    )


@dataclass(frozen=True)
class SymbolNames:
    """Attributes are symbols, for texts: ``{sym.h}``; of W, U and b the names of the arrays."""

    table: SymbolTable

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        if name.startswith("d_"):
            return f"∂L/∂{getattr(self, name[2:])}"
        return self.table.arrays.get(name) or self.table.value(name)


def notation_title(notation: str, short: bool = False) -> str:
    """The name of a notation on the screen: "PyTorch", "Chung et al. 2014"."""
    own = catalogue()[notation]
    return str(own.get("short", own["title"]) if short else own["title"])


def keeps(notation: str) -> bool | None:
    """Whether z of a GRU keeps the old state in a notation; None: as the cell has it."""
    found: bool | None = catalogue()[notation].get("keeps")
    return found
