"""Optimizers with Keras's defaults and formulas, simplest first.

The update of each number is defined once, as formulas over p (the parameter), g (its gradient) and
the optimizer's state of it, such as moving means. NumPy code and CUDA kernels come from these.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.codegen.inplace_printer import UFUNCS, InPlacePrinter
from rnnviz.engine.embedding import WordRows

#: A step as assignments in order: (name, formula).
Formulas = tuple[tuple[str, str], ...]


class Optimizer(Protocol):
    """Updates parameters in place, one step at a time."""

    rate: float
    #: The arrays of a parameter's state, as ``formulas`` name them; in the order of ``slots``.
    names: tuple[str, ...]
    formulas: Formulas

    def begin(self) -> dict[str, float]:
        """Start a step; returns the scalars of it."""

    def scalars(self) -> dict[str, float]:
        """The scalars that the formulas read, in the step that was started last."""

    def slots(self, key: str, like: Array) -> tuple[Array, ...]:
        """The state of a parameter, zeros at first; updated in place by the step."""

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """One update of every parameter that has a gradient."""

    def step_rows(self, key: str, table: Array, found: WordRows) -> None:
        """The same update of a table (V, E) of which only some rows have a gradient.

        Part of the :meth:`step` of the other parameters before it. Rows without a gradient are
        updated as with a gradient of zero.
        """

    def state(self) -> Values:
        """The state of all parameters by name: the arrays themselves, no copies."""

    def restore(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned; KeyError or ValueError if it is not that."""

    def numbers(self) -> dict[str, float]:
        """The attributes that a step depends on, beside the arrays."""

    def adopt(self, key: str, arrays: Sequence[Array]) -> None:
        """Use the first of these arrays, without a copy, as the state of one parameter.

        In the order in which ``state`` names them.
        """


