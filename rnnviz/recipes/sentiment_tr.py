"""The Turkish sentiment nets, for the short sentences people say.

Data: Turkish film reviews with the stars of their writers as labels. Words are cut so that the net
sees the negation (``rnnviz.data.turkish``). An epoch has whole reviews; sentences of reviews,
which two larger nets relabelled (``relabelling.py``); words, pairs and triples of tokens with the
share of positive reviews as target; negated phrases; verbs in further forms; and some 600 sentences
as people say them (``spoken_tr.tsv``, written for this recipe), because "hiç fena değil" and "zaman
kaybı değil" are rare in reviews, or a poor mark there. The validation reviews are never trained on.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np

from rnnviz.data.batches import Texts
from rnnviz.data.folders import data_errors, sha256
from rnnviz.data.labels import class_counts, require_two_classes
from rnnviz.data.turkish import NOT, token_key
from rnnviz.data.turkish_reviews import TURKISH_SPLITS, read_turkish, turkish_file
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.equations import sigmoid
from rnnviz.messages import N_, _
from rnnviz.recipes import Recipe, Task, check_rows
from rnnviz.recipes.relabelling import CELLS, mean_logits, relabelling_fit, relabelling_net
from rnnviz.recipes.sentiment import FIT, LABELS, Say, sentiment_net
from rnnviz.recipes.text_pools import (
    SURE,
    DrawTexts,
    concatenate,
    encode_texts,
    half_weighted,
    repeat,
    sample,
    spoken_rows,
    spoken_texts,
)
from rnnviz.recipes.turkish_vocabulary import turkish_vocabulary

VOCABULARY_SIZE = 5_000
EMBEDDING_WIDTH = 16
SPOKEN = "spoken_tr.tsv"
#: Tokens of a text that is trained on; of a longer review the end is used, where its verdict is.
LENGTH = 80
#: Words of a sentence.
MIN_WORDS, MAX_WORDS = 2, 25
#: Reviews in which a word or a pair must be to have a target of its own.
MIN_REVIEWS = 8
#: The least logit of a word's share of positive reviews that makes it polar.
MIN_LOGIT = 0.3
#: The endings, the most frequent first, that such verbs are given.
ENDINGS = 25
#: How far a review's label shifts the logits of the nets that relabel its sentences.
REVIEW_SHIFT = 1.0

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s*|\s{2,}")
_FORMS_OF_NOT = re.compile(f"{NOT}\\w*")

Tokens = Sequence[str]


@dataclass(frozen=True)
class TurkishMix:
    """The number of examples of each kind in an epoch."""

    reviews: int = 9_000
    sentences: int = 20_000
    grams: int = 9_000
    spans: int = 5_000  # negated phrases of each class
    verbs: int = 2_500
    spoken: int = 20_000


# -- the examples -------------------------------------------------------------------------------


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(text) if part]


def _is_negation(key: str) -> bool:
    return key in ("-me", "-eme") or _FORMS_OF_NOT.fullmatch(key) is not None


class PositiveShares:
    """The reviews of each class in which words, pairs and triples of words are.

    A word that is followed by a negation counts in a pair, not alone.
    """

    def __init__(self, texts: Iterable[tuple[Tokens, int]]) -> None:
        self._counts: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
        for tokens, label in texts:
            keys = [token_key(token) for token in tokens]
            grams: set[tuple[str, ...]] = set()
            for n, key in enumerate(keys):
                after = keys[n + 1 : n + 3]
                if not (after and _is_negation(after[0])):
                    grams.add((key,))
                if after:
                    grams.add((key, after[0]))
                if len(after) > 1 and after[1][0] == "-":
                    grams.add((key, *after))
            for gram in sorted(grams):
                self._counts[gram][label] += 1

    def share(self, gram: tuple[str, ...]) -> float:
        """The smoothed share of positive reviews; 0.5 for what is in too few."""
        negative, positive = self._counts.get(gram, (0, 0))
        n = negative + positive
        return (positive + 2) / (n + 4) if n >= MIN_REVIEWS else 0.5

    def grams(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """The words, pairs and triples in enough reviews, with the share of positive ones."""
        for gram, counts in self._counts.items():
            if sum(counts) >= MIN_REVIEWS:
                yield gram, self.share(gram)

    def logit(self, *gram: str) -> float:
        """The logit of the share."""
        share = self.share(gram)
        return log(share / (1 - share))


def negated_phrases(
    texts: Iterable[Tokens], shares: PositiveShares
) -> Iterator[tuple[Tokens, int]]:
    """The phrases "X değil" and verbs with a negation, X polar, with the class opposite to X's.

    Left out are those that are no reversal in the reviews: there the phrase must be less negative
    than X, or less positive. One word before may be part of it: "hiç sıkıcı değil -di".
    """
    for tokens in texts:
        keys = [token_key(token) for token in tokens]
        for n in range(1, len(tokens)):
            logit = shares.logit(keys[n - 1])
            if not _is_negation(keys[n]) or abs(logit) < MIN_LOGIT:
                continue
            negated = shares.logit(keys[n - 1], keys[n])
            if (negated - logit) * logit >= 0:
                continue
            end = n + 2 if keys[n + 1 : n + 2] and keys[n + 1][0] == "-" else n + 1
            for start in range(max(0, n - 2), n):
                if not any(key[0] == "-" for key in keys[start : n - 1]):
                    yield tuple(tokens[start:end]), int(logit < 0)


def verb_forms(
    texts: Iterable[Tokens], shares: PositiveShares, vocabulary: Vocabulary
) -> Iterator[tuple[Tokens, float]]:
    """Each verb that its negation turns around, with the most frequent endings of verbs.

    The target is the verb's share of positive reviews, negated or not.
    """
    plain: Counter[str] = Counter()
    negated: Counter[str] = Counter()
    for tokens in texts:
        keys = [token_key(token) for token in tokens]
        for before, key in pairwise(keys):
            if key[0] == "-" and not _is_negation(key):
                (negated if _is_negation(before) else plain)[key] += 1
    for k in vocabulary.encoding.stems or ():
        stem = token_key(vocabulary.words[k])
        share, turned = shares.share((stem,)), shares.share((stem, "-me"))
        if (share - 0.5) * (turned - 0.5) < 0:
            for ending, _count in plain.most_common(ENDINGS):
                yield (stem, ending), share
            for ending, _count in negated.most_common(ENDINGS):
                yield (stem, "-me", ending), turned


def prepare(mix: TurkishMix, folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read the reviews and mix the epochs.

    Raises MissingError if they are not in the folder, InvalidFileError if a file is damaged.
    """
    with data_errors("turkish"):
        sources = [turkish_file(folder, split) for split in TURKISH_SPLITS]
        paths = {path.relative_to(folder).as_posix(): path for path in sources}
        say(_("Reading {names} from {folder}").format(names=", ".join(paths), folder=folder))
        train, valid = (read_turkish(folder, split) for split in TURKISH_SPLITS)
        for path, rows in zip(sources, (train, valid), strict=True):
            require_two_classes(path, [label for _, label in rows], LABELS)
        labels = [label for _, label in train[:limit]]
        if len(set(labels)) < 2:
            check_rows(
                len(train),
                limit,
                _("{counts} to train on").format(counts=class_counts(labels, LABELS)),
            )
    train = train[:limit]
    spoken_lines = [text for text, _ in spoken_rows(SPOKEN)]
    everyday = files(__package__).joinpath("spoken_words_tr.txt").read_text("utf-8").splitlines()
    vocabulary = turkish_vocabulary(
        (text for text, _ in train), [*spoken_lines, *everyday], VOCABULARY_SIZE
    )
    reviews = [(tokens, label) for text, label in train if (tokens := vocabulary.tokenize(text))]
    parts = [
        (tokens, label)
        for text, label in train
        for part in _sentences(text)
        if MIN_WORDS <= len(tokens := vocabulary.tokenize(part)) <= MAX_WORDS
    ]
    shares = PositiveShares(reviews)
    grams = [gram for gram in shares.grams() if all(map(vocabulary.known, gram[0]))]
    spans = sorted(set(negated_phrases((tokens for tokens, _ in parts), shares)))
    valid_texts = encode_texts([(vocabulary.tokenize(t), y) for t, y in valid], vocabulary)
    hashes = {name: sha256(path) for name, path in paths.items()}
    whole = encode_texts([(tokens[-LENGTH:], label) for tokens, label in reviews], vocabulary)
    sentences = encode_texts(parts, vocabulary)
    sentences = _relabelled(sentences, whole, valid_texts, hashes, vocabulary, say)
    verbs = list(verb_forms((tokens for tokens, _ in reviews), shares, vocabulary))
    pools = _pools(mix, vocabulary, whole, sentences, grams, spans, verbs)

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        return concatenate([pool(rng) for pool in pools])

    return Task(
        encoder=vocabulary,
        labels=LABELS,
        draw=draw,
        valid=valid_texts,
        files=hashes,
        preparation={
            "reviews": len(reviews), "validation": len(valid), "sentences": len(parts),
            "grams": len(grams), "negated phrases": len(spans), "verb forms": len(verbs),
            "spoken": len(spoken_lines), "verb stems": len(vocabulary.encoding.stems or ()),
        },
        trained_on="Turkish reviews + spoken",
        licence="Trained on Turkish film reviews (Turkmenoglu and Tantug 2014, published with "
        "Aydin and others 2019; Demirtas and Pechenizkiy 2013), given for research: cite the "
        "papers. The weights are numbers derived from them; no text is included but the "
        "vocabulary.",
    )  # fmt: skip


