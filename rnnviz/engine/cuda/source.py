"""The source of a layer's kernels: ``recurrent.cu`` with sizes and with the cell's lines as C.

The limits of the kernels are checked here: at most four gates, at most 128 units, and no products
but x·W and h_prev·U (see :mod:`rnnviz.engine.codegen.cell_ir`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from rnnviz.cells import Cell
from rnnviz.engine.codegen.cell_ir import Assignment, CellIR, Gate, NotPointwiseError, read_cell
from rnnviz.engine.codegen.cuda_printer import CudaPrinter, scaled_tanh
from rnnviz.engine.cuda.functions import functions_source
from rnnviz.equations.terms import names_in
from rnnviz.messages import _

#: Threads that share a unit.
LANES = 4
MAX_UNITS = 128
#: The weights of a thread that are kept in registers: all if there are at most so many, otherwise
#: fewer, because other values need registers, too. The rest are in shared memory.
MAX_REGISTER_WEIGHTS, REGISTER_WEIGHTS = 96, 84


class NoKernelError(Exception):
    """There is no kernel for this layer; the message says why."""


@dataclass(frozen=True)
class KernelSource:
    """The source of a layer's kernels, and the sizes for launching them."""

    text: str
    cell: CellIR
    threads: int  # of a block
    dynamic_shared: int  # bytes of shared memory of a block, requested at launch
    static_shared: int  # further bytes of shared memory, declared in backward
    u_gates: tuple[str, ...]  # gates with a block of U, in order
    w_gates: tuple[str, ...]  # gates with a block of W, in order

    @property
    def d_hu_is_d_xw(self) -> bool:
        """Whether the gradients of both products of every gate are the same."""
        return all(g.d_xw == g.d_hu for g in self.cell.gates)


def kernel_source(cell: Cell, H: int, *, fast_math: bool = True) -> KernelSource:
    """The kernels of a layer of ``H`` units; NoKernelError if there are none for it."""
    return _kernel_source(cast(Any, cell), H, fast_math)


@cache
def _kernel_source(cell: Any, H: int, fast_math: bool) -> KernelSource:
    try:
        ir = read_cell(cell)
    except NotPointwiseError as error:
        raise NoKernelError(
            _("{reason} is a product that the kernels do not compute").format(reason=error)
        ) from error
    if H > MAX_UNITS:
        raise NoKernelError(_("{H} units are more than {most}").format(H=H, most=MAX_UNITS))
    if len(ir.gates) > LANES:
        raise NoKernelError(
            _("{count} gates are more than {most}").format(count=len(ir.gates), most=LANES)
        )
    if ir.states[0] != "h":
        raise NoKernelError(_("the first state is not h"))
    return _KernelWriter(ir, H, fast_math).source()


_PRINTER = CudaPrinter()


