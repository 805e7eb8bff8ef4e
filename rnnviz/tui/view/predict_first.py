"""Predict first: a moment without its answer, so that no view can give it away.

A scale that ends at the largest value, labels in the order of their probability or a number one
digit longer tell the answer as well as the answer itself. Views are therefore drawn from a trace
in which everything that is not known yet is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from rnnviz.analysis.alignment import align
from rnnviz.analysis.difference import anchors
from rnnviz.arrays import Array
from rnnviz.cursor import part_of
from rnnviz.errors import UsageError
from rnnviz.trace import HeadTrace, LayerTrace, SeriesTrace, Trace, frozen
from rnnviz.tui.view.view_state import Reach, ViewState


def without_answer(view_state: ViewState) -> ViewState:
    """The moment itself; while its answer is hidden, one that has nothing of it to show."""
    return _without_answer(view_state) if view_state.hidden else view_state


@lru_cache(maxsize=4)
def _without_answer(view_state: ViewState) -> ViewState:
    answers = {
        question: _of_trace(view_state, answer) if isinstance(answer, Trace) else answer
        for question, answer in view_state.answers.items()
    }
    reaches = {m: Reach(r.title, np.zeros_like(r.values)) for m, r in view_state.reaches.items()}
    trace = _of_trace(view_state, view_state.trace)
    return replace(view_state, trace=trace, answers=answers, reaches=reaches)


def _of_trace(view_state: ViewState, trace: Trace) -> Trace:
    """A trace as far as it is known: the one on the screen or one beside it."""
    t, chosen = view_state.cursor.t, min(view_state.cursor.layer, len(trace.layers) - 1)
    read_with = np.array(_read_with(view_state.trace.tokens, trace.tokens))
    # Words are there from the beginning; measurements come one after the other.
    given = read_with <= t if trace.series is not None else np.full(len(read_with), True)
    bottom = trace.layers[0].values["x"]
    layers = []
    for n, layer in enumerate(trace.layers):
        own_x = given if np.array_equal(layer.values["x"], bottom) else given & False
        layers.append(_of_layer(view_state, layer, n, chosen, read_with, own_x))
    head = _of_head(trace.head, read_with < t)
    if view_state.query.target is None:
        head = replace(head, target=_leading(head, int(np.sum(read_with < t))))
    series = None if trace.series is None else _of_series(trace.series)
    return replace(trace, layers=tuple(layers), head=head, series=series)


@lru_cache(maxsize=16)
def _read_with(own: tuple[str, ...], other: tuple[str, ...]) -> Sequence[int]:
    """For each token of another text the token of our own that it is read with."""
    if own == other:
        return range(len(own))
    try:
        pairs = align(own, other)
    except UsageError:
        return [len(own) - 1] * len(other)  # too long to be compared: nothing of it is known
    with_own = zip(pairs, anchors(pairs, len(own)), strict=True)
    return [anchor for (_, j), anchor in with_own if j is not None]


def _of_layer(
    view_state: ViewState, layer: LayerTrace, n: int, chosen: int, read_with: Array, x: Array
) -> LayerTrace:
    """A layer's values up to the cursor; of what is computed from later ones nothing.

    ``chosen`` is the layer that the cursor stands in, ``x``: which of its inputs are known.
    """
    t, own = view_state.cursor.t, view_state.layer
    if n == chosen:
        order = np.argsort(np.array(own.order))
        before, here = order[read_with] < order[t], read_with == t
    else:
        # One direction or layer is finished before the next one begins.
        before, here = np.full(len(read_with), n < chosen), np.full(len(read_with), False)

    def known(name: str) -> Array:
        if name == "x":
            return x if x.any() else before | here
        done = layer.cell == own.cell and part_of(layer, name) < view_state.cursor.part
        return before | (here & done)

    return replace(
        layer,
        values={name: _only(array, known(name)) for name, array in layer.values.items()},
        grads={name: frozen(np.zeros_like(array)) for name, array in layer.grads.items()},
        reach=frozen(np.zeros_like(layer.reach)),
    )


def _only(array: Array, known: Array) -> Array:
    return array if known.all() else frozen(np.where(known[:, None], array, 0))


def _of_head(head: HeadTrace, told: Array) -> HeadTrace:
    """What the head says after the tokens before the cursor."""
    return replace(
        head,
        output=frozen(np.zeros_like(head.output)),
        readout=_only(head.readout, told),
        logits=_only(head.logits, told),
        objective="",
        loss=0.0,
        unclamped=None if head.unclamped is None else frozen(np.zeros_like(head.unclamped)),
    )


def _leading(head: HeadTrace, told: int) -> str:
    """The class that led before the cursor: the one that leads in the end must not be named."""
    return head.labels[int(np.argmax(head.readout[told - 1]))] if told else head.labels[0]


def _of_series(series: SeriesTrace) -> SeriesTrace:
    """What came after the last reading: how many numbers, but not which."""
    truth = None if series.truth is None else 0.0
    return replace(series, after=(0.0,) * len(series.after), truth=truth)
