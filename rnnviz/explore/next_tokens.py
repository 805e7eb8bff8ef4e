"""What a net expects after each token of a text, computed on from the text before."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np

from rnnviz.analysis.writing import NextTokens, NextTokensQuestion
from rnnviz.arrays import Array
from rnnviz.engine.model import InitialStates
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Tracer
from rnnviz.trace import frozen
from rnnviz.tracer.clamping import clampings, resolve_clamps
from rnnviz.tracer.initial_states import with_initial_states
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.model_input import ModelInput, encode
from rnnviz.tracer.text_writer import require_writer, special_ids


@dataclass(frozen=True, eq=False)
class _ReadText:
    """A text that was read to its end: the next one often goes on from there."""

    stored: StoredModel
    random: int | None
    ids: tuple[int, ...]
    rows: Array  # (at least T, K): the logits, and room for those of further tokens
    states: InitialStates

    @property
    def logits(self) -> Array:
        """The logits (T, K); texts that go on from this one share the memory."""
        return self.rows[: len(self.ids)]

    def with_room(self, count: int) -> Array:
        """The rows, with room for so many tokens; twice as much where there was none."""
        if count <= len(self.rows):
            return self.rows
        rows = np.empty((2 * count, self.rows.shape[1]), self.rows.dtype)
        rows[: len(self.ids)] = self.logits
        return rows


#: The text of the latest question; its rows are written to under the lock, since questions are
#: answered in threads. Only the latest text is gone on from, so no row is written to twice.
_latest: list[_ReadText] = []
_lock = Lock()


def answer(question: NextTokensQuestion, tracer: Tracer) -> NextTokens:
    """The logits after each token; UsageError for a net that does not write."""
    return next_tokens(cached_model(question.query.model), question.query)


def next_tokens(stored: StoredModel, query: Query) -> NextTokens:
    """What a net expects after each token of the query's text."""
    require_writer(stored)
    model_input = encode(stored, query.text)
    if query.clamps or query.initial:
        logits = _recorded(stored, query, model_input)
    else:
        with _lock:
            logits = _continued(stored, query.random, model_input.ids)
    encoding = stored.vocabulary.encoding
    return NextTokens(
        query.text, model_input.tokens, model_input.ids, stored.labels, frozen(logits),
        tuple(special_ids(stored)),
        "" if encoding.tokenizer == "characters" else " ", encoding.start,
    )  # fmt: skip


def _continued(stored: StoredModel, random: int | None, ids: tuple[int, ...]) -> Array:
    """The logits (T, K); of a text that goes on from the latest one only the rest is computed."""
    before = _latest[0] if _latest else None
    same = before is not None and before.stored is stored and before.random == random
    if before is not None and same and ids == before.ids:
        return before.logits
    net = stored if random is None else stored.untrained(random)
    if before is not None and same and ids[: len(before.ids)] == before.ids:
        rest = np.array(ids[len(before.ids) :], np.int64)[:, None]
        more, states = net.model.advance(rest, before.states)
        rows = before.with_room(len(ids))
        rows[len(before.ids) : len(ids)] = more[:, 0]
    else:
        logits, states = net.model.advance(np.array(ids, np.int64)[:, None], None)
        rows = logits[:, 0]
    _latest[:] = [_ReadText(stored, random, ids, rows, states)]
    return _latest[0].logits


def _recorded(stored: StoredModel, query: Query, model_input: ModelInput) -> Array:
    """The logits (T, K) with values held, or from states that were given."""
    net = stored if query.random is None else stored.untrained(query.random)
    model_input = with_initial_states(net.model, model_input, query.initial)
    clamps = resolve_clamps(net.model, query.clamps, model_input.tokens)
    inputs = model_input.inputs
    recording = net.model.record(
        inputs, initial=model_input.initial,
        clampings=clampings(net.model, clamps, len(inputs)),
    )  # fmt: skip
    return np.asarray(recording.logits[:, 0])
