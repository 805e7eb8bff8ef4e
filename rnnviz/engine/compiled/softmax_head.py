"""A dense layer with softmax, its loss and its gradients in one compiled pass over the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnnviz.arrays import Array, Values, aligned
from rnnviz.engine import losses
from rnnviz.engine.compiled import threads
from rnnviz.engine.compiled.forward import CompiledScan
from rnnviz.engine.compiled.gate_order import padded, transposed
from rnnviz.engine.compiled.kernels import address_of, softmax_kernels
from rnnviz.engine.compiled.loop_arguments import SoftmaxArguments
from rnnviz.engine.compiled.memory import pack_fields, zeros
from rnnviz.engine.head_step import HeadFeatures, HeadStep, Targets
from rnnviz.engine.spec import HeadSpec

#: Rows that are computed at once: their logits and features have to fit the cache.
CHUNK_ROWS = 64
#: Parts that threads take one after the other, and the most bytes of their sums of W's gradient.
PARTS, SUMS_SIZE = 8, 1 << 26


def softmax_step(
    head: HeadSpec, params: Mapping[str, Array], below: HeadFeatures, targets: Targets
) -> HeadStep | None:
    """See :meth:`rnnviz.engine.backend.Backend.head_step`.

    None for other heads than one dense layer with softmax, and for classes that it does not have.
    """
    if head.kind != "softmax" or head.below:
        return None
    W, y = params["head.W"], targets.y.astype(np.int64)
    if not y.size or y.min() < 0 or y.max() >= W.shape[1]:
        return None
    rows = _rows(head, below, W)
    read = targets.read if y.ndim == 2 else None
    decisions = np.arange(y.size) if read is None else np.flatnonzero(read)
    shares = losses.decision_shares(y, targets.weight.astype(W.dtype, copy=False), read)
    arguments = _arguments(
        params, rows, decisions, y.ravel()[decisions], shares.ravel()[decisions], y.size
    )
    kernel, fields = softmax_kernels().softmax_head, pack_fields(arguments)
    threads.for_each(lambda part: kernel(W[:0, 0], fields, part), len(arguments.right))
    (F, K), count = W.shape, max(len(decisions), 1)
    grads: Values = {"head.W": arguments.d_W[:, :F, :K].sum(0)}
    if "head.b" in params:
        grads["head.b"] = arguments.d_b[:, :K].sum(0)
    metric = arguments.right.sum() * len(targets.weight) / count
    d_features = arguments.d_features.reshape(*y.shape, -1)[..., :F]
    if below.mask is not None:
        d_features = d_features * below.mask
    return HeadStep(arguments.loss.sum(), metric, grads, d_features)


class _FeatureRows(NamedTuple):
    """Rows of features, padded to whole SIMD vectors."""

    features: Array
    offsets: Array  # (decisions): where the features of each begin


def _rows(head: HeadSpec, below: HeadFeatures, W: Array) -> _FeatureRows:
    """The rows that a head reads: where the loop over time left them, or a copy side by side."""
    top, F_padded = below.scans[0], padded(len(W), W.dtype)
    if head.reads == "steps" and len(below.scans) == 1 and below.mask is None:
        # Tokens that are not read have no row; with shared padding some others have none, either.
        if isinstance(top, CompiledScan) and top.lead is None and top.order.H == len(W):
            return _FeatureRows(
                top.main_pass.states[0], top.main_pass.blocks.output_rows * F_padded
            )
    features = below.features()
    features = features if below.mask is None else features * below.mask
    features = features.reshape(-1, len(W)).astype(W.dtype, copy=False)
    if len(W) < F_padded:
        rows = zeros((len(features), F_padded), W.dtype)
        rows[:, : len(W)] = features
        features = rows
    return _FeatureRows(np.ascontiguousarray(features), np.arange(len(features)) * F_padded)


def _arguments(
    params: Mapping[str, Array], rows: _FeatureRows, decisions: Array, classes: Array,
    shares: Array, count: int,
) -> SoftmaxArguments:  # fmt: skip
    """The arguments for some of ``count`` decisions, of which the others have no gradients."""
    W, n = params["head.W"], len(decisions)
    (F, K), dtype = W.shape, W.dtype
    F_padded, K_padded = padded(F, dtype), padded(K, dtype)
    most = SUMS_SIZE // (F_padded * K_padded * dtype.itemsize)
    parts = max(1, min(PARTS, most, -(-n // CHUNK_ROWS)))
    W_rows, bias = zeros((F, K_padded), dtype), zeros((K_padded,), dtype)
    W_rows[:, :K], bias[:K], bias[K:] = W, params.get("head.b", 0), -np.inf
    allocate = aligned if n == count else zeros
    inputs, products = (aligned((parts, CHUNK_ROWS, F_padded), dtype) for _ in range(2))
    return SoftmaxArguments(
        zero=0,
        one=1,
        multiply=address_of("multiply", dtype),
        F=F,
        F_padded=F_padded,
        K=K,
        K_padded=K_padded,
        features=rows.features,
        offsets=rows.offsets.ravel()[decisions],
        classes=classes,
        shares=shares,
        part_bounds=np.array([k * n // parts for k in range(parts + 1)]),
        W=W_rows,
        W_T=transposed(W, F_padded),
        bias=bias,
        no_bias=zeros((F_padded,), dtype),
        chunk_rows=CHUNK_ROWS,
        inputs=inputs,
        logits=aligned((parts, CHUNK_ROWS, K_padded), dtype),
        products=products,
        row_numbers=aligned((parts, 4, CHUNK_ROWS), dtype),
        d_features=allocate((count, F_padded), dtype),
        d_offsets=decisions * F_padded,
        d_W=aligned((parts, F_padded, K_padded), dtype),
        d_b=aligned((parts, K_padded), dtype),
        loss=aligned((parts, K_padded), dtype),
        right=np.empty(parts, np.int64),
    )
