"""The four sentiment nets (and the slide's cell), for the short sentences people say.

Data: the SST-2 phrases with their labels, and sentences of the IMDB training reviews. A review's
label is a poor label for one of its sentences, so two larger nets, trained on both, estimate the
sentiment of each sentence, and the review's label shifts their estimate (``relabelling.py``).
Negated phrases, n-grams that indicate a label and neutral openings counted from the reviews
(``review_examples.py``) are added, and some 400 sentences as people say them (``spoken.tsv``,
written for this recipe), because idioms like "i couldn't stop laughing" are too rare in reviews.
IMDB's test reviews and the SST-2 validation sentences are never trained on. Without IMDB a net
learns from SST-2 alone. The sample in the package has too few negated phrases to learn from, so
there some are composed (``negated_words.py``).

Published for comparison: an LSTM with 32 units has no official SST-2 figure; full-size LSTMs reach
84.9 % on the binary sentences (Tai, Socher, Manning, ACL 2015, table 2, test set).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts
from rnnviz.data.folders import data_errors, sha256
from rnnviz.data.imdb import has_official_split, imdb_source, read_imdb
from rnnviz.data.labels import class_counts, require_two_classes
from rnnviz.data.sst2 import detokenize, read_sst2, sst2_file
from rnnviz.data.tokenizers import tokenize
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.equations import sigmoid
from rnnviz.messages import N_, _
from rnnviz.recipes import Recipe, Task, check_rows, is_sample
from rnnviz.recipes.negated_words import negated_phrases, polar_words
from rnnviz.recipes.relabelling import CELLS, mean_logits, relabelling_fit, relabelling_net
from rnnviz.recipes.review_examples import MAX_TOKENS, SentimentReview, extract_examples, sentences
from rnnviz.recipes.text_pools import (
    SURE,
    DrawTexts,
    concatenate,
    encode_texts,
    half_weighted,
    repeat,
    sample,
    select,
    spoken_texts,
)

VOCABULARY_SIZE = 10_000
LABELS = ("negative", "positive")
#: Weight of an SST-2 token, compared to one of IMDB, in the counts that select the vocabulary.
SST_WEIGHT = 5
#: How far a review's label shifts the logits of the nets that relabel its sentences.
REVIEW_SHIFT = 1.5
OPENINGS = 4_000

Say = Callable[[str], None]
#: The tokens of texts, each with its label.
LabelledTokens = list[tuple[list[str], int]]


@dataclass(frozen=True)
class Mix:
    """The number of examples of each kind in an epoch."""

    phrases: int  # SST-2
    sentences: int  # IMDB, relabelled
    spans: int  # negated phrases of each class
    spoken: int = 5_000  # each sentence of spoken.tsv some dozen times


#: The sample has no reviews to count negated phrases from; those of ``negated_words.py`` are
#: composed. Here ``spans`` is the number of them, plain and negated.
SAMPLE_MIX = Mix(phrases=12_000, sentences=0, spans=8_000, spoken=3_000)
#: The most epochs on the sample.
SAMPLE_EPOCHS = 7

FIT = FitSpec(
    epochs=6, batch_size=128, optimizer="adam", rate=3e-3, final_rate=1e-4, warmup=200, clip=1.0,
    average=0.999, token_dropout=0.05, keep="last",
)  # fmt: skip


def prepare(mix: Mix, folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read the data, train the relabelling nets if IMDB is in the folder, and mix the epochs.

    On the sample ``SAMPLE_MIX`` is mixed instead.
    Raises MissingError if SST-2 is not in the folder, InvalidFileError if a file is damaged.
    """
    data = _read(folder, limit, say)
    mix = SAMPLE_MIX if is_sample(folder) else mix
    vocabulary = data.vocabulary
    phrases, valid = encode_texts(data.phrases, vocabulary), encode_texts(data.valid, vocabulary)
    spoken = spoken_texts("spoken.tsv", vocabulary)
    counts: dict[str, Any] = {
        "phrases": len(phrases), "validation": len(valid), "spoken": len(spoken),
    }  # fmt: skip
    pools: list[DrawTexts] = [
        lambda rng: sample(phrases, mix.phrases, rng),
        partial(repeat, spoken, mix.spoken),
    ]
    if is_sample(folder):
        negated = _composed(data.phrases, vocabulary)
        pools.append(lambda rng: sample(negated, mix.spans, rng))
        counts["composed phrases"] = len(negated)
    if data.reviews:
        review_pools, review_counts = _from_reviews(data, phrases, valid, mix, say)
        pools += review_pools
        counts |= review_counts

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        return concatenate([pool(rng) for pool in pools])

    return Task(
        encoder=vocabulary,
        labels=LABELS,
        draw=draw,
        valid=valid,
        files=data.hashes,
        preparation=counts,
        trained_on=f"SST-2{data.sample_note}{data.review_note} + spoken",
        licence="Trained on SST-2 (Socher et al. 2013) and IMDB (Maas et al. 2011), both given for "
        "research: cite the papers. The weights are numbers derived from them; no text is included "
        "but the vocabulary.",
    )


