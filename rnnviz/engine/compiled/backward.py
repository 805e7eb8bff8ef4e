"""The backward pass of compiled scans: backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnviz.arrays import Array, Values, aligned
from rnnviz.cells import Cell
from rnnviz.engine.compiled import passes
from rnnviz.engine.compiled.batch_vocabulary import (
    ProductGradients,
    gradients_of_sums,
    product_gradients,
)
from rnnviz.engine.compiled.forward import CompiledScan
from rnnviz.engine.compiled.memory import flat, zeros
from rnnviz.engine.compiled.passes import InputGradients, PassGradients, Upstream
from rnnviz.engine.embedding import Lookup, WordRows

#: Each block sums the gradients of its tokens by word itself, where a sum has so many on average.
ENTRIES_PER_SUM = 4


@dataclass(frozen=True, eq=False)
class CompiledScanGradients:
    """The gradients of a scan."""

    forward: CompiledScan
    bias_rows: int  # 0: there is no bias
    gradients: PassGradients
    input_gradients: InputGradients | None
    #: Of embeddings and of W, where each word was multiplied by W once.
    of_products: tuple[WordRows, Array] | None

    @property
    def initial(self) -> Values:
        """Of the initial states, (B, H) by name."""
        return dict(zip(self.forward.cell.states, self.gradients.initial, strict=True))

    @cached_property
    def params(self) -> Values:
        """Of the trained arrays, by name."""
        weights, order = self.forward.main_pass.arguments.weights, self.forward.order
        found = self.gradients
        W = found.W if self.of_products is None else self.of_products[1]
        return {
            "W": order.to_cell_order(W[: weights.D], order.inputs),
            "U": order.to_cell_order(found.U[: weights.H], order.recurrent),
            **({"b": order.bias_gradient(found.b, self.bias_rows)} if self.bias_rows else {}),
        } | {
            name: d[: weights.H]
            for name, d in zip(order.source.vectors, found.vectors, strict=True)
        }

    @property
    def x(self) -> Array:
        """Of the layer's input, (T, B, D); KeyError if not computed or looked up in a table."""
        if self.input_gradients is None or isinstance(self.forward.x, Lookup):
            raise KeyError("x: not computed, or looked up in a table (then see rows())")
        return self.input_gradients.d_x[:, :, : self.forward.main_pass.arguments.weights.D]

    def rows(self) -> tuple[Array, Array]:
        """Ids, and gradients of the table's rows with these ids; KeyError if there are none.

        WordRows, each row once, where each word was multiplied by W once.
        """
        if self.input_gradients is None or not isinstance(self.forward.x, Lookup):
            raise KeyError("rows: not computed, or not looked up in a table (then see x)")
        if self.of_products is not None:
            return self.of_products[0]
        D = self.forward.main_pass.arguments.weights.D
        return self.input_gradients.d_x_offsets // D, self.input_gradients.d_x[:, :D]


def scan_backward(
    cell: Cell,
    params: Sequence[Values],
    done: Sequence[CompiledScan],
    d_h: Sequence[Array | None],
    d_last: Sequence[Mapping[str, Array] | None],
    *,
    need_x: bool = True,
) -> tuple[CompiledScanGradients, ...]:
    """Backpropagate through the directions of a layer, all of them at once.

    Each as :func:`rnnviz.engine.scan.scan_backward` does. ``need_x``: compute the gradient of the
    input, too.
    """
    upstream = [_upstream(*of, need_x) for of in zip(done, d_h, d_last, strict=True)]
    found = passes.backward([forward.main_pass for forward in done], upstream)
    gradients = [_with_padding(*of) for of in zip(done, found, upstream, d_h, strict=True)]
    return tuple(
        CompiledScanGradients(forward, _bias_rows(p), g, given.input_gradients, products)
        for p, forward, g, given, products in zip(
            params, done, gradients, upstream, _of_products(done, upstream), strict=True
        )
    )


def _bias_rows(p: Values) -> int:
    return p["b"].ndim if "b" in p else 0


