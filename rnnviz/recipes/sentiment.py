"""The four sentiment nets (and the slide's cell): right on the short sentences people say.

Data: the SST-2 phrases with their labels, and sentences of the IMDB training reviews. A review's
label is a poor label for one of its sentences, so two larger nets, trained on both, say what each
sentence means; the review's label shifts their answer. Negated phrases, telling n-grams and
neutral openings counted from the reviews (``reviews.py``) are added, and some 400 sentences as
people say them (``spoken.tsv``, written for this recipe), since idioms like "i couldn't stop
laughing" are in no review often enough. IMDB's test reviews and the
SST-2 validation sentences are never trained on. Without IMDB a net learns from SST-2 alone.

Published for comparison: an LSTM with 32 units has no official SST-2 figure; full-size LSTMs reach
84.9 % on the binary sentences (Tai, Socher, Manning, ACL 2015, table 2, test set).
"""

from __future__ import annotations

import hashlib
from array import array
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
from rnnviz.data.imdb import imdb_source, is_split, read_imdb
from rnnviz.data.labels import check_several, counted
from rnnviz.data.sst2 import detokenize, read_sst2, sst2_file
from rnnviz.data.tokenizers import tokenize
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise, shapes
from rnnviz.engine.spec import EmbeddingSpec, FitSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.equations import sigmoid
from rnnviz.errors import InvalidFileError
from rnnviz.files import write_atomically
from rnnviz.model_files import pack, read_weights
from rnnviz.progress import Epoch
from rnnviz.recipes import Recipe, Task, check_rows, is_sample
from rnnviz.recipes.review_examples import SHORT, Lessons, SentimentReview, lessons, sentences
from rnnviz.training.fit import fit
from rnnviz.training.state import State
from rnnviz.version import VERSION

WORDS = 10_000
LABELS = ("negative", "positive")
#: How much an SST-2 token counts beside an IMDB token when the vocabulary is chosen.
SST_WEIGHT = 5
#: How far the review's label shifts the logit of the nets that relabel its sentences.
REVIEW_SHIFT = 1.5
#: Targets of negated phrases: sure, but not certain.
SURE, HALF = 0.95, 0.5
OPENINGS = 4_000

Say = Callable[[str], None]


@dataclass(frozen=True)
class Mix:
    """How many of each kind an epoch holds."""

    phrases: int  # SST-2
    sentences: int  # IMDB, relabelled
    spans: int  # negated phrases of each sign
    spoken: int = 5_000  # what people say about films, each sentence a dozen times


def _model(
    cell: str, units: int, embedding_dropout: float, head_dropout: float, V: int
) -> ModelSpec:
    return ModelSpec(
        EmbeddingSpec(V, 32, dropout=embedding_dropout),
        (RecurrentSpec(cell, units),),
        HeadSpec("sigmoid", 1, dropout=head_dropout),
    )


FIT = FitSpec(
    epochs=6, batch_size=128, optimizer="adam", rate=3e-3, final_rate=1e-4, warmup=200, clip=1.0,
    average=0.999, token_dropout=0.05, keep="last",
)  # fmt: skip

# -- the nets that relabel ----------------------------------------------------------------------

TEACHERS = ("gru", "lstm")
TEACHER_FIT = replace(FIT, epochs=5, token_dropout=0.1, seed=7)
TEACHER_SENTENCES = 100_000


def _teacher(cell: str, V: int) -> ModelSpec:
    return ModelSpec(
        EmbeddingSpec(V, 64, dropout=0.5),
        (RecurrentSpec(cell, 64),),
        HeadSpec("sigmoid", 1, dropout=0.4),
    )


