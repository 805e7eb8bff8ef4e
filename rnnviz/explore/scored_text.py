"""A text as a net that writes reads it, with the properties of each place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from rnnviz.analysis.text_properties import PROPERTIES
from rnnviz.analysis.unit_scores import LEAST
from rnnviz.arrays import Array
from rnnviz.data.batches import pad_sequences
from rnnviz.data.vocabulary import PADDING_ID, Vocabulary
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel

#: The most characters that are read.
MOST: Final = 20_000
#: A text of up to WHOLE characters is read from its beginning to its end, as in a trace. A longer
#: one is read in pieces of PIECE side by side, of which the first WARM_UP characters give no score:
#: every piece begins with zeros.
WHOLE, PIECE, WARM_UP = 2_000, 500, 50


@dataclass(frozen=True, eq=False)
class ScoredText:
    """T steps of B columns; N places, those that give a score, in the order of the arrays."""

    ids: Array  # (T, B)
    following: Array  # (T, B) the id after each
    read: Array  # (T, B) whether there is a character, and not padding
    scored: Array  # (T, B) whether it gives a score
    holds: Mapping[str, Array]  # (N) by property

    @property
    def places(self) -> int:
        """N."""
        return int(self.scored.sum())


def scored_text(stored: StoredModel, text: str) -> ScoredText:
    """The beginning of a text, at most :data:`MOST` characters.

    A net whose texts begin with a mark reads each line from its beginning to its end, as in
    training, and the mark gives no score. UsageError for a net of words, whose tokens have none of
    the properties, and for a text that is too short.
    """
    vocabulary = stored.vocabulary
    assert isinstance(vocabulary, Vocabulary)
    if vocabulary.encoding.tokenizer != "characters":
        raise UsageError(
            _("The properties are those of characters, and {model} reads words.").format(
                model=stored.name
            )
        )
    text = text[: 4 * MOST]
    lines = vocabulary.encoding.start is not None
    found = _lines(vocabulary, text) if lines else _pieces(vocabulary, text)
    count = 0 if found is None else found.places
    if found is None or count < 2 * LEAST:
        raise UsageError(
            _("The text has {count} characters that the net knows; {least} are the least.").format(
                count=count, least=2 * LEAST
            )
        )
    return found


def _pieces(vocabulary: Vocabulary, text: str) -> ScoredText | None:
    """A text in one column, or in pieces of equal length."""
    tokens, row = vocabulary.read(text)
    tokens, ids = tokens[: MOST + 1], np.array(row[: MOST + 1], np.int64)
    N = len(ids) - 1
    if N < 1:
        return None
    T, warm_up = (N, 0) if N <= WHOLE else (PIECE, WARM_UP)

    def columns(a: Array) -> Array:
        return a[: N // T * T].reshape(-1, T).T

    shown = "".join(tokens[:-1])
    scored = np.zeros((T, N // T), bool)
    scored[warm_up:] = True
    holds = {name: columns(of(shown))[scored] for name, of in PROPERTIES.items()}
    return ScoredText(
        columns(ids[:-1]).copy(), columns(ids[1:]), scored, scored, holds
    )  # fmt: skip


def _lines(vocabulary: Vocabulary, text: str) -> ScoredText | None:
    """Each line in a column of its own, from the mark to the last character before its end."""
    rows: list[list[int]] = []
    shown: list[str] = []
    room = MOST
    for line in text.split("\n"):
        tokens, row = vocabulary.read(line)
        if len(row) < 2 or len(row) > room:
            continue
        room -= len(row)
        rows.append(row)
        shown.append("".join(tokens[1:]))
    if not rows:
        return None
    ids = pad_sequences(rows)
    following = pad_sequences([[*row[1:], row[0]] for row in rows])  # the mark ends it, too
    lengths = np.array([len(row) for row in rows])
    read = np.arange(len(ids))[:, None] < lengths
    scored = read.copy()
    scored[0] = False
    holds = {}
    for name, of in PROPERTIES.items():
        each = np.zeros(ids.shape, bool)
        each.T[scored.T] = np.concatenate([of(f"\n{line}")[1:] for line in shown])
        holds[name] = each[scored]
    assert PADDING_ID == 0  # what pad_sequences fills with
    return ScoredText(ids, following, read, scored, holds)
