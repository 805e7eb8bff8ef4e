"""A recurrent layer on the card: one launch forwards, one back, products around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values, blocks, contiguous
from rnnviz.cells import Cell
from rnnviz.engine.backend import LayerGradients
from rnnviz.engine.cuda.source import Kernels, NoKernelError
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.projections import (
    input_projection,
    input_projection_grad,
    split_bias,
    weight_gradients,
)

#: The kernels count numbers with 32 bits.
COUNTABLE = 2**31 - 1
#: What a pointer to nothing is to a kernel.
NOTHING = np.uintp(0)


@dataclass(frozen=True, eq=False)
class Launch:
    """The two kernels of a layer, compiled."""

    plan: Kernels
    forward: Callable[..., None]
    backward: Callable[..., None]


def compiled(module: Callable[[str], Any], plan: Kernels, most_shared: int) -> Launch:
    """Ready to launch; NoKernelError if a block needs more shared memory than the card has."""
    needed = plan.shared + plan.fixed
    if needed > most_shared:
        raise NoKernelError(
            f"{-(-needed // 1024)} KiB of shared memory are more than the card's "
            f"{most_shared // 1024}"
        )
    made = module(plan.source)
    found = []
    for name in ("forward", "backward"):
        kernel = made.get_function(name)
        if plan.shared:
            kernel.max_dynamic_shared_size_bytes = plan.shared
        found.append(kernel)
    return Launch(plan, *found)


@dataclass(frozen=True, eq=False)
class LayerScan:
    """One direction of what a launch left on the card."""

    layer: Layer
    direction: int

    @property
    def last(self) -> Values:
        """See :class:`rnnviz.engine.backend.ScanOutput`."""
        end = 0 if self.layer.reversed(self.direction) else -1
        states = self.layer.states[self.direction]
        return {s: a[end] for s, a in zip(self.layer.plan.cell.states, states, strict=True)}

    def stack(self, name: str) -> Array:
        """The states after each step, (T, B, H)."""
        k = self.layer.plan.cell.states.index(name)
        return self.layer.after(self.direction, k)


@dataclass(frozen=True, eq=False)
class Layer:
    """All directions of a layer, as the kernels left them."""

    plan: Kernels
    cell: Cell
    passes: tuple[DirectionInput, ...]
    x: Array  # (T, B, D)
    mask: Array | None  # (T, B) uint8
    U: Array  # (n, H, recurrent gates·H)
    vectors: Array | None  # (n, vectors, H)
    drop: Array | None  # (n, G, B, H)
    states: Array  # (n, states, T + 1, B, H)
    saved: Array | None  # (n, T, B, saved, H)
    backwards: int  # bit k: direction k reads from the right

    def reversed(self, direction: int) -> bool:
        """Whether a direction reads from the right."""
        return bool(self.backwards >> direction & 1)

    def after(self, direction: int, state: int) -> Array:
        """A state after each token, (T, B, H)."""
        a = self.states[direction, state]
        return a[:-1] if self.reversed(direction) else a[1:]

    def before(self, direction: int, state: int) -> Array:
        """A state as each token found it, (T, B, H)."""
        a = self.states[direction, state]
        return a[1:] if self.reversed(direction) else a[:-1]


def scan(
    launch: Launch,
    cell: Cell,
    passes: Sequence[DirectionInput],
    x: Array,
    mask: Array | None,
    keep: bool,
) -> tuple[LayerScan, ...]:
    """Read ``x`` (T, B, D) in every direction at once."""
    plan, n, (T, B, _) = launch.plan, len(passes), x.shape
    first = passes[0].p
    H, S = first["U"].shape[0], len(plan.cell.states)
    xw = np.empty_like(x, shape=(n, T, B, len(plan.reading) * H))
    for k, a in enumerate(passes):
        products = input_projection(x, a.p["W"], a.input_mask)
        np.add(products, split_bias(a.p["b"])[0], out=xw[k].reshape(products.shape))
    recurrent = [split_bias(a.p["b"])[1] for a in passes]
    U = _stacked([a.p["U"] for a in passes])
    layer = Layer(
        plan, cell, tuple(passes), x,
        None if mask is None else contiguous(mask).view(np.uint8),
        U,
        _vectors(plan, passes),
        _maybe([a.recurrent_mask for a in passes]),
        np.empty_like(x, shape=(n, S, T + 1, B, H)),
        _room_for_saved(plan, x, n, H, mask) if keep else None,
        sum(1 << k for k, a in enumerate(passes) if a.reverse),
    )  # fmt: skip
    initial = _initial(plan, passes, x)
    bias = _maybe([None if b is None else b[: U.shape[-1]] for b in recurrent])
    launch.forward(
        (B, n), (plan.threads,),
        (xw, U, _given(bias), _given(layer.vectors), _given(layer.drop), _given(layer.mask),
         _given(initial), layer.states, _given(layer.saved), np.int32(T), np.int32(B),
         np.int32(layer.backwards)),
        shared_mem=plan.shared,
    )  # fmt: skip
    return tuple(LayerScan(layer, k) for k in range(n))


def scan_backward(
    launch: Launch, layer: Layer, params: Sequence[Values], d_h: Array | None,
    d_last: Array | None, need_x: bool,
) -> LayerGradients:  # fmt: skip
    """Walk back in every direction at once; see :class:`rnnviz.engine.backend.Backend`."""
    plan, (T, B, _), n = layer.plan, layer.x.shape, len(params)
    H, S = layer.U.shape[1], len(plan.cell.states)
    d_xw = np.empty_like(layer.x, shape=(n, T, B, len(plan.reading) * H))
    d_hu = (
        d_xw if plan.together
        else np.empty_like(layer.x, shape=(n, T, B, len(plan.recurrent) * H))
    )  # fmt: skip
    d_initial = np.empty_like(layer.x, shape=(n, S, B, H))
    arriving = None
    if d_last is not None:
        arriving = np.zeros_like(layer.x, shape=(n, S, B, H))
        arriving[:, 0] = d_last.reshape(B, n, H).transpose(1, 0, 2)
    out = None if d_h is None else contiguous(d_h)
    launch.backward(
        (B, n), (plan.threads,),
        (layer.U, _given(layer.vectors), _given(layer.drop), _given(layer.mask), layer.states,
         _given(layer.saved), _given(out), _given(arriving), d_xw,
         NOTHING if plan.together else d_hu, d_initial, np.int32(T), np.int32(B),
         np.int32(layer.backwards)),
        shared_mem=plan.shared,
    )  # fmt: skip
    back = [_Back(layer, k, p, d_xw[k], d_hu[k]) for k, p in enumerate(params)]
    d_x = None
    if need_x:
        first, *rest = (b.x for b in back)
        d_x = sum(rest, start=first)
    return LayerGradients(tuple(b.params for b in back), d_x)


class _Back:
    """One direction's gradients, as sums over what the kernel left for every step."""

    def __init__(self, layer: Layer, k: int, p: Values, d_xw: Array, d_hu: Array) -> None:
        self.layer, self.k, self.p = layer, k, p
        self.d_xw, self.d_hu = _rows(d_xw), _rows(d_hu)

    @property
    def x(self) -> Array:
        """Of the input, (T, B, D)."""
        drop = self.layer.passes[self.k].input_mask
        return input_projection_grad(self.d_xw, self.p["W"], drop, self.layer.x.shape)

    @cached_property
    def params(self) -> Values:
        """Of the trained arrays."""
        layer, k, asked = self.layer, self.k, self.layer.passes[self.k]
        cell = layer.plan.cell
        d: Makers = {"xw": lambda: self.d_xw, "hu": lambda: self.d_hu}
        parts = (
            (layer.plan.reading, self.d_xw, {g.name: g.d_xw for g in cell.gates}),
            (layer.plan.recurrent, self.d_hu, {g.name: g.d_hu for g in cell.gates}),
        )
        for names, rows, of in parts:
            for j, gate in enumerate(names):
                d.setdefault(of[gate].removeprefix("d_"), partial(_block, rows, len(names), j))
        v: Makers = {s: partial(layer.after, k, j) for j, s in enumerate(cell.states)}
        if layer.saved is not None:
            v |= {s: partial(_slot, layer.saved[k], j) for j, s in enumerate(cell.saved)}
        prev: Makers = {s: partial(layer.before, k, j) for j, s in enumerate(cell.states)}
        return weight_gradients(
            layer.cell, layer.x, _Made(prev), _Made(v), _Made(d), asked.input_mask,
            asked.recurrent_mask,
        )  # fmt: skip


