"""A recurrent layer on a GPU: one launch forward, one backward, and matrix products around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values, blocks, contiguous
from rnnviz.cells import Cell
from rnnviz.engine.backend import LayerGradients
from rnnviz.engine.cuda import layer_products as products
from rnnviz.engine.cuda.layer_products import NULL, LayerInput, or_null, pair
from rnnviz.engine.cuda.shared_kernels import SharedKernels
from rnnviz.engine.cuda.source import KernelSource, NoKernelError
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.embedding import Lookup
from rnnviz.engine.projections import split_bias, weight_gradients
from rnnviz.messages import _

#: The kernels index arrays with 32-bit integers.
MAX_NUMBERS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class LayerKernels:
    """The two compiled kernels of a layer, and those that all layers share."""

    shared: SharedKernels
    source: KernelSource
    forward: Callable[..., None]
    backward: Callable[..., None]


def compile_kernels(
    shared: SharedKernels, compile_source: Callable[[str], Any], source: KernelSource,
    max_shared: int,
) -> LayerKernels:  # fmt: skip
    """Compile a layer's kernels; NoKernelError if a block needs more shared memory than there is.

    ``max_shared``: bytes of shared memory that a block may have on this GPU.
    """
    needed = source.dynamic_shared + source.static_shared
    if needed > max_shared:
        raise NoKernelError(
            _("a block needs {needed} KiB of shared memory, the GPU has {available}").format(
                needed=-(-needed // 1024), available=max_shared // 1024
            )
        )
    module = compile_source(source.text)
    kernels = []
    for name in ("forward", "backward"):
        kernel = module.get_function(name)
        if source.dynamic_shared:
            kernel.max_dynamic_shared_size_bytes = source.dynamic_shared
        kernels.append(kernel)
    return LayerKernels(shared, source, *kernels)


@dataclass(frozen=True, eq=False)
class CudaScan:
    """The outputs of one direction of a layer."""

    layer: CudaLayer
    direction: int

    @property
    def last(self) -> Values:
        """See :class:`rnnviz.engine.backend.ScanOutput`."""
        end = 0 if self.layer.is_reversed(self.direction) else -1
        states = self.layer.states[self.direction]
        return {s: a[end] for s, a in zip(self.layer.source.cell.states, states, strict=True)}

    def stack(self, name: str) -> Array:
        """A state after each token, (T, B, H)."""
        k = self.layer.source.cell.states.index(name)
        return self.layer.after(self.direction, k)


@dataclass(frozen=True, eq=False)
class CudaLayer:
    """All directions of a layer after the forward kernel: n directions, in GPU memory."""

    kernels: LayerKernels
    cell: Cell
    passes: tuple[DirectionInput, ...]
    input: LayerInput
    mask: Array | None  # (T, B) uint8
    vectors: Array | None  # (n, vectors, H)
    states: Array  # (n, states, T + 1, B, H)
    saved: Array | None  # (n, T, B, saved, H)
    reverse_bits: int  # bit k: direction k reads from the right

    @property
    def source(self) -> KernelSource:
        """The source of the layer's kernels."""
        return self.kernels.source

    def is_reversed(self, direction: int) -> bool:
        """Whether a direction reads from the right."""
        return bool(self.reverse_bits >> direction & 1)

    def after(self, direction: int, state: int) -> Array:
        """A state after each token, (T, B, H)."""
        a = self.states[direction, state]
        return a[:-1] if self.is_reversed(direction) else a[1:]

    def before(self, direction: int, state: int) -> Array:
        """A state before each token, (T, B, H)."""
        a = self.states[direction, state]
        return a[1:] if self.is_reversed(direction) else a[:-1]


