"""Recurrent layers of PyTorch in this engine's layout.

Gates stand along rows, i f g o for LSTM, r z n for GRU, and there are two biases. The reset gate of
GRU acts after the recurrent product, and its z keeps the old state. Sources:
https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html, …/torch.nn.GRU.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast

import numpy as np

from rnnviz.arrays import Array, Values
from rnnviz.engine.spec import MOST_LAYERS, RecurrentSpec
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
    added,
    float32,
    output_width,
    permuted,
    shape_text,
    state_activation,
    unreadable,
)
from rnnviz.messages import N_

#: The tensors of one layer by direction and part (w_ih, w_hh, w_hr, b_ih, b_hh).
LayerTensors = Mapping[tuple[str, str], FileTensor]

#: By rows of ``weight_hh`` over the hidden size.
LAYOUTS: Final = {
    4: CellLayout("lstm", ("i", "f", "g", "o"), N_("PyTorch order i f g o")),
    3: CellLayout("gru", ("r", "z", "g"), N_("PyTorch order r z n")),
    1: CellLayout("rnn", ("",), ""),
}
_ORDER_HERE: Final = {"lstm": ("i", "f", "g", "o"), "gru": ("z", "r", "g"), "rnn": ("",)}
_PARTS: Final[Mapping[str, Part]] = {
    "w_ih": "kernel", "w_hh": "recurrent kernel", "w_hr": "projection",
    "b_ih": "input bias", "b_hh": "recurrent bias",
}  # fmt: skip


def torch_module(
    name: str, position: int, layers: Mapping[int | None, LayerTensors], options: ImportOptions
) -> FoundModule:
    """The module of layers by number; None is the number of a cell's only one."""
    try:
        layouts = [_layout(arrays) for arrays in layers.values()]
        if any(layout != layouts[0] for layout in layouts):
            raise ValueError(N_("its layers are of different kinds"))
    except ValueError as error:
        name = name or "recurrent layer"
        roles = {t.name: TensorRole(name, "other") for a in layers.values() for t in a.values()}
        return FoundModule(name, position, "other", roles, what="RNN", reason=str(error))
    layout, name = layouts[0], name or layouts[0].cell
    titles = [name if len(layers) == 1 else f"{name}.l{k}" for k in layers]
    roles = {}
    for title, arrays in zip(titles, layers.values(), strict=True):
        roles |= _roles(title, layout, arrays)
    what = layout.cell.upper()
    if any(t.array is None for arrays in layers.values() for t in arrays.values()):
        return FoundModule(name, position, "other", roles, what=what)
    try:
        operations = _operations(titles, layout, layers, options)
    except ValueError as error:
        return FoundModule(name, position, "other", roles, what=what, reason=str(error))
    spec = operations[-1].spec
    return FoundModule(
        name, position, "recurrent", roles, operations, operations[0].width, output_width(spec),
        conversions=_conversions(name, layout, spec),
        assumptions=_assumptions(name, layout, options),
    )  # fmt: skip


def _layout(arrays: LayerTensors) -> CellLayout:
    """The cell by the rows of ``weight_hh``; ValueError where the shapes fit no cell."""
    hidden = arrays.get(("forward", "w_hh")) or arrays.get(("backward", "w_hh"))
    if hidden is None:
        raise ValueError(N_("its recurrent weights are not in the file"))
    units = hidden.shape[-1] if len(hidden.shape) == 2 else 0
    projection = arrays.get(("forward", "w_hr")) or arrays.get(("backward", "w_hr"))
    if projection is not None:
        units = projection.shape[-1] if len(projection.shape) == 2 else 0
    ratio, rest = divmod(hidden.shape[0], units) if units else (0, 0)
    if rest or ratio not in LAYOUTS:
        raise ValueError(
            N_(
                "{name} has the shape {shape}: its rows are not 1, 3 or 4 times the hidden size"
            ).format(name=hidden.name, shape=shape_text(hidden))
        )
    if projection is not None and ratio != 4:
        raise ValueError(
            N_("{name} projects the state of something that is no LSTM").format(
                name=projection.name
            )
        )
    return LAYOUTS[ratio]


