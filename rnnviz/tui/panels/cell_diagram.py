"""Wiring diagrams of cells, read from a file named after the cell or generated.

A file has three blocks divided by ``~~~``: the drawing; a mask of the same shape with a letter for
the value of each character (upper case where the value is printed); and the value of each letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from rnnviz import i18n
from rnnviz.cursor import part_of
from rnnviz.display import visible
from rnnviz.equations import FUNCTIONS, inputs, number
from rnnviz.trace import LayerTrace
from rnnviz.tui.render.segments import Line, cut, fit
from rnnviz.tui.view.view_state import ViewState

State = Literal["done", "now", "source", "later"]

_LIGHT = "─│┌┐└┘├┤┬┴┼"
_HEAVY = str.maketrans(_LIGHT, "━┃┏┓┗┛┣┫┳┻╋")
_DOTS = str.maketrans(_LIGHT + "⊗⊕▶▼", "·" * (len(_LIGHT) + 4))


@dataclass(frozen=True)
class Label:
    """A place where a value is printed."""

    name: str
    row: int
    column: int
    width: int
    height: int = 1

    def continued(self, name: str, row: int, column: int) -> bool:
        """Whether a label of this name at this place is the next line of this one."""
        return (name, row, column) == (self.name, self.row + self.height, self.column)


@dataclass(frozen=True)
class Diagram:
    """A drawing, the mask with a letter for each character, and the value of each letter."""

    art: tuple[str, ...]
    mask: tuple[str, ...]
    names: Mapping[str, str]

    @property
    def width(self) -> int:
        """Columns of the drawing."""
        return max(len(row) for row in self.art)

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The places where a value is printed, from top to bottom."""
        found: list[Label] = []
        for row, pieces in enumerate(self.runs):
            column = 0
            for text, name, labelled in pieces:
                above = next((k for k, o in enumerate(found) if o.continued(name, row, column)), -1)
                if labelled and above >= 0:
                    found[above] = replace(found[above], height=found[above].height + 1)
                elif labelled:
                    found.append(Label(name, row, column, len(text)))
                column += len(text)
        return tuple(found)

    @cached_property
    def runs(self) -> tuple[tuple[tuple[str, str, bool], ...], ...]:
        """The segments of each line: text, value, and whether the value is printed there."""
        return tuple(
            tuple(self._runs(art, mask.ljust(len(art))))
            for art, mask in zip(self.art, self.mask, strict=True)
        )

    def _runs(self, art: str, mask: str) -> Iterator[tuple[str, str, bool]]:
        start = 0
        for letter, group in groupby(mask[: len(art)]):
            end = start + len(list(group))
            yield art[start:end], self.name(letter), letter.isupper()
            start = end

    def name(self, letter: str) -> str:
        """The name of the value of a letter of the mask, or ""."""
        return self.names.get(letter) or self.names.get(letter.lower(), "")


@cache
def read(cell: str) -> Diagram | None:
    """The drawing in the cell's file, or None without a file."""
    if not cell.replace("-", "").isalnum():
        return None
    path = files(__package__).joinpath("diagrams", f"{cell}.txt")
    if not path.is_file():
        return None
    art, mask, names = path.read_text("utf-8").split("~~~\n")
    letters = dict(line.split() for line in names.splitlines())
    drawing, owners = (tuple(b.rstrip("\n").split("\n")) for b in (art, mask))
    return Diagram(drawing, owners, letters)


@lru_cache(maxsize=64)
def diagram(layer: LayerTrace, lang: str = "en") -> Diagram:
    """The drawing of a layer's cell, adapted to the activations and z of its equations."""
    plan = read(layer.cell)
    if plan is None:
        return generated(layer)
    plan = _with_swapped_z(_with_activations(plan, layer), layer)
    plan = _with_products(plan, layer)
    return _with_head_name(plan, fit(i18n.text("view.head", lang), len(_HEAD), "^"))


