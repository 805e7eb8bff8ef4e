"""The lecture's nets for film reviews: 10,000 words, 500 steps padded in front, no mask.

Data: IMDB (Maas et al., ACL 2011), no formal licence: the authors ask to cite the paper. The
reviews become the very numbers of Keras's ``imdb.load_data(num_words=10000)``, in its order: the
positive reviews by file name, then the negative ones, shuffled with ``RandomState(113)``. From the
text this takes the word index Keras ships; where it is not in the folder, its first 10,000 words,
which come with this package. Keras's ``imdb.npz`` is read where there is no text.

Published: best validation accuracy .846 (SimpleRNN, epoch 4), .893 (LSTM), .886 (bidirectional
LSTM) in the notebooks 6.2 and 6.3 of F. Chollet, "Deep Learning with Python", 2018. The GRU is
not in the book, and the four stacked SimpleRNNs are only shown there, not trained.

What differs: nothing in the data; the initial weights and the order of the batches come from
numpy's generator. A typed word that is not in the index reads as unknown; in the test reviews
Keras leaves such words out, and so does this recipe.

A typed text is standardized before it is cut; the reviews are not, for then their ids would no
longer be Keras's, whose index has words such as a lone dash of Windows-1252. It would change 3,429
of the 5,942,841 ids of the training reviews, in 873 of 25,000.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts
from rnnviz.data.folders import SAMPLE, data_errors, require_folder, sha256
from rnnviz.data.imdb import Review, imdb_source, is_split, read_imdb
from rnnviz.data.keras_imdb import keras_file, read_keras_imdb
from rnnviz.data.labels import check_several, counted
from rnnviz.data.tokenizers import keras_words
from rnnviz.data.vocabulary import PADDING, UNKNOWN, Encoding, Vocabulary
from rnnviz.data.imdb_word_index import read_word_index, word_index_file
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.recipes import Published, Recipe, Task, check_rows, is_sample

WORDS: Final = 10_000
STEPS: Final = 500
START, UNKNOWN_ID, OFFSET = 1, 2, 3
SPECIAL: Final = (PADDING, "[START]", UNKNOWN, "[UNUSED]")
ENCODING: Final = Encoding("keras", unknown=UNKNOWN_ID, start=START, padding="front", length=STEPS)
LABELS: Final = ("negative", "positive")
#: Reviews in a split, and words in the whole index.
ROWS, INDEXED = 25_000, 88_584
VALIDATION: Final = 0.2
SHUFFLE: Final = 113

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ReviewSplit:
    """Ids of reviews in the order of Keras's build, not shuffled yet, and their labels (N)."""

    ids: Sequence[Sequence[int]]
    labels: Array

    def taken(self, order: Array) -> Texts:
        """The reviews at these places."""
        rows = [self.ids[int(n)] for n in order]
        return Texts(rows, self.labels[order], None, "front", STEPS, bucketed=False)


