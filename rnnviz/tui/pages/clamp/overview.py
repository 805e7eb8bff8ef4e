"""What stands above the table of clamps: the list, the bars, and the chosen unit's numbers."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.clamp_effects import clamp_effect, largest_effect
from rnnviz.clamps import Clamp
from rnnviz.display import visible
from rnnviz.equations import number, symbol
from rnnviz.trace import Trace
from rnnviz.tui.render.segments import Line, cut, fit, heading, length, trimmed, window, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState, scale

#: Columns of a probability in the table.
P = 8
#: From this width on what is held and the chosen unit stand side by side.
BROAD = 100
#: The least lines of the table: its title, and some tokens.
LEAST = 6


def say(moment: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return moment.text(f"page.clamp.{key}", **values)


def plain(told: list[str], moment: ViewState) -> list[Line]:
    """Dim lines of text."""
    return [[Segment(" " + line, moment.look.dim)] for line in told]


def note(moment: ViewState, free: Trace, name: str) -> str:
    """Which quantity is drawn, and the ends of its scale."""
    words = moment.word("name", name)
    said = name if words == name else f"{name} {words}"
    key = "note" if moment.trace.clamps else "note_free"
    return say(moment, key, name=said, scale=range_of(moment, free, name))


def range_of(moment: ViewState, free: Trace, name: str) -> str:
    """The ends of the scale of what is drawn."""
    if moment.trace.clamps:
        return f"±{number(largest_effect(moment.trace, free, moment.cursor.layer, name), 2)}"
    gate, end = scale(moment.layer, name)
    return "0…1" if gate else f"±{number(end, 2)}"


# -- above the table ------------------------------------------------------------------------------


def above(moment: ViewState, free: Trace, name: str, width: int, room: int) -> list[Line]:
    """What is held, both last predictions, and the chosen unit with and without it."""
    if width < BROAD:
        bars = _prediction(moment, free, width)
        unit = _here(moment, free, name)
        return [*_held(moment, width, max(1, room - LEAST - len(bars) - 1)), *bars, unit]
    half = width // 2 - 1
    bars = _prediction(moment, free, half, beside=True)
    most = max(3, room - LEAST)
    left = [*_held(moment, half, max(1, most - len(bars) - 1), titled=True), *bars]
    right = _unit(moment, free, name, width - half - 2, most)
    tall = max(len(left), len(right))
    pairs = zip(*(side + [[]] * (tall - len(side)) for side in (left, right)), strict=True)
    ink = moment.look.ink
    return [[*trimmed(one, half, ink), Segment("  ", ink), *other] for one, other in pairs]


def _held(moment: ViewState, width: int, most: int, titled: bool = False) -> list[Line]:
    """A numbered line for each clamp; the last ones where there is no room for all."""
    look, clamps = moment.look, moment.query.clamps
    lines = [heading(say(moment, "held"), "", width, look)] if titled else []
    if not clamps:
        return lines + plain(wrapped(say(moment, "nothing"), width - 2)[: max(1, most)], moment)
    hidden = max(0, len(clamps) - most)
    for n, clamp in enumerate(clamps[hidden:], hidden + 1):
        line = [Segment(f"{n:>2} ", look.dim), Segment(f"{clamp}  ", look.now)]
        extra = "  " + say(moment, "more", n=hidden) if hidden and n == hidden + 1 else ""
        room = width - length(line) - cell_len(extra)
        line += [Segment(cut(meaning(moment, clamp), room), look.ink), Segment(extra, look.dim)]
        lines.append(line)
    return lines


def meaning(moment: ViewState, clamp: Clamp) -> str:
    """A clamp in words, its token as it is counted on the screen: from 1."""
    words = moment.word("name", clamp.name)
    tokens = moment.trace.tokens
    t = say(moment, "everything")
    if clamp.t is not None and clamp.t < len(tokens):
        t = say(moment, "one_token", t=clamp.t + 1, token=visible(tokens[clamp.t]))
    unit = say(moment, "every_unit" if clamp.unit is None else "one_unit", n=clamp.unit)
    return f"{words} · {t} · {unit}"


def _prediction(moment: ViewState, free: Trace, width: int, beside: bool = False) -> list[Line]:
    """Both last predictions of the followed class as bars, and what became of the verdict.

    ``beside``: and that of the second sentence, if there is one.
    """
    look, head, k = moment.look, moment.trace.head, moment.shown_class()
    before, after = float(free.head.output[k]), float(head.output[k])
    title = heading(say(moment, "prediction"), "", width, look, _verdict(moment, free))
    told = [("free", before, look.dim)]
    if moment.trace.clamps:
        told.append(("held", after, look.now))
    other = second_sentence.compared(moment) if beside and not moment.hidden else None
    if other is not None:
        told.append(("other", float(other.b.head.output[k]), look.source))
    label = visible(head.labels[k])
    name = moment.text("view.believes", label=label) if head.kind != "linear" else label
    named = {key: say(moment, key) for key in ("free", "held")}
    named["other"] = f"{second_sentence.OTHER} {moment.text('beside.other')}"
    names = max(cell_len(named[key]) for key in ("free", "held", *(key for key, *_ in told)))
    lead = min(cell_len(name), 18)
    lines = [title]
    for n, (key, value, style) in enumerate(told):
        shown = "?" if moment.hidden else said_of(moment, value)
        by = number(after - before, 3, True) if key == "held" and not moment.hidden else ""
        room = width - lead - names - 24
        line = [
            Segment(f" {fit(name if n == 0 else '', lead)} ", look.bold),
            Segment(f"{fit(named[key], names)} ", style),
            Segment(f"{fit(shown, 9)} ", style),
        ]
        if head.kind != "linear" and room >= 8:
            blocks = 0 if moment.hidden else round(room * value)
            line.append(Segment("█" * blocks, style))
            line.append(Segment("░" * (room - blocks) + " ", look.rule))
        lines.append([*line, Segment(by, look.now)])
    return lines


def said_of(moment: ViewState, value: float) -> str:
    """A probability, or a forecast in the unit of what is foreseen."""
    series = moment.trace.series
    return number(value) if series is None else number(series.restored(np.float64(value)).item(), 2)


def _verdict(moment: ViewState, free: Trace) -> str:
    head = moment.trace.head
    if head.kind == "linear" or moment.hidden or not moment.trace.clamps:
        return ""
    a, b = (visible(head.labels[int(np.argmax(h.output))]) for h in (free.head, head))
    return say(moment, "stays", label=b) if a == b else say(moment, "turns", a=a, b=b)


def _unit(moment: ViewState, free: Trace, name: str, width: int, most: int) -> list[Line]:
    """Every quantity of the chosen unit at the chosen token: free, held, difference."""
    look, cursor = moment.look, moment.cursor
    token = visible(moment.trace.tokens[cursor.t])
    title = say(moment, "unit_at", n=cursor.unit, token=token)
    columns = [fit("", 6), *(fit(say(moment, key), 12) for key in ("free", "held", "difference"))]
    if second_sentence.place(moment, cursor.t) is not None:
        columns.append(f"{second_sentence.OTHER} {moment.text('beside.other')}")
    lines = [heading(title, "", width, look), [Segment("".join(columns), look.dim)]]
    shown = moment.quantities
    if len(shown) > most - 2:
        first = window(len(shown), shown.index(name), max(1, most - 2))
        shown = shown[first : first + max(1, most - 2)]
    for each in shown:
        style = look.now if each == name else look.ink
        numbers = _numbers(moment, free, each)
        stuck = moment.layer.held(each, cursor.t, cursor.unit) is not None
        line = [Segment(fit(f" {symbol(each, moment.step)}", 6), style)]
        line += [Segment(fit(said, 12), style) for said in numbers]
        other = second_sentence.beside(moment, each) if moment.known(cursor.t, each) else ""
        if other:
            line.append(Segment(fit(other, 12), look.source))
        lines.append([*line, Segment(say(moment, "held") if stuck else "", look.now)])
    return lines


def _numbers(moment: ViewState, free: Trace, name: str) -> tuple[str, str, str]:
    """A value of the chosen unit at the chosen token: free, held, and the difference."""
    layer, t, unit = moment.cursor.layer, moment.cursor.t, moment.cursor.unit
    if not moment.known(t, name):
        said = "?" if moment.hidden else "·"
        return said, said, said
    before = number(float(free.layers[layer].values[name][t, unit]), 3, True)
    if not moment.trace.clamps:
        return before, "", ""
    after = number(float(moment.layer.values[name][t, unit]), 3, True)
    by = float(clamp_effect(moment.trace, free, layer, name)[t, unit])
    return before, after, number(by, 3, True)


def _here(moment: ViewState, free: Trace, name: str) -> Line:
    """The same in one line, of the drawn quantity alone."""
    look, cursor = moment.look, moment.cursor
    numbers = _numbers(moment, free, name)
    line = [Segment(f" {symbol(name, moment.step)}[{cursor.unit}]", look.now)]
    for key, said in zip(("free", "held", "difference"), numbers, strict=True):
        if said:
            line.append(Segment(f"  {say(moment, key)} ", look.dim))
            line.append(Segment(said, look.now))
    return line
