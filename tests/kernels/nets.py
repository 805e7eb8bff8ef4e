"""Small nets of the lessons, and a few steps of their training on any device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from rnnviz.data.batches import Examples, Texts, Windows
from rnnviz.engine.backend import Backend
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import FitSpec, ModelSpec
from rnnviz.progress import TrainingStep
from rnnviz.recipes import find
from rnnviz.training.fit import fit

STEPS, BATCH = 10, 8


@dataclass(frozen=True, eq=False)
class SmallNet:
    """A recipe's net, and a few examples."""

    model: ModelSpec
    fit: FitSpec
    examples: Examples
    valid: Examples


def _texts(name: str, words: int, length: int | None, classes: int) -> SmallNet:
    """The recipe's net with a small vocabulary, and random texts."""
    recipe = find(name)
    spec = recipe.model(words)
    layers = tuple(
        replace(layer, units=32) for layer in spec.layers
    )  # so that all use the same kernel
    spec = replace(spec, layers=layers, source=replace(spec.source, vocabulary=words))
    rng = np.random.default_rng(7)
    rows = [rng.integers(1, words, rng.integers(3, 25)).tolist() for _ in range(STEPS * BATCH)]
    y = rng.integers(0, classes, len(rows)).astype(np.float32)
    front = name.startswith("imdb")
    texts = Texts(rows, y, padding="front" if front else "end", length=length, bucketed=not front)
    return SmallNet(spec, _short(recipe.fit), texts, replace(texts, ids=rows[:BATCH], y=y[:BATCH]))


def _windows(name: str) -> SmallNet:
    recipe = find(name)
    data = np.random.default_rng(7).normal(size=(400, 14)).astype(np.float32)
    windows = Windows(
        data, lookback=120, step=6, delay=12, target=1, draw_from=((130, 380),),
        draws=STEPS * BATCH,
    )  # fmt: skip
    return SmallNet(
        recipe.model(14), _short(recipe.fit), windows, replace(windows, rows=np.arange(130, 140))
    )


def _short(spec: FitSpec) -> FitSpec:
    monitor = spec.monitor
    return replace(spec, epochs=1, batch_size=BATCH, patience=None, monitor=monitor)


def nets() -> Mapping[str, SmallNet]:
    """Small nets by recipe."""
    return MappingProxyType({
        "imdb-lstm": _texts("imdb-lstm", 50, 30, 2),
        "jena-gru": _windows("jena-gru"),
        "jena-gru-dropout": _windows("jena-gru-dropout"),
        "jena-stacked": _windows("jena-stacked"),
        "agnews-bilstm": _texts("agnews-bilstm", 60, None, 4),
    })  # fmt: skip


NETS = nets()


def losses_of(net: SmallNet, loops: Backend) -> list[float]:
    """The loss of each of the first steps of a training."""
    model = Model(net.model, initialise(net.model, 0), loops)
    spec = replace(net.fit, monitor="loss")
    steps = fit(model, lambda epoch, rng: net.examples, net.valid, spec)
    return [event.loss for event in steps if isinstance(event, TrainingStep)]
