"""A trace written in another notation: the same net, with other symbols.

Only the symbols change, but for z of a GRU. Where a notation has z renew the old state, the
numbers are those of 1 − z: z' = 1 − z, and since 1 − σ(a) = σ(−a), a_z' = −a_z, with the weights
and biases of z negated. The gradients of all of these change their sign. It is the same net
exactly: every line, evaluated with the new numbers, gives the same h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnviz.arrays import Array
from rnnviz.clamps import Clamp
from rnnviz.equations import DEFAULT_NOTATION, turned
from rnnviz.equations.functions import is_gate
from rnnviz.equations.symbol_table import keeps
from rnnviz.trace import LayerTrace, Trace, frozen

#: The trained arrays of a GRU whose sign is turned with z.
Z_WEIGHTS = ("W_z", "U_z", "b_z", "b_rz")
#: The mark above the letter of a candidate, as in c̃; "c~" is typed for it.
TILDE = "\u0303"


def in_notation(trace: Trace, notation: str) -> Trace:
    """The trace as it was computed, written in a notation; a net by hand keeps its own symbols."""
    source = trace.source or trace
    if notation == DEFAULT_NOTATION or source.hand is not None:
        return source
    layers = tuple(layer_in_notation(layer, notation) for layer in source.layers)
    return replace(source, layers=layers, source=source)


def layer_in_notation(layer: LayerTrace, notation: str) -> LayerTrace:
    """One layer of a computed trace in a notation."""
    if turns_z(layer, notation):
        layer = _with_turned_z(layer)
    return replace(layer, notation=notation)


def turns_z(layer: LayerTrace, notation: str) -> bool:
    """Whether z of this layer, as it was computed, is turned in a notation."""
    formulas = {line.name: line.formula for line in layer.lines}
    if layer.cell not in ("gru", "gru-2014") or not is_gate(formulas["z"]):
        return False
    return keeps(notation) not in (None, formulas["h"].startswith("z * h_prev"))


def turned_value(clamp: Clamp, trace: Trace) -> Clamp:
    """A clamp of the computed trace with its value in the notation, or the other way round."""
    layer = _layer_of(clamp, trace)
    source = (trace.source or trace).layers[trace.layers.index(layer)]
    return turned_clamp(clamp) if turns_z(source, layer.notation) else clamp


def written_clamp(clamp: Clamp, trace: Trace) -> Clamp:
    """A clamp of the computed trace as the notation writes it: name and value."""
    turned = turned_value(clamp, trace)
    return replace(turned, name=_layer_of(clamp, trace).symbol(clamp.name))


def read_clamp(clamp: Clamp, trace: Trace) -> Clamp:
    """A clamp that was typed in the notation, or with the name of the lines, for the tracer."""
    layer = _layer_of(clamp, trace)
    name = layer.table.name(clamp.name.replace("~", TILDE), layer.values)
    return turned_value(replace(clamp, name=name), trace)


def _layer_of(clamp: Clamp, trace: Trace) -> LayerTrace:
    """The layer of a clamp; the first one if there is none of its name."""
    named = (layer for layer in trace.layers if layer.name == clamp.layer)
    return next(named, trace.layers[0])


def weight_sign(trace: Trace, layer: int, weight: str) -> int:
    """−1 for a weight whose sign the notation turns, and so that of its gradient; else 1."""
    source = (trace.source or trace).layers[layer]
    turned = weight in Z_WEIGHTS and turns_z(source, trace.layers[layer].notation)
    return -1 if turned else 1


def is_turned(layer: LayerTrace) -> bool:
    """Whether z of the layer, as it is shown, is the share of the old state that is renewed."""
    return any(line.name == "h" and "(1 - z) * h_prev" in line.formula for line in layer.lines)


def turned_clamp(clamp: Clamp) -> Clamp:
    """A clamp of a GRU with z turned: of z and a_z the value changes, of others it stays."""
    if clamp.name == "z":
        return replace(clamp, value=1 - clamp.value)
    return replace(clamp, value=-clamp.value) if clamp.name == "a_z" else clamp


def _with_turned_z(layer: LayerTrace) -> LayerTrace:
    weights = {
        name: frozen(-array) if name in Z_WEIGHTS else array
        for name, array in layer.weights.items()
    }
    values: dict[str, Array] = dict(layer.values)
    values["z"], values["a_z"] = frozen(1 - values["z"]), frozen(-values["a_z"])
    return replace(
        layer,
        lines=tuple(map(turned, layer.lines)),
        back=tuple(map(turned, layer.back)),
        weights=weights,
        values=values,
        grads=_negated(layer.grads),
        clamps=tuple(map(turned_clamp, layer.clamps)),
    )


def _negated(grads: Mapping[str, Array]) -> dict[str, Array]:
    return {n: frozen(-array) if n in ("z", "a_z") else array for n, array in grads.items()}
