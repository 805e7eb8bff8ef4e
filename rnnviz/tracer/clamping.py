"""Clamps as the engine takes them: arrays that say where values are set, and to what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz.clamps import Clamp, ClampTarget, resolve_clamp
from rnnviz.engine.clamping import Clamping
from rnnviz.engine.model import Model
from rnnviz.engine.spec import ModelSpec


def layer_name(spec: ModelSpec, k: int, direction: str) -> str:
    """The name of a layer and direction in a trace: ``lstm``, ``lstm.1.backward``."""
    cell = spec.layers[k].cell
    name = cell if len(spec.layers) == 1 else f"{cell}.{k}"
    return name if direction == "forward" else f"{name}.backward"


def resolve_clamps(
    model: Model, clamps: Sequence[Clamp], tokens: Sequence[str]
) -> tuple[Clamp, ...]:
    """The clamps with their layers named; UsageError for what this net or text does not have."""
    targets, D = [], model.spec.source.width
    for k, layer in enumerate(model.spec.layers):
        cell = model.cell(k)
        widths = {"x": D} | dict.fromkeys((line.name for line in cell.lines), layer.units)
        targets += [
            ClampTarget(layer_name(model.spec, k, direction), cell.title, widths)
            for direction in layer.directions
        ]
        D = layer.output_width
    return tuple(resolve_clamp(clamp, targets, tokens) for clamp in clamps)


def clampings(
    model: Model, clamps: Sequence[Clamp], T: int, shift: int = 0
) -> list[list[Clamping | None]] | None:
    """The clamped values of a pass over T tokens, by layer and direction; None without clamps.

    A clamp of token t applies to token t + ``shift``, if there is one.
    """
    if not clamps:
        return None
    layers: list[list[Clamping | None]] = []
    D, dtype = model.spec.source.width, model.dtype
    for k, layer in enumerate(model.spec.layers):
        layers.append([])
        for direction in layer.directions:
            name = layer_name(model.spec, k, direction)
            own = [clamp for clamp in clamps if clamp.layer == name]
            layers[k].append(_clamping(own, T, {"x": D}, layer.units, shift, dtype))
        D = layer.output_width
    return layers


def _clamping(
    clamps: Sequence[Clamp], T: int, widths: dict[str, int], H: int, shift: int, dtype: np.dtype
) -> Clamping | None:
    clamping = Clamping({}, {})
    for clamp in clamps:
        t, unit = clamp.where
        if isinstance(t, int):
            t += shift
            if t >= T:
                continue
        shape = (T, 1, widths.get(clamp.name, H))
        clamping.where.setdefault(clamp.name, np.zeros(shape, bool))[t, :, unit] = True
        clamping.values.setdefault(clamp.name, np.zeros(shape, dtype))[t, :, unit] = clamp.value
    return clamping if clamping.where else None
