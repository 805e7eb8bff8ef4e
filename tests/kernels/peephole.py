"""The LSTM whose gates also see the cell state (Gers and Schmidhuber, 2000); not shipped."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "peephole"
title = "LSTM with peepholes"
gates = ("i", "f", "g", "o")
recurrent = gates
states = ("h", "c")

lines = (
    Line("a_f", "forget", "x @ W_f + h_prev @ U_f + V_f * c_prev + b_f"),
    Line("f", "forget", "sigmoid(a_f)"),
    Line("a_i", "input", "x @ W_i + h_prev @ U_i + V_i * c_prev + b_i"),
    Line("i", "input", "sigmoid(a_i)"),
    Line("a_g", "input", "x @ W_g + h_prev @ U_g + b_g"),
    Line("g", "input", "tanh(a_g)"),
    Line("c", "cell", "f * c_prev + i * g"),
    Line("a_o", "output", "x @ W_o + h_prev @ U_o + V_o * c + b_o"),
    Line("o", "output", "sigmoid(a_o)"),
    Line("h", "hidden", "o * tanh(c)"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_o", "output", "d_h * tanh(c)"),
    Line("d_a_o", "output", "d_o * o * (1 - o)"),
    Line("d_c", "cell", "d_h * o * (1 - tanh(c)**2) + d_a_o * V_o + d_c_next"),
    Line("d_g", "input", "d_c * i"),
    Line("d_a_g", "input", "d_g * (1 - g**2)"),
    Line("d_i", "input", "d_c * g"),
    Line("d_a_i", "input", "d_i * i * (1 - i)"),
    Line("d_f", "forget", "d_c * c_prev"),
    Line("d_a_f", "forget", "d_f * f * (1 - f)"),
    Line("d_c_prev", "forget", "d_c * f + d_a_f * V_f + d_a_i * V_i"),
    Line("d_x", "read", "d_a_i @ W_i.T + d_a_f @ W_f.T + d_a_g @ W_g.T + d_a_o @ W_o.T"),
    Line("d_h_prev", "read", "d_a_i @ U_i.T + d_a_f @ U_f.T + d_a_g @ U_g.T + d_a_o @ U_o.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    return {
        "W": (D, 4 * H), "U": (H, 4 * H), "b": (4 * H,), "V_f": (H,), "V_i": (H,), "V_o": (H,),
    }  # fmt: skip


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    a_i, a_f, v["a_g"], a_o = blocks(v["xw"] + v["hu"], 4)
    v["a_f"] = a_f + p["V_f"] * prev["c"]
    v["a_i"] = a_i + p["V_i"] * prev["c"]
    v["f"], v["i"], v["g"] = act.gate(v["a_f"]), act.gate(v["a_i"]), act.state(v["a_g"])
    v["c"] = v["f"] * prev["c"] + v["i"] * v["g"]
    v["a_o"] = a_o + p["V_o"] * v["c"]
    v["o"] = act.gate(v["a_o"])
    v["h"] = v["o"] * act.state(v["c"])


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    i, f, g, o = v["i"], v["f"], v["g"], v["o"]
    shown = act.state(v["c"])
    d["o"] = d["h"] * shown
    d["a_o"] = d["o"] * act.gate.slope(o)
    d["c"] = d["h"] * (o * act.state.slope(shown)) + d["a_o"] * p["V_o"] + d["c_next"]
    d["g"], d["i"], d["f"] = d["c"] * i, d["c"] * g, d["c"] * prev["c"]
    d["a_g"] = d["g"] * act.state.slope(g)
    d["a_i"] = d["i"] * act.gate.slope(i)
    d["a_f"] = d["f"] * act.gate.slope(f)
    d["c_prev"] = d["c"] * f + d["a_f"] * p["V_f"] + d["a_i"] * p["V_i"]
    d["xw"] = d["hu"] = np.concatenate([d["a_i"], d["a_f"], d["a_g"], d["a_o"]], axis=-1)


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    return {
        "W": x.T @ d["xw"], "U": prev["h"].T @ d["hu"], "b": d["xw"].sum(0),
        "V_f": (d["a_f"] * prev["c"]).sum(0), "V_i": (d["a_i"] * prev["c"]).sum(0),
        "V_o": (d["a_o"] * v["c"]).sum(0),
    }  # fmt: skip
