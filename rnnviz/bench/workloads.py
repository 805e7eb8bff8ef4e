"""What is measured: the nets of the recipes on synthetic batches of the same shapes.

Lengths of texts follow the quantiles of the real ones, and words follow Zipf's law, so that every
machine measures the same batches, with or without the data sets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from rnnviz.arrays import Array
from rnnviz.data.batches import Texts
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.messages import N_

#: Words of a review or of a title with its description, from the shortest to the longest in
#: twentieths: the 25,000 training reviews of IMDB, and 51,323 training rows of AG News.
IMDB_LENGTHS = (
    10, 64, 90, 110, 120, 127, 134, 143, 152, 162, 174,
    189, 206, 227, 252, 283, 324, 377, 458, 598, 2473,
)  # fmt: skip
AGNEWS_LENGTHS = (
    12, 24, 27, 30, 31, 33, 34, 35, 36, 38, 39, 40, 41, 42, 43, 45, 46, 48, 51, 59, 181,
)  # fmt: skip


@dataclass(frozen=True)
class Workload:
    """A net, the shape of its batches, and its optimizer (learning rate 1e-3)."""

    name: str
    about: str
    spec: ModelSpec
    optimizer: Literal["rmsprop", "adam"]
    steps: int  # T
    batch: int  # B
    lengths: tuple[int, ...] = ()  # quantiles of the texts' lengths, cut at T; (): all have T steps
    padding: Literal["front", "end"] = "front"

    def resized(self, steps: int, batch: int) -> Workload:
        """The same net with other T and B; lengths of texts scale with T."""
        longer = tuple(max(1, round(n * steps / self.steps)) for n in self.lengths)
        return replace(self, steps=steps, batch=batch, lengths=longer)

    @property
    def shape(self) -> str:
        """Shape and optimizer: ``T 500, B 128, RMSprop``."""
        optimizer = {"rmsprop": "RMSprop", "adam": "Adam"}[self.optimizer]
        return f"T {self.steps}, B {self.batch}, {optimizer}"


_IMDB_NETS = {
    "rnn": N_("Embedding(10000, 32) → SimpleRNN(32) → Dense(1), padded in front, no mask"),
    "lstm": N_("Embedding(10000, 32) → LSTM(32) → Dense(1), padded in front, no mask"),
    "gru": N_("Embedding(10000, 32) → GRU(32) → Dense(1), padded in front, no mask"),
}


def _imdb(cell: str) -> Workload:
    spec = ModelSpec(
        EmbeddingSpec(10_000, 32, mask_zero=False),
        (RecurrentSpec(cell, 32),),
        HeadSpec("sigmoid", 1),
    )
    return Workload(f"imdb-{cell}", _IMDB_NETS[cell], spec, "rmsprop", 500, 128, IMDB_LENGTHS)


def _jena(name: str, about: str, *layers: RecurrentSpec) -> Workload:
    spec = ModelSpec(SeriesSpec(14), layers, HeadSpec("linear", 1))
    return Workload(name, about, spec, "rmsprop", 240, 128)


def _agnews(name: str, batch: int) -> Workload:
    spec = ModelSpec(
        EmbeddingSpec(20_000, 128, mask_zero=True),
        (RecurrentSpec("lstm", 64, bidirectional=True),) * 2,
        HeadSpec("softmax", 4),
    )
    about = N_("Embedding(20000, 128) → 2 × BiLSTM(64) → Dense(4), padded behind, masked")
    return Workload(name, about, spec, "adam", 60, batch, AGNEWS_LENGTHS, "end")


WORKLOADS: Mapping[str, Workload] = MappingProxyType({
    w.name: w
    for w in (
        _imdb("rnn"),
        _imdb("lstm"),
        _imdb("gru"),
        _jena("jena-gru", N_("GRU(32) → Dense(1), 14 measurements"), RecurrentSpec("gru", 32)),
        _jena("jena-gru-dropout",
              N_("GRU(32), dropout .2, recurrent .2 → Dense(1), 14 measurements"),
              RecurrentSpec("gru", 32, dropout=0.2, recurrent_dropout=0.2)),
        _jena("jena-stacked",
              N_("GRU(32) → GRU(64, relu), dropout .1, recurrent .5 → Dense(1), 14 measurements"),
              RecurrentSpec("gru", 32, dropout=0.1, recurrent_dropout=0.5),
              RecurrentSpec("gru", 64, dropout=0.1, recurrent_dropout=0.5, activation="relu")),
        _jena("jena-bigru", N_("bidirectional GRU(32) → Dense(1), 14 measurements"),
              RecurrentSpec("gru", 32, bidirectional=True)),
        Workload(
            "shakespeare-lstm",
            N_("Embedding(65, 32) → LSTM(128) → Dense(65) at every step, characters"),
            ModelSpec(
                EmbeddingSpec(65, 32, mask_zero=False), (RecurrentSpec("lstm", 128),),
                HeadSpec("softmax", 65, reads="steps"),
            ),
            "adam", 100, 50,
        ),
        _agnews("agnews-bilstm", 16),
        _agnews("agnews-bilstm-128", 128),
    )
})  # fmt: skip


def batches(workload: Workload, count: int, seed: int = 0) -> Iterator[tuple[Array, Array]]:
    """``count`` batches: ids (T, B) or measurements (T, B, D), and targets (B) float32.

    Where the head reads every step the targets (T, B) are the next ids.
    """
    rng, source = np.random.default_rng(seed), workload.spec.source
    N, kinds = count * workload.batch, workload.spec.head.outputs
    if isinstance(source, EmbeddingSpec) and workload.spec.head.reads == "steps":
        for _ in range(count):
            drawn = _characters(source.vocabulary, (workload.steps + 1, workload.batch), rng)
            yield drawn[:-1], drawn[1:].astype(np.float32)
        return
    if isinstance(source, EmbeddingSpec):
        y = rng.integers(0, max(kinds, 2), N).astype(np.float32)
        lengths = _lengths(workload, N, rng)
        ids = [_words(source.vocabulary, n, rng).tolist() for n in lengths]
        texts = Texts(ids, y, padding=workload.padding, length=workload.steps)
        texts = replace(texts, bucketed=False)
        for inputs, target, _ in texts.batches(workload.batch):
            yield inputs, target
        return
    for _ in range(count):
        x = rng.standard_normal((workload.steps, workload.batch, source.width), np.float32)
        yield x, rng.standard_normal(workload.batch, np.float32)


def _lengths(workload: Workload, count: int, rng: np.random.Generator) -> Array:
    quantiles = np.linspace(0, 1, len(workload.lengths))
    return np.interp(rng.random(count), quantiles, workload.lengths).astype(np.int64)


def _words(vocabulary: int, count: int, rng: np.random.Generator) -> Array:
    """Ids (count): one word in 20 is unknown (2), the others follow the Zipf–Mandelbrot law."""
    share = 1 / (np.arange(vocabulary - 3) + 3.0) ** 1.1
    words = 3 + np.searchsorted(np.cumsum(share) / share.sum(), rng.random(count))
    return np.where(rng.random(count) < 0.05, 2, np.minimum(words, vocabulary - 1))


def _characters(vocabulary: int, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Ids by Zipf's law."""
    share = 1 / (np.arange(vocabulary) + 1.0)
    drawn = np.searchsorted(np.cumsum(share) / share.sum(), rng.random(shape))
    return np.minimum(drawn, vocabulary - 1)


def write(workload: Workload, path: Path, count: int = 4) -> None:
    """Write a job for a worker: the net, its initial weights (seed 0) and ``count`` batches."""
    made = list(batches(workload, count))
    job = {"spec": workload.spec.to_json(), "optimizer": workload.optimizer, "rate": 1e-3}
    np.savez(
        path,
        job=np.array(json.dumps(job)),
        inputs=np.stack([x for x, _ in made]),
        y=np.stack([y for _, y in made]),
        **initialise(workload.spec, seed=0),  # type: ignore[arg-type]
    )
