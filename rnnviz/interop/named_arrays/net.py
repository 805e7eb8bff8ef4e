"""From named arrays to layers with roles, and operations that are joined where that is certain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnnviz.interop.contents import (
    Assumption,
    FileTensor,
    ImportOptions,
    Operation,
    RecurrentOperation,
)
from rnnviz.interop.named_arrays.connections import UNCONNECTED, connect
from rnnviz.interop.named_arrays.dense_names import dense_modules
from rnnviz.interop.named_arrays.gate_matrices import gate_modules
from rnnviz.interop.named_arrays.keras_names import keras_modules
from rnnviz.interop.named_arrays.own_names import keras_name
from rnnviz.interop.named_arrays.positions import names_by_position
from rnnviz.interop.named_arrays.torch_names import torch_modules
from rnnviz.interop.named_arrays.weight_norm import without_weight_norm
from rnnviz.messages import N_

#: Most tensors of a file, and letters of a name.
MAX_TENSORS, _MAX_NAME = 20_000, 1_000
#: Prefixes that wrappers put before every name.
_WRAPPER = re.compile(r"(?:module|_orig_mod|model|net|network)\.")


_BY_SHAPE = (
    Assumption(
        N_("which layers the arrays are"), N_("those that their order and shapes allow"), "--head",
        N_("the arrays have numbers instead of names"),
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NamedNet:
    """The tensors with their roles, and what they compute."""

    tensors: tuple[FileTensor, ...]
    operations: tuple[Operation, ...]
    conversions: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def refusal(self) -> str:
        """Why nothing of it can be stepped through, or ""."""
        if any(isinstance(operation, RecurrentOperation) for operation in self.operations):
            return ""
        reasons = [
            f"{o.name}: {reason}"
            for o in self.operations
            if (reason := getattr(o, "reason", "")) and reason not in UNCONNECTED
        ]
        found = N_("No recurrent layer was recognised among its arrays")
        return f"{found}; {reasons[0]}" if reasons else found


def named_net(
    tensors: Sequence[FileTensor], options: ImportOptions, *, in_order: bool = True
) -> NamedNet:
    """The net of arrays by name.

    ``in_order``: they are in the order of the modules. Raises UsageError for an option with an
    unknown value, ValueError for too many tensors or too long names.
    """
    if len(tensors) > MAX_TENSORS:
        raise ValueError(
            N_("it has {count:,} tensors; {most:,} are the most").format(
                count=len(tensors), most=MAX_TENSORS
            )
        )
    if any(len(tensor.name) > _MAX_NAME for tensor in tensors):
        raise ValueError(
            N_("the name of a tensor has more than {most:,} letters").format(most=_MAX_NAME)
        )
    prefix = wrapper_prefix([tensor.name for tensor in tensors])
    numbered = names_by_position(tensors)
    inside = {
        tensor.name: numbered.get(tensor.name) or keras_name(tensor.name[len(prefix) :])
        for tensor in tensors
    }
    by_name = {inside[t.name]: replace(t, name=inside[t.name]) for t in tensors}
    by_name, normed = without_weight_norm(by_name)
    modules, used = torch_modules(by_name, options)
    rows_first = bool(modules) or any(name.endswith(".weight") for name in by_name)
    for find in (keras_modules, gate_modules):
        found, names, rows = find(by_name, used, options)
        modules += found
        used |= names
        rows_first = rows if rows is not None else rows_first
    modules += dense_modules(by_name, used, rows_first=rows_first)
    joined = connect(modules, by_name, options, in_order=in_order, rows_first=rows_first)
    roles = normed | {
        name: role for module in joined.modules for name, role in module.roles.items()
    }
    stepped = [module for module in joined.modules if module.kind == "recurrent"]
    return NamedNet(
        tuple(replace(t, role=roles.get(inside[t.name])) for t in tensors),
        joined.operations,
        (
            *((N_("weights multiplied out: w = g · v / ‖v‖"),) if normed else ()),
            *(text for module in stepped for text in module.conversions),
        ),
        (
            *(_BY_SHAPE if numbered and stepped else ()),
            *(a for module in stepped for a in module.assumptions),
            *joined.assumptions,
        ),
    )


def wrapper_prefix(names: Sequence[str]) -> str:
    """The wrappers' prefix that all names have, if something with a module is left of each."""
    prefix = ""
    while names and (found := _WRAPPER.match(names[0], len(prefix))):
        longer = names[0][: found.end()]
        if not all(name.startswith(longer) and "." in name[len(longer) :] for name in names):
            break
        prefix = longer
    return prefix
