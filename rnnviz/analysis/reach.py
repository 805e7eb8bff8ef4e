"""How far back a recurrent layer can still feel: Jacobians of its steps, from its trace alone.

A step's Jacobian is the layer's own backward lines evaluated with unit gradients, in float64, so
that it follows from the equations on the screen and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import evaluate
from rnnviz.query import Query
from rnnviz.trace import LayerTrace, frozen

#: Tokens that one question is about: what is asked once serves every step nearby.
BLOCK = 64

#: Singular values this far below the largest one are not told from the rounding of the product.
ROUNDING = 1e-10

#: The gate that multiplies the old state, by the start of the cell's name.
KEEPING = {"lstm": "f", "gru": "z"}


@dataclass(frozen=True)
class Spectrum:
    """How does the last state depend on the states of one block of tokens of a layer?

    Block 0 is the last ``BLOCK`` tokens that were read, block 1 those before them ...
    """

    query: Query
    layer: int = 0
    block: int = 0


@dataclass(frozen=True, eq=False)
class Spectra:
    """Singular values of ∂(all last states)/∂(all states at t), for the tokens of a block."""

    tokens: tuple[int, ...]  # (N) as they stand in the text
    values: Array  # (N, S) largest first; 0 where rounding is all there is
    steps: Array  # (N) spectral norm of the Jacobian of the token's own step

    def at(self, t: int) -> tuple[Array, float]:
        """The singular values (S) of token t, and the norm of its step; KeyError elsewhere."""
        if t not in self.tokens:
            raise KeyError(t)
        n = self.tokens.index(t)
        return self.values[n], float(self.steps[n])


def block_of(layer: LayerTrace, t: int) -> int:
    """The block a token is in."""
    return (len(layer.order) - 1 - layer.order.index(t)) // BLOCK


def step_jacobian(layer: LayerTrace, t: int) -> Array:
    """∂(all states after token t) / ∂(all states it started from): (S, S) float64.

    Row r is the gradient of state component r, states side by side. A masked step is the identity;
    nothing passes through a value that is held.
    """
    H, states = layer.units, layer.states
    eye = np.eye(H * len(states))
    if not layer.mask[t]:
        free = [_past(layer, s, t, eye[k * H : (k + 1) * H].T).T for k, s in enumerate(states)]
        return np.concatenate(free)
    known = {n: np.asarray(a, np.float64) for n, a in _named(layer, t).items()}
    upstream = {s: eye[:, k * H : (k + 1) * H] for k, s in enumerate(states)}
    known["d_h_out"], known["d_h_next"] = np.zeros_like(upstream["h"]), upstream["h"]
    known |= {f"d_{s}_next": upstream[s] for s in states[1:]}
    for line in layer.back:
        if line.name != "d_x":
            found = evaluate(line.formula, known)
            known[line.name] = _past(layer, line.name.removeprefix("d_"), t, found)
    return np.concatenate([known[f"d_{s}_prev"] for s in states], axis=-1)


def _past(layer: LayerTrace, name: str, t: int, gradient: Array) -> Array:
    """A gradient (·, H) as it goes on to what the value was made from: zero where it is held."""
    for clamp in layer.clamps:
        if clamp.name == name and clamp.t in (None, t):
            gradient = gradient.copy()
            gradient[:, clamp.where[1]] = 0
    return gradient


def _named(layer: LayerTrace, t: int) -> dict[str, Array]:
    """What the backward lines read, apart from gradients."""
    found = {name: array[t] for name, array in layer.values.items()}
    found |= {f"{s}_prev": layer.state_before(t, s) for s in layer.states}
    return found | dict(layer.weights)


def _jacobians(layer: LayerTrace) -> Iterator[tuple[int, Array, float]]:
    """(t, J, log of its scale) from the last token read to the first.

    Scaled as it goes: a product of hundreds of Jacobians leaves the range of float64.
    """
    J, scale = np.eye(layer.units * len(layer.states)), 0.0
    for t in reversed(layer.order):
        yield t, J, scale
        J = J @ step_jacobian(layer, t)
        size = float(np.abs(J).max())
        if size > 0:
            J, scale = J / size, scale + np.log(size)


def spectra(layer: LayerTrace, block: int) -> Spectra:
    """The singular values and step norms of one block of tokens.

    Values below ROUNDING of the largest are given as 0.
    """
    tokens, values, steps = [], [], []
    for n, (t, J, scale) in enumerate(_jacobians(layer)):
        if n // BLOCK > block:
            break
        if n // BLOCK == block:
            found = np.linalg.svd(J, compute_uv=False)
            found[found < ROUNDING * found[0]] = 0
            tokens.append(t)
            with np.errstate(over="ignore"):  # infinite, where it is beyond float64
                values.append(found * np.exp(scale))
            steps.append(np.linalg.norm(step_jacobian(layer, t), 2))
    return Spectra(tuple(tokens), frozen(np.array(values)), frozen(np.array(steps)))


def keeping(layer: LayerTrace) -> str | None:
    """The gate that decides how much of the old state is kept; None in a cell without one."""
    name = KEEPING.get(layer.cell.partition("-")[0])
    return name if name in layer.values else None


@lru_cache(maxsize=32)
def kept(layer: LayerTrace) -> Array:
    """The product of the keeping gate over all tokens read after t: (T, H) float64.

    What would be left of the state at t if it went through that gate and nowhere else.
    """
    name = keeping(layer)
    if name is None:
        raise ValueError(f"{layer.name} has no gate that keeps")
    gate = np.where(layer.mask[:, None], layer.values[name], 1).astype(np.float64)
    order = list(layer.order)
    passed = np.cumprod(gate[order[:0:-1]], axis=0)[::-1]
    found = np.ones_like(gate)
    found[order[:-1]] = passed
    return frozen(found)


def faded(layer: LayerTrace, level: float) -> int | None:
    """The last token, as read, at which and before which less than ``level`` arrives, or None."""
    last = None
    for t in layer.order:
        if layer.reach[t] >= level:
            break
        last = t
    return last