def prepare(mix: Mix, folder: Path, limit: int | None, seed: int, say: Say) -> Task:
    """Read the data, train the relabelling nets where IMDB is there, and mix the epochs.

    MissingError if SST-2 is not in the folder; InvalidFileError if a file is damaged.
    """
    data = _read(folder, limit, say)
    vocabulary = data.vocabulary
    encode = vocabulary.encode
    phrases = Texts([encode(s) for s, _ in data.phrases], _floats(y for _, y in data.phrases))
    valid = Texts([encode(s) for s, _ in data.valid], _floats(y for _, y in data.valid))
    spoken = _spoken(vocabulary)
    counts: dict[str, Any] = {
        "phrases": len(phrases), "validation": len(valid), "spoken": len(spoken),
    }  # fmt: skip
    pools: list[Callable[[np.random.Generator], Texts]] = [
        lambda rng: _draw(phrases, mix.phrases, rng),
        partial(_repeated, spoken, mix.spoken),
    ]
    if data.reviews:
        taught, more = _from_reviews(data, vocabulary, phrases, mix, say)
        pools += taught
        counts |= more

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        return _joined([pool(rng) for pool in pools])

    return Task(
        encoder=vocabulary,
        labels=LABELS,
        draw=draw,
        valid=valid,
        files=data.files,
        preparation=counts,
        trained_on=f"SST-2{data.sample}{data.more} + spoken",
        licence="Trained on SST-2 (Socher et al. 2013) and IMDB (Maas et al. 2011), both given for "
        "research: cite the papers. The weights are numbers derived from them; no text is included "
        "but the vocabulary.",
    )


@dataclass(frozen=True)
class _Data:
    vocabulary: Vocabulary
    phrases: list[tuple[list[str], int]]
    valid: list[tuple[list[str], int]]
    reviews: list[SentimentReview]
    files: dict[str, str]
    sample: str
    more: str  # what else than SST-2 it is


