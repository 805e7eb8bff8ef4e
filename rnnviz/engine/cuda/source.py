"""The text of a layer's kernels: sizes, and the cell's lines as C, put into ``recurrent.cu``.

What the kernels can do is said here too: at most four gates, at most 128 units, and only products
of the shape every cell has (see :mod:`rnnviz.engine.codegen.cell_ir`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import Assignment, CellIR, Gate, NotPointwiseError, read_cell
from rnnviz.engine.codegen.cuda_printer import CudaPrinter, function_sources, scaled_tanh
from rnnviz.equations.terms import names_in

LANES = 4
#: From this many units on the weights of a unit no longer fit a thread's registers.
LARGEST, LARGEST_IN_REGISTERS, REGISTERS = 128, 96, 84


class NoKernelError(Exception):
    """There is no kernel for this layer; the message says why."""


@dataclass(frozen=True)
class Kernels:
    """The source of a layer's kernels, and what launching them needs to know."""

    source: str
    cell: CellIR
    threads: int  # of a block
    shared: int  # bytes of shared memory a block asks for when it is launched
    fixed: int  # bytes of it that backward, which has the most, takes beside
    recurrent: tuple[str, ...]  # gates with a block of U, in order
    reading: tuple[str, ...]  # gates with a block of W, in order

    @property
    def together(self) -> bool:
        """Whether the gradients of both products of every gate are the same."""
        return all(g.d_xw == g.d_hu for g in self.cell.gates)


def kernels(cell: Cell, H: int, *, fast_math: bool = True) -> Kernels:
    """The kernels of a layer of ``H`` units; NoKernelError where there are none."""
    return _written(cast(Any, cell), H, fast_math)


@cache
def _written(cell: Any, H: int, fast_math: bool) -> Kernels:
    try:
        lines = read_cell(cell)
    except NotPointwiseError as error:
        raise NoKernelError(f"{error} is a product that the kernels do not have") from error
    if H > LARGEST:
        raise NoKernelError(f"{H} units are more than {LARGEST}")
    if len(lines.gates) > LANES:
        raise NoKernelError(f"{len(lines.gates)} gates are more than {LANES}")
    if lines.states[0] != "h":
        raise NoKernelError("the first state is not h")
    return _Text(lines, H, fast_math).kernels()


_PRINTER = CudaPrinter()