def _of_products(
    done: Sequence[CompiledScan], upstream: Sequence[Upstream]
) -> Sequence[tuple[WordRows, Array] | None]:
    """The gradients of embeddings and of W, where each word was multiplied by W once."""
    vocabulary = done[0].vocabulary
    if vocabulary is None:
        return [None] * len(done)
    weights = [forward.main_pass.arguments.weights for forward in done]
    given = [of.input_gradients for of in upstream]
    every = [
        ProductGradients(into.d_x_offsets // w.xw_width, into.d_x, w)
        for w, into in zip(weights, given, strict=True)
        if into is not None and not into.words
    ]
    of_entries = iter(product_gradients(vocabulary, every) if every else ())
    return [
        gradients_of_sums(vocabulary, into.d_x.sum(0), w) if into.words else next(of_entries)
        for w, into in zip(weights, given, strict=True)
        if into is not None
    ]


def _upstream(
    forward: CompiledScan, d_h: Array | None, d_last: Mapping[str, Array] | None, need_x: bool
) -> Upstream:
    weights, (_, B, H) = forward.main_pass.arguments.weights, forward.shape
    d_states = np.zeros((weights.state_count, B, H), weights.W.dtype)
    for to, s in zip(d_states, forward.cell.states, strict=True):
        to[...] = (d_last or {}).get(s, 0)
    d_outputs = None
    if d_h is not None:
        d_outputs = flat(d_h.astype(weights.W.dtype, copy=False)[None], weights.H_padded)
    # With a vocabulary, the gradient of W is computed from those of the words' products.
    into = _allocate(forward) if need_x or forward.vocabulary is not None else None
    return Upstream(d_outputs, 0 if d_outputs is None else 1, d_states, into)


def _with_padding(
    forward: CompiledScan, gradients: PassGradients, upstream: Upstream, d_h: Array | None
) -> PassGradients:
    """The gradients of a direction, with those of its shared padding, if there is one."""
    if forward.padding_pass is None or forward.lead is None:
        return gradients
    weights, into = forward.main_pass.arguments.weights, upstream.input_gradients
    d_padding = _padding_gradients(forward, forward.lead, gradients.initial, d_h)
    padding_into = _allocate_padding(forward, into)
    d_last = np.zeros((weights.state_count, 1, forward.order.H), weights.W.dtype)
    d_outputs = flat(d_padding, weights.H_padded)
    above = Upstream(d_outputs, weights.state_count, d_last, padding_into)
    of_padding = passes.backward([forward.padding_pass], [above])[0]
    if into is not None and padding_into is not None and not into.by_entry:
        token_order = forward.main_pass.arguments.layout.token_order
        tokens = token_order[: len(padding_into.d_x)]
        into.d_x[tokens, forward.lead.argmax()] = padding_into.d_x[:, 0]
    return _sum(gradients, of_padding, forward.lead)


def _allocate(forward: CompiledScan) -> InputGradients:
    """Arrays for the gradients of all inputs; entries of the shared padding are the last."""
    arguments, entries = forward.main_pass.arguments, forward.main_pass.blocks.entry_count
    D_padded, dtype = arguments.weights.D_padded, arguments.weights.W.dtype
    if forward.vocabulary is not None and forward.padding_pass is None:
        blocks, words = len(arguments.layout.first_slot), len(forward.vocabulary.words)
        if blocks * words <= entries // ENTRIES_PER_SUM:
            sums = aligned((blocks, words, D_padded), dtype)
            return InputGradients(True, sums, np.empty(0, np.int64), words)
    if isinstance(forward.x, Lookup):
        if forward.padding_pass is not None:
            entries += forward.padding_pass.blocks.entry_count
        d_x = aligned((entries, D_padded), dtype)
        return InputGradients(True, d_x, np.empty(entries, np.int64))
    T, B = arguments.layout.steps, arguments.layout.batch
    return InputGradients(False, aligned((T, B, D_padded), dtype), np.empty(0, np.int64))


def _allocate_padding(forward: CompiledScan, into: InputGradients | None) -> InputGradients | None:
    """Arrays for the gradients of the shared padding: its entries in those of all inputs."""
    if into is None or forward.padding_pass is None:
        return None
    if into.by_entry:
        n = forward.main_pass.blocks.entry_count
        return InputGradients(True, into.d_x[n:], into.d_x_offsets[n:])
    shape = (forward.padding_pass.arguments.layout.steps, 1, into.d_x.shape[2])
    return InputGradients(False, aligned(shape, into.d_x.dtype), np.empty(0, np.int64))


def _sum(gradients: PassGradients, of_padding: PassGradients, lead: Array) -> PassGradients:
    """The gradients of both passes.

    The gradient of the initial states, where the padding is shared, is that of the sequence with
    the longest padding; the others get zero.
    """
    initial = gradients.initial
    initial[:, lead > 0] = 0
    initial[:, lead.argmax()] += of_padding.initial[:, 0]
    W, U, b, vectors = (a + b for a, b in zip(gradients[:4], of_padding[:4], strict=True))
    return PassGradients(W, U, b, vectors, initial)


def _padding_gradients(
    forward: CompiledScan, lead: Array, initial: Array, d_h: Array | None
) -> Array:
    """The gradients of the states after each step of the shared padding, (states, steps, 1, ·).

    ``initial`` (states, B, H) are those of the states that the sequences start from after it.
    """
    states, _, H = initial.shape
    steps = int(lead.max())
    d_padding = zeros((states, steps, 1, forward.order.H_padded), initial.dtype)
    padded = np.flatnonzero(lead)
    by_step = d_padding[:, :, 0, :H].transpose(1, 0, 2)
    np.add.at(by_step, lead[padded] - 1, initial[:, padded].transpose(1, 0, 2))
    if d_h is not None:
        tokens = forward.main_pass.arguments.layout.token_order
        for s in range(steps):
            d_padding[0, s, 0, :H] += d_h[tokens[s], lead > s].sum(0)
    return d_padding
