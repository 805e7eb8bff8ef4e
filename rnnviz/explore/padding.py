"""One text through one model with padding in front or at the end, masked and unmasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnviz.analysis.padding import (
    DEFAULT_PADS,
    PADDING_MODES,
    PaddedReading,
    PaddingComparison,
    PaddingMode,
    PaddingQuestion,
    pad_choices,
)
from rnnviz.data.series import Scaling
from rnnviz.data.vocabulary import PADDING_ID
from rnnviz.engine import losses
from rnnviz.engine.model import Model
from rnnviz.engine.spec import EmbeddingSpec
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Tracer
from rnnviz.tracer.model_cache import cached_model
from rnnviz.tracer.model_input import MAX_TOKENS, encode


def answer(question: PaddingQuestion, tracer: Tracer) -> PaddingComparison:
    """Compute all four padding modes.

    Raises UsageError for a model that reads no text, and for a query with clamps.
    """
    query = question.query
    if query.clamps:
        raise UsageError(_("Padding is compared without clamps. Remove them to see this page."))
    return compare(_stored(query), query.text, question.pads)


def _stored(query: Query) -> StoredModel:
    stored = cached_model(query.model)
    return stored if query.random is None else stored.untrained(query.random)


def compare(stored: StoredModel, text: str, pads: int | None = None) -> PaddingComparison:
    """Read a text in all four padding modes with ``pads`` paddings; None: as in training."""
    if isinstance(stored.encoder, Scaling):
        raise UsageError(
            _(
                "{model} reads a series: every window is as long as the others, and nothing "
                "is padded. Models of text: rnnviz models"
            ).format(model=stored.name)
        )
    encoding = stored.vocabulary.encoding
    encoded = encode(stored, text)
    known = [pair for pair in zip(encoded.tokens, encoded.ids, strict=True) if pair[1]]
    words, ids = tuple(word for word, _ in known), [n for _, n in known]
    offered_pads = pad_choices(len(ids), encoding.length)
    trained = None if encoding.length is None or stored.masks else offered_pads[-1]
    if pads is None:
        pads = DEFAULT_PADS if trained is None else trained
    most = MAX_TOKENS if encoding.length is None else encoding.length
    if not 0 <= pads <= max(0, most - len(ids)):
        raise UsageError(
            _("{pads} paddings: this text has room for {room}.").format(
                pads=pads, room=max(0, most - len(ids))
            )
        )
    padding = [PADDING_ID] * pads
    sides = {"front": [*padding, *ids], "end": [*ids, *padding]}
    return PaddingComparison(
        words=words,
        pads=pads,
        choices=offered_pads,
        trained_mode=PaddingMode(encoding.padding, stored.masks),
        trained_pads=trained,
        by_mode={
            mode: read_padded(stored.model, sides[mode.side], mode.masked) for mode in PADDING_MODES
        },
        unpadded=read_padded(stored.model, ids, False),
        padding_only=read_padded(stored.model, padding, False) if pads else None,
    )


def read_padded(model: Model, ids: list[int], masked: bool) -> PaddedReading:
    """Run the model on these ids, with or without a mask, whatever its own setting is."""
    source = model.spec.source
    assert isinstance(source, EmbeddingSpec), "only token ids are padded"
    spec = replace(model.spec, source=replace(source, mask_zero=masked))
    net, inputs = Model(spec, model.params), np.array(ids, np.int64)[:, None]
    recording = net.record(inputs)
    kind, layers = spec.head.kind, spec.layers
    h = tuple(scan.stack("h")[:, 0] for layer in recording.scans for scan in layer)
    output = losses.label_outputs(kind, net.end_logits(inputs, recording.logits))[0]
    # With a backward layer the output after each token takes a pass of its own: left out here.
    readout = np.zeros((0, len(output)))
    if not spec.reads_backwards:
        readout = losses.label_outputs(kind, model.head(h[-1]))
    return PaddedReading(
        ids=tuple(ids),
        directions=tuple(d for layer in layers for d in layer.directions),
        h=h,
        readout=readout,
        output=output,
    )
