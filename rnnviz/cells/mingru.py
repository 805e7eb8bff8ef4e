"""minGRU: a GRU whose gates read the input alone, so that all its steps can be computed at once.

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, "Were RNNs All We Needed?", 2024, section 3.1. There
is no recurrent kernel, no reset gate and no tanh; z is the share of the state that is renewed. A
layer on its own cannot let one word change what a later word means; stacked layers can.
"""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values, blocks, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "mingru"
title = "minGRU"
gates = ("z", "g")
recurrent = ()
states = ("h",)

lines = (
    Line("g", "candidate", "x @ W_g + b_g"),
    Line("a_z", "update", "x @ W_z + b_z"),
    Line("z", "update", "sigmoid(a_z)"),
    Line("h", "hidden", "(1 - z) * h_prev + z * g"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_z", "update", "d_h * (g - h_prev)"),
    Line("d_a_z", "update", "d_z * z * (1 - z)"),
    Line("d_g", "candidate", "d_h * z"),
    Line("d_x", "read", "d_a_z @ W_z.T + d_g @ W_g.T"),
    Line("d_h_prev", "read", "d_h * (1 - z)"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, 2·H), U (H, 0), b (2·H): columns z, g."""
    return {"W": (D, 2 * H), "U": (H, 0), "b": (2 * H,)}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    v["a_z"], v["g"] = blocks(v["xw"], 2)  # (B, H) each
    v["z"] = act.gate(v["a_z"])
    v["h"] = (1 - v["z"]) * prev["h"] + v["z"] * v["g"]


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    d["z"] = d["h"] * (v["g"] - prev["h"])  # h = (1 − z) ⊙ h₋ + z ⊙ g
    d["a_z"] = d["z"] * act.gate.slope(v["z"])  # z = σ(a_z)
    d["g"] = d["h"] * v["z"]  # h = (1 − z) ⊙ h₋ + z ⊙ g
    d["h_prev"] = d["h"] * (1 - v["z"])  # h = (1 − z) ⊙ h₋ + z ⊙ g
    d["xw"] = np.concatenate([d["a_z"], d["g"]], axis=-1)  # (B, G·H)
    d["hu"] = d["xw"][..., :0]


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient: one term a step, summed by the product."""
    return {"W": x.T @ d["xw"], "U": prev["h"].T @ d["hu"], "b": over_rows(d["xw"])}
