"""The LSTM of the lecture slide, taken literally: a sketch, kept to be compared with the real one.

Its output reads the cell state of the step *before* through a fourth matrix V_o and is not gated.
That matrix adds H·H weights (1,024 for 32 units) which the slide's own count, 8,320, has no room
for: 8,320 is the count of the LSTM in ``lstm.py``.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "lstm-slide"
title = "LSTM (slide)"
gates = ("i", "f", "g", "o")
recurrent = gates
states = ("h", "c")

lines = (
    Line("a_f", "forget", "x @ W_f + h_prev @ U_f + b_f"),
    Line("f", "forget", "sigmoid(a_f)"),
    Line("a_i", "input", "x @ W_i + h_prev @ U_i + b_i"),
    Line("i", "input", "sigmoid(a_i)"),
    Line("a_g", "input", "x @ W_g + h_prev @ U_g + b_g"),
    Line("g", "input", "tanh(a_g)"),
    Line("c", "cell", "i * g + f * c_prev"),
    Line("a_o", "output", "h_prev @ U_o + x @ W_o + c_prev @ V_o + b_o"),
    Line("h", "hidden", "tanh(a_o)"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_a_o", "output", "d_h * (1 - h**2)"),
    Line("d_c", "cell", "d_c_next"),
    Line("d_g", "input", "d_c * i"),
    Line("d_a_g", "input", "d_g * (1 - g**2)"),
    Line("d_i", "input", "d_c * g"),
    Line("d_a_i", "input", "d_i * i * (1 - i)"),
    Line("d_f", "forget", "d_c * c_prev"),
    Line("d_a_f", "forget", "d_f * f * (1 - f)"),
    Line("d_c_prev", "forget", "d_c * f + d_a_o @ V_o.T"),
    Line("d_x", "read", "d_a_i @ W_i.T + d_a_f @ W_f.T + d_a_g @ W_g.T + d_a_o @ W_o.T"),
    Line("d_h_prev", "read", "d_a_i @ U_i.T + d_a_f @ U_f.T + d_a_g @ U_g.T + d_a_o @ U_o.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, 4·H), U (H, 4·H), b (4·H): columns i, f, g, o; V_o (H, H)."""
    return {"W": (D, 4 * H), "U": (H, 4 * H), "b": (4 * H,), "V_o": (H, H)}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    v["a_i"], v["a_f"], v["a_g"], a_o = blocks(v["xw"] + v["hu"], 4)  # (B, H) each
    v["f"] = act.gate(v["a_f"])
    v["i"] = act.gate(v["a_i"])
    v["g"] = act.state(v["a_g"])
    v["c"] = v["i"] * v["g"] + v["f"] * prev["c"]
    v["a_o"] = a_o + prev["c"] @ p["V_o"]
    v["h"] = act.state(v["a_o"])


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    i, f, g, h = v["i"], v["f"], v["g"], v["h"]
    d["a_o"] = d["h"] * act.state.slope(h)  # h = tanh(a_o)
    d["c"] = d["c_next"]  # this step's output does not read the new c
    d["g"] = d["c"] * i  # c = i ⊙ g + f ⊙ c₋
    d["a_g"] = d["g"] * act.state.slope(g)  # g = tanh(a_g)
    d["i"] = d["c"] * g  # c = i ⊙ g + f ⊙ c₋
    d["a_i"] = d["i"] * act.gate.slope(i)  # i = σ(a_i)
    d["f"] = d["c"] * prev["c"]  # c = i ⊙ g + f ⊙ c₋
    d["a_f"] = d["f"] * act.gate.slope(f)  # f = σ(a_f)
    d["c_prev"] = d["c"] * f + d["a_o"] @ p["V_o"].T  # c = i ⊙ g + f ⊙ c₋, a_o reads c₋·V_o
    d["xw"] = d["hu"] = np.concatenate([d["a_i"], d["a_f"], d["a_g"], d["a_o"]], axis=-1)


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient: one term a step, summed by the product."""
    return {
        "W": x.T @ d["xw"],
        "U": prev["h"].T @ d["hu"],
        "b": over_rows(d["xw"]),
        "V_o": prev["c"].T @ d["a_o"],
    }