def _with_head_name(plan: Diagram, name: str) -> Diagram:
    """The drawing with the head's name in the language of the screen."""
    art, mask = list(plan.art), list(plan.mask)
    for row, text in enumerate(plan.art):
        if name != _HEAD and _HEAD in text:
            begin, end = text.index(_HEAD), text.index(_HEAD) + len(_HEAD)
            letter = mask[row][begin + len(_HEAD) // 2]
            art[row] = text[:begin] + name + text[end:]
            mask[row] = mask[row][:begin] + letter * len(_HEAD) + mask[row][end:]
    return replace(plan, art=tuple(art), mask=tuple(mask))


def _with_activations(plan: Diagram, layer: LayerTrace) -> Diagram:
    """The drawing with the layer's activations in its boxes."""
    formulas = {line.name: line.formula for line in layer.lines}
    art, owners = [], []
    for row, mask in zip(plan.art, plan.mask, strict=True):
        found, whose = row, mask
        for box in _BOX.finditer(row):
            letter = mask[box.start(1) + len(box[1]) // 2]
            name = plan.name(letter)
            bent = (f for f in formulas.values() if re.fullmatch(rf"(\w+\()?{name}\)?", f))
            formula = next(bent, "") if name.startswith("a_") else formulas[name]
            called = _CALLED.search(formula)
            word = FUNCTIONS[called[0]].symbol if called else "id"
            word = _SHORT.get(word, word)
            if word == box[1].strip():
                continue
            found = found[: box.start(1)] + fit(word, len(box[1]), "^") + found[box.end(1) :]
            whose = whose[: box.start(1)] + letter * len(box[1]) + whose[box.end(1) :]
        art.append(found)
        owners.append(whose)
    return replace(plan, art=tuple(art), mask=tuple(owners))


def _with_products(plan: Diagram, layer: LayerTrace) -> Diagram:
    """The drawing with the matrix products in the notation of the layer."""
    written = fit(_BOX_PRODUCTS.get(layer.notation, _PRODUCT), len(_PRODUCT), "^")
    art = [row.replace(_PRODUCT, written) for row in plan.art]
    return replace(plan, art=tuple(art))


def _with_swapped_z(plan: Diagram, layer: LayerTrace) -> Diagram:
    """The drawing with z and 1 − z swapped, for a cell where z scales the candidate."""
    h = next(line.formula for line in layer.lines if line.name == layer.states[0])
    row = next((k for k, text in enumerate(plan.art) if _KEEPS in text), None)
    if row is None or "(1 - z) * h_prev" not in h:
        return plan
    art, mask = list(plan.art), list(plan.mask)
    at = art[row].index(_KEEPS)
    letter = mask[row][at]
    art[row] = art[row][: at - len(_UP)] + _UP + _RENEWS + art[row][at + len(_KEEPS) :]
    mask[row] = mask[row][: at - len(_UP)] + letter * len(_UP) + mask[row][at:]
    return replace(plan, art=tuple(art), mask=tuple(mask))


#: Columns of a number without its symbol: that in a box.
BARE = 8
#: The name in the box of the head.
_HEAD = " head "
#: The product in the box of q, and the same in other notations, in no more columns.
_PRODUCT = " h·U "
_BOX_PRODUCTS = {"keras": "dot", "pytorch": "W·h", "paper": "U·h", "onnx": "H·Rᵀ"}
#: The function that a formula calls.
_CALLED = re.compile(r"\w+(?=\()")
#: Functions whose names are wider than the five columns of a box.
_SHORT = {
    "hardσ₆": "hσ₆", "hardtanh": "htanh", "leakyrelu": "lrelu", "softsign": "ssign",
    "softplus": "splus",
}  # fmt: skip
#: The activation in a box.
_BOX = re.compile(r"(?:[│┤▶])( *(?:tanh|σ) *)(?=[│├])")
#: The arm from z to the candidate if z keeps, if z renews, and the label of the other arm.
_KEEPS, _RENEWS, _UP = "├─1−z─┘", "├──z──┘", "1−z↑"


def generated(layer: LayerTrace) -> Diagram:
    """A plain drawing of any cell: for each equation its inputs and its value."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    shown = layer.lines[: len(letters) - 2]
    names = {letters[k]: line.name for k, line in enumerate(shown)} | {"y": "x", "z": "p"}
    art = ["@" * 20, "│"]
    mask = ["Y" * 20, "y"]
    for letter, line in zip(letters, shown, strict=False):
        read_from = cut(" ".join(layer.symbol(n) for n in inputs(line)), 16)
        row = f"├─{read_from.ljust(16)}──▶ "
        art.append(row + "@" * 12)
        mask.append(letter * len(row) + letter.upper() * 12)
    art.append("└──▶ " + "@" * 18)
    mask.append("z" * 5 + "Z" * 18)
    return Diagram(tuple(art), tuple(mask), names)


def state(view_state: ViewState, name: str) -> State:
    """Whether a value is computed now, read now, computed before, or later."""
    layer, part = view_state.layer, view_state.cursor.part
    if name in view_state.sources:
        return "source"
    made = 0 if name == "x" or name.endswith("_prev") else part_of(layer, name)
    if made == part:
        return "now"
    return "done" if made < part else "later"


def label(view_state: ViewState, name: str, width: int, now: State | None = None) -> str:
    """The printed value: its symbol at this token, and its number.

    ``now`` is its state, that at the cursor without it.
    """
    t, now = view_state.cursor.t, now or state(view_state, name)
    if name == "p":
        k = view_state.shown_class()
        head = view_state.trace.head
        if now == "later":
            return cut("p ·", width)
        name = visible(head.labels[k])
        said = "?" if view_state.part_hidden else number(float(view_state.readout[t, k]), 2)
        if head.is_number:
            return cut(f"y {said} {name}", width)
        # Not "p 0.18 positive", which reads as a verdict.
        return f"p({cut(name, max(1, width - 4 - cell_len(said)))}) {said}"
    where = view_state.symbol(name, view_state.step)
    if name == "x":
        return cut(f"{where} “{visible(view_state.trace.tokens[t])}”", width)
    if now == "later":
        return f"{where} ·" if cell_len(where) + 2 <= width else "·"
    value = view_state.value(name)
    if value is None or (view_state.part_hidden and now == "now"):
        return f"{where} ?" if cell_len(where) + 2 <= width else "?"
    if width <= BARE:
        return number(value, 3, True, width).center(width)
    for text in (
        f"{where} {number(value, 3, signed=True)}",
        f"{where} {number(value, 3, True, width - cell_len(where) - 1)}",
        f"{view_state.symbol(name)} {number(value, 2, signed=True)}",
        number(value, 3, signed=True),
    ):
        if cell_len(text) <= width:
            break
    return cut(text, width)


def draw(
    view_state: ViewState, style_of: Callable[[State], Style], plan: Diagram | None = None
) -> list[Line]:
    """Draw the diagram: heavy lines are computed now, dotted ones later."""
    plan, rule = plan or diagram(view_state.layer, view_state.lang), view_state.theme.rule
    states = {name: state(view_state, name) for name in set(plan.names.values())}
    styles = {now: style_of(now) for now in set(states.values())}
    lines = []
    for row in plan.runs:
        line: Line = []
        for text, name, labelled in row:
            if not name:
                line.append(Segment(text, rule))
            elif labelled:
                message = fit(label(view_state, name, len(text)), len(text))
                line.append(Segment(message, styles[states[name]]))
            else:
                line.append(Segment(wire(text, states[name]), styles[states[name]]))
        lines.append(line)
    return lines


@cache
def wire(text: str, now: State) -> str:
    """A segment of the drawing with the strokes of its state."""
    return text.translate({"now": _HEAVY, "later": _DOTS}.get(now, {}))
