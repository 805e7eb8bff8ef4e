"""Cells with other activations: the lines say them, the numbers are Keras's, gradients are true."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from gradcheck import relative_error
from strategies import VARIANTS, arrays, mask, run, state_shapes

from rnnviz.arrays import Array, Values
from rnnviz.cells import CELLS, Cell
from rnnviz.cells.variants import variant
from rnnviz.engine.scan import scan, scan_backward

every_variant = pytest.mark.parametrize("name", VARIANTS)

#: From Keras 3.15.1 (KERAS_BACKEND=torch, set_floatx("float64")), layers of two units with the
#: weights of ``table`` in Keras's order over :data:`X`: LSTM(2, activation="relu") and so on;
#: gru-2014 is GRU(2, reset_after=False);
#: hard_sigmoid is the function ``ops.clip(0.2 * a + 0.5, 0, 1)`` as recurrent_activation. Keras's
#: ops.matmul was replaced by torch.matmul: it multiplies float64 in the precision of float32.
#: First the last outputs, row by row; then the sums of (gradient · 1, 2, 3 …) over W, U, b and x,
#: the objective being Σ output · TARGET.
KERAS = {
    "rnn relu": (
        [8.32940859213, 0.0, 6.37454552867, 0.0],
        [-2.22063415633, 59.6938455842, 23.4599765899, -4.7821401132],
    ),
    "lstm relu": (
        [0.305330750547, 0.0151986972032, 1.27438635824, 1.69278653242],
        [65.7631793529, 66.8785082015, 52.6788241351, 79.0842084965],
    ),
    "lstm hard_sigmoid": (
        [0.314297660355, 0.0, 0.184932206147, 0.0867897286804],
        [14.7096651035, 5.34887585272, 8.01660365078, -2.8048068933],
    ),
    "lstm relu hard_sigmoid": (
        [0.292815191684, 0.0, 1.76633428197, 1.66003352716],
        [104.64699307, 75.345982526, 80.3697244912, 126.911338374],
    ),
    "gru relu": (
        [0.00814409573185, 0.0111275404975, 0.0654001576253, 0.481336564988],
        [3.60042895207, -0.222037409038, 0.252983588353, 2.42685893505],
    ),
    "gru hard_sigmoid": (
        [-0.998460219459, -0.511754140199, -0.566726151176, -0.263475757708],
        [71.8605061839, 4.40304527564, -6.93234623203, -5.14269425048],
    ),
    "gru-2014": (
        [-0.943929773056, 0.399417060422, -0.446608475761, 0.179674640175],
        [58.8129845881, -1.93076836807, -3.14594283902, -2.7323647476],
    ),
    "gru-2014 relu": (
        [0.0170116291698, 0.285890876729, 0.284087285567, 0.309511826828],
        [69.208330519, -6.28832462303, -5.33080587469, -1.90483461005],
    ),
    "gru-2014 hard_sigmoid": (
        [-0.993555816537, 0.36993533158, -0.362716484727, 0.131391033986],
        [63.6698546138, -1.6203540693, -3.64608276713, -3.52339816008],
    ),
}
X = 2 * np.cos(np.arange(1, 21)).reshape(2, 5, 2)  # (B, T, D)
TARGET = np.array([[1.0, -2.0], [3.0, 0.5]])


def table(cell: Cell) -> Values:
    """Weights W, U, b cut in this order from 1.5·sin(1.7), 1.5·sin(3.4), ..."""
    found, start = {}, 1
    for key, shape in cell.shapes(2, 2).items():
        end = start + int(np.prod(shape))
        found[key] = 1.5 * np.sin(1.7 * np.arange(start, end)).reshape(shape)
        start = end
    return found


@pytest.mark.parametrize("name", KERAS)
def test_outputs_and_gradients_are_those_of_keras(name: str) -> None:
    """To all the digits that were written down."""
    cell = VARIANTS[name]
    p = table(cell)
    done = scan(cell, p, X.swapaxes(0, 1))
    back = scan_backward(cell, p, done, d_last={"h": TARGET})
    outputs, sums = KERAS[name]
    np.testing.assert_allclose(done.last["h"].ravel(), outputs, 1e-10)
    grads = [*(back.params[key] for key in ("W", "U", "b")), back.x.swapaxes(0, 1)]
    weighted = [np.vdot(g, np.arange(1.0, g.size + 1)) for g in grads]
    np.testing.assert_allclose(weighted, sums, 1e-10)


def part(values: Values, prefix: str) -> Values:
    """The arrays whose names begin with this, without it."""
    return {n.removeprefix(prefix): a for n, a in values.items() if n.startswith(prefix)}


@every_variant
@pytest.mark.parametrize("masked", ["none", "holes"])
@pytest.mark.parametrize("dropped", [False, True], ids=["", "recurrent dropout"])
def test_gradients_are_those_of_differences(name: str, masked: str, dropped: bool) -> None:
    """Of weights, inputs and initial states; the seeds meet no corner of relu."""
    T, B, D, H = 5, 3, 3, 4
    cell = VARIANTS[name]
    rng = np.random.default_rng([list(VARIANTS).index(name), masked == "holes", dropped])
    read = mask(masked, T, B, rng)
    p = arrays(cell.shapes(D, H), rng)
    states = state_shapes(cell, p, B)
    drop = (rng.random((len(cell.gates), *states["h"])) < 0.7) / 0.7 if dropped else None
    at = {"x": rng.standard_normal((T, B, D))}
    at |= {f"p.{key}": a for key, a in p.items()}
    at |= {f"initial.{s}": a for s, a in arrays(states, rng).items()}
    d_h, d_last = rng.standard_normal((T, *states["h"])), arrays(states, rng)

    def forward(v: Values):  # type: ignore[no-untyped-def]
        initial = part(v, "initial.")
        return scan(cell, part(v, "p."), v["x"], read, initial=initial, recurrent_mask=drop)

    def objective(v: Values) -> float:
        done = forward(v)
        ends = sum(float(np.vdot(d_last[s], done.last[s])) for s in cell.states)
        return float(np.vdot(d_h, done.stack("h"))) + ends

    back = scan_backward(cell, part(at, "p."), forward(at), d_h=d_h, d_last=d_last)
    grads = {"x": back.x} | {f"p.{key}": g for key, g in back.params.items()}
    grads |= {f"initial.{s}": g for s, g in back.initial.items()}
    assert relative_error(objective, at, grads, rng) < 1e-8


def formulas(cell: Cell) -> dict[str, str]:
    """The formula of each line, forward and backward."""
    return {line.name: line.formula for line in (*cell.lines, *cell.back)}


def test_the_lines_say_the_other_functions_and_their_slopes() -> None:
    """And only where the cell's own lines say tanh and sigmoid."""
    own, other = formulas(CELLS["lstm"]), formulas(variant(CELLS["lstm"], "relu", "hard_sigmoid"))
    assert {name: other[name] for name in own if own[name] != other[name]} == {
        "f": "hard_sigmoid(a_f)",
        "i": "hard_sigmoid(a_i)",
        "g": "relu(a_g)",
        "o": "hard_sigmoid(a_o)",
        "h": "o * relu(c)",
        "d_o": "d_h * relu(c)",
        "d_a_o": "d_o * slope(o)",
        "d_c": "d_h * o * step(relu(c)) + d_c_next",
        "d_a_g": "d_g * step(g)",
        "d_a_i": "d_i * slope(i)",
        "d_a_f": "d_f * slope(f)",
    }
    own, other = formulas(CELLS["gru"]), formulas(variant(CELLS["gru"], "tanh", "hard_sigmoid"))
    assert {name: other[name] for name in own if own[name] != other[name]} == {
        "r": "hard_sigmoid(a_r)",
        "z": "hard_sigmoid(a_z)",
        "d_a_z": "d_z * slope(z)",
        "d_a_r": "d_r * slope(r)",
    }


