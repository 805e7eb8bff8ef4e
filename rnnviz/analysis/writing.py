"""Writing with a net: what may follow each token of a text, and drawing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnviz.arrays import Array
from rnnviz.query import Query
from rnnviz.trace import frozen


@dataclass(frozen=True)
class NextTokensQuestion:
    """What follows each token of a query's text; of its target and gradients nothing is asked."""

    query: Query


@dataclass(frozen=True, eq=False)
class NextTokens:
    """The tokens of a text, and what a net that writes expects after each."""

    source: str  # the text as it was typed
    tokens: tuple[str, ...]  # (T)
    ids: tuple[int, ...]  # (T)
    labels: tuple[str, ...]  # (K) the token of each output
    logits: Array  # (T, K)
    special: tuple[int, ...]  # the entries that are no tokens and are never drawn
    separator: str  # between two tokens in a text: "" for characters
    end: int | None  # the token that ends a text, and that each begins with

    def text(self, count: int) -> str:
        """The text of the first ``count`` tokens, without the mark that it begins with."""
        first = 0 if self.end is None else 1
        return self.separator.join(self.tokens[first:count])

    def drawable(self, t: int) -> Array:
        """The logits (K) after token t, −inf for what is never drawn."""
        logits = self.logits[t].copy()
        logits[list(self.special)] = -np.inf
        return logits

    @property
    def first(self) -> int:
        """The index of the first token of the text itself."""
        return 0 if self.end is None else 1


@lru_cache(maxsize=8)
def surprises(found: NextTokens) -> Array:
    """−log₂ p of each token given those before it, in bits, (T) float64; NaN for the first."""
    logits = found.logits[:-1].astype(np.float64)
    top = logits.max(1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))
    own = logs[np.arange(len(logs)), list(found.ids[1:])]
    return frozen(np.concatenate([[np.nan], -own / np.log(2)]))


def drawing_probabilities(logits: Array, temperature: float, top_k: int | None = None) -> Array:
    """The probabilities (K) that a token is drawn with, given the logits (K).

    softmax(logits / temperature), of the ``top_k`` likeliest only; at temperature 0 the likeliest
    has probability 1.
    """
    logits = logits.astype(np.float64)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    if top_k is not None and top_k < len(logits):
        others = np.argsort(-logits, kind="stable")[top_k:]
        logits = logits.copy()
        logits[others] = -np.inf
    powers = np.exp((logits - logits.max()) / temperature)
    return np.asarray(powers / powers.sum())


def draw(p: Array, seed: int | Sequence[int], n: int) -> int:
    """The ``n``-th token (from 0) drawn with a seed, from its probabilities (K).

    The same as drawing one after the other with ``numpy.random.Generator.choice``, which takes one
    number of the generator each.
    """
    share = np.random.default_rng(seed).random(n + 1)[n]
    sums = p.cumsum()
    return int(np.searchsorted(sums / sums[-1], share, side="right"))
