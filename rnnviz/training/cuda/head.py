"""The head of a net in a training step: its loss, and all gradients down to the last states."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, contiguous
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.cuda.head_kernels import KINDS, ROWS
from rnnviz.engine.cuda.layer import CudaScan
from rnnviz.engine.cuda.layer_products import or_null, pair
from rnnviz.engine.model import Model
from rnnviz.engine.pass_results import LayersPass


def head_gradients(
    model: Model, done: LayersPass, y: Array, weight: Array, out: Values, results: Array,
    state: Array, step: int,
) -> tuple[Values, Array]:  # fmt: skip
    """The gradients of the head's arrays, and of the last states (B, F).

    Loss and metric are written to the row ``step`` of ``results``. One launch; other heads than
    one dense layer on the last states, or layers that there is no kernel for, take some forty.
    """
    top = done.scans[-1] if done.scans else ()
    if not _has_kernel(model, y) or not top or not all(isinstance(s, CudaScan) for s in top):
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


def _has_kernel(model: Model, y: Array) -> bool:
    """Whether the kernel computes this head and its loss."""
    head, top = model.spec.head, model.spec.layers[-1] if model.spec.layers else None
    side_by_side = top is not None and top.joined == len(top.directions)
    plain = head.kind in KINDS and head.bias and not head.below and head.reads == "last"
    return plain and side_by_side and y.ndim == 1


def _single(a: Array) -> Array:
    return contiguous(a.astype(np.float32, copy=False))


def _by_arrays(
    model: Model, done: LayersPass, y: Array, weight: Array, result: Array
) -> tuple[Values, Array]:
    """The same, array by array."""
    result[0], result[1], grads, d_features = model.head_step(done, y, weight)
    return grads, d_features
