"""The cell as a wiring diagram: read from a file by the cell's name, or made from its lines.

A file has three blocks divided by ``~~~``: the drawing; a mask of the same shape that says with one
letter a character which value it belongs to (capitals: the place where that value is printed); and
what each letter stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from rich.segment import Segment
from rich.style import Style

from rnnviz.cursor import part_of
from rnnviz.display import visible
from rnnviz.equations import inputs, number, symbol
from rnnviz.trace import LayerTrace
from rnnviz.tui.draw import Line, cut, fit
from rnnviz.tui.moment import Moment

State = Literal["done", "now", "source", "later"]

_LIGHT = "─│┌┐└┘├┤┬┴┼"
_HEAVY = str.maketrans(_LIGHT, "━┃┏┓┗┛┣┫┳┻╋")
_DOTS = str.maketrans(_LIGHT + "⊗⊕▶▼", "·" * (len(_LIGHT) + 4))


@dataclass(frozen=True)
class Diagram:
    """A drawing, who owns each of its characters, and which letters mean which value."""

    art: tuple[str, ...]
    mask: tuple[str, ...]
    names: Mapping[str, str]

    @property
    def width(self) -> int:
        """Columns of the drawing."""
        return max(len(row) for row in self.art)

    def name(self, letter: str) -> str:
        """The value a letter of the mask stands for."""
        return self.names.get(letter) or self.names.get(letter.lower(), "")


@cache
def read(cell: str) -> Diagram | None:
    """The drawing made by hand for a cell; None where there is none."""
    if not cell.replace("-", "").isalnum():
        return None
    path = files(__package__).joinpath("diagrams", f"{cell}.txt")
    if not path.is_file():
        return None
    art, mask, names = path.read_text("utf-8").split("~~~\n")
    letters = dict(line.split() for line in names.splitlines())
    drawing, owners = (tuple(b.rstrip("\n").split("\n")) for b in (art, mask))
    return Diagram(drawing, owners, letters)


def diagram(layer: LayerTrace) -> Diagram:
    """The drawing of a layer's cell."""
    return read(layer.cell) or generated(layer)


def generated(layer: LayerTrace) -> Diagram:
    """A plain drawing of any cell: a row a line, its inputs at the left, its value at the right."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    shown = layer.lines[: len(letters) - 2]
    names = {letters[k]: line.name for k, line in enumerate(shown)} | {"y": "x", "z": "p"}
    art = ["@" * 20, "│"]
    mask = ["Y" * 20, "y"]
    for letter, line in zip(letters, shown, strict=False):
        read_from = cut(" ".join(symbol(n) for n in inputs(line)), 16)
        row = f"├─{read_from.ljust(16)}──▶ "
        art.append(row + "@" * 12)
        mask.append(letter * len(row) + letter.upper() * 12)
    art.append("└──▶ " + "@" * 18)
    mask.append("z" * 5 + "Z" * 18)
    return Diagram(tuple(art), tuple(mask), names)


def state(moment: Moment, name: str) -> State:
    """Where a value stands: made now, read now, made before, or not yet."""
    layer, part = moment.layer, moment.cursor.part
    if name in moment.sources:
        return "source"
    made = 0 if name == "x" or name.endswith("_prev") else part_of(layer, name)
    if made == part:
        return "now"
    return "done" if made < part else "later"


def label(moment: Moment, name: str, width: int) -> str:
    """What is printed at a value's place: its symbol at this token, and its number."""
    t = moment.cursor.t
    if name == "p":
        k = moment.shown_class()
        head = moment.trace.head
        if state(moment, name) == "later":
            return cut("p ·", width)
        symbol_p = "p" if head.kind != "linear" else "y"
        said = "?" if moment.hidden else number(float(moment.readout[t, k]), 2)
        return cut(f"{symbol_p} {said} {visible(head.labels[k])}", width)
    where = symbol(name, moment.step)
    if name == "x":
        return cut(f"{where} “{visible(moment.trace.tokens[t])}”", width)
    if state(moment, name) == "later":
        return cut(f"{where} ·", width)
    value = moment.value(name)
    if value is None or (moment.hidden and state(moment, name) == "now"):
        return cut(f"{where} ?", width)
    for text in (
        f"{where} {number(value, 3, signed=True)}",
        f"{where} {number(value, 2, signed=True)}",
        f"{symbol(name)} {number(value, 2, signed=True)}",
    ):
        if len(text) <= width:
            break
    return cut(text, width)


def draw(moment: Moment, style_of: Callable[[State], Style]) -> list[Line]:
    """The diagram at this moment: heavy lines are computed now, dots are not yet."""
    plan = diagram(moment.layer)
    states = {name: state(moment, name) for name in set(plan.names.values())}
    lines = []
    for art, mask in zip(plan.art, plan.mask, strict=True):
        mask = mask.ljust(len(art))
        line: Line = []
        start = 0
        while start < len(art):
            end = start + 1
            while end < len(art) and mask[end] == mask[start]:
                end += 1
            line.append(_piece(moment, plan, states, art[start:end], mask[start], style_of))
            start = end
        lines.append(line)
    return lines


def _piece(
    moment: Moment,
    plan: Diagram,
    states: Mapping[str, State],
    text: str,
    letter: str,
    style_of: Callable[[State], Style],
) -> Segment:
    name = plan.name(letter)
    if not name:
        return Segment(text, moment.look.rule)
    now = states[name]
    if letter.isupper():
        return Segment(fit(label(moment, name, len(text)), len(text)), style_of(now))
    if now == "now":
        text = text.translate(_HEAVY)
    elif now == "later":
        text = text.translate(_DOTS)
    return Segment(text, style_of(now))
