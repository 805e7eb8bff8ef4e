"""States that a user sets before the first token, as the engine takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.model import Model
from rnnviz.errors import UsageError, nearest
from rnnviz.initial_states import InitialState
from rnnviz.messages import _
from rnnviz.tracer.clamping import layer_name
from rnnviz.tracer.model_input import ModelInput


def with_initial_states(
    model: Model, model_input: ModelInput, given: Sequence[InitialState]
) -> ModelInput:
    """The input with these states before its first token; the other ones stay as they were.

    UsageError for a layer or a state that the model does not have, or a wrong count of numbers.
    """
    if not given:
        return model_input
    states = _states_of(model, model_input)
    by_name = {
        layer_name(model.spec, k, direction): states[k][n]
        for k, layer in enumerate(model.spec.layers)
        for n, direction in enumerate(layer.directions)
    }
    for state in given:
        name = next(iter(by_name)) if state.layer is None else state.layer
        if name not in by_name:
            raise UsageError(
                _("There is no layer {name!r} for a state.{hint} Layers: {layers}.").format(
                    name=name, hint=nearest(name, by_name), layers=", ".join(by_name)
                )
            )
        own = by_name[name]
        if state.name not in own:
            raise UsageError(
                _("{name} has no state {state!r}; it has {states}.").format(
                    name=name, state=state.name, states=", ".join(own)
                )
            )
        own[state.name] = _row(state, own[state.name], name)
    remark = f"{model_input.remark}; begins in given states"
    return replace(model_input, initial=states, remark=remark)


def _row(state: InitialState, like: Array, layer: str) -> Array:
    """The numbers of a state as (1, H)."""
    H = like.shape[1]
    if len(state.values) not in (1, H):
        raise UsageError(
            _(
                "{layer} has {H} numbers in {state}; {count} are given. "
                "Give one for all units, or one for each."
            ).format(layer=layer, H=H, state=state.name, count=len(state.values))
        )
    return np.broadcast_to(np.array(state.values, like.dtype), (1, H)).copy()


def _states_of(model: Model, model_input: ModelInput) -> list[list[Values]]:
    """The states (1, H) that the model begins with, by layer and direction."""
    if model_input.initial is not None:
        return [[dict(states) for states in layer] for layer in model_input.initial]
    first = model.record(model_input.inputs[:1])
    return [[dict(scan.initial) for scan in layer] for layer in first.scans]
