"""Nets written by hand in NumPy: matrices for each gate, compared with their equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnviz.arrays import Array, Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.scan import scan
from rnnviz.errors import UsageError
from rnnviz.interop.contents import (
    DenseOperation,
    ImportOptions,
    ModelContents,
    OpaqueOperation,
    RecurrentOperation,
)
from rnnviz.interop.detection import read_contents

RNG = np.random.default_rng(0)
D, H, T = 3, 4, 6


def numbers(*shape: int) -> Array:
    return RNG.normal(0, 0.5, shape)


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def saved(folder: Path, arrays: Values, **options: str | bool) -> ModelContents:
    np.savez(folder / "net.npz", **arrays)
    return read_contents(folder / "net.npz", ImportOptions(**options))  # type: ignore[arg-type]


def outputs(contents: ModelContents, x: Array) -> Array:
    [op] = [op for op in contents.operations if isinstance(op, RecurrentOperation)]
    found = scan(cell_of(op.spec), dict(op.params["forward"]), x[:, None].astype(np.float32))
    return found.stack("h")[:, 0]


def lstm(x: Array, gate: dict[str, tuple[Array, Array, Array]]) -> Array:
    """h at every step from W (H, D), U (H, H) and b (H) of the gates f i g o."""
    h, c, found = np.zeros(H), np.zeros(H), []
    for x_t in x:
        a = {name: W @ x_t + U @ h + b for name, (W, U, b) in gate.items()}
        c = sigmoid(a["f"]) * c + sigmoid(a["i"]) * np.tanh(a["g"])
        h = sigmoid(a["o"]) * np.tanh(c)
        found.append(h)
    return np.array(found)


GATES = {name: (numbers(H, D), numbers(H, H), numbers(H)) for name in "figo"}
X = numbers(T, D)


@pytest.mark.parametrize("order", ["hx", "xh"])
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("shape", [(H,), (H, 1), (1, H)])
def test_lstm_with_matrices_on_h_and_x_joined(
    tmp_path: Path, order: str, rows: bool, shape: tuple[int, ...]
) -> None:
    arrays: Values = {}
    for letter, (W, U, b) in zip("fico", GATES.values(), strict=True):
        matrix = np.concatenate([U, W] if order == "hx" else [W, U], axis=1)
        arrays[f"W{letter}"] = matrix if rows else matrix.T
        arrays[f"b{letter}"] = b.reshape(shape)
    contents = saved(tmp_path, arrays, concat=order)
    assert np.allclose(outputs(contents, X), lstm(X, GATES), atol=1e-6)
    assert "--concat" not in {a.option for a in contents.assumptions}
    assert "--concat" in {a.option for a in saved(tmp_path, arrays).assumptions}


@pytest.mark.parametrize(
    "names",
    [
        ("W{}", "U{}", "b{}"), ("W_{}", "U_{}", "b_{}"), ("Wx{}", "Wh{}", "b{}"),
        ("W_x{}", "W_h{}", "b_{}"), ("W_{}x", "W_{}h", "b_{}"), ("w_{}", "u_{}", "b_{}"),
        ("lstm/W_{}", "lstm/U_{}", "lstm/b_{}"), ("lstm1_W{}", "lstm1_U{}", "lstm1_b{}"),
        ("W{}1", "U{}1", "b{}1"), ("W_i{}", "W_h{}", "b_{}"), ("W{}", "R{}", "b{}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [True, False])
def test_lstm_with_a_matrix_for_x_and_one_for_h(
    tmp_path: Path, names: tuple[str, str, str], rows: bool
) -> None:
    arrays: Values = {}
    for letter, (W, U, b) in zip("figo", GATES.values(), strict=True):
        for name, array in zip(names, (W, U, b), strict=True):
            arrays[name.format(letter)] = array if rows else array.T
    assert np.allclose(outputs(saved(tmp_path, arrays), X), lstm(X, GATES), atol=1e-6)


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_gru_as_the_user_says(tmp_path: Path, keeps: bool, after: bool) -> None:
    gates = {name: (numbers(H, D), numbers(H, H), numbers(H)) for name in "zrh"}
    h, wanted = np.zeros(H), []
    for x_t in X:
        z, r = (sigmoid(W @ x_t + U @ h + b) for W, U, b in (gates["z"], gates["r"]))
        W, U, b = gates["h"]
        g = np.tanh(W @ x_t + (r * (U @ h) if after else U @ (r * h)) + b)
        h = z * h + (1 - z) * g if keeps else (1 - z) * h + z * g
        wanted.append(h)
    arrays: Values = {}
    for name, (W, U, b) in gates.items():
        arrays |= {f"W_{name}": W, f"U_{name}": U, f"b_{name}": b}
    said = {"update": "keeps" if keeps else "renews", "reset_after": after}
    assert np.allclose(outputs(saved(tmp_path, arrays, **said), X), wanted, atol=1e-6)
    options = {a.option for a in saved(tmp_path, arrays).assumptions}
    assert options == {"--update", "--reset-after"}


@pytest.mark.parametrize(
    "names",
    [("Wxh", "Whh", "bh", "Why", "by"), ("Wax", "Waa", "ba", "Wya", "by"),
     ("U", "W", "b", "V", "c"), ("W_xh", "W_hh", "b_h", "W_hy", "b_y")],
)  # fmt: skip
def test_plain_nets_and_their_output_layer(tmp_path: Path, names: tuple[str, ...]) -> None:
    W, U, b, V, c = numbers(H, D), numbers(H, H), numbers(H, 1), numbers(2, H), numbers(2, 1)
    contents = saved(tmp_path, dict(zip(names, (W, U, b, V, c), strict=True)))
    h, wanted = np.zeros(H), []
    for x_t in X:
        h = np.tanh(W @ x_t + U @ h + b[:, 0])
        wanted.append(h)
    assert np.allclose(outputs(contents, X), wanted, atol=1e-6)
    assert "--activation" in {a.option for a in contents.assumptions}
    if names[0] != "U":
        [dense] = [op for op in contents.operations if isinstance(op, DenseOperation)]
        assert np.allclose(dense.W, V.T, atol=1e-6) and np.allclose(dense.b, c[:, 0], atol=1e-6)


def test_peepholes_are_not_left_out_silently(tmp_path: Path) -> None:
    arrays: Values = {f"W{g}": numbers(H, H + D) for g in "fico"} | {"Wci": numbers(H)}
    contents = saved(tmp_path, arrays)
    assert "peephole" in contents.refusal


def test_square_matrices_of_unknown_orientation_are_not_guessed(tmp_path: Path) -> None:
    arrays: Values = {f"{k}{g}": numbers(H, H) for g in "figo" for k in "WU"}
    contents = saved(tmp_path, arrays | {f"b{g}": numbers(H) for g in "figo"})
    assert "square" in contents.refusal
    contents = saved(tmp_path, arrays | {f"b{g}": numbers(H, 1) for g in "figo"})
    assert not contents.refusal


def test_stacked_gates_in_an_unknown_order_are_not_guessed(tmp_path: Path) -> None:
    contents = saved(
        tmp_path, {"Wx": numbers(D, 4 * H), "Wh": numbers(H, 4 * H), "b": numbers(4 * H)}
    )
    assert contents.refusal
    assert all(isinstance(op, OpaqueOperation) for op in contents.operations)


def test_unknown_values_of_options_are_usage_errors(tmp_path: Path) -> None:
    arrays: Values = {f"W{g}": numbers(H, H + D) for g in "fico"}
    for name in ("concat", "update"):
        with pytest.raises(UsageError, match=f"--{name}"):
            saved(tmp_path, arrays, **{name: "x"})


def test_a_public_lstm_in_numpy(interop_folder: Path) -> None:
    folder = interop_folder / "ariasarch_asxgb"
    contents = read_contents(folder / "lstm_ASGXB_weights.npz")
    [dense] = [op for op in contents.operations if isinstance(op, DenseOperation)]
    with np.load(folder / "expected" / "ariasarch_asxgb.npz") as expected:
        h = outputs(contents, expected["in|x"])
        assert np.abs(h - expected["out|h(sequence)"]).max() < 1e-6
        logits = expected["out|Wy@h+by (before sigmoid/softmax)"]
        assert np.abs(h @ dense.W + dense.b - logits).max() < 1e-6