# -- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SentimentData:
    """The tokenized data of the recipe, and what ``trained_on`` says about it."""

    vocabulary: Vocabulary
    phrases: LabelledTokens
    valid: LabelledTokens
    reviews: list[SentimentReview]
    hashes: dict[str, str]  # by file name
    sample_note: str  # " sample", or ""
    review_note: str  # " + IMDB" and the like, or ""


def _read(folder: Path, limit: int | None, say: Say) -> SentimentData:
    with data_errors("sst2"):
        sources = [sst2_file(folder, "train"), sst2_file(folder, "validation")]
        # The 500 reviews of the sample are too few to learn from.
        review_source = None if is_sample(folder) else _review_source(folder)
        if review_source is None:
            say(_("Training on the SST-2 phrases alone, without the IMDB reviews."))
        else:
            sources.append(review_source)
        paths = {path.relative_to(folder).as_posix(): path for path in sources}
        say(_("Reading {names} from {folder}").format(names=", ".join(paths), folder=folder))
        train, valid = read_sst2(folder, "train"), read_sst2(folder, "validation")
        for path, rows in zip(sources, (train, valid), strict=False):
            require_two_classes(path, [label for _, label in rows], LABELS)
        labels = [label for _, label in train[:limit]]
        if len(set(labels)) < 2:
            check_rows(
                len(train),
                limit,
                _("{counts} to train on").format(counts=class_counts(labels, LABELS)),
            )
        reviews = read_imdb(folder, "train", raw=True) if review_source else []
    if limit is not None:
        train = train[:limit]
        if len(reviews) > limit:
            reviews = reviews[: limit // 2] + reviews[len(reviews) - limit // 2 :]
    # There is no vocabulary yet, so joined words are counted as one.
    vocabulary = _vocabulary(_tokenized(train, tokenize), sentences(reviews, tokenize))
    split = vocabulary.tokenize
    name = "IMDB"
    if review_source and not has_official_split(folder):
        name = f"half of {review_source.name}"
    return SentimentData(
        vocabulary,
        _tokenized(train, split),
        _tokenized(valid, split),
        sentences(reviews, split),
        {name: sha256(path) for name, path in paths.items()},
        " sample" if is_sample(folder) else "",
        f" + {name}" if review_source else "",
    )


def _review_source(folder: Path) -> Path | None:
    try:
        return imdb_source(folder, "train")
    except FileNotFoundError:
        return None


def _tokenized(
    rows: Iterable[tuple[str, int]], split: Callable[[str], list[str]]
) -> LabelledTokens:
    tokenized = ((split(detokenize(text)), label) for text, label in rows)
    return [(tokens, label) for tokens, label in tokenized if tokens]


def _vocabulary(phrases: LabelledTokens, reviews: Sequence[SentimentReview]) -> Vocabulary:
    """The most frequent words, the rarest replaced by further words of ``spoken_words.txt``."""

    def token_lists() -> Iterable[Sequence[str]]:
        for _n in range(SST_WEIGHT):
            for tokens, _label in phrases:
                yield tokens
        for review in reviews:
            yield from review.sentences

    by_frequency = Vocabulary.build(token_lists(), 10**9).words
    counts: dict[str, int] = {}
    for tokens in token_lists():
        for token in tokens:
            counts[token] = counts.get(token, 0) + 1
    frequent = by_frequency[:VOCABULARY_SIZE]
    spoken = files(__package__).joinpath("spoken_words.txt").read_text("utf-8").split()
    known = set(frequent)
    added = [w for w in dict.fromkeys(spoken) if w not in known and counts.get(w, 0) >= SST_WEIGHT]
    return Vocabulary((*frequent[: len(frequent) - len(added)], *added))


def _composed(phrases: LabelledTokens, vocabulary: Vocabulary) -> Texts:
    """Short phrases with and without a negation of each word that the phrases show to be polar."""
    rows = negated_phrases(polar_words(phrases))
    return encode_texts(
        [(tokens, SURE if label else 1 - SURE) for tokens, label in rows], vocabulary
    )


# -- what the reviews add -----------------------------------------------------------------------


def _from_reviews(
    data: SentimentData, phrases: Texts, valid: Texts, mix: Mix, say: Say
) -> tuple[list[DrawTexts], dict[str, Any]]:
    """The pools that are made from the reviews, and the number of examples of each kind."""
    vocabulary = data.vocabulary
    short = [
        (s, review.label)
        for review in data.reviews
        for s in review.sentences
        if 2 <= len(s) <= MAX_TOKENS
    ]
    weak = half_weighted(encode_texts(short, vocabulary))
    nets = [
        relabelling_net(
            cell, vocabulary, phrases, weak, valid, data.hashes, relabelling_fit(FIT), say
        )
        for cell in CELLS
    ]
    word_ids = [[n] for n in range(2, len(vocabulary))]
    logits = dict(zip(vocabulary.words[2:], mean_logits(nets, word_ids).tolist(), strict=True))
    say(_("Counting what the reviews say about negations"))
    examples = extract_examples(data.reviews, logits)
    clean = [vocabulary.encode(s) for s, _ in examples.clean]
    shift = np.array([1 if label else -1 for _, label in examples.clean]) * REVIEW_SHIFT
    relabelled = Texts(clean, sigmoid(mean_logits(nets, clean) + shift).astype(np.float32))
    spans = [
        Texts(ids, np.full(len(ids), SURE if sign else 1 - SURE, np.float32))
        for sign in (1, 0)
        if (ids := [vocabulary.encode(s) for s, label in examples.spans if label == sign])
    ]
    grams = half_weighted(encode_texts(examples.grams, vocabulary))
    openings = half_weighted(encode_texts([(s, 0.5) for s, _ in examples.openings], vocabulary))
    often = np.sqrt([n for _, n in examples.openings])
    pools: list[DrawTexts] = [
        lambda rng: sample(relabelled, mix.sentences, rng),
        lambda rng: grams,
        *([partial(_openings, openings, often / often.sum())] if examples.openings else []),
        *(partial(repeat, pool, mix.spans) for pool in spans),
    ]
    counts = {
        "review sentences": sum(len(r.sentences) for r in data.reviews),
        "short sentences": len(short),
        "clean sentences": len(clean),
        "negated phrases": len(examples.spans),
        "n-grams": len(grams),
        "openings": len(openings),
    }
    return pools, counts


def _openings(pool: Texts, probabilities: Array, rng: np.random.Generator) -> Texts:
    return select(pool, rng.choice(len(probabilities), OPENINGS, p=probabilities))


# -- the recipes --------------------------------------------------------------------------------


def sentiment_net(
    cell: str, units: int, embedding_dropout: float, head_dropout: float, V: int, width: int = 32
) -> ModelSpec:
    """Embedding, one recurrent layer and one logit, for a vocabulary of V entries."""
    return ModelSpec(
        EmbeddingSpec(V, width, dropout=embedding_dropout),
        (RecurrentSpec(cell, units),),
        HeadSpec("sigmoid", 1, dropout=head_dropout),
    )


def _recipe(
    name: str, title: str, cell: str, units: int, dropouts: tuple[float, float, float], mix: Mix,
    epochs: int,
) -> Recipe:  # fmt: skip
    tokens, embedding, head = dropouts
    return Recipe(
        name=name,
        title=title,
        model=partial(sentiment_net, cell, units, embedding, head),
        fit=replace(FIT, epochs=epochs, token_dropout=tokens),
        prepare=partial(prepare, mix),
        data=N_(
            "SST-2 + IMDB: phrases, relabelled review sentences, spoken ones; 872 sentences to "
            "validate"
        ),
        tokenizer="words",
        sample={"epochs": min(epochs, SAMPLE_EPOCHS)},
    )


RECIPES = (
    _recipe("sentiment-rnn", "SimpleRNN(32)", "rnn", 32, (0.03, 0.1, 0.0),
            Mix(40_000, 60_000, 12_000), 5),
    _recipe("sentiment-lstm", "LSTM(32)", "lstm", 32, (0.1, 0.3, 0.2),
            Mix(40_000, 100_000, 6_000), 8),
    _recipe("sentiment-gru", "GRU(32)", "gru", 32, (0.1, 0.3, 0.2),
            Mix(40_000, 100_000, 6_000), 8),
    _recipe("sentiment-lstm-8", "LSTM(8)", "lstm", 8, (0.05, 0.2, 0.1),
            Mix(40_000, 100_000, 6_000), 6),
    _recipe("sentiment-lstm-slide", N_("the slide's LSTM(32)"), "lstm-slide", 32, (0.1, 0.3, 0.2),
            Mix(40_000, 100_000, 6_000), 8),
    _recipe("sentiment-mingru", "minGRU(32)", "mingru", 32, (0.1, 0.3, 0.2),
            Mix(40_000, 100_000, 6_000), 8),
)  # fmt: skip
