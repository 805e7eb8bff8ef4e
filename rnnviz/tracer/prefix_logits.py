"""The logits after each token, as if the text or the series ended there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from rnnviz.arrays import Array
from rnnviz.clamps import Clamp
from rnnviz.data.batches import pad_sequences
from rnnviz.engine import packed_scan
from rnnviz.engine.backend import concat_outputs
from rnnviz.engine.directions import merged
from rnnviz.engine.model import Model
from rnnviz.engine.pass_results import Recording
from rnnviz.tracer.clamping import clampings
from rnnviz.tracer.model_input import ModelInput

#: Prefixes of a series computed together: enough to fill a matrix product, few enough for memory.
BATCH = 64


def prefix_logits(
    model: Model, recording: Recording, model_input: ModelInput, clamps: Sequence[Clamp]
) -> Array:
    """The head's logits after every token: (T, K).

    A head that reads every step has computed them. A net that only reads forward has these states
    already. With a backward layer, the logits after token t take a pass over the first t tokens
    alone, padded as they would be. The last row is that of ``recording``, to the bit: a matrix
    product with another number of rows may round differently.
    """
    T, pads = len(recording.inputs), model_input.pads
    if model.spec.head.reads == "steps":
        return recording.logits[:, 0]
    if not model.spec.reads_backwards:
        before = recording.scans[-1][0].stack("h")[:-1, 0]
        return np.concatenate([model.head(before), recording.logits])
    if clamps or model_input.initial is not None:
        return _prefixes_one_by_one(model, recording, model_input, clamps)
    if pads:
        prefixes = [model_input.ids[pads:t] for t in range(pads, T)]
        logits = model.logits(pad_sequences(prefixes, T, "front"))
        # There is no prediction before all the padding is read.
        return np.concatenate([np.repeat(logits[:1], pads, 0), logits[1:], recording.logits])
    if model_input.measurements is not None and model.spec.head.reads == "last":
        return np.concatenate(
            [_series_prefixes(model, model_input.measurements)[:-1], recording.logits]
        )
    rows = [model.record(recording.inputs[: t + 1]).logits[0] for t in range(T - 1)]
    return np.stack([*rows, recording.logits[0]])


def _prefixes_one_by_one(
    model: Model, recording: Recording, model_input: ModelInput, clamps: Sequence[Clamp]
) -> Array:
    """The logits of every prefix, (T, K), each read by itself with the same clamps and states.

    With padding in front, its tokens stand further right, and the clamps move with them.
    """
    T, pads = len(recording.inputs), model_input.pads
    rows = []
    for t in range(pads or 1, T):
        prefix = (
            pad_sequences([model_input.ids[pads:t]], T, "front") if pads else recording.inputs[:t]
        )
        clamped = clampings(model, clamps, len(prefix), T - t if pads else 0)
        rows.append(model.record(prefix, initial=model_input.initial, clampings=clamped).logits)
    # There is no prediction before all the padding is read.
    return np.concatenate([*rows[:1] * (pads - 1), *rows, recording.logits])


def _series_prefixes(model: Model, x: Array) -> Array:
    """The logits of every prefix of measurements (T, 1, D), in batches: (T, K)."""
    T = len(x)
    ends = [range(min(first + BATCH, T), first, -1) for first in range(0, T, BATCH)]
    return np.concatenate([_prefix_batch(model, x, lengths)[::-1] for lengths in ends])


def _prefix_batch(model: Model, x: Array, lengths: range) -> Array:
    """The logits (B, K) of the prefixes of these lengths, longest first."""
    T, B = lengths[0], len(lengths)
    mask = np.arange(T)[:, None] < np.array(lengths)  # (T, B)
    if (read := model.mask(x[:T])) is not None:
        mask = mask & read
    layer_input = np.repeat(x[:T], B, axis=1)
    last = layer_input[-1]
    for k, layer in enumerate(model.spec.layers):
        starts = model.initial_states(k, B) or []
        scans = [
            packed_scan.scan(
                model.cell(k), model.layer_params(k, direction), layer_input, mask,
                reverse=direction == "backward", keep=False, initial=start,
            )
            for direction, start in zip_longest(layer.directions, starts)
        ]  # fmt: skip
        last = merged(layer, np.concatenate([scan.last["h"] for scan in scans], axis=-1))
        if k + 1 < len(model.spec.layers):
            layer_input = merged(layer, concat_outputs(scans))
    return model.head(last)
