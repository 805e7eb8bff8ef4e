"""A cell run over time with every named value recorded, and its backward pass.

This is the reference: traces are made with it, and the quicker passes of
:mod:`rnnviz.engine.packed_scan` and others are tested against it. Every array is indexed by token:
``steps[t]`` belongs to token t also when the tokens are read from the right. A masked step (mask
false) leaves the states as they were, as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.cells.weights import state_widths
from rnnviz.engine.clamping import ClampedGradients, ClampedValues, Clamping, unclamped
from rnnviz.engine.directions import DirectionInput
from rnnviz.engine.projections import (
    input_projection,
    input_projection_grad,
    recurrent_kernel,
    recurrent_projection,
    recurrent_projection_grad,
    split_bias,
    weight_gradients,
    with_dropout_masks,
)


@dataclass(frozen=True, eq=False)
class Scan:
    """Every value of a cell over a batch of sequences."""

    x: Array  # (T, B, D)
    steps: tuple[Values, ...]  # T dicts of (B, H), by recorded name; states after masking
    order: Sequence[int]  # the tokens in the order they were read
    mask: Array | None  # (T, B) bool, or None when every step counts
    initial: Values  # each state before the first token, (B, H)
    recurrent_mask: Array | None  # (G, B, H) dropout of h_prev, one mask a gate, constant in time
    input_mask: Array | None = None  # (1 or G, B, D) dropout of x, for all gates or each its own
    clamping: Clamping | None = None  # values that were set instead of computed
    _stacked: Values = field(default_factory=dict)

    @property
    def last(self) -> Values:
        """The values of the step read last, (B, H) by name: its h is what the layer returns."""
        return self.steps[self.order[-1]]

    def before(self) -> list[Values]:
        """For each token the states before it: T dicts of (B, H), by state."""
        states: list[Values] = [self.initial] * len(self.steps)
        for earlier, later in zip(self.order, self.order[1:], strict=False):
            states[later] = self.steps[earlier]
        return states

    @property
    def names(self) -> tuple[str, ...]:
        """The recorded names, without those of the projections."""
        return tuple(name for name in self.steps[0] if name not in ("xw", "hu"))

    def stack(self, name: str) -> Array:
        """A recorded value over all steps: (T, B, ·). Cached."""
        if name not in self._stacked:
            self._stacked[name] = stack(self.steps, name)
        return self._stacked[name]


def stack(steps: Sequence[Values], name: str) -> Array:
    """(T, B, ·); ``np.stack`` and ``np.array`` cost several times this for small arrays."""
    shape = steps[0][name].shape
    return np.concatenate([step[name] for step in steps]).reshape(len(steps), *shape)


def scan(
    cell: Cell,
    p: Values,
    x: Array,
    mask: Array | None = None,
    *,
    reverse: bool = False,
    initial: Values | None = None,
    recurrent_mask: Array | None = None,
    input_mask: Array | None = None,
    clamping: Clamping | None = None,
) -> Scan:
    """Read ``x`` (T, B, D) with the cell; ``reverse`` reads from the last token to the first."""
    x = x if clamping is None else clamping.apply("x", x)
    T, B, _ = x.shape
    b_recurrent = split_bias(p)[1]
    xw = input_projection(x, p, input_mask).reshape(T, B, -1)
    if initial is None:
        initial = {s: np.zeros_like(x, shape=(B, n)) for s, n in state_widths(cell, p).items()}
    order = range(T - 1, -1, -1) if reverse else range(T)
    steps: list[Values] = [{}] * T
    state = initial
    U, params = recurrent_kernel(cell, p), with_dropout_masks(cell, p, recurrent_mask)
    for t in order:
        hu = recurrent_projection(cell, state["h"], U, recurrent_mask)
        v: Values = {} if clamping is None else ClampedValues(clamping, t)
        v["xw"], v["hu"] = xw[t], hu if b_recurrent is None else hu + b_recurrent
        cell.forward(params, v, state)
        if mask is not None:
            read = mask[t][:, None]
            for s in cell.states:
                v[s] = np.where(read, v[s], state[s])
        steps[t] = state = v
    return Scan(x, tuple(steps), order, mask, initial, recurrent_mask, input_mask, clamping)


def scan_directions(
    cell: Cell, inputs: Sequence[DirectionInput], x: Array, mask: Array | None,
    clampings: Sequence[Clamping | None] | None = None,
) -> tuple[Scan, ...]:  # fmt: skip
    """Read ``x`` (T, B, D) in every direction of a layer, on whichever device the arrays are."""
    return tuple(
        scan(
            cell, a.p, x, mask, reverse=a.reverse, initial=a.initial,
            recurrent_mask=a.recurrent_mask, input_mask=a.input_mask, clamping=clamping,
        )
        for a, clamping in zip(inputs, clampings or [None] * len(inputs), strict=True)
    )  # fmt: skip


class ScanGradients:
    """The gradients of every value of a :class:`Scan`."""

    def __init__(
        self, cell: Cell, p: Values, forward: Scan, steps: Sequence[Values], initial: Values
    ) -> None:
        self._cell, self._p, self._forward = cell, p, forward
        self.steps = _unclamped_steps(steps)  # T dicts by recorded name, (B, H)
        self.initial = initial  # of the states before the first token, (B, H)
        self._rows = _Rows(steps)  # zero where a value was clamped
        self._full_rows = self._rows if forward.clamping is None else _Rows(self.steps)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of values and states that have a gradient."""
        return tuple(n for n in self.steps[0] if n not in ("xw", "hu"))

    def stack(self, name: str) -> Array:
        """A gradient over all steps: (T, B, ·)."""
        rows = self._full_rows[name]
        return rows.reshape(len(self.steps), -1, rows.shape[-1])

    @cached_property
    def x(self) -> Array:
        """Of the layer's input: (T, B, D)."""
        forward = self._forward
        return input_projection_grad(
            self._rows["xw"], self._p["W"], forward.input_mask, forward.x.shape
        )

    @property
    def below(self) -> Array:
        """Of what the layer's input was computed from, (T, B, D): zero where x was clamped."""
        clamping = self._forward.clamping
        if clamping is None:
            return self.x
        return np.where(clamping.at(slice(None)).get("x", False), 0, self.x)

    @cached_property
    def params(self) -> Values:
        """Of the trained arrays, summed over steps and batch: one product each for all steps."""
        forward = self._forward
        d: Values = self._rows
        if forward.mask is not None:
            d = _ReadRows(d, self._cell.states, forward.mask)
        return weight_gradients(
            self._cell, forward.x, _Rows(forward.before()), _Rows(forward.steps), d,
            forward.input_mask, forward.recurrent_mask,
        )  # fmt: skip


