"""The sentences of pages whose numbers come from one reading with something held or left out.

Each function gives the clauses of one page; the questions beside it give the readings they need.
Texts are ``page.PAGE.close_KEY``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from rnnviz.analysis.interventions import LeaveOutQuestion, OutputsWithout, strongest_word
from rnnviz.analysis.padding import PaddingComparison, PaddingMode, PaddingQuestion
from rnnviz.analysis.readout import saliency
from rnnviz.analysis.units import CorpusStates
from rnnviz.clamps import Clamp
from rnnviz.equations import number
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.trace.notation import turned_value
from rnnviz.tui.panels.belief import output_name
from rnnviz.tui.panels.conclusion import (
    LITTLE,
    is_little,
    leave_out_question,
    unit_of_output,
    without,
    word,
)
from rnnviz.tui.view.conclusion import Clause
from rnnviz.tui.view.view_state import ViewState, scale


def texts(view_state: ViewState, page: str, keys: Iterable[str], **values: object) -> Clause:
    """A clause of a page, not checked, with the texts of several keys."""
    found = tuple(view_state.text(f"page.{page}.close_{key}", **values) for key in keys)
    return Clause(found, steady=True)


def checked(clause: Clause, questions: tuple[Question, ...], rank: int) -> Clause:
    """The clause with the questions that its numbers come from."""
    return replace(clause, checked=questions, rank=rank, steady=False)


def held_query(view_state: ViewState, clamp: Clamp) -> Query | None:
    """The text read with one more value held, as the screen writes it; None without the net."""
    query = view_state.query
    if not query.model:
        return None
    layer = view_state.layer.name if len(view_state.trace.layers) > 1 else None
    clamp = turned_value(replace(clamp, layer=clamp.layer or layer), view_state.trace)
    return replace(query, target=None, clamps=(*query.clamps, clamp))


def read(view_state: ViewState, query: Query | None) -> Trace | None:
    """The answer to a query, if it is there and of this text."""
    answer: Trace | None = view_state.answers.get(query)
    same = answer is not None and len(answer.tokens) == len(view_state.trace.tokens)
    return answer if same else None


def shown_output(view_state: ViewState, trace: Trace, t: int = -1) -> float:
    """The shown output of another trace of the same net after token t."""
    return float(unit_of_output(view_state, trace.head.readout[t, view_state.shown_class()]))


def end(view_state: ViewState) -> float:
    """The shown output at the end."""
    return float(view_state.readout[-1, view_state.class_at_end()])


# -- backward: the gradient is not the effect of the word -----------------------------------------


def backward(view_state: ViewState) -> list[Clause]:
    """The gradient of the word, what leaving it out does, and where both are largest."""
    t, sizes = view_state.cursor.t, saliency(view_state.trace)
    if not sizes.any():
        return []
    place = int(np.argsort(-sizes, kind="stable").tolist().index(t))
    T = len(sizes)
    form = "only" if T == 1 else "most" if not place else "least" if place == T - 1 else "size"
    name = word(view_state, t)
    values = {"word": name, "value": number(float(sizes[t]), 2), "n": place + 1, "T": T}
    clauses = [texts(view_state, "backward", (form, f"{form}_short"), **values)]
    question, found = leave_out_question(view_state), without(view_state)
    if question is None or found is None or not found.possible[t]:
        return clauses
    return [*clauses, *_left_out(view_state, sizes, found, question)]


def _left_out(
    view_state: ViewState, sizes: np.ndarray, found: OutputsWithout, question: LeaveOutQuestion
) -> list[Clause]:
    t, k = view_state.cursor.t, view_state.class_at_end()
    outputs = unit_of_output(view_state, found.outputs[:, k])
    here, now = float(outputs[t]), end(view_state)
    little = is_little(view_state, now, here)
    values: dict[str, object] = {
        "word": word(view_state, t), "value": number(here, 2), "end": number(now, 2),
        "little": LITTLE, "name": output_name(view_state, k),
    }  # fmt: skip
    average = "averaged_" if found.averaged else ""
    key = f"{average}same" if little else f"{average}gone"
    one = texts(view_state, "backward", (key, f"{key}_short"), **values)
    largest, best = int(np.argmax(sizes)), strongest_word(found, float(_raw_end(view_state)), k)
    assert best is not None
    key = "both" if largest == best else "differ"
    values = {"a": word(view_state, largest), "b": word(view_state, best)}
    two = texts(view_state, "backward", (key, f"{key}_short"), **values)
    return [checked(one, (question,), 1), checked(two, (question,), 2)]


def _raw_end(view_state: ViewState) -> float:
    return float(view_state.trace.head.output[view_state.class_at_end()])


# -- weights: what one gate of one unit does ------------------------------------------------------


def gate_queries(view_state: ViewState, gate: str) -> tuple[Query, ...]:
    """The text read with this value of the unit held at 0, and a gate also at 1.

    A cell without gates has weights of h alone.
    """
    cursor, gate = view_state.cursor, gate or "h"
    if gate not in view_state.layer.recorded or view_state.hidden:
        return ()
    values = (0.0, 1.0) if scale(view_state.layer, gate)[0] else (0.0,)
    clamps = (Clamp(gate, value, cursor.t, cursor.unit) for value in values)
    found = (held_query(view_state, clamp) for clamp in clamps)
    return tuple(query for query in found if query is not None)


def weights(view_state: ViewState, gate: str) -> list[Clause]:
    """The value at the cursor, and the prediction if it were held at 0 or at 1."""
    t, unit, gate = view_state.cursor.t, view_state.cursor.unit, gate or "h"
    if gate not in view_state.layer.recorded or not view_state.known(t, gate):
        return []
    value = number(float(view_state.layer.values[gate][t, unit]), 2)
    values: dict[str, object] = {
        "gate": view_state.layer.symbol(gate), "n": unit, "word": word(view_state, t),
        "value": value, "name": output_name(view_state),
    }  # fmt: skip
    clauses = [texts(view_state, "weights", ("value", "value_short"), **values)]
    queries = gate_queries(view_state, gate)
    traces = [read(view_state, query) for query in queries]
    if not queries or not view_state.prediction_known(t) or None in traces:
        return clauses
    now = float(view_state.readout[t, view_state.shown_class()])
    held = [shown_output(view_state, trace, t) for trace in traces if trace is not None]
    values |= {"now": number(now, 2), "zero": number(held[0], 2), "one": number(held[-1], 2)}
    same = all(number(each, 2) == number(now, 2) for each in held)
    key = "no_effect" if same else "held" if len(held) == 1 else "held_both"
    clause = texts(view_state, "weights", (key, f"{key}_short"), **values)
    return [*clauses, checked(clause, queries, 1)]


# -- units: what the unit does in this text -------------------------------------------------------


def cut_query(view_state: ViewState) -> Query | None:
    """The text read with the unit cut out: h is 0 at every word."""
    if view_state.hidden:
        return None
    return held_query(view_state, Clamp("h", 0.0, None, view_state.cursor.unit))


def units(view_state: ViewState, corpus: CorpusStates | None) -> list[Clause]:
    """Where the unit stands among the places of the corpus, and the end without the unit."""
    t, unit = view_state.cursor.t, view_state.cursor.unit
    if not view_state.known(t, "h"):
        return []
    value = float(view_state.layer.values["h"][t, unit])
    values: dict[str, object] = {
        "n": unit, "word": word(view_state, t), "value": number(value, 2, True),
        "little": LITTLE, "end": number(end(view_state), 2), "name": output_name(view_state),
    }  # fmt: skip
    clauses = [texts(view_state, "units", ("here",), **values)]
    if corpus is not None:
        share = round(100 * float((corpus.h[:, unit] < value).mean()))
        clauses = [texts(view_state, "units", ("among", "here"), share=share, **values)]
    query = cut_query(view_state)
    trace = read(view_state, query)
    if query is None or trace is None:
        return clauses
    held = shown_output(view_state, trace)
    values["held"] = number(held, 2)
    known = view_state.prediction_known(len(view_state.trace.tokens) - 1)
    little = is_little(view_state, end(view_state), held)
    key = "cut_same" if little else "cut" if known else "cut_end"
    clause = texts(view_state, "units", (key, f"{key}_short"), **values)
    return [*clauses, checked(clause, (query,), 1)]


# -- net: what a layer does -----------------------------------------------------------------------


def silent_query(view_state: ViewState) -> Query | None:
    """The text read with h of the layer at 0: the layer says nothing."""
    return None if view_state.hidden else held_query(view_state, Clamp("h", 0.0))


def net(view_state: ViewState, *, known: bool, arrow: str) -> list[Clause]:
    """What the head says, and what it would say without the layer at the cursor."""
    head, n = view_state.trace.head, view_state.cursor.layer + 1
    values: dict[str, object] = {"n": f"{n} {arrow}", "name": output_name(view_state)}
    if not known:
        every = head.reads == "steps" or head.kind == "state"
        return [texts(view_state, "net", ("waits_step" if every else "waits",), **values)]
    value = end(view_state)
    values["value"] = number(value, 2)
    clauses = [texts(view_state, "net", ("says",), **values)]
    query = silent_query(view_state)
    trace = read(view_state, query)
    if query is None or trace is None:
        return clauses
    values["held"] = number(shown_output(view_state, trace), 2)
    before, after = int(np.argmax(head.output)), int(np.argmax(trace.head.output))
    values["label"] = view_state.trace.head.labels[after] if not head.is_number else ""
    key = "turns" if before != after and not head.is_number else "silent"
    clause = texts(view_state, "net", (key, f"{key}_short"), **values)
    clauses.append(checked(clause, (query,), 1))
    if len(view_state.trace.layers) == 1:
        clauses.append(checked(texts(view_state, "net", ("bias",)), (query,), 3))
    return clauses


# -- padding: what the padding does ---------------------------------------------------------------


def padding(
    view_state: ViewState, answer: PaddingComparison, mode: PaddingMode, question: PaddingQuestion,
    title: Callable[[PaddingMode], str],
) -> list[Clause]:  # fmt: skip
    """The prediction with the padding and without it, and with the mask turned the other way."""
    k = view_state.shown_class()
    other = PaddingMode(mode.side, not mode.masked)
    padded, free, turned = (
        number(float(each.output[k]), 2)
        for each in (answer.by_mode[mode], answer.unpadded, answer.by_mode[other])
    )
    values = {
        "pads": answer.pads, "way": title(mode), "name": output_name(view_state),
        "padded": padded, "free": free, "other": title(other), "turned": turned,
    }  # fmt: skip
    key = "none" if not answer.pads else "same" if padded == free else "moved"
    clause = texts(view_state, "padding", (key, f"{key}_short"), **values)
    found = [checked(clause, (question,), 0)]
    if answer.pads:
        key = "other_same" if turned == padded else "other"
        clause = texts(view_state, "padding", (key,), **values)
        found.append(checked(clause, (question,), 1))
    return found


# -- lockstep: the same word left out of every net ------------------------------------------------


def other_nets(view_state: ViewState, traces: list[tuple[Trace, LeaveOutQuestion]]) -> list[Clause]:
    """The end without the current word, of every cell."""
    t, parts, asked = view_state.cursor.t, [], []
    for trace, question in traces:
        found: OutputsWithout | None = view_state.answers.get(question)
        if found is None or len(found.outputs) != len(trace.tokens) or not found.possible[t]:
            return []
        k = min(view_state.shown_class(), found.outputs.shape[1] - 1)
        value = float(unit_of_output(view_state, found.outputs[t])[k])
        parts.append(f"{trace.layers[0].title} {number(value, 2)}")
        asked.append(question)
    if not parts:
        return []
    values = {
        "word": word(view_state, t), "name": output_name(view_state), "list": ", ".join(parts),
    }  # fmt: skip
    clause = texts(view_state, "lockstep", ("without", "without_short"), **values)
    return [checked(clause, tuple(asked), 1)]
