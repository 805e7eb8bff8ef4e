"""The lecture's nets for film reviews: 10,000 words, 500 steps padded in front, no mask.

Data: IMDB (Maas et al., ACL 2011), no formal licence: the authors ask to cite the paper. The ids
and their order are exactly those of Keras's ``imdb.load_data(num_words=10000)``: the positive
reviews by file name, then the negative ones, shuffled with ``RandomState(113)``. Encoding the text
takes Keras's word index; if it is not in the folder, its first 10,000 words from this package are
used. If there is no text, Keras's ``imdb.npz`` is read.

Published: best validation accuracy .846 (SimpleRNN, epoch 4), .893 (LSTM), .886 (bidirectional
LSTM) in the notebooks 6.2 and 6.3 of F. Chollet, "Deep Learning with Python", 2018. The GRU is
not in the book, and the four stacked SimpleRNNs are only shown there, not trained.

Differences: none in the data; the initial weights and the order of the batches come from NumPy's
generator. A typed word that is not in the index becomes the unknown word; Keras omits such words
of the test reviews, and so does this recipe.

Typed texts are standardized before they are tokenized; the reviews are not, because their ids
would then differ from Keras's, whose index contains words such as a Windows-1252 dash.
Standardizing would change 3,429 of the 5,942,841 ids of the training reviews, in 873 of 25,000.
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
from rnnviz.data.imdb import Review, has_official_split, imdb_source, read_imdb
from rnnviz.data.imdb_word_index import read_word_index, word_index_file
from rnnviz.data.keras_imdb import keras_file, read_keras_imdb
from rnnviz.data.labels import class_counts, require_two_classes
from rnnviz.data.tokenizers import keras_words
from rnnviz.data.vocabulary import PADDING, UNKNOWN, Encoding, Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.messages import N_, _
from rnnviz.recipes import Published, Recipe, Task, check_rows, is_sample

VOCABULARY_SIZE: Final = 10_000
STEPS: Final = 500
START, UNKNOWN_ID, OFFSET = 1, 2, 3
SPECIAL: Final = (PADDING, "[START]", UNKNOWN, "[UNUSED]")
ENCODING: Final = Encoding("keras", unknown=UNKNOWN_ID, start=START, padding="front", length=STEPS)
LABELS: Final = ("negative", "positive")
#: Reviews in a split, and words in the complete index.
ROWS, INDEX_SIZE = 25_000, 88_584
VALIDATION: Final = 0.2
SHUFFLE: Final = 113

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ReviewSplit:
    """Ids and labels of reviews in the order of ``imdb.npz``, not shuffled."""

    ids: Sequence[Sequence[int]]  # N
    labels: Array  # (N) float32

    def select(self, indices: Array) -> Texts:
        """The reviews with these indices."""
        rows = [self.ids[int(n)] for n in indices]
        return Texts(rows, self.labels[indices], None, "front", STEPS, bucketed=False)


def prepare(folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read both splits and shuffle them as Keras does; the last fifth of "train" validates.

    ``limit`` is a number of reviews of each split. Raises MissingError if the folder has neither
    text nor ``imdb.npz``, InvalidFileError if a file is damaged or has too few reviews.
    """
    with data_errors("imdb"):
        paths = _paths(folder)
        names = [path.relative_to(folder).as_posix() for path in paths]
        say(
            _("Reading {names} from {folder}").format(
                names=", ".join(dict.fromkeys(names)), folder=folder
            )
        )
        with data_errors("imdb-words"):
            index, index_hash = _index(folder, say)
        from_text = not any(name.endswith(".npz") for name in names)
        halved = from_text and not has_official_split(folder)
        if halved:
            say(
                _(
                    "{name} has no official split: of each label, the first half of the reviews "
                    "is the training set and the second half the test set."
                ).format(name=names[0])
            )
        read = partial(_from_text, folder, index) if from_text else partial(_from_keras, folder)
        rng = np.random.RandomState(SHUFFLE)
        splits = {name: read(name) for name in ("train", "test")}
        texts = []
        for split in splits.values():
            order = np.arange(len(split.ids))
            rng.shuffle(order)
            texts.append(split.select(order[:limit]))
        train_and_valid, test = texts
        first = int(len(train_and_valid) * (1 - VALIDATION))
        train = _slice(train_and_valid, slice(first))
        valid = _slice(train_and_valid, slice(first, None))
        for path, (name, split) in zip((paths[0], paths[-1]), splits.items(), strict=True):
            source: object = path
            if halved and name == "train":
                source = _("{path}, train half").format(path=path)
            elif halved:
                source = _("{path}, test half").format(path=path)
            require_two_classes(source, split.labels.astype(int).tolist(), LABELS)
        if len(set(train.y)) < 2 or not len(valid):
            counts = class_counts(train.y.astype(int).tolist(), LABELS)
            problem = _("{counts} to train on, {validated} to validate").format(
                counts=counts, validated=len(valid)
            )
            check_rows(len(splits["train"].ids), limit, problem)
        hashes = {name: sha256(path) for name, path in zip(names, paths, strict=True)} | index_hash
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
            "word index": ", ".join(index_hash),
            "words": VOCABULARY_SIZE,
            "steps": STEPS,
            "padding": "in front, no mask",
        },
        trained_on=_trained_on(folder, len(train_and_valid), names[0] if halved else ""),
        licence="Trained on IMDB (Maas et al. 2011), given for research: cite the paper. The "
        "weights are numbers derived from it; no text is included but the vocabulary.",
    )


def _paths(folder: Path) -> list[Path]:
    """The files of both splits: the text, else ``imdb.npz``."""
    try:
        return [imdb_source(folder, "train"), imdb_source(folder, "test")]
    except FileNotFoundError as no_text:
        try:
            return [keras_file(folder)]
        except FileNotFoundError:
            raise no_text from None