def test_what_is_left_out_and_turned_round_is_so_in_the_lines() -> None:
    """The identity is not written; where z renews, z and 1 − z change places."""
    plain = formulas(variant(CELLS["rnn"], "identity"))
    assert (plain["h"], plain["d_a"]) == ("a", "d_h")
    own = formulas(CELLS["lstm"])
    shown = formulas(variant(CELLS["lstm"], "tanh", "sigmoid", "identity"))
    assert {name: shown[name] for name in own if own[name] != shown[name]} == {
        "h": "o * c",
        "d_o": "d_h * c",
        "d_c": "d_h * o + d_c_next",
    }
    own, other = formulas(CELLS["gru"]), formulas(variant(CELLS["gru"], keeps=False))
    assert {name: other[name] for name in own if own[name] != other[name]} == {
        "h": "(1 - z) * h_prev + z * g",
        "d_z": "d_h * (g - h_prev)",
        "d_g": "d_h * z",
        "d_h_prev": "d_h * (1 - z) + d_a_z @ U_z.T + d_a_r @ U_r.T + d_q @ U_g.T",
    }


def test_choices_that_a_cell_has_no_use_for_change_nothing() -> None:
    """A z in LSTM, a gated output in GRU."""
    assert variant(CELLS["lstm"], keeps=False) is CELLS["lstm"]
    assert variant(CELLS["gru"], "tanh", "sigmoid", "relu") is CELLS["gru"]
    assert variant(CELLS["lstm"], "relu", "sigmoid", "tanh").title == "LSTM, relu, tanh output"
    assert variant(CELLS["gru"], keeps=False).title == "GRU, z renews"