class _Text:
    def __init__(self, cell: CellIR, H: int, fast_math: bool) -> None:
        self.cell, self.H, self.fast_math = cell, H, fast_math
        G = len(cell.gates)
        self.parts = LANES // (1 if G > 2 else G if G == 2 else 1) if G < 3 else 1
        step = 16 if self.parts == LANES else 8
        self.units = -(-H // step) * step
        span = self.units // self.parts
        self.registers = span if span <= LARGEST_IN_REGISTERS else REGISTERS
        self.in_shared = span - self.registers
        self.recurrent = tuple(g.name for g in cell.gates if g.reads_state)
        self.reading = tuple(g.name for g in cell.gates if g.reads_input)
        made = [names_in(s.value) for s in cell.backward]
        self.wanted = set().union(*made)

    def kernels(self) -> Kernels:
        text = files("rnnviz.engine.cuda").joinpath("recurrent.cu").read_text("utf-8")
        threads = LANES * self.units
        source = "\n".join(self._sizes()) + "\n\n" + self._filled(text)
        shared = self.in_shared * threads * 4
        fixed = 2 * len(self.cell.gates) * (self.units + 4) * 4  # d_shared
        return Kernels(source, self.cell, threads, shared, fixed, self.recurrent, self.reading)

    def _sizes(self) -> list[str]:
        cell, gates = self.cell, self.cell.gates
        # All lanes compute α·tanh(β·a) + γ at once, each with the numbers of its own gate.
        bent = [scaled_tanh(g.activation) or (1.0, 1.0, 0.0) for g in gates]
        numbers = {
            "H": self.H, "UNITS": self.units, "GATES": len(gates), "PARTS": self.parts,
            "STATES": len(cell.states), "SAVED": len(cell.saved), "VECTORS": len(cell.vectors),
            "ROUNDS": max(1, -(-len(cell.saved) // LANES)), "REGISTERS": self.registers,
            "RECURRENT": len(self.recurrent), "READING": len(self.reading),
            "FAST_MATH": int(self.fast_math),
        }  # fmt: skip
        chosen = {
            "ALPHA": [f"{b[0]}f" for b in bent], "BETA": [f"{b[1]}f" for b in bent],
            "GAMMA": [f"{b[2]}f" for b in bent],
            "BENT": [str(int(scaled_tanh(g.activation) is not None)) for g in gates],
            "APART": [str(int(_apart(g))) for g in gates],
            "RECURRENT_BLOCK": [str(_place(self.recurrent, g.name)) for g in gates],
            "READING_BLOCK": [str(_place(self.reading, g.name)) for g in gates],
            "D_XW": [f"n_{g.d_xw}" if g.d_xw else "0.0f" for g in gates],
            "D_HU": [f"n_{g.d_hu}" if g.d_hu else "0.0f" for g in gates],
        }  # fmt: skip
        nothing = {"RECURRENT_BLOCK": "-1", "READING_BLOCK": "-1", "BENT": "0", "APART": "0"}
        return [
            *(f"#define {name} {value}" for name, value in numbers.items()),
            *(f"#define {name}(gate) {_choice('gate', values, nothing.get(name, '0.0f'))}"
              for name, values in chosen.items()),
        ]  # fmt: skip

    def _filled(self, text: str) -> str:
        """The template with its ``//@`` lines replaced."""
        parts = {
            "functions": function_sources, "forward": self._forward, "vectors": self._vectors,
            "backward": self._backward,
            "store states": self._store_states, "store saved": self._store_saved,
            "states after all": self._after_all, "ask": self._ask, "take": self._take,
            "carry on": self._carry_on, "one step back": self._one_step_back,
        }  # fmt: skip
        found: list[str] = []
        for line in text.splitlines():
            mark = line.strip()
            if mark.startswith("//@ "):
                indent = line[: line.index("/")]
                found += [indent + made for made in parts[mark[4:]]()]
            else:
                found.append(line)
        return "\n".join(found) + "\n"

    def _vectors(self) -> list[str]:
        """Trained numbers of a unit beside W, U and b."""
        return [
            f"const float n_{name} = there ? "
            f"vectors[(place.direction * VECTORS + {k}) * H + unit] : 0.0f;"
            for k, name in enumerate(self.cell.vectors)
        ]

    # Forward.

    def _forward(self) -> list[str]:
        """The lanes tell each other their gates; then each computes the rest of the unit."""
        found, done = [], set()
        for k, gate in enumerate(self.cell.gates):
            if scaled_tanh(gate.activation):
                name = gate.value
                done |= {gate.value, *self._users_of(f"sum_{gate.name}")}
            elif gate.joint:
                name = f"sum_{gate.name}"
            else:
                name = f"hu_{gate.name}" if gate.reads_state else f"xw_{gate.name}"
            found.append(f"const float n_{name} = {self._told('own', k)};")
            if _apart(gate) and gate.reads_input:
                found.append(f"const float n_xw_{gate.name} = {self._told('read', k)};")
        found += [f"const float n_{s}_prev = before[{k}];" for k, s in self._states()]
        found += [_assigned(s) for s in self.cell.forward if s.name not in done]
        return found + [f"before[{k}] = n_{s};" for k, s in self._states()]

    def _users_of(self, name: str) -> Iterable[str]:
        return (s.name for s in self.cell.forward if name in names_in(s.value))

    def _told(self, variable: str, gate: int) -> str:
        """What the lane of a gate has; where there is one gate every lane has it."""
        if self.parts == LANES:
            return variable
        return f"__shfl_sync(ALL, {variable}, warp_unit + {gate * self.parts})"

    def _store_states(self) -> list[str]:
        return [
            f"if (lane == {k % LANES}) states[place.after({k}, n) * H + unit] = before[{k}];"
            for k, _ in self._states()
        ]

    def _store_saved(self) -> list[str]:
        return [
            f"if (lane == {k % LANES}) saved[(place.at(n) * SAVED + {k}) * H + unit] = n_{name};"
            for k, name in enumerate(self.cell.saved)
        ]

    def _states(self) -> list[tuple[int, str]]:
        return list(enumerate(self.cell.states))

    # Backward.

    def _both(self, state: str) -> bool:
        return {state, f"{state}_prev"} <= self.wanted

    def _after_all(self) -> list[str]:
        """States that are read after a step *and* before it: one is the other of the next."""
        return [
            f"after[{k}] = there ? states[place.after({k}, T - 1) * H + unit] : 0.0f;"
            for k, s in self._states()
            if self._both(s)
        ]

    def _ask(self) -> list[str]:
        found = ["if (there && m >= 0) {"]
        for k, s in self._states():
            if {s, f"{s}_prev"} & self.wanted:
                step = "m - 1" if f"{s}_prev" in self.wanted else "m"
                found.append(
                    f"    asked_state[{k}][j] = states[place.after({k}, {step}) * H + unit];"
                )
        for first in range(0, len(self.cell.saved), LANES):
            own = "" if first + LANES <= len(self.cell.saved) else self._has_slot(first)
            found.append(
                f"    {own}asked_saved[{first // LANES}][j] = "
                f"saved[(place.at(m) * SAVED + {first} + lane) * H + unit];"
            )
        found += [
            "    if (d_outputs)",
            "        asked_out[j] = d_outputs[(place.token(m) * B + place.row) * outputs"
            " + place.direction * H + unit];",
            "}",
        ]
        return found

    def _has_slot(self, first: int) -> str:
        return f"if (lane < {len(self.cell.saved) - first}) "

    def _take(self) -> list[str]:
        found = []
        for k, s in self._states():
            if f"{s}_prev" in self.wanted:
                found.append(f"const float n_{s}_prev = asked_state[{k}][j];")
            if self._both(s):
                found.append(f"const float n_{s} = after[{k}];")
            elif s in self.wanted:
                found.append(f"const float n_{s} = asked_state[{k}][j];")
        # All lanes take part in a shuffle, whether the step counts or not.
        return found + [
            f"const float n_{name} = "
            f"__shfl_sync(ALL, asked_saved[{k // LANES}][j], warp_unit + {k % LANES});"
            for k, name in enumerate(self.cell.saved)
        ]

    def _backward(self) -> list[str]:
        found = ["const float n_d_h_out = d_out, n_d_h_next = carry[0];"]
        found += [f"const float n_d_{s}_next = carry[{k}];" for k, s in self._states()[1:]]
        return found + [_assigned(s) for s in self.cell.backward]

    def _carry_on(self) -> list[str]:
        return [
            f"carry[{k}] = "
            + " + ".join(
                (["through"] if k == 0 else [])
                + ([f"n_d_{s}_prev"] if s in self.cell.around else [])
                or ["0.0f"]
            )
            + ";"
            for k, s in self._states()
        ]

    def _one_step_back(self) -> list[str]:
        return [f"after[{k}] = n_{s}_prev;" for k, s in self._states() if self._both(s)]


def _assigned(assignment: Assignment) -> str:
    return f"const float n_{assignment.name} = {_PRINTER.expression(assignment.value)};"


def _apart(gate: Gate) -> bool:
    """Whether a gate's recurrent product must not meet its input's."""
    return gate.reads_state and not gate.joint


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _choice(variable: str, values: list[str], otherwise: str) -> str:
    """values[variable] as a chain of questions, which the compiler turns into selects."""
    found = otherwise
    for k in reversed(range(len(values))):
        found = f"({variable} == {k} ? {values[k]} : {found})"
    return found
