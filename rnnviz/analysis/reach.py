"""Jacobians of a recurrent layer's steps, computed from its trace.

A step's Jacobian is obtained by evaluating the cell's backward equations with unit gradients in
float64: it depends only on the equations that the screen shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import GateShare, evaluate, shares
from rnnviz.query import Query
from rnnviz.trace import LayerTrace, frozen

#: Tokens of one question, so that steps nearby need no further one.
BLOCK = 64

#: Singular values below this share of the largest cannot be told from rounding errors.
ROUNDING = 1e-10

#: The gate that multiplies the previous state, by the first part of the cell's name.
KEEP_GATES = {"lstm": "f", "gru": "z"}


@dataclass(frozen=True)
class SpectrumQuestion:
    """How does a layer's final state depend on the states of one block of tokens?

    Block 0 is the last ``BLOCK`` tokens that were read, block 1 the ``BLOCK`` before, and so on.
    """

    query: Query
    layer: int = 0
    block: int = 0


@dataclass(frozen=True, eq=False)
class JacobianSpectra:
    """Singular values of ∂(all final states)/∂(all states at t), for the tokens t of a block."""

    tokens: tuple[int, ...]  # (N) indices of the tokens, in the order of the walk
    values: Array  # (N, S) largest first; 0 below the rounding error
    step_norms: Array  # (N) spectral norm of the Jacobian of each token's own step

    def at(self, t: int) -> tuple[Array, float]:
        """The singular values (S) of token t and the norm of its step.

        Raises KeyError for a token outside the block.
        """
        if t not in self.tokens:
            raise KeyError(t)
        n = self.tokens.index(t)
        return self.values[n], float(self.step_norms[n])


def block_of(layer: LayerTrace, t: int) -> int:
    """The number of the block that contains token t."""
    return (len(layer.order) - 1 - layer.order.index(t)) // BLOCK


def step_jacobian(layer: LayerTrace, t: int) -> Array:
    """∂(all states after token t)/∂(all states before it): (S, S) float64.

    Row r is the gradient of component r of the concatenated states. The Jacobian of a masked step
    is the identity. Clamped components have gradient 0.
    """
    H, states = layer.units, layer.states
    eye = np.eye(H * len(states))
    if not layer.mask[t]:
        free = [
            _through_clamps(layer, s, t, eye[k * H : (k + 1) * H].T).T for k, s in enumerate(states)
        ]
        return np.concatenate(free)
    known = {n: np.asarray(a, np.float64) for n, a in _forward_values(layer, t).items()}
    upstream = {s: eye[:, k * H : (k + 1) * H] for k, s in enumerate(states)}
    known["d_h_out"], known["d_h_next"] = np.zeros_like(upstream["h"]), upstream["h"]
    known |= {f"d_{s}_next": upstream[s] for s in states[1:]}
    for line in layer.back:
        if line.name != "d_x":
            gradient = evaluate(line.formula, known)
            known[line.name] = _through_clamps(layer, line.name.removeprefix("d_"), t, gradient)
    return np.concatenate([known[f"d_{s}_prev"] for s in states], axis=-1)


def _through_clamps(layer: LayerTrace, name: str, t: int, gradient: Array) -> Array:
    """A gradient (·, H) with the components of clamped values set to 0."""
    for clamp in layer.clamps:
        if clamp.name == name and clamp.t in (None, t):
            gradient = gradient.copy()
            gradient[:, clamp.where[1]] = 0
    return gradient


def _forward_values(layer: LayerTrace, t: int) -> dict[str, Array]:
    """The values, previous states and weights that the backward equations of token t read."""
    values = {name: array[t] for name, array in layer.values.items()}
    values |= {f"{s}_prev": layer.state_before(t, s) for s in layer.states}
    return values | dict(layer.weights)


def _jacobians(layer: LayerTrace) -> Iterator[tuple[int, Array, float]]:
    """Yield t, the scaled product J (S, S) and the log of its scale, from the last token back.

    J is rescaled at every step: a product of hundreds of Jacobians leaves the range of float64.
    """
    J, scale = np.eye(layer.units * len(layer.states)), 0.0
    for t in reversed(layer.order):
        yield t, J, scale
        J = J @ step_jacobian(layer, t)
        size = float(np.abs(J).max())
        if size > 0:
            J, scale = J / size, scale + np.log(size)


def spectra(layer: LayerTrace, block: int) -> JacobianSpectra:
    """Compute the singular values and step norms of one block of tokens.

    Singular values below ``ROUNDING`` times the largest are set to 0.
    """
    tokens, values, steps = [], [], []
    for n, (t, J, scale) in enumerate(_jacobians(layer)):
        if n // BLOCK > block:
            break
        if n // BLOCK == block:
            singular = np.linalg.svd(J, compute_uv=False)
            singular[singular < ROUNDING * singular[0]] = 0
            tokens.append(t)
            with np.errstate(over="ignore"):  # overflow gives infinity
                values.append(singular * np.exp(scale))
            steps.append(np.linalg.norm(step_jacobian(layer, t), 2))
    return JacobianSpectra(tuple(tokens), frozen(np.array(values)), frozen(np.array(steps)))


def keep_gate(layer: LayerTrace) -> str | None:
    """The gate that scales the previous state (f of an LSTM, z of a GRU); None without one."""
    name = KEEP_GATES.get(layer.cell.partition("-")[0])
    return name if name in layer.values else None


def keep_share(layer: LayerTrace) -> GateShare | None:
    """The share of the previous state that the gate keeps: z, or 1 − z where z renews."""
    gate = keep_gate(layer)
    found = (
        share
        for line in layer.lines
        for share in shares(line.formula)
        if share.gate == gate and share.of == f"{line.name}_prev" and line.name in layer.states
    )
    return next(found, None)


@lru_cache(maxsize=32)
def keep_gate_product(layer: LayerTrace) -> Array:
    """The product of the keep gate over all tokens read after t: (T, H) float64.

    This is the share of the state at t that would remain if nothing else changed it. Raises
    ValueError for a cell without such a gate.
    """
    name = keep_gate(layer)
    if name is None:
        raise ValueError(f"{layer.name} has no gate for the previous state")
    share = keep_share(layer)
    kept = 1 - layer.values[name] if share is not None and share.rest else layer.values[name]
    gate = np.where(layer.mask[:, None], kept, 1).astype(np.float64)
    order = list(layer.order)
    product = np.ones_like(gate)
    product[order[:-1]] = np.cumprod(gate[order[:0:-1]], axis=0)[::-1]
    return frozen(product)


def last_faded(layer: LayerTrace, level: float) -> int | None:
    """The last token up to which the reach of every token read is below ``level``, or None."""
    last = None
    for t in layer.order:
        if layer.reach[t] >= level:
            break
        last = t
    return last
