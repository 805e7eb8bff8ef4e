"""One stack of operations as a model of this engine: built from the bottom, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import (
    MOST_LAYERS,
    Activation,
    DenseSpec,
    EmbeddingSpec,
    HeadKind,
    HeadReads,
    HeadSpec,
    ModelSpec,
    SeriesSpec,
)
from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    IdentityOperation,
    LastStepOperation,
    MaskingOperation,
    Operation,
    RecurrentOperation,
)
from rnnviz.messages import N_

#: Words of frameworks for no activation.
SYNONYMS = {"": "linear", "identity": "linear", "none": "linear"}
#: The activations of an output, and of the dense layers below it.
OUTPUTS = tuple(kind for kind in get_args(HeadKind) if kind != "state")
BELOW = (*get_args(Activation), "linear")


class UnfitError(ValueError):
    """An operation that cannot be the next one of a stack."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Operations from the bottom up, batch normalisation already folded into kernels.

    ``operations`` are the names of those that are in the net; ``pending`` of those that are only if
    another one follows, such as a dropout at the end. ``affine`` waits for the kernel that reads
    it.
    """

    operations: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    embedding: EmbeddingOperation | None = None
    mask_value: float | None = None
    recurrent: tuple[RecurrentOperation, ...] = ()
    dense: tuple[DenseOperation, ...] = ()
    affine: AffineOperation | None = None
    last_step: bool = False
    notes: tuple[str, ...] = ()

    def with_operation(self, op: Operation) -> Stack:
        """The stack with one more operation; UnfitError where it does not fit."""
        match op:
            case IdentityOperation():
                return replace(self, pending=(*self.pending, op.name))
            case EmbeddingOperation():
                return self._with_embedding(op)
            case MaskingOperation():
                return self._with_masking(op)
            case AffineOperation():
                return self._with_affine(op)
            case RecurrentOperation():
                return self._with_recurrent(op)
            case LastStepOperation():
                return self._with_last_step(op)
            case DenseOperation():
                return self._with_dense(op)
            case ActivationOperation():
                return self._with_activation(op)
        raise UnfitError(op.name)

    def _added(self, op: Operation, note: str = "", **changes: Any) -> Stack:
        """The stack with an operation that is certainly part of it."""
        return replace(
            self,
            operations=(*self.operations, *self.pending, op.name),
            pending=(),
            notes=(*self.notes, note) if note else self.notes,
            **changes,
        )

    def _with_embedding(self, op: EmbeddingOperation) -> Stack:
        _require(not self.operations and self.mask_value is None and self.affine is None, op)
        return self._added(op, embedding=op)

    def _with_masking(self, op: MaskingOperation) -> Stack:
        _require(not self.operations and self.affine is None and self.mask_value is None, op)
        return replace(self, pending=(*self.pending, op.name), mask_value=op.value)

    def _with_affine(self, op: AffineOperation) -> Stack:
        if self.dense and self.dense[-1].activation == "linear" and self.affine is None:
            dense = self.dense[-1]
            _require(op.scale.shape == dense.W.shape[1:], op)
            b = np.zeros_like(op.shift) if dense.b is None else dense.b
            folded = replace(dense, W=dense.W * op.scale, b=b * op.scale + op.shift)
            return self._added(op, _folded(op, dense), dense=(*self.dense[:-1], folded))
        before = self.affine
        if before is not None:
            _require(before.scale.shape == op.scale.shape, op)
            op = replace(
                op, scale=before.scale * op.scale, shift=before.shift * op.scale + op.shift
            )
        return replace(self, pending=(*self.pending, op.name), affine=op)

    def _with_recurrent(self, op: RecurrentOperation) -> Stack:
        _require(not self.dense and not self.last_step, op)
        _require(len(self.recurrent) < MOST_LAYERS, op)
        if self.recurrent:
            _require(self.recurrent[-1].every_step, op)
        if self.embedding is not None or self.recurrent:
            _require(op.width == self.width, op)
        if self.affine is None:
            return self._added(op, recurrent=(*self.recurrent, op))
        _require(self.affine.scale.shape == (op.width,), op)
        note = _folded(self.affine, op)
        op = with_affine_input(op, self.affine)
        return self._added(op, note, recurrent=(*self.recurrent, op), affine=None)

    def _with_last_step(self, op: LastStepOperation) -> Stack:
        _require(bool(self.recurrent) and not self.dense and not self.last_step, op)
        return replace(self, pending=(*self.pending, op.name), last_step=True)

    def _with_dense(self, op: DenseOperation) -> Stack:
        _require(bool(self.recurrent) and op.W.ndim == 2 and op.W.shape[0] == self.width, op)
        _require(len(self.dense) <= MOST_LAYERS, op)
        op = replace(op, activation=SYNONYMS.get(op.activation, op.activation))
        _require(op.activation in (*OUTPUTS, *BELOW), op)
        if self.dense:
            _require(self.dense[-1].activation in BELOW, op)
        each_step = self.recurrent[-1].every_step and not self.last_step
        _require(op.each_step == each_step or bool(self.dense), op)
        if self.affine is None:
            return self._added(op, dense=(*self.dense, op))
        a = self.affine
        _require(a.scale.shape == op.W.shape[:1], op)
        b = a.shift @ op.W if op.b is None else op.b + a.shift @ op.W
        note = _folded(a, op)
        op = replace(op, W=a.scale[:, None] * op.W, b=b)
        return self._added(op, note, dense=(*self.dense, op), affine=None)

    def _with_activation(self, op: ActivationOperation) -> Stack:
        name = SYNONYMS.get(op.activation, op.activation)
        if name == "linear":
            return replace(self, pending=(*self.pending, op.name))
        _require(bool(self.dense) and self.affine is None, op)
        _require(self.dense[-1].activation == "linear", op)
        _require(name in (*OUTPUTS, *BELOW), op)
        top = replace(self.dense[-1], activation=name)
        return self._added(op, dense=(*self.dense[:-1], top))

    def finished(self) -> bool:
        """Whether it is a net: it has a recurrent layer, and its top is an output."""
        return bool(self.recurrent) and (not self.dense or self.dense[-1].activation in OUTPUTS)

    @property
    def width(self) -> int:
        """The width of what the next operation reads."""
        if self.dense:
            return int(self.dense[-1].W.shape[1])
        if self.recurrent:
            return self.recurrent[-1].spec.output_width
        return int(self.embedding.table.shape[1]) if self.embedding is not None else 0

    # -- as a model ---------------------------------------------------------------------------

    def spec(self) -> ModelSpec:
        """The specification; ValueError where a number of it is out of range."""
        source: EmbeddingSpec | SeriesSpec
        if self.embedding is not None:
            V, E = self.embedding.table.shape
            source = EmbeddingSpec(V, E, self.embedding.mask_zero)
        else:
            source = SeriesSpec(self.recurrent[0].width, mask_value=self.mask_value)
        layers = tuple(op.spec for op in self.recurrent)
        return ModelSpec.from_json(ModelSpec(source, layers, self._head()).to_json())

    def _head(self) -> HeadSpec:
        if not self.dense:
            return HeadSpec("state", self.width, reads=self._reads())
        *below, top = self.dense
        dense = tuple(
            DenseSpec(op.W.shape[1], _dense_activation(op.activation), op.b is not None)
            for op in below
        )
        return HeadSpec(
            cast(HeadKind, top.activation), top.W.shape[1], reads=self._reads(), dense=dense,
            bias=top.b is not None,
        )  # fmt: skip

    def _reads(self) -> HeadReads:
        top = self.recurrent[-1]
        if self.last_step:
            return "end" if "backward" in top.spec.directions else "last"
        return "steps" if self.dense and top.every_step else "last"

    def params(self) -> Values:
        """The arrays by their names in a weight file, float32; ValueError for a wrong shape."""
        spec = self.spec()
        arrays: Values = {}
        if self.embedding is not None:
            arrays["embedding"] = self.embedding.table
        for k, op in enumerate(self.recurrent):
            for direction, own in op.params.items():
                arrays |= {f"layers.{k}.{direction}.{name}": a for name, a in own.items()}
        heads = [name for name in shapes(spec) if name.startswith("head.")]
        values = [a for op in self.dense for a in (op.W, op.b) if a is not None]
        arrays |= dict(zip(heads, values, strict=True))
        wanted = shapes(spec)
        for name in wanted.keys() | arrays.keys():
            found = arrays[name].shape if name in arrays else None
            if found != wanted.get(name):
                raise ValueError(
                    N_("{name} has shape {found}, expected {wanted}").format(
                        name=name, found=found, wanted=wanted.get(name)
                    )
                )
        return {name: np.ascontiguousarray(arrays[name], np.float32) for name in wanted}


def with_affine_input(op: RecurrentOperation, affine: AffineOperation) -> RecurrentOperation:
    """The layer that reads x as the given one reads x · scale + shift: only W and b change."""
    params: dict[str, Values] = {}
    for direction, own in op.params.items():
        W: Array = own["W"]
        shift = affine.shift @ W
        b = own.get("b")
        if b is None:
            b = shift
        elif b.ndim == 2:  # GRU: the row of the input
            b = np.stack([b[0] + shift, b[1]])
        else:
            b = b + shift
        params[direction] = {**own, "W": affine.scale[:, None] * W, "b": b}
    return replace(op, spec=replace(op.spec, bias=True), params=params)


def _dense_activation(name: str) -> Activation:
    return cast(Activation, "identity" if name == "linear" else name)


def _require(fits: bool, op: Operation) -> None:
    if not fits:
        raise UnfitError(op.name)


def _folded(affine: AffineOperation, into: Operation) -> str:
    return N_("{name} (batch normalisation) is folded into the kernel of {other}").format(
        name=affine.name, other=into.name
    )
