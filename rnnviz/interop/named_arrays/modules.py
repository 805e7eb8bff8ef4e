"""What the names and shapes of arrays say: layers, without what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

import numpy as np

from rnnviz.arrays import Array, Values, in_range
from rnnviz.engine.spec import Activation, RecurrentSpec
from rnnviz.errors import UsageError
from rnnviz.interop.contents import (
    Assumption,
    FileTensor,
    GateRange,
    ImportOptions,
    Operation,
    TensorRole,
)
from rnnviz.messages import N_, _


@dataclass(frozen=True, eq=False)
class FoundModule:
    """A module of the net: an embedding, recurrent layers one on another, a dense layer, or else.

    ``position`` is that of its first tensor in the file. ``roles`` are those of its tensors by
    name. ``operations`` follow each other; the first reads nothing yet. A "matrix" is an embedding
    or a dense layer without a bias. ``reason`` says why a module of the kind "other" cannot be
    stepped through. ``reads`` and ``gives`` are widths of input and output.
    """

    name: str
    position: int
    kind: Literal["embedding", "recurrent", "dense", "matrix", "other"]
    roles: Mapping[str, TensorRole]
    operations: tuple[Operation, ...] = ()
    reads: int | None = None
    gives: int | None = None
    what: str = ""  # the kind of an "other": "Conv1d"
    reason: str = ""
    conversions: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = field(default=())


@dataclass(frozen=True)
class CellLayout:
    """How a framework lays out the gates of a cell: in ``letters``, which here are ``gates``."""

    cell: str
    gates: tuple[str, ...]
    letters: str

    def ranges(self, units: int) -> tuple[GateRange, ...]:
        """The rows or columns of each gate."""
        return tuple(
            GateRange(gate, k * units, (k + 1) * units) for k, gate in enumerate(self.gates)
        )


def float32(array: Array) -> Array:
    """An array of numbers as float32 in C order."""
    with np.errstate(over="ignore", invalid="ignore"):  # checked by ``unreadable``
        return np.ascontiguousarray(array, np.float32)


def added(a: Array, b: Array) -> Array:
    """The sum of two biases; that of infinities is checked by ``unreadable``."""
    with np.errstate(over="ignore", invalid="ignore"):
        return a + b


def permuted(array: Array, of: Sequence[str], to: Sequence[str]) -> Array:
    """Blocks of the last axis in another order: from the gates ``of`` to the gates ``to``."""
    if tuple(of) == tuple(to):
        return array
    parts = np.split(array, len(of), axis=-1)
    return np.concatenate([parts[list(of).index(gate)] for gate in to], axis=-1)


def shape_text(tensor: FileTensor) -> str:
    """The shape for a message: (128, 32)."""
    return str(tuple(tensor.shape)).replace(",)", ")")


def unreadable(name: str, params: Mapping[str, Values]) -> str:
    """Why the numbers of a layer cannot be used; "" where they can."""
    for arrays in params.values():
        for array in arrays.values():
            if not in_range(array):
                return N_("{name} has numbers that are not finite or far too large").format(
                    name=name
                )
    return ""


def output_width(spec: RecurrentSpec) -> int:
    """Width of what a layer gives at each step."""
    width = spec.projection or spec.units
    return width * len(spec.directions) if spec.merge == "concat" else width


def state_activation(options: ImportOptions) -> Activation:
    """The activation that the user named, or tanh; UsageError if it is unknown."""
    name = options.activation or "tanh"
    name = "identity" if name == "linear" else name
    if name not in get_args(Activation):
        raise UsageError(
            _("--activation {name}: one of {names}.").format(
                name=name, names=", ".join(get_args(Activation))
            )
        )
    return cast(Activation, name)


def widened(bits: Array) -> Array:
    """bfloat16 as float32: its 16 bits are the upper half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
