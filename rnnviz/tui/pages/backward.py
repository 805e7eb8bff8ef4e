"""Who is to blame? The walk back through time, token by token and part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from rich.segment import Segment

from rnnviz.analysis.shared import Use, gate_at, gate_of, sizes, undone, undone_at, uses, walk
from rnnviz.arrays import Array
from rnnviz.cursor import Cursor, to_part, to_token
from rnnviz.display import visible
from rnnviz.equations import number, numbers, symbol
from rnnviz.trace import LayerTrace
from rnnviz.tui.pages import shared_gradients
from rnnviz.tui.panels.equations import equation, handed, is_top, walk_start, worked, written
from rnnviz.tui.panels.gradients import undone as in_one_line
from rnnviz.tui.panels.reach import power
from rnnviz.tui.render.segments import (
    Line,
    beside,
    fit,
    heading,
    heat,
    length,
    log_range,
    page,
    trimmed,
    window,
    wrapped,
)  # fmt: skip
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.page import Change, Page, PageKey
from rnnviz.tui.view.page_state import PageState
from rnnviz.tui.view.view_state import ViewState
from rnnviz.tui.view.widget import CellPicked

VALUE = 9  # columns of the chosen unit's number
ROOMY = 100  # columns with room for the other sentence's norm in the title
WIDE = 160  # from here equations and sums stand side by side


@dataclass(frozen=True)
class Columns:
    """Where the columns of the map stand."""

    word: int
    bar: int
    wide: int  # of one unit
    first: int  # unit
    count: int

    @property
    def heat(self) -> int:
        """Where the units begin."""
        return self.word + shared_gradients.NORM + self.bar + 2 + VALUE


@dataclass(frozen=True)
class BackwardLayout:
    """How many lines each of the three has."""

    map: int
    equations: int
    sums: int


def planned(height: int, tokens: int, back: Sequence[str], weights: int) -> BackwardLayout:
    """Lines for the map, the equations and the sums, one above the other.

    ``back``: the part of each line that undoes something.

    The same for every part and token, so that nothing jumps while the walk goes on.
    """
    sums = 1 + weights + (2 if height >= 19 else 1 if height >= 15 else 0)
    room = height - sums
    least = max(back.count(part) for part in back) + (height >= 15)  # there with a title
    most = len(back) + 4  # a title, a line each, and the present ones in two
    equations = min(most, max(least, room * 4 // 7))
    rows = max(2, min(tokens + 1, room - equations))
    equations = min(most, room - rows)
    return BackwardLayout(rows, equations, height - rows - equations)


@dataclass(frozen=True)
class BackwardState(PageState):
    """The value whose gradient is in the map."""

    page: ClassVar[str] = "backward"
    gradient: str = "h"


class BackwardPage(Page):
    """A map of one gradient, the equations that undo this part, and the sums they feed."""

    name: ClassVar[str] = "backward"
    keys: ClassVar[tuple[PageKey, ...]] = (
        PageKey("next", ("g",), "g"),
        PageKey("previous", ("G",), "shift+g"),
    )

    # -- time runs back ---------------------------------------------------------------------------

    def opened(self, moment: ViewState) -> Cursor:
        """A token that was read completely is one that is undone completely."""
        cursor, last = moment.cursor, len(moment.layer.parts) - 1
        return replace(cursor, part=end(moment.layer)) if cursor.part == last else cursor

    def closed(self, moment: ViewState) -> Cursor:
        """And the other way round."""
        cursor, last = moment.cursor, len(moment.layer.parts) - 1
        return replace(cursor, part=last) if cursor.part <= end(moment.layer) else cursor

    def outset(self, moment: ViewState) -> Cursor:
        """What the head hands to the last state read."""
        cursor = to_token(moment.cursor, moment.trace, walk(moment.layer)[0])
        return replace(cursor, part=len(moment.layer.parts) - 1)

    def finished(self, moment: ViewState) -> Cursor:
        """The whole walk: at the token that is undone last, with everything undone."""
        cursor = to_token(moment.cursor, moment.trace, walk(moment.layer)[-1])
        return replace(cursor, part=end(moment.layer))

    def onward(self, moment: ViewState) -> Cursor:
        """One part back; in the sentence a whole token."""
        cursor, steps = moment.cursor, walk(moment.layer)
        if cursor.zoom != "sentence":
            return to_part(cursor, moment.trace, -1)
        if cursor.part > end(moment.layer):
            return replace(cursor, part=end(moment.layer))
        at = min(steps.index(cursor.t) + 1, len(steps) - 1)
        return to_token(cursor, moment.trace, steps[at])

    # -- which gradient ---------------------------------------------------------------------------

    def press(self, moment: ViewState, key: str) -> Change:
        found = gradients(moment.layer)
        step = 1 if key == "next" else -1
        chosen = found[(found.index(self.chosen(moment)) + step) % len(found)]
        return Change(BackwardState(chosen))

    def chosen(self, moment: ViewState) -> str:
        """The gradient in the map."""
        chosen = moment.page_state(BackwardState).gradient
        return chosen if chosen in gradients(moment.layer) else "h"

    def gate(self, moment: ViewState) -> str:
        """The gate whose weights are looked at: of the gradient in the map, else of the part."""
        own = gate_of(moment.layer, self.chosen(moment))
        return gate_at(moment.layer, moment.cursor.part, walking=True) if own is None else own

    # -- drawing ----------------------------------------------------------------------------------

    def lines(self, moment: ViewState, width: int, height: int) -> list[Line]:
        name = self.chosen(moment)
        word = moment.word("name", name)
        note = symbol(f"d_{name}") + ("" if word == name else f" {word}")
        note += self._beside(moment, name) if width >= ROOMY else ""
        lines = [self.head(moment, width, note)]
        if moment.hidden:
            return lines + self._told(moment, "hidden", width)
        own = [
            u for u in uses(moment.layer) if gate_of(moment.layer, u.weight) == self.gate(moment)
        ]
        T, side = len(moment.trace.tokens), width >= WIDE and height >= 24
        if side:
            lines += self.map(moment, name, width, min(T + 1, height // 2))
            return lines + self._side(moment, own, width, height - len(lines))
        plan = planned(height - 1, T, [line.part for line in moment.layer.back], len(own))
        lines += self.map(moment, name, width, plan.map)
        told = self.equations(moment, width, plan.equations, height >= 16)
        told += [[]] * (plan.equations - len(told))
        return lines + told + self.shared(moment, own, width, plan.sums)

    def _side(self, moment: ViewState, own: list[Use], width: int, height: int) -> list[Line]:
        left = width * 11 // 20
        one = self.equations(moment, left, height, True)
        everything = list(uses(moment.layer))
        shown = everything if len(everything) + 4 <= height else own
        other = self.shared(moment, shown, width - left - 1, height, own)
        ink = moment.look.ink
        one += [[]] * (height - len(one))
        other += [[]] * (height - len(other))
        gap = Segment(" ", ink)
        return [[*trimmed(a, left, ink), gap, *b] for a, b in zip(one, other, strict=True)]

    def _beside(self, moment: ViewState, name: str) -> str:
        """The norm of this token's gradient, and that of the other sentence: of which loss."""
        t = moment.cursor.t
        at = None if moment.hidden else second_sentence.place(moment, t)
        if at is None or not undone(moment.layer, t, moment.cursor.part, t, name):
            return ""
        (found, j), n = at, moment.cursor.layer
        own, other = (number(float(sizes(x.layers[n], name)[k]))
                      for x, k in ((found.a, t), (found.b, j)))  # fmt: skip
        said = f" · ‖{symbol(f'd_{name}', t + 1)}‖ {own}  {second_sentence.OTHER} {other}"
        target = found.b.head.target
        if target == found.a.head.target:
            return said
        return f"{said} ({self.say(moment, 'other_loss', label=visible(target))})"

    # -- the map ----------------------------------------------------------------------------------

    def map(self, moment: ViewState, name: str, width: int, height: int) -> list[Line]:
        """A row a token: the norm of its gradient, and the gradient of every unit."""
        look, cursor = moment.look, moment.cursor
        each, top, (low, high) = sizes(moment.layer, name), *scales(moment.layer, name)
        at = self.columns(moment, width)
        arrow = at.heat + (cursor.unit - at.first) * at.wide + (at.wide - 1) // 2
        norm = f"‖{symbol(f'd_{name}')}‖"
        scale = f"{power(low)}…{power(high)}" if at.bar >= 12 else ""
        said = " " * at.word + fit(norm, shared_gradients.NORM) + fit(scale, at.bar + 1)
        said += f"{symbol(f'd_{name}')}[{cursor.unit}]"
        left = [Segment(fit(said, arrow), look.dim), Segment(f"▼{cursor.unit}", look.now)]
        right = [Segment(f"±{number(top)}", look.dim)]
        lines = [beside(left, right if length(left) + 12 < width else [], width, look.ink)]
        for t in self.rows(moment, height):
            here = t == cursor.t
            mark = second_sentence.mark(moment, t)
            word = ("▸" + mark if here else mark or " ") + visible(moment.trace.tokens[t])
            style = look.chosen if here else look.above if mark else look.ink
            style = look.unknown if moment.trace.unknown[t] and not here else style
            line = [Segment(fit(word, at.word - 1), style), Segment(" ", look.ink)]
            if undone(moment.layer, cursor.t, cursor.part, t, name):
                size = float(each[t])
                share = (np.log10(size) - low) / (high - low) if size > 0 else 0
                bar = shared_gradients.blocks(max(float(share), 1e-9) if size > 0 else 0, at.bar)
                values = moment.layer.grads[name][t, at.first : at.first + at.count]
                style = look.now if here else look.dim
                line += [
                    Segment(fit(number(size), shared_gradients.NORM), style),
                    Segment(fit(bar, at.bar + 1), look.now if here else look.source),
                    Segment(
                        fit(number(float(values[cursor.unit - at.first]), 3, True), VALUE + 1),
                        style,
                    ),
                    *heat(values, top, False, look, at.wide, cursor.unit - at.first),
                ]
            else:
                line.append(Segment(fit("·", at.heat - at.word), look.rule))
                mark = fit("·", max(4, at.wide)) * at.count
                line.append(Segment(mark[: at.wide * at.count], look.rule))
            lines.append(line)
        return lines

    def columns(self, moment: ViewState, width: int) -> Columns:
        """Words, norm, bar, and as many units as the rest has room for."""
        word = 9 if width < 70 else 12 if width < 100 else 16
        bar = 4 if width < 70 else 12 if width < 100 else 16
        H = moment.layer.units
        room = width - word - shared_gradients.NORM - bar - 2 - VALUE
        wide = max(1, min(3, room // H))
        count = min(H, room // wide)
        return Columns(word, bar, wide, window(H, moment.cursor.unit, count), count)

    def rows(self, moment: ViewState, height: int) -> range:
        """The tokens that have a row."""
        T, room = len(moment.trace.tokens), max(1, height - 1)
        first = page(T, moment.cursor.t, room)
        return range(first, min(T, first + room))

    def picked(self, moment: ViewState, x: int, y: int) -> CellPicked | None:
        at = self.columns(moment, self.size.width)
        shown = [n for n, strip in enumerate(self.strips()) if strip.text.startswith("▸")]
        rows_at = shown[0] if shown else 2
        t = moment.cursor.t + y - rows_at
        unit = (x - at.heat) // at.wide + at.first
        if not 0 <= t < len(moment.trace.tokens) or y < 2:
            return None
        inside = x >= at.heat and unit < at.first + at.count
        return CellPicked(t=t, unit=unit if inside else None)

    # -- the equations ----------------------------------------------------------------------------

    def equations(self, moment: ViewState, width: int, height: int, titled: bool) -> list[Line]:
        """What undoes this part, in full where there is room; above it what was undone before."""
        head: list[Line] = []
        if titled:
            unit = moment.text("panel.unit", n=moment.cursor.unit)
            token = visible(moment.trace.tokens[moment.cursor.t])
            note = f"“{token}” · {unit}"
            head = [heading(moment.word("part", moment.part), "", width, moment.look, note)]
        room = height - len(head)
        if not moment.layer.mask[moment.cursor.t]:
            return head + self._told(moment, "masked", width)
        if moment.part == "predict":
            return head + self.start(moment, width, room)[:room]
        return head + self._before(moment, width, room, self._now(moment, width, room))

    def _now(self, moment: ViewState, width: int, room: int) -> list[Line]:
        layer, cursor = moment.layer, moment.cursor
        found = [
            line for line in moment.back
            if worked(layer, line.formula, cursor.t, cursor.unit) is not None
        ]  # fmt: skip
        for tight in (False, True):
            body = [equation(moment, line, width, tight) for line in found]
            if sum(map(len, body)) <= room:
                return [line for block in body for line in block]
        return [text for line in found for text in in_one_line(moment, line, width)]

    def _before(self, moment: ViewState, width: int, room: int, now: list[Line]) -> list[Line]:
        """As many of the lines undone at this token before as there is room for, dim."""
        layer, cursor = moment.layer, moment.cursor
        done = [n for n in layer.back if undone_at(layer, n.name[2:]) > cursor.part]
        earlier = [text for n in done for text in in_one_line(moment, n, width)]
        # One piece a line: fewer bytes for what is not looked at.
        dim = [[Segment("".join(s.text for s in line), moment.look.dim)] for line in earlier]
        free = max(0, room - len(now))
        return [*dim[len(dim) - min(free, len(dim)) :], *now]

    def _told(self, moment: ViewState, key: str, width: int) -> list[Line]:
        said = self.say(moment, key)
        return [[Segment(" " + s, moment.look.dim)] for s in wrapped(said, width - 2)]

    def start(self, moment: ViewState, width: int, room: int) -> list[Line]:
        """What arrives at this token's h from above; of the head's part the whole arithmetic."""
        arrives = walk_start(moment, width)
        if room > 3 and is_top(moment) and handed(moment):
            return head_back(moment, width) + arrives[1:]
        return arrives

    # -- the sums ---------------------------------------------------------------------------------

    def shared(
        self,
        moment: ViewState,
        shown: list[Use],
        width: int,
        height: int,
        own: list[Use] | None = None,
    ) -> list[Line]:
        """The gradients of shared weights: what this step adds, and the sum so far."""
        own = own or shown
        gate = self.gate(moment)
        word = moment.word("name", gate) if gate else ""
        title = self.say(moment, "shared") + (f" · {gate} {word}" if gate else "")
        title = self.say(moment, "shared_all") if len(shown) > len(own) else title
        head = heading(title, "", width, moment.look, shared_gradients.count_said(moment, own))
        lines = [
            head,
            *shared_gradients.table(moment, shown, width, gate if len(shown) > len(own) else ""),
        ]
        first = next(use for use in own if use.read)
        k = shared_gradients.entry(moment, first)
        room = height - len(lines)
        for tight in (False, True):
            told = shared_gradients.addition(moment, first, k, width, tight)
            if len(told) <= room:
                spare = room - len(told) - 1
                return [*lines, *told, *shared_gradients.ledger(moment, first, k, width, spare)]
        return lines


def gradients(layer: LayerTrace) -> list[str]:
    """What can be in the map: the states, then everything else, in the order it is undone."""
    told = [line.name[2:] for line in layer.back if line.name != "d_x"]
    return list(dict.fromkeys([*layer.states, *told]))


def end(layer: LayerTrace) -> int:
    """The part in which the walk is done with a token."""
    return min(undone_at(layer, line.name[2:]) for line in layer.back)


def scales(layer: LayerTrace, name: str) -> tuple[float, tuple[int, int]]:
    """The value at the end of the map's scale, and the powers of ten of its bars."""
    top = float(np.abs(layer.grads[name]).max())
    return top or 1.0, log_range(sizes(layer, name))


def head_back(moment: ViewState, width: int) -> list[Line]:
    """The first step of the walk: from the loss to the last state, with the head's weights."""
    head, layer, cursor = moment.trace.head, moment.layer, moment.cursor
    offset = layer.units if layer.direction == "backward" else 0
    K, row = len(head.b), offset + cursor.unit
    if head.kind == "linear" or len(head.W) not in (layer.units, 2 * layer.units):
        return walk_start(moment, width)[:1]
    lines: list[Line] = [[Segment(" " + moment.loss(), moment.look.ink)]]
    values: dict[str, Array | float] = {}
    for k in range(K):
        label = k if K > 1 else 1
        p, y = float(head.output[label]), float(head.labels[label] == head.target)
        done = numbers("p - y", {"p": p, "y": y}, 0)
        mark = f"[{visible(head.labels[k])}]" if K > 1 else ""
        said = [Segment(f" ∂L/∂s{mark} = p − y = "), *(Segment(s) for s, _ in done.spans)]
        lines.append([*said, Segment(f" = {done.result}", moment.look.now)])
        values |= {f"s{k}": p - y, f"w{k}": float(head.W[row, k])}
    formula = " + ".join(f"s{k} * w{k}" for k in range(K))
    if not np.isclose(_value(formula, values), layer.grads["h_out"][cursor.t, cursor.unit], 1e-3):
        return walk_start(moment, width)[:1]
    done = numbers(formula, values, 0)
    block = written(moment, "d_h_out", "d_s @ W.T", done, width, True)
    return lines + block


def _value(formula: str, values: dict[str, Array | float]) -> float:
    from rnnviz.equations import evaluate

    return float(evaluate(formula, values))