def _read(folder: Path, limit: int | None, say: Say) -> _Data:
    with data_errors("sst2"):
        sources = [sst2_file(folder, "train"), sst2_file(folder, "validation")]
        reviewed = None if is_sample(folder) else _reviews(folder)  # 500 reviews teach nothing
        if reviewed is None:
            say("Training on the SST-2 phrases alone, without the IMDB reviews.")
        else:
            sources.append(reviewed)
        files = {path.relative_to(folder).as_posix(): path for path in sources}
        say(f"Reading {', '.join(files)} from {folder}")
        train, valid = read_sst2(folder, "train"), read_sst2(folder, "validation")
        for path, rows in zip(sources, (train, valid), strict=False):
            check_several(path, [label for _, label in rows], LABELS)
        if len({label for _, label in train[:limit]}) < 2:
            said = f"{counted([label for _, label in train[:limit]], LABELS)} to train on"
            check_rows(len(train), limit, said)
        reviews = read_imdb(folder, "train", raw=True) if reviewed else []
    if limit is not None:
        train = train[:limit]
        if len(reviews) > limit:
            reviews = reviews[: limit // 2] + reviews[len(reviews) - limit // 2 :]
    # Counted before there is a vocabulary to ask, so with glued words as one.
    vocabulary = _vocabulary(_tokenized(train, tokenize), sentences(reviews, tokenize))
    cut = vocabulary.tokenize
    halved = bool(reviewed) and not is_split(folder)
    name = f"half of {reviewed.name}" if reviewed and halved else "IMDB"
    return _Data(
        vocabulary,
        _tokenized(train, cut),
        _tokenized(valid, cut),
        sentences(reviews, cut),
        {name: sha256(path) for name, path in files.items()},
        " sample" if is_sample(folder) else "",
        f" + {name}" if reviewed else "",
    )


def _reviews(folder: Path) -> Path | None:
    try:
        return imdb_source(folder, "train")
    except FileNotFoundError:
        return None


def _tokenized(
    rows: Iterable[tuple[str, int]], cut: Callable[[str], list[str]]
) -> list[tuple[list[str], int]]:
    tokenized = ((cut(detokenize(text)), label) for text, label in rows)
    return [(tokens, label) for tokens, label in tokenized if tokens]


def _vocabulary(
    phrases: Sequence[tuple[list[str], int]], reviews: Sequence[SentimentReview]
) -> Vocabulary:
    """The most frequent words, with room kept for words that people say about films."""

    def token_lists() -> Iterable[Sequence[str]]:
        for _ in range(SST_WEIGHT):
            for tokens, _label in phrases:
                yield tokens
        for review in reviews:
            yield from review.sentences

    everything = Vocabulary.build(token_lists(), 10**9).words
    counts: dict[str, int] = {}
    for tokens in token_lists():
        for token in tokens:
            counts[token] = counts.get(token, 0) + 1
    chosen = everything[:WORDS]
    spoken = files(__package__).joinpath("spoken_words.txt").read_text("utf-8").split()
    have = set(chosen)
    rare = [w for w in dict.fromkeys(spoken) if w not in have and counts.get(w, 0) >= SST_WEIGHT]
    return Vocabulary((*chosen[: len(chosen) - len(rare)], *rare))


def _spoken(vocabulary: Vocabulary) -> Texts:
    """The sentences of ``spoken.tsv``: written for this recipe, in the way audiences speak."""
    lines = files(__package__).joinpath("spoken.tsv").read_text("utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    target = [SURE if label == "1" else 1 - SURE for _, label in rows]
    return Texts([vocabulary.read(text)[1] for text, _ in rows], _floats(target))


# -- what the reviews add -----------------------------------------------------------------------


def _from_reviews(
    data: _Data, vocabulary: Vocabulary, phrases: Texts, mix: Mix, say: Say
) -> tuple[list[Callable[[np.random.Generator], Texts]], dict[str, Any]]:
    encode = vocabulary.encode
    short = [
        (encode(s), r.label) for r in data.reviews for s in r.sentences if 2 <= len(s) <= SHORT
    ]
    weak = Texts(
        [ids for ids, _ in short],
        _floats(label for _, label in short),
        np.full(len(short), HALF, np.float32),
    )
    teachers = [_taught(cell, vocabulary, phrases, weak, data, say) for cell in TEACHERS]
    words = [[n] for n in range(2, len(vocabulary))]
    opinion = dict(zip(vocabulary.words[2:], _opinion(teachers, words).tolist(), strict=True))
    say("Counting what the reviews say about negations")
    found: Lessons = lessons(data.reviews, opinion)
    clean = [encode(s) for s, _ in found.clean]
    shift = np.array([1 if label else -1 for _, label in found.clean]) * REVIEW_SHIFT
    relabelled = Texts(clean, sigmoid(_opinion(teachers, clean) + shift).astype(np.float32))
    spans = [
        Texts(ids, np.full(len(ids), SURE if sign else 1 - SURE, np.float32))
        for sign in (1, 0)
        if (ids := [encode(s) for s, meant in found.spans if meant == sign])
    ]
    grams = Texts(
        [encode(s) for s, _ in found.grams],
        _floats(share for _, share in found.grams),
        np.full(len(found.grams), HALF, np.float32),
    )
    openings = Texts(
        [encode(s) for s, _ in found.openings],
        np.full(len(found.openings), 0.5, np.float32),
        np.full(len(found.openings), HALF, np.float32),
    )
    often = np.sqrt([n for _, n in found.openings])
    pools: list[Callable[[np.random.Generator], Texts]] = [
        lambda rng: _draw(relabelled, mix.sentences, rng),
        lambda rng: grams,
        *([partial(_openings, openings, often / often.sum())] if found.openings else []),
        *(partial(_repeated, pool, mix.spans) for pool in spans),
    ]
    counts = {
        "review sentences": sum(len(r.sentences) for r in data.reviews),
        "short sentences": len(short),
        "clean sentences": len(clean),
        "negated phrases": len(found.spans),
        "n-grams": len(grams),
        "openings": len(openings),
    }
    return pools, counts


def _taught(
    cell: str, vocabulary: Vocabulary, phrases: Texts, weak: Texts, data: _Data, say: Say
) -> Model:
    """A larger net, trained on the phrases and on sentences with their review's label.

    Kept in the user's cache folder, since every recipe here needs the same two.
    """
    spec = _teacher(cell, len(vocabulary))
    path = _cache_path(spec, data, (*phrases.ids, *weak.ids))
    if path.is_file():
        try:
            kept = Model(spec, read_weights(path, shapes(spec)))
        except InvalidFileError:
            say(f"relabelling net {cell}(64): {path} is damaged, it is trained anew")
        else:
            say(f"relabelling net {cell}(64): from {path}")
            return kept
    model = Model(spec, initialise(spec, TEACHER_FIT.seed))
    valid = Texts([vocabulary.encode(s) for s, _ in data.valid], _floats(y for _, y in data.valid))

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        return _joined([phrases, _draw(weak, TEACHER_SENTENCES, rng)])

    state = State.fresh(model.params, TEACHER_FIT)
    for event in fit(model, draw, valid, TEACHER_FIT, state):
        if isinstance(event, Epoch):
            say(
                f"relabelling net {cell}(64), epoch {event.number}/{TEACHER_FIT.epochs}: "
                f"validation accuracy {event.valid['accuracy']:.4f}, {event.seconds:.0f} s"
            )
    model = Model(spec, state.copy_eval_params())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, pack(model.params))
    except OSError as error:  # the next training makes it anew
        say(f"relabelling net {cell}(64): not kept in {path.parent}: {error.strerror}")
    return model


def _cache_path(spec: ModelSpec, data: _Data, ids: Iterable[Sequence[int]]) -> Path:
    """A file of its own for every combination of net, fit, data and the cutting of its words."""
    import platformdirs

    cut = hashlib.sha256("\n".join(data.vocabulary.words).encode())
    for row in ids:
        cut.update(array("i", (len(row), *row)))
    files = sorted(data.files.items())
    key = repr((spec, TEACHER_FIT, TEACHER_SENTENCES, files, cut.hexdigest(), VERSION))
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("rnnviz")) / f"relabel-{name}.safetensors"


