"""Optimizers with Keras's defaults and formulas, simplest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from rnnviz.arrays import Array, Values


class Optimizer(Protocol):
    """Changes parameters in place, one step at a time."""

    rate: float

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """One update of every parameter that has a gradient."""


class RMSprop:
    """Keras 3: rate 1e-3, rho 0.9, epsilon 1e-7 inside the root; Tieleman and Hinton, 2012."""

    def __init__(self, rate: float = 1e-3, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        self.rate, self.rho, self.epsilon = rate, rho, epsilon
        self.square: Values = {}

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """v ← ρ·v + (1 − ρ)·g²;  p ← p − rate·g / √(v + ε)."""
        for key, g in grads.items():
            v = self.square.setdefault(key, np.zeros_like(g))
            v += (1 - self.rho) * (g * g - v)
            params[key][...] -= self.rate * g / np.sqrt(v + self.epsilon)


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
        alpha = self.rate * np.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        for key, g in grads.items():
            m = self.mean.setdefault(key, np.zeros_like(g))
            v = self.square.setdefault(key, np.zeros_like(g))
            m += (1 - self.beta1) * (g - m)
            v += (1 - self.beta2) * (g * g - v)
            params[key][...] -= np.asarray(alpha, g.dtype) * m / (np.sqrt(v) + self.epsilon)


OPTIMIZERS = {"rmsprop": RMSprop, "adam": Adam}


def clip_by_norm(grads: Mapping[str, Array], limit: float) -> float:
    """Scale all gradients, in place, so that their joint norm is at most ``limit``; returns it."""
    norm = float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads.values())))
    if norm > limit:
        for g in grads.values():
            g *= limit / norm
    return norm
