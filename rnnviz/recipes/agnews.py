"""The second lesson's nets: a news item's class from its title, or from title and description.

Data: AG's News Topic Classification Dataset, version 3 (Zhang, Zhao, LeCun, NIPS 2015; news
gathered by A. Gulli), given for research and other non-commercial activity.

Published, all test accuracy after one epoch: .7995 (SimpleRNN on titles), .8822 (SimpleRNN,
masked, title and description), .8870 (LSTM(8), not masked), in the printed output of Microsoft's
"AI for Beginners", lesson 5-NLP/16-RNN. The training of the bidirectional net was interrupted
there, so it has no number.

Differences: the vocabulary is adapted to the first 2,000 titles, as published, but of the CSV
file, whose order is not that of TensorFlow Datasets; the variant "all-words" adapts it to all
training texts. The source reads its data in a fixed order; here it is shuffled. If the file of
120,000 training rows is missing, a part of it is used, and the result says so.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np

from rnnviz.data.agnews import CLASSES, ROWS, News, agnews_file, read_agnews
from rnnviz.data.batches import Texts
from rnnviz.data.folders import data_errors, sha256
from rnnviz.data.labels import class_counts, require_two_classes
from rnnviz.data.vocabulary import UNKNOWN_ID, Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.messages import N_, _
from rnnviz.recipes import Prepare, Published, Recipe, Task, check_rows, is_sample

VOCABULARY_SIZE: Final = 20_000
#: The vocabulary is adapted to this many titles.
ADAPTED_TITLES: Final = 2_000

Reads = Literal["title", "title and description"]
Adapted = Literal["titles", "all"]
Say = Callable[[str], None]


def prepare(
    reads: Reads, batch_size: int, folder: Path, limit: int | None, seed: int, say: Say, *,
    vocabulary: Adapted = "titles", buckets: bool = False,
) -> Task:  # fmt: skip
    """Read and encode both splits; the test rows are also the validation rows, as in the source.

    ``vocabulary``: adapted to the first 2,000 titles, or to all training texts. ``buckets`` groups
    texts of similar length in a batch. ``limit`` is a number of rows of each file.
    """
    with data_errors("agnews"):
        paths = [agnews_file(folder, split) for split in ("train", "test")]
        names = [path.relative_to(folder).as_posix() for path in paths]
        say(_("Reading {names} from {folder}").format(names=", ".join(names), folder=folder))
        splits = [read_agnews(folder, split) for split in ("train", "test")]
        for path, items in zip(paths, splits, strict=True):
            require_two_classes(path, [item.label for item in items], CLASSES)
        train, test = (items[:limit] for items in splits)
        if len({item.label for item in train}) < 2:
            counts = class_counts([item.label for item in train], CLASSES)
            check_rows(len(splits[0]), limit, _("{counts} to train on").format(counts=counts))
        hashes = {name: sha256(path) for name, path in zip(names, paths, strict=True)}
    text = _title if reads == "title" else _both
    adapted = map(text, train) if vocabulary == "all" else map(_title, train[:ADAPTED_TITLES])
    encoder = Vocabulary.adapt(adapted, VOCABULARY_SIZE)
    ids = [_ids(encoder, text(item)) for item in train]
    training = Texts(ids, _labels(train), bucketed=buckets)
    # A net that reads its padding has to be evaluated with as much padding as in training.
    valid = Texts([_ids(encoder, text(item)) for item in test], _labels(test), max_batch=batch_size)
    return Task(
        encoder=encoder,
        labels=CLASSES,
        draw=lambda epoch, rng: training,
        valid=valid,
        test=valid,
        files=hashes,
        preparation={
            "training": len(train),
            "validation": len(test),
            "validation rows": "the test rows, as in the source",
            "reads": reads,
            "vocabulary": "all training texts" if vocabulary == "all" else "first 2,000 titles",
            "words": len(encoder),
            "unknown words": round(_unknown_share(ids), 4),
            "buckets": buckets,
        },
        trained_on=_trained_on(folder, len(train)),
        licence="Trained on AG News (Zhang, Zhao, LeCun 2015; corpus of A. Gulli), given for "
        "research and other non-commercial activity. The weights are numbers derived from it; no "
        "text is included but the vocabulary.",
    )


def _title(item: News) -> str:
    return item.title


def _both(item: News) -> str:
    return f"{item.title} {item.description}"


def _ids(vocabulary: Vocabulary, text: str) -> Sequence[int]:
    return array("i", vocabulary.encode(vocabulary.tokenize(text)))


def _labels(items: Sequence[News]) -> np.ndarray:
    return np.array([item.label for item in items], np.float32)


def _unknown_share(rows: Sequence[Sequence[int]]) -> float:
    """The share of words that are not in the vocabulary."""
    return sum(row.count(UNKNOWN_ID) for row in rows) / max(1, sum(map(len, rows)))


def _trained_on(folder: Path, rows: int) -> str:
    if is_sample(folder):
        return f"AG News sample ({rows:,} items)"
    return "AG News" if rows == ROWS["train"] else f"AG News, {rows:,} of {ROWS['train']:,} items"


# -- the recipes --------------------------------------------------------------------------------

SOURCE = "AI for Beginners, 5-NLP/16-RNN"


def _model(width: int, mask: bool, layers: tuple[RecurrentSpec, ...], size: int) -> ModelSpec:
    # The embedding has 20,000 rows, as in the source, even if the vocabulary is smaller.
    source = EmbeddingSpec(max(VOCABULARY_SIZE, size), width, mask_zero=mask)
    return ModelSpec(source, layers, HeadSpec("softmax", len(CLASSES)))


def _variants(prepare: Callable[..., Task], reads: Reads) -> dict[str, Prepare]:
    if reads == "title":
        return {"all-words": partial(prepare, vocabulary="all")}
    return {
        "all-words": partial(prepare, vocabulary="all"),
        "buckets": partial(prepare, buckets=True),
        "all-words-buckets": partial(prepare, vocabulary="all", buckets=True),
    }


#: The protocol, by what is read and the size of a batch.
_DATA = {
    ("title", 16): N_("AG News, title, 20,000 words, batches of 16, the test rows validate"),
    ("title and description", 16): N_(
        "AG News, title and description, 20,000 words, batches of 16, the test rows validate"
    ),
    ("title and description", 8): N_(
        "AG News, title and description, 20,000 words, batches of 8, the test rows validate"
    ),
}


def _recipe(
    name: str, title: str, model: Callable[[int], ModelSpec], batch_size: int,
    published: tuple[float | None, str], reads: Reads = "title and description",
) -> Recipe:  # fmt: skip
    prepare_texts = partial(prepare, reads, batch_size)
    value, source = published
    return Recipe(
        name=name,
        title=title,
        model=model,
        fit=FitSpec(epochs=1, batch_size=batch_size, optimizer="adam", rate=1e-3, keep="last"),
        prepare=prepare_texts,
        data=_DATA[reads, batch_size],
        published=Published("accuracy", value, source, of="test"),
        size=VOCABULARY_SIZE,
        example="Cup final goes to extra time as the champions fight back",
        sample={"epochs": 2},
        tokenizer="vectorization",
        notes=(
            N_(
                "The vocabulary is that of the first 2,000 titles, as published: it lacks three "
                "words in ten."
            ),
            N_("The source does not shuffle its rows; here every epoch is shuffled."),
        ),
        variants=_variants(prepare_texts, reads),
    )


RNN, BILSTM = RecurrentSpec("rnn", 16), RecurrentSpec("lstm", 64, bidirectional=True)

RECIPES = (
    _recipe("agnews-rnn", "SimpleRNN(16)", partial(_model, 64, False, (RNN,)), 16,
            (0.7995, SOURCE), "title"),
    _recipe("agnews-rnn-masked", N_("SimpleRNN(16), masked"), partial(_model, 64, True, (RNN,)), 16,
            (0.8822, SOURCE)),
    _recipe("agnews-lstm", "LSTM(8)", partial(_model, 64, False, (RecurrentSpec("lstm", 8),)), 8,
            (0.8870, SOURCE)),
    _recipe("agnews-bilstm", N_("2 × Bidirectional LSTM(64), masked"),
            partial(_model, 128, True, (BILSTM, BILSTM)), 16,
            (None, N_("interrupted in AI for Beginners, 5-NLP/16-RNN"))),
)  # fmt: skip
