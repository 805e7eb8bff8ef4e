"""Predict first: view states without the hidden answer, so that no view can reveal it.

Scales, the order of labels and the lengths of numbers depend on the answer too. Views are
therefore drawn from a trace in which every value that is not known yet is zero.
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
    """The view state without the hidden answer; itself if nothing is hidden."""
    return _without_answer(view_state) if view_state.hidden else view_state


@lru_cache(maxsize=4)
def _without_answer(view_state: ViewState) -> ViewState:
    answers = {
        question: _known_trace(view_state, answer) if isinstance(answer, Trace) else answer
        for question, answer in view_state.answers.items()
    }
    reaches = {m: Reach(r.title, np.zeros_like(r.values)) for m, r in view_state.reaches.items()}
    trace = _known_trace(view_state, view_state.trace)
    return replace(view_state, trace=trace, answers=answers, reaches=reaches)


def _known_trace(view_state: ViewState, trace: Trace) -> Trace:
    """The known part of a trace: of the one on the screen, or of one compared with it."""
    t, chosen = view_state.cursor.t, min(view_state.cursor.layer, len(trace.layers) - 1)
    read_with = np.array(token_read_with(view_state.trace.tokens, trace.tokens))
    predicted = read_with <= t if view_state.revealed else read_with < t
    # Words are known from the start; measurements, and what a net is to write, one by one.
    stepwise = trace.series is not None or trace.head.writes
    given = read_with <= t if stepwise else np.full(len(read_with), True)
    bottom = trace.layers[0].values["x"]
    layers = []
    for n, layer in enumerate(trace.layers):
        own_x = given if np.array_equal(layer.values["x"], bottom) else given & False
        layers.append(_known_layer(view_state, layer, n, chosen, read_with, own_x))
    head = _known_head(trace.head, predicted)
    if trace.head.writes:
        trace = _known_text(trace, int(np.sum(predicted)))
    if view_state.query.target is None:
        # The next token of a net that writes is its likeliest after the last token that is known.
        before = predicted if trace.head.writes else read_with < t
        head = replace(head, target=_leading_label(head, int(np.sum(before))))
    series = None if trace.series is None else _known_series(trace.series)
    return replace(trace, layers=tuple(layers), head=head, series=series)


@lru_cache(maxsize=16)
def token_read_with(own: tuple[str, ...], other: tuple[str, ...]) -> Sequence[int]:
    """For each token of another text the index of the own token that it becomes known with."""
    if own == other:
        return range(len(own))
    try:
        pairs = align(own, other)
    except UsageError:
        return [len(own) - 1] * len(other)  # too long to align: known at the end
    with_own = zip(pairs, anchors(pairs, len(own)), strict=True)
    return [anchor for (_, j), anchor in with_own if j is not None]


def _known_layer(
    view_state: ViewState, layer: LayerTrace, n: int, chosen: int, read_with: Array, x: Array
) -> LayerTrace:
    """The values of layer ``n`` up to the cursor, without gradients.

    ``chosen`` is the index of the cursor's layer; ``read_with``: (T) the own token with which each
    token becomes known; ``x``: (T) bool, which inputs are known.
    """
    t, own = view_state.cursor.t, view_state.layer
    if n == chosen:
        order = np.argsort(np.array(own.order))
        before, here = order[read_with] < order[t], read_with == t
        before = before | here if view_state.revealed else before
    else:
        # A layer or direction is computed before the next one begins.
        before, here = np.full(len(read_with), n < chosen), np.full(len(read_with), False)

    def known(name: str) -> Array:
        if name == "x":
            return x if x.any() else before | here
        computed = layer.cell == own.cell and part_of(layer, name) < view_state.cursor.part
        return before | (here & computed)

    return replace(
        layer,
        values={name: _masked(array, known(name)) for name, array in layer.values.items()},
        grads={name: frozen(np.zeros_like(array)) for name, array in layer.grads.items()},
        reach=frozen(np.zeros_like(layer.reach)),
    )


def _masked(array: Array, known: Array) -> Array:
    return array if known.all() else frozen(np.where(known[:, None], array, 0))


def _known_text(trace: Trace, predicted: int) -> Trace:
    """The text of a net that writes up to the token after the ``predicted`` first ones."""
    shown = max(1, predicted + 1)
    hidden = len(trace.tokens[shown:])
    return replace(
        trace, tokens=(*trace.tokens[:shown], *["?"] * hidden),
        ids=(*trace.ids[:shown], *[0] * hidden),
        unknown=(*trace.unknown[:shown], *[False] * hidden), text="",
    )  # fmt: skip


def _masked_steps(losses: Array, known: Array) -> Array:
    return frozen(np.where(known, losses, 0))


def _known_head(head: HeadTrace, known: Array) -> HeadTrace:
    """The outputs at the known tokens."""
    return replace(
        head,
        output=frozen(np.zeros_like(head.output)),
        readout=_masked(head.readout, known),
        logits=_masked(head.logits, known),
        objective="",
        loss=0.0,
        step_losses=None if head.step_losses is None else _masked_steps(head.step_losses, known),
        unclamped=None if head.unclamped is None else frozen(np.zeros_like(head.unclamped)),
    )


def _leading_label(head: HeadTrace, known: int) -> str:
    """The most probable label after the ``known`` first tokens, not after the last one."""
    return head.labels[int(np.argmax(head.readout[known - 1]))] if known else head.labels[0]


def _known_series(series: SeriesTrace) -> SeriesTrace:
    """The series with zeros after the last reading; their number is known."""
    truth = None if series.truth is None else 0.0
    return replace(series, after=(0.0,) * len(series.after), truth=truth)
