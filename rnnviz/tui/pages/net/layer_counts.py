"""Keras calls and parameter counts of the layers, and what the net returns, in words."""

from __future__ import annotations

from rich.segment import Segment

from rnnviz.analysis import layer_stack
from rnnviz.analysis.net_summary import LayerSummary, NetQuestion, NetSummary
from rnnviz.display import visible
from rnnviz.tui.render.segments import Line, cut, length, wrapped
from rnnviz.tui.view.view_state import ViewState


def page_text(view_state: ViewState, key: str, **values: object) -> str:
    """A text of the page."""
    return view_state.text(f"page.net.{key}", **values)


def question(view_state: ViewState) -> NetQuestion | None:
    """The question whose answer is the list of layers; None for a trace without a model."""
    query = view_state.query
    return NetQuestion(query.model, query.hand) if query.model else None


def summary(view_state: ViewState) -> NetSummary | None:
    """The layers of the net; None until they are known, or if they cannot be."""
    asked = question(view_state)
    answer = None if asked is None else view_state.answers.get(asked)
    levels = layer_stack.levels(view_state.trace)
    known = isinstance(answer, NetSummary) and len(answer.at("recurrent")) == len(levels)
    return answer if known else None


def count_line(view_state: ViewState, row: LayerSummary, width: int, total: str = "") -> Line:
    """The Keras call of a layer, its parameters and their arithmetic; the count is never cut."""
    theme = view_state.theme
    call = row.keras or f"{row.title} {page_text(view_state, 'not_in_keras')}"
    n = page_text(view_state, "parameters", count=f"{row.count:,}")
    whole = page_text(view_state, "parameters", count=row.arithmetic)
    for text in (f"{whole}{total}", whole, row.arithmetic, n, f"{row.count:,}"):
        line = [Segment(f" {call}   ", theme.source), Segment(text, theme.ink)]
        if length(line) <= width:
            return line
    return [Segment(cut(f" {call}", width), theme.source)]


def paragraphs(view_state: ViewState, width: int, with_end: bool) -> list[list[Line]]:
    """What the layers return, where the count of the chosen one comes from, and what
    ``h[:, -1]`` takes, the latter only if ``with_end``; each as wrapped lines."""
    texts = [_returned(view_state), _count(view_state)]
    texts.insert(1, end_text(view_state) if with_end else "")
    ink = view_state.theme.dim
    return [
        [[Segment(f" {line}", ink)] for line in wrapped(text, width - 2)] for text in texts if text
    ]


def _returned(view_state: ViewState) -> str:
    """What ``return_sequences`` gives."""
    trace, found = view_state.trace, summary(view_state)
    levels = layer_stack.levels(trace)
    T, H = len(trace.tokens), [sum(trace.layers[n].units for n in level) for level in levels]
    word = visible(trace.tokens[-1])
    if len(levels) == 1:
        row = None if found is None else found.at("recurrent")[0]
        call = "" if row is None else row.keras or row.title
        key = "returns_both" if len(levels[0]) > 1 else "returns"
        key = "returns_every" if trace.head.reads == "steps" else key
        return page_text(
            view_state, key, layer=call or trace.layers[0].title, word=word, H=H[0], T=T
        )
    below = ", ".join(str(k + 1) for k in range(len(levels) - 1))
    key = "sequences" if len(levels) == 2 else "sequences_many"
    top = "every" if trace.head.reads == "steps" else "last"
    top += "_output" if trace.head.kind == "state" else ""
    values = {"below": below, "above": len(levels), "T": T, "D": H[0], "top": len(levels)}
    texts = (page_text(view_state, each, **values, F=H[-1]) for each in (key, f"top_{top}"))
    return " ".join(texts)


def _count(view_state: ViewState) -> str:
    """The shapes of the weights of one gate, and the number of gates and directions."""
    layer, weights = view_state.layer, view_state.layer.weights
    order = layer.table.order or layer.gates
    gates = [gate for gate in order if gate in layer.gates and gate]
    if gates:
        one = [name for name in weights if name.partition("_")[2] in (gates[0], f"r{gates[0]}")]
        of_a_gate = ("W", "U", "b")
        more = [name for name in weights if name[0] not in of_a_gate]
    else:
        one, more = list(weights), []
    level = layer_stack.level_of_layer(view_state.trace, view_state.cursor.layer)
    directions = len(layer_stack.levels(view_state.trace)[level])
    count = directions * sum(weight.size for weight in weights.values())
    values = {
        "layer": level + 1,
        "count": f"{count:,}",
        "pieces": _shapes(view_state, one),
        "one": f"{sum(weights[name].size for name in one):,}",
    }
    if not gates:
        text = page_text(view_state, "why_one", **values)
    else:
        text = page_text(
            view_state, "why", **values, G=len(gates), gates=", ".join(map(layer.symbol, gates))
        )
    if more:
        text += " " + page_text(view_state, "why_more", pieces=_shapes(view_state, more))
    if directions > 1:
        text += " " + page_text(view_state, "why_both")
    return text


def _shapes(view_state: ViewState, names: list[str]) -> str:
    written = view_state.layer.shape_text
    return ", ".join(f"{view_state.symbol(name)} ({written(name)})" for name in names)


def end_text(view_state: ViewState) -> str:
    """What ``h[:, -1]`` takes, and whether these are the last states."""
    trace, word = view_state.trace, visible(view_state.trace.tokens[-1])
    taken = layer_stack.head_states(trace, "end")
    backward = [s for s in taken if trace.layers[s.layer].direction == "backward"]
    if not layer_stack.differs_at_end(trace):
        text = page_text(view_state, "no_trap_same" if backward else "no_trap_one", word=word)
        words = trace.series is None and trace.hand is None and trace.reads != "vectors"
        padded = words and not backward
        return f"{text} {page_text(view_state, 'if_padded')}" if padded else text
    # A layer above others reads states that depend on other words already.
    below = len(layer_stack.levels(trace)) - 1
    key, T = "trapped_deep" if below else "trapped", len(trace.tokens)
    return page_text(view_state, key, word=word, read=backward[0].tokens_read, T=T, below=below)
