"""Shared weights, read from a trace alone: what each step reads through them and adds to their
gradients.

Which weight meets which value is not a table here: it is read from the lines that the cell states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.equations import Bias, Line, Product, is_weight, terms
from rnnviz.trace import LayerTrace

#: Tokens whose running sums are worked on together.
CHUNK = 64


@dataclass(frozen=True)
class Use:
    """Where a trained array is used: the line of ``made`` adds ``read @ weight``, or a bias."""

    weight: str  # "W_f"
    read: str  # "x", "h_prev", "m" ...; "" for a bias
    made: str  # "a_f"; its gradient is what the weight's gets

    @property
    def letter(self) -> str:
        """W, U, V or b."""
        return self.weight[0]


def uses(layer: LayerTrace) -> tuple[Use, ...]:
    """Every trained array of the layer, in the order in which the lines use them."""
    return _uses(layer.lines)


@cache
def _uses(lines: tuple[Line, ...]) -> tuple[Use, ...]:
    found = []
    for line in lines:
        for term in terms(line.formula):
            match term:
                case Product(read, weight, transposed=False):
                    found.append(Use(weight, read, line.name))
                case Bias(weight):
                    found.append(Use(weight, "", line.name))
    return tuple(found)


# -- gates ------------------------------------------------------------------------------------


def gate_of(layer: LayerTrace, name: str) -> str | None:
    """The gate that a weight, a pre-activation or an activation belongs to; None for a state."""
    head, _, tail = name.partition("_")
    if is_weight(name):
        # b_rz is the bias of z's recurrent product; b_r is that of gate r.
        return next((g for g in (tail, tail[1:]) if g in layer.gates), None)
    if head == "a":
        return tail
    return next((g for g in (name, *_through(layer, name)) if g in layer.gates), None)


def _through(layer: LayerTrace, name: str) -> list[str]:
    """The gate of a product that has a line of its own, like q = h₋·U_g + b."""
    found = (gate_of(layer, use.weight) for use in uses(layer) if use.made == name)
    return [gate for gate in found if gate is not None]


def gates(layer: LayerTrace) -> tuple[str, ...]:
    """The layer's gates in the order in which the lines compute them."""
    found = (gate_of(layer, use.weight) for use in uses(layer))
    return tuple(dict.fromkeys(g for g in found if g is not None))


def gate_at(layer: LayerTrace, part: int, walking: bool = False) -> str:
    """The gate of a part; of a part without one, that of the nearest part done before.

    ``walking`` back, what was done before is what comes later in the cell, and of two gates in
    one part the one undone last is taken. The gate done first where none is done yet.
    """
    places = {gate: _part(layer, pre_activation(layer, gate)) for gate in gates(layer)}
    here = [gate for gate, at in places.items() if at == part]
    if here:
        return here[0]
    done = [g for g, at in places.items() if (at > part if walking else at < part)]
    order = list(places)
    if walking:
        return done[0] if done else order[-1]
    return done[-1] if done else order[0]


def pre_activation(layer: LayerTrace, gate: str) -> str:
    """The value that the gate's product with the input makes: ``a_f``, or ``g`` of minGRU."""
    suffix = f"_{gate}" if gate else ""
    return next(use.made for use in uses(layer) if use.weight == f"W{suffix}")


def _part(layer: LayerTrace, name: str) -> int:
    part = next(line.part for line in layer.lines if line.name == name)
    return layer.parts.index(part)


