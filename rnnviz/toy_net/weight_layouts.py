"""Converting weights between the formulas and the four layouts in which people write them.

The formulas multiply rows, ``x @ W`` with W (D, H). Textbooks multiply columns, and often join W
and U to one matrix over [x; h].
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from rnnviz.errors import nearest
from rnnviz.messages import _
from rnnviz.toy_net import GATES, LARGEST, Rows, ToyNet
from rnnviz.toy_net.number_text import number_count
from rnnviz.toy_net.weight_names import NamedWeight, parse_weight_name, weight_names

#: The order of the gates in an array of all gates.
_ORDER = {
    "keras": {"lstm": "ifgo", "gru": "zrg", "gru-2014": "zrg"},
    "pytorch": {"lstm": "ifgo", "gru": "rzg", "gru-2014": "rzg"},
}
JOINED = ("xh", "hx")


def from_layout(
    cell: str, D: int, H: int, layout: str, given: Mapping[str, Any]
) -> dict[str, Rows]:
    """The weights by formula name, without the head's, from weights in a layout.

    ``given`` maps names, those of the formulas or synonyms, to numbers and lists. Raises ValueError
    for an unknown name, a wrong shape, or a value that is not a number.
    """
    found: dict[str, Rows] = {}
    for name, value in given.items():
        what = parse_weight_name(cell, name)
        if what is None:
            close = nearest(name, weight_names(cell)) or _(" It has {names}.").format(
                names=", ".join(weight_names(cell))
            )
            raise ValueError(
                _("{name}: a {cell} has no such weight.{close}").format(
                    name=name, cell=cell, close=close
                )
            )
        for formula, rows in weights_of_name(cell, D, H, layout, name, what, value).items():
            if formula in found:
                if formula[0] != "b" or (formula.startswith("b_r") and cell == "gru"):
                    raise ValueError(
                        _("{name}: {formula} is given twice").format(name=name, formula=formula)
                    )
                rows = ((*(a + b for a, b in zip(found[formula][0], rows[0], strict=True)),),)
            found[formula] = rows
    return found


def weights_of_name(
    cell: str, D: int, H: int, layout: str, name: str, what: NamedWeight, value: Any
) -> dict[str, Rows]:
    """The weights given under one name; ValueError for a wrong shape."""
    layout = what.stacked or layout
    gates = [what.gate] if what.gate is not None else list(_stack(cell, layout))
    G = len(gates)
    if what.kind in ("b", "br"):
        return _biases(cell, H, name, what, gates, value)
    if what.kind == "W" and layout in JOINED:
        return _joined(cell, D, H, layout, name, gates, value)
    rows = D if what.kind == "W" else H
    shown = layout if layout not in JOINED else "pytorch"
    by_unit = shown == "pytorch"
    shape = (G * H, rows) if by_unit else (rows, G * H)
    table = _table(name, value, shape)
    if (len(table), len(table[0])) != shape:
        raise ValueError(_wrong(name, table, shape, what, D, H, layout, G))
    if by_unit:
        table = tuple(zip(*table, strict=True))
    return {
        _formula(what.kind, gate): tuple(row[k * H : (k + 1) * H] for row in table)
        for k, gate in enumerate(gates)
    }


def _stack(cell: str, layout: str) -> str:
    return _ORDER["pytorch" if layout == "pytorch" else "keras"][cell]


def _formula(kind: str, gate: str | None) -> str:
    if kind == "br":
        return f"b_r{gate}"
    return f"{kind}_{gate}" if gate else kind


def _biases(
    cell: str, H: int, name: str, what: NamedWeight, gates: list[Any], value: Any
) -> dict[str, Rows]:
    G = len(gates)
    rows = [row for row in _table(name, value, (1, G * H)) if row]
    if len(rows) == G * H and all(len(row) == 1 for row in rows):
        rows = [tuple(row[0] for row in rows)]
    both = what.kind == "b" and cell == "gru" and len(rows) == 2
    if (len(rows) != 1 and not both) or any(len(row) != G * H for row in rows):
        if what.kind == "b" and cell == "gru":
            raise ValueError(
                _("{name}: expected {numbers} or 2 × {count}, found {found}").format(
                    name=name, numbers=number_count(G * H), count=G * H, found=_shape(tuple(rows))
                )
            )
        raise ValueError(
            _("{name}: expected {numbers}, found {found}").format(
                name=name, numbers=number_count(G * H), found=_shape(tuple(rows))
            )
        )
    kinds = ["b", "br"] if both else ["b" if cell != "gru" else what.kind]
    return {
        _formula(kind, gate): (row[k * H : (k + 1) * H],)
        for kind, row in zip(kinds, rows, strict=True)
        for k, gate in enumerate(gates)
    }


def _joined(
    cell: str, D: int, H: int, layout: str, name: str, gates: list[Any], value: Any
) -> dict[str, Rows]:
    """Split a joined matrix into W and U; it has one row, or one column, per unit."""
    wide = D + H
    table = _table(name, value, (H, wide))
    shape = (len(table), len(table[0]))
    if len(gates) > 1 or shape not in ((H, wide), (wide, H)):
        order = _("inputs then units") if layout == "xh" else _("units then inputs")
        raise ValueError(
            _(
                "{name}: expected {H} × {columns} (units × {order}, layout {layout!r}), "
                "found {found}"
            ).format(name=name, H=H, columns=wide, order=order, layout=layout, found=_shape(table))
        )
    if shape == (H, wide):
        table = tuple(zip(*table, strict=True))
    x, h = (table[:D], table[D:]) if layout == "xh" else (table[H:], table[:H])
    return {_formula("W", gates[0]): x, _formula("U", gates[0]): h}


def _wrong(
    name: str, table: Rows, shape: tuple[int, int], what: NamedWeight, D: int, H: int, layout: str,
    G: int,
) -> str:  # fmt: skip
    came = _("inputs") if what.kind == "W" else _("units")
    unit = _("units") if G == 1 else _("gates·units")
    text = f"{came} × {unit}" if shape[1] == G * H and layout == "keras" else f"{unit} × {came}"
    found = (len(table), len(table[0]))
    hint = ""
    if found == shape[::-1]:
        other = "pytorch" if layout == "keras" else "keras"
        hint = _('; layout = "{other}" transposes them').format(other=other)
    elif what.kind == "W" and G == 1 and found in ((H, D + H), (D + H, H)):
        hint = _('; W and U side by side are layout = "xh" or "hx"')
    return _(
        "{name}: expected {rows} × {columns} ({text}, layout {layout!r}), found {found}{hint}"
    ).format(
        name=name,
        rows=shape[0],
        columns=shape[1],
        text=text,
        layout=layout,
        found=_shape(table),
        hint=hint,
    )


def _shape(rows: Rows) -> str:
    if len({len(row) for row in rows}) > 1:
        return _("rows of {widths} numbers").format(
            widths=", ".join(str(len(row)) for row in rows[:8])
        )
    return f"{len(rows)} × {len(rows[0])}" if rows else _("nothing")


def _table(name: str, value: Any, shape: tuple[int, int]) -> Rows:
    """Rows of numbers; a flat list is a row, or a column if ``shape`` is that of a column."""
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        rows = [[_number(name, v) for v in row] if isinstance(row, list | tuple) else None
                for row in value]  # fmt: skip
        if any(row is None for row in rows):
            raise ValueError(_("{name}: rows and single numbers are mixed").format(name=name))
        table = tuple(tuple(row) for row in rows if row is not None)
        if len({len(row) for row in table}) > 1 or not table[0]:
            raise ValueError(
                _("{name}: expected {rows} × {columns}, found {found}").format(
                    name=name, rows=shape[0], columns=shape[1], found=_shape(table)
                )
            )
        return table
    flat = tuple(_number(name, v) for v in (value if isinstance(value, list | tuple) else [value]))
    if not flat:
        raise ValueError(
            _("{name}: expected {rows} × {columns}, found nothing").format(
                name=name, rows=shape[0], columns=shape[1]
            )
        )
    return tuple((v,) for v in flat) if shape[1] == 1 and shape[0] > 1 else (flat,)


def _number(name: str, value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(
            _("{name}: expected numbers, found {found}").format(name=name, found=_short(value))
        )
    if abs(value) > LARGEST or not isfinite(value):
        raise ValueError(
            _("{name}: numbers lie between -{highest:,} and {highest:,}, found {found}").format(
                name=name, highest=LARGEST, found=_short(value)
            )
        )
    return float(value) + 0.0


def _short(value: Any) -> str:
    text = (
        repr(value) if not isinstance(value, list | tuple | dict) else _("a list in a list of rows")
    )
    return text if len(text) <= 40 else text[:37] + "..."


def vector(name: str, value: Any, H: int) -> Rows:
    """A row (1, H) from a row, a column, or a single number for all; ValueError otherwise."""
    if type(value) in (int, float):
        return ((_number(name, value),) * H,)
    table = _table(name, value, (1, H))
    flat = table[0] if len(table) == 1 else tuple(v for row in table for v in row)
    if len(flat) != H or (len(table) > 1 and len(table[0]) > 1):
        raise ValueError(
            _("{name}: expected {numbers}, found {found}").format(
                name=name, numbers=number_count(H), found=_shape(table)
            )
        )
    return (flat,)


def to_layout(net: ToyNet) -> dict[str, Any]:
    """The weights of a net in its layout, without the head's."""
    layout = net.form.layout
    found: dict[str, Any] = {}
    for gate in GATES[net.cell]:
        end = f"_{gate}" if gate else ""
        W, U = net.array(f"W{end}"), net.array(f"U{end}")
        if layout in JOINED:
            found[f"W{end}"] = _columns((*W, *U) if layout == "xh" else (*U, *W))
        else:
            turn = _columns if layout == "pytorch" else _lists
            found[f"W{end}"], found[f"U{end}"] = turn(W), turn(U)
        for name in (f"b{end}", f"b_r{gate}"):
            if name in net.names:
                found[name] = list(net.array(name)[0])
    return found


def _lists(rows: Rows) -> list[list[float]]:
    return [list(row) for row in rows]


def _columns(rows: Rows) -> list[list[float]]:
    return [list(row) for row in zip(*rows, strict=True)]