def _roles(title: str, layout: CellLayout, arrays: LayerTensors) -> dict[str, TensorRole]:
    roles = {}
    for (direction, part), tensor in arrays.items():
        rows = tensor.shape[0] if tensor.shape else 0
        gates = part != "w_hr" and rows > 0 and rows % len(layout.gates) == 0
        roles[tensor.name] = TensorRole(
            title,
            _PARTS[part],
            cast(Literal["forward", "backward"], direction),
            0 if gates else None,
            layout.ranges(rows // len(layout.gates)) if gates else (),
            layout.letters if gates else "",
        )
    return roles


def _operations(
    titles: list[str], layout: CellLayout, layers: Mapping[int | None, LayerTensors],
    options: ImportOptions,
) -> tuple[RecurrentOperation, ...]:  # fmt: skip
    numbers = list(layers)
    if len(numbers) > MOST_LAYERS:
        raise ValueError(
            N_("it has {count} layers; {most} are the most").format(
                count=len(numbers), most=MOST_LAYERS
            )
        )
    if numbers != [None] and numbers != list(range(len(numbers))):
        raise ValueError(N_("not all of its layers are in the file"))
    operations: list[RecurrentOperation] = []
    for title, arrays in zip(titles, layers.values(), strict=True):
        operation = _operation(title, layout, arrays, options)
        below = output_width(operations[-1].spec) if operations else operation.width
        if operation.width != below:
            raise ValueError(
                N_("{title} reads {width} numbers, the layer below has {below}").format(
                    title=title, width=operation.width, below=below
                )
            )
        if broken := unreadable(title, operation.params):
            raise ValueError(broken)
        operations.append(operation)
    return tuple(operations)


def _operation(
    title: str, layout: CellLayout, arrays: LayerTensors, options: ImportOptions
) -> RecurrentOperation:
    directions = tuple(d for d in ("forward", "backward") if (d, "w_hh") in arrays)
    params: dict[str, Values] = {}
    for direction in directions:
        own = {part: tensor for (d, part), tensor in arrays.items() if d == direction}
        params[direction] = _params(layout, own)
    first = params[directions[0]]
    same = {name: array.shape for name, array in first.items()}
    if any({n: a.shape for n, a in p.items()} != same for p in params.values()) or any(
        direction not in directions for direction, _ in arrays
    ):
        raise ValueError(
            N_("the two directions of {title} have different shapes").format(title=title)
        )
    spec = RecurrentSpec(
        "lstm-projection" if "V" in first else layout.cell,
        first["W"].shape[1] // len(layout.gates),
        bidirectional=len(directions) == 2,
        reverse=directions == ("backward",),
        bias="b" in first,
        projection=first["V"].shape[1] if "V" in first else None,
        activation=state_activation(options) if layout.cell == "rnn" else "tanh",
    )
    return RecurrentOperation(title, (), spec=spec, width=first["W"].shape[0], params=params)


def _params(layout: CellLayout, arrays: Mapping[str, FileTensor]) -> Values:
    """W (D, G·H), U (H or P, G·H), V (H, P), b of one direction; ValueError for wrong shapes."""
    if "w_ih" not in arrays:
        raise ValueError(N_("its input weights are not in the file"))
    numbers = {part: _array(tensor) for part, tensor in arrays.items()}
    w, u = numbers["w_ih"], numbers["w_hh"]
    here = _ORDER_HERE[layout.cell]
    if w.ndim != 2 or u.ndim != 2 or len(w) != len(u) or not w.size:
        raise ValueError(
            N_("{inputs} has the shape {inputs_shape}, {recurrent} {recurrent_shape}").format(
                inputs=arrays["w_ih"].name,
                inputs_shape=shape_text(arrays["w_ih"]),
                recurrent=arrays["w_hh"].name,
                recurrent_shape=shape_text(arrays["w_hh"]),
            )
        )
    for part in ("b_ih", "b_hh"):
        if part in numbers and numbers[part].size != len(w):
            raise ValueError(
                N_("{name} has the shape {shape}, not ({units})").format(
                    name=arrays[part].name, shape=shape_text(arrays[part]), units=len(w)
                )
            )
    params = {
        "W": float32(permuted(w.T, layout.gates, here)),
        "U": float32(permuted(u.T, layout.gates, here)),
    }
    if "w_hr" in numbers:
        if numbers["w_hr"].shape != (u.shape[1], len(u) // 4):
            raise ValueError(
                N_("{name} has the shape {shape}").format(
                    name=arrays["w_hr"].name, shape=shape_text(arrays["w_hr"])
                )
            )
        params["V"] = float32(numbers["w_hr"].T)
    if "b_ih" in numbers or "b_hh" in numbers:
        zero = np.zeros(len(w), np.float32)
        rows = [
            permuted(float32(numbers.get(part, zero)).reshape(-1), layout.gates, here)
            for part in ("b_ih", "b_hh")
        ]
        params["b"] = np.stack(rows) if layout.cell == "gru" else added(rows[0], rows[1])
    return params


def _array(tensor: FileTensor) -> Array:
    if tensor.array is None or tensor.array.dtype.kind not in "fiu":
        raise ValueError(
            N_("{name} has numbers of the type {dtype}").format(
                name=tensor.name, dtype=tensor.dtype
            )
        )
    return tensor.array


def _conversions(name: str, layout: CellLayout, spec: RecurrentSpec) -> tuple[str, ...]:
    said = [N_("{name}: weights transposed").format(name=name)]
    if layout.cell == "lstm":
        said.append(N_("gates i f g o stay in this order"))
    if layout.cell == "gru":
        said.append(N_("gates r z n put in the order z r g, z keeps the old state in both"))
    if spec.bias:
        said.append(
            N_("both biases kept, as the two rows of b")
            if layout.cell == "gru"
            else N_("biases added")
        )
    return ("; ".join(said),)


def _assumptions(name: str, layout: CellLayout, options: ImportOptions) -> tuple[Assumption, ...]:
    if layout.cell != "rnn" or options.activation is not None:
        return ()
    return (
        Assumption(
            N_("the nonlinearity of {name}").format(name=name), "tanh", "--activation",
            N_("PyTorch does not store it; nn.RNN has tanh unless it is told relu"),
        ),
    )  # fmt: skip
