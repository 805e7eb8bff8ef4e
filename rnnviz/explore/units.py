"""The hidden states of a layer over a small corpus from the package's samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np

from rnnviz.analysis.units import SATURATED, CorpusStates, UnitQuestion
from rnnviz.arrays import Array
from rnnviz.data import agnews
from rnnviz.data.batches import pad_sequences
from rnnviz.data.folders import SAMPLE, data_errors, require_folder
from rnnviz.data.imdb import read_imdb
from rnnviz.data.sst2 import detokenize, read_sst2
from rnnviz.data.token_ids import TokenIds
from rnnviz.equations.functions import is_gate
from rnnviz.errors import UsageError
from rnnviz.files import assets, invalid_file_on_error
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.query import Tracer
from rnnviz.recipes.user_texts import validation_texts
from rnnviz.runs.options import Options
from rnnviz.trace import frozen
from rnnviz.tracer.model_cache import cached_model

#: Most texts of each corpus, and texts of a batch: one or two seconds on one core.
NEWS, REVIEWS, BATCH = 400, 120, 64
#: Most texts of a user's table.
PHRASES = 400


def answer(question: UnitQuestion, tracer: Tracer) -> CorpusStates:
    """Read the corpus with the question's model; UsageError for a model of a series."""
    stored = cached_model(question.model)
    if not stored.reads_ids:
        raise UsageError(_("This page is for models of text; this one reads a series or vectors."))
    if question.random is not None:
        stored = stored.untrained(question.random)
    if isinstance(stored.encoder, TokenIds):
        raise UsageError(_("This page reads a corpus of words, and this model has no vocabulary."))
    source, texts = corpus(stored)
    return corpus_states(stored, question.layer, source, texts)


def corpus(stored: StoredModel) -> tuple[str, list[str]]:
    """The name and texts of the corpus for this kind of model: held-out data, never trained on.

    Of a run on a user's table, texts of its validation part; UsageError if it is not there.
    """
    if (own := _own_texts(stored)) is not None:
        return own
    folder = require_folder(SAMPLE)
    if stored.labels == agnews.CLASSES:
        with data_errors("agnews"):
            news = agnews.read_agnews(folder, "test")[:NEWS]
        return f"AG News, {len(news)}", [f"{item.title} {item.description}" for item in news]
    if stored.vocabulary.encoding.tokenizer == "keras":
        with data_errors("imdb"):
            reviews = read_imdb(folder, "test", raw=True)[:REVIEWS]
        return f"IMDB, {len(reviews)}", [review.text for review in reviews]
    if stored.vocabulary.encoding.tokenizer == "turkish":
        said = _turkish_sentences()
        return f"spoken_tr.tsv, {len(said)}", said
    with data_errors("sst2"):
        phrases = read_sst2(folder, "validation")
    return f"SST-2, {len(phrases)}", [detokenize(phrase) for phrase, _ in phrases]


def _turkish_sentences() -> list[str]:
    """The sentences of the development lists: few, but no Turkish review may be shipped."""

    def rows(name: str) -> list[list[str]]:
        lines = (assets() / "dev" / name).read_text("utf-8").splitlines()[1:]
        return [line.split("\t") for line in lines]

    pairs = [text for pair in rows("pairs_tr.tsv") for text in pair]
    return [text for text, _label in rows("spoken_tr.tsv")] + pairs


def _own_texts(stored: StoredModel) -> tuple[str, list[str]] | None:
    given = (stored.record.get("options") or {}).get("table")
    if not isinstance(given, dict):
        return None
    with invalid_file_on_error(Path(stored.name), _("run")):
        options = Options.from_json(
            {name: stored.record["options"].get(name) for name in ("limit", "table", "seed")}
        )
    assert options.table is not None
    folder = Path(str(stored.record.get("folder", "")))
    if not (folder / options.table.file).is_file():
        raise UsageError(
            _("This page reads the validation texts of {file}, which is not in {folder}.").format(
                file=options.table.file, folder=folder
            )
        )
    texts = validation_texts(options.table, folder, options.limit, options.seed)[:PHRASES]
    return f"{options.table.file}, {len(texts)}", texts


@dataclass(frozen=True)
class _TokenisedText:
    """A tokenized text: its index in the corpus, its tokens and its ids."""

    text: int
    tokens: tuple[str, ...]
    ids: tuple[int, ...]


def corpus_states(stored: StoredModel, layer: int, source: str, texts: list[str]) -> CorpusStates:
    """Run the texts through the model and collect the states of one layer and direction."""
    rows = list(_rows(stored, texts))
    if not rows:
        raise UsageError(_("No text of the corpus has a word of this model's vocabulary."))
    depth, direction = _layer_and_direction(stored, layer)
    cell = stored.model.cell(depth)
    gates = [
        line.name
        for line in cell.lines
        # The candidate is no gate: its values are not from 0 to 1.
        if line.name in cell.gates and is_gate(line.formula)
    ]
    arrays_by_name: dict[str, list[Array]] = {name: [] for name in ("h", *gates)}
    read: list[_TokenisedText] = []
    for batch in _batches(stored, rows):
        ids = pad_sequences([row.ids for row in batch], *_padding(stored))
        scan = stored.model.record(ids).scans[depth][direction]
        read += batch
        for column, row in enumerate(batch):
            front = stored.vocabulary.encoding.padding == "front"
            start = len(ids) - len(row.ids) if front else 0
            for name in arrays_by_name:
                arrays_by_name[name].append(scan.stack(name)[start : start + len(row.ids), column])
    values = {name: np.concatenate(arrays) for name, arrays in arrays_by_name.items()}
    return CorpusStates(
        source=source,
        texts=tuple(row.tokens for row in rows),
        text=frozen(np.concatenate([np.full(len(row.ids), row.text) for row in read])),
        token=frozen(np.concatenate([np.arange(len(row.ids)) for row in read])),
        h=frozen(values["h"]),
        right_saturated={gate: frozen((values[gate] > SATURATED).mean(0)) for gate in gates},
        left_saturated={gate: frozen((values[gate] < 1 - SATURATED).mean(0)) for gate in gates},
    )


def _layer_and_direction(stored: StoredModel, layer: int) -> tuple[int, int]:
    """Index of the layer and of its direction, of a place in ``trace.layers``."""
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
    """Batches of similar length, or of equal length where padding would be read as tokens."""
    ordered = sorted(rows, key=lambda row: len(row.ids))
    mixed = stored.masks or stored.vocabulary.encoding.length is not None
    groups = [ordered] if mixed else [list(g) for _, g in groupby(ordered, lambda r: len(r.ids))]
    for group in groups:
        for start in range(0, len(group), BATCH):
            yield group[start : start + BATCH]


def _rows(stored: StoredModel, texts: list[str]) -> Iterator[_TokenisedText]:
    """The texts that are not empty, truncated as in training."""
    encoding, n = stored.vocabulary.encoding, 0
    for text in texts:
        tokens, ids = stored.vocabulary.read(text)
        if len(ids) == (encoding.start is not None):
            continue
        length = encoding.length or len(ids)
        part = slice(-length, None) if encoding.padding == "front" else slice(length)
        yield _TokenisedText(n, tuple(tokens[part]), tuple(ids[part]))
        n += 1
