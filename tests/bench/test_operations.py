"""The operations of a step are those of the products that NumPy is called with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rnnviz.arrays import Array
from rnnviz.bench.operations import count_operations
from rnnviz.engine import packed_scan
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec

#: (m, k, n) of each product.
products: list[tuple[int, int, int]] = []


class LoggedArray(np.ndarray):
    """An array that logs the matrix products it takes part in, and so do arrays made of it."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        # Biases are summed by a product of a vector of ones, which is not counted.
        if ufunc is np.matmul and all(a.ndim == 2 for a in inputs):
            (m, k), (_, n) = (a.shape for a in inputs)
            products.append((m, k, n))
        plain = [np.asarray(a) for a in inputs]
        if "out" in options:
            options["out"] = tuple(np.asarray(a) for a in options["out"])
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(LoggedArray) if isinstance(result, np.ndarray) else result


def logged(make: Any) -> Any:
    return lambda *given, **options: make(*given, **options).view(LoggedArray)


@pytest.fixture(autouse=True)
def logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packed scan makes logged arrays."""
    made = {name: logged(getattr(np, name)) for name in ("zeros", "empty", "concatenate")}
    monkeypatch.setattr(packed_scan, "np", SimpleNamespace(**{**vars(np), **made}))
    products.clear()


def operations() -> int:
    return sum(2 * m * k * n for m, k, n in products)


def ids(T: int, B: int, padding: str) -> Array:
    """Ids 1 to 6, and padding in front or behind of different lengths, none in one sequence."""
    rng = np.random.default_rng(1)
    made = rng.integers(1, 7, (T, B))
    for column, n in enumerate(rng.permutation(B) % T):
        made[: n if padding == "front" else 0, column] = 0
        if padding == "behind" and n:
            made[-n:, column] = 0
    return made


def embedding(*layers: RecurrentSpec, mask: bool = False, dropout: float = 0) -> ModelSpec:
    source = EmbeddingSpec(7, 5, mask_zero=mask, dropout=dropout)
    return ModelSpec(source, layers, HeadSpec("softmax", 3))


GRU, LSTM = RecurrentSpec("gru", 4), RecurrentSpec("lstm", 3)
BOTH = RecurrentSpec("lstm", 3, bidirectional=True)
SERIES = np.random.default_rng(0).standard_normal((9, 4, 2), np.float32)
CASES: dict[str, tuple[ModelSpec, Array]] = {
    "shared padding": (embedding(LSTM), ids(9, 6, "front")),
    "shared padding, two layers": (embedding(GRU, LSTM), ids(9, 6, "front")),
    "both directions": (embedding(BOTH, GRU), ids(9, 6, "front")),
    "masked": (embedding(BOTH, BOTH, mask=True), ids(9, 6, "behind")),
    "dropout of the embedding": (embedding(LSTM, dropout=0.5), ids(9, 6, "front")),
    "dropout of the input": (embedding(RecurrentSpec("rnn", 4, dropout=0.5)), ids(9, 6, "front")),
    "a series": (ModelSpec(SeriesSpec(2), (GRU, BOTH), HeadSpec("linear", 1)), SERIES),
    "a hidden layer": (
        ModelSpec(SeriesSpec(2), (GRU,), HeadSpec("linear", 1, hidden=8)), SERIES,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_products_are_counted_as_numpy_computes_them(name: str) -> None:
    spec, inputs = CASES[name]
    model = Model(spec, initialise(spec, seed=0))
    model.params = {name: a.view(LoggedArray) for name, a in model.params.items()}
    model.forward(inputs)  # at its first use, a cell is run once with one unit
    products.clear()
    done = model.forward(inputs, np.random.default_rng(0))
    forward = operations()
    model.gradients(done, np.ones_like(done.logits))
    counted = count_operations(spec, inputs, by_word=False)
    assert forward and (forward, operations() - forward) == (counted.forward, counted.backward)


def test_each_word_is_multiplied_once() -> None:
    """Of 9 · 6 tokens and 7 words: the products with W for 7 rows, with U for the tokens."""
    spec = embedding(LSTM)
    counted = count_operations(spec, np.arange(54).reshape(9, 6) % 7)
    W, U, head = 5 * 12, 3 * 12, 3 * 3
    padded = 54  # no sequence but the first begins with padding, so none is shared
    assert counted.tokens == padded
    assert counted.forward == 2 * (7 * W + padded * U + 6 * head)
    assert counted.backward == 2 * counted.forward


def test_functions_are_listed_apart() -> None:
    counted = count_operations(embedding(LSTM), ids(9, 6, "behind"))
    units = counted.tokens * 3
    assert counted.functions == {"sigmoid": 3 * units, "tanh": 3 * units}  # tanh(c) in both passes
