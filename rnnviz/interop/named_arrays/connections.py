"""How modules follow each other, where names, order and widths allow one answer.

Files of arrays do not say it. A module reads another one if nothing stands between them in the file
and the widths fit; everything else gets an input of its own, or is named as not connected. What was
joined is an :class:`Assumption`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rnnviz.engine.spec import MOST_LAYERS
from rnnviz.errors import UsageError
from rnnviz.interop.contents import (
    Assumption,
    EmbeddingOperation,
    FileTensor,
    ImportOptions,
    InputOperation,
    LastStepOperation,
    OpaqueOperation,
    Operation,
    RecurrentOperation,
)
from rnnviz.interop.named_arrays.dense_names import as_dense, as_embedding
from rnnviz.interop.named_arrays.heads import (
    RecurrentStack,
    dense_operations,
    head_assumptions,
    head_kind,
)
from rnnviz.interop.named_arrays.modules import FoundModule
from rnnviz.messages import N_, _

HEADS: Final = ("last", "end", "steps", "none")
OUTPUTS: Final = ("sigmoid", "softmax", "linear")
#: Why a dense layer and an embedding are not joined to anything.
UNCONNECTED: Final = (
    N_("the file does not say what it reads"),
    N_("the file does not say what reads it"),
)
_MOST_MODULES: Final = 1_000
_KIND_WORDS: Final = re.compile(r"\d+|bi|lstm|gru|rnn|cells?|layers?|[._/\-:]", re.I)
_ATTENTION: Final = re.compile(r"att|score|query|energy|align|context_vec", re.I)
_OUTPUT: Final = re.compile(r"(?:^|[._/])(?:fc|out|output|head|linear|classifier|logits)\d*$", re.I)
_CRF: Final = re.compile(r"crf|transition", re.I)
_DECODER: Final = re.compile(r"dec(?!ay)|gener", re.I)


@dataclass(frozen=True, eq=False)
class Connections:
    """Operations in order, what was assumed to join them, and the modules with their roles."""

    operations: tuple[Operation, ...]
    assumptions: tuple[Assumption, ...]
    modules: tuple[FoundModule, ...]


def connect(
    modules: Sequence[FoundModule], tensors: Mapping[str, FileTensor], options: ImportOptions,
    *, in_order: bool, rows_first: bool,
) -> Connections:  # fmt: skip
    """Join the modules of a file.

    ``in_order``: the order of the tensors in the file is that of the modules in the net.
    ``rows_first``: dense matrices without a bias have their outputs along rows. Raises UsageError
    for an option with an unknown value.
    """
    _check(options)
    line = sorted(modules, key=lambda m: m.position if in_order else _natural(m.name))
    line = _with_unique_names(line)
    line = _without_copies(_decide_matrices(line, tensors, in_order, rows_first))
    stacks = _stacks(line, in_order)
    if len(line) > _MOST_MODULES:  # joining compares modules with each other
        return _operations(stacks, line, options)
    scored = any(_CRF.search(module.name) for module in line)
    for stack in stacks:
        stack.scored = scored
        stack.embedding = _embedding_of(stack, stacks, line, in_order)
    if options.head != "none":
        _add_heads(stacks, line, in_order)
    return _operations(stacks, line, options)


def _natural(name: str) -> list[tuple[int, str]]:
    """A key for sorting by which cells.2 comes before cells.10."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", name[:500])]


def _with_unique_names(line: list[FoundModule]) -> list[FoundModule]:
    """The modules, renamed where two would have the same name: fc, fc (2)."""
    seen = {"input"}
    renamed = []
    for module in line:
        names = {module.name, *(operation.name for operation in module.operations)}
        number, suffix = 1, ""
        while any(name + suffix in seen for name in names):
            number += 1
            suffix = f" ({number})"
        seen |= {name + suffix for name in names}
        if suffix:
            module = replace(
                module,
                name=module.name + suffix,
                operations=tuple(replace(o, name=o.name + suffix) for o in module.operations),
            )
        renamed.append(module)
    return renamed


def _check(options: ImportOptions) -> None:
    for name, value, known in (
        ("head", options.head, HEADS), ("output", options.output, OUTPUTS),
    ):  # fmt: skip
        if value is not None and value not in known:
            raise UsageError(
                _("--{name} {value}: one of {names}.").format(
                    name=name, value=value, names=", ".join(known)
                )
            )


