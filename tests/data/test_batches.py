"""Batches: padding on either side, fixed lengths, windows of a series."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.data.batches import Texts, Windows, pad_sequences
from rnnviz.data.series import sequential_rows

ROWS = [[5, 6], [7], [8, 9, 4, 3, 2]]


def test_padding_is_that_of_keras() -> None:
    """The literals are what keras.utils.pad_sequences(…, maxlen=3) of Keras 3.15 returns."""
    assert pad_sequences(ROWS, 3, "front").T.tolist() == [[0, 5, 6], [0, 0, 7], [4, 3, 2]]
    assert pad_sequences(ROWS, 3, "end").T.tolist() == [[5, 6, 0], [7, 0, 0], [8, 9, 4]]


def test_a_fixed_length_stands_even_where_every_text_is_shorter() -> None:
    texts = Texts([[5], [6, 7]], np.zeros(2, np.float32), None, "front", 4)
    ((ids, _, _),) = texts.batches(9)
    assert sorted(ids.T.tolist()) == [[0, 0, 0, 5], [0, 0, 6, 7]]


@given(st.lists(st.lists(st.integers(2, 9), max_size=6), min_size=1, max_size=40), st.booleans())
def test_every_text_comes_once_with_its_own_target(rows: list[list[int]], bucketed: bool) -> None:
    y = np.arange(len(rows), dtype=np.float32)
    texts = Texts(rows, y, None, "front", bucketed=bucketed)
    seen = {}
    for ids, targets, weight in texts.batches(7, np.random.default_rng(1)):
        assert (weight == 1).all()
        for column, target in zip(ids.T.tolist(), targets, strict=True):
            seen[int(target)] = [n for n in column if n]
    assert [seen[n] for n in range(len(rows))] == rows


def test_without_buckets_the_order_is_a_plain_shuffle() -> None:
    texts = Texts([[n + 2] for n in range(9)], np.arange(9, dtype=np.float32), bucketed=False)
    drawn = [y.tolist() for _, y, _ in texts.batches(4, np.random.default_rng(3))]
    expected = np.random.default_rng(3).permutation(9)
    assert [n for batch in drawn for n in batch] == expected.tolist()
    assert [n for _, y, _ in texts.batches(4) for n in y] == list(range(9))


def test_a_batch_is_never_larger_than_its_bound() -> None:
    texts = Texts([[2]] * 10, np.zeros(10, np.float32), max_batch=4)
    assert [len(y) for _, y, _ in texts.batches(256)] == [4, 4, 2]
    assert [len(y) for _, y, _ in texts.batches(3)] == [3, 3, 3, 1]


# -- windows ------------------------------------------------------------------------------------


def generator(
    data: np.ndarray, lookback: int, delay: int, low: int, high: int | None, size: int, step: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The lecture's generator for validation, line by line."""
    if high is None:
        high = len(data) - delay - 1
    i = low + lookback
    while True:
        if i + size >= high:
            i = low + lookback
        rows = np.arange(i, min(i + size, high))
        i += len(rows)
        samples = np.zeros((len(rows), lookback // step, data.shape[-1]))
        targets = np.zeros((len(rows),))
        for j in range(len(rows)):
            samples[j] = data[range(rows[j] - lookback, rows[j], step)]
            targets[j] = data[rows[j] + delay][1]
        yield samples, targets


@pytest.mark.parametrize("high", [100, 101, 99, None])
@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_windows_in_order_are_those_of_the_lecture_wrapping_included(
    high: int | None, count: int
) -> None:
    data = np.random.default_rng(0).normal(size=(130, 3)).astype(np.float32)
    end = len(data) - 9 - 1 if high is None else high
    rows = sequential_rows(20 + 12, end, 16, count)
    windows = Windows(data, lookback=12, step=3, delay=9, target=1, rows=rows)
    theirs = generator(data, 12, 9, 20, high, 16, 3)
    batches = list(windows.batches(16))
    assert len(batches) == count
    for (x, y, w), (samples, targets) in zip(batches, theirs, strict=False):
        np.testing.assert_array_equal(x.transpose(1, 0, 2), samples)
        np.testing.assert_array_equal(y, targets)
        assert (w == 1).all()


def test_a_batch_that_would_touch_the_end_starts_again() -> None:
    assert sequential_rows(0, 9, 4, 3).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]
    assert sequential_rows(0, 8, 4, 2).tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert sequential_rows(0, 8, 4, 0).tolist() == []


def test_rows_are_drawn_anew_within_their_bounds_for_every_epoch() -> None:
    data = np.arange(400, dtype=np.float32).reshape(200, 2)
    windows = Windows(data, 10, 5, 3, 1, draw_from=((10, 20),), draws=500)
    rng = np.random.default_rng(0)
    epochs = [np.concatenate([y for _, y, _ in windows.batches(64, rng)]) for _ in range(2)]
    assert len(epochs[0]) == len(windows) == 500
    assert set(epochs[0]) == {data[row + 3, 1] for row in range(10, 20)}
    assert (epochs[0] != epochs[1]).any()
    with pytest.raises(ValueError, match="needs a random generator"):
        next(windows.batches(64))


def test_rows_are_drawn_from_every_stretch_by_its_length_and_from_nothing_between() -> None:
    data = np.arange(400, dtype=np.float32).reshape(200, 2)
    windows = Windows(data, 10, 5, 3, 1, draw_from=((10, 20), (50, 80)), draws=8000)
    y = np.concatenate([y for _, y, _ in windows.batches(64, np.random.default_rng(0))])
    rows = (y.astype(int) - 1) // 2 - 3
    assert set(rows) == {*range(10, 20), *range(50, 80)}
    assert 0.22 < (rows < 20).mean() < 0.28


def test_a_reversed_window_has_the_same_readings_the_other_way_round() -> None:
    data = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    rows = np.array([30, 31])
    (one,) = Windows(data, 12, 3, 4, 1, rows=rows).batches(9)
    (other,) = Windows(data, 12, 3, 4, 1, rows=rows, reverse=True).batches(9)
    np.testing.assert_array_equal(one[0][::-1], other[0])
    np.testing.assert_array_equal(one[1], other[1])


def test_the_generator_is_used_before_the_first_batch_only() -> None:
    texts = Texts([[2]] * 9, np.zeros(9, np.float32))
    windows = Windows(np.zeros((50, 2), np.float32), 4, 1, 1, 0, draw_from=((4, 40),), draws=9)
    for examples in (texts, windows):
        rng = np.random.default_rng(0)
        batches = examples.batches(2, rng)
        next(batches)
        after = rng.bit_generator.state
        list(batches)
        assert rng.bit_generator.state == after
