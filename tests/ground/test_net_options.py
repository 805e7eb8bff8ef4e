"""Nets by hand as textbooks print them: values to six digits, true gradients in every form."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.toy_net import CELLS, ToyNet, WeightEntry, model_of
from rnnviz.toy_net.default_nets import default_net
from rnnviz.toy_net.edits import changed, edited
from rnnviz.toy_net.net_files import examples, open_net
from rnnviz.toy_net.number_text import input_text, inputs
from rnnviz.trace import Trace
from rnnviz.tracer import tracer

READ = tracer()
TEXT = "(1, 0.5) (-0.3, 0.8) (0.4, -1)"


def trace(hand: ToyNet, text: str = TEXT, target: str | None = None) -> Trace:
    return READ(Query(text, model_of(hand.cell), target, hand=hand))


def of_file(name: str) -> Trace:
    """A shipped net with the x of its file."""
    net = open_net(name)
    assert net.x is not None
    return READ(Query(input_text(net.x), model_of(net.hand.cell), None, None, net.hold, net.hand))


#: What was published with each shipped net, to six digits; (T, H).
PUBLISHED = {
    "lstm-2-units": {
        "f": [[0.657010, 0.574443]], "i": [[0.562177, 0.598688]], "g": [[0.462117, 0.421899]],
        "o": [[0.562177, 0.610639]], "c": [[0.259791, 0.252586]], "h": [[0.142849, 0.151040]],
    },
    "gru-2-units": {
        "z": [[0.598688, 0.586618]], "r": [[0.598688, 0.610639]], "g": [[0.500520, 0.336376]],
        "h": [[0.200865, 0.139052]],
    },
    "gru-2-units-renew": {
        "z": [[0.598688, 0.586618]], "r": [[0.598688, 0.610639]], "g": [[0.500520, 0.336376]],
        "h": [[0.299655, 0.197324]],
    },
    "lstm-1-unit": {"h": [[0.536313], [0.771981]], "c": [[0.785726], [1.517633]]},
    "rnn-keras-weights": {
        "h": [[0.17312295, -0.60132903], [0.68160855, -0.94566459], [0.92478289, -0.98611369]],
    },
    "rnn-sum": {"h": [[1.0], [3.0], [6.0]]},
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_shipped_nets_come_to_what_was_published(name: str) -> None:
    layer = of_file(name).layers[0]
    for value, wanted in PUBLISHED[name].items():
        np.testing.assert_allclose(layer.values[value], wanted, rtol=0, atol=6e-7)


def test_every_shipped_net_was_published() -> None:
    assert set(examples()) == set(PUBLISHED)


def uneven(cell: str, units: int, width: int) -> ToyNet:
    """A net in which no two numbers are alike, away from every corner of relu."""
    hand, n = default_net(cell, units, width), 0
    for name in hand.names:
        for entry in hand.entries(name):
            n += 1
            hand = hand.changed(entry, round((-1) ** (n // 2) * (0.1 + 0.017 * n), 4))
    return hand


FORMS = [
    f"{cell} {activation} {output or '-'} {gate} {z} {head}"
    for cell, activation, output, gate, z, head in product(
        CELLS, ("tanh", "relu", "sigmoid", "identity"), ("", "identity"),
        ("sigmoid", "hard_sigmoid"), ("keep", "renew"),
        ("sigmoid", "linear", "squared error", "half squared error"),
    )
    if (not output or cell == "lstm") and (z == "keep" or cell.startswith("gru"))
    and (gate == "sigmoid" or (cell != "rnn" and activation == "relu"))
    # Every head with the usual activation, one with the others.
    and (head == "half squared error" or (activation == "tanh" and not output))
]  # fmt: skip


@pytest.mark.parametrize("said", FORMS)
def test_gradients_are_those_of_differences(said: str) -> None:
    cell, activation, output, gate, z, head = said.split(" ", 5)
    hand = uneven(cell, 2, 2)
    form = replace(
        hand.form, activation=activation, output_activation=output.strip("-"),
        gate_activation=gate, z=z, head="sigmoid" if head == "sigmoid" else "linear",
        loss=head if "squared" in head else hand.form.loss,
        target=0.7 if "squared" in head else None,
    )  # fmt: skip
    hand = replace(hand, form=form)
    target = "1" if head == "sigmoid" else None
    layer, e = trace(hand, target=target).layers[0], 1e-6

    def slope(entry: WeightEntry, at: float) -> float:
        ends = [
            trace(*changed(hand, TEXT, entry, value), target).head.loss
            for value in (at + e, at - e)
        ]
        return (ends[0] - ends[1]) / (2 * e)

    for t, row in enumerate(inputs(TEXT, 2)):
        for k, x in enumerate(row):
            wanted = slope(WeightEntry("x", t, k), x)
            assert layer.grads["x"][t, k] == pytest.approx(wanted, rel=1e-5, abs=1e-8)
    for state in layer.states:
        for entry in hand.entries(state):
            wanted = slope(entry, hand.value(entry))
            got = layer.grads[f"{state}_prev"][0, entry.column]
            assert got == pytest.approx(wanted, rel=1e-5, abs=1e-8)
    for name, _ in hand.weights:
        if (name.startswith("b_") and name != "b_y" and not name.startswith("b_r")) or name == "b":
            d = layer.grads[f"a{name[1:]}"].sum(0)
            for entry in hand.entries(name):
                wanted = slope(entry, hand.value(entry))
                assert d[entry.column] == pytest.approx(wanted, rel=1e-5, abs=1e-8), name


def test_a_squared_error_counts_whole_or_half() -> None:
    done = of_file("rnn-sum")
    assert (done.head.objective, done.head.loss) == ("(y − 5)²", 1.0)
    assert done.layers[0].grads["h"][:, 0].tolist() == [2.0, 2.0, 2.0]
    net = open_net("rnn-sum").hand
    half = trace(edited(net, "1", "loss=half squared error")[0], "1 2 3")
    assert (half.head.objective, half.head.loss) == ("½(y − 5)²", 0.5)
    assert half.layers[0].grads["h"][:, 0].tolist() == [1.0, 1.0, 1.0]
    free = trace(edited(net, "1", "target=none")[0], "1 2 3")
    assert (free.head.objective, free.head.loss) == ("y", 6.0)


def test_a_gate_can_be_held() -> None:
    """An LSTM without an output gate."""
    net = open_net("lstm-1-unit").hand
    from rnnviz.clamps import parse

    done = READ(Query("(1, 2)", "lstm by hand", None, None, (parse("o[*]=1"),), net))
    layer = done.layers[0]
    assert layer.values["h"][0, 0] == np.tanh(layer.values["c"][0, 0])


def test_numbers_that_grow_beyond_all_bounds_are_told() -> None:
    net, _ = edited(open_net("rnn-sum").hand, "1", "U=1000")
    with pytest.raises(
        UsageError, match="rnn by hand cannot read this text: the a of rnn leaves the range"
    ):
        trace(net, " ".join(["1"] * 200))


@pytest.mark.parametrize("cell", CELLS)
def test_eight_units_read_eight_inputs(cell: str) -> None:
    hand = uneven(cell, 8, 8)
    x = np.arange(16).reshape(2, 8) / 16
    done = trace(hand, input_text(tuple(map(tuple, x.tolist()))))
    layer = done.layers[0]
    gate = "" if cell == "rnn" else "_z" if "z" in layer.gates else "_f"
    b = np.array(hand.array(f"b{gate}"))[0]
    b = b + (np.array(hand.array("b_rz"))[0] if cell == "gru" else 0)
    a = x[0] @ np.array(hand.array(f"W{gate}")) + b
    a = a + layer.initial["h"] @ np.array(hand.array(f"U{gate}"))
    np.testing.assert_allclose(layer.values[f"a{gate}"][0], a, rtol=0, atol=1e-12)


# -- edits of the form -----------------------------------------------------------------------------


def test_matrices_are_typed_in_every_layout() -> None:
    W, U = ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), ((7.0, 8.0), (9.0, 10.0))
    said = {
        "keras": ["W_f=[[1, 2], [3, 4], [5, 6]]", "U_f=[7 8; 9 10]"],
        "pytorch": ["W_f=[[1, 3, 5], [2, 4, 6]]", "U_f=[[7, 9], [8, 10]]"],
        "xh": ["W_f=[[1, 3, 5, 7, 9], [2, 4, 6, 8, 10]]"],
        "hx": ["W_f=[7 9 1 3 5; 8 10 2 4 6]"],
    }
    for layout, edits in said.items():
        hand, text = default_net("lstm", 2, 3), "1 2 3"
        for edit in (f"layout={layout}", *edits):
            hand, text = edited(hand, text, edit)
        assert (hand.array("W_f"), hand.array("U_f")) == (W, U), layout


def test_weights_have_the_names_of_other_books() -> None:
    same = {
        "rnn": {"W_xh": "W", "W_hh": "U", "b_h": "b"},
        "lstm": {"W_xf": "W_f", "W_hf": "U_f", "W_C": "W_g", "b_c": "b_g", "U_c": "U_g",
                 "W_fx": "W_f", "W_fh": "U_f", "W_if": "W_f", "R_o": "U_o"},
        "gru": {"W_h": "W_g", "U_h": "U_g", "W_hz": "U_z", "W_xh": "W_g", "W_hh": "U_g",
                "W_in": "W_g", "W_hn": "U_g", "b_hn": "b_rg", "b_hr": "b_rr", "b_h": "b_g"},
    }  # fmt: skip
    for cell, names in same.items():
        hand = default_net(cell, 1)
        for name, own in names.items():
            assert edited(hand, "1", f"{name}=7")[0] == edited(hand, "1", f"{own}=7")[0], name


def test_arrays_as_keras_and_pytorch_print_them() -> None:
    hand = default_net("lstm", 1)
    kernel = "kernel=array([[1., 2., 3., 4.]], dtype=float32)"
    net, _ = edited(hand, "1", kernel)
    assert [net.array(f"W_{g}")[0][0] for g in "ifgo"] == [1, 2, 3, 4]
    net, _ = edited(default_net("gru", 1), "1", "weight_ih_l0=tensor([[1.], [2.], [3.]])")
    assert [net.array(f"W_{g}")[0][0] for g in "rzg"] == [1, 2, 3]
    net, _ = edited(default_net("gru", 1), "1", "bias=[[1, 2, 3], [4, 5, 6]]")
    assert [net.array(n)[0][0] for n in ("b_z", "b_r", "b_g", "b_rz", "b_rr", "b_rg")] == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip


def test_a_net_grows_and_shrinks_and_keeps_its_numbers() -> None:
    assert edited(default_net("gru", 2), "1 0", "units=3")[0] == default_net("gru", 3)
    own = default_net("gru", 2).changed(WeightEntry("W_z", 0, 1), 0.25)
    net, text = edited(own, "1 0", "units=3")
    assert net.array("W_z") == ((*own.array("W_z")[0], 0.0),) and text == "1 0"
    net, text = edited(net, "1 0", "inputs=2")
    assert net.inputs == 2 and text == "(1, 0) (0, 0)"
    assert trace(net, text).layers[0].values["x"].shape == (2, 2)
    assert edited(*edited(net, text, "inputs=1"), "units=2")[0] == own


def test_biases_can_be_left_out_and_another_cell_taken() -> None:
    net, _ = edited(default_net("gru", 2), "1", "bias=none")
    assert all(net.array(n) == ((0.0, 0.0),) for n in ("b_r", "b_z", "b_g", "b_rz"))
    assert net.array("b_y") == default_net("gru", 2).array("b_y")
    other, _ = edited(edited(net, "1", "head=linear")[0], "1", "cell=gru-2014")
    assert (other.cell, other.units, other.form.head) == ("gru-2014", 2, "linear")


def test_x_is_typed_as_a_whole_or_one_by_one() -> None:
    hand = default_net("rnn", 1, 2)
    assert edited(hand, "1 2", "x=(1, .5), (0, 3)")[1] == "(1, 0.5) (0, 3)"
    assert edited(hand, "1 2; 3 4", "x[1,0]=-7")[1] == "(1, 2) (-7, 4)"
    assert edited(hand, "1 2; 3 4", "x[1]=0")[1] == "(1, 2) (0, 0)"
