"""The head of a net in a training step: its loss, and all gradients down to the last states."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.engine import losses
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.cuda.head_kernels import KINDS, ROWS
from rnnviz.engine.cuda.layer import CudaScan
from rnnviz.engine.cuda.layer_products import or_null, pair
from rnnviz.engine.model import LayersPass, Model


def head_gradients(
    model: Model, done: LayersPass, y: Array, weight: Array, out: Values, results: Array,
    state: Array, step: int,
) -> tuple[Values, Array]:  # fmt: skip
    """The gradients of the head's arrays, and of the last states (B, F).

    Loss and metric are written to the row ``step`` of ``results``. One launch; a net with a hidden
    layer in its head, or with layers that there is no kernel for, takes some forty.
    """
    top = done.scans[-1] if done.scans else ()
    end = model.spec.head.reads == "end"
    if model.spec.head.hidden or end or not top or not all(isinstance(s, CudaScan) for s in top):
        return _by_arrays(model, done, y, weight, results[step])
    assert isinstance(model.backend, CudaBackend)
    kind, shared = model.spec.head.kind, model.backend.shared
    states, (F, K), B = [s.last["h"] for s in top], model.params["head.W"].shape, len(y)
    d_features = np.empty_like(results, shape=(B, F))
    d_logits, blocks = np.empty_like(results, shape=(B, K)), -(-B // ROWS)
    partial = np.empty_like(results, shape=(blocks, F * K + K + 2))
    grads = {name: out[name] for name in ("head.W", "head.b")}
    shared.launch(
        "head", (blocks,),
        (np.int32(KINDS.index(kind)), *pair(states), or_null(done.features_mask),
         model.params["head.W"], model.params["head.b"], _single(y), _single(weight), d_features,
         d_logits, partial,
         *grads.values(), results, state, shared.counters(1),
         *map(np.int32, (B, F // len(states), F, K, results.shape[1]))),
    )  # fmt: skip
    return grads, d_features


def _single(a: Array) -> Array:
    return contiguous(a.astype(np.float32, copy=False))


def _by_arrays(
    model: Model, done: LayersPass, y: Array, weight: Array, result: Array
) -> tuple[Values, Array]:
    """The same, array by array."""
    kind, head = model.spec.head.kind, model.head_pass(done)
    share: Array = weight / np.float32(len(y))
    result[0] = (losses.losses(kind, head.logits, y) * share).sum()
    result[1] = losses.metric(kind, head.logits, y)
    return model.head_gradients(head, losses.d_logits(kind, head.logits, y) * share[:, None])
