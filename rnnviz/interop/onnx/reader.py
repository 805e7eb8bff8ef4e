"""What is in an ONNX model: its tensors, and its net with the weights in this engine's layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.errors import InvalidFileError
from rnnviz.files import read_limited
from rnnviz.files.readers import reason
from rnnviz.interop.contents import (
    FileTensor,
    ImportOptions,
    InputOperation,
    ModelContents,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
)
from rnnviz.interop.onnx.elements import LongSequencesError
from rnnviz.interop.onnx.messages import FileMessage, parse_model
from rnnviz.interop.onnx.recurrent import GATES
from rnnviz.interop.onnx.tensor_data import TensorData, type_name
from rnnviz.interop.onnx.tracing import MAX_NODES, WRITTEN_OUT, GraphTrace
from rnnviz.interop.onnx.wire import WireError
from rnnviz.messages import N_, _

#: Largest model in bytes: that of a protocol buffer. Weights in other files come on top.
MAX_BYTES = 2_000_000_000
#: The length that axes are shortened to where those of the file are too long to follow.
_SHORT = 5


def read(path: Path, options: ImportOptions) -> ModelContents:
    """The contents of an ONNX model.

    Raises OSError as ``open`` does, and InvalidFileError for a file that is not one.
    """
    data = read_limited(path, MAX_BYTES)
    try:
        model = parse_model(data)
        with np.errstate(all="ignore"):  # weights of a file may be anything
            trace, operations = _traced(model, TensorData(path), len(data))
    except WireError as error:
        raise InvalidFileError(
            _("{path} is not a usable ONNX model: {reason}.").format(
                path=path, reason=reason(error)
            )
        ) from error
    operations = tuple(_with_axes(operation, trace) for operation in operations)
    return ModelContents(
        path=path,
        format=N_("ONNX model"),
        framework="onnx",
        version=_version(model),
        tensors=(*_tensors(trace), *_folded(trace)),
        operations=operations,
        conversions=(*trace.notes.conversions, *_shared(operations)),
        ignored=tuple(trace.notes.ignored),
        refusal=_refusal(operations, trace),
    )


def _traced(
    model: FileMessage, data: TensorData, size: int
) -> tuple[GraphTrace, tuple[Operation, ...]]:
    """The graph walked; with short sequences where those that it states are too long."""
    try:
        trace = GraphTrace(model, data, size)
        return trace, trace.net.finish(trace.run())
    except LongSequencesError:
        trace = GraphTrace(model, data, size, _SHORT)
        return trace, trace.net.finish(trace.run())


def _version(model: FileMessage) -> str:
    opset = f"opset {model.opsets['']}" if "" in model.opsets else "opset 1"
    others = [f"{domain} {n}" for domain, n in model.opsets.items() if domain]
    return ", ".join(filter(None, (opset, *others, model.producer)))


def _tensors(trace: GraphTrace) -> Iterable[FileTensor]:
    for name, tensor in trace.tensors.items():
        message, role = tensor.message, trace.notes.roles.get(name)
        dtype = type_name(message.data_type)
        yield FileTensor(name, message.shape, dtype, tensor.array, role)


def _folded(trace: GraphTrace) -> Iterable[FileTensor]:
    """Weights that the graph puts together from other tensors."""
    for name, constant in trace.notes.folded.items():
        array, role = constant.array, trace.notes.roles.get(name)
        if name not in trace.tensors:
            yield FileTensor(name, array.shape, str(array.dtype), array, role, joined=True)


def _with_axes(operation: Operation, trace: GraphTrace) -> Operation:
    """An input with its shape as the layers read it: without the batch, steps first."""
    if not isinstance(operation, InputOperation):
        return operation
    shape = operation.shape
    time, batch = trace.notes.input_axes.get(operation.name, (None, None))
    leading = [k for k in range(len(shape)) if k not in (time, batch)]
    if time is None and batch is None:
        return replace(operation, shape=shape[1:])
    if batch is None:
        batch = leading.pop(0) if leading else None
    elif time is None:
        time = leading.pop(0) if leading else None
    ordered = [shape[k] for k in (time, *leading) if k is not None]
    return replace(operation, shape=tuple(ordered))


def _shared(operations: Sequence[Operation]) -> Iterable[str]:
    """Layers with equal weights."""
    seen: dict[bytes, str] = {}
    for operation in operations:
        if isinstance(operation, RecurrentOperation):
            key = _digest(operation.params.values())
            if key in seen:
                yield N_("{name}: the same weights as {other}").format(
                    name=operation.name, other=seen[key]
                )
            seen.setdefault(key, operation.name)


def _digest(params: Iterable[Values]) -> bytes:
    from hashlib import sha256

    digest = sha256()
    for arrays in params:
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + _bytes(array))
    return digest.digest()


def _bytes(array: Array) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _refusal(operations: Sequence[Operation], trace: GraphTrace) -> str:
    if any(isinstance(operation, RecurrentOperation) for operation in operations):
        return ""
    if not trace.complete:
        return N_(
            "it is too large: it has more than {most:,} nodes, or its values are too long"
        ).format(most=MAX_NODES)
    opaque = [op for op in trace.net.operations.values() if isinstance(op, OpaqueOperation)]
    for operation in opaque:
        if operation.kind in GATES and operation.reason:
            return N_("{name} cannot be stepped through: {reason}").format(
                name=operation.name, reason=operation.reason
            )
    if any(operation.reason == WRITTEN_OUT for operation in opaque):
        return N_("it has a recurrence written out step by step, not as an LSTM, GRU or RNN node")
    said = N_("it has no LSTM, GRU or RNN node")
    for operation in opaque:
        if operation.kind.endswith(tuple(GATES)):  # DynamicQuantizeLSTM, AttnLSTM
            other = N_("{name} is {operator}, no operator of ONNX").format(
                name=operation.name[:60], operator=operation.kind[:40]
            )
            return f"{said}; {other}"
    return f"{said}; {N_('cells of single operators are not recognised')}"
