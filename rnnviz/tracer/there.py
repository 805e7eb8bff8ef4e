"""The passes of a trace on another device; what they recorded comes back as host arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.backend import Backend
from rnnviz.engine.model import BackwardPass, ForwardPass, Model, directions
from rnnviz.engine.recurrent import Scan, ScanGradients, reach
from rnnviz.tracer.reading import Reading


def forward(
    model: Model, reading: Reading, loops: Backend
) -> tuple[ForwardPass, Callable[[Array], BackwardPass]]:
    """The pass forwards, and a function that walks back from the gradients of the logits.

    The walks are the plain ones, step by step, for every value is wanted. Reach is a property of
    what they recorded and is worked out here.
    """
    away = Model(model.spec, model.params, loops)
    initial = reading.initial and tuple(
        tuple({s: loops.asarray(a) for s, a in p.items()} for p in layer)
        for layer in reading.initial
    )
    done = away.forward(loops.asarray(reading.inputs), initial=initial)
    here: ForwardPass = _hosted(done, loops)

    def walked(d_logits: Array) -> BackwardPass:
        found = away.backward(done, loops.asarray(d_logits))
        unscans, far = [], []
        for k, layer in enumerate(model.spec.layers):
            passes = []
            for n, direction in enumerate(directions(layer)):
                s, u, p = here.scans[k][n], found.unscans[k][n], model.layer_params(k, direction)
                assert isinstance(s, Scan)
                steps, first = _hosted(tuple(u.steps), loops), _hosted(u.initial, loops)
                passes.append(
                    (ScanGradients(model.cell(k), p, s, steps, first), reach(model.cell(k), p, s))
                )
            unscans.append(tuple(u for u, _ in passes))
            far.append(tuple(r for _, r in passes))
        head: Values = _hosted(found.head, loops)
        return BackwardPass(head, tuple(unscans), loops.host(found.x), tuple(far))

    return here, walked


def _hosted(thing: Any, loops: Backend) -> Any:
    """The same with every array on the host."""
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{
            f.name: _hosted(getattr(thing, f.name), loops) for f in fields(thing) if f.init
        })  # fmt: skip
    if isinstance(thing, Mapping):
        return {key: _hosted(value, loops) for key, value in thing.items()}
    if isinstance(thing, tuple):
        return tuple(_hosted(each, loops) for each in thing)
    if hasattr(thing, "dtype") and not isinstance(thing, np.ndarray | np.generic):
        return loops.host(thing)
    return thing
