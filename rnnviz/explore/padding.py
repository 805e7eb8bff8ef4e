"""The same text and the same weights, with padding in front or behind, masked and unmasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnviz.analysis.padding import (
    DEFAULT,
    WAYS,
    PaddedReading,
    PaddingAnswer,
    PaddingQuestion,
    Way,
    choices,
)
from rnnviz.arrays import Array
from rnnviz.data.series import Scaling
from rnnviz.data.text import PADDING_ID
from rnnviz.engine import losses
from rnnviz.engine.backend import ScanOutput
from rnnviz.engine.model import Model, directions
from rnnviz.engine.recurrent import Scan
from rnnviz.engine.spec import EmbeddingSpec, HeadKind
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel, load
from rnnviz.query import Query, Tracer
from rnnviz.tracer.reading import MAX_TOKENS, read


def answer(question: PaddingQuestion, trace_of: Tracer) -> PaddingAnswer:
    """All four ways; UsageError for a net that reads no text and for held values."""
    query = question.query
    if query.clamps:
        raise UsageError("Padding is read without held values. Let go of them to see it.")
    return compare(_stored(query), query.text, question.pads)


def _stored(query: Query) -> StoredModel:
    stored = load(query.model)
    return stored if query.random is None else stored.untrained(query.random)


def compare(stored: StoredModel, text: str, pads: int | None = None) -> PaddingAnswer:
    """Read a text in all four ways with so many paddings; None: as many as in training."""
    if isinstance(stored.encoder, Scaling):
        raise UsageError(
            f"{stored.name} reads a series: every window is as long as the others, and nothing "
            "is padded. Models of text: rnnviz models"
        )
    encoding = stored.vocabulary.encoding
    reading = read(stored, text)
    known = [pair for pair in zip(reading.tokens, reading.ids, strict=True) if pair[1]]
    words, ids = tuple(word for word, _ in known), [n for _, n in known]
    offered = choices(len(ids), encoding.length)
    trained = None if encoding.length is None or stored.masks else offered[-1]
    if pads is None:
        pads = DEFAULT if trained is None else trained
    most = MAX_TOKENS if encoding.length is None else encoding.length
    if not 0 <= pads <= max(0, most - len(ids)):
        raise UsageError(f"{pads} paddings: this text has room for {max(0, most - len(ids))}.")
    void = [PADDING_ID] * pads
    sides = {"front": [*void, *ids], "end": [*ids, *void]}
    return PaddingAnswer(
        words=words,
        pads=pads,
        choices=offered,
        usual=Way(encoding.padding, stored.masks),
        trained=trained,
        ways={way: padded(stored.model, sides[way.side], way.masked) for way in WAYS},
        bare=padded(stored.model, ids, False),
        alone=padded(stored.model, void, False) if pads else None,
    )


def padded(model: Model, ids: list[int], masked: bool) -> PaddedReading:
    """One reading of these ids, with or without a mask, whatever the model itself does."""
    source = model.spec.source
    assert isinstance(source, EmbeddingSpec), "only words are padded"
    spec = replace(model.spec, source=replace(source, mask_zero=masked))
    done = Model(spec, model.params).forward(np.array(ids, np.int64)[:, None])
    kind, layers = spec.head.kind, spec.layers
    h = tuple(_states(scan) for passes in done.scans for scan in passes)
    output = _spoken(kind, done.logits)[0]
    # What a layer that reads backwards would let the head say on the way is another reading.
    on_the_way = not any(layer.bidirectional for layer in layers)
    return PaddedReading(
        ids=tuple(ids),
        directions=tuple(d for layer in layers for d in directions(layer)),
        h=h,
        readout=_spoken(kind, model.head(h[-1])) if on_the_way else np.zeros((0, len(output))),
        output=output,
    )


def _states(scan: ScanOutput) -> Array:
    assert isinstance(scan, Scan), "a pass that is not quick records every value"
    return scan.stack("h")[:, 0]


def _spoken(kind: HeadKind, logits: Array) -> Array:
    """Probabilities of every label, or the numbers of a linear head: (..., K)."""
    found = losses.outputs(kind, logits)
    # A two-class head is one logit; a screen speaks of both classes.
    return np.concatenate([1 - found, found], axis=-1) if kind == "sigmoid" else found
