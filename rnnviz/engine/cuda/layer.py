"""A recurrent layer on a GPU: one launch forward, one backward, and matrix products around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values, blocks, contiguous
from rnnviz.cells import Cell
from rnnviz.engine.backend import LayerGradients
from rnnviz.engine.cuda.source import KernelSource, NoKernelError
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.projections import (
    input_projection,
    input_projection_grad,
    split_bias,
    weight_gradients,
)

#: The kernels index arrays with 32-bit integers.
MAX_NUMBERS = 2**31 - 1
#: A null pointer as an argument of a kernel.
NULL = np.uintp(0)


@dataclass(frozen=True, eq=False)
class LayerKernels:
    """The two compiled kernels of a layer."""

    source: KernelSource
    forward: Callable[..., None]
    backward: Callable[..., None]


def compile_kernels(
    compile_source: Callable[[str], Any], source: KernelSource, max_shared: int
) -> LayerKernels:
    """Compile a layer's kernels; NoKernelError if a block needs more shared memory than there is.

    ``max_shared``: bytes of shared memory that a block may have on this GPU.
    """
    needed = source.dynamic_shared + source.static_shared
    if needed > max_shared:
        raise NoKernelError(
            f"a block needs {-(-needed // 1024)} KiB of shared memory, the GPU has "
            f"{max_shared // 1024}"
        )
    module = compile_source(source.text)
    kernels = []
    for name in ("forward", "backward"):
        kernel = module.get_function(name)
        if source.dynamic_shared:
            kernel.max_dynamic_shared_size_bytes = source.dynamic_shared
        kernels.append(kernel)
    return LayerKernels(source, *kernels)


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

    source: KernelSource
    cell: Cell
    passes: tuple[DirectionInput, ...]
    x: Array  # (T, B, D)
    mask: Array | None  # (T, B) uint8
    U: Array  # (n, H, U gates·H)
    vectors: Array | None  # (n, vectors, H)
    h_mask: Array | None  # (n, G, B, H): dropout of h_prev
    states: Array  # (n, states, T + 1, B, H)
    saved: Array | None  # (n, T, B, saved, H)
    reverse_bits: int  # bit k: direction k reads from the right

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
    x: Array,
    mask: Array | None,
    keep: bool,
) -> tuple[CudaScan, ...]:
    """Read ``x`` (T, B, D) in all directions with one launch; ``keep`` the saved values."""
    source, n, (T, B, _) = kernels.source, len(passes), x.shape
    H, S = passes[0].p["U"].shape[0], len(source.cell.states)
    xw = np.empty_like(x, shape=(n, T, B, len(source.w_gates) * H))
    for k, a in enumerate(passes):
        products = input_projection(x, a.p["W"], a.input_mask)
        np.add(products, split_bias(a.p["b"])[0], out=xw[k].reshape(products.shape))
    u_biases = [split_bias(a.p["b"])[1] for a in passes]
    U = _stack([a.p["U"] for a in passes])
    layer = CudaLayer(
        source, cell, tuple(passes), x,
        None if mask is None else contiguous(mask).view(np.uint8),
        U,
        _vectors(source, passes),
        _stack_optional([a.recurrent_mask for a in passes]),
        np.empty_like(x, shape=(n, S, T + 1, B, H)),
        _empty_saved(source, x, n, H, mask) if keep else None,
        sum(1 << k for k, a in enumerate(passes) if a.reverse),
    )  # fmt: skip
    initial = _initial(source, passes, x)
    bias = _stack_optional([None if b is None else b[: U.shape[-1]] for b in u_biases])
    kernels.forward(
        (B, n), (source.threads,),
        (xw, U, _or_null(bias), _or_null(layer.vectors), _or_null(layer.h_mask),
         _or_null(layer.mask), _or_null(initial), layer.states, _or_null(layer.saved),
         np.int32(T), np.int32(B), np.int32(layer.reverse_bits)),
        shared_mem=source.dynamic_shared,
    )  # fmt: skip
    return tuple(CudaScan(layer, k) for k in range(n))


def scan_backward(
    kernels: LayerKernels, layer: CudaLayer, params: Sequence[Values], d_h: Array | None,
    d_last: Array | None, need_x: bool,
) -> LayerGradients:  # fmt: skip
    """Backpropagate in all directions; see :class:`rnnviz.engine.backend.Backend`."""
    source, (T, B, _), n = layer.source, layer.x.shape, len(params)
    H, S = layer.U.shape[1], len(source.cell.states)
    d_xw = np.empty_like(layer.x, shape=(n, T, B, len(source.w_gates) * H))
    d_hu = (
        d_xw if source.d_hu_is_d_xw
        else np.empty_like(layer.x, shape=(n, T, B, len(source.u_gates) * H))
    )  # fmt: skip
    d_initial = np.empty_like(layer.x, shape=(n, S, B, H))
    d_last_states = None
    if d_last is not None:
        d_last_states = np.zeros_like(layer.x, shape=(n, S, B, H))
        d_last_states[:, 0] = d_last.reshape(B, n, H).transpose(1, 0, 2)
    d_outputs = None if d_h is None else contiguous(d_h)
    kernels.backward(
        (B, n), (source.threads,),
        (layer.U, _or_null(layer.vectors), _or_null(layer.h_mask), _or_null(layer.mask),
         layer.states, _or_null(layer.saved), _or_null(d_outputs), _or_null(d_last_states), d_xw,
         NULL if source.d_hu_is_d_xw else d_hu, d_initial,
         np.int32(T), np.int32(B), np.int32(layer.reverse_bits)),
        shared_mem=source.dynamic_shared,
    )  # fmt: skip
    gradients = [_DirectionGradients(layer, k, p, d_xw[k], d_hu[k]) for k, p in enumerate(params)]
    d_x = None
    if need_x:
        first, *rest = (g.x for g in gradients)
        d_x = sum(rest, start=first)
    return LayerGradients(tuple(g.params for g in gradients), d_x)


class _DirectionGradients:
    """The gradients of one direction, from those of the products at every step."""

    def __init__(self, layer: CudaLayer, k: int, p: Values, d_xw: Array, d_hu: Array) -> None:
        self.layer, self.k, self.p = layer, k, p
        self.d_xw, self.d_hu = _rows(d_xw), _rows(d_hu)

    @property
    def x(self) -> Array:
        """Of the input, (T, B, D)."""
        mask = self.layer.passes[self.k].input_mask
        return input_projection_grad(self.d_xw, self.p["W"], mask, self.layer.x.shape)

    @cached_property
    def params(self) -> Values:
        """Of the trained arrays."""
        layer, k, direction = self.layer, self.k, self.layer.passes[self.k]
        cell = layer.source.cell
        d: RowMakers = {"xw": lambda: self.d_xw, "hu": lambda: self.d_hu}
        parts = (
            (layer.source.w_gates, self.d_xw, {g.name: g.d_xw for g in cell.gates}),
            (layer.source.u_gates, self.d_hu, {g.name: g.d_hu for g in cell.gates}),
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
            layer.cell, layer.x, _LazyRows(prev), _LazyRows(v), _LazyRows(d), direction.input_mask,
            direction.recurrent_mask,
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


def _or_null(a: Array | None) -> Any:
    return NULL if a is None else a


def _stack(arrays: Sequence[Array]) -> Array:
    """The arrays of all directions in one; no copy if there is only one."""
    return contiguous(arrays[0])[None] if len(arrays) == 1 else np.stack(arrays)


def _stack_optional(arrays: Sequence[Array | None]) -> Array | None:
    """The same; None unless every direction has an array."""
    present = [a for a in arrays if a is not None]
    return _stack(present) if len(present) == len(arrays) else None


def _vectors(source: KernelSource, passes: Sequence[DirectionInput]) -> Array | None:
    names = source.cell.vectors
    return _stack([np.stack([a.p[name] for name in names]) for a in passes]) if names else None


def _empty_saved(
    source: KernelSource, x: Array, n: int, H: int, mask: Array | None
) -> Array | None:
    """The array for saved values; zeros with a mask, as masked steps are not written to."""
    if not source.cell.saved:
        return None
    make = np.empty_like if mask is None else np.zeros_like
    return make(x, shape=(n, *x.shape[:2], len(source.cell.saved), H))


def _initial(source: KernelSource, passes: Sequence[DirectionInput], x: Array) -> Array | None:
    if all(a.initial is None for a in passes):
        return None
    B, H = x.shape[1], passes[0].p["U"].shape[0]
    zero = np.zeros_like(x, shape=(B, H))
    return np.stack(
        [np.stack([(a.initial or {}).get(s, zero) for s in source.cell.states]) for a in passes]
    )


def check(source: KernelSource, cell: Cell, p: Values, x: Array, n: int) -> None:
    """NoKernelError if the kernels cannot index the arrays, or W and U have other blocks."""
    (T, B, _), H = x.shape, p["U"].shape[0]
    largest = n * (T + 1) * B * H * max(4, len(source.cell.states), len(source.cell.saved))
    if largest > MAX_NUMBERS:
        raise NoKernelError(f"{T} steps of {B} sequences are more numbers than a kernel can index")
    if source.w_gates != cell.gates or p["U"].shape[1] != len(source.u_gates) * H:
        raise NoKernelError("W and U are not a block for each gate's product")
