"""Pools of texts from which the epochs of the sentiment recipes are mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.resources import files

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts
from rnnviz.data.vocabulary import Vocabulary

#: Draws the texts that a pool contributes to an epoch.
DrawTexts = Callable[[np.random.Generator], Texts]
#: Target of examples that are sure to be positive, and loss weight of less reliable ones.
SURE, HALF = 0.95, 0.5


def float32(values: Iterable[float]) -> Array:
    """A float32 array (N) of the values."""
    return np.array(list(values), np.float32)


def encode_texts(rows: Sequence[tuple[Sequence[str], float]], vocabulary: Vocabulary) -> Texts:
    """Texts of (tokens, target) pairs."""
    ids = [vocabulary.encode(tokens) for tokens, _ in rows]
    return Texts(ids, float32(target for _, target in rows))


def half_weighted(texts: Texts) -> Texts:
    """The texts with the loss weight of less reliable ones."""
    return replace(texts, weight=np.full(len(texts), HALF, np.float32))


def spoken_rows(name: str) -> list[tuple[str, float]]:
    """The sentences of a table in this package, written for a recipe as audiences speak."""
    lines = files(__package__).joinpath(name).read_text("utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    targets = {"1": SURE, "0": 1 - SURE, "0.5": 0.5}
    return [(text, targets[label]) for text, label in rows]


def spoken_texts(name: str, vocabulary: Vocabulary) -> Texts:
    """The sentences of such a table as the net reads them."""
    rows = [(vocabulary.tokenize(text), target) for text, target in spoken_rows(name)]
    return encode_texts(rows, vocabulary)


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
