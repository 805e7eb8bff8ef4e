"""GRU (Cho et al., 2014) with the reset gate after the recurrent product, as Keras and cuDNN do.

One state, two gates: z keeps the old state (1 keeps all of it), r decides how much of the
recurrent product q enters the candidate g.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "gru"
title = "GRU"
gates = ("z", "r", "g")
recurrent = gates
states = ("h",)

lines = (
    Line("a_r", "reset", "x @ W_r + b_r + h_prev @ U_r + b_rr"),
    Line("r", "reset", "sigmoid(a_r)"),
    Line("q", "candidate", "h_prev @ U_g + b_rg"),
    Line("a_g", "candidate", "x @ W_g + b_g + r * q"),
    Line("g", "candidate", "tanh(a_g)"),
    Line("a_z", "update", "x @ W_z + b_z + h_prev @ U_z + b_rz"),
    Line("z", "update", "sigmoid(a_z)"),
    Line("h", "hidden", "z * h_prev + (1 - z) * g"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_z", "update", "d_h * (h_prev - g)"),
    Line("d_a_z", "update", "d_z * z * (1 - z)"),
    Line("d_g", "candidate", "d_h * (1 - z)"),
    Line("d_a_g", "candidate", "d_g * (1 - g**2)"),
    Line("d_q", "candidate", "d_a_g * r"),
    Line("d_r", "reset", "d_a_g * q"),
    Line("d_a_r", "reset", "d_r * r * (1 - r)"),
    Line("d_x", "read", "d_a_z @ W_z.T + d_a_r @ W_r.T + d_a_g @ W_g.T"),
    Line("d_h_prev", "read", "d_h * z + d_a_z @ U_z.T + d_a_r @ U_r.T + d_q @ U_g.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, 3·H), U (H, 3·H), b (2, 3·H): columns z, r, g; rows input bias, recurrent bias."""
    return {"W": (D, 3 * H), "U": (H, 3 * H), "b": (2, 3 * H)}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    x_z, x_r, x_g = blocks(v["xw"], 3)  # (B, H) each
    h_z, h_r, v["q"] = blocks(v["hu"], 3)  # (B, H) each
    v["a_r"] = x_r + h_r
    v["r"] = act.gate(v["a_r"])
    v["a_g"] = x_g + v["r"] * v["q"]
    v["g"] = act.state(v["a_g"])
    v["a_z"] = x_z + h_z
    v["z"] = act.gate(v["a_z"])
    kept = v["z"] if act.keeps else 1 - v["z"]
    v["h"] = kept * prev["h"] + (1 - kept) * v["g"]


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    z, r, g, q = v["z"], v["r"], v["g"], v["q"]
    kept = z if act.keeps else 1 - z
    d["z"] = d["h"] * (prev["h"] - g if act.keeps else g - prev["h"])  # h = z ⊙ h₋ + (1 − z) ⊙ g
    d["a_z"] = d["z"] * act.gate.slope(z)  # z = σ(a_z)
    d["g"] = d["h"] * (1 - kept)  # h = z ⊙ h₋ + (1 − z) ⊙ g
    d["a_g"] = d["g"] * act.state.slope(g)  # g = tanh(a_g)
    d["q"] = d["a_g"] * r  # a_g = xw_g + r ⊙ q
    d["r"] = d["a_g"] * q  # a_g = xw_g + r ⊙ q
    d["a_r"] = d["r"] * act.gate.slope(r)  # r = σ(a_r)
    d["h_prev"] = d["h"] * kept  # h = z ⊙ h₋ + (1 − z) ⊙ g
    d["xw"] = np.concatenate([d["a_z"], d["a_r"], d["a_g"]], axis=-1)  # (B, G·H)
    d["hu"] = np.concatenate([d["a_z"], d["a_r"], d["q"]], axis=-1)


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient; the bias has a row for each of the two products."""
    bias = np.stack([over_rows(d["xw"]), over_rows(d["hu"])])
    return {"W": x.T @ d["xw"], "U": prev["h"].T @ d["hu"], "b": bias}
