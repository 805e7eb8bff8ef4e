"""Clamps as the engine takes them: what is held in which pass, at which tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz.arrays import Array
from rnnviz.clamps import Clamp, ClampTarget, placed
from rnnviz.data.batches import padded
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.model import ForwardPass, Model, directions
from rnnviz.engine.spec import ModelSpec
from rnnviz.tracer.reading import Reading

#: By layer and direction.
Holding = list[list[Clamping | None]]


def layer_name(spec: ModelSpec, k: int, direction: str) -> str:
    """How a layer and direction is called in a trace: ``lstm``, ``lstm.1.backward``."""
    cell = spec.layers[k].cell
    name = cell if len(spec.layers) == 1 else f"{cell}.{k}"
    return name if direction == "forward" else f"{name}.backward"


def in_model(model: Model, clamps: Sequence[Clamp], T: int) -> tuple[Clamp, ...]:
    """The clamps with their layers named; UsageError for what this net or text does not have."""
    places, D = [], model.spec.source.width
    for k, layer in enumerate(model.spec.layers):
        cell = model.cell(k)
        widths = {"x": D} | dict.fromkeys((line.name for line in cell.lines), layer.units)
        places += [
            ClampTarget(layer_name(model.spec, k, direction), cell.title, widths)
            for direction in directions(layer)
        ]
        D = layer.units * len(directions(layer))
    return tuple(placed(clamp, places, T) for clamp in clamps)


def holding(model: Model, clamps: Sequence[Clamp], T: int, shift: int = 0) -> Holding | None:
    """What a pass over T tokens holds; None where that is nothing.

    A clamp of one token holds the one ``shift`` further on, if there is one.
    """
    if not clamps:
        return None
    found: Holding = []
    D = model.spec.source.width
    for k, layer in enumerate(model.spec.layers):
        found.append([])
        for direction in directions(layer):
            name = layer_name(model.spec, k, direction)
            own = [clamp for clamp in clamps if clamp.layer == name]
            dtype = model.params["head.b"].dtype
            found[k].append(_held(own, T, {"x": D}, layer.units, shift, dtype))
        D = layer.units * len(directions(layer))
    return found


def _held(
    clamps: Sequence[Clamp], T: int, widths: dict[str, int], H: int, shift: int, dtype: np.dtype
) -> Clamping | None:
    held = Clamping({}, {})
    for clamp in clamps:
        t, unit = clamp.where
        if isinstance(t, int):
            t += shift
            if t >= T:
                continue
        shape = (T, 1, widths.get(clamp.name, H))
        held.where.setdefault(clamp.name, np.zeros(shape, bool))[t, :, unit] = True
        held.values.setdefault(clamp.name, np.zeros(shape, dtype))[t, :, unit] = clamp.value
    return held if held.where else None


def logits_of_beginnings(
    model: Model, done: ForwardPass, reading: Reading, clamps: Sequence[Clamp]
) -> Array:
    """What a net that reads backwards too says after each token, (T, K), with values held.

    Each beginning is read by itself, as it would be without the tokens after it. With padding in
    front, its tokens stand further right, and what is held moves with them.
    """
    T, pads = len(done.inputs), reading.pads
    found = []
    for t in range(pads or 1, T):
        start = padded([reading.ids[pads:t]], T, "front") if pads else done.inputs[:t]
        shift = T - t if pads else 0
        held = holding(model, clamps, len(start), shift)
        found.append(model.forward(start, initial=None, held=held).logits)
    # The net never says anything before it has read all its padding.
    return np.concatenate([*found[:1] * (pads - 1), *found, done.logits])
