"""What a net is given for a text: its tokens, and the padding around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.series import Scaling
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel
from rnnviz.trace import SeriesTrace

#: Longer texts are refused: a trace keeps every number of every token in memory.
MAX_TOKENS = 10_000

#: How the padding is shown where it cannot be left out.
PAD = "[PAD]"


@dataclass(frozen=True, eq=False)
class Reading:
    """A text as a net reads it, and as it is shown."""

    tokens: tuple[str, ...]
    ids: tuple[int, ...]  # of a series the rows of its table
    pads: int = 0  # tokens shown in front that are padding
    initial: Sequence[Sequence[Values]] | None = None  # states before the first token shown
    remark: str = ""
    given: Array | None = None  # (T, 1, D) measurements, where no text is read
    series: SeriesTrace | None = None  # what those measure
    truth: float | None = None  # what is to be foreseen, as the net is trained on
    squared: float | None = None  # how often its squared error counts, where not the absolute one

    @property
    def inputs(self) -> Array:
        """What the net is fed: ids (T, 1) or measurements (T, 1, D)."""
        return np.array(self.ids, np.int64)[:, None] if self.given is None else self.given


def read(stored: StoredModel, text: str, data: str | Path | None = None) -> Reading:
    """The tokens, and the states that a padding in front of them leaves behind.

    A net that reads its padding has read some hundred of them before the first word. They are not
    shown: what is shown begins in the state after them. Only a net that reads backwards too, or
    whose padding comes last, reads padding after the words, so that it has to be shown.

    Of a net that reads a series the text names a moment in a table of the folder ``data``.
    """
    if isinstance(stored.encoder, Scaling):
        return _measured(stored, text, data)
    encoding = stored.vocabulary.encoding
    if not stored.tokenize(text):
        raise UsageError(
            'There is no word in this text. Type a sentence: rnnviz step "this movie was not good"'
        )
    tokens, ids = stored.vocabulary.read(text)
    length, words, remark = encoding.length, len(ids), ""
    if length is not None and words > length:
        front = encoding.padding == "front"
        tokens, ids = (
            (tokens[-length:], ids[-length:]) if front else (tokens[:length], ids[:length])
        )
        which = "last" if front else "first"
        remark = f"; reads the {which} {length} of {words:,} tokens, as in training"
    if len(ids) > MAX_TOKENS:
        raise UsageError(
            f"This text has {words:,} words; a trace takes at most {MAX_TOKENS:,}. "
            "Shorten it and try again."
        )
    pads = 0 if length is None or stored.masks else length - len(ids)
    if not pads:
        return Reading(tuple(tokens), tuple(ids), remark=remark)
    shown = [PAD] * pads
    if encoding.padding == "end":
        return Reading((*tokens, *shown), (*ids, *[0] * pads), remark=remark)
    if any(layer.bidirectional for layer in stored.model.spec.layers):
        return Reading((*shown, *tokens), (*[0] * pads, *ids), pads, remark=remark)
    return Reading(tuple(tokens), tuple(ids), 0, _after_padding(stored, pads), remark)


def _measured(stored: StoredModel, text: str, data: str | Path | None) -> Reading:
    from rnnviz.tracer.series import window

    found = window(stored, text, data)
    return Reading(
        found.tokens,
        tuple(found.rows.tolist()),
        remark=f"; {found.moment} in {found.table.name}",
        given=found.inputs,
        series=found.record(),
        truth=found.truth,
    )


def _after_padding(stored: StoredModel, pads: int) -> list[list[Values]]:
    """The states (1, H) of every layer and direction after so many paddings."""
    done = stored.model.forward(np.zeros((pads, 1), np.int64))
    return [
        [{name: s.last[name] for name in stored.model.cell(k).states} for s in passes]
        for k, passes in enumerate(done.scans)
    ]
