"""The passes of a trace on another device; what they recorded is copied to the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.backend import Backend
from rnnviz.engine.model import Model
from rnnviz.engine.pass_results import RecordedGradients, Recording
from rnnviz.engine.reach import reach
from rnnviz.engine.scan import ScanGradients
from rnnviz.tracer.model_input import ModelInput


class DevicePasses:
    """The recording pass of a model on a device, and its backward pass."""

    def __init__(self, model: Model, model_input: ModelInput, backend: Backend) -> None:
        self._host_model, self._backend = model, backend
        self._model = Model(model.spec, model.params, backend)
        initial = model_input.initial and tuple(
            tuple({s: backend.asarray(a) for s, a in states.items()} for states in layer)
            for layer in model_input.initial
        )
        inputs = backend.asarray(model_input.inputs)
        self._recording = self._model.record(inputs, initial=initial)
        #: The recording on the host.
        self.recording: Recording = _on_host(self._recording, backend)

    def backward(self, d_logits: Array) -> RecordedGradients:
        """Gradients and reach on the host; reach is computed there, from the recording."""
        model, backend = self._host_model, self._backend
        back = self._model.record_backward(self._recording, backend.asarray(d_logits))
        layers, reaches = [], []
        for k, layer in enumerate(model.spec.layers):
            backs, norms = [], []
            cell = model.cell(k)
            for n, direction in enumerate(layer.directions):
                scan, grads = self.recording.scans[k][n], back.scans[k][n]
                p = model.layer_params(k, direction)
                steps = _on_host(tuple(grads.steps), backend)
                initial = _on_host(grads.initial, backend)
                backs.append(ScanGradients(cell, p, scan, steps, initial))
                norms.append(reach(cell, p, scan))
            layers.append(tuple(backs))
            reaches.append(tuple(norms))
        head: Values = _on_host(back.head, backend)
        return RecordedGradients(head, tuple(layers), backend.host(back.x), tuple(reaches))


def _on_host(value: Any, backend: Backend) -> Any:
    """The same with every array on the host."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{
            f.name: _on_host(getattr(value, f.name), backend) for f in fields(value) if f.init
        })  # fmt: skip
    if isinstance(value, Mapping):
        return {key: _on_host(item, backend) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_on_host(item, backend) for item in value)
    if hasattr(value, "dtype") and not isinstance(value, np.ndarray | np.generic):
        return backend.host(value)
    return value
