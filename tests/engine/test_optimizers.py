"""A step of the rows that have a gradient is the step of the whole table."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.engine.embedding import WordRows, table_of
from rnnviz.engine.optimizers import OPTIMIZERS


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_are_stepped_as_the_whole_table_would_be(name: str) -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((12, 3))
    other = rng.standard_normal(5)
    whole, by_rows = ({"t": table.copy(), "o": other.copy()} for _ in range(2))
    one, two = OPTIMIZERS[name](0.05), OPTIMIZERS[name](0.05)
    for _ in range(6):  # most words are absent from some batches
        words = np.sort(rng.choice(12, 5, replace=False))
        found = WordRows(words, rng.standard_normal((5, 3)))
        g = rng.standard_normal(5)
        one.step(whole, {"t": table_of(found, (12, 3)), "o": g})
        two.step(by_rows, {"o": g})
        two.step_rows("t", by_rows["t"], found)
    for key in whole:
        np.testing.assert_allclose(by_rows[key], whole[key], 1e-12, 1e-12)
    assert np.abs(whole["t"] - table).mean() > 0.01
    mine, theirs = two.state(), one.state()
    assert mine.keys() == theirs.keys()
    for key in mine:
        np.testing.assert_allclose(mine[key], theirs[key], 1e-12, 1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_rows_alone_can_be_stepped(name: str) -> None:
    rng = np.random.default_rng(1)
    table, optimizer = rng.standard_normal((6, 2)), OPTIMIZERS[name](0.1)
    arrays = [np.ones((6, 2)), np.ones((6, 2))]
    optimizer.adopt("t", arrays)
    before = table.copy()
    optimizer.step({}, {})
    optimizer.step_rows("t", table[:4], WordRows(np.array([1, 3]), np.ones((2, 2))))
    np.testing.assert_array_equal(table[4:], before[4:])
    assert (table[[1, 3]] != before[[1, 3]]).all()
    for a in optimizer.state().values():
        if a.ndim == 2:
            assert (a[4:] == 1).all()
            assert (a[:4] != 1).any()