def _decide_matrices(
    line: list[FoundModule], tensors: Mapping[str, FileTensor], in_order: bool, rows_first: bool
) -> list[FoundModule]:
    """Decide for matrices without bias whether they are embeddings or dense layers."""
    recurrent = [module for module in line if module.kind == "recurrent"]
    decided = []
    for module in line:
        if module.kind == "matrix" and module.operations:
            rows, columns = tensors[next(iter(module.roles))].shape
            read = [r for r in recurrent if r.reads == columns]
            read = [r for r in read if not in_order or module.position < r.position]
            inputs = columns if rows_first else rows
            given = [r for r in recurrent if r.gives == inputs]
            given = [r for r in given if not in_order or module.position > r.position]
            if read and not given and rows != columns:
                module = as_embedding(module, tensors)
            elif given and (not read or _OUTPUT.search(module.name)):
                module = as_dense(module, tensors, rows_first=rows_first)
        if module.kind == "matrix":
            module = replace(module, kind="other", what=N_("matrix"), operations=())
        decided.append(module)
    return decided


def _without_copies(line: list[FoundModule]) -> list[FoundModule]:
    """The modules; a table beside another with its numbers and a longer name is named as a copy.

    AWD-LSTM has ``0.encoder.weight`` again in the module that drops words in training, which is
    ``0.encoder_dp.emb.weight``.
    """
    kept: list[FoundModule] = []
    for module in line:
        below = kept[-1] if kept else module
        if module.name.startswith(below.name) and _same_table(module, below):
            module = replace(
                module, kind="other", what=N_("tensor"), operations=(),
                reason=N_("the same numbers as {name}").format(name=below.name),
            )  # fmt: skip
        kept.append(module)
    return kept


def _same_table(module: FoundModule, below: FoundModule) -> bool:
    if module is below or not module.operations or not below.operations:
        return False
    one, other = module.operations[0], below.operations[0]
    if not isinstance(one, EmbeddingOperation) or not isinstance(other, EmbeddingOperation):
        return False
    return bool(np.array_equal(one.table, other.table))


# -- recurrent modules and what they read ----------------------------------------------------------


def _stacks(line: list[FoundModule], in_order: bool) -> list[RecurrentStack]:
    stacks: list[RecurrentStack] = []
    between: list[FoundModule] = []  # the modules since the last recurrent one
    for module in line:
        if module.kind != "recurrent":
            between.append(module)
            continue
        below = stacks[-1].last if stacks else None
        height = sum(len(m.operations) for m in stacks[-1].modules) if stacks else 0
        if (
            below is not None
            and below.gives == module.reads
            and height + len(module.operations) <= MOST_LAYERS
            and not (in_order and any((m.kind, m.what) != ("other", "tensor") for m in between))
            and _KIND_WORDS.sub("", below.name) == _KIND_WORDS.sub("", module.name)
            and "direction" not in module.name  # side by side, not one on another
        ):
            stacks[-1].modules.append(module)
        else:
            stacks.append(RecurrentStack([module]))
        between = []
    return stacks


def _words(name: str) -> set[str]:
    """The words of a module's name that tell modules apart: tcr of tcr_lstm."""
    words = re.split(r"[^a-zA-Z]+", name.lower())
    usual = {"", "lstm", "gru", "rnn", "module", "model", "cell", "weight", "net", "w"}
    return {word for word in words if word not in usual and "emb" not in word}


def _embedding_of(
    stack: RecurrentStack, stacks: list[RecurrentStack], line: list[FoundModule], in_order: bool
) -> FoundModule | None:
    first = stack.modules[0]
    tables = [m for m in line if m.kind == "embedding"]
    if in_order:
        tables = [m for m in tables if m.position < first.position]
    tables = [m for m in tables if m.gives == first.reads]
    namesakes = [m for m in tables if _words(m.name) & _words(first.name)]
    if len(namesakes) == 1:
        return namesakes[0]
    every = [m for m in line if m.kind == "embedding"]
    if len(tables) == 1 and (len(every) == 1 or in_order) and stack is stacks[0]:
        between = line[line.index(tables[0]) + 1 : line.index(first)] if in_order else []
        if all(m.kind in ("embedding", "other") and m.what in ("", "tensor") for m in between):
            return tables[0] if len(every) == 1 or not between else None
    return None


# -- dense layers on top ---------------------------------------------------------------------------


