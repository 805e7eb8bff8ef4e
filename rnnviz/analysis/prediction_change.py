"""How one token changed the prediction, in total and by unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnviz.analysis.difference import LogitContributions
from rnnviz.analysis.layer_stack import reads_one_state
from rnnviz.analysis.readout import label_outputs
from rnnviz.trace import Trace, frozen

#: The lead over the next label below which the net is not sure: with two labels, p from .4 to .6.
SURE = 0.2


@dataclass(frozen=True, eq=False)
class PredictionChange:
    """The output of one label before and after a token, and what each unit adds to the change.

    ``units`` are the terms of (h − h₋) · W for the label's logit s, or for a forecast. With more
    than two labels they are terms of s − s_rival, which is log(p / p_rival).
    """

    before: float | None  # None before the first token of a net that reads in both directions
    after: float
    units: LogitContributions | None  # None if the head does not read the last layer's h alone
    rival: int | None = None  # the label compared with; None with two labels, or a forecast


@lru_cache(maxsize=512)
def prediction_change(trace: Trace, t: int, label: int) -> PredictionChange:
    """How token t changed the output of a label: the head before it and after it.

    Before the first token the head reads the initial state.
    """
    head, top = trace.head, trace.layers[-1]
    after = float(head.readout[t, label])
    before = float(head.readout[t - 1, label]) if t else None
    if top.direction == "backward" or not reads_one_state(trace):
        return PredictionChange(before, after, None)
    h, h_prev = (a.astype(np.float64) for a in (top.values["h"][t], top.state_before(t, "h")))
    if before is None:
        before = float(label_outputs(head, h_prev @ head.W + head.b)[label])
    rival, weights = None, head.W[:, min(label, head.W.shape[1] - 1)].astype(np.float64)
    if head.is_binary and label == 0:
        weights = -weights
    elif head.kind == "softmax" and len(head.labels) > 1:
        others = [k for k in range(len(head.labels)) if k != label]
        rival = max(others, key=lambda k: float(head.readout[t, k]))
        weights = weights - head.W[:, rival]
    return PredictionChange(
        before, after, LogitContributions(h, h_prev, frozen(weights), False), rival
    )


def belief(trace: Trace, t: int) -> int | None:
    """The most probable label after token t; None if its lead is less than :data:`SURE`.

    A label that is decided by itself leads the other answer, that it is not there.
    """
    shares = trace.head.readout[t]
    order = np.argsort(-shares, kind="stable")
    alone = trace.head.kind == "sigmoid" and not trace.head.is_binary
    rival = 1 - shares[order[0]] if alone or len(order) == 1 else shares[order[1]]
    return int(order[0]) if shares[order[0]] - rival >= SURE else None