def _relabelled(
    sentences: Texts,
    reviews: Texts,
    valid: Texts,
    hashes: Mapping[str, str],
    vocabulary: Vocabulary,
    say: Say,
) -> Texts:
    """The sentences with the estimates of two larger nets, shifted by their review's label."""
    nets = [
        relabelling_net(
            cell, vocabulary, reviews, half_weighted(sentences), valid, hashes,
            relabelling_fit(FIT), say,
        )
        for cell in CELLS
    ]  # fmt: skip
    shift = (2 * sentences.y - 1) * REVIEW_SHIFT
    logits = mean_logits(nets, sentences.ids) + shift
    return Texts(sentences.ids, sigmoid(logits).astype(np.float32))


def _pools(
    mix: TurkishMix,
    vocabulary: Vocabulary,
    reviews: Texts,
    sentences: Texts,
    grams: Sequence[tuple[Tokens, float]],
    spans: Sequence[tuple[Tokens, int]],
    verbs: Sequence[tuple[Tokens, float]],
) -> list[DrawTexts]:
    short = half_weighted(encode_texts(grams, vocabulary))
    forms = half_weighted(encode_texts(verbs, vocabulary))
    negated = [
        encode_texts([(t, SURE if sign else 1 - SURE) for t, y in spans if y == sign], vocabulary)
        for sign in (1, 0)
    ]
    return [
        lambda rng: sample(reviews, mix.reviews, rng),
        lambda rng: sample(sentences, mix.sentences, rng),
        lambda rng: sample(short, mix.grams, rng),
        lambda rng: sample(forms, mix.verbs, rng),
        *(partial(repeat, pool, mix.spans) for pool in negated if len(pool)),
        partial(repeat, spoken_texts(SPOKEN, vocabulary), mix.spoken),
    ]