def _index(folder: Path, say: Say) -> tuple[dict[str, int], dict[str, str]]:
    """The word index of the folder, else of the package, and its SHA-256 by file name."""
    try:
        path = word_index_file(folder)
    except FileNotFoundError:
        say(_("There is no imdb_word_index.json: using its first 10,000 words, from the package."))
        sample = require_folder(SAMPLE)
        path = word_index_file(sample)
        name = f"{SAMPLE}: {path.relative_to(sample).as_posix()}"
        return read_word_index(sample), {name: sha256(path)}
    return read_word_index(folder), {path.relative_to(folder).as_posix(): sha256(path)}


def _trained_on(folder: Path, rows: int, halved: str) -> str:
    if is_sample(folder):
        return f"IMDB sample ({rows:,} reviews)"
    if halved:
        return f"{halved}, {rows:,} reviews, halved here"
    return "IMDB" if rows == ROWS else f"IMDB, {rows:,} of {ROWS:,} reviews"


def _slice(texts: Texts, part: slice) -> Texts:
    return Texts(texts.ids[part], texts.y[part], None, "front", STEPS, bucketed=False)


# -- ids ----------------------------------------------------------------------------------------


def vocabulary(index: dict[str, int]) -> Vocabulary:
    """The words with an id below 10,000; ids without a word become "[id]"."""
    words = {r + OFFSET: word for word, r in index.items() if r + OFFSET < VOCABULARY_SIZE}
    ids = range(len(SPECIAL), max(words, default=0) + 1)
    return Vocabulary((*SPECIAL, *(words.get(n, f"[{n}]") for n in ids)), ENCODING)


def review_encoder(index: dict[str, int]) -> Callable[[str], Sequence[int]]:
    """A function that encodes a review: the start id, then rank + 3, or 2 from 10,000 on.

    A word without a rank is omitted, as in ``imdb.npz``; if the index is truncated, it is unknown.
    """
    ids = {
        word: rank + OFFSET if rank + OFFSET < VOCABULARY_SIZE else UNKNOWN_ID
        for word, rank in index.items()
    }
    missing = None if len(index) >= INDEX_SIZE else UNKNOWN_ID

    def encode(text: str) -> Sequence[int]:
        known = (ids.get(word, missing) for word in keras_words(text))
        return _row(n for n in known if n is not None)

    return encode


def _row(ids: Iterable[int]) -> Sequence[int]:
    # The net reads only the last STEPS ids; an array takes an eighth of a list's memory.
    return array("i", [START, *ids][-STEPS:])


def _from_text(folder: Path, index: dict[str, int], name: str) -> ReviewSplit:
    reviews = sorted(read_imdb(folder, name, raw=True), key=_keras_order)
    encode = review_encoder(index)
    labels = np.array([review.label for review in reviews], np.float32)
    return ReviewSplit([encode(review.text) for review in reviews], labels)


def _keras_order(review: Review) -> tuple[int, str]:
    """Sort key: positive first, then by file name as text: 0_9, 10000_8, 10001_10 …

    Reviews of a table without file names keep their order.
    """
    name = f"{review.id:09}" if review.rating is None else f"{review.id}_{review.rating}.txt"
    return (1 - review.label, name)


def _from_keras(folder: Path, name: str) -> ReviewSplit:
    reviews = read_keras_imdb(folder, name)
    rows = [
        _row(r + OFFSET if r + OFFSET < VOCABULARY_SIZE else UNKNOWN_ID for r in ranks)
        for ranks in reviews.ranks
    ]
    return ReviewSplit(rows, reviews.labels.astype(np.float32))


# -- the recipes --------------------------------------------------------------------------------

#: RMSprop of 2017: today's Keras adds epsilon inside the root, and rare words learn slowly.
FIT = FitSpec(epochs=10, batch_size=128, optimizer="rmsprop-2017", rate=1e-3, monitor="accuracy")
PROTOCOL = N_("IMDB, 10,000 words, 500 steps padded in front, last 20 % validation")
RNN, LSTM = RecurrentSpec("rnn", 32), RecurrentSpec("lstm", 32)
RULES: tuple[str, ...] = (
    N_("The ids and their order are those of Keras's imdb.load_data(num_words=10000)."),
    N_("The padding is read like a word: mask_zero is off, as published."),
    N_(
        "RMSprop adds epsilon outside the root, as Keras did in 2017; today's Keras adds "
        "it inside, and rare words learn slowly."
    ),
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
        size=VOCABULARY_SIZE,
        sample={"epochs": 3, "batch_size": 32},
        tokenizer="keras",
        notes=(*RULES, *notes),
    )


RECIPES = (
    _recipe("imdb-rnn", "SimpleRNN(32)", (RNN,),
            (0.846, N_("Chollet 2018, notebook 6.2, epoch 4"))),
    _recipe("imdb-lstm", "LSTM(32)", (LSTM,), (0.893, N_("Chollet 2018, notebook 6.2, epoch 8"))),
    _recipe("imdb-gru", "GRU(32)", (RecurrentSpec("gru", 32),), (None, N_("not in the book")),
            N_("Counts are those of Keras's reset_after=True: two biases a gate.")),
    _recipe("imdb-stacked", "4 × SimpleRNN(32)", (RNN,) * 4,
            (None, N_("shown in Chollet 2018, notebook 6.2, not trained"))),
    _recipe("imdb-bilstm", N_("Bidirectional LSTM(32)"), (RecurrentSpec("lstm", 32, True),),
            (0.886, N_("Chollet 2018, notebook 6.3, epoch 4"))),
)  # fmt: skip
