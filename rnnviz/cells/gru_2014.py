"""GRU as Cho et al. (2014) wrote it: the reset gate acts before the recurrent product.

Keras's ``reset_after=False``, its only GRU until 2018 and the one the published numbers used. The
candidate reads m, the old state with its gates r already on it, so ``hu`` can hold only the
products of z and r; the product of U_g is the cell's own.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "gru-2014"
title = "GRU (2014)"
gates = ("z", "r", "g")
recurrent = ("z", "r")
states = ("h",)

lines = (
    Line("a_r", "reset", "x @ W_r + b_r + h_prev @ U_r"),
    Line("r", "reset", "sigmoid(a_r)"),
    Line("m", "candidate", "r * h_prev"),
    Line("a_g", "candidate", "x @ W_g + b_g + m @ U_g"),
    Line("g", "candidate", "tanh(a_g)"),
    Line("a_z", "update", "x @ W_z + b_z + h_prev @ U_z"),
    Line("z", "update", "sigmoid(a_z)"),
    Line("h", "hidden", "z * h_prev + (1 - z) * g"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_z", "update", "d_h * (h_prev - g)"),
    Line("d_a_z", "update", "d_z * z * (1 - z)"),
    Line("d_g", "candidate", "d_h * (1 - z)"),
    Line("d_a_g", "candidate", "d_g * (1 - g**2)"),
    Line("d_m", "candidate", "d_a_g @ U_g.T"),
    Line("d_r", "reset", "d_m * h_prev"),
    Line("d_a_r", "reset", "d_r * r * (1 - r)"),
    Line("d_x", "read", "d_a_z @ W_z.T + d_a_r @ W_r.T + d_a_g @ W_g.T"),
    Line("d_h_prev", "read", "d_h * z + d_m * r + d_a_z @ U_z.T + d_a_r @ U_r.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, 3·H), U (H, 3·H), b (3·H): columns z, r, g."""
    return {"W": (D, 3 * H), "U": (H, 3 * H), "b": (3 * H,)}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    x_z, x_r, x_g = blocks(v["xw"], 3)  # (B, H) each
    h_z, h_r = blocks(v["hu"], 2)  # (B, H) each
    v["a_r"] = x_r + h_r
    v["r"] = act.gate(v["a_r"])
    v["m"] = v["r"] * _let_through(p, prev["h"])
    v["a_g"] = x_g + v["m"] @ blocks(p["U"], 3)[2]
    v["g"] = act.state(v["a_g"])
    v["a_z"] = x_z + h_z
    v["z"] = act.gate(v["a_z"])
    kept = v["z"] if act.keeps else 1 - v["z"]
    v["h"] = kept * prev["h"] + (1 - kept) * v["g"]


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    z, r, g = v["z"], v["r"], v["g"]
    kept = z if act.keeps else 1 - z
    d["z"] = d["h"] * (prev["h"] - g if act.keeps else g - prev["h"])  # h = z ⊙ h₋ + (1 − z) ⊙ g
    d["a_z"] = d["z"] * act.gate.slope(z)  # z = σ(a_z)
    d["g"] = d["h"] * (1 - kept)  # h = z ⊙ h₋ + (1 − z) ⊙ g
    d["a_g"] = d["g"] * act.state.slope(g)  # g = tanh(a_g)
    d["m"] = d["a_g"] @ blocks(p["U"], 3)[2].T  # a_g = xw_g + m·U_g
    d["r"] = d["m"] * _let_through(p, prev["h"])  # m = r ⊙ h₋
    d["a_r"] = d["r"] * act.gate.slope(r)  # r = σ(a_r)
    d["h_prev"] = d["h"] * kept + _let_through(p, d["m"] * r)  # h = z ⊙ h₋ + …, m = r ⊙ h₋
    d["xw"] = np.concatenate([d["a_z"], d["a_r"], d["a_g"]], axis=-1)  # (B, G·H)
    d["hu"] = np.concatenate([d["a_z"], d["a_r"]], axis=-1)


def _let_through(p: Values, h: Array) -> Array:
    """What recurrent dropout, while training, lets the candidate see of the old state."""
    return h * p["keep_g"] if "keep_g" in p else h


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient: one term a step, summed by the product."""
    U = np.concatenate([prev["h"].T @ d["hu"], v["m"].T @ d["a_g"]], axis=-1)
    return {"W": x.T @ d["xw"], "U": U, "b": over_rows(d["xw"])}
