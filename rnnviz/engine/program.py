"""A cell's lines as loops that write in place: what training runs.

The plain loop of ``recurrent.py`` calls a cell's own ``forward`` and ``backward`` step by step and
keeps every named value. Training needs few of them, and its time goes into calls and new arrays.
Here the same lines (those on the screen, which the tests hold against the cells) become four
functions over a *chunk* of steps:

``forward``      reads the chunk and keeps what backward needs;
``coefficients`` everything backward multiplies gradients with; that depends on forward values
                 alone, so it is made for all steps of the chunk at once;
``backward``     walks back: a few products of a coefficient with an arriving gradient a step;
``spread``       where a gate's input product has another gradient than its recurrent one (GRU's
                 candidate), puts it in place, for all steps at once.

Arrays are feature-major, (L, G·H, R) for L steps of R sequences: a step is contiguous, a gate is a
contiguous block of it. What a step reads stands in one array too, (h_prev, 1, x) below each other,
so that one matrix product [U; b; W]ᵀ·[h_prev; 1; x] makes the whole sums of all gates; only a gate
whose two products must not meet (GRU's candidate) has them apart.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import numpy as np

from rnnviz.cells import Cell
from rnnviz.engine.inplace import UFUNCS, Emitter, NotFastError
from rnnviz.engine.pointwise import (
    NotPointwiseError,
    backward_split,
    forward_split,
    names_in,
    summed,
    terms,
)
from rnnviz.equations import FUNCTIONS, Line


@dataclass(frozen=True)
class Program:
    """The loops of a cell, and what they expect."""

    gates: tuple[str, ...]  # in the order of the blocks of A and K
    halved: tuple[str, ...]  # gates whose W, U and b are to be halved: σ(a) = ½·tanh(½a) + ½
    apart: tuple[str, ...]  # the last gates, if their two products do not meet in one sum
    states: tuple[str, ...]
    kept: int  # (L, H, R) arrays that forward fills: first the recurrent products of gates apart
    made: int  # (L, H, R) arrays that coefficients fills
    bases: int  # gradients that backward leaves for the chunk, (L, H, R); the first is that of h
    temporaries: int  # arrays any of the loops may write to
    source: str
    forward: Callable[..., None] = field(repr=False)
    coefficients: Callable[..., None] = field(repr=False)
    backward: Callable[..., None] = field(repr=False)
    spread: Callable[..., None] | None = field(repr=False)


def program(cell: Cell) -> Program:
    """The loops of a cell, written once; NotFastError if its lines do not fit them."""
    return _written(cast(Hashable, cell))


@cache
def _written(cell: Any) -> Program:
    try:
        return _Writer(cell).program()
    except NotPointwiseError as error:
        raise NotFastError(str(error)) from error


# -- expressions ----------------------------------------------------------------------------------


def _fewer(node: ast.expr) -> ast.expr:
    """z·a + (1 − z)·b as b + z·(a − b): the same, in a call less."""
    match node:
        case ast.BinOp(
            ast.BinOp(ast.Name(id=z), ast.Mult(), a), ast.Add(),
            ast.BinOp(ast.BinOp(ast.Constant(value=1), ast.Sub(), ast.Name(id=y)), ast.Mult(), b),
        ) if z == y:  # fmt: skip
            between = ast.BinOp(ast.Name(z), ast.Mult(), ast.BinOp(a, ast.Sub(), b))
            return ast.BinOp(b, ast.Add(), between)
    return node


#: A gradient as a sum of coefficient · base gradient; a coefficient of None is 1.
Linear = dict[str, "ast.expr | None"]


# -- from lines to source -------------------------------------------------------------------------


@dataclass
class _Gate:
    """Where the two products of a gate go."""

    name: str
    input_line: str = ""  # the line that reads x @ W
    recurrent_line: str = ""  # the line that reads h_prev @ U
    activation: str = ""  # set if those are one line of nothing else, and this alone follows it
    value: str = ""  # the activated gate
    d_xw: str = ""  # the gradients that walk back through the two products
    d_hu: str = ""


_RANK = {"sigmoid": 0, "tanh": 1, "relu": 2, "": 3}


class _Writer:
    def __init__(self, cell: Cell) -> None:
        self.cell, self.states = cell, cell.states
        self.gate = {g: _Gate(g) for g in cell.gates}
        self.body = {line.name: self._without_products(line) for line in cell.lines}
        for gate in self.gate.values():
            self._find_activation(gate)
        self.sums: dict[str, Linear] = {}  # gradients with several sources, in order
        self.linear: dict[str, Linear] = {}
        for line in cell.back:
            self._read_back(line)
        self.apart = [g for g, gate in self.gate.items() if gate.input_line != gate.recurrent_line]
        self.order = sorted(self.gate, key=self._place)
        self.plain = [g for g in self.order if self.gate[g].activation]
        self.halved = [g for g in self.plain if self.gate[g].activation == "sigmoid"]
        self.coefficient = self._all_coefficients()

    def _fail(self, node: ast.expr) -> NotFastError:
        return NotFastError(f"{self.cell.name}: {ast.unparse(node)}")

    def _place(self, gate: str) -> tuple[bool, int, int]:
        """Gates of one activation, and of one base in backward, side by side: one call for all."""
        bases = ["d_h", *self.sums]
        base = next(iter(self.linear[self.gate[gate].d_hu]), "d_h")
        return gate in self.apart, _RANK[self.gate[gate].activation], bases.index(base)

    # Forward lines: products become names, what is left is pointwise.

    def _without_products(self, line: Line) -> ast.expr:
        """The line with a gate's products and biases as one name, or as two if it has only one."""
        split = forward_split(self.cell, line)
        for g in split.inputs:
            self.gate[g].input_line = line.name
        for g in split.recurrent:
            self.gate[g].recurrent_line = line.name
        read = [ast.Name(f"xw_{g}") for g in reversed(split.inputs)]
        apart = [ast.Name(f"hu_{g}") for g in split.recurrent if g not in split.inputs]
        return _fewer(summed([*read, *apart, *split.rest]))

    def _find_activation(self, gate: _Gate) -> None:
        if not gate.input_line or not gate.recurrent_line:
            raise NotFastError(f"{self.cell.name}: gate {gate.name!r} lacks a product")
        a = gate.input_line
        users = [n for n, body in self.body.items() if a in names_in(body)]
        if gate.recurrent_line != a or len(list(terms(self.body[a]))) > 1 or len(users) != 1:
            return
        if users[0] in self.states:  # SimpleRNN's h has a place of its own
            return
        match self.body[users[0]]:
            case ast.Call(ast.Name(id=f), [ast.Name(id=argument)]) if argument == a and f in _RANK:
                gate.activation, gate.value = f, users[0]

    # Backward lines: every gradient is linear in those that arrive.

    def _read_back(self, line: Line) -> None:
        name = line.name
        if name == "d_h":  # d_h_out + d_h_next: the loop adds them up
            self.linear[name] = {"d_h": None}
            return
        d_xw, d_hu, rest = backward_split(self.cell, line)
        for g, d in d_xw.items():
            self.gate[g].d_xw = d
        for g, d in d_hu.items():
            self.gate[g].d_hu = d
        linear = self._linear(summed(list(rest))) if rest else {}
        if len(linear) > 1 and not name.endswith("_prev"):
            self.sums[name] = linear
            linear = {name: None}
        self.linear[name] = linear

    def _linear(self, node: ast.expr) -> Linear:
        match node:
            case ast.Name(id=name) if name in self.linear:
                return dict(self.linear[name])
            case ast.Name(id=name) if name.startswith("d_") and name.endswith("_next"):
                return {name: None}
            case ast.BinOp(left, ast.Add(), right):
                a, b = self._linear(left), self._linear(right)
                if set(a) & set(b):
                    raise self._fail(node)
                return a | b
            case ast.BinOp(left, ast.Mult(), right):
                arrives = any(n.startswith("d_") for n in names_in(left))
                d, factor = (left, right) if arrives else (right, left)
                return {
                    base: factor if c is None else ast.BinOp(c, ast.Mult(), factor)
                    for base, c in self._linear(d).items()
                }
        raise self._fail(node)

    def _all_coefficients(self) -> dict[tuple[str, str], ast.expr]:
        """What backward multiplies with, by (what is made, base it is made from)."""
        made = dict(self.sums)
        for g in self.order:
            gate = self.gate[g]
            if gate.d_xw != gate.d_hu:
                made[f"xw_{g}"] = self.linear[gate.d_xw]
            if len(self.linear[gate.d_hu]) != 1 or len(self.linear[gate.d_xw]) != 1:
                raise NotFastError(f"{self.cell.name}: gate {g!r} has several gradients")
            if None in self.linear[gate.d_hu].values():
                raise NotFastError(f"{self.cell.name}: gate {g!r} hands its gradient on as it is")
        # After those: they often begin with the same factors.
        made |= {f"hu_{g}": self.linear[self.gate[g].d_hu] for g in self.order}
        made |= {f"d_{s}_prev": self.linear.get(f"d_{s}_prev", {}) for s in self.states}
        return {
            (name, base): factor
            for name, linear in made.items()
            for base, factor in linear.items()
            if factor is not None
        }

    # Source.

    def program(self) -> Program:
        forward, keep = self._forward()
        values = self._after_forward(keep)
        coefficients, places = self._coefficients(values)
        backward = self._backward(places)
        spread = self._spread(places)
        used = max(e.used for e in (forward, coefficients, backward, spread))
        head = [f"    t{k} = T[{k}]" for k in range(used)]
        texts = [
            ["def forward(L, H, A, hx, S, V, T, ONE, HALF, recur, apart, counts):", *head,
             *forward.lines],
            ["def coefficients(H, A, S, V, K, C, T, ONE, HALF):", *head, *coefficients.lines],
            ["def backward(L, H, A, S, V, K, C, D, N, T, asked, unrecur, counts):", *head,
             *backward.lines],
            ["def spread(H, A, S, V, K, C, D, T):", *head, *spread.lines],
        ]  # fmt: skip
        source = "\n\n".join("\n".join(text) for text in texts) + "\n"
        scope: dict[str, Any] = {name: getattr(np, name) for name in UFUNCS}
        scope |= {f"F_{name}": function for name, (function, _) in FUNCTIONS.items()}
        exec(compile(source, f"<loops of {self.cell.name}>", "exec"), scope)
        return Program(
            gates=tuple(self.order), halved=tuple(self.halved), apart=tuple(self.apart),
            states=self.states, kept=len(set(keep.values())),
            made=sum(place.startswith("C") for place in places.values()),
            bases=1 + len(self.sums), temporaries=max(used, 1), source=source,
            forward=scope["forward"], coefficients=scope["coefficients"],
            backward=scope["backward"],
            spread=scope["spread"] if len(texts[3]) > 1 + len(head) + 1 else None,
        )  # fmt: skip

    def _forward(self) -> tuple[Emitter, dict[str, str]]:
        step, keep, n = _Steps(), self._kept(), len(self.plain)
        emit = Emitter({f"{s}_prev": step(f"S[{k}][:-1]") for k, s in enumerate(self.states)})
        places = {s: step(f"S[{k}][1:]") for k, s in enumerate(self.states)}
        places |= {text: step(place) for text, place in keep.items()}
        for g in self.order:
            emit.where[f"xw_{g}"] = step(self._rows(g, "A"))
        emit.where |= {f"hu_{g}": step(f"V[{k}]") for k, g in enumerate(self.apart)}
        emit.where |= {t: f"={places[t]}" for t in keep if not t.isidentifier()}
        emit.lines.append(f"recur({step('hx[:-1]')}, {step(self._some(self._joint, 'A'))})")
        emit.lines += [
            f"apart[{k}]({step('hx[:-1, : H + 1]')}, {step(f'V[{k}]')})"
            for k, _ in enumerate(self.apart)
        ]
        smooth = [g for g in self.plain if self.gate[g].activation != "relu"]
        if smooth:
            a = step(self._some(len(smooth), "A"))
            emit.lines.append(f"tanh({a}, {a})")
        if self.halved:
            a = step(self._some(len(self.halved), "A"))
            emit.lines += [f"multiply({a}, HALF, {a})", f"add({a}, HALF, {a})"]
        if len(smooth) < n:
            a = step(f"A[:, {len(smooth)} * H : {n} * H]")
            emit.lines.append(f"maximum({a}, 0, out={a})")
        done = set()
        for g in self.plain:
            gate = self.gate[g]
            emit.where[gate.value] = step(self._rows(g, "A"))
            done |= {gate.value, gate.input_line}
        for line in self.cell.lines:
            if line.name not in done:
                self._line(emit, line.name, places)
        after = [(step(f"S[{k}][1:]"), step(f"S[{k}][:-1]")) for k in range(len(self.states))]
        emit.lines += [f"if counts is not None and counts[t] < {after[0][0]}.shape[1]:",
                       "    n = counts[t]",
                       *(f"    {new}[:, n:] = {old}[:, n:]" for new, old in after)]  # fmt: skip
        emit.lines = [step.head(emit.lines), *(f"        {line}" for line in emit.lines)]
        return emit, keep

    @property
    def _joint(self) -> int:
        """How many gates have both products in one sum; they come first."""
        return len(self.order) - len(self.apart)

    def _some(self, n: int, array: str) -> str:
        """The first n gates' rows of a chunk's array."""
        return array if n == len(self.order) else f"{array}[:, : {n} * H]"

    def _line(self, emit: Emitter, name: str, places: Mapping[str, str]) -> None:
        """One line that is no plainly activated gate."""
        body = self.body[name]
        if isinstance(body, ast.Name) and body.id[:3] in ("hu_", "xw_"):
            target = emit.where[body.id]
        elif name in places:
            target = places[name]
        elif inputs := [g for g in self.order if self.gate[g].input_line == name]:
            target = emit.where[f"xw_{inputs[0]}"]
        elif isinstance(body, ast.Call) and isinstance(body.args[0], ast.Name):
            target = emit.where[body.args[0].id]  # an activation in the place of its argument
        else:
            target = emit.temporary()
        if not (isinstance(body, ast.Name) and emit.where[body.id] == target):
            emit.into(body, target)
        emit.where[name] = target

    def _kept(self) -> dict[str, str]:
        """What forward has to keep beside gates and states: names, and calls worth keeping."""
        wanted: dict[str, None] = {}
        for factor in self.coefficient.values():
            for node in ast.walk(factor):
                if isinstance(node, ast.Call) or (
                    isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)
                ):
                    wanted[ast.unparse(node)] = None
            wanted |= dict.fromkeys(sorted(names_in(factor)))
        have = {f"{s}_prev" for s in self.states} | set(self.states)
        have |= {self.gate[g].value for g in self.plain}
        have |= set(self._activated_in_place())
        inside = {ast.unparse(n) for body in self.body.values() for n in ast.walk(body)
                  if isinstance(n, ast.expr)}  # fmt: skip
        found = [w for w in wanted if w not in have and (w.isidentifier() or w in inside)]
        products = {f"hu_{g}": f"V[{k}]" for k, g in enumerate(self.apart)}
        keep = dict(products)
        for text in found:
            body = ast.unparse(self.body[text]) if text in self.body else ""
            keep[text] = products.get(body) or f"V[{len(set(keep.values()))}]"
        return keep

    def _activated_in_place(self) -> dict[str, str]:
        """Activations of a gate that is not plain: GRU's g, in the place of its a_g."""
        found = {}
        for name, body in self.body.items():
            for g in self.order:
                a = self.gate[g].input_line
                match body:
                    case ast.Call(_, [ast.Name(id=argument)]) if argument == a:
                        if not self.gate[g].activation:
                            found[name] = g
                    case _:
                        pass
        return found

    def _after_forward(self, keep: Mapping[str, str]) -> dict[str, str]:
        """Where each value is for all steps of a chunk."""
        found = {self.gate[g].value: self._rows(g, "A") for g in self.plain}
        found |= {name: self._rows(g, "A") for name, g in self._activated_in_place().items()}
        for k, s in enumerate(self.states):
            found |= {s: f"S[{k}][1:]", f"{s}_prev": f"S[{k}][:-1]"}
        return found | dict(keep)

    def _rows(self, gate: str, array: str) -> str:
        k = self.order.index(gate)
        return f"{array}[:, {k} * H : {k + 1} * H]" if len(self.order) > 1 else array

    def _coefficients(
        self, values: Mapping[str, str]
    ) -> tuple[Emitter, dict[tuple[str, str], str]]:
        emit, places, made = Emitter(values), {}, 0
        for (name, base), factor in self.coefficient.items():
            if name.startswith("hu_"):  # where its gradient will be
                place = self._rows(name[3:], "K")
            elif isinstance(factor, ast.Name):
                places[name, base] = values[factor.id]
                continue
            else:
                place, made = f"C[{made}]", made + 1
            places[name, base] = place
            emit.into(factor, place)
            emit.where.setdefault(ast.unparse(factor), place)
        emit.lines = [f"    {line}" for line in emit.lines] or ["    pass"]
        return emit, places

    def _total(
        self, emit: Emitter, name: str, linear: Linear, target: str, factors: Mapping[str, str],
    ) -> None:  # fmt: skip
        """target = Σ coefficient · base, at step t."""
        for n, base in enumerate(linear):
            factor, d = factors.get(f"{name}:{base}"), emit.where[base]
            if n == 0:
                said = f"multiply({factor}, {d}, {target})" if factor else f"copyto({target}, {d})"
                emit.lines.append(said)
            elif factor:
                spare = emit.temporary()
                emit.lines += [f"multiply({factor}, {d}, {spare})",
                               f"add({target}, {spare}, {target})"]  # fmt: skip
            else:
                emit.lines.append(f"add({target}, {d}, {target})")
        emit.free = 1  # t0 is the way around the product

    def _backward(self, places: Mapping[tuple[str, str], str]) -> Emitter:
        step, others = _Steps(backwards=True), self.states[1:]
        emit = Emitter({f"d_{s}_next": f"N[{k}]" for k, s in enumerate(others, 1)}, first=1)
        nexts = [emit.where[f"d_{s}_next"] for s in others]
        factors = {
            f"{name}:{base}": step(place)
            for (name, base), place in places.items()
            if not name.startswith(("hu_", "xw_"))
        }
        d_h = emit.where["d_h"] = step("D[0]")
        whole = step("K")
        emit.lines += [
            f"if asked is not None: add({d_h}, asked[t], {d_h})",
            f"masked = counts is not None and counts[t] < {d_h}.shape[1]",
            "if masked:",
            "    n = counts[t]",
            "    around = [" + ", ".join(f"{d}[:, n:].copy()" for d in (d_h, *nexts)) + "]",
            *(f"    {d}[:, n:] = 0" for d in (d_h, *nexts)),
        ]
        for k, (name, linear) in enumerate(self.sums.items(), 1):
            emit.where[name] = step(f"D[{k}]")
            self._total(emit, name, linear, emit.where[name], factors)
        for first, end, base in self._runs():
            rows = f"[:, {first} * H : {end} * H]" if end - first < len(self.order) else ""
            # One base for several gates: a step of theirs is (gates, H, C).
            shape = f".reshape(L, {end - first}, H, -1)" if end - first > 1 else ""
            gates = step(f"K{rows}{shape}")
            emit.lines.append(f"multiply({gates}, {emit.where[base]}, {gates})")
        for s in others:
            linear, target = self.linear[f"d_{s}_prev"], emit.where[f"d_{s}_next"]
            self._total(emit, f"d_{s}_prev", linear, target, factors)
        # The gradient of h before this step is made where the step before will look for it.
        emit.lines.append(f"unrecur({whole}, before)")
        if around := self.linear.get("d_h_prev"):
            self._total(emit, "d_h_prev", around, "t0", factors)
            emit.lines.append("add(before, t0, before)")
        emit.lines += ["if masked:", "    before[:, n:] = around[0]"]
        emit.lines += [f"    {d}[:, n:] = around[{k}]" for k, d in enumerate(nexts, 1)]
        step.more("before", "[*D[0][:-1][::-1], N[0]]")
        emit.lines = [
            "    copyto(D[0][-1], N[0])",
            step.head(emit.lines),
            *(f"        {line}" for line in emit.lines),
        ]
        return emit

    def _runs(self) -> list[tuple[int, int, str]]:
        """Gates side by side whose gradient comes from the same base: (first, end, base)."""
        runs: list[tuple[int, int, str]] = []
        for k, g in enumerate(self.order):
            (base,) = self.linear[self.gate[g].d_hu]
            if runs and runs[-1][2] == base:
                runs[-1] = (runs[-1][0], k + 1, base)
            else:
                runs.append((k, k + 1, base))
        return runs

    def _spread(self, places: Mapping[tuple[str, str], str]) -> Emitter:
        emit, bases = Emitter({}), ["d_h", *self.sums]
        for g in self.order:
            if self.gate[g].d_xw != self.gate[g].d_hu:
                (base,) = self.linear[self.gate[g].d_xw]
                factor, d = places[f"xw_{g}", base], f"D[{bases.index(base)}]"
                emit.lines.append(f"    multiply({factor}, {d}, {self._rows(g, 'K')})")
        emit.lines.append("    return")
        return emit


class _Steps:
    """Short names for a step's views of a chunk's arrays, made by walking along them."""

    def __init__(self, *, backwards: bool = False) -> None:
        self.names: dict[str, str] = {}
        self.turn = "[::-1]" if backwards else ""

    def __call__(self, array: str) -> str:
        if array not in self.names:
            self.names[array] = f"v{len(self.names)}"
        return self.names[array]

    def more(self, name: str, things: str) -> None:
        """Something else to walk along, in the loop's own order."""
        self.names[f"={things}"] = name

    def head(self, body: list[str]) -> str:
        """The loop's first line, with what its body uses."""
        used = set(re.findall(r"\w+", " ".join(body)))
        found = {array: v for array, v in self.names.items() if v in used}
        along = [a[1:] if a[0] == "=" else a + self.turn for a in found]
        return (
            f"    for t, {', '.join(found.values())} in zip(range(L){self.turn}, "
            f"{', '.join(along)}):"
        )
