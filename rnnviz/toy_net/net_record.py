"""Toy nets as plain data, for TOML files and JSON.

A file is TOML, written by hand or by ``--save-net``::

    title = "LSTM, one unit"
    cell = "lstm"              # rnn, lstm, gru (reset after the product), gru-2014 (before it)
    units = 1
    inputs = 2
    layout = "keras"           # keras, pytorch, xh, hx: see rnnviz.toy_net.LAYOUTS
    x = [[1, 2], [0.5, 3]]     # the inputs of each token

    [weights]
    W_f = [0.7, 0.45]
    ...
    [head]
    kind = "linear"            # or "sigmoid"
    W_y = [1]
    target = 0.5
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rnnviz.clamps import Clamp
from rnnviz.clamps import parse as parse_clamp
from rnnviz.errors import UsageError, nearest
from rnnviz.messages import _
from rnnviz.toy_net import (
    ACTIVATIONS,
    CELLS,
    GATE_ACTIVATIONS,
    GATES,
    HEADS,
    LAYOUTS,
    LOSSES,
    MOST,
    STATES,
    NetOptions,
    Rows,
    Sequence,
    ToyNet,
    Z,
    shapes,
    weight_layouts,
    zeros,
)  # fmt: skip
from rnnviz.toy_net.weight_layouts import vector

#: The options of a net and their values.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "activation": ACTIVATIONS,
    "gate_activation": GATE_ACTIVATIONS,
    "output_activation": ACTIVATIONS,
    "z": Z,
    "loss": LOSSES,
    "layout": LAYOUTS,
}
#: The cells that an option applies to, if not all.
OF_CELLS: Mapping[str, tuple[str, ...]] = {
    "z": ("gru", "gru-2014"),
    "output_activation": ("lstm",),
    "gate_activation": ("lstm", "gru", "gru-2014"),
}
#: Synonyms of values.
_CALLED = {
    "linear": "identity", "logistic": "sigmoid", "mse": "squared error",
    "keeps": "keep", "renews": "renew",
}  # fmt: skip
_KEYS = (
    "title", "source", "cell", "units", "inputs", "layout", "activation", "gate_activation",
    "output_activation", "z", "x", "hold", "weights", "initial", "head",
)  # fmt: skip
_HEAD = ("kind", "W_y", "b_y", "loss", "target")
#: Maximal characters of a title or source.
_MAX_TEXT = 200


@dataclass(frozen=True)
class NetFile:
    """The content of a file: a net, the x of each token if given, and clamps."""

    hand: ToyNet
    x: Sequence | None = None
    hold: tuple[Clamp, ...] = ()


def chosen(name: str, value: object) -> str:
    """Validate a value of an option in CHOICES; ValueError with the nearest valid one."""
    valid = CHOICES[name]
    text = _CALLED.get(value, value) if isinstance(value, str) else value
    if text not in valid:
        close = nearest(str(value)[:40], valid)
        raise ValueError(
            _("{name}: expected {choices}, found {found}.{close}").format(
                name=name, choices=_or(valid), found=_short(value), close=close
            )
        )
    return str(text)


def from_record(record: Mapping[str, Any]) -> NetFile:
    """Build the net that a record describes; ValueError that names the invalid key."""
    _only(record, _KEYS, "")
    cell = _one_of("cell", record.get("cell"), CELLS)
    H, D = _count(record, "units"), _count(record, "inputs", 1)
    given = _table(record, "weights")
    given_head = _table(record, "head") if "head" in record else None
    if "layout" not in record and H > 1:
        raise ValueError(
            _("layout: say how the matrices are written down: {layouts}").format(
                layouts=_or(LAYOUTS)
            )
        )
    form = _form(record, cell, given_head)
    found = weight_layouts.from_layout(cell, D, H, form.layout, given)
    for name, _shape in shapes(cell, H, D):
        if name[0] in "WU" and name != "W_y" and name not in found:
            raise ValueError(_("weights.{name} is missing").format(name=name))
    found |= _readout(given_head, H)
    weights = tuple((name, found.get(name, zeros(*shape))) for name, shape in shapes(cell, H, D))
    hand = ToyNet(cell, H, weights, _initial(record, cell, H), D, form)
    return NetFile(hand, _x(record.get("x"), D), _hold(record.get("hold", [])))


def to_record(net: NetFile) -> dict[str, Any]:
    """The record of a net: what :func:`from_record` reads back as the same net."""
    hand, form = net.hand, net.hand.form
    record: dict[str, Any] = {
        **{key: getattr(form, key) for key in ("title", "source") if getattr(form, key)},
        "cell": hand.cell,
        "units": hand.units,
        "inputs": hand.inputs,
        "layout": form.layout,
        "activation": form.activation,
    }
    if hand.cell != "rnn":
        record["gate_activation"] = form.gate_activation
    if hand.cell == "lstm":
        record["output_activation"] = form.output_activation or form.activation
    if "z" in GATES[hand.cell]:
        record["z"] = form.z
    if net.x is not None:
        record["x"] = [list(row) if hand.inputs > 1 else row[0] for row in net.x]
    if net.hold:
        record["hold"] = [str(clamp) for clamp in net.hold]
    record["weights"] = weight_layouts.to_layout(hand)
    record["initial"] = {name: list(rows[0]) for name, rows in hand.initial}
    head: dict[str, Any] = {
        "kind": form.head,
        "W_y": [row[0] for row in hand.array("W_y")],
        "b_y": hand.array("b_y")[0][0],
    }
    if form.head == "linear":
        head["loss"] = form.loss
    if form.target is not None:
        head["target"] = form.target
    return record | {"head": head}


def to_toml(record: Mapping[str, Any]) -> str:
    """Serialize a record as TOML."""
    lines = [f"{key} = {_toml(value)}" for key, value in record.items() if not _is_table(value)]
    for key, value in record.items():
        if _is_table(value):
            lines += ["", f"[{key}]", *(f"{name} = {_toml(v)}" for name, v in value.items())]
    return "\n".join(lines) + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        apart = ",\n       " if value and isinstance(value[0], list) and len(value) > 1 else ", "
        return f"[{apart.join(map(_toml, value))}]"
    return repr(value)


# -- keys -----------------------------------------------------------------------------------------


def _form(record: Mapping[str, Any], cell: str, head: Mapping[str, Any] | None) -> NetOptions:
    found: dict[str, Any] = {
        name: chosen(name, record[name]) for name in CHOICES if name in record and name != "loss"
    }
    for key, cells in OF_CELLS.items():
        if key in record and cell not in cells:
            raise ValueError(
                _("{key}: a {cell} does not have it; it belongs to {cells}").format(
                    key=key, cell=cell, cells=_or(cells)
                )
            )
    for key in ("title", "source"):
        found[key] = _text(key, record.get(key, ""))
    if found.get("output_activation") == found.get("activation", "tanh"):
        del found["output_activation"]
    if head is None:
        return NetOptions(**found, head="linear")
    _only(head, _HEAD, "head.")
    kind = _one_of("head.kind", head.get("kind"), HEADS)
    if kind == "sigmoid" and "loss" in head:
        raise ValueError(_("head.loss: a sigmoid head has the log-loss; leave loss out"))
    if "loss" in head:
        found["loss"] = chosen("loss", head["loss"])
    return NetOptions(**found, head=kind, target=target(kind, head.get("target")))


def target(head: str, value: object) -> float | None:
    """Validate the desired output for a kind of head; ValueError if it is invalid."""
    if value is None:
        return None
    if type(value) not in (int, float) or (head == "sigmoid" and value not in (0, 1)):
        if head == "sigmoid":
            raise ValueError(
                _("target: expected 0 or 1, found {found}").format(found=_short(value))
            )
        raise ValueError(_("target: expected a number, found {found}").format(found=_short(value)))
    return vector("target", value, 1)[0][0]


def _readout(head: Mapping[str, Any] | None, H: int) -> dict[str, Rows]:
    """W_y (H, 1) and b_y (1, 1); without a head, y is the sum of all units."""
    if head is None:
        return {"W_y": ((1.0,),) * H}
    if "W_y" not in head:
        raise ValueError(_("head.W_y is missing"))
    W = vector("head.W_y", head["W_y"], H)[0]
    return {"W_y": tuple((v,) for v in W), "b_y": vector("head.b_y", head.get("b_y", 0), 1)}


def _initial(record: Mapping[str, Any], cell: str, H: int) -> tuple[tuple[str, Rows], ...]:
    given = _table(record, "initial", {})
    _only(given, STATES[cell], "initial.")
    return tuple((s, vector(f"initial.{s}", given.get(s, 0), H)) for s in STATES[cell])


def _x(value: Any, D: int) -> Sequence | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise ValueError(
            _("x: expected a list, an element for each token, found {found}").format(
                found=_short(value)
            )
        )
    rows = []
    for t, row in enumerate(value):
        name = f"x[{t}]"
        if D > 1 and not isinstance(row, list):
            raise ValueError(
                _("{name}: expected {D} numbers, found {found}").format(
                    name=name, D=D, found=_short(row)
                )
            )
        rows.append(vector(name, row, D)[0])
    return tuple(rows)


def _hold(value: Any) -> tuple[Clamp, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError(_('hold: expected a list of texts such as ["o[*]=1"]'))
    try:
        return tuple(map(parse_clamp, value))
    except UsageError as error:
        raise ValueError(f"hold: {error}") from None


def _only(record: Mapping[str, Any], valid: Iterable[str], where: str) -> None:
    valid = tuple(valid)
    for key in record:
        if key not in valid:
            close = nearest(key, valid) or _(" Keys here: {keys}.").format(keys=", ".join(valid))
            raise ValueError(
                _("unknown key {key}.{close}").format(key=_short(where + key), close=close)
            )


def _table(record: Mapping[str, Any], key: str, usual: Any = None) -> Mapping[str, Any]:
    value = record.get(key, usual)
    if not isinstance(value, Mapping):
        if value is None:
            raise ValueError(_("[{key}] is missing").format(key=key))
        raise ValueError(_("{key}: expected a table").format(key=key))
    return value


def _one_of(name: str, value: object, valid: tuple[str, ...]) -> str:
    if value not in valid:
        if value is None:
            raise ValueError(
                _("{name}: expected {choices}; it is missing.{hint}").format(
                    name=name, choices=_or(valid), hint=nearest(str(value)[:40], valid)
                )
            )
        raise ValueError(
            _("{name}: expected {choices}, found {found}.{hint}").format(
                name=name,
                choices=_or(valid),
                found=_short(value),
                hint=nearest(str(value)[:40], valid),
            )
        )
    return str(value)


def _count(record: Mapping[str, Any], name: str, usual: int | None = None) -> int:
    value = record.get(name, usual)
    if type(value) is not int or not 1 <= value <= MOST:
        raise ValueError(
            _("{name}: expected 1 to {most}, found {found}").format(
                name=name, most=MOST, found=_short(value)
            )
        )
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError(
            _("{name}: expected a text of at most {most} characters").format(
                name=name, most=_MAX_TEXT
            )
        )
    return value


def _or(valid: tuple[str, ...]) -> str:
    return _(" or ").join([", ".join(valid[:-1]), valid[-1]]) if len(valid) > 1 else valid[0]


def _short(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
