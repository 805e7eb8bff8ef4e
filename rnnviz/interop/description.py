"""What is in a model file, as one document: tensors, layers, counts, statistics, nets."""

from __future__ import annotations

from dataclasses import asdict
from math import prod
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import CELLS
from rnnviz.engine.param_count import parameters
from rnnviz.engine.spec import HeadSpec, ModelSpec, SeriesSpec
from rnnviz.equations.functions import ACTIVATIONS, SIGMOIDS
from rnnviz.interop.assembly import ImportableNet, importable_nets, kind_of
from rnnviz.interop.contents import (
    DenseOperation,
    EmbeddingOperation,
    FileTensor,
    ModelContents,
    Operation,
    RecurrentOperation,
)

SCHEMA = "rnnviz.inspect/1"
#: A gate is called saturated by its bias where its activation of b alone is outside of these.
OPEN_RANGE = (0.05, 0.95)


def describe(contents: ModelContents, size: int) -> dict[str, Any]:
    """The document that ``rnnviz inspect --json`` prints. ``size``: bytes of the file."""
    layers = [_layer(op) for op in contents.operations]
    vocabulary = contents.vocabulary
    nets = importable_nets(contents)
    stepped = {name for net in nets for name in net.operations}
    return {
        "schema": SCHEMA,
        "file": str(contents.path),
        "bytes": size,
        "format": contents.format,
        "framework": contents.framework,
        "version": contents.version,
        "refusal": contents.refusal or None,
        "tensors": [_tensor(tensor) for tensor in contents.tensors],
        "layers": layers,
        "numbers": sum(prod(t.shape) for t in contents.tensors if not t.joined),
        "parameters": sum(layer["count"] for layer in layers),
        "stepped_parameters": sum(each["count"] for each in layers if each["name"] in stepped),
        "vocabulary": None if vocabulary is None else {
            "words": len(vocabulary.words), "first": list(vocabulary.words[:8]),
            "tokenizer": vocabulary.tokenizer, "where": vocabulary.where,
        },
        "labels": list(contents.labels),
        "conversions": list(contents.conversions),
        "assumptions": [asdict(each) for each in contents.assumptions],
        "ignored": [asdict(each) for each in contents.ignored],
        "nets": [_net(net) for net in nets],
    }  # fmt: skip


def _tensor(tensor: FileTensor) -> dict[str, Any]:
    role = tensor.role
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "role": None if role is None else asdict(role),
        "statistics": None if tensor.array is None else statistics(tensor.array),
    }


def statistics(array: Array) -> dict[str, Any] | None:
    """Smallest, largest and mean value, Euclidean norm, and how many are not finite.

    The first four are of the finite values; None where there is none, or none that is a number.
    """
    if array.dtype.kind not in "fiub" or not array.size:
        return None
    with np.errstate(invalid="ignore"):  # signalling NaNs
        values = array.astype(np.float64, copy=False)
    finite = np.isfinite(values)
    bad = int(values.size - np.count_nonzero(finite))
    kept = values if not bad else values[finite]
    if not kept.size:
        return {"min": None, "max": None, "mean": None, "norm": None, "not_finite": bad}
    return {
        "min": float(kept.min()), "max": float(kept.max()), "mean": float(kept.mean()),
        "norm": float(np.sqrt(np.square(kept).sum())), "not_finite": bad,
    }  # fmt: skip


def _layer(op: Operation) -> dict[str, Any]:
    count, arithmetic = _count(op)
    found = {
        "name": op.name, "kind": kind_of(op), "reads": list(op.reads),
        "count": count, "arithmetic": arithmetic,
    }  # fmt: skip
    if isinstance(op, RecurrentOperation):
        found["width"] = op.width
        found["biases"] = _biases(op)
    return found


def _count(op: Operation) -> tuple[int, str]:
    """The numbers of a layer and how they multiply: ``4·(25·100 + 100·100 + 100) = 50,400``."""
    if isinstance(op, RecurrentOperation):
        head = HeadSpec("state", op.spec.output_width)
        row = parameters(ModelSpec(SeriesSpec(op.width), (op.spec,), head))[0]
        return row.count, row.arithmetic
    arrays: list[Array] = []
    if isinstance(op, EmbeddingOperation):
        arrays = [op.table]
    elif isinstance(op, DenseOperation):
        arrays = [op.W] if op.b is None else [op.W, op.b]
    if not arrays:
        return 0, ""
    count = sum(a.size for a in arrays)
    return count, f"{' + '.join('·'.join(map(str, a.shape)) for a in arrays)} = {count:,}"


def _biases(op: RecurrentOperation) -> list[dict[str, Any]]:
    """By direction and gate: the mean bias, and the share of units that it saturates alone.

    The biases of input and recurrent row are added. The share is None where the activation is not
    one between 0 and 1.
    """
    found = []
    gates, name = CELLS[op.spec.cell].gates, op.spec.recurrent_activation
    for direction, own in op.params.items():
        if (b := own.get("b")) is None:
            continue
        with np.errstate(invalid="ignore"):  # infinities of both signs
            total = b if b.ndim == 1 else b.sum(0)
        for gate, of_gate in zip(gates, np.split(total, len(gates)), strict=True):
            share = None
            if gate not in ("", "g") and name in SIGMOIDS:
                open_ = ACTIVATIONS[name](of_gate.astype(np.float64))
                low, high = OPEN_RANGE
                share = float(((open_ < low) | (open_ > high)).mean())
            found.append({
                "direction": direction, "gate": gate, "mean": float(of_gate.mean()),
                "saturated": share,
            })  # fmt: skip
    return found


def _net(net: ImportableNet) -> dict[str, Any]:
    return {
        "name": net.name,
        "operations": list(net.operations),
        "missing": list(net.missing),
        "notes": list(net.notes),
        "parameters": sum(prod(a.shape) for a in net.params.values()),
        "config": net.spec.to_json(),
    }
