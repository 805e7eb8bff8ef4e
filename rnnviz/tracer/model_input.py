"""A text as the input of a net: its tokens, and the padding around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.data.encoders import WordEncoder
from rnnviz.data.one_hot import OneHot
from rnnviz.data.series import Scaling
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.errors import UsageError, shortened
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.trace import SeriesTrace

#: Longer texts are refused: a trace keeps every number of every token in memory.
MAX_TOKENS = 10_000

#: The token that stands for padding, where it is shown.
PAD = "[PAD]"


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What a net reads, and the tokens it is shown as."""

    tokens: tuple[str, ...]  # (T)
    ids: tuple[int, ...]  # (T); of a series the rows of its table
    pads: int = 0  # tokens shown in front that are padding
    initial: Sequence[Sequence[Values]] | None = None  # states before the first token shown
    remark: str = ""
    measurements: Array | None = None  # (T, 1, D), where no text is read
    series: SeriesTrace | None = None  # what those measure
    truth: float | None = None  # the target value, in the units the net is trained in
    squared: float | None = None  # factor of the squared error; None: absolute error

    @property
    def inputs(self) -> Array:
        """Ids (T, 1) or measurements (T, 1, D)."""
        if self.measurements is not None:
            return self.measurements
        return np.array(self.ids, np.int64)[:, None]


def encode(stored: StoredModel, text: str, data: str | Path | None = None) -> ModelInput:
    """Tokenize a text, pad it as in training, and compute the states after padding in front.

    A net that reads its padding has read some hundred of them before the first word. They are not
    shown: what is shown begins in the state after them. Only a net that reads backwards too, or
    whose padding comes last, reads padding after the words, so that it has to be shown.

    For a net that reads a series the text names a moment in a table of the folder ``data``; for one
    that reads vectors it is numbers. UsageError for a text without words, or one of more than
    MAX_TOKENS.
    """
    if isinstance(stored.encoder, Scaling):
        return _encode_series(stored, text, data)
    if isinstance(stored.encoder, Vectors | OneHot):
        return _encode_vectors(stored.encoder, text)
    encoding = stored.vocabulary.encoding
    tokens, ids = stored.vocabulary.read(text)
    if len(tokens) == (encoding.start is not None):  # nothing but the start token
        raise _no_words(stored.vocabulary, text)
    length, words, remark = encoding.length, len(ids), ""
    if length is not None and words > length:
        front = encoding.padding == "front"
        tokens, ids = (
            (tokens[-length:], ids[-length:]) if front else (tokens[:length], ids[:length])
        )
        which = "last" if front else "first"
        remark = f"; reads the {which} {length} of {words:,} tokens, as in training"
    _check_length(len(ids), words)
    pads = 0 if length is None or stored.masks else length - len(ids)
    if not pads:
        return ModelInput(tuple(tokens), tuple(ids), remark=remark)
    shown = [PAD] * pads
    if encoding.padding == "end":
        return ModelInput((*tokens, *shown), (*ids, *[0] * pads), remark=remark)
    if stored.model.spec.reads_backwards:
        return ModelInput((*shown, *tokens), (*[0] * pads, *ids), pads, remark=remark)
    return ModelInput(tuple(tokens), tuple(ids), 0, _states_after_padding(stored, pads), remark)


def _encode_vectors(encoder: Vectors | OneHot, text: str) -> ModelInput:
    """The numbers of a text, or its tokens as one-hot vectors."""
    if isinstance(encoder, OneHot):
        tokens, ids, x = encoder.read(text)
        if not tokens:
            raise _no_words(encoder.vocabulary, text)
    else:
        tokens, x = encoder.read(text)
        ids = [0] * len(x)
    _check_length(len(x), len(x))
    return ModelInput(tuple(tokens), tuple(ids), measurements=x[:, None])


def _no_words(vocabulary: WordEncoder, text: str) -> UsageError:
    """The error for a text that leaves a net nothing to read."""
    if isinstance(vocabulary, TokenIds):
        return UsageError(
            _(
                'There is no id in this text. Type ids from 0 to {last:,}, for example "{example}".'
            ).format(last=len(vocabulary) - 1, example=vocabulary.example)
        )
    if vocabulary.encoding.unknown is None and text.strip():
        shown = shortened(text.strip(), 60)
        return UsageError(
            _(
                "The vocabulary has no token of {shown!r}. It has {words}\n"
                "If texts are cut in another way, open the file with --tokenizer characters, "
                "spaces …"
            ).format(shown=shown, words=_some_words(vocabulary))
        )
    return UsageError(
        _('There is no word in this text. Type a sentence: rnnviz step "this movie was not good"')
    )


def _some_words(vocabulary: WordEncoder) -> str:
    """A few of the words, for a message."""
    first = (word for word in vocabulary.decode(range(len(vocabulary))) if vocabulary.known(word))
    return ", ".join(repr(shortened(word, 20)) for word in islice(first, 8)) + " …"


def _check_length(count: int, words: int) -> None:
    if count > MAX_TOKENS:
        raise UsageError(
            _(
                "This text has {words:,} words; a trace takes at most {most:,}. "
                "Shorten it and try again."
            ).format(words=words, most=MAX_TOKENS)
        )


def _encode_series(stored: StoredModel, text: str, data: str | Path | None) -> ModelInput:
    from rnnviz.tracer.series import span_errors, window

    found = window(stored, text, data)
    return ModelInput(
        found.tokens,
        tuple(found.rows.tolist()),
        remark=f"; {found.moment} in {found.table.name}",
        measurements=found.inputs,
        series=found.record(span_errors(stored)),
        truth=found.truth,
    )


def _states_after_padding(stored: StoredModel, pads: int) -> list[list[Values]]:
    """The states (1, H) of every layer and direction after so many paddings."""
    recording = stored.model.record(np.zeros((pads, 1), np.int64))
    return [
        [{name: scan.last[name] for name in stored.model.cell(k).states} for scan in layer]
        for k, layer in enumerate(recording.scans)
    ]