def scan_backward(
    cell: Cell,
    p: Values,
    forward: Scan,
    d_h: Array | None = None,
    d_last: Mapping[str, Array] | None = None,
) -> ScanGradients:
    """Backpropagate through a scan.

    ``d_h`` (T, B, H): the objective's gradient at every step's output (return_sequences);
    ``d_last``: its gradient at the states after the last step read, by state name (B, H).
    """
    T = len(forward.steps)
    before = forward.before()
    zeros = {s: np.zeros_like(forward.last[s]) for s in cell.states}
    carry: Values = {**zeros, **(d_last or {})}
    last = forward.order[-1]
    steps: list[Values] = [{}] * T
    for t in reversed(forward.order):
        out = zeros["h"] if d_h is None else d_h[t]
        if d_last is not None and t == last:
            # At the last step the gradient is the head's; none comes back from later tokens.
            out, carry["h"] = out + carry["h"], zeros["h"]
        read = None if forward.mask is None else forward.mask[t][:, None]
        clamped = None if forward.clamping is None else forward.clamping.at(t)
        step = StepValues(forward.steps[t], before[t], read, clamped)
        steps[t], carry = step_backward(cell, p, forward, step, carry, out)
    return ScanGradients(cell, p, forward, tuple(steps), carry)


class StepValues(NamedTuple):
    """A step as the backward pass needs it: (B, ·), or all steps at once, (T, B, ·)."""

    values: Values
    before: Values  # the states before it
    read: Array | None  # (B, 1) true where the step is not masked
    clamped: Values | None  # (1, H) true where a value was clamped, by name


