"""Reads a text again with one state held, or without one word; forward passes only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rnnviz.analysis.interventions import (
    LONGEST,
    HeldStates,
    HoldQuestion,
    LeaveOutQuestion,
    OutputsWithout,
    memory,
)
from rnnviz.arrays import Array
from rnnviz.clamps import Clamp
from rnnviz.data.batches import pad_sequences
from rnnviz.data.one_hot import OneHot
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine import losses
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec
from rnnviz.errors import RnnvizError, UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Tracer
from rnnviz.toy_net import is_toy_net
from rnnviz.toy_net.default_nets import for_model
from rnnviz.trace import Trace, frozen
from rnnviz.tracer import toy_net
from rnnviz.tracer.clamping import clampings, resolve_clamps
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.model_input import PAD, encode

#: Sequences read together, and the numbers that a held reading may keep of each value.
BATCH = 64
ROOM = 8_000_000


def answer(
    question: HoldQuestion | LeaveOutQuestion, tracer: Tracer
) -> HeldStates | OutputsWithout:
    """The outputs of all interventions of a question; UsageError for a text that is too long."""
    stored, trace = _stored(question.query), tracer(question.query)
    if isinstance(question, HoldQuestion):
        return hold_states(stored.model, trace, question.layer, question.t)
    return leave_out(stored, question.query, trace, tracer)


def _stored(query: Query) -> StoredModel:
    if query.hand is not None or is_toy_net(query.model):
        stored = toy_net.stored(for_model(query.hand, query.model))
    else:
        stored = cached_model(query.model)
    return stored if query.random is None else stored.untrained(query.random)


# -- a state held ---------------------------------------------------------------------------------


def hold_states(model: Model, trace: Trace, layer: int, t: int) -> HeldStates:
    """Hold the state of each unit of a layer at token t as it was before: H readings at once."""
    chosen = trace.layers[layer]
    state, H, T = memory(chosen), chosen.units, len(trace.tokens)
    forward = all(each.direction == "forward" for each in trace.layers)
    first = t if forward else 0  # a net that reads forward has the same states up to t
    last = T if (T - first) * H * H <= ROOM else t + 1
    if last < T and not forward:
        raise UsageError(
            _("This text has {T:,} tokens: too long to hold every unit once.").format(T=T)
        )
    inputs = _repeated(_inputs(model, trace)[first:last], H)
    held = clampings(model, resolve_clamps(model, trace.clamps, trace.tokens), T)
    where = np.zeros((last - first, H, H), bool)
    where[t - first] = np.eye(H, dtype=bool)
    value = np.zeros(where.shape, chosen.values[state].dtype)
    value[t - first] = np.diag(chosen.state_before(t, state))
    all_held: list[list[Clamping | None]] = []
    n = 0
    for k, spec in enumerate(model.spec.layers):
        all_held.append([])
        for d in range(len(spec.directions)):
            own = None if held is None else held[k][d]
            own = None if own is None else _part(own, first, last)
            all_held[k].append(_held_too(own, state, where, value) if n == layer else own)
            n += 1
    recording = model.record(inputs, initial=_states(model, trace, first), clampings=all_held)
    kind = model.spec.head.kind
    here = None
    if forward:
        h = recording.scans[-1][0].stack("h")[t - first]
        here = frozen(losses.label_outputs(kind, model.head(h)))
    logits = model.end_logits(inputs, recording.logits)
    end = frozen(losses.label_outputs(kind, logits)) if last == T else None
    return HeldStates(state, here, end)


def _inputs(model: Model, trace: Trace) -> Array:
    """Ids (T) or measurements (T, D), as the trace has them."""
    if isinstance(model.spec.source, EmbeddingSpec):
        return np.array(trace.ids, np.int64)
    return trace.layers[0].values["x"]


def _repeated(inputs: Array, B: int) -> Array:
    """Ids (T, B) or measurements (T, B, D): the same text B times."""
    return np.repeat(inputs[:, None], B, axis=1)


def _states(model: Model, trace: Trace, t: int) -> list[list[dict[str, Array]]]:
    """The states (1, H) of every layer and direction before token t, or before the text."""
    layers = iter(trace.layers)
    return [
        [
            {
                name: (la.state_before(t, name) if t else la.initial[name])[None]
                for la in [next(layers)]
                for name in la.states
            }
            for _n in spec.directions
        ]
        for spec in model.spec.layers
    ]


def _part(held: Clamping, first: int, last: int) -> Clamping:
    """The clamps of the tokens from ``first`` to ``last``."""
    return Clamping(
        {name: a[first:last] for name, a in held.where.items()},
        {name: a[first:last] for name, a in held.values.items()},
    )


def _held_too(held: Clamping | None, state: str, where: Array, value: Array) -> Clamping:
    """The clamps, and over them the state of one unit in each row of the batch."""
    all_where = {} if held is None else dict(held.where)
    values = {} if held is None else dict(held.values)
    if state in all_where:
        value = np.where(where, value, values[state])
        where = where | all_where[state]
    return Clamping({**all_where, state: where}, {**values, state: value})


# -- a word left out ------------------------------------------------------------------------------


def leave_out(stored: StoredModel, query: Query, trace: Trace, tracer: Tracer) -> OutputsWithout:
    """Leave out each token once; UsageError for a text of more than LONGEST tokens."""
    T, K = len(trace.tokens), trace.head.output.size
    if T > LONGEST:
        raise UsageError(
            _("This text has {T:,} tokens; at most {most:,} are left out in turn.").format(
                T=T, most=LONGEST
            )
        )
    outputs, kind = np.full((T, K), np.nan), stored.model.spec.head.kind
    if query.clamps or query.initial:
        for t in range(T):
            outputs[t] = _traced_without(stored, query, trace, t, tracer)
    elif trace.series is not None or trace.hand is not None or not stored.reads_ids:
        x = _inputs(stored.model, trace)
        average = trace.series is not None
        for group in _groups(range(T) if T > 1 or average else []):
            batch = np.stack([_without_numbers(x, t, average=average) for t in group], axis=1)
            done = stored.model.record(batch, initial=_states(stored.model, trace, 0))
            logits = stored.model.end_logits(batch, done.logits)
            outputs[group] = losses.label_outputs(kind, logits)
    else:
        texts = texts_without(stored, query.text, trace.tokens)
        outputs[list(texts)] = outputs_of(stored, list(texts.values()))
    return OutputsWithout(frozen(outputs), trace.series is not None)


def outputs_of(stored: StoredModel, rows: Sequence[Sequence[int]]) -> Array:
    """The outputs (N, K) at the end of texts of ids, padded as in training."""
    encoding, model = stored.vocabulary.encoding, stored.model
    padded = None if stored.masks else encoding.length
    found = [np.zeros((0, len(stored.labels)))]
    for group in _groups(range(len(rows))):
        batch = pad_sequences([rows[n] for n in group], padded, encoding.padding)
        logits = model.end_logits(batch, model.logits(batch))
        found.append(losses.label_outputs(model.spec.head.kind, logits))
    return np.concatenate(found)


def _groups(tokens: Sequence[int]) -> Iterator[list[int]]:
    """The tokens that are left out in one batch."""
    for start in range(0, len(tokens), BATCH):
        yield list(tokens[start : start + BATCH])


def _without_numbers(x: Array, t: int, *, average: bool) -> Array:
    """Measurements (T, D) without those of token t, or with the mean, 0, in their place."""
    if not average:
        return np.delete(x, t, axis=0)
    x = x.copy()
    x[t] = 0
    return x


def texts_without(stored: StoredModel, text: str, tokens: Sequence[str]) -> dict[int, list[int]]:
    """By token the ids without it, of every word, cut to the length of the training.

    ``tokens`` are those of the trace.
    """
    encoding = stored.vocabulary.encoding
    _, ids = stored.vocabulary.read(text)
    starts = int(encoding.start is not None)
    if len(ids) - starts < 2:
        return {}  # nothing would be left
    found = {}
    pads = encode(stored, text).pads if encoding.padding == "front" else 0
    cut = max(0, len(ids) - len(tokens)) if encoding.padding == "front" else 0
    for t, token in enumerate(tokens):
        at = t - pads + cut
        if token == PAD or not starts <= at < len(ids):
            continue
        rest = [*ids[:at], *ids[at + 1 :]]
        if encoding.length is not None:
            front = encoding.padding == "front"
            rest = rest[-encoding.length :] if front else rest[: encoding.length]
        found[t] = rest
    return found


def _traced_without(
    stored: StoredModel, query: Query, trace: Trace, t: int, tracer: Tracer
) -> Array:
    """The output without token t; clamps of later tokens move with them. NaN if not possible."""
    nothing = np.full(trace.head.output.size, np.nan)
    if trace.series is not None:
        return tracer(replace(query, clamps=(*query.clamps, Clamp("x", 0.0, t)))).head.output
    if isinstance(stored.encoder, Vectors):
        x = trace.layers[0].values["x"]
        tokens = tuple(f"({stored.encoder.text(row[None])})" for row in x)
    else:
        tokens = trace.tokens
    words = [w for n, w in enumerate(tokens) if n != t and not w.startswith("[")]
    if trace.tokens[t].startswith("[") or not words:
        return nothing
    clamps = tuple(
        replace(c, t=None if c.t is None else c.t - (c.t > t)) for c in query.clamps if c.t != t
    )
    try:
        text = _separator(stored, trace).join(words)
        return tracer(replace(query, text=text, clamps=clamps)).head.output
    except RnnvizError:
        return nothing


def _separator(stored: StoredModel, trace: Trace) -> str:
    """What stands between two tokens in a text that is read as them."""
    if trace.hand is not None:
        return "; "
    words = stored.encoder.vocabulary if isinstance(stored.encoder, OneHot) else stored.encoder
    characters = isinstance(words, Vocabulary) and words.encoding.tokenizer == "characters"
    return "" if characters else " "