def scan(
    kernels: LayerKernels,
    cell: Cell,
    passes: Sequence[DirectionInput],
    x: Array | Lookup,
    mask: Array | None,
    keep: bool,
) -> tuple[CudaScan, ...]:
    """Read ``x`` (T, B, D) in all directions with two launches; ``keep`` the saved values."""
    source, n, (T, B, _) = kernels.source, len(passes), x.shape
    params = [a.p for a in passes]
    H, S = params[0]["U"].shape[0], len(source.cell.states)
    layer_input = LayerInput.of(x, passes)
    xw = products.input_projection(kernels.shared, layer_input, params)
    layer = CudaLayer(
        kernels, cell, tuple(passes), layer_input,
        None if mask is None else contiguous(mask).view(np.uint8),
        _vectors(source, passes),
        np.empty_like(xw, shape=(n, S, T + 1, B, H)),
        _empty_saved(source, xw, H, mask) if keep else None,
        sum(1 << k for k, a in enumerate(passes) if a.reverse),
    )  # fmt: skip
    initial = _initial(source, passes, xw)
    width = params[0]["U"].shape[1]
    u_biases = [split_bias(p)[1] for p in params]
    kernels.forward(
        (B, n), (source.threads,),
        (xw, *pair([p["U"] for p in params]),
         *pair([None if b is None else b[:width] for b in u_biases]), or_null(layer.vectors),
         *pair([a.recurrent_mask for a in passes]), or_null(layer.mask), or_null(initial),
         layer.states, or_null(layer.saved),
         np.int32(T), np.int32(B), np.int32(layer.reverse_bits)),
        shared_mem=source.dynamic_shared,
    )  # fmt: skip
    return tuple(CudaScan(layer, k) for k in range(n))


def scan_backward(
    layer: CudaLayer, params: Sequence[Values], d_h: Array | None, d_last: Array | None,
    need_x: bool, out: LayerGradients | None,
) -> LayerGradients:  # fmt: skip
    """Backpropagate in all directions; see :class:`rnnviz.engine.backend.Backend`."""
    source, (T, B, _), n = layer.source, layer.input.shape, len(params)
    H, S, states = params[0]["U"].shape[0], len(source.cell.states), layer.states
    d_xw = np.empty_like(states, shape=(n, T, B, len(source.w_gates) * H))
    d_hu = (
        d_xw if source.d_hu_is_d_xw
        else np.empty_like(states, shape=(n, T, B, len(source.u_gates) * H))
    )  # fmt: skip
    masks = [a.recurrent_mask for a in layer.passes]
    d_initial = np.empty_like(states, shape=(n, S, B, H))
    layer.kernels.backward(
        (B, n), (source.threads,),
        (*pair([p["U"] for p in params]), or_null(layer.vectors), *pair(masks),
         or_null(layer.mask), states, or_null(layer.saved),
         or_null(None if d_h is None else contiguous(d_h)),
         or_null(None if d_last is None else contiguous(d_last)), d_xw,
         NULL if source.d_hu_is_d_xw else d_hu, d_initial,
         np.int32(T), np.int32(B), np.int32(layer.reverse_bits)),
        shared_mem=source.dynamic_shared,
    )  # fmt: skip
    shared = layer.kernels.shared
    if source.cell.vectors:
        grads = tuple(_direction_gradients(layer, k, d_xw[k], d_hu[k]) for k in range(n))
    else:
        grads = tuple(_empty_like(p) for p in params) if out is None else out.params
        h_prev = [layer.before(k, 0) for k in range(n)]
        products.weight_gradients(shared, layer.input, h_prev, masks, d_xw, d_hu, grads)
    initial = tuple(dict(zip(source.cell.states, d, strict=True)) for d in d_initial)
    if not need_x:
        return LayerGradients(grads, None, initial=initial)
    table = None if out is None else out.table
    d_x = products.input_gradient(shared, layer.input, params, d_xw, table)
    return (
        LayerGradients(grads, d_x, initial=initial)
        if layer.input.ids is None
        else LayerGradients(grads, None, table=d_x, initial=initial)
    )


def _empty_like(p: Values) -> Values:
    return {name: np.empty_like(a) for name, a in p.items()}


