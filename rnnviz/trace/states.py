"""The states after a token, with which the next text can go on."""

from __future__ import annotations

from pathlib import Path

from rnnviz.display import json_text
from rnnviz.files import write_output
from rnnviz.initial_states import SCHEMA, InitialState
from rnnviz.trace import Trace


def last_states(trace: Trace, t: int | None = None) -> tuple[InitialState, ...]:
    """The states after token t (None: the last one), with which the next text can go on.

    Of layers that read forward: one that reads backward begins each text anew.
    """
    at = len(trace.tokens) - 1 if t is None else t
    return tuple(
        InitialState(name, tuple(float(v) for v in layer.values[name][at]), layer.name)
        for layer in trace.layers
        if layer.direction == "forward"
        for name in layer.states
    )


def write_states(path: Path, trace: Trace) -> None:
    """Write the states after the last token, for :func:`read_states`."""
    layers: dict[str, dict[str, list[float]]] = {}
    for state in last_states(trace):
        layers.setdefault(str(state.layer), {})[state.name] = list(state.values)
    document = {
        "schema": SCHEMA, "model": trace.model, "text": trace.text,
        "layers": [{"name": name, "states": states} for name, states in layers.items()],
    }  # fmt: skip
    write_output(path, json_text(document) + "\n")