#: What makes an array, by its name.
Makers = dict[str, Callable[[], Array]]


class _Made(dict[str, Array]):
    """Rows by name, (T·B, ·), made when they are asked for."""

    def __init__(self, makers: Makers) -> None:
        super().__init__()
        self._makers = makers

    def __missing__(self, name: str) -> Array:
        self[name] = _rows(self._makers[name]())
        return self[name]


def _rows(a: Array) -> Array:
    """(T, B, ·) as (T·B, ·); the last may be 0, so nothing can be inferred."""
    return a if a.ndim == 2 else a.reshape(a.shape[0] * a.shape[1], a.shape[2])


def _block(rows: Array, n: int, k: int) -> Array:
    return blocks(rows, n)[k]


def _slot(saved: Array, k: int) -> Array:
    return saved[:, :, k]


def _given(a: Array | None) -> Any:
    return NOTHING if a is None else a


def _stacked(arrays: Sequence[Array]) -> Array:
    """Both directions in one array; one needs no copy."""
    return contiguous(arrays[0])[None] if len(arrays) == 1 else np.stack(arrays)


def _maybe(arrays: Sequence[Array | None]) -> Array | None:
    found = [a for a in arrays if a is not None]
    return _stacked(found) if len(found) == len(arrays) else None


def _vectors(plan: Kernels, passes: Sequence[DirectionInput]) -> Array | None:
    names = plan.cell.vectors
    return _stacked([np.stack([a.p[name] for name in names]) for a in passes]) if names else None


def _room_for_saved(plan: Kernels, x: Array, n: int, H: int, mask: Array | None) -> Array | None:
    """What backward reads; a masked step writes nothing there, and 0 times NaN is no 0."""
    if not plan.cell.saved:
        return None
    make = np.empty_like if mask is None else np.zeros_like
    return make(x, shape=(n, *x.shape[:2], len(plan.cell.saved), H))


def _initial(plan: Kernels, passes: Sequence[DirectionInput], x: Array) -> Array | None:
    if all(a.initial is None for a in passes):
        return None
    B, H = x.shape[1], passes[0].p["U"].shape[0]
    zero = np.zeros_like(x, shape=(B, H))
    return np.stack(
        [np.stack([(a.initial or {}).get(s, zero) for s in plan.cell.states]) for a in passes]
    )


def fits(plan: Kernels, cell: Cell, p: Values, x: Array, n: int) -> None:
    """NoKernelError if the kernels cannot index the arrays, or the cell's arrays are others."""
    (T, B, _), H = x.shape, p["U"].shape[0]
    most = n * (T + 1) * B * H * max(4, len(plan.cell.states), len(plan.cell.saved))
    if most > COUNTABLE:
        raise NoKernelError(f"{T} steps of {B} sequences are more numbers than a kernel can count")
    if plan.reading != cell.gates or p["U"].shape[1] != len(plan.recurrent) * H:
        raise NoKernelError("W and U are not a block for each gate's product")
