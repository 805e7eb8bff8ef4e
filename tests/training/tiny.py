"""A recipe that trains in a second, and a script that trains it to be killed.

``python tiny.py OUT EPOCHS`` trains into OUT, or resumes the run there, saving after every batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz import recipes, runs
from rnnviz.data.batches import Texts, Windows
from rnnviz.data.folders import sha256
from rnnviz.data.series import Scaling
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import (
    EmbeddingSpec,
    FitSpec,
    HeadSpec,
    ModelSpec,
    RecurrentSpec,
    SeriesSpec,
)
from rnnviz.recipes import Published, Recipe, Task
from rnnviz.runs import run_loop

WORDS = Vocabulary(("", "[UNK]", *(f"w{n}" for n in range(2, 12))))
FIT = FitSpec(
    epochs=4, batch_size=16, rate=1e-2, final_rate=1e-4, warmup=5, clip=1.0, average=0.9,
    token_dropout=0.1,
)  # fmt: skip


def texts(n: int, seed: int) -> Texts:
    """Texts over words 2…11 whose class is whether word 2 comes before word 3."""
    rng = np.random.default_rng(seed)
    ids, y = [], []
    for _ in range(n):
        first, second = (2, 3) if rng.random() < 0.5 else (3, 2)
        rest = rng.integers(4, 12, rng.integers(2, 7)).tolist()
        at = sorted(rng.integers(0, len(rest) + 1, 2))
        ids.append([*rest[: at[0]], first, *rest[at[0] : at[1]], second, *rest[at[1] :]])
        y.append(float(first == 2))
    return Texts(ids, np.array(y, np.float32))


def words_net(size: int) -> ModelSpec:
    """A net with every kind of dropout."""
    layer = RecurrentSpec("lstm", 6, dropout=0.1, recurrent_dropout=0.1)
    return ModelSpec(EmbeddingSpec(size, 5, dropout=0.2), (layer,), HeadSpec("sigmoid", 1))


def prepare(folder: Path, limit: int | None, seed: int, say: Callable[[str], None]) -> Task:
    """Each epoch draws its own part, so that drawing uses the generator."""
    pool = texts(200, 1)

    def draw(epoch: int, rng: np.random.Generator) -> Texts:
        rows = rng.permutation(len(pool))[:130]
        return Texts([pool.ids[int(n)] for n in rows], pool.y[rows])

    say("Making words up")
    mark = folder / "mark.txt"
    files = {"mark.txt": sha256(mark)} if mark.is_file() else {"made": "up"}
    return Task(
        WORDS, ("no", "yes"), draw, texts(60, 2), files, {}, "words", "none", test=texts(50, 3)
    )


def prepare_short(folder: Path, limit: int | None, seed: int, say: Callable[[str], None]) -> Task:
    """Another way to ready the same words."""
    task = prepare(folder, limit, seed, say)
    return replace(task, files={"short": "made up"}, trained_on="few words")


RECIPE = Recipe(
    "tiny", "Tiny", words_net, FIT, prepare, published=Published("accuracy", 0.9, "nowhere"),
    variants={"short": prepare_short},
)  # fmt: skip


def series_net(size: int) -> ModelSpec:
    """A net for numbers."""
    return ModelSpec(SeriesSpec(size), (RecurrentSpec("gru", 4),), HeadSpec("linear", 1))


def prepare_series(folder: Path, limit: int | None, seed: int, say: Callable[[str], None]) -> Task:
    """Two sine waves; the first is to be foreseen."""
    t = np.arange(400.0)
    data = np.stack([10 * np.sin(t / 9), np.cos(t / 7)], 1)
    window: dict[str, Any] = {"lookback": 12, "step": 2, "delay": 3, "target": 0}
    scaling = Scaling.of(data, ("T (degC)", "p (mbar)"), **window)
    inputs = scaling.apply(data)
    draws = Windows(inputs, **window, draw_from=((12, 300),), draws=96)
    valid = Windows(inputs, **window, rows=np.arange(310, 390))
    return Task(
        scaling, ("T (degC)",), lambda e, rng: draws, valid, {"made": "up"}, {}, "waves", "none"
    )


SERIES = Recipe(
    "tiny-series", "Waves", series_net,
    FitSpec(epochs=3, batch_size=16, optimizer="rmsprop", monitor="loss", rate=1e-2),
    prepare_series,
)  # fmt: skip

RULE = replace(
    SERIES, name="tiny-rule", model=None, baseline=lambda examples: {"loss": 0.5, "mae": 0.5}
)


def find(name: str) -> Recipe:
    """The made-up recipes by name."""
    return {recipe.name: recipe for recipe in (RECIPE, SERIES, RULE)}[name]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs know the recipes of this file, and no other."""
    monkeypatch.setattr(recipes, "find", find)


if __name__ == "__main__":
    recipes.find, run_loop.SAVE_EVERY = find, 0.0  # type: ignore[assignment]
    out = Path(sys.argv[1])
    epochs = int(sys.argv[2])
    print("ready", flush=True)
    if not (out / "spec.json").is_file():
        runs.train("tiny", runs.Options(epochs=epochs), data=out.parent, out=out)
    elif not (out / "result.json").is_file():
        runs.resume(out)
