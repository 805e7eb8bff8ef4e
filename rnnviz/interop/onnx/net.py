"""The operations of a net as they are found, and what reading a value means."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    InputOperation,
    LastStepOperation,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
)
from rnnviz.interop.onnx.elements import (
    Constant,
    ElementNumbers,
    Fill,
    Form,
    Match,
    Numbered,
    Unshaped,
    Value,
    match_forms,
)
from rnnviz.messages import N_

#: After a layer's name: its states after the last step.
STATE = "\0state"


class NetOperations:
    """Collects operations; names what reads what."""

    def __init__(self, elements: ElementNumbers) -> None:
        self.elements = elements
        self.operations: dict[str, Operation] = {}
        self.forms: dict[str, list[Form]] = {}  # of layers whose directions were merged
        #: Operations that others replace where nothing else reads them: by name the later one's.
        self._replaced: dict[str, str] = {}
        self._first_name: dict[str, str] = {}
        self._rearranged: dict[bytes, str] = {}
        self._names: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        """The name, with a number if another operation has it."""
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else self.unique(f"{name} ({count})")

    def add(self, operation: Operation) -> str:
        """Add an operation; its name."""
        self.operations[operation.name] = operation
        return operation.name

    def replace(self, name: str, operation: Operation, *, renamed: bool = False) -> str:
        """Add an operation that does what ``name`` does and more, in its place.

        It takes over the name unless it is ``renamed``.
        """
        self._replaced[name] = operation.name
        if not renamed:
            self._first_name[operation.name] = name
        return self.add(operation)

    def opaque(self, name: str, kind: str, values: Iterable[Value | None], reason: str = "") -> str:
        """Add an operation that is not known, with a name of its own; that name."""
        reads: dict[str, None] = {}
        for value in values:
            if value is not None:
                reads |= dict.fromkeys(self.sources(value))
        return self.add(OpaqueOperation(name, tuple(reads), kind, reason))

    def sources(self, value: Value) -> tuple[str, ...]:
        """The operations whose output a value consists of."""
        if isinstance(value, Constant | Fill):
            return ()
        match = self.match(value)
        if match is not None:
            return (self._name(match),)
        if isinstance(value, Unshaped):
            return (value.operation,)
        blocks = self.elements.blocks(value)
        return tuple(dict.fromkeys(block.operation for block in blocks if block.operation))

    def match(self, value: Value) -> Match | None:
        """The form of one operation that a value is all of; None where it is not."""
        if not isinstance(value, Numbered):
            return None
        blocks = self.elements.blocks(value)
        if len(blocks) == 1:
            return match_forms(value, blocks[0].forms)
        if len(blocks) == 2:
            pair = self.joined(blocks[0].forms, blocks[1].forms)
            return None if not pair else match_forms(value, pair)
        return None

    def read(self, value: Value) -> tuple[str, Match | None]:
        """The operation that gives a value, which is added where it is a rearrangement."""
        match = self.match(value)
        if match is not None:
            return self._name(match), match
        return self.rearrangement(value), None

    def rearrangement(self, value: Value) -> str:
        """The operation whose output a value is a part of, or a rearrangement that is added."""
        if isinstance(value, Unshaped):
            return value.operation
        if isinstance(value, Numbered):
            sources, kind = self.sources(value), value.made_by or "Slice"
            key = hashlib.sha256(np.ascontiguousarray(value.ids).tobytes()).digest()
        else:
            sources, kind, key = (), "Constant", b""
        if key not in self._rearranged:
            name = self.unique(f"{kind} of {', '.join(sources)}" if sources else kind)
            reason = N_("it takes a part of what it reads, or rearranges it")
            self._rearranged[key] = self.add(OpaqueOperation(name, sources, kind, reason))
        return self._rearranged[key]

    def _name(self, match: Match) -> str:
        name = match.form.operation
        if match.reads == "state" and isinstance(self.operations.get(name), RecurrentOperation):
            return name + STATE
        if match.reads == "end":
            return self._last_token(name)
        return name

    def _last_token(self, name: str) -> str:
        """The operation that gives the last token of what an operation gives at every step.

        A dense layer at every step, of which the last one is read, is one on the last token.
        """
        operation, last = self.operations[name], f"{name}, last token"
        if isinstance(operation, RecurrentOperation) and operation.spec.directions == ("forward",):
            return name + STATE
        if last in self.operations:
            return last
        if isinstance(operation, DenseOperation | ActivationOperation | AffineOperation):
            below = replace(operation, name=last, reads=(self._last_token(operation.reads[0]),))
            if isinstance(below, DenseOperation):
                below = replace(below, each_step=False)
            return self.replace(name, below, renamed=True)
        return self.add(LastStepOperation(last, (name,)))

    def joined(self, first: list[Form], second: list[Form]) -> list[Form]:
        """Two layers that read the same input from its two ends, as one layer."""
        if not first or not second:
            return []
        forward = self.operations.get(first[0].operation)
        backward = self.operations.get(second[0].operation)
        if not isinstance(forward, RecurrentOperation) or not isinstance(
            backward, RecurrentOperation
        ):
            return []
        one = replace(forward.spec, bidirectional=True)
        if (
            forward.reads != backward.reads
            or forward.spec.directions != ("forward",)
            or backward.spec.directions != ("backward",)
            or replace(backward.spec, bidirectional=True, reverse=False) != one
            or forward.initial != backward.initial
        ):
            return []
        name = f"{forward.name} and {backward.name}"
        if name not in self.operations:
            params = {**forward.params, **backward.params}
            joined = replace(forward, name=self.unique(name), spec=one, params=params)
            self.replace(forward.name, joined, renamed=True)
            self.replace(backward.name, joined, renamed=True)
        return [
            Form(name, f.kind, Numbered(shape.shape, moved=shape))
            for f, b in zip(first, second, strict=False)
            if f.kind == b.kind
            for shape in [np.concatenate([f.value.ids, b.value.ids], -1)]
        ]

    # -- the end ---------------------------------------------------------------------------------

    def finish(self, outputs: Iterable[Value]) -> tuple[Operation, ...]:
        """The operations that the outputs and the recurrent layers need, inputs first.

        A layer whose states after the last step are read gives those alone. Where the outputs of
        every step are read as well, what reads the states reads the last token (of a forward
        layer) or a second operation with the same weights.
        """
        shown = {name for value in outputs for name in self._shown(value)}
        layers = {n for n, op in self.operations.items() if isinstance(op, RecurrentOperation)}
        kept = self._needed(shown | (layers - self._replaced.keys()))
        reads = {read for name in kept for read in self._reads(name)}
        names, wanted = self._first_names(kept), reads | shown
        result: list[Operation] = []
        for name, operation in self.operations.items():
            if name not in kept and not isinstance(operation, InputOperation):
                continue
            if not isinstance(operation, RecurrentOperation):
                result.append(operation)
                continue
            state, steps = name + STATE in wanted, name in wanted
            layer = replace(operation, every_step=steps or not state)
            result.append(layer)
            names[name + STATE] = names.get(name, name)
            if steps and name + STATE in reads:
                names[name + STATE] = last = f"{name}, last states"
                forward = layer.spec.directions == ("forward",)
                second = replace(layer, name=last, every_step=False)
                result.append(LastStepOperation(last, (name,)) if forward else second)
        return tuple(_renamed(operation, names) for operation in result)

    def _shown(self, value: Value) -> tuple[str, ...]:
        """What an output of the graph reads; the states of a single direction are states too."""
        if isinstance(value, Numbered) and self.match(value) is None:
            found = []
            for block in self.elements.blocks(value):
                states = [f.value.ids for f in block.forms if f.kind == "state"]
                ids = value.ids[(value.ids >= block.start) & (value.ids < block.stop)]
                layer = isinstance(self.operations.get(block.operation), RecurrentOperation)
                only = layer and states and np.isin(ids, states[0]).all()
                found.append(block.operation + (STATE if only else ""))
            return tuple(found)
        return self.sources(value)

    def _reads(self, name: str) -> tuple[str, ...]:
        operation = self.operations[name]
        initial = operation.initial if isinstance(operation, RecurrentOperation) else ()
        return (*operation.reads, *initial)

    def _needed(self, wanted: Iterable[str]) -> set[str]:
        left, kept = list(wanted), set[str]()
        while left:
            name = left.pop().removesuffix(STATE)
            if name in self.operations and name not in kept:
                kept.add(name)
                left += self._reads(name)
        return kept

    def _first_names(self, kept: set[str]) -> dict[str, str]:
        """What took over a bias, an activation or a merge has the name of what it replaced."""
        names = {}
        for name in kept:
            first = name
            while first in self._first_name and self._first_name[first] not in kept:
                first = self._first_name[first]
            if first != name:
                names[name] = first
        return names


def _renamed(operation: Operation, names: dict[str, str]) -> Operation:
    reads = tuple(names.get(read, read) for read in operation.reads)
    own = names.get(operation.name, operation.name)
    if isinstance(operation, RecurrentOperation):
        initial = tuple(names.get(name, name) for name in operation.initial)
        return replace(operation, name=own, reads=reads, initial=initial)
    return replace(operation, name=own, reads=reads)