class _KernelWriter:
    """Fills the template ``recurrent.cu`` for one cell and one number of units."""

    def __init__(self, cell: CellIR, H: int, fast_math: bool) -> None:
        self.cell, self.H, self.fast_math = cell, H, fast_math
        G = len(cell.gates)
        self.parts = LANES // (1 if G > 2 else G if G == 2 else 1) if G < 3 else 1
        step = 16 if self.parts == LANES else 8
        self.units = -(-H // step) * step  # threads of a block are whole warps
        lane_weights = self.units // self.parts
        fit = lane_weights <= MAX_REGISTER_WEIGHTS
        self.register_weights = lane_weights if fit else REGISTER_WEIGHTS
        self.shared_weights = lane_weights - self.register_weights
        self.u_gates = tuple(g.name for g in cell.gates if g.reads_state)
        self.w_gates = tuple(g.name for g in cell.gates if g.reads_input)
        self.read_back = set().union(*(names_in(s.value) for s in cell.backward))

    def source(self) -> KernelSource:
        template = files("rnnviz.engine.cuda").joinpath("recurrent.cu").read_text("utf-8")
        threads = LANES * self.units
        parts = ["\n".join(self._definitions()), functions_source(), self._filled(template)]
        text = "\n\n".join(parts)
        dynamic_shared = self.shared_weights * threads * 4
        static_shared = 2 * len(self.cell.gates) * (self.units + 4) * 4  # d_shared
        return KernelSource(
            text, self.cell, threads, dynamic_shared, static_shared, self.u_gates, self.w_gates
        )

    def _definitions(self) -> list[str]:
        """The sizes as macros, and functions of a gate's index."""
        cell, gates = self.cell, self.cell.gates
        # Lanes compute α·tanh(β·a) + γ together, each with the coefficients of its gate.
        tanhs = [scaled_tanh(g.activation) for g in gates]
        coefficients = [c or (1.0, 1.0, 0.0) for c in tanhs]
        sizes = {
            "H": self.H, "UNITS": self.units, "GATES": len(gates), "PARTS": self.parts,
            "STATES": len(cell.states), "SAVED": len(cell.saved), "VECTORS": len(cell.vectors),
            "SAVED_LOADS": max(1, -(-len(cell.saved) // LANES)),
            "REGISTER_WEIGHTS": self.register_weights,
            "U_BLOCKS": len(self.u_gates), "W_BLOCKS": len(self.w_gates),
            "FAST_MATH": int(self.fast_math),
        }  # fmt: skip
        by_gate = {
            "ALPHA": [f"{c[0]}f" for c in coefficients],
            "BETA": [f"{c[1]}f" for c in coefficients],
            "GAMMA": [f"{c[2]}f" for c in coefficients],
            "HAS_TANH": [str(int(c is not None)) for c in tanhs],
            "SEPARATE_PRODUCTS": [str(int(_has_separate_products(g))) for g in gates],
            "U_BLOCK": [str(_index(self.u_gates, g.name)) for g in gates],
            "W_BLOCK": [str(_index(self.w_gates, g.name)) for g in gates],
            "D_XW": [f"n_{g.d_xw}" if g.d_xw else "0.0f" for g in gates],
            "D_HU": [f"n_{g.d_hu}" if g.d_hu else "0.0f" for g in gates],
        }  # fmt: skip
        defaults = {"U_BLOCK": "-1", "W_BLOCK": "-1", "HAS_TANH": "0", "SEPARATE_PRODUCTS": "0"}
        return [
            *(f"#define {name} {value}" for name, value in sizes.items()),
            *(f"#define {name}(gate) {_choice('gate', values, defaults.get(name, '0.0f'))}"
              for name, values in by_gate.items()),
        ]  # fmt: skip

    def _filled(self, template: str) -> str:
        """The template with its ``//@`` lines replaced."""
        parts = {
            "vectors": self._vectors, "forward": self._forward,
            "store states": self._store_states, "store saved": self._store_saved,
            "load last states": self._load_last_states, "load next": self._load_next,
            "read next": self._read_next, "backward": self._backward,
            "update d_state": self._update_d_state, "step back": self._step_back,
        }  # fmt: skip
        lines: list[str] = []
        for line in template.splitlines():
            mark = line.strip()
            if mark.startswith("//@ "):
                indent = line[: line.index("/")]
                lines += [indent + code for code in parts[mark[4:]]()]
            else:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def _vectors(self) -> list[str]:
        """Load the further trained vectors."""
        return [
            f"const float n_{name} = is_unit ? "
            f"vectors[(position.direction * VECTORS + {k}) * H + unit] : 0.0f;"
            for k, name in enumerate(self.cell.vectors)
        ]

    # Forward.

    def _forward(self) -> list[str]:
        """Exchange the gates between the lanes; then each lane computes the rest of the lines."""
        code, computed = [], set()
        for k, gate in enumerate(self.cell.gates):
            if scaled_tanh(gate.activation):
                name = gate.value
                computed |= {gate.value, *self._readers_of(f"sum_{gate.name}")}
            elif gate.joint:
                name = f"sum_{gate.name}"
            else:
                name = f"hu_{gate.name}" if gate.reads_state else f"xw_{gate.name}"
            code.append(f"const float n_{name} = {self._of_lane('gate_value', k)};")
            if _has_separate_products(gate) and gate.reads_input:
                code.append(f"const float n_xw_{gate.name} = {self._of_lane('xw_gate', k)};")
        code += [f"const float n_{s}_prev = state[{k}];" for k, s in self._states()]
        code += [_assignment(s) for s in self.cell.forward if s.name not in computed]
        return code + [f"state[{k}] = n_{s};" for k, s in self._states()]

    def _readers_of(self, name: str) -> Iterable[str]:
        return (s.name for s in self.cell.forward if name in names_in(s.value))

    def _of_lane(self, variable: str, gate: int) -> str:
        """The variable of the lane that computes a gate; with one gate all lanes have it."""
        if self.parts == LANES:
            return variable
        return f"__shfl_sync(ALL, {variable}, first_lane + {gate * self.parts})"

    def _store_states(self) -> list[str]:
        return [
            f"if (lane == {k % LANES}) states[position.after({k}, n) * H + unit] = state[{k}];"
            for k, _ in self._states()
        ]

    def _store_saved(self) -> list[str]:
        return [
            f"if (lane == {k % LANES}) saved[(position.at(n) * SAVED + {k}) * H + unit] = n_{name};"
            for k, name in enumerate(self.cell.saved)
        ]

    def _states(self) -> list[tuple[int, str]]:
        return list(enumerate(self.cell.states))

    # Backward.

    def _reads_both(self, state: str) -> bool:
        """Whether backward reads a state both after and before the step.

        One array access then serves two steps: the state before a step is that after the next one
        computed.
        """
        return {state, f"{state}_prev"} <= self.read_back

    def _load_last_states(self) -> list[str]:
        return [
            f"after[{k}] = is_unit ? states[position.after({k}, T - 1) * H + unit] : 0.0f;"
            for k, s in self._states()
            if self._reads_both(s)
        ]

    def _load_next(self) -> list[str]:
        """Load what step m reads, PREFETCH steps ahead."""
        code = ["if (is_unit && m >= 0) {"]
        for k, s in self._states():
            if {s, f"{s}_prev"} & self.read_back:
                step = "m - 1" if f"{s}_prev" in self.read_back else "m"
                code.append(
                    f"    next_state[{k}][j] = states[position.after({k}, {step}) * H + unit];"
                )
        for first in range(0, len(self.cell.saved), LANES):
            rest = len(self.cell.saved) - first
            condition = "" if rest >= LANES else f"if (lane < {rest}) "
            code.append(
                f"    {condition}next_saved[{first // LANES}][j] = "
                f"saved[(position.at(m) * SAVED + {first} + lane) * H + unit];"
            )
        code += [
            "    if (d_outputs)",
            "        next_d_output[j] = d_outputs[(position.token(m) * B + position.row)"
            " * output_width + position.direction * H + unit];",
            "}",
        ]
        return code

    def _read_next(self) -> list[str]:
        """What was loaded for this step, as variables."""
        code = []
        for k, s in self._states():
            if f"{s}_prev" in self.read_back:
                code.append(f"const float n_{s}_prev = next_state[{k}][j];")
            if self._reads_both(s):
                code.append(f"const float n_{s} = after[{k}];")
            elif s in self.read_back:
                code.append(f"const float n_{s} = next_state[{k}][j];")
        # All lanes take part in a shuffle, also where the step is masked.
        return code + [
            f"const float n_{name} = "
            f"__shfl_sync(ALL, next_saved[{k // LANES}][j], first_lane + {k % LANES});"
            for k, name in enumerate(self.cell.saved)
        ]

    def _backward(self) -> list[str]:
        code = ["const float n_d_h_out = d_output, n_d_h_next = d_state[0];"]
        code += [f"const float n_d_{s}_next = d_state[{k}];" for k, s in self._states()[1:]]
        return code + [_assignment(s) for s in self.cell.backward]

    def _update_d_state(self) -> list[str]:
        return [
            f"d_state[{k}] = "
            + " + ".join(
                (["d_h_through_u"] if k == 0 else [])
                + ([f"n_d_{s}_prev"] if s in self.cell.around else [])
                or ["0.0f"]
            )
            + ";"
            for k, s in self._states()
        ]

    def _step_back(self) -> list[str]:
        return [f"after[{k}] = n_{s}_prev;" for k, s in self._states() if self._reads_both(s)]


def _assignment(assignment: Assignment) -> str:
    return f"const float n_{assignment.name} = {_PRINTER.expression(assignment.value)};"


def _has_separate_products(gate: Gate) -> bool:
    """Whether the cell uses x·W and h_prev·U of a gate separately."""
    return gate.reads_state and not gate.joint


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _choice(variable: str, values: list[str], default: str) -> str:
    """values[variable] as nested conditional expressions, which compile to select instructions."""
    code = default
    for k in reversed(range(len(values))):
        code = f"({variable} == {k} ? {values[k]} : {code})"
    return code