def _direction_gradients(layer: CudaLayer, k: int, d_xw: Array, d_hu: Array) -> Values:
    """The gradients of one direction of a cell with further trained vectors."""
    d_xw, d_hu, direction, cell = _rows(d_xw), _rows(d_hu), layer.passes[k], layer.source.cell
    d: RowMakers = {"xw": lambda: d_xw, "hu": lambda: d_hu}
    parts = (
        (layer.source.w_gates, d_xw, {g.name: g.d_xw for g in cell.gates}),
        (layer.source.u_gates, d_hu, {g.name: g.d_hu for g in cell.gates}),
    )
    for gates, rows, names in parts:
        for j, gate in enumerate(gates):
            name = names[gate].removeprefix("d_")
            d.setdefault(name, partial(_block, rows, len(gates), j))
    v: RowMakers = {s: partial(layer.after, k, j) for j, s in enumerate(cell.states)}
    if layer.saved is not None:
        v |= {s: partial(_saved_value, layer.saved[k], j) for j, s in enumerate(cell.saved)}
    prev: RowMakers = {s: partial(layer.before, k, j) for j, s in enumerate(cell.states)}
    return weight_gradients(
        layer.cell, layer.input.array(), _LazyRows(prev), _LazyRows(v), _LazyRows(d),
        direction.input_mask, direction.recurrent_mask,
    )  # fmt: skip


#: Functions that compute an array, by the array's name.
RowMakers = dict[str, Callable[[], Array]]


class _LazyRows(dict[str, Array]):
    """Rows by name, (T·B, ·), computed at first use."""

    def __init__(self, makers: RowMakers) -> None:
        super().__init__()
        self._makers = makers

    def __missing__(self, name: str) -> Array:
        self[name] = _rows(self._makers[name]())
        return self[name]


def _rows(a: Array) -> Array:
    """(T, B, ·) as (T·B, ·). Not reshape(-1, ·): the last axis may be empty."""
    return a if a.ndim == 2 else a.reshape(a.shape[0] * a.shape[1], a.shape[2])


def _block(rows: Array, n: int, k: int) -> Array:
    return blocks(rows, n)[k]


def _saved_value(saved: Array, k: int) -> Array:
    return saved[:, :, k]


def _stack(arrays: Sequence[Array]) -> Array:
    """The arrays of all directions in one; no copy if there is only one."""
    return contiguous(arrays[0])[None] if len(arrays) == 1 else np.stack(arrays)


def _vectors(source: KernelSource, passes: Sequence[DirectionInput]) -> Array | None:
    names = source.cell.vectors
    return _stack([np.stack([a.p[name] for name in names]) for a in passes]) if names else None


def _empty_saved(source: KernelSource, xw: Array, H: int, mask: Array | None) -> Array | None:
    """The array for saved values; zeros if masked steps, which are not written to, are read."""
    cell = source.cell
    if not cell.saved:
        return None
    make = np.zeros_like if cell.vectors and mask is not None else np.empty_like
    return make(xw, shape=(*xw.shape[:3], len(cell.saved), H))


def _initial(source: KernelSource, passes: Sequence[DirectionInput], x: Array) -> Array | None:
    if all(a.initial is None for a in passes):
        return None
    B, H = x.shape[1], passes[0].p["U"].shape[0]
    zero = np.zeros_like(x, shape=(B, H))
    return np.stack(
        [np.stack([(a.initial or {}).get(s, zero) for s in source.cell.states]) for a in passes]
    )


def check(source: KernelSource, cell: Cell, p: Values, x: Array | Lookup, n: int) -> None:
    """NoKernelError if the kernels cannot index the arrays, or W and U have other blocks."""
    (T, B, D), H = x.shape, p["U"].shape[0]
    largest = n * (T + 1) * B * H * max(4, len(source.cell.states), len(source.cell.saved))
    table = len(x.table) if isinstance(x, Lookup) else 0
    if max(largest, T * B * D, table * D) > MAX_NUMBERS:
        raise NoKernelError(
            _("{T} steps of {b} sequences are more numbers than a kernel can index").format(
                T=T, b=B
            )
        )
    if source.w_gates != cell.gates or p["U"].shape[1] != len(source.u_gates) * H:
        raise NoKernelError(_("W and U are not a block for each gate's product"))
