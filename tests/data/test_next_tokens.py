"""The windows and whole texts that nets which write are trained on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rnnviz.data.next_tokens import TextWindows, WholeTexts

IDS = np.arange(1, 104)


@pytest.mark.parametrize("stateful", [False, True])
def test_the_target_of_a_step_is_the_token_after_it(stateful: bool) -> None:
    batches = list(TextWindows(IDS, 10, stateful).batches(4, np.random.default_rng(0)))
    assert batches
    for inputs, y, weight in batches:
        np.testing.assert_array_equal(y, inputs + 1)
        np.testing.assert_array_equal(inputs[1:], inputs[:-1] + 1)
        assert weight.shape == inputs.shape[1:]


def test_windows_in_order_cover_the_text_once() -> None:
    windows = TextWindows(IDS, 10)
    columns = np.concatenate([inputs for inputs, _, _ in windows.batches(4)], axis=1)
    assert columns.shape == (10, len(windows)) == (10, 10)
    np.testing.assert_array_equal(columns.T.ravel(), IDS[:100])


def test_drawn_windows_are_in_another_order_and_begin_elsewhere() -> None:
    windows = TextWindows(IDS, 10)
    begins = [
        np.concatenate([inputs[0] for inputs, _, _ in windows.batches(4, np.random.default_rng(n))])
        for n in range(8)
    ]
    assert {int(b.min()) for b in begins} == {1, 2, 3}  # two tokens are left over
    assert len({tuple(b) for b in begins}) == 8
    for b in begins:
        np.testing.assert_array_equal(np.diff(np.sort(b)), 10)


@pytest.mark.parametrize("size", [1, 3, 4, 10, 16])
def test_stateful_windows_go_on_where_the_last_batch_ended(size: int) -> None:
    windows = TextWindows(IDS, 10, stateful=True)
    batches = [inputs for inputs, _, _ in windows.batches(size, np.random.default_rng(0))]
    assert len(batches) == -(-len(windows) // size)
    assert {inputs.shape for inputs in batches} == {(10, size)}
    for before, after in pairwise(batches):
        np.testing.assert_array_equal(after[0], before[-1] + 1)
    seen = set(np.concatenate(batches).ravel().tolist())
    assert seen == set(IDS[:100].tolist())


def test_a_text_shorter_than_a_window_has_none() -> None:
    assert len(TextWindows(IDS[:10], 10)) == 0
    assert not list(TextWindows(IDS[:10], 10).batches(4, np.random.default_rng(0)))
    assert len(TextWindows(IDS[:0], 10)) == 0


def test_whole_texts_are_padded_behind_and_read_to_their_last_but_one_token() -> None:
    texts = WholeTexts([[1, 5, 6, 1], [1, 7, 1]])
    ((inputs, y, weight),) = texts.batches(8)
    np.testing.assert_array_equal(inputs.T, [[1, 5, 6], [1, 7, 0]])
    np.testing.assert_array_equal(y.T, [[5, 6, 1], [7, 1, 0]])
    assert weight.tolist() == [1, 1]
