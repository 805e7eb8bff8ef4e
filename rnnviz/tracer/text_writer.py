"""A net that writes: one token after the other, drawn from the net's probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rnnviz.analysis.writing import drawing_probabilities
from rnnviz.engine.losses import outputs
from rnnviz.engine.model import InitialStates
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel

#: How many of the likeliest tokens are listed beside the one that was drawn.
LISTED: Final = 5
#: What a net without a start mark reads where no start is given: a new line begins.
NEW_LINE: Final = "\n"


@dataclass(frozen=True)
class WrittenToken:
    """A token that was written.

    ``probability`` and ``best``, the likeliest tokens with theirs, are those it was drawn from:
    of the net at temperature 1 without ``top_k``. ``surprise`` is −log₂ of the net's own
    probability, in bits.
    """

    token: str
    id: int
    probability: float
    surprise: float
    best: tuple[tuple[str, float], ...]


def require_writer(stored: StoredModel) -> None:
    """UsageError for a net that does not write."""
    if stored.text_form == "ids" and stored.model.spec.head.reads == "steps":
        raise UsageError(
            _(
                "{model} has no words, so it cannot write. If you have them: "
                "rnnviz models import {model} --vocab FILE"
            ).format(model=stored.name)
        )
    if not stored.writes:
        raise UsageError(
            _(
                "{model} gives no next token, so it cannot write. "
                "Nets that write: names-lstm, shakespeare-lstm"
            ).format(model=stored.name)
        )


def special_ids(stored: StoredModel) -> list[int]:
    """The entries that are no tokens, such as the padding; they are never drawn."""
    vocabulary = stored.vocabulary
    start, known = vocabulary.encoding.start, vocabulary.known
    return [k for k, word in enumerate(stored.labels) if k != start and not known(word)]


class TextWriter:
    """Reads a start, then writes; the same seed writes the same text."""

    def __init__(
        self, stored: StoredModel, *, temperature: float = 1.0, top_k: int | None = None,
        seed: int = 0,
    ) -> None:  # fmt: skip
        """UsageError for a net that does not write."""
        require_writer(stored)
        self.stored, self.temperature, self.top_k = stored, temperature, top_k
        self._rng = np.random.default_rng(seed)
        self._vocabulary = stored.vocabulary
        self._special = special_ids(stored)
        self._states: InitialStates | None = None
        self._logits = np.zeros(0)

    @property
    def separator(self) -> str:
        """What stands between two tokens in a text."""
        return "" if self._vocabulary.encoding.tokenizer == "characters" else " "

    def read(self, text: str) -> Sequence[str]:
        """Read a start; the tokens of it that are read, the start mark included.

        UsageError for a text of which nothing can be read.
        """
        tokens, ids = self._vocabulary.read(text)
        if not ids:
            ids = self._vocabulary.encode([NEW_LINE])
            tokens = [NEW_LINE]
            if text or not ids:
                raise UsageError(
                    _("{model} knows none of the characters of --start {text!r}.").format(
                        model=self.stored.name, text=text
                    )
                )
        self._advance(ids)
        return tokens

    def write(self, length: int) -> Iterator[WrittenToken]:
        """Write so many tokens; after an end mark the net begins anew."""
        start = self._vocabulary.encoding.start
        for _n in range(length):
            p = drawing_probabilities(self._logits, self.temperature, self.top_k)
            chosen = int(self._rng.choice(len(p), p=p))
            own = outputs("softmax", self._logits.astype(np.float64))[chosen]
            best = np.argsort(-p, kind="stable")[:LISTED]
            words = self.stored.labels
            yield WrittenToken(
                words[chosen], chosen, float(p[chosen]), float(-np.log2(own)),
                tuple((words[k], float(p[k])) for k in best.tolist() if p[k] > 0),
            )  # fmt: skip
            if chosen == start:
                self._states = None
            self._advance([chosen])

    def _advance(self, ids: Sequence[int]) -> None:
        inputs = np.array(ids, np.int64)[:, None]
        logits, self._states = self.stored.model.advance(inputs, self._states)
        self._logits = logits[-1, 0]
        self._logits[self._special] = -np.inf
