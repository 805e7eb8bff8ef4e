"""Jacobians of the states of a scan: of single steps, and of the last states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.cells import Cell
from rnnviz.cells.weights import state_widths
from rnnviz.engine.clamping import ClampedGradients
from rnnviz.engine.projections import (
    recurrent_kernel,
    recurrent_projection_grad,
    with_dropout_masks,
)
from rnnviz.engine.scan import Scan, stack

#: Steps whose Jacobians are computed together: few enough for the cache and for the allocator to
#: reuse (a 64 × 64 Jacobian has 16 kB).
CHUNK = 10
#: The share of a Jacobian's largest entry below which one is zero.
NEGLIGIBLE = 1e-20


def step_jacobians(cell: Cell, p: Values, forward: Scan, tokens: Sequence[int]) -> Array:
    """∂(all states after token t) / ∂(all states before it), for some tokens: (N, S, S).

    Row r is the gradient of state component r, states side by side in the cell's order. It is the
    cell's own backward with unit upstream gradients, all tokens at once. One sequence only:
    ValueError unless B is 1.
    """
    if forward.steps[0]["h"].shape[0] != 1:
        raise ValueError("Jacobians are of one sequence: B must be 1")
    before, states = forward.before(), cell.states
    v = {name: forward.stack(name)[tokens] for name in forward.names}
    prev = {s: stack([before[t] for t in tokens], s) for s in states}
    clamped = None if forward.clamping is None else forward.clamping.at(tokens)
    pointwise = cell.recurrent == cell.gates and set(p) <= {"W", "U", "b"}
    mask = forward.recurrent_mask
    if pointwise and mask is None:
        J = _pointwise_jacobians(cell, p, v, prev, clamped)
    else:
        # The cell mixes units by matrices of its own: every component is an objective of its own.
        upstream = split_states(cell, p, _identity(cell, p)[None])
        params = with_dropout_masks(cell, p, mask)
        d = _cell_backward(cell, params, v, prev, upstream, clamped)
        through = recurrent_projection_grad(cell, d["hu"], recurrent_kernel(cell, p), mask)
        d["h_prev"] = d.get("h_prev", 0) + through
        J = np.concatenate([d[f"{s}_prev"] for s in states], axis=-1)
    if forward.mask is None:
        return J
    read = forward.mask[list(tokens), 0][:, None, None]
    return np.where(read, J, _masked_jacobian(cell, p, clamped))


def _masked_jacobian(cell: Cell, p: Values, clamped: Values | None) -> Array:
    """The Jacobian of a masked step: the identity, but zero in the rows of clamped states."""
    J = _identity(cell, p)
    for s in cell.states:
        if clamped is not None and s in clamped:
            free = np.ones((len(clamped[s]), J.shape[-1]), J.dtype)
            split_states(cell, p, free)[s][...] = ~clamped[s][:, 0]
            J = J * free[:, :, None]
    return J


def split_states(cell: Cell, p: Values, a: Array) -> Values:
    """Views of all states side by side, (…, S), by state."""
    found, start = dict[str, Array](), 0
    for s, n in state_widths(cell, p).items():
        found[s] = a[..., start : start + n]
        start += n
    return found


def _cell_backward(
    cell: Cell, p: Values, v: Values, prev: Values, upstream: Values, clamped: Values | None
) -> Values:
    """The gradients of one step alone, for given gradients of its states."""
    d: Values = {} if clamped is None else ClampedGradients(clamped)
    d["h"] = upstream["h"]
    for s in cell.states[1:]:
        d[f"{s}_next"] = upstream[s]
    cell.backward(p, v, prev, d)
    return d


def _pointwise_jacobians(
    cell: Cell, p: Values, v: Values, prev: Values, clamped: Values | None
) -> Array:
    """:func:`step_jacobians` of a cell that does not mix units: (N, S, S) from a few vectors.

    Unit k of a state reaches only unit k of the gates, so one backward with ones for each state
    gives the diagonal of every gate; U then mixes the units.
    """
    states, N, H, G = cell.states, len(v["h"]), p["U"].shape[0], len(cell.gates)
    ones = {s: np.eye(len(states), dtype=p["U"].dtype)[:, [k]] for k, s in enumerate(states)}
    d = _cell_backward(cell, p, v, prev, ones, clamped)
    # (N, states, G, H) -> one small product for each unit k: (N·states, G) @ (G, H).
    gates = np.broadcast_to(d["hu"], (N, len(states), G * H)).reshape(-1, G, H).transpose(2, 0, 1)
    mixed = gates @ p["U"].reshape(H, G, H).transpose(2, 1, 0)
    J = np.zeros((N, len(states), H, len(states), H), p["U"].dtype)
    J[:, :, :, 0] = mixed.reshape(H, N, len(states), H).transpose(1, 2, 0, 3)
    unit = np.arange(H)
    for k, s in enumerate(states):
        if f"{s}_prev" in d:
            J[:, :, unit, k, unit] += d[f"{s}_prev"]
    return J.reshape(N, len(states) * H, len(states) * H)


def _identity(cell: Cell, p: Values) -> Array:
    return np.eye(sum(state_widths(cell, p).values()), dtype=p["U"].dtype)


def jacobians(cell: Cell, p: Values, forward: Scan) -> Iterator[tuple[list[int], Array, Array]]:
    """∂(all states after the last step) / ∂(all states after step t), from the last t to the first.

    Yields chunks (tokens, J, scale): the Jacobian of ``tokens[n]`` is ``J[n]·scale[n]``, J
    (N, S, S). The scale keeps J itself in range where the true one would underflow.
    """
    for tokens, J, scale, _ in jacobian_products(cell, p, forward):
        yield tokens, J, scale


def jacobian_products(
    cell: Cell, p: Values, forward: Scan, reduce: Callable[[Array], Array] | None = None
) -> Iterator[tuple[list[int], Array, Array, Array]]:
    """:func:`jacobians`, and the Jacobians of the single steps they are products of.

    ``reduce`` takes the product (R, S) so far and gives the one to go on with, of fewer rows.
    """
    J, scale = _identity(cell, p), 1.0
    backwards = list(reversed(forward.order))
    for at in range(0, len(backwards), CHUNK):
        tokens = backwards[at : at + CHUNK]
        J = J if reduce is None or not at else reduce(J)
        single = step_jacobians(cell, p, forward, tokens)
        products, scales = np.empty((len(tokens) + 1, *J.shape), J.dtype), np.empty(len(tokens))
        products[0] = J
        for n in range(len(tokens)):
            scales[n] = scale
            J = np.matmul(products[n], single[n], out=products[n + 1])
            if n % 4 == 3:  # four steps cannot leave float32's range from here
                each = np.abs(J)
                size = float(each.max())
                # They change no sum, and arithmetic on denormal numbers takes many times as long.
                J[each < NEGLIGIBLE * size] = 0
                if 0 < size < 1e-6 or size > 1e6:
                    J /= size
                    scale *= size
        yield tokens, products[:-1], scales, single