def _add_heads(stacks: list[RecurrentStack], line: list[FoundModule], in_order: bool) -> None:
    dense = [m for m in line if m.kind == "dense" and not _ATTENTION.search(m.name)]
    while dense:
        first, dense = dense[0], dense[1:]
        fitting = [s for s in stacks if s.last.gives == first.reads]
        if in_order:
            fitting = [s for s in fitting if s.last.position < first.position]
        stack = _only(fitting, first)
        if stack is None or _changed_before(stack, first, line, in_order):
            continue
        chain = [first]
        for module in list(dense):
            if module.reads == chain[-1].gives and not (
                in_order and _changed_before(stack, module, line, in_order)
            ):
                chain.append(module)
                dense.remove(module)
        stack.heads.append(chain)


def _only(stacks: list[RecurrentStack], module: FoundModule) -> RecurrentStack | None:
    """The stack that a dense layer reads; None where several could be it."""
    if len(stacks) > 1:
        named = [s for s in stacks if _words(s.last.name) & _words(module.name)]
        decoders = [s for s in stacks if _DECODER.search(s.last.name)]
        stacks = named if len(named) == 1 else decoders
    return stacks[0] if len(stacks) == 1 else None


def _changed_before(
    stack: RecurrentStack, module: FoundModule, line: list[FoundModule], in_order: bool
) -> bool:
    """Whether attention, normalization or a convolution stands before a dense layer."""
    if not in_order:
        return any(m.what in ("BatchNorm", "LayerNorm") or _ATTENTION.search(m.name) for m in line)
    between = line[line.index(stack.last) + 1 : line.index(module)]
    return any(
        _ATTENTION.search(m.name)
        or (m.kind == "other" and m.what not in ("tensor", "Linear", "matrix"))
        for m in between
    )


# -- operations ------------------------------------------------------------------------------------


def _operations(
    stacks: list[RecurrentStack], line: list[FoundModule], options: ImportOptions
) -> Connections:
    operations: list[Operation] = []
    assumptions: list[Assumption] = []
    joined: set[str] = set()
    for stack in stacks:
        below = _add_source(stack, operations, joined, first=stack is stacks[0])
        head = head_kind(stack, options)
        recurrent = [
            operation
            for module in stack.modules
            for operation in module.operations
            if isinstance(operation, RecurrentOperation)
        ]
        for k, operation in enumerate(recurrent):
            every = k < len(recurrent) - 1 or not stack.heads or head != "last"
            operations.append(replace(operation, reads=(below,), every_step=every))
            below = operation.name
        joined |= {module.name for module in stack.modules}
        if stack.heads and head == "end":
            operations.append(LastStepOperation(f"last step of {below}", (below,)))
            below = operations[-1].name
        for chain in stack.heads:
            joined |= {module.name for module in chain}
            operations += dense_operations(stack, chain, below, head, options)
            assumptions += head_assumptions(stack, chain, head, options)
        assumptions += _order_assumption(stack)
    for module in line:
        if module.name not in joined:
            operations.append(_unconnected(module))
    return Connections(tuple(operations), tuple(assumptions), tuple(line))


def _add_source(
    stack: RecurrentStack, operations: list[Operation], joined: set[str], *, first: bool
) -> str:
    """Add the input of a stack and its embedding; return the name of what the stack reads."""
    bottom = stack.modules[0]
    name = "input" if first else f"input of {bottom.name}"
    table = stack.embedding
    if table is None:
        operations.append(InputOperation(name, (), shape=(None, bottom.reads), dtype="float32"))
        return name
    if table.name not in joined:
        operations.append(InputOperation(name, (), shape=(None,), dtype="int64"))
        operations.append(replace(table.operations[0], reads=(name,)))
        joined.add(table.name)
    return table.name


def _unconnected(module: FoundModule) -> OpaqueOperation:
    what, reason = module.what, module.reason
    if module.kind == "dense":
        what, reason = "Linear", UNCONNECTED[0]
        if _ATTENTION.search(module.name):
            reason = "attention"
    elif module.kind == "embedding":
        what, reason = "Embedding", UNCONNECTED[1]
    return OpaqueOperation(module.name, (), kind=what or "tensor", reason=reason)


def _order_assumption(stack: RecurrentStack) -> list[Assumption]:
    chain = [stack.embedding] if stack.embedding is not None else []
    names = [module.name for module in [*chain, *stack.modules]]
    names += [" → ".join(module.name for module in head) for head in stack.heads]
    if len(names) < 2:
        return []
    return [
        Assumption(
            N_("how the modules follow each other"), " → ".join(names), "--head",
            N_("the file holds arrays alone; these fit by order and width"),
        )
    ]  # fmt: skip
