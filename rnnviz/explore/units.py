"""A layer's states over a small corpus: the samples in the package, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np

from rnnviz.analysis.units import OPEN, Heard, UnitResponses
from rnnviz.arrays import Array
from rnnviz.data import agnews
from rnnviz.data.batches import padded
from rnnviz.data.folders import SAMPLE, readable, resolve
from rnnviz.data.imdb import read_imdb
from rnnviz.data.series import Scaling
from rnnviz.data.sources import as_typed, read_sst2
from rnnviz.errors import UsageError
from rnnviz.model_files import StoredModel
from rnnviz.query import Tracer
from rnnviz.trace import frozen
from rnnviz.tracer.model_cache import cached_model

#: Texts of a corpus, and of a batch: a second or two on one core.
NEWS, REVIEWS, BATCH = 400, 120, 64

#: What makes a value a gate, between 0 and 1: the candidate is none.
SQUASHED = ("sigmoid", "hard_sigmoid")


def answer(question: UnitResponses, read: Tracer) -> Heard:
    """Read the corpus; UsageError for a model that reads no text."""
    stored = cached_model(question.model)
    if isinstance(stored.encoder, Scaling):
        raise UsageError("This page is for models of text; this one reads a series.")
    if question.random is not None:
        stored = stored.untrained(question.random)
    source, texts = corpus(stored)
    return heard(stored, question.layer, source, texts)


def corpus(stored: StoredModel) -> tuple[str, list[str]]:
    """The sample a model of this kind is read on, none of it trained on, and its name."""
    folder = resolve(SAMPLE)
    if stored.labels == agnews.CLASSES:
        with readable("agnews"):
            news = agnews.read_agnews(folder, "test")[:NEWS]
        return f"AG News, {len(news)}", [f"{item.title} {item.description}" for item in news]
    if stored.vocabulary.encoding.tokenizer == "keras":
        with readable("imdb"):
            reviews = read_imdb(folder, "test", raw=True)[:REVIEWS]
        return f"IMDB, {len(reviews)}", [review.text for review in reviews]
    with readable("sst2"):
        phrases = read_sst2(folder, "validation")
    return f"SST-2, {len(phrases)}", [as_typed(phrase) for phrase, _ in phrases]


@dataclass(frozen=True)
class _TokenisedText:
    """A text as it is read: its tokens, its ids, and which text it is."""

    text: int
    tokens: tuple[str, ...]
    ids: tuple[int, ...]


def heard(stored: StoredModel, layer: int, source: str, texts: list[str]) -> Heard:
    """The states of one layer and direction after every token of the texts."""
    rows = list(_rows(stored, texts))
    depth, direction = _place(stored, layer)
    cell = stored.model.cell(depth)
    gates = [
        line.name
        for line in cell.lines
        if line.name in cell.gates and line.formula.split("(")[0] in SQUASHED
    ]
    found: dict[str, list[Array]] = {name: [] for name in ("h", *gates)}
    read: list[_TokenisedText] = []
    for batch in _batches(stored, rows):
        ids = padded([row.ids for row in batch], *_padding(stored))
        scan = stored.model.record(ids).scans[depth][direction]
        read += batch
        for column, row in enumerate(batch):
            front = stored.vocabulary.encoding.padding == "front"
            start = len(ids) - len(row.ids) if front else 0
            for name in found:
                found[name].append(scan.stack(name)[start : start + len(row.ids), column])
    values = {name: np.concatenate(arrays) for name, arrays in found.items()}
    return Heard(
        source=source,
        texts=tuple(row.tokens for row in rows),
        text=frozen(np.concatenate([np.full(len(row.ids), row.text) for row in read])),
        token=frozen(np.concatenate([np.arange(len(row.ids)) for row in read])),
        h=frozen(values["h"]),
        right={gate: frozen((values[gate] > OPEN).mean(0)) for gate in gates},
        left={gate: frozen((values[gate] < 1 - OPEN).mean(0)) for gate in gates},
    )


def _place(stored: StoredModel, layer: int) -> tuple[int, int]:
    """Which layer and direction of the net stands at this place in a trace."""
    each = [
        (k, n)
        for k, spec in enumerate(stored.model.spec.layers)
        for n in range(len(spec.directions))
    ]
    return each[layer]


def _padding(stored: StoredModel) -> tuple[int | None, Literal["front", "end"]]:
    encoding = stored.vocabulary.encoding
    return encoding.length, encoding.padding


def _batches(stored: StoredModel, rows: list[_TokenisedText]) -> Iterator[list[_TokenisedText]]:
    """Texts of about one length; of exactly one where padding would be read as words."""
    ordered = sorted(rows, key=lambda row: len(row.ids))
    mixed = stored.masks or stored.vocabulary.encoding.length is not None
    groups = [ordered] if mixed else [list(g) for _, g in groupby(ordered, lambda r: len(r.ids))]
    for group in groups:
        for start in range(0, len(group), BATCH):
            yield group[start : start + BATCH]


def _rows(stored: StoredModel, texts: list[str]) -> Iterator[_TokenisedText]:
    """The texts that have a word, cut as in training."""
    encoding, n = stored.vocabulary.encoding, 0
    for text in texts:
        tokens, ids = stored.vocabulary.read(text)
        if not stored.tokenize(text):
            continue
        length = encoding.length or len(ids)
        kept = slice(-length, None) if encoding.padding == "front" else slice(length)
        yield _TokenisedText(n, tuple(tokens[kept]), tuple(ids[kept]))
        n += 1
