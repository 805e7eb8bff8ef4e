"""The part above the table: the clamps, both predictions, and the chosen unit's values."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from rnnviz.analysis.clamp_effects import clamp_effect, largest_effect
from rnnviz.clamps import Clamp
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.trace.notation import written_clamp
from rnnviz.tui.pages.clamp.explanation import explanation
from rnnviz.tui.render.segments import Line, cut, fit, heading, length, trimmed, window, wrapped
from rnnviz.tui.view import second_sentence
from rnnviz.tui.view.view_state import ViewState, scale

#: Columns of a probability in the table.
P = 8
#: From this width on, clamps and the chosen unit are side by side.
BROAD = 100
#: Least lines of the table.
LEAST = 6


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.clamp.{key}", **values)


def plain(paragraph: list[str], view_state: ViewState) -> list[Line]:
    """Dim lines of text."""
    return [[Segment(" " + line, view_state.theme.dim)] for line in paragraph]


def note(view_state: ViewState, free: Trace, name: str) -> str:
    """The quantity that is drawn, and its scale."""
    words = view_state.word("name", name)
    written = view_state.symbol(name)
    label = written if words == name else f"{written} {words}"
    key = "note" if view_state.trace.clamps else "note_free"
    return page_text(view_state, key, name=label, scale=range_of(view_state, free, name))


def range_of(view_state: ViewState, free: Trace, name: str) -> str:
    """The range of the colour scale, as text."""
    if view_state.trace.clamps:
        return (
            f"±{number(largest_effect(view_state.trace, free, view_state.cursor.layer, name), 2)}"
        )
    gate, end = scale(view_state.layer, name)
    return "0…1" if gate else f"±{number(end, 2)}"


# -- above the table ------------------------------------------------------------------------------


def above(view_state: ViewState, free: Trace, name: str, width: int, room: int) -> list[Line]:
    """The clamps, both final predictions, and the chosen unit with and without clamps."""
    if width < BROAD:
        bars = _prediction(view_state, free, width)
        unit = _here(view_state, free, name)
        most = room - LEAST - len(bars)
        words = _explained(view_state, free, width, most - 1)
        return [*_clamp_list(view_state, width, max(1, most - len(words))), *words, *bars, unit]
    half = width // 2 - 1
    bars = _prediction(view_state, free, half, beside=True)
    most = max(3, room - LEAST)
    words = _explained(view_state, free, half, most - len(bars) - 2)
    listed = max(1, most - len(bars) - len(words) - 1)
    left = [*_clamp_list(view_state, half, listed, titled=True), *words, *bars]
    right = _unit(view_state, free, name, width - half - 2, most)
    tall = max(len(left), len(right))
    pairs = zip(*(side + [[]] * (tall - len(side)) for side in (left, right)), strict=True)
    ink = view_state.theme.ink
    return [[*trimmed(one, half, ink), Segment("  ", ink), *other] for one, other in pairs]


def _explained(view_state: ViewState, free: Trace, width: int, most: int) -> list[Line]:
    """What the latest clamp does: as many whole sentences as fit."""
    text = ""
    for sentence in explanation(view_state, free):
        longer = f"{text} {sentence}".strip()
        if len(wrapped(longer, width - 2)) <= most:
            text = longer
    words = wrapped(text, width - 2)
    return [[Segment(f" {line}", view_state.theme.source)] for line in words]


def _clamp_list(view_state: ViewState, width: int, most: int, titled: bool = False) -> list[Line]:
    """A numbered line for each clamp; the last ones if not all fit."""
    theme, clamps = view_state.theme, view_state.query.clamps
    lines = [heading(page_text(view_state, "held"), "", width, theme)] if titled else []
    if not clamps:
        return lines + plain(
            wrapped(page_text(view_state, "nothing"), width - 2)[: max(1, most)], view_state
        )
    hidden = max(0, len(clamps) - most)
    trace = view_state.trace
    for n, clamp in enumerate(clamps[hidden:], hidden + 1):
        typed = written_clamp(clamp, trace).counted(trace.tokens, len(trace.layers) > 1)
        line = [Segment(f"{n:>2} ", theme.dim), Segment(f"{typed}  ", theme.now)]
        extra = "  " + page_text(view_state, "more", n=hidden) if hidden and n == hidden + 1 else ""
        room = width - length(line) - cell_len(extra)
        line += [
            Segment(cut(clamp_in_words(view_state, clamp), room), theme.ink),
            Segment(extra, theme.dim),
        ]
        lines.append(line)
    return lines


def clamp_in_words(view_state: ViewState, clamp: Clamp) -> str:
    """A clamp in words; tokens are counted from 1, as on the screen."""
    words = view_state.word("name", clamp.name)
    tokens = view_state.trace.tokens
    t = page_text(view_state, "everything")
    if clamp.t is not None and clamp.t < len(tokens):
        t = page_text(view_state, "one_token", t=clamp.t + 1, token=visible(tokens[clamp.t]))
    unit = page_text(view_state, "every_unit" if clamp.unit is None else "one_unit", n=clamp.unit)
    return f"{words} · {t} · {unit}"


def _prediction(view_state: ViewState, free: Trace, width: int, beside: bool = False) -> list[Line]:
    """Both final predictions of the followed class as bars, and whether the verdict changed.

    ``beside``: also the prediction for the second sentence, if there is one.
    """
    theme, head, k = view_state.theme, view_state.trace.head, view_state.shown_class()
    before, after = float(free.head.output[k]), float(head.output[k])
    title = heading(
        page_text(view_state, "prediction"), "", width, theme, _verdict(view_state, free)
    )
    rows = [("free", before, theme.dim)]
    if view_state.trace.clamps:
        rows.append(("held", after, theme.now))
    other = second_sentence.difference(view_state) if beside and not view_state.hidden else None
    if other is not None:
        rows.append(("other", float(other.b.head.output[k]), theme.source))
    label = visible(head.labels[k])
    name = view_state.text("view.believes", label=label) if not head.is_number else label
    named = {key: page_text(view_state, key) for key in ("free", "held")}
    named["other"] = f"{second_sentence.MARK} {view_state.text('beside.other')}"
    names = max(cell_len(named[key]) for key in ("free", "held", *(key for key, *_ in rows)))
    lead = min(cell_len(name), 18)
    lines = [title]
    for n, (key, value, style) in enumerate(rows):
        text = "?" if view_state.hidden else output_text(view_state, value)
        by = number(after - before, 3, True) if key == "held" and not view_state.hidden else ""
        room = width - lead - names - 24
        line = [
            Segment(f" {fit(name if n == 0 else '', lead)} ", theme.bold),
            Segment(f"{fit(named[key], names)} ", style),
            Segment(f"{fit(text, 9)} ", style),
        ]
        if not head.is_number and room >= 8:
            blocks = 0 if view_state.hidden else round(room * value)
            line.append(Segment("█" * blocks, style))
            line.append(Segment("░" * (room - blocks) + " ", theme.rule))
        lines.append([*line, Segment(by, theme.now)])
    return lines


def output_text(view_state: ViewState, value: float) -> str:
    """A probability, or a forecast in the unit of its column, as text."""
    series = view_state.trace.series
    return number(value) if series is None else number(series.restored(np.float64(value)).item(), 2)


def _verdict(view_state: ViewState, free: Trace) -> str:
    head = view_state.trace.head
    if head.is_number or view_state.hidden or not view_state.trace.clamps:
        return ""
    a, b = (visible(head.labels[int(np.argmax(h.output))]) for h in (free.head, head))
    return (
        page_text(view_state, "stays", label=b)
        if a == b
        else page_text(view_state, "turns", a=a, b=b)
    )


def _unit(view_state: ViewState, free: Trace, name: str, width: int, most: int) -> list[Line]:
    """All quantities of the chosen unit at the chosen token: free, clamped, difference."""
    theme, cursor = view_state.theme, view_state.cursor
    token = visible(view_state.trace.tokens[cursor.t])
    title = page_text(view_state, "unit_at", n=cursor.unit, token=token)
    columns = [
        fit("", 6),
        *(fit(page_text(view_state, key), 12) for key in ("free", "held", "difference")),
    ]
    if second_sentence.aligned_token(view_state, cursor.t) is not None:
        columns.append(f"{second_sentence.MARK} {view_state.text('beside.other')}")
    lines = [heading(title, "", width, theme), [Segment("".join(columns), theme.dim)]]
    quantities = view_state.quantities
    if len(quantities) > most - 2:
        first = window(len(quantities), quantities.index(name), max(1, most - 2))
        quantities = quantities[first : first + max(1, most - 2)]
    for each in quantities:
        style = theme.now if each == name else theme.ink
        numbers = _numbers(view_state, free, each)
        stuck = view_state.layer.clamped_value(each, cursor.t, cursor.unit) is not None
        line = [Segment(fit(f" {view_state.symbol(each, view_state.step)}", 6), style)]
        line += [Segment(fit(text, 12), style) for text in numbers]
        other = (
            second_sentence.value_text(view_state, each) if view_state.known(cursor.t, each) else ""
        )
        if other:
            line.append(Segment(fit(other, 12), theme.source))
        lines.append([*line, Segment(page_text(view_state, "held") if stuck else "", theme.now)])
    return lines


def _numbers(view_state: ViewState, free: Trace, name: str) -> tuple[str, str, str]:
    """A value of the chosen unit at the chosen token: free, clamped, and the difference."""
    layer, t, unit = view_state.cursor.layer, view_state.cursor.t, view_state.cursor.unit
    if not view_state.known(t, name):
        unknown = "?" if view_state.part_hidden else "·"
        return unknown, unknown, unknown
    before = number(float(free.layers[layer].values[name][t, unit]), 3, True)
    if not view_state.trace.clamps:
        return before, "", ""
    after = number(float(view_state.layer.values[name][t, unit]), 3, True)
    by = float(clamp_effect(view_state.trace, free, layer, name)[t, unit])
    return before, after, number(by, 3, True)


def _here(view_state: ViewState, free: Trace, name: str) -> Line:
    """The same for the drawn quantity, in one line."""
    theme, cursor = view_state.theme, view_state.cursor
    numbers = _numbers(view_state, free, name)
    line = [Segment(f" {view_state.symbol(name, view_state.step)}[{cursor.unit}]", theme.now)]
    for key, text in zip(("free", "held", "difference"), numbers, strict=True):
        if text:
            line.append(Segment(f"  {page_text(view_state, key)} ", theme.dim))
            line.append(Segment(text, theme.now))
    return line
