# ruff: noqa: E501
"""Nets by hand in files: written and read again, and refused with what was expected and found."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from rnnviz.clamps import parse
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.toy_net import CELLS, LAYOUTS, ToyNet
from rnnviz.toy_net.default_nets import default_net
from rnnviz.toy_net.net_files import examples, open_net, save_net
from rnnviz.toy_net.net_record import NetFile, from_record, to_record, to_toml
from rnnviz.toy_net.number_text import inputs


def uneven(cell: str, units: int, width: int) -> ToyNet:
    hand, n = default_net(cell, units, width), 0
    for name in hand.names:
        for entry in hand.entries(name):
            n += 1
            hand = hand.changed(entry, (-1) ** n * (0.1 + n / 3))
    return hand


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("units", [1, 3])
def test_what_is_written_is_read_again_to_the_last_bit(
    cell: str, layout: str, units: int, tmp_path: Path
) -> None:
    hand = uneven(cell, units, 2)
    form = replace(
        hand.form, layout=layout, head="linear", target=-1 / 3, loss="squared error",
        title='A "net"\tby hand \x7f ü', source="a book\\page 3", activation="relu",
        z="renew" if cell.startswith("gru") else "keep",
        output_activation="identity" if cell == "lstm" else "",
    )  # fmt: skip
    net = NetFile(replace(hand, form=form), inputs("1 2; 1e-7 -0.1", 2), (parse("h[0,0]=0.5"),))
    save_net(tmp_path / "a.toml", net)
    assert open_net(str(tmp_path / "a.toml")) == net


@pytest.mark.parametrize("name", examples())
def test_shipped_nets_are_written_and_read_again(name: str) -> None:
    net = open_net(name)
    assert from_record(tomllib.loads(to_toml(to_record(net)))) == net
    assert net.hand.form.title


def test_a_net_without_a_head_gives_the_sum_of_its_units() -> None:
    hand = open_net("lstm-2-units").hand
    assert (hand.form.head, hand.array("W_y"), hand.array("b_y")) == (
        "linear", ((1.0,), (1.0,)), ((0.0,),),
    )  # fmt: skip


GOOD = """
cell = "lstm"
units = 2
inputs = 3
layout = "keras"
x = [[1, 2, 3]]
[weights]
W_f = [[1, 2], [3, 4], [5, 6]]
U_f = [[1, 2], [3, 4]]
W_i = [[1, 2], [3, 4], [5, 6]]
U_i = [[1, 2], [3, 4]]
W_g = [[1, 2], [3, 4], [5, 6]]
U_g = [[1, 2], [3, 4]]
W_o = [[1, 2], [3, 4], [5, 6]]
U_o = [[1, 2], [3, 4]]
[initial]
h = [0.5, -0.5]
[head]
kind = "linear"
W_y = [1, 2]
target = 0.5
"""


def test_the_file_that_the_wrong_ones_are_made_of_is_right(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("\ufeff" + GOOD, "utf-8")
    assert open_net(str(file)).hand.array("h") == ((0.5, -0.5),)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('cell = "lstm"', 'cell = "lstn"', "cell: expected rnn, lstm, gru or gru-2014, found 'lstn'. Did you mean 'lstm'?"),
        ('cell = "lstm"', "", "cell: expected rnn, lstm, gru or gru-2014; it is missing"),
        ("units = 2", "units = 9", "units: expected 1 to 8, found 9"),
        ("units = 2", "units = true", "units: expected 1 to 8, found True"),
        ("units = 2", "unit = 2", "unknown key 'unit'. Did you mean 'units'?"),
        ("inputs = 3", "inputs = 2", "W_f: expected 2 × 2 (inputs × units, layout 'keras'), found 3 × 2"),
        ('layout = "keras"', "", "layout: say how the matrices are written down: keras, pytorch, xh or hx"),
        ('layout = "keras"', 'layout = "pytorch"', "W_f: expected 2 × 3 (units × inputs, layout 'pytorch'), found 3 × 2; layout = \"keras\" transposes them"),
        ('layout = "keras"', 'layout = "xh"', "W_f: expected 2 × 5 (units × inputs then units, layout 'xh'), found 3 × 2"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]]", 'side by side are layout = "xh" or "hx"'),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[1, 2], [3, 4], [5]]", "rows of 2, 2, 1 numbers"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[1, nan], [3, 4], [5, 6]]", "W_f: numbers lie between"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[1, inf], [3, 4], [5, 6]]", "W_f: numbers lie between"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[1, 2e9], [3, 4], [5, 6]]", "found 2000000000.0"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", f"W_f = [[1, {'9' * 400}], [3, 4], [5, 6]]", "W_f: numbers lie between"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", 'W_f = "much"', "W_f: expected numbers, found 'much'"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[1, 2], 3]", "rows and single numbers are mixed"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = [[[1, 2]]]", "a list in a list of rows"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "W_f = []", "found nothing"),
        ("W_f = [[1, 2], [3, 4], [5, 6]]", "", "weights.W_f is missing"),
        ("W_f =", "W_q =", "W_q: a lstm has no such weight"),
        ("W_f =", "W_xi =", "given twice"),
        ("[weights]", "[weight]", "unknown key 'weight'. Did you mean 'weights'?"),
        ("h = [0.5, -0.5]", "h = [0.5]", "initial.h: expected 2 numbers, found 1 × 1"),
        ("h = [0.5, -0.5]", "s = [0.5]", "unknown key 'initial.s'"),
        ('kind = "linear"', "", "head.kind: expected sigmoid or linear; it is missing"),
        ('kind = "linear"', 'kind = "softmax"', "head.kind: expected sigmoid or linear, found 'softmax'"),
        ('kind = "linear"', 'kind = "sigmoid"', "target: expected 0 or 1, found 0.5"),
        ("target = 0.5", 'target = "much"', "target: expected a number, found 'much'"),
        ("target = 0.5", 'loss = "huber"', "loss: expected half squared error or squared error, found 'huber'"),
        ("W_y = [1, 2]", "", "head.W_y is missing"),
        ("W_y = [1, 2]", "W_y = [1, 2, 3]", "head.W_y: expected 2 numbers, found 1 × 3"),
        ("x = [[1, 2, 3]]", "x = [1, 2, 3]", "x[0]: expected 3 numbers, found 1"),
        ("x = [[1, 2, 3]]", "x = [[1, 2, 3], [1, 2]]", "x[1]: expected 3 numbers, found 1 × 2"),
        ("x = [[1, 2, 3]]", "x = []", "x: expected a list"),
        ("x = [[1, 2, 3]]", 'z = "renew"', "z: a lstm does not have it; it belongs to gru or gru-2014"),
        ("x = [[1, 2, 3]]", 'activation = "elu"', "activation: expected tanh, relu, sigmoid or identity, found 'elu'"),
        ("x = [[1, 2, 3]]", 'hold = ["o"]', "hold: Clamp 'o'"),
        ("x = [[1, 2, 3]]", f'title = "{"a" * 300}"', "title: expected a text of at most 200 characters"),
        ("units = 2", "units = ", "Invalid value"),
        ("units = 2", "units = 2\nunits = 2", "Cannot overwrite a value"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_what_was_expected(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    assert old in GOOD
    file = tmp_path / "a.toml"
    file.write_text(GOOD.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidFileError) as error:
        open_net(str(file))
    assert told in str(error.value), str(error.value)
    assert len(str(error.value).splitlines()) <= 2


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"[" * 100_000, b"\x00" * 10, b"a" * 300_000, b"x = [[" * 3000],
)
def test_what_is_no_net_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidFileError) as error:
        open_net(str(file))
    assert len(str(error.value).splitlines()) <= 2


def test_a_name_that_is_none_lists_those_that_are() -> None:
    with pytest.raises(UsageError) as error:
        open_net("lstm-2-unit")
    assert "Did you mean 'lstm-2-units'?" in str(error.value)
    assert "rnn-sum" in str(error.value)
    for said in ("", "a" * 5000, "a\x00b"):
        with pytest.raises(UsageError):
            open_net(said)
    with pytest.raises(InvalidFileError):
        open_net("/dev/null")
    with pytest.raises(InvalidFileError):
        open_net("/")


def test_layouts_of_one_net_are_one_net() -> None:
    """Stacked arrays too: what Keras's get_weights() and PyTorch's state_dict() hold."""
    keras = """
cell = "gru"
units = 1
inputs = 2
[weights]
kernel = [[1, 2, 3], [4, 5, 6]]
recurrent_kernel = [[7, 8, 9]]
bias = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
"""
    torch = """
cell = "gru"
units = 1
inputs = 2
layout = "pytorch"
[weights]
weight_ih_l0 = [[2, 5], [1, 4], [3, 6]]
weight_hh_l0 = [[8], [7], [9]]
bias_ih_l0 = [0.2, 0.1, 0.3]
bias_hh_l0 = [0.5, 0.4, 0.6]
"""
    one, other = (from_record(tomllib.loads(text)).hand for text in (keras, torch))
    assert one.weights == other.weights


def test_two_biases_of_pytorch_are_added_where_the_cell_has_one() -> None:
    record = tomllib.loads(
        'cell = "rnn"\nunits = 1\n[weights]\nW_ih = 1\nW_hh = 2\nb_ih = 0.25\nb_hh = 0.5\n'
    )
    hand = from_record(record).hand
    assert (hand.array("W"), hand.array("U"), hand.array("b")) == (((1,),), ((2,),), ((0.75,),))
