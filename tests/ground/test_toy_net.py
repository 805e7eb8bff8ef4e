"""A net by hand calculated with ``math`` alone, its gradients by finite differences, its edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, isclose, tanh

import numpy as np
import pytest

from rnnviz.analysis import toy_net
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.toy_net import CELLS, EXAMPLE, MOST, ToyNet, WeightEntry, model_of
from rnnviz.toy_net.default_nets import default_net, for_model
from rnnviz.toy_net.edits import changed, edited
from rnnviz.toy_net.number_text import inputs, number_literal
from rnnviz.trace import Trace
from rnnviz.tracer import tracer

TEXT = "1 0 -0.5 1"
READ = tracer()


def trace(hand: ToyNet, text: str = TEXT, target: str | None = None) -> Trace:
    """The trace of a net by hand."""
    return READ(Query(text, model_of(hand.cell), target, hand=hand))


def uneven(cell: str, units: int) -> ToyNet:
    """A net in which no two numbers are alike, so that none can stand in for another."""
    hand, n = default_net(cell, units), 0
    for name in hand.names:
        for entry in hand.entries(name):
            n += 1
            hand = hand.changed(entry, round((-1) ** n * (0.1 + 0.03 * n), 4))
    return hand


def sigma(a: float) -> float:
    return 1 / (1 + exp(-a))


# -- the same steps with a calculator -----------------------------------------------------------


def rnn_step(w: Callable[[str], float], x: float, s: dict[str, float]) -> dict[str, float]:
    return {"h": tanh(x * w("W") + s["h"] * w("U") + w("b"))}


def lstm_step(w: Callable[[str], float], x: float, s: dict[str, float]) -> dict[str, float]:
    f = sigma(x * w("W_f") + s["h"] * w("U_f") + w("b_f"))
    i = sigma(x * w("W_i") + s["h"] * w("U_i") + w("b_i"))
    g = tanh(x * w("W_g") + s["h"] * w("U_g") + w("b_g"))
    o = sigma(x * w("W_o") + s["h"] * w("U_o") + w("b_o"))
    c = f * s["c"] + i * g
    return {"f": f, "i": i, "g": g, "o": o, "c": c, "h": o * tanh(c)}


def gru_step(w: Callable[[str], float], x: float, s: dict[str, float]) -> dict[str, float]:
    r = sigma(x * w("W_r") + w("b_r") + s["h"] * w("U_r") + w("b_rr"))
    z = sigma(x * w("W_z") + w("b_z") + s["h"] * w("U_z") + w("b_rz"))
    g = tanh(x * w("W_g") + w("b_g") + r * (s["h"] * w("U_g") + w("b_rg")))
    return {"r": r, "z": z, "g": g, "h": z * s["h"] + (1 - z) * g}


def gru_2014_step(w: Callable[[str], float], x: float, s: dict[str, float]) -> dict[str, float]:
    r = sigma(x * w("W_r") + w("b_r") + s["h"] * w("U_r"))
    z = sigma(x * w("W_z") + w("b_z") + s["h"] * w("U_z"))
    g = tanh(x * w("W_g") + w("b_g") + r * s["h"] * w("U_g"))
    return {"r": r, "z": z, "g": g, "h": z * s["h"] + (1 - z) * g}


STEPS = {"rnn": rnn_step, "lstm": lstm_step, "gru": gru_step, "gru-2014": gru_2014_step}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("make", [default_net, uneven])
def test_one_unit_is_what_a_calculator_says(cell: str, make: Callable[[str, int], ToyNet]) -> None:
    hand = make(cell, 1)
    done = trace(hand)

    def w(name: str) -> float:
        return hand.array(name)[0][0]

    state = {name: w(name) for name, _ in hand.initial}
    for t, x in enumerate([1.0, 0.0, -0.5, 1.0]):
        state |= STEPS[cell](w, x, state)
        for name, value in state.items():
            assert isclose(done.layers[0].values[name][t, 0], value, abs_tol=1e-12), (t, name)
        p = sigma(state["h"] * w("W_y") + w("b_y"))
        assert isclose(done.head.readout[t, 1], p, abs_tol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_many_units_read_each_other_by_row_of_u(cell: str) -> None:
    H = 3
    hand = uneven(cell, H)
    layer = trace(hand).layers[0]
    gates = {"rnn": [""], "lstm": ["_f", "_i", "_g", "_o"], "gru": ["_r", "_z"]}
    gates = gates.get(cell, ["_r", "_z"])
    for gate in gates:
        for unit in range(H):
            before = layer.values["h"][1]
            total = layer.values["x"][2, 0] * hand.array(f"W{gate}")[0][unit]
            total += sum(before[k] * hand.array(f"U{gate}")[k][unit] for k in range(H))
            total += hand.array(f"b{gate}")[0][unit]
            if cell == "gru":
                total += hand.array(f"b_r{gate[1:]}")[0][unit]
            assert isclose(layer.values[f"a{gate}"][2, unit], total, abs_tol=1e-12)


def test_the_trace_says_what_it_is() -> None:
    done = trace(default_net("lstm"), "1 0.5 -1")
    assert (done.model, done.dtype, done.tokens) == ("lstm by hand", "float64", ("1", "0.5", "-1"))
    assert done.head.labels == ("0", "1") and done.unknown == (False,) * 3


# -- gradients ----------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_x_and_of_the_first_state_are_finite_differences(
    cell: str, units: int
) -> None:
    hand, e = uneven(cell, units), 0.0001
    layer = trace(hand, target="1").layers[0]

    def slope(entry: WeightEntry, at: float) -> float:
        ends = []
        for value in (at + e, at - e):
            net, text = changed(hand, TEXT, entry, value)
            ends.append(trace(net, text, "1").head.loss)
        return (ends[0] - ends[1]) / (2 * e)

    for t, (x,) in enumerate(inputs(TEXT)):
        assert isclose(layer.grads["x"][t, 0], slope(WeightEntry("x", t, 0), x), rel_tol=1e-5)
    for state in layer.states:
        for entry in hand.entries(state):
            wanted = slope(entry, hand.value(entry))
            assert isclose(layer.grads[f"{state}_prev"][0, entry.column], wanted, rel_tol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_the_pre_activations_give_those_of_the_biases(cell: str) -> None:
    hand, e = uneven(cell, 2), 0.0001
    layer = trace(hand, target="1").layers[0]
    for name, _ in hand.weights:
        if not name.startswith("b") or name == "b_y" or (cell == "gru" and name == "b_rg"):
            continue
        gate = toy_net.gate_of_weight(name)
        d = layer.grads[f"a_{gate}" if gate else "a"].sum(0)
        for entry in hand.entries(name):
            ends = [
                trace(hand.changed(entry, hand.value(entry) + step), target="1").head.loss
                for step in (e, -e)
            ]
            assert isclose(d[entry.column], (ends[0] - ends[1]) / (2 * e), rel_tol=1e-5), name


# -- what the first nets do -----------------------------------------------------------------------


def says(cell: str, text: str) -> list[float]:
    """The prediction after each token."""
    return [float(p) for p in trace(default_net(cell), text).head.readout[:, 1]]


def test_the_rnn_forgets() -> None:
    h = trace(default_net("rnn"), "1 0 0 0").layers[0].values["h"][:, 0]
    assert (h[1:] < h[:-1] / 2).all() and h[0] > 0.7
    p = says("rnn", "1 0 0 0")
    assert p[0] > 0.9 and p[-1] < 0.2


def test_the_lstm_remembers_the_first_1_and_is_erased_by_a_minus_1() -> None:
    p = says("lstm", "0 1 0 0 0 1 -1 0")
    assert p[0] < 0.1 and min(p[1:6]) > 0.8 and max(p[6:]) < 0.1
    c = trace(default_net("lstm"), "1 1").layers[0].values["c"][:, 0]
    assert abs(c[1] - c[0]) < 0.05


def test_the_gru_writes_at_a_1_and_keeps_at_a_0() -> None:
    layer = trace(default_net("gru"), "0 1 0 0 0").layers[0]
    assert layer.values["h"][0, 0] == 0
    assert (layer.values["h"][1:, 0] > 0.8).all()
    assert layer.values["z"][1, 0] < 0.2 and (layer.values["z"][2:, 0] > 0.9).all()


@pytest.mark.parametrize("units", range(1, MOST + 1))
@pytest.mark.parametrize("cell", CELLS)
def test_first_numbers_have_one_decimal_and_are_read_back_from_the_trace(
    cell: str, units: int
) -> None:
    hand = default_net(cell, units)
    every = [hand.value(e) for name in hand.names for e in hand.entries(name)]
    assert all(round(value, 1) == value and abs(value) <= 10 for value in every)
    assert toy_net.toy_net_of(trace(hand, EXAMPLE)) == hand


def test_a_larger_net_is_none_by_hand() -> None:
    from tests.tui.small_models import made

    assert toy_net.toy_net_of(made()) is None


# -- another cell, another text -------------------------------------------------------------------


def test_a_cell_named_by_the_model_is_the_one_that_reads() -> None:
    hand = default_net("lstm", 2)
    assert for_model(hand, "gru by hand") == default_net("gru", 2)
    assert for_model(hand, "sentiment-rnn") == default_net("rnn", 2)
    assert for_model(hand.changed(WeightEntry("b_y", 0, 0), 1.0), "sentiment-lstm").array(
        "b_y"
    ) == ((1,),)
    assert READ(Query("1", "rnn by hand")).layers[0].cell == "rnn"


def test_random_weights_have_the_same_shapes() -> None:
    one = READ(Query("1 0", "lstm by hand", random=1, hand=default_net("lstm", 2)))
    other = trace(default_net("lstm", 2), "1 0")
    assert one.layers[0].values["h"].shape == other.layers[0].values["h"].shape
    assert not np.allclose(one.layers[0].values["h"], other.layers[0].values["h"])


# -- typed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
def test_every_edit_is_the_trace_of_that_weight(cell: str) -> None:
    hand = uneven(cell, 2)
    before = trace(hand)
    for name in hand.names:
        for entry in hand.entries(name):
            net, text = edited(hand, TEXT, f"{hand.written(entry)}=5")
            assert net == hand.changed(entry, 5.0) and text == TEXT
            after = trace(net, text)
            moved = not np.array_equal(after.head.readout, before.head.readout)
            assert moved, hand.written(entry)


def test_an_edit_changes_one_place_and_without_an_index_all() -> None:
    hand = default_net("lstm", 2)
    net, _ = edited(hand, TEXT, " U_i [0,1] = -1 ")
    assert net.array("U_i") == ((-10.0, -1.0), (0.0, 0.0))
    net, _ = edited(hand, TEXT, "b_o=2.5")
    assert net.array("b_o") == ((2.5, 2.5),)
    net, _ = edited(hand, TEXT, "h[1]=0.3")
    assert net.array("h") == ((0.0, 0.3),)
    same, text = edited(hand, "1 0 1", "x[1]=−.5")
    assert same == hand and text == "1 -0.5 1"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("W_f", "W_f=0.5"),
        ("W_k=1", "Did you mean 'W_"),
        ("V=1", "It has x, W_f"),
        ("U_f[2,0]=1", "U_f[0,0] to U_f[1,1]"),
        ("U_f[1]=1", "U_f[0,0] to U_f[1,1]"),
        ("b_f[2]=1", "b_f[0] to b_f[1]"),
        ("b_y[1]=1", "b_y has 1 number, b_y[0]"),
        ("x[4]=1", "x[0] to x[3]"),
        ("W_f=a", "'a' is not a number"),
        ("W_f=0,5", "with a point"),
        ("W_f=nan", "not a number"),
        ("W_f=1e9", "between -1,000,000 and 1,000,000"),
        ("W_f=1e999", "too large"),
        ("W_f=[1, 2, 3]", "expected 1 × 2 (inputs × units, layout 'keras'), found 1 × 3"),
        ("U_f=[[1, 2], [3]]", "rows of 2, 1 numbers"),
        ("b_f=[1, 2, 3]", "b_f: expected 2 numbers, found 1 × 3"),
        ("activation=elu", "Did you mean 'relu'?"),
        ("z=renew", "a lstm does not have it; it belongs to gru and gru-2014"),
        ("loss=squared error", "head=linear has others"),
        ("units=9", "from 1 to 8"),
        ("target=2", "0 or 1"),
        ("head=softmax", "sigmoid or linear"),
        ("", "is not an edit"),
    ],
)
def test_a_wrong_edit_says_what_was_meant(said: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        edited(default_net("lstm", 2), TEXT, said)
    assert told in str(error.value)


@pytest.mark.parametrize("text", ["good", "1 good", "1,0", "", "  ", "1 2e6", "0x1", "١"])
def test_a_text_that_is_not_numbers_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="number"):
        trace(default_net("lstm"), text)


def test_numbers_are_written_as_they_are_typed() -> None:
    assert [number_literal(v) for v in (1.0, 0.5, -10.0, 0.1234, 100.0)] == [
        "1", "0.5", "-10", "0.1234", "100",
    ]  # fmt: skip
    assert [toy_net.short_literal(v) for v in (0.0, 1.0, -10.0, 0.5, 0.25, 0.125, 0.1234)] == [
        "0.0", "1.0", "−10.0", "0.5", "0.25", "0.125", "0.1234",
    ]  # fmt: skip


# -- arithmetic -----------------------------------------------------------------------------------


def computed(said: str) -> float:
    """What a calculator makes of arithmetic as it is printed."""
    said = said.replace("−", "-").replace("×", "*").replace("σ", "sigma")
    return float(eval(said, {"sigma": sigma, "tanh": tanh}))


@pytest.mark.parametrize("units", [1, 4])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("make", [default_net, uneven])
def test_the_arithmetic_as_printed_gives_the_result_as_printed(
    cell: str, units: int, make: Callable[[str, int], ToyNet]
) -> None:
    done = trace(make(cell, units), "1 0 -0.3 0.7 12 1")
    for t in range(6):
        values = toy_net.values_at(done, t)
        for line in toy_net.lines_at(done, t):
            for unit in range(1 if toy_net.is_head_line(line) else units):
                worked = toy_net.written_out(line.formula, values, unit)
                left, _, right = worked.text.rpartition(" = ")
                wanted = float(right.replace("−", "-"))
                assert isclose(float(values[line.name][unit]), wanted, abs_tol=5.1e-7)
                assert abs(computed(left) - wanted) <= 5.01e-7, worked.text


def test_every_term_is_there_in_the_order_of_the_formula() -> None:
    hand = replace(default_net("lstm", 2))
    values = toy_net.values_at(trace(hand, "1 0"), 0)
    assert toy_net.written_out("x @ W_i + h_prev @ U_i + b_i", values, 0).text == (
        "1 × 6 + 0 × (−10) + 0 × 0 − 3 = +3.000000"
    )


def test_only_a_number_that_is_exact_as_it_stands_loses_its_zeros() -> None:
    values = {"f": np.array([0.50000004]), "c": np.array([0.5])}
    assert toy_net.written_out("f * c", values, 0).text == "0.500000 × 0.5 = +0.250000"


def test_each_unit_listens_to_the_one_before_it() -> None:
    assert default_net("lstm", 2).array("U_g") == ((0.0, 0.5), (0.0, 0.0))
    assert default_net("rnn", 2).array("U") == ((0.5, 0.5), (0.0, 0.9))