# -- the recipes --------------------------------------------------------------------------------


#: What the nets get wrong, in ``models show`` and in their JSON.
NOTES = (
    N_(
        "fena değil (not bad) is a poor mark in the reviews (65 negative, 22 positive); only the "
        "spoken sentences call it praise, which is how the nets read it."
    ),
    N_(
        "ilginç (interesting) is in as many negative reviews as positive ones (157, 136), so it "
        "decides little; ilgimi çekti (it interested me) is read as blame: 22 negative, 8 positive."
    ),
    N_(
        "Often wrong: two negations in a sentence (güzel olmayan bir şey yok), a negation apart "
        "from its word (kötü bir gün değildi), questions (bu film mi güzel), irony, and words that "
        "film reviews do not have. -ma and -me alone (gitme, do not go) are not cut: they form "
        "nouns as well."
    ),
)


def _recipe(
    name: str, title: str, cell: str, dropouts: tuple[float, float, float], epochs: int
) -> Recipe:
    tokens, embedding, head = dropouts
    return Recipe(
        name=name,
        title=title,
        model=partial(sentiment_net, cell, 32, embedding, head, width=EMBEDDING_WIDTH),
        fit=replace(FIT, epochs=epochs, batch_size=64, token_dropout=tokens),
        prepare=partial(prepare, TurkishMix()),
        data=N_(
            "Turkish film reviews, whole and by sentence, spoken sentences; 2,390 texts to validate"
        ),
        notes=NOTES,
        size=VOCABULARY_SIZE,
        tokenizer="turkish",
        example="bu filmi hiç beğenmedim",
    )


RECIPES = (
    _recipe("sentiment-rnn-tr", "SimpleRNN(32)", "rnn", (0.03, 0.1, 0.0), 8),
    _recipe("sentiment-lstm-tr", "LSTM(32)", "lstm", (0.05, 0.2, 0.1), 10),
    _recipe("sentiment-gru-tr", "GRU(32)", "gru", (0.05, 0.2, 0.1), 10),
)
