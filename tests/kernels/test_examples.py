"""Batches gathered on the GPU are those of the host."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernels import standin
from kernels.emulated import ALL_SCHEDULES

from rnnviz.data.batches import Examples, Texts, Windows
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.training.cuda import to_device

RNG = np.random.default_rng(3)
ROWS = [RNG.integers(1, 50, RNG.integers(1, 30)).tolist() for _ in range(23)]
TEXTS = Texts(ROWS, RNG.integers(0, 4, 23).astype(np.float32))
WINDOWS = Windows(
    RNG.normal(size=(90, 5)).astype(np.float32), lookback=24, step=4, delay=3, target=2,
    rows=RNG.permutation(np.arange(24, 86))[:23],
)  # fmt: skip
EXAMPLES: dict[str, Examples] = {
    "texts as long as the longest": TEXTS,
    "padded in front": replace(TEXTS, length=17, padding="front"),
    "padded behind": replace(TEXTS, length=17, padding="end"),
    "weighted": replace(TEXTS, weight=RNG.random(23).astype(np.float32), max_batch=5),
    "windows": WINDOWS,
    "windows from the latest row": replace(WINDOWS, reverse=True),
    "windows drawn": replace(WINDOWS, rows=None, draw_from=((30, 40), (50, 80)), draws=23),
}


@pytest.mark.parametrize("order", ALL_SCHEDULES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_batches_are_those_of_the_host(
    backend: CudaBackend, monkeypatch: pytest.MonkeyPatch, name: str, order: str
) -> None:
    monkeypatch.setattr(standin, "schedule", order)
    examples = EXAMPLES[name]
    on_gpu = to_device(backend, examples)
    assert len(on_gpu) == 23
    wanted = list(examples.batches(8, np.random.default_rng(1)))
    found = list(on_gpu.batches(8, np.random.default_rng(1)))
    assert len(found) == len(wanted)
    for batch, (inputs, y, weight) in zip(found, wanted, strict=True):
        for _ in range(2):  # gathered again each time
            for a, on_host in zip(batch, (inputs, y, weight), strict=True):
                np.testing.assert_array_equal(backend.host(a), on_host)


def test_batches_that_are_skipped_are_not_gathered(emulated_backend: CudaBackend) -> None:
    batches = list(to_device(emulated_backend, TEXTS).batches(8))
    standin.record.clear()
    inputs, _, _ = batches[1]
    assert inputs.shape[1] == 8
    assert standin.record.launches == ["gather_texts"]