class RMSprop:
    """Keras 3: rate 1e-3, rho 0.9, epsilon 1e-7 inside the root; Tieleman and Hinton, 2012."""

    names: tuple[str, ...] = ("v",)
    #: Inside the root, 1e-7 matters for every gradient below 3e-4, such as those of rare words.
    formulas: Formulas = (
        ("v", "v + (g * g - v) * fresh"),
        ("p", "p - g / sqrt(v + epsilon) * rate"),
    )

    def __init__(self, rate: float = 1e-3, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        self.rate, self.rho, self.epsilon = rate, rho, epsilon
        self.square: Values = {}

    def begin(self) -> dict[str, float]:
        """See :class:`Optimizer`."""
        return self.scalars()

    def scalars(self) -> dict[str, float]:
        """See :class:`Optimizer`."""
        return {"fresh": 1 - self.rho, "rate": self.rate, "epsilon": self.epsilon}

    def slots(self, key: str, like: Array) -> tuple[Array, ...]:
        """The moving mean of g²."""
        return (_slot(self.square, key, like),)

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """See :class:`Optimizer`."""
        self.begin()
        step_arrays(self, params, grads)

    def step_rows(self, key: str, table: Array, found: WordRows) -> None:
        """Rows without a gradient: v ← ρ·v and nothing else."""
        square = _slot(self.square, key, table)[: len(table)]
        words, g = found
        p, v = table.take(words, 0), square.take(words, 0)
        square *= self.rho
        _assign(self, self.formulas, p, g, (v,), self.scalars())
        square[words], table[words] = v, p

    def state(self) -> Values:
        """``square.NAME`` of every parameter it has updated."""
        return {f"square.{key}": a for key, a in self.square.items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """See :class:`Optimizer`."""
        self.square = _under("square.", state)

    def numbers(self) -> dict[str, float]:
        """See :class:`Optimizer`."""
        return {"rate": self.rate, "rho": self.rho, "epsilon": self.epsilon}

    def adopt(self, key: str, arrays: Sequence[Array]) -> None:
        """See :class:`Optimizer`."""
        self.square[key] = arrays[0]


class RMSprop2017(RMSprop):
    """Keras before 2.11, and PyTorch: epsilon outside the root. The source lessons used it."""

    formulas: Formulas = (
        ("v", "v + (g * g - v) * fresh"),
        ("p", "p - g / (sqrt(v) + epsilon) * rate"),
    )


class Adam:
    """Keras 3: rate 1e-3, betas 0.9 and 0.999, epsilon 1e-7; Kingma and Ba, 2015."""

    names: tuple[str, ...] = ("m", "v")
    formulas: Formulas = (
        ("m", "m + (g - m) * fresh1"),
        ("v", "v + (g * g - v) * fresh2"),
        ("p", "p - m / (sqrt(v) + epsilon) * alpha"),
    )

    def __init__(
        self, rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.steps = 0
        self.mean: Values = {}
        self.square: Values = {}

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """See :class:`Optimizer`."""
        self.begin()
        step_arrays(self, params, grads)

    def begin(self) -> dict[str, float]:
        """One step more; α is the rate, corrected for means that start at zero."""
        self.steps += 1
        return self.scalars()

    def scalars(self) -> dict[str, float]:
        """See :class:`Optimizer`."""
        return {
            "fresh1": 1 - self.beta1, "fresh2": 1 - self.beta2, "epsilon": self.epsilon,
            "alpha": self._alpha(),
        }  # fmt: skip

    def slots(self, key: str, like: Array) -> tuple[Array, ...]:
        """The moving means of g and g²."""
        return _slot(self.mean, key, like), _slot(self.square, key, like)

    def _alpha(self) -> float:
        root = float(np.sqrt(1 - self.beta2**self.steps))
        return self.rate * root / (1 - self.beta1**self.steps)

    def step_rows(self, key: str, table: Array, found: WordRows) -> None:
        """Rows without a gradient are updated by their moving means."""
        mean, square = (a[: len(table)] for a in self.slots(key, table))
        words, g = found
        m, v = mean.take(words, 0), square.take(words, 0)
        mean *= self.beta1
        square *= self.beta2
        numbers = self.scalars()
        _assign(self, self.formulas[:-1], table[:0], g, (m, v), numbers)
        mean[words], square[words] = m, v
        _assign(self, self.formulas[-1:], table, None, (mean, square), numbers)

    def state(self) -> Values:
        """``steps``, and ``mean.NAME`` and ``square.NAME`` of every parameter it has updated."""
        means = {f"mean.{key}": a for key, a in self.mean.items()}
        squares = {f"square.{key}": a for key, a in self.square.items()}
        return {"steps": np.array([self.steps]), **means, **squares}

    def restore(self, state: Mapping[str, Array]) -> None:
        """See :class:`Optimizer`."""
        self.steps = int(state["steps"].item())
        self.mean, self.square = _under("mean.", state), _under("square.", state)

    def numbers(self) -> dict[str, float]:
        """See :class:`Optimizer`."""
        names = ("rate", "beta1", "beta2", "epsilon", "steps")
        return {name: getattr(self, name) for name in names}

    def adopt(self, key: str, arrays: Sequence[Array]) -> None:
        """See :class:`Optimizer`."""
        self.mean[key], self.square[key] = arrays[:2]


#: Numbers updated together: a few arrays of this size stay in the fast cache.
CHUNK = 16_384


def _slot(state: Values, key: str, like: Array) -> Array:
    if key not in state:
        state[key] = np.zeros_like(like, order="C")
    return state[key]


def step_arrays(
    optimizer: Optimizer, params: Mapping[str, Array], grads: Mapping[str, Array]
) -> None:
    """Update parameters in the step that was started last."""
    numbers = optimizer.scalars()
    for key, g in grads.items():
        slots = optimizer.slots(key, g)
        _assign(optimizer, optimizer.formulas, params[key], g, slots, numbers)


def _assign(
    optimizer: Optimizer, formulas: Formulas, p: Array, g: Array | None,
    slots: tuple[Array, ...], numbers: Mapping[str, float],
) -> None:  # fmt: skip
    """Evaluate formulas chunk by chunk; what they assign of p and ``slots`` is updated in place."""
    compiled, spares = _compiled(formulas, optimizer.names, tuple(numbers))
    assigned = {n for n, _ in formulas}
    whole = dict(zip(("p", *optimizer.names), (p, *slots), strict=True))
    for name in assigned:
        if not whole[name].flags.c_contiguous:
            raise ValueError("a parameter that is not contiguous has no flat view to update")
    flat = {n: a.reshape(-1) for n, a in (whole if g is None else {**whole, "g": g}).items()}
    size = max(flat[n].size for n in assigned)
    spare = [np.empty_like(p, shape=min(CHUNK, size)) for _ in range(spares)]
    for at in range(0, size, CHUNK):
        end = min(at + CHUNK, size)
        chunks = {n: a[at:end] for n, a in flat.items()}
        compiled(**{"g": None, **chunks, **numbers}, T=[s[: end - at] for s in spare])


@cache
def _compiled(
    formulas: Formulas, names: tuple[str, ...], numbers: tuple[str, ...]
) -> tuple[Callable[..., None], int]:
    """The formulas as calls that write in place, and how many spare arrays they need."""
    given = ("p", "g", *names, *numbers)
    printer = InPlacePrinter(given)
    for name, formula in formulas:
        printer.assign(name, ast.parse(formula, mode="eval").body)
    count = printer.temporaries
    head = [f"def step({', '.join(given)}, T):", *(f"t{k} = T[{k}]" for k in range(count))]
    source = "\n    ".join([*head, *printer.statements])
    scope: dict[str, Any] = {name: getattr(np, name) for name in UFUNCS}
    exec(compile(source, "<a step of an optimizer>", "exec"), scope)
    return scope["step"], count


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