def prepare(folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read both splits and shuffle them as Keras does; the last fifth of the first validates.

    ``limit`` is a number of reviews of each split. MissingError if neither text nor ``imdb.npz``
    is there; InvalidFileError if a file is damaged or has too few reviews.
    """
    with data_errors("imdb"):
        paths = _paths(folder)
        names = [path.relative_to(folder).as_posix() for path in paths]
        say(f"Reading {', '.join(dict.fromkeys(names))} from {folder}")
        with data_errors("imdb-words"):
            index, indexed = _index(folder, say)
        from_text = not any(name.endswith(".npz") for name in names)
        halved = from_text and not is_split(folder)
        if halved:
            say(f"{names[0]} has no official split: of each label the first half of its reviews is "
                "to train on, the other half to test on.")  # fmt: skip
        read = partial(_from_text, folder, index) if from_text else partial(_from_keras, folder)
        rng = np.random.RandomState(SHUFFLE)
        splits = {name: read(name) for name in ("train", "test")}
        texts = []
        for split in splits.values():
            order = np.arange(len(split.ids))
            rng.shuffle(order)
            texts.append(split.taken(order[:limit]))
        known, test = texts
        first = int(len(known) * (1 - VALIDATION))
        train, valid = _cut(known, slice(first)), _cut(known, slice(first, None))
        for path, (name, split) in zip((paths[0], paths[-1]), splits.items(), strict=True):
            where = f"{path}, {name} half" if halved else path
            check_several(where, split.labels.astype(int).tolist(), LABELS)
        if len(set(train.y)) < 2 or not len(valid):
            parts = counted(train.y.astype(int).tolist(), LABELS)
            said = f"{parts} to train on, {len(valid)} to validate"
            check_rows(len(splits["train"].ids), limit, said)
        hashes = {name: sha256(path) for name, path in zip(names, paths, strict=True)} | indexed
    return Task(
        encoder=vocabulary(index),
        labels=LABELS,
        draw=lambda epoch, rng: train,
        valid=valid,
        test=test,
        files=hashes,
        preparation={
            "training": len(train),
            "validation": len(valid),
            "test": len(test),
            "read from": "text" if from_text else "imdb.npz",
            "split": "halves of each label, in the order of the file" if halved else "official",
            "order": "positive by file name, then negative; RandomState(113).shuffle",
            "word index": ", ".join(indexed),
            "words": WORDS,
            "steps": STEPS,
            "padding": "in front, no mask",
        },
        trained_on=_named(folder, len(known), names[0] if halved else ""),
        licence="Trained on IMDB (Maas et al. 2011), given for research: cite the paper. The "
        "weights are numbers derived from it; no text is included but the vocabulary.",
    )


def _paths(folder: Path) -> list[Path]:
    """The files of both splits: the text, else Keras's numbers."""
    try:
        return [imdb_source(folder, "train"), imdb_source(folder, "test")]
    except FileNotFoundError as no_text:
        try:
            return [keras_file(folder)]
        except FileNotFoundError:
            raise no_text from None


def _index(folder: Path, say: Say) -> tuple[dict[str, int], dict[str, str]]:
    """The word index of the folder, else the package's, and its file with its hash."""
    try:
        path = word_index_file(folder)
    except FileNotFoundError:
        say("There is no imdb_word_index.json: taking its first 10,000 words, from the package.")
        sample = require_folder(SAMPLE)
        path = word_index_file(sample)
        name = f"{SAMPLE}: {path.relative_to(sample).as_posix()}"
        return read_word_index(sample), {name: sha256(path)}
    return read_word_index(folder), {path.relative_to(folder).as_posix(): sha256(path)}


def _named(folder: Path, rows: int, halved: str) -> str:
    if is_sample(folder):
        return f"IMDB sample ({rows:,} reviews)"
    if halved:
        return f"{halved}, {rows:,} reviews, halved here"
    return "IMDB" if rows == ROWS else f"IMDB, {rows:,} of {ROWS:,} reviews"


def _cut(texts: Texts, part: slice) -> Texts:
    return Texts(texts.ids[part], texts.y[part], None, "front", STEPS, bucketed=False)


# -- ids ----------------------------------------------------------------------------------------


def vocabulary(index: dict[str, int]) -> Vocabulary:
    """The words that have an id of their own, each at its id; a rank without a word is no word."""
    own = {r + OFFSET: word for word, r in index.items() if r + OFFSET < WORDS}
    ids = range(len(SPECIAL), max(own, default=0) + 1)
    return Vocabulary((*SPECIAL, *(own.get(n, f"[{n}]") for n in ids)), ENCODING)


def ids_of(index: dict[str, int]) -> Callable[[str], Sequence[int]]:
    """What turns a review into ids: the start, then a word's rank + 3, or 2 from 10,000 on.

    A word without a rank is left out, as in ``imdb.npz``; with a cut index it is unknown.
    """
    ids = {w: r + OFFSET if r + OFFSET < WORDS else UNKNOWN_ID for w, r in index.items()}
    missing = None if len(index) >= INDEXED else UNKNOWN_ID

    def encode(text: str) -> Sequence[int]:
        found = (ids.get(word, missing) for word in keras_words(text))
        return _row(n for n in found if n is not None)

    return encode


def _row(ids: Iterable[int]) -> Sequence[int]:
    # Of longer reviews the net only ever sees the end; an array takes an eighth of a list's memory.
    return array("i", [START, *ids][-STEPS:])


def _from_text(folder: Path, index: dict[str, int], name: str) -> ReviewSplit:
    reviews = sorted(read_imdb(folder, name, raw=True), key=_place)
    encode = ids_of(index)
    labels = np.array([review.label for review in reviews], np.float32)
    return ReviewSplit([encode(review.text) for review in reviews], labels)


def _place(review: Review) -> tuple[int, str]:
    """Positive first, then by file name as text: 0_9, 10000_8, 10001_10 …

    Reviews of a table without the names keep their order.
    """
    name = f"{review.id:09}" if review.rating is None else f"{review.id}_{review.rating}.txt"
    return (1 - review.label, name)


def _from_keras(folder: Path, name: str) -> ReviewSplit:
    found = read_keras_imdb(folder, name)
    rows = [
        _row(r + OFFSET if r + OFFSET < WORDS else UNKNOWN_ID for r in ranks)
        for ranks in found.ranks
    ]
    return ReviewSplit(rows, found.labels.astype(np.float32))


# -- the recipes --------------------------------------------------------------------------------

#: As the book was made: today's Keras has epsilon inside the root, and rare words learn slowly.
FIT = FitSpec(epochs=10, batch_size=128, optimizer="rmsprop-2017", rate=1e-3, monitor="accuracy")
PROTOCOL = "IMDB, 10,000 words, 500 steps padded in front, last 20 % validation"
RNN, LSTM = RecurrentSpec("rnn", 32), RecurrentSpec("lstm", 32)
RULES: tuple[str, ...] = (
    "The numbers and their order are those of Keras's imdb.load_data(num_words=10000).",
    "The padding is read like a word: mask_zero is off, as published.",
    "RMSprop adds epsilon outside the root, as Keras did in 2017; today's adds "
    "it inside, and rare words learn slowly.",
)


def _model(layers: tuple[RecurrentSpec, ...], size: int) -> ModelSpec:
    return ModelSpec(EmbeddingSpec(size, 32, mask_zero=False), layers, HeadSpec("sigmoid", 1))


def _recipe(
    name: str, title: str, layers: tuple[RecurrentSpec, ...], published: tuple[float | None, str],
    *notes: str,
) -> Recipe:  # fmt: skip
    value, source = published
    return Recipe(
        name=name,
        title=title,
        model=partial(_model, layers),
        fit=FIT,
        prepare=prepare,
        data=PROTOCOL,
        published=Published("accuracy", value, source),
        size=WORDS,
        sample={"epochs": 3, "batch_size": 32},
        tokenizer="keras",
        notes=(*RULES, *notes),
    )


RECIPES = (
    _recipe("imdb-rnn", "SimpleRNN(32)", (RNN,), (0.846, "Chollet 2018, notebook 6.2, epoch 4")),
    _recipe("imdb-lstm", "LSTM(32)", (LSTM,), (0.893, "Chollet 2018, notebook 6.2, epoch 8")),
    _recipe("imdb-gru", "GRU(32)", (RecurrentSpec("gru", 32),), (None, "not in the book"),
            "Counts are those of Keras's reset_after=True: two biases a gate."),
    _recipe("imdb-stacked", "4 × SimpleRNN(32)", (RNN,) * 4,
            (None, "shown in Chollet 2018, notebook 6.2, not trained")),
    _recipe("imdb-bilstm", "Bidirectional LSTM(32)", (RecurrentSpec("lstm", 32, True),),
            (0.886, "Chollet 2018, notebook 6.3, epoch 4")),
)  # fmt: skip
