"""SimpleRNN (Elman, 1990, "Finding structure in time"), as Keras computes it.

The whole memory is the output of the step before, squashed again at every step.
"""

from __future__ import annotations

from rnnviz.arrays import Array, Values, over_rows
from rnnviz.cells.activations import USUAL, Activations
from rnnviz.equations import Line

name = "rnn"
title = "SimpleRNN"
gates = ("",)
recurrent = gates
states = ("h",)

lines = (
    Line("a", "sum", "x @ W + h_prev @ U + b"),
    Line("h", "hidden", "tanh(a)"),
)

back = (
    Line("d_h", "hidden", "d_h_out + d_h_next"),
    Line("d_a", "sum", "d_h * (1 - h**2)"),
    Line("d_x", "sum", "d_a @ W.T"),
    Line("d_h_prev", "sum", "d_a @ U.T"),
)


def shapes(D: int, H: int) -> dict[str, tuple[int, ...]]:
    """W (D, H), U (H, H), b (H)."""
    return {"W": (D, H), "U": (H, H), "b": (H,)}


def forward(p: Values, v: Values, prev: Values, act: Activations = USUAL) -> None:
    """The lines above, in order."""
    v["a"] = v["xw"] + v["hu"]  # (B, H)
    v["h"] = act.state(v["a"])


def backward(p: Values, v: Values, prev: Values, d: Values, act: Activations = USUAL) -> None:
    """The lines above undone, last one first."""
    d["a"] = d["h"] * act.state.slope(v["h"])  # h = tanh(a)
    d["xw"] = d["hu"] = d["a"]  # (B, H); a = xw + hu


def param_grads(x: Array, prev: Values, v: Values, d: Values) -> Values:
    """Each shared weight's gradient: one term a step, summed by the product."""
    return {"W": x.T @ d["xw"], "U": prev["h"].T @ d["hu"], "b": over_rows(d["xw"])}
