"""The recurrent layers of a trace, from a recording and its gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells.weights import state_widths, weights_by_name
from rnnviz.clamps import Clamp
from rnnviz.engine.model import Model
from rnnviz.engine.pass_results import RecordedGradients, Recording
from rnnviz.engine.scan import Scan, ScanGradients
from rnnviz.trace import LayerTrace, frozen
from rnnviz.tracer.clamping import layer_name


def layer_traces(
    model: Model, recording: Recording, back: RecordedGradients, clamps: Sequence[Clamp]
) -> tuple[LayerTrace, ...]:
    """One for each direction of each layer, bottom to top, forward before backward."""
    layers = []
    for k, spec in enumerate(model.spec.layers):
        directions = zip(
            spec.directions, recording.scans[k], back.scans[k], back.reach[k], strict=True
        )
        for direction, scan, grads, reach in directions:
            name = layer_name(model.spec, k, direction)
            own = tuple(clamp for clamp in clamps if clamp.layer == name)
            layers.append(_layer_trace(model, k, direction, scan, grads, reach, own))
    return tuple(layers)


def _layer_trace(
    model: Model, k: int, direction: str, scan: Scan, grads: ScanGradients, reach: Array,
    clamps: tuple[Clamp, ...],
) -> LayerTrace:  # fmt: skip
    cell = model.cell(k)
    p = model.layer_params(k, direction)
    widths = state_widths(cell, p)
    units, own = min(widths.values()), model.spec.layers[k].units
    is_projected = widths["h"] != own
    recorded = ("x", *_recorded(scan, cell.gates))
    values = {n: frozen(scan.stack(n)[:, 0]) for n in recorded if n != "x"}
    gradients = {n: frozen(grads.stack(n)[:, 0]) for n in grads.names}
    values["x"], gradients["x"] = frozen(scan.x[:, 0].copy()), frozen(grads.x[:, 0].copy())
    T = len(scan.steps)
    return LayerTrace(
        name=layer_name(model.spec, k, direction),
        cell=cell.name,
        title=f"{cell.title} {own} → {widths['h']}" if is_projected else cell.title,
        units=units,
        direction=direction,
        gates=cell.gates,
        states=cell.states,
        recorded=recorded,
        lines=cell.lines,
        back=cell.back,
        weights={n: frozen(a.view()) for n, a in weights_by_name(cell, p).items()},
        values=values,
        grads=gradients,
        mask=frozen(np.ones(T, bool) if scan.mask is None else scan.mask[:, 0].copy()),
        reach=frozen(reach),
        initial={n: frozen(a[0].copy()) for n, a in scan.initial.items()},
        clamps=clamps,
        merge=model.spec.layers[k].merge,
    )


def _recorded(scan: Scan, gates: tuple[str, ...]) -> list[str]:
    """The recorded names: pre-activations in the order of the columns on disk, then the rest."""
    names = scan.names
    first = [f"a_{g}" for g in gates if f"a_{g}" in names]
    rest = [n for n in names if n not in first and n not in gates]
    return [*first, *(g for g in gates if g in names), *rest]