def test_a_gru_that_renews_is_one_that_keeps_with_the_weights_of_z_negated() -> None:
    for name in ("gru", "gru-2014"):
        r = run(variant(CELLS[name], keeps=False), np.random.default_rng(3))
        turned = {key: a.copy() for key, a in r.p.items()}
        for a in turned.values():
            a[..., : a.shape[-1] // 3] *= -1
        other = scan(CELLS[name], turned, r.done.x, initial=r.done.initial)
        np.testing.assert_allclose(r.done.stack("h"), other.stack("h"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_a_variant_is_made_once_and_the_usual_one_is_the_cell_itself(name: str) -> None:
    """So that it may be asked for at every step."""
    cell = CELLS[name]
    assert variant(cell) is variant(cell, "tanh", "sigmoid") is cell
    assert variant(cell, "relu", "hard_sigmoid") is variant(cell, "relu", "hard_sigmoid")
    assert variant(cell, "relu") != variant(cell, "tanh", "hard_sigmoid")


def test_the_gru_of_2014_has_the_parameters_keras_counts() -> None:
    """GRU(32, reset_after=False) over the 14 measurements of Jena, and Dense(1): 4,545."""
    arrays = CELLS["gru-2014"].shapes(14, 32)
    assert arrays == {"W": (14, 96), "U": (32, 96), "b": (96,)}
    assert sum(int(np.prod(shape)) for shape in arrays.values()) + 33 == 4545


def test_a_variant_is_its_cell_in_all_but_activations() -> None:
    """Its name too: files and drawings are found by it."""
    for cell, pair in itertools.product(CELLS.values(), (("relu",), ("tanh", "hard_sigmoid"))):
        other = variant(cell, *pair)
        assert (other.name, other.gates, other.states) == (cell.name, cell.gates, cell.states)
        assert other.shapes(3, 4) == cell.shapes(3, 4)
    assert variant(CELLS["gru"], "relu").title == "GRU, relu"
    assert variant(CELLS["lstm"], "relu", "hard_sigmoid").title == "LSTM, relu, hard sigmoid"


@pytest.mark.parametrize("pair", [("softmax", "sigmoid"), ("tanh", "gelu"), ("swish", "sigmoid")])
def test_an_activation_that_there_is_not_is_a_key_error(pair: tuple[str, str]) -> None:
    """The slopes of gelu and swish do not follow from their outputs."""
    with pytest.raises(KeyError):
        variant(CELLS["gru"], *pair)


@every_variant
def test_float32_stays_float32(name: str) -> None:
    """Forward and backward: a constant of a slope must not widen anything."""
    r = run(VARIANTS[name], np.random.default_rng(1))
    p = {key: a.astype(np.float32) for key, a in r.p.items()}
    done = scan(r.cell, p, r.done.x.astype(np.float32))
    d_h: Array = np.ones_like(done.stack("h"))
    back = scan_backward(r.cell, p, done, d_h=d_h)
    for values in (*done.steps, *back.steps, back.params):
        assert {a.dtype for a in values.values()} == {np.dtype(np.float32)}
