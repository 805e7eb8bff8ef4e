"""LSTM with a projection (Sak, Senior and Beaufays, 2014): h is a product of what LSTM shows.

PyTorch's LSTM with ``proj_size``. The cell state has H units; h has P of them, as a rule fewer, and
so has U fewer rows. m is what an LSTM without projection would return. Peepholes, which the paper
has as well, are left out, as in PyTorch.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "lstm-projection"
title = "LSTM, projection"
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
    Line("c", "cell", "f * c_prev + i * g"),
    Line("a_o", "output", "x @ W_o + h_prev @ U_o + b_o"),
    Line("o", "output", "sigmoid(a_o)"),
    Line("m", "hidden", "o * tanh(c)"),
    Line("h", "hidden", "m @ V"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_m", "hidden", "d_h @ V.T"),
    Line("d_o", "output", "d_m * tanh(c)"),
    Line("d_a_o", "output", "d_o * o * (1 - o)"),
    Line("d_c", "cell", "d_m * o * (1 - tanh(c)**2) + d_c_next"),
    Line("d_g", "input", "d_c * i"),
    Line("d_a_g", "input", "d_g * (1 - g**2)"),
    Line("d_i", "input", "d_c * g"),
    Line("d_a_i", "input", "d_i * i * (1 - i)"),
    Line("d_f", "forget", "d_c * c_prev"),
    Line("d_a_f", "forget", "d_f * f * (1 - f)"),
    Line("d_c_prev", "forget", "d_c * f"),
    Line("d_x", "read", "d_a_i @ W_i.T + d_a_f @ W_f.T + d_a_g @ W_g.T + d_a_o @ W_o.T"),
    Line("d_h_prev", "read", "d_a_i @ U_i.T + d_a_f @ U_f.T + d_a_g @ U_g.T + d_a_o @ U_o.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, 4·H), U (H, 4·H), b (4·H): columns i, f, g, o; V (H, H), a projection to all units.

    :func:`rnnviz.cells.variants.variant` has it to fewer: U (P, 4·H), V (H, P).
    """
    return {"W": (D, 4 * H), "U": (H, 4 * H), "b": (4 * H,), "V": (H, H)}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    v["a_i"], v["a_f"], v["a_g"], v["a_o"] = blocks(v["xw"] + v["hu"], 4)  # (B, H) each
    v["f"] = act.gate(v["a_f"])
    v["i"] = act.gate(v["a_i"])
    v["g"] = act.state(v["a_g"])
    v["c"] = v["f"] * prev["c"] + v["i"] * v["g"]
    v["o"] = act.gate(v["a_o"])
    v["m"] = v["o"] * act.output(v["c"])
    v["h"] = v["m"] @ p["V"]  # (B, P)


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    i, f, g, o = v["i"], v["f"], v["g"], v["o"]
    shown = act.output(v["c"])
    d["m"] = d["h"] @ p["V"].T  # h = m·V
    d["o"] = d["m"] * shown  # m = o ⊙ tanh(c)
    d["a_o"] = d["o"] * act.gate.slope(o)  # o = σ(a_o)
    d["c"] = d["m"] * (o * act.output.slope(shown)) + d["c_next"]  # m = o ⊙ tanh(c), later tokens
    d["g"] = d["c"] * i  # c = f ⊙ c₋ + i ⊙ g
    d["a_g"] = d["g"] * act.state.slope(g)  # g = tanh(a_g)
    d["i"] = d["c"] * g  # c = f ⊙ c₋ + i ⊙ g
    d["a_i"] = d["i"] * act.gate.slope(i)  # i = σ(a_i)
    d["f"] = d["c"] * prev["c"]  # c = f ⊙ c₋ + i ⊙ g
    d["a_f"] = d["f"] * act.gate.slope(f)  # f = σ(a_f)
    d["c_prev"] = d["c"] * f  # c = f ⊙ c₋ + i ⊙ g
    d["xw"] = d["hu"] = np.concatenate([d["a_i"], d["a_f"], d["a_g"], d["a_o"]], axis=-1)


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient: one term a step, summed by the product."""
    return {
        "W": x.T @ d["xw"], "U": prev["h"].T @ d["hu"], "b": over_rows(d["xw"]),
        "V": v["m"].T @ d["h"],
    }  # fmt: skip
