"""From the operations of a file to nets that can be stepped through.

A net here is one stack: an embedding or vectors, recurrent layers, and dense layers on top. Every
path of that form through the operations is a net of its own, so that of a model with branches,
attention or custom layers the recurrent layers can still be stepped through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from rnnviz.arrays import Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.spec import ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError
from rnnviz.interop.contents import (
    ActivationOperation,
    AffineOperation,
    DenseOperation,
    EmbeddingOperation,
    IdentityOperation,
    InputOperation,
    MaskingOperation,
    ModelContents,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
)
from rnnviz.interop.stacks import Stack, UnfitError
from rnnviz.messages import N_, _, translated

#: The most nets that are looked for in a file, and the most operations of one.
MOST_NETS, MOST_OPERATIONS = 200, 400


@dataclass(frozen=True, eq=False)
class ImportableNet:
    """A net of a file, or the part of it that is one stack.

    ``name`` is that of its last recurrent layer, or "" for the whole net. ``operations`` are the
    names of those it consists of, ``missing`` says what of the file it does not compute (empty for
    the whole net), ``notes`` what was folded or left out without changing a number.
    """

    name: str
    spec: ModelSpec
    params: Values
    operations: tuple[str, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def importable_nets(contents: ModelContents) -> tuple[ImportableNet, ...]:
    """The nets of a file, none where it is refused.

    The whole net is the first, or else the longest part that reads an input of the file.
    Raises InvalidFileError where a number of every net is out of range.
    """
    if contents.refusal:
        return ()
    graph = Graph(contents.operations)
    found: list[tuple[Stack, tuple[str, ...]]] = []
    stacks = (stack for start in graph.starts() for stack in _stacks(graph, start))
    for stack in islice((stack for stack in stacks if stack.recurrent), MOST_NETS):
        found.append((stack, graph.missing(stack)))
    found.sort(key=lambda each: (
        bool(each[1]), not graph.reads_input(each[0]), -len(each[0].operations)
    ))  # fmt: skip
    names = _names([stack for stack, _ in found])
    whole = len(found) == 1 and not found[0][1]
    nets, failed = [], ""
    for name, (stack, missing) in zip(names, found, strict=True):
        try:
            spec, params = stack.spec(), stack.params()
        except ValueError as error:  # a number that no model here has, such as a mask of 1e38
            failed = failed or str(error)
            continue
        nets.append(ImportableNet(
            "" if whole else name, spec, params, tuple(stack.operations), missing,
            tuple(stack.notes),
        ))  # fmt: skip
    if failed and not nets:
        raise InvalidFileError(
            _("{path} is not a usable net: {reason}.").format(
                path=contents.path, reason=translated(failed)
            )
        )
    return tuple(nets)


class Graph:
    """The operations of a net, with the way from each to those that read it."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = {op.name: op for op in operations}
        self.readers: dict[str, list[Operation]] = {}
        for op in operations:
            for name in dict.fromkeys(op.reads):
                self.readers.setdefault(name, []).append(op)

    def source(self, op: Operation) -> Operation | None:
        """The operation whose output this one reads; None for several, or an unnamed input."""
        names = [n for n in op.reads if n not in getattr(op, "initial", ())]
        return self.operations.get(names[0]) if len(names) == 1 else None

    def starts(self) -> Iterator[Operation]:
        """Where a stack may begin: an embedding, or a recurrent layer that reads something else."""
        for op in self.operations.values():
            if isinstance(op, EmbeddingOperation) or (
                isinstance(op, RecurrentOperation) and not self._continues(op)
            ):
                yield op

    def _continues(self, op: Operation) -> bool:
        """Whether a stack reaches ``op`` from an embedding or a recurrent layer below it."""
        below, seen = self.source(op), {op.name}
        while below is not None and below.name not in seen:
            seen.add(below.name)
            if isinstance(below, RecurrentOperation):
                return below.every_step
            if isinstance(below, EmbeddingOperation):
                return True
            if not isinstance(below, IdentityOperation | AffineOperation | MaskingOperation):
                return False
            below = self.source(below)
        return False

    def below(self, op: Operation) -> list[Operation]:
        """What stands between an input of the net and ``op``, top first."""
        found: list[Operation] = []
        below = self.source(op)
        while below is not None and below not in found and len(found) < MOST_OPERATIONS:
            found.append(below)
            below = self.source(below)
        return found

    def reads_input(self, stack: Stack) -> bool:
        """Whether nothing else stands below a stack."""
        below = [self.operations.get(n) for n in self.operations[stack.operations[0]].reads[:1]]
        return all(op is None or isinstance(op, InputOperation) for op in below)

    def missing(self, stack: Stack) -> tuple[str, ...]:
        """The operations that the stack does not compute, named with their kind."""
        own = set(stack.operations)
        return tuple(text for name, text in self._texts.items() if name not in own)

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What operations are called where they are missing; inputs and identities never are."""
        return {
            op.name: f"{op.name} ({kind_of(op)})"
            for op in self.operations.values()
            if not isinstance(op, InputOperation | IdentityOperation)
        }


def kind_of(op: Operation) -> str:
    """What an operation is, for people: "LSTM 32", "Dense 6", "Conv1D"."""
    match op:
        case OpaqueOperation() | IdentityOperation():
            return op.kind
        case RecurrentOperation():
            return _recurrent_kind(op.spec)
        case DenseOperation():
            return N_("dense {width}").format(width=op.W.shape[-1])
        case EmbeddingOperation():
            return N_("embedding {rows} × {width}").format(
                rows=op.table.shape[0], width=op.table.shape[1]
            )
        case AffineOperation():
            return N_("batch normalisation")
        case ActivationOperation():
            return op.activation
        case _:
            return type(op).__name__.removesuffix("Operation").lower()


def _recurrent_kind(spec: RecurrentSpec) -> str:
    """ "LSTM 32", "bidirectional GRU, relu 48 (sum)"."""
    title, each = cell_of(spec).title, f" {spec.units}"
    if spec.bidirectional:
        merge = "" if spec.merge == "concat" else f" ({spec.merge})"
        return N_("bidirectional {kind}").format(kind=f"{title}{each}{merge}")
    cell = title + each
    return N_("{kind} (backward)").format(kind=cell) if spec.reverse else cell


def _stacks(graph: Graph, start: Operation) -> Iterator[Stack]:
    """Every stack from ``start`` upwards, each as long as it can be."""
    stack = Stack()
    for op in reversed(graph.below(start)) if isinstance(start, RecurrentOperation) else ():
        # Scaled or masked vectors belong to the net if they are an input of the file's net.
        if isinstance(op, InputOperation):
            stack = Stack()
        elif isinstance(op, AffineOperation | MaskingOperation | IdentityOperation):
            stack = stack.with_operation(op)
        else:
            stack = Stack()
    try:
        stack = stack.with_operation(start)
    except UnfitError:
        return
    yield from _extended(graph, stack, start)


def _extended(graph: Graph, stack: Stack, top: Operation) -> Iterator[Stack]:
    longer = False
    for reader in graph.readers.get(top.name, ()):
        if reader.name in stack.operations or graph.source(reader) is not top:
            continue
        if len(stack.operations) + len(stack.pending) >= MOST_OPERATIONS:
            continue
        try:
            above = stack.with_operation(reader)
        except UnfitError:
            continue
        for each in _extended(graph, above, reader):
            longer = True
            yield each
    if not longer and stack.finished():
        yield stack


def _names(stacks: Sequence[Stack]) -> list[str]:
    """A name for each stack: its last recurrent layer, with the top where two share that."""
    names = [stack.recurrent[-1].name for stack in stacks]
    tops = [f"{name}:{stack.operations[-1]}" for name, stack in zip(names, stacks, strict=True)]
    return [top if names.count(name) > 1 else name for name, top in zip(names, tops, strict=True)]