# -- reading ----------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def read_by(layer: LayerTrace, use: Use) -> Array:
    """What the weight was multiplied with at each token: (T, D) float64; ones for a bias."""
    T = len(layer.mask)
    if not use.read:
        return np.ones((T, 1))
    if use.read in layer.values:
        return layer.values[use.read].astype(np.float64)
    state = use.read.removesuffix("_prev")
    return np.stack([layer.state_before(t, state) for t in range(T)]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Products:
    """What one step reads through one column of a matrix: the largest products, and the rest."""

    inputs: tuple[int, ...]  # by size, largest first
    products: tuple[float, ...]
    others: float  # the sum of all other products
    rest: int  # how many these are

    @property
    def total(self) -> float:
        """The whole product, read · weight[:, unit]."""
        return sum(self.products) + self.others


def products(layer: LayerTrace, use: Use, t: int, unit: int) -> Array:
    """Input times weight, (D): what each input brings to the unit at token t."""
    column = layer.weights[use.weight][:, unit].astype(np.float64)
    return np.asarray(read_by(layer, use)[t] * column)


def strongest(each: Array, count: int) -> Products:
    """The ``count`` largest of some products, by size, and all others as one number."""
    order = np.argsort(-np.abs(each), kind="stable")
    first, others = order[:count], order[count:]
    return Products(
        tuple(int(k) for k in first),
        tuple(float(each[k]) for k in first),
        float(each[others].sum()),
        len(others),
    )


# -- gradients --------------------------------------------------------------------------------


def walk(layer: LayerTrace) -> Sequence[int]:
    """The tokens in the order in which their gradients are found: the reading order, back."""
    return layer.order[::-1]


def undone(layer: LayerTrace, t: int, part: int, at: int, name: str) -> bool:
    """Is the gradient of ``name`` at token ``at`` known, when the walk stands at t and part?"""
    steps = walk(layer)
    if at != t:
        return steps.index(at) < steps.index(t)
    return undone_at(layer, name) >= part


def undone_at(layer: LayerTrace, name: str) -> int:
    """The index of the part in which the walk finds the gradient of a name."""
    part = next((line.part for line in layer.back if line.name == f"d_{name}"), None)
    return 0 if part is None else layer.parts.index(part)


def _arriving(layer: LayerTrace, use: Use) -> Array:
    """The gradient of what a weight makes, at each token: (T, H) float64.

    Zero of a state that a masked token has copied.
    """
    d = layer.propagated_grad(use.made).astype(np.float64)
    return d * layer.mask[:, None] if use.made in layer.states else d


@dataclass(frozen=True, eq=False)
class Growth:
    """How the gradient of one shared array grows along the walk back: all in float64."""

    term: Array  # (T) Frobenius norm of what token t adds
    total: Array  # (T) norm of the sum once token t was added
    full: Array  # (D, H), or (1, H) of a bias: the whole sum, which training uses


@lru_cache(maxsize=64)
def growth(layer: LayerTrace, use: Use) -> Growth:
    """The terms read_tᵀ ⊗ ∂L/∂made_t of one shared array and their running sums.

    The sum over all tokens is the gradient that training uses (of what the trace holds: padding
    that was read before the first token and is not shown has terms of its own).
    """
    read, d = read_by(layer, use), _arriving(layer, use)
    steps = np.array(walk(layer))
    total = np.empty(len(steps))
    full = np.zeros((read.shape[1], d.shape[1]))
    for start in range(0, len(steps), CHUNK):
        now = steps[start : start + CHUNK]
        sums = np.cumsum(read[now][:, :, None] * d[now][:, None, :], axis=0)
        sums += full
        total[now] = np.sqrt(np.einsum("tdh,tdh->t", sums, sums))
        full = sums[-1]
    term = np.linalg.norm(read, axis=1) * np.linalg.norm(d, axis=1)
    return Growth(term, total, full)


def column(layer: LayerTrace, use: Use, t: int, unit: int) -> tuple[Array, Array]:
    """One column of the gradient at token t of the walk: the sum before t, and t's term, (D) each.

    Entry k of the term is read_t[k] × ∂L/∂made_t[unit].
    """
    read, d = read_by(layer, use), _arriving(layer, use)[:, unit]
    steps = walk(layer)
    before = list(steps[: steps.index(t)])
    return read[before].T @ d[before], read[t] * d[t]


@lru_cache(maxsize=64)
def sizes(layer: LayerTrace, name: str) -> Array:
    """The norm of the gradient of a name at each token: (T) float64."""
    return np.asarray(np.linalg.norm(layer.grads[name].astype(np.float64), axis=1))
