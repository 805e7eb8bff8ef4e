"""Pools of texts from which the epochs of the sentiment recipes are mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts

#: Draws the texts that a pool contributes to an epoch.
DrawTexts = Callable[[np.random.Generator], Texts]


def float32(values: Iterable[float]) -> Array:
    """A float32 array (N) of the values."""
    return np.array(list(values), np.float32)


def select(pool: Texts, rows: Array) -> Texts:
    """The texts with these indices (n), which may repeat."""
    weight = None if pool.weight is None else pool.weight[rows]
    return Texts([pool.ids[int(n)] for n in rows], pool.y[rows], weight)


def sample(pool: Texts, n: int, rng: np.random.Generator) -> Texts:
    """n texts drawn without replacement, or all."""
    return pool if n >= len(pool) else select(pool, rng.permutation(len(pool))[:n])


def repeat(pool: Texts, n: int, rng: np.random.Generator) -> Texts:
    """n texts in random order; each is repeated as often as any other, or once more."""
    return select(pool, np.resize(rng.permutation(len(pool)), n))


def concatenate(parts: Sequence[Texts]) -> Texts:
    """The texts of all parts, with weight 1 where a part has none."""
    ids = [row for part in parts for row in part.ids]
    weights = [np.ones(len(p), np.float32) if p.weight is None else p.weight for p in parts]
    return Texts(ids, np.concatenate([p.y for p in parts]), np.concatenate(weights))
