"""Runs operations of a file with the engine's reference, to compare them with a framework."""

from __future__ import annotations

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.scan import scan
from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    IdentityOperation,
    LastStepOperation,
    MaskingOperation,
    ModelContents,
    RecurrentOperation,
)

FUNCTIONS = {
    "linear": lambda a: a,
    "relu": lambda a: np.maximum(a, 0),
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "hard_sigmoid": lambda a: np.clip(0.2 * a + 0.5, 0, 1),
    "hard_sigmoid_sixth": lambda a: np.clip(a / 6 + 0.5, 0, 1),
    "softmax": lambda a: (
        np.exp(a - a.max(-1, keepdims=True))
        / np.exp(a - a.max(-1, keepdims=True)).sum(-1, keepdims=True)
    ),
}


def run_layer(
    op: RecurrentOperation, x: Array, mask: Array | None = None, initial: list[Array] | None = None
) -> tuple[Array, Values]:
    """Outputs (B, T, ·) of x (B, T, D) by token, and the states after the last step read (B, H).

    ``initial``: the states before the first step in the cell's order, of one direction.
    """
    cell = cell_of(op.spec)
    steps = np.moveaxis(x, 1, 0).astype(np.float32)
    begin = None if initial is None else dict(zip(cell.states, initial, strict=True))
    read = None if mask is None else mask.T
    scans = [
        scan(cell, dict(op.params[way]), steps, read, reverse=way == "backward", initial=begin)
        for way in op.spec.directions
    ]
    outputs = [np.moveaxis(each.stack("h"), 0, 1) for each in scans]
    lasts = [each.last["h"] for each in scans]
    last = {s: scans[0].last[s] for s in cell.states} | {"h": merged(op, lasts)}
    return merged(op, outputs), last


def merged(op: RecurrentOperation, outputs: list[Array]) -> Array:
    """The outputs of the directions as one."""
    if len(outputs) == 1:
        return outputs[0]
    match op.spec.merge:
        case "sum":
            return outputs[0] + outputs[1]
        case "ave":
            return (outputs[0] + outputs[1]) / 2
        case "mul":
            return outputs[0] * outputs[1]
    return np.concatenate(outputs, -1)


def run(contents: ModelContents, inputs: Values) -> Values:
    """Every operation of a file that reads only what is known; by name, (B, T, ·) or (B, ·)."""
    found = {name: np.asarray(a) for name, a in inputs.items()}
    masks: dict[str, Array | None] = dict.fromkeys(found)
    for op in contents.operations:
        if op.name in found or not op.reads or any(name not in found for name in op.reads):
            continue
        x, mask = found[op.reads[0]], masks.get(op.reads[0])
        match op:
            case EmbeddingOperation():
                found[op.name] = op.table[x.astype(int)]
                mask = x != 0 if op.mask_zero else None
            case RecurrentOperation():
                begin = [found[name] for name in op.initial] or None
                outputs, last = run_layer(op, x, mask, begin)
                found[op.name] = outputs if op.every_step else last["h"]
                mask = mask if op.every_step else None
            case DenseOperation():
                y = x @ op.W + (0 if op.b is None else op.b)
                found[op.name] = FUNCTIONS[op.activation](y)
            case AffineOperation():
                found[op.name] = x * op.scale + op.shift
            case ActivationOperation():
                found[op.name] = FUNCTIONS[op.activation](x)
            case IdentityOperation():
                found[op.name] = x
            case MaskingOperation():
                found[op.name], mask = x, (x != op.value).any(-1)
            case LastStepOperation():
                found[op.name], mask = x[:, -1], None
            case _:
                continue
        masks[op.name] = mask
    return found