def _opinion(teachers: Sequence[Model], texts: Sequence[Sequence[int]]) -> Array:
    """The mean logit of the nets for each text, (N)."""
    # Batches keep this order, longest first.
    order = np.argsort([-len(ids) for ids in texts], kind="stable")
    ordered = Texts([texts[int(n)] for n in order], np.zeros(len(texts), np.float32))
    found = np.empty(len(texts), np.float32)
    at = 0
    for ids, _, _ in ordered.batches(512):
        logits = [teacher.logits(ids)[:, 0] for teacher in teachers]
        found[order[at : at + ids.shape[1]]] = np.mean(logits, axis=0)
        at += ids.shape[1]
    return found


def _openings(pool: Texts, share: Array, rng: np.random.Generator) -> Texts:
    return _chosen(pool, rng.choice(len(share), OPENINGS, p=share))


# -- drawing ------------------------------------------------------------------------------------


def _floats(values: Iterable[float]) -> Array:
    return np.array(list(values), np.float32)


def _chosen(pool: Texts, rows: Array) -> Texts:
    weight = None if pool.weight is None else pool.weight[rows]
    return Texts([pool.ids[int(n)] for n in rows], pool.y[rows], weight)


def _draw(pool: Texts, n: int, rng: np.random.Generator) -> Texts:
    """n of them without replacement, or all."""
    return pool if n >= len(pool) else _chosen(pool, rng.permutation(len(pool))[:n])


def _repeated(pool: Texts, n: int, rng: np.random.Generator) -> Texts:
    """n of them, all once before any comes twice."""
    return _chosen(pool, np.resize(rng.permutation(len(pool)), n))


def _joined(parts: Sequence[Texts]) -> Texts:
    ids = [row for part in parts for row in part.ids]
    weights = [np.ones(len(p), np.float32) if p.weight is None else p.weight for p in parts]
    return Texts(ids, np.concatenate([p.y for p in parts]), np.concatenate(weights))


# -- the recipes --------------------------------------------------------------------------------


def _recipe(
    name: str, title: str, cell: str, units: int, dropouts: tuple[float, float, float], mix: Mix,
    epochs: int,
) -> Recipe:  # fmt: skip
    words, embedding, head = dropouts
    return Recipe(
        name=name,
        title=title,
        model=partial(_model, cell, units, embedding, head),
        fit=replace(FIT, epochs=epochs, token_dropout=words),
        prepare=partial(prepare, mix),
        data="SST-2 + IMDB: phrases, relabelled review sentences, spoken ones; 872 sentences to "
        "validate",
        tokenizer="words",
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
    _recipe("sentiment-lstm-slide", "the slide's LSTM(32)", "lstm-slide", 32, (0.1, 0.3, 0.2),
            Mix(40_000, 100_000, 6_000), 8),
    _recipe("sentiment-mingru", "minGRU(32)", "mingru", 32, (0.1, 0.3, 0.2),
            Mix(40_000, 100_000, 6_000), 8),
)  # fmt: skip