def step_backward(
    cell: Cell, p: Values, forward: Scan, step: StepValues, carry: Values, out: Array
) -> tuple[Values, Values]:
    """The gradients of a step's values, and of the states before it.

    ``carry``: the gradients of its states from the step after it, (B, H); ``out``: that of its
    output. Or of all steps at once, with (T, B, H) for (B, H), where ``carry`` is known for each.
    """
    total = {**carry, "h": carry["h"] + out}
    # A masked step copies its states: no gradient goes through its gates ...
    read = step.read
    taken = total if read is None else {s: np.where(read, a, 0) for s, a in total.items()}
    d: Values = {} if step.clamped is None else ClampedGradients(step.clamped)
    d["h_out"], d["h_next"], d["h"] = out, carry["h"], taken["h"]
    for s in cell.states[1:]:
        d[f"{s}_next"] = taken[s]
    mask = forward.recurrent_mask
    cell.backward(with_dropout_masks(cell, p, mask), step.values, step.before, d)
    through = recurrent_projection_grad(cell, d["hu"], recurrent_kernel(cell, p), mask)
    d["h_prev"] = d["h_prev"] + through if "h_prev" in d else through
    if read is not None:
        # ... and all of it goes to the states before.
        full = unclamped(d)
        for s in cell.states:
            d[s] = np.where(read, full[s], total[s])
            d[f"{s}_prev"] = np.where(read, d[f"{s}_prev"], d[s])
        d |= {f"{s}_next": total[s] for s in cell.states[1:]}
    return d, {s: d[f"{s}_prev"] for s in cell.states}


class StepSlices(Sequence[Values]):
    """Arrays (T, B, ·) by name, indexed as T dicts of (B, ·)."""

    def __init__(self, arrays: Values, T: int) -> None:
        self.arrays, self._T = arrays, T

    def __len__(self) -> int:
        return self._T

    def __getitem__(self, t: Any) -> Any:
        return {name: array[t] for name, array in self.arrays.items()}


def _unclamped_steps(steps: Sequence[Values]) -> Sequence[Values]:
    """The gradients of every step, also of clamped values."""
    if isinstance(steps, StepSlices):
        return StepSlices(unclamped(steps.arrays), len(steps))
    return tuple(unclamped(step) for step in steps)


class _Rows(dict[str, Array]):
    """Names to arrays stacked over time, (T·B, ·), each made on first use."""

    def __init__(self, steps: Sequence[Values]) -> None:
        super().__init__()
        self._steps = steps

    def __missing__(self, name: str) -> Array:
        if isinstance(self._steps, StepSlices):
            array = self._steps.arrays[name]
            self[name] = array.reshape(math.prod(array.shape[:-1]), array.shape[-1])
        else:
            self[name] = np.concatenate([step[name] for step in self._steps])
        return self[name]


class _ReadRows(dict[str, Array]):
    """The gradients of some rows as the weights have them: zero of states that a mask copied."""

    def __init__(self, rows: Values, states: Sequence[str], mask: Array) -> None:
        super().__init__()
        self._rows, self._states, self._mask = rows, states, mask

    def __missing__(self, name: str) -> Array:
        rows = self._rows[name]
        if name in self._states:
            rows = np.where(self._mask.reshape(-1, 1), rows, 0)
        self[name] = rows
        return rows
