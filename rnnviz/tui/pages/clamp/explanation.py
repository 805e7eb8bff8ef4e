"""What a clamp does to the cell, in words, and what becomes of the prediction."""

from __future__ import annotations

import re

import numpy as np

from rnnviz.clamps import Clamp
from rnnviz.display import visible
from rnnviz.equations import number
from rnnviz.trace import LayerTrace, Trace
from rnnviz.trace.notation import turned_value
from rnnviz.tui.view.view_state import ViewState, scale

#: What a gate does, by what it is multiplied with in the lines of the cell; the first that fits.
ROLES = {
    "{g} * c_prev": "forget",
    "{g} * h_prev": "keep",
    "(1 - {g}) * h_prev": "renew",
    "{g} * g": "write",
    "{g} * c": "show",
}
#: The function of c that is shown, which the formula of another activation has for tanh.
_SHOWN = re.compile(r"\w+\(c\)$")
#: The same for a reset gate, whatever it scales on the way to the candidate.
RESET = ("{g} * q", "{g} * h_prev")


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.clamp.{key}", **values)


def explanation(view_state: ViewState, free: Trace) -> list[str]:
    """Sentences, the most important first: what the latest clamp does, and how far the state of
    the cell changes."""
    clamps, trace = view_state.query.clamps, view_state.trace
    if not clamps:
        return []
    clamp = turned_value(clamps[-1], trace)
    n = next((k for k, la in enumerate(trace.layers) if la.name == clamp.layer), 0)
    layer = trace.layers[n]
    said = _mechanism(view_state, layer, clamp)
    if view_state.hidden:
        return [said] if said else []
    if not said or clamp.name in layer.states:
        return [said] if said else []
    state = "c" if "c" in layer.states else "h"
    t = layer.order[-1]
    before, after = (
        number(float(np.linalg.norm(x.layers[n].values[state][t].astype(np.float64))))
        for x in (free, trace)
    )
    word, key = visible(trace.tokens[t]), "size" if before != after else "size_same"
    return [said, page_text(view_state, key, c=layer.symbol(state), word=word, a=before, b=after)]


def role(layer: LayerTrace, gate: str) -> str:
    """What a gate does in this cell: "forget", "write", "show", "keep", "renew", "reset" or ""."""
    for line in layer.lines:
        if line.name in layer.states:
            terms = [_SHOWN.sub("c", term) for term in line.formula.split(" + ")]
            for form, name in ROLES.items():
                if form.format(g=gate) in terms:
                    return name
        elif any(form.format(g=gate) in line.formula.split(" + ") for form in RESET):
            return "reset"
    return ""


def _mechanism(view_state: ViewState, layer: LayerTrace, clamp: Clamp) -> str:
    """The consequence of a whole gate at 0 or 1, or of a unit that is cut out."""
    if clamp.name == "h" and clamp.unit is not None and clamp.t is None and clamp.value == 0:
        return page_text(view_state, "explain_cut", n=clamp.unit)
    whole = clamp.t is None and clamp.unit is None and clamp.value in (0, 1)
    if not whole or clamp.name not in layer.values or not scale(layer, clamp.name)[0]:
        return ""
    found = role(layer, clamp.name)
    if not found:
        return ""
    return page_text(
        view_state, f"explain_{found}_{clamp.value:.0f}", gate=layer.symbol(clamp.name)
    )


def outcome(view_state: ViewState, free: Trace) -> tuple[str, ...]:
    """Whether the prediction stays or turns, with its numbers, and the numbers alone."""
    head, k = view_state.trace.head, view_state.shown_class()
    before, after = (float(x.output[k]) for x in (free.head, head))
    if head.is_number:
        series = view_state.trace.series
        if series is not None:
            before, after = (series.restored(np.float64(v)).item() for v in (before, after))
        return (page_text(view_state, "becomes", a=number(before, 2), b=number(after, 2)),)
    old, new = (visible(head.labels[int(np.argmax(h.output))]) for h in (free.head, head))
    values = {"p": visible(head.labels[k]), "x": number(before), "y": number(after)}
    name = view_state.text("view.believes", label=values["p"])
    short = page_text(view_state, "close_moved_short", name=name, x=values["x"], y=values["y"])
    if old == new:
        return page_text(view_state, "said_stays", label=new, **values), short
    return page_text(view_state, "said_turns", a=old, b=new, **values), short
