"""The walk back over one sequence gives what the plain walk and the Jacobians give."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.cells import CELLS
from rnnviz.engine import initializers
from rnnviz.engine.reach import (
    reach,
    scan_backward_with_reach,
    spectral_norms,
    with_fewer_rows,
)
from rnnviz.engine.scan import scan, scan_backward

T, D, H = 23, 4, 5


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("asked", ["last", "every step", "both"])
@pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))
def test_one_sequence_walks_back_to_the_same_gradients(
    cell: object, asked: str, masked: bool, reverse: bool
) -> None:
    assert hasattr(cell, "states")
    rng = np.random.default_rng(7)
    p = {k: a + 0.3 * rng.normal(size=a.shape) for k, a in
         initializers.recurrent(rng, cell, D, H).items()}  # type: ignore[arg-type] # fmt: skip
    mask = rng.random((T, 1)) < 0.7 if masked else None
    done = scan(cell, p, rng.normal(size=(T, 1, D)), mask, reverse=reverse)  # type: ignore[arg-type]
    d_h = rng.normal(size=(T, 1, H)) if asked != "last" else None
    d_last = {s: rng.normal(size=(1, H)) for s in cell.states} if asked != "every step" else None
    plain = scan_backward(cell, p, done, d_h, d_last)  # type: ignore[arg-type]
    quick, far = scan_backward_with_reach(cell, p, done, d_h, d_last)  # type: ignore[arg-type]
    assert set(plain.names) == set(quick.names)
    for name in plain.names:
        np.testing.assert_allclose(quick.stack(name), plain.stack(name), 1e-10, 1e-12, err_msg=name)
        np.testing.assert_allclose(quick.steps[3][name], plain.steps[3][name], 1e-10, 1e-12)
    np.testing.assert_allclose(quick.x, plain.x, 1e-10, 1e-12)
    for name, gradient in plain.params.items():
        np.testing.assert_allclose(quick.params[name], gradient, 1e-9, 1e-11, err_msg=name)
    for state, gradient in plain.initial.items():
        np.testing.assert_allclose(quick.initial[state], gradient, 1e-10, 1e-12)
    np.testing.assert_array_equal(far, reach(cell, p, done))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [1, 3, 160])
def test_the_norm_of_a_wide_matrix_is_its_largest_singular_value(rank: int, dtype: type) -> None:
    """Also of one of low rank, as products of many Jacobians are, and of zeros."""
    rng = np.random.default_rng(rank)
    decay = 0.8 ** np.arange(rank)
    J = (rng.normal(size=(4, 160, rank)) * decay) @ rng.normal(size=(4, rank, 160))
    J = np.concatenate([J, np.zeros((1, 160, 160))]).astype(dtype)
    true = np.linalg.svd(J.astype(np.float64), compute_uv=False)[:, 0]
    np.testing.assert_allclose(spectral_norms(J), true, rtol=2e-6)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
@pytest.mark.parametrize(("cell", "units"), [("lstm", 70), ("gru", 132), ("rnn", 132)])
def test_wide_products_lose_rows_and_no_norm(cell: str, units: int, scale: float) -> None:
    rng = np.random.default_rng(5)
    p = {k: scale * a for k, a in initializers.recurrent(rng, CELLS[cell], D, units).items()}
    x = rng.normal(size=(60, 1, D))
    true = reach(CELLS[cell], p, scan(CELLS[cell], p, x))
    p32 = {k: a.astype(np.float32) for k, a in p.items()}
    done = scan(CELLS[cell], p32, x.astype(np.float32))
    back, far = scan_backward_with_reach(
        CELLS[cell], p32, done, np.ones((60, 1, units), np.float32)
    )
    np.testing.assert_allclose(far, true, rtol=1e-2)  # of equal singular values Lanczos finds less
    plain = scan_backward(CELLS[cell], p32, done, np.ones((60, 1, units), np.float32))
    np.testing.assert_allclose(back.x, plain.x, 1e-4, 1e-4 * float(np.abs(plain.x).max()))


def test_the_reduced_matrix_has_the_same_large_singular_values() -> None:
    rng = np.random.default_rng(3)
    J = (rng.normal(size=(150, 20)) * 0.3 ** np.arange(20)) @ rng.normal(size=(20, 150))
    found = with_fewer_rows(J.astype(np.float32))
    assert found.shape[0] < 20 and found.shape[1] == 150
    true = np.linalg.svd(J, compute_uv=False)
    own = np.linalg.svd(found.astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(own[:8], true[:8], rtol=1e-3)
    np.testing.assert_allclose(own[0], true[0], rtol=1e-6)
    assert with_fewer_rows(np.zeros((9, 9), np.float32)).shape == (1, 9)
