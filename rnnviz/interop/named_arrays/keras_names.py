"""Recurrent layers under Keras's names: ``kernel``, ``recurrent_kernel``, ``bias``.

Gates stand along columns, i f c o for LSTM, z r h for GRU. A GRU's bias of two rows is that of a
layer with the reset gate after the recurrent product. Source:
https://keras.io/api/layers/recurrent_layers/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from rnnviz.arrays import Values
from rnnviz.engine.spec import Activation, RecurrentSpec
from rnnviz.errors import UsageError
from rnnviz.interop.contents import (
    Assumption,
    FileTensor,
    ImportOptions,
    Part,
    RecurrentOperation,
    TensorRole,
)
from rnnviz.interop.named_arrays.modules import (
    CellLayout,
    FoundModule,
    float32,
    output_width,
    shape_text,
    state_activation,
    unreadable,
)
from rnnviz.messages import N_, _

_NAME: Final = re.compile(r"(?P<path>(?:.*?[._/])??)(?P<part>recurrent_kernel|kernel|bias)(?::0)?")
#: By columns of the recurrent kernel over its rows.
LAYOUTS: Final = {
    4: CellLayout("lstm", ("i", "f", "g", "o"), N_("Keras order i f c o")),
    3: CellLayout("gru", ("z", "r", "g"), N_("Keras order z r h")),
    1: CellLayout("rnn", ("",), ""),
}
_DIRECTION: Final = re.compile(r"(?:^|[._/])(?P<word>forward|backward)_?")
_PARTS: Final[Mapping[str, Part]] = {
    "kernel": "kernel", "recurrent_kernel": "recurrent kernel", "bias": "bias",
}  # fmt: skip
_GIVEN = re.compile(r"[._/](?:[a-z0-9_]*cell(?:_\d+)?|layer)$")


@dataclass(frozen=True, eq=False)
class _Layer:
    name: str
    direction: Literal["forward", "backward"]
    tensors: Mapping[str, FileTensor]


def keras_modules(
    tensors: Mapping[str, FileTensor], used: set[str], options: ImportOptions
) -> tuple[list[FoundModule], set[str], bool | None]:
    """The recurrent modules under Keras's names, and the names of their tensors.

    The last value: whether dense layers have their outputs along rows; None without such modules.
    """
    groups: dict[str, dict[str, FileTensor]] = {}
    for name, tensor in tensors.items():
        found = _NAME.fullmatch(name)
        if found and name not in used:
            groups.setdefault(found["path"], {})[found["part"]] = tensor
    groups = {p: g for p, g in groups.items() if {"kernel", "recurrent_kernel"} <= g.keys()}
    layers: dict[str, list[_Layer]] = {}
    for path, group in groups.items():
        layer = _layer(path, group)
        layers.setdefault(layer.name, []).append(layer)
    position = {name: k for k, name in enumerate(tensors)}
    modules = []
    for name, members in layers.items():
        first = min(position[t.name] for m in members for t in m.tensors.values())
        modules.append(_module(name, first, members, options))
    names = {t.name for group in groups.values() for t in group.values()}
    return modules, names, False if modules else None


def _layer(path: str, group: Mapping[str, FileTensor]) -> _Layer:
    """A layer by its path: bidirectional_1/forward_lstm_2/lstm_cell is that of bidirectional_1."""
    name = _GIVEN.sub("", path.rstrip("._/"))
    found = _DIRECTION.search(name)
    if found is None:
        return _Layer(name, "forward", group)
    above = name[: found.start()]
    direction = cast(Literal["forward", "backward"], found["word"])
    return _Layer(above or name[found.end() :], direction, group)


def _module(name: str, position: int, members: list[_Layer], options: ImportOptions) -> FoundModule:
    roles: dict[str, TensorRole] = {}
    try:
        layout = _layout(members[0])
        name = name or layout.cell
        for member in members:
            roles |= _roles(name, layout, member)
        operation, assumptions = _operation(name, layout, members, options)
        if broken := unreadable(name, operation.params):
            raise ValueError(broken)
    except ValueError as error:
        reason = str(error)
        other = {t.name: TensorRole(name, "other") for m in members for t in m.tensors.values()}
        return FoundModule(name, position, "other", other | roles, what="RNN", reason=reason)
    said = N_("{name}: Keras's layout, as here").format(name=name)
    return FoundModule(
        name, position, "recurrent", roles, (operation,), operation.width,
        output_width(operation.spec), conversions=(said,), assumptions=assumptions,
    )  # fmt: skip


def _layout(member: _Layer) -> CellLayout:
    recurrent = member.tensors["recurrent_kernel"]
    rows, columns = recurrent.shape if len(recurrent.shape) == 2 else (0, 0)
    if not rows or columns % rows or columns // rows not in LAYOUTS:
        raise ValueError(
            N_(
                "{recurrent} has the shape {shape}: its columns are not 1, 3 or 4 times its rows"
            ).format(recurrent=recurrent.name, shape=shape_text(recurrent))
        )
    return LAYOUTS[columns // rows]


def _roles(name: str, layout: CellLayout, member: _Layer) -> dict[str, TensorRole]:
    roles = {}
    for part, tensor in member.tensors.items():
        columns = tensor.shape[-1] if tensor.shape else 0
        gates = columns > 0 and columns % len(layout.gates) == 0
        roles[tensor.name] = TensorRole(
            name, _PARTS[part], member.direction, len(tensor.shape) - 1 if gates else None,
            layout.ranges(columns // len(layout.gates)) if gates else (),
            layout.letters if gates else "",
        )  # fmt: skip
    return roles


def _operation(
    name: str, layout: CellLayout, members: list[_Layer], options: ImportOptions
) -> tuple[RecurrentOperation, tuple[Assumption, ...]]:
    by_direction = {member.direction: member for member in members}
    if len(by_direction) != len(members):
        raise ValueError(N_("two layers have the same name"))
    params: dict[str, Values] = {
        direction: _params(by_direction[direction].tensors, layout)
        for direction in ("forward", "backward")
        if direction in by_direction
    }
    first = next(iter(params.values()))
    same = {key: array.shape for key, array in first.items()}
    if any({k: a.shape for k, a in p.items()} != same for p in params.values()):
        raise ValueError(N_("its two directions have different shapes"))
    cell, assumptions = layout.cell, list(_activation_assumptions(name, layout, options))
    if cell == "gru":
        after = first["b"].ndim == 2 if "b" in first else options.reset_after
        if after is None:
            after = True
            assumptions.append(
                Assumption(
                    N_("the reset gate of {name}").format(name=name),
                    N_("after the recurrent product"), "--reset-after",
                    N_("without a bias, the shapes do not say it; it is Keras's default since 2.4"),
                )
            )  # fmt: skip
        cell = "gru" if after else "gru-2014"
    gate = options.gate_activation or "sigmoid"
    if gate not in get_args(Activation):
        known = ", ".join(get_args(Activation))
        raise UsageError(
            _("--gate-activation {gate}: one of {known}.").format(gate=gate, known=known)
        )
    spec = RecurrentSpec(
        cell, len(first["U"]), bidirectional=len(params) == 2, bias="b" in first,
        reverse=tuple(params) == ("backward",),
        activation=state_activation(options),
        recurrent_activation=cast(Activation, gate),
    )  # fmt: skip
    return RecurrentOperation(name, (), spec=spec, width=len(first["W"]), params=params), tuple(
        assumptions
    )


def _params(tensors: Mapping[str, FileTensor], layout: CellLayout) -> Values:
    arrays = {}
    for part, tensor in tensors.items():
        if tensor.array is None or tensor.array.dtype.kind not in "fiu":
            raise ValueError(
                N_("{name} has numbers of the type {dtype}").format(
                    name=tensor.name, dtype=tensor.dtype
                )
            )
        arrays[part] = float32(tensor.array)
    columns = arrays["recurrent_kernel"].shape[1]
    kernel, bias = tensors["kernel"], tensors.get("bias")
    if len(kernel.shape) != 2 or kernel.shape[1] != columns or not kernel.shape[0]:
        raise ValueError(
            N_("{name} has the shape {shape}, not (…, {columns})").format(
                name=kernel.name, shape=shape_text(kernel), columns=columns
            )
        )
    params = {"W": arrays["kernel"], "U": arrays["recurrent_kernel"]}
    if bias is not None:
        two_rows = layout.cell == "gru" and bias.shape == (2, columns)
        if bias.shape != (columns,) and not two_rows:
            cudnn = bias.shape == (2 * columns,)
            said = (
                N_(
                    "{name} has the shape {shape}, the layout of a CuDNN layer: name the Keras "
                    "file instead"
                )
                if cudnn
                else N_("{name} has the shape {shape}")
            )
            raise ValueError(said.format(name=bias.name, shape=shape_text(bias)))
        params["b"] = arrays["bias"]
    return params


def _activation_assumptions(
    name: str, layout: CellLayout, options: ImportOptions
) -> tuple[Assumption, ...]:
    made = []
    if options.activation is None:
        made.append(
            Assumption(
                N_("the activation of {name}").format(name=name), "tanh", "--activation",
                N_("arrays alone do not say it; it is Keras's default"),
            )
        )  # fmt: skip
    if options.gate_activation is None and layout.cell != "rnn":
        made.append(
            Assumption(
                N_("the gate activation of {name}").format(name=name),
                "sigmoid", "--gate-activation",
                N_("arrays alone do not say it; it is Keras's default since 2.3"),
            )
        )  # fmt: skip
    return tuple(made)
