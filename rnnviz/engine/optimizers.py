"""Optimizers with Keras's defaults and formulas, simplest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.words import WordRows


class Optimizer(Protocol):
    """Changes parameters in place, one step at a time."""

    rate: float

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """One update of every parameter that has a gradient."""

    def step_rows(self, key: str, table: Array, found: WordRows) -> None:
        """The same update of a table (V, E) of which only some rows have a gradient.

        It belongs to the :meth:`step` before it, of the other parameters. Rows without a gradient
        change as a gradient of zero changes them.
        """

    def state(self) -> Values:
        """What it has gathered, by name: the arrays themselves, no copies."""

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from what ``state`` gave; KeyError or ValueError if it is not that."""

    def numbers(self) -> dict[str, float]:
        """Its attributes that a step depends on, beside the arrays."""

    def adopt(self, key: str, arrays: Sequence[Array]) -> None:
        """Take the first of these arrays, as they are, for what it gathers of one parameter.

        In the order in which ``state`` names them.
        """


class RMSprop:
    """Keras 3: rate 1e-3, rho 0.9, epsilon 1e-7 inside the root; Tieleman and Hinton, 2012."""

    #: Inside the root, 1e-7 is felt by every gradient below 3e-4: those of rare words.
    inside = True

    def __init__(self, rate: float = 1e-3, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        self.rate, self.rho, self.epsilon = rate, rho, epsilon
        self.square: Values = {}

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """v ← ρ·v + (1 − ρ)·g²;  p ← p − rate·g / √(v + ε), or g / (√v + ε) outside the root."""
        for key, gradient in grads.items():
            square = self.square.setdefault(key, np.zeros_like(gradient, order="C"))
            for p, g, v, s in _pieces(params[key], gradient, square):
                np.multiply(g, g, out=s)
                s -= v
                s *= 1 - self.rho
                v += s
                self._root(v, s)
                np.divide(g, s, out=s)
                s *= self.rate
                p -= s

    def _root(self, v: Array, out: Array) -> None:
        """√(v + ε), or √v + ε."""
        if self.inside:
            np.add(v, self.epsilon, out=out)
            np.sqrt(out, out=out)
        else:
            np.sqrt(v, out=out)
            out += self.epsilon

    def step_rows(self, key: str, table: Array, found: WordRows) -> None:
        """Rows without a gradient: v ← ρ·v and nothing else."""
        square = self.square.setdefault(key, np.zeros_like(table, order="C"))[: len(table)]
        words, g = found
        square *= self.rho
        v = square.take(words, 0)
        v += (1 - self.rho) * g * g
        square[words] = v
        self._root(v, v)
        np.divide(g, v, out=v)
        v *= self.rate
        table[words] -= v

    def state(self) -> Values:
        """``square.NAME`` of every parameter it has moved."""
        return {f"square.{key}": a for key, a in self.square.items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from what ``state`` gave."""
        self.square = _under("square.", state)

    def numbers(self) -> dict[str, float]:
        """Its attributes that a step depends on, beside the arrays."""
        return {"rate": self.rate, "rho": self.rho, "epsilon": self.epsilon}

    def adopt(self, key: str, arrays: Sequence[Array]) -> None:
        """Take the first of these arrays, as they are, for what it gathers of one parameter."""
        self.square[key] = arrays[0]


class RMSprop2017(RMSprop):
    """Keras before 2.11, and PyTorch: epsilon outside the root. What the lessons were made with."""

    inside = False


class Adam:
    """Keras 3: rate 1e-3, betas 0.9 and 0.999, epsilon 1e-7; Kingma and Ba, 2015."""

    def __init__(
        self, rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.steps = 0
        self.mean: Values = {}
        self.square: Values = {}

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """m, v moving means of g and g²;  p ← p − α·m / (√v + ε) with α bias-corrected."""
        self.steps += 1
        alpha = self._alpha()
        for key, gradient in grads.items():
            mean = self.mean.setdefault(key, np.zeros_like(gradient, order="C"))
            square = self.square.setdefault(key, np.zeros_like(gradient, order="C"))
            for p, g, m, v, s in _pieces(params[key], gradient, mean, square):
                np.subtract(g, m, out=s)
                s *= 1 - self.beta1
                m += s
                np.multiply(g, g, out=s)
                s -= v
                s *= 1 - self.beta2
                v += s
                np.sqrt(v, out=s)
                s += self.epsilon
                np.divide(m, s, out=s)
                s *= alpha
                p -= s

    def _alpha(self) -> float:
        root = float(np.sqrt(1 - self.beta2**self.steps))
        return self.rate * root / (1 - self.beta1**self.steps)

    def step_rows(self, key: str, table: Array, found: WordRows) -> None:
        """Rows without a gradient go on by their moving means."""
        mean = self.mean.setdefault(key, np.zeros_like(table, order="C"))[: len(table)]
        square = self.square.setdefault(key, np.zeros_like(table, order="C"))[: len(table)]
        mean *= self.beta1
        square *= self.beta2
        mean[found.words] += (1 - self.beta1) * found.rows
        square[found.words] += (1 - self.beta2) * found.rows * found.rows
        alpha = self._alpha()
        for p, m, v, s in _pieces(table, mean, square):
            np.sqrt(v, out=s)
            s += self.epsilon
            np.divide(m, s, out=s)
            s *= alpha
            p -= s

    def state(self) -> Values:
        """``steps``, and ``mean.NAME`` and ``square.NAME`` of every parameter it has moved."""
        means = {f"mean.{key}": a for key, a in self.mean.items()}
        squares = {f"square.{key}": a for key, a in self.square.items()}
        return {"steps": np.array([self.steps]), **means, **squares}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from what ``state`` gave."""
        self.steps = int(state["steps"].item())
        self.mean, self.square = _under("mean.", state), _under("square.", state)

    def numbers(self) -> dict[str, float]:
        """Its attributes that a step depends on, beside the arrays."""
        names = ("rate", "beta1", "beta2", "epsilon", "steps")
        return {name: getattr(self, name) for name in names}

    def adopt(self, key: str, arrays: Sequence[Array]) -> None:
        """Take the first of these arrays, as they are, for what it gathers of one parameter."""
        self.mean[key], self.square[key] = arrays[:2]


#: Numbers worked on together: a few arrays of this size stay in the fast cache.
PIECE = 16_384


def _pieces(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The same stretch of each array and a spare one, to be changed in place; not the second.

    As far as the first one goes.
    """
    if not all(a.flags.c_contiguous for n, a in enumerate(arrays) if n != 1):
        raise ValueError(
            "a parameter that is not contiguous has no flat view to be changed through"
        )
    flat = [a.reshape(-1)[: arrays[0].size] for a in arrays]
    spare = np.empty(min(PIECE, flat[0].size), arrays[0].dtype)
    for at in range(0, flat[0].size, PIECE):
        pieces = [a[at : at + PIECE] for a in flat]
        yield (*pieces, spare[: len(pieces[0])])


def _under(prefix: str, state: Mapping[str, Array]) -> Values:
    found = state.items()
    return {key.removeprefix(prefix): a.copy() for key, a in found if key.startswith(prefix)}


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "rmsprop": RMSprop, "rmsprop-2017": RMSprop2017, "adam": Adam,
}  # fmt: skip


def clip_by_norm(grads: Mapping[str, Array], limit: float) -> float:
    """Scale all gradients, in place, so that their joint norm is at most ``limit``; returns it."""
    norm = float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads.values())))
    if norm > limit:
        for g in grads.values():
            g *= limit / norm
    return norm
