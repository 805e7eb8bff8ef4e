"""LSTM with peepholes (Gers and Schmidhuber, "Recurrent Nets that Time and Count", 2000).

The gates see the cell state as well, each unit its own: the input and forget gates the old one, the
output gate the new one. As in ONNX's LSTM with its input P.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "lstm-peephole"
title = "LSTM, peepholes"
gates = ("i", "f", "g", "o")
recurrent = gates
states = ("h", "c")

lines = (
    Line("a_f", "forget", "x @ W_f + h_prev @ U_f + c_prev * p_f + b_f"),
    Line("f", "forget", "sigmoid(a_f)"),
    Line("a_i", "input", "x @ W_i + h_prev @ U_i + c_prev * p_i + b_i"),
    Line("i", "input", "sigmoid(a_i)"),
    Line("a_g", "input", "x @ W_g + h_prev @ U_g + b_g"),
    Line("g", "input", "tanh(a_g)"),
    Line("c", "cell", "f * c_prev + i * g"),
    Line("a_o", "output", "x @ W_o + h_prev @ U_o + c * p_o + b_o"),
    Line("o", "output", "sigmoid(a_o)"),
    Line("h", "hidden", "o * tanh(c)"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_o", "output", "d_h * tanh(c)"),
    Line("d_a_o", "output", "d_o * o * (1 - o)"),
    Line("d_c", "cell", "d_h * o * (1 - tanh(c)**2) + d_a_o * p_o + d_c_next"),
    Line("d_g", "input", "d_c * i"),
    Line("d_a_g", "input", "d_g * (1 - g**2)"),
    Line("d_i", "input", "d_c * g"),
    Line("d_a_i", "input", "d_i * i * (1 - i)"),
    Line("d_f", "forget", "d_c * c_prev"),
    Line("d_a_f", "forget", "d_f * f * (1 - f)"),
    Line("d_c_prev", "forget", "d_c * f + d_a_i * p_i + d_a_f * p_f"),
    Line("d_x", "read", "d_a_i @ W_i.T + d_a_f @ W_f.T + d_a_g @ W_g.T + d_a_o @ W_o.T"),
    Line("d_h_prev", "read", "d_a_i @ U_i.T + d_a_f @ U_f.T + d_a_g @ U_g.T + d_a_o @ U_o.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, 4·H), U (H, 4·H), b (4·H): columns i, f, g, o; peepholes p_i, p_f, p_o (H)."""
    peepholes: dict[str, tuple[int, ...]] = {"p_i": (H,), "p_f": (H,), "p_o": (H,)}
    return {"W": (D, 4 * H), "U": (H, 4 * H), "b": (4 * H,), **peepholes}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    a_i, a_f, v["a_g"], a_o = blocks(v["xw"] + v["hu"], 4)  # (B, H) each
    v["a_f"] = a_f + prev["c"] * p["p_f"]
    v["f"] = act.gate(v["a_f"])
    v["a_i"] = a_i + prev["c"] * p["p_i"]
    v["i"] = act.gate(v["a_i"])
    v["g"] = act.state(v["a_g"])
    v["c"] = v["f"] * prev["c"] + v["i"] * v["g"]
    v["a_o"] = a_o + v["c"] * p["p_o"]
    v["o"] = act.gate(v["a_o"])
    v["h"] = v["o"] * act.output(v["c"])


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    i, f, g, o = v["i"], v["f"], v["g"], v["o"]
    shown = act.output(v["c"])
    d["o"] = d["h"] * shown  # h = o ⊙ tanh(c)
    d["a_o"] = d["o"] * act.gate.slope(o)  # o = σ(a_o)
    through_h = d["h"] * (o * act.output.slope(shown))  # h = o ⊙ tanh(c)
    d["c"] = through_h + d["a_o"] * p["p_o"] + d["c_next"]  # a_o = … + c ⊙ p_o, later tokens
    d["g"] = d["c"] * i  # c = f ⊙ c₋ + i ⊙ g
    d["a_g"] = d["g"] * act.state.slope(g)  # g = tanh(a_g)
    d["i"] = d["c"] * g  # c = f ⊙ c₋ + i ⊙ g
    d["a_i"] = d["i"] * act.gate.slope(i)  # i = σ(a_i)
    d["f"] = d["c"] * prev["c"]  # c = f ⊙ c₋ + i ⊙ g
    d["a_f"] = d["f"] * act.gate.slope(f)  # f = σ(a_f)
    # c = f ⊙ c₋ + i ⊙ g, a_i = … + c₋ ⊙ p_i, a_f = … + c₋ ⊙ p_f
    d["c_prev"] = d["c"] * f + d["a_i"] * p["p_i"] + d["a_f"] * p["p_f"]
    d["xw"] = d["hu"] = np.concatenate([d["a_i"], d["a_f"], d["a_g"], d["a_o"]], axis=-1)


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient: one term a step, summed by the product."""
    return {
        "W": x.T @ d["xw"], "U": prev["h"].T @ d["hu"], "b": over_rows(d["xw"]),
        "p_i": over_rows(d["a_i"] * prev["c"]), "p_f": over_rows(d["a_f"] * prev["c"]),
        "p_o": over_rows(d["a_o"] * v["c"]),
    }  # fmt: skip
