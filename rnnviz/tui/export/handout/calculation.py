"""The equations of a cell with the numbers of one unit, some of them left out to be computed."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from rnnviz.analysis import toy_net
from rnnviz.display import markup
from rnnviz.equations import MINUS, Line, matrices, number, numbers
from rnnviz.tui.view.view_state import ViewState

#: Fewest numbers to compute, where the cell has so many lines.
FEWEST = 3


@dataclass(frozen=True)
class Calculation:
    """The lines as HTML, and what belongs into each blank."""

    lines: tuple[str, ...]
    blanks: tuple[tuple[str, str], ...]  # letter and number


def calculation(state: ViewState) -> Calculation:
    """The forward lines of the layer at the cursor's token and unit.

    Where a later line reads a blank, its letter stands there, too: the number would tell it.
    """
    layer, t, unit = state.layer, state.cursor.t, state.cursor.unit
    hand = state.trace.hand is not None
    values = toy_net.values_at(state.trace, t) if hand else layer.at(t)
    lines = [line for line in layer.lines if layer.clamped_value(line.name, t, unit) is None]
    asked = dict(zip(_asked(lines), string.ascii_uppercase, strict=False))
    found, blanks = [], []
    for line in layer.lines:
        made = markup(layer.symbol(line.name, layer.step(t)))
        formula = markup("".join(text for text, _ in layer.symbols(line.formula, layer.step(t))))
        held = layer.clamped_value(line.name, t, unit)
        if held is not None:
            text = markup(state.text("page.clamp.held_at", value=number(held)))
            found.append(f"{made} {text}")
            continue
        worked = (
            toy_net.written_out(line.formula, values, unit)
            if hand
            else numbers(line.formula, values, unit)
        )
        filled = "".join(
            _operand(text, asked[plain], values[plain][unit]) if plain in asked else markup(text)
            for text, plain in ((text, _plain(name)) for text, name in worked.spans)
        )
        letter = asked.get(line.name)
        result = f"<b>{markup(worked.result)}</b>"
        if letter is not None:
            blanks.append((letter, worked.result))
            spoken = markup(state.text("handout.blank", letter=letter))
            result = f'<b>{letter}</b> <input class="blank" size="8" aria-label="{spoken}">'
        found.append(f"{made} = {formula}<br>= {filled} = {result}")
    return Calculation(tuple(found), tuple(blanks))


def _operand(text: str, letter: str, value: float) -> str:
    """The letter in place of a number; of a number whose sign was drawn into a minus, turned."""
    turned = value < 0 and MINUS not in text
    return f"({MINUS}<b>{letter}</b>)" if turned else f"<b>{letter}</b>"


def _plain(name: str | None) -> str:
    """The name that a number of a written-out formula belongs to."""
    return "" if name is None else (toy_net.array_name(name) or name)


def _asked(lines: Sequence[Line]) -> list[str]:
    """The names that are left out: of a large cell its states and every second gate.

    What multiplies with a matrix is given: nobody computes 32 products by hand.
    """
    easy = [line.name for line in lines if not matrices(line.formula)]
    chosen = {*easy[-2:], *easy[::2]} if len(easy) > FEWEST else set(easy)
    if len(easy) < FEWEST:
        return [line.name for line in lines][-FEWEST:]
    return [name for name in easy if name in chosen]
