"""Bugs planted in the kernels' source are detected, each with one small layer.

Each bug names its symptom: results are wrong in every order of the threads; or only in some order;
or the launch fails because it accessed memory beside an array. Bugs in what a barrier protects are
also detected as races.

The source is compiled without optimization: otherwise g++ removes reads of values that are not
used, and out-of-bounds reads among them would not be detected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from kernels import layer_cases, standin
from kernels.emulated import ALL_SCHEDULES, KernelError, build
from kernels.layer_cases import TOLERANCE, Case

from rnnviz.engine.cuda.backend import CudaBackend

#: Ten units: the last warp has threads without a unit. Enough steps to use every buffer twice.
LAYER = Case("lstm", "holes", "both", H=10, T=7, B=2, outputs=True)
#: Fewer steps than are loaded ahead.
SHORT = replace(LAYER, direction="forward", T=2)
#: Several tiles in every product, and a mask for each gate.
WIDE = Case("gru", "none", "both", "recurrent", H=40, T=22, B=3, D=70)
WRONG, BY_ORDER, FAULT = "wrong in every order", "wrong in some order", "invalid access"


@dataclass(frozen=True)
class Bug:
    """A replacement in the source, and its symptom."""

    name: str
    original: str
    replacement: str
    symptom: str
    layer: Case = LAYER

    def __str__(self) -> str:
        return self.name


FORWARD_BARRIER = Bug(
    "forward without a barrier",
    "buffer ^= 1;\n                __syncthreads();", "buffer ^= 1;", WRONG,
)  # fmt: skip
BACKWARD_BARRIER = Bug(
    "backward without a barrier",
    "__syncthreads();\n                float d_h_through_u", "float d_h_through_u", WRONG,
)  # fmt: skip
ONE_BUFFER = Bug(
    "h is written where other threads still read",
    "h_shared[buffer ^ 1][unit] = is_unit ? state[0] : 0.0f;\n                buffer ^= 1;",
    "h_shared[buffer][unit] = is_unit ? state[0] : 0.0f;", BY_ORDER,
)  # fmt: skip
BUGS = (
    FORWARD_BARRIER,
    ONE_BUFFER,
    Bug("backward reads the other buffer",
        "d_shared[buffer][gate] + part", "d_shared[buffer ^ 1][gate] + part", WRONG),
    Bug("rows are T apart instead of B",
        "(direction * T + token(n)) * B + row", "(direction * T + token(n)) * T + row", FAULT),
    Bug("the step before is loaded",
        "next_xw[j] = xw[position.at(n + PREFETCH)",
        "next_xw[j] = xw[position.at(n + PREFETCH - 1)", WRONG),
    Bug("masked steps are computed",
        "if (unmasked) {  // the same for the whole block", "if (true) {", WRONG),
    Bug("the weights of i and f are swapped",
        "U_BLOCK(gate) (gate == 0 ? 0 : (gate == 1 ? 1 :",
        "U_BLOCK(gate) (gate == 0 ? 1 : (gate == 1 ? 0 :", WRONG),
    Bug("threads without a unit do not clear shared memory",
        "h_shared[0][unit] = state[0];", "if (is_unit) h_shared[0][unit] = state[0];", WRONG),
    Bug("steps beyond the last are loaded",
        "is_unit && w_block >= 0 && j < T", "is_unit && w_block >= 0", FAULT, SHORT),
    Bug("threads without a unit write gradients",
        "if (is_unit && lane == s)\n            d_initial", "if (lane == s)\n            d_initial",
        FAULT),
)  # fmt: skip
MORE = (
    BACKWARD_BARRIER,
    Bug("U is read beyond its last row, and multiplied by zero",
        "is_unit && from < H && u_block >= 0", "is_unit && u_block >= 0", FAULT),
    Bug("half of a sum over lanes is missing",
        "d_h_through_u += __shfl_xor_sync(ALL, d_h_through_u, 2);", "", WRONG),
    Bug("saved rows are as wide as the block",
        "saved[(position.at(n) * SAVED + 1) * H + unit]",
        "saved[(position.at(n) * SAVED + 1) * UNITS + unit]", FAULT),
)  # fmt: skip
IN_PRODUCTS = (
    Bug("the input of a gate is dropped out as that of the next",
        "value *= mask[(columns.group * B + row % B) * D + d];",
        "value *= mask[((columns.group + 1) % groups * B + row % B) * D + d];", WRONG, WIDE),
    Bug("only one direction's gradient of the input is added up",
        "*W = direction ? W_1 : W_0, *mask", "*W = W_0, *mask", WRONG, WIDE),
    Bug("the last block of a tile leaves out a part",
        "for (int split = 0; split < gridDim.y; split++) {",
        "for (int split = 0; split < gridDim.y - 1; split++) {", WRONG, WIDE),
    Bug("a tile is multiplied before all of it is there",
        "__syncthreads();\n        add_product(tiles, sum);\n        // The",
        "add_product(tiles, sum);\n        // The", WRONG, WIDE),
    Bug("a tile is overwritten while others multiply it",
        "tiles.right[k][thread_column() + j];\n        __syncthreads();",
        "tiles.right[k][thread_column() + j];", WRONG, WIDE),
    Bug("rows beyond the last are read",
        "token < end && column < columns.end", "column < columns.end", FAULT, WIDE),
)  # fmt: skip


@pytest.fixture(autouse=True)
def unoptimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile so that every read of the source is executed."""
    flags = ["-O0" if flag == "-O2" else flag for flag in build._FLAGS]
    assert "-O0" in flags
    monkeypatch.setattr(build, "_FLAGS", flags)


def also(*bugs: Bug) -> list[Any]:
    """Bugs that are only planted with -m cuda_matrix."""
    return [pytest.param(bug, marks=pytest.mark.cuda_matrix) for bug in bugs]


def plant(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the kernels with the bug in them."""
    original = CudaBackend.compile

    def compile_with_bug(self: CudaBackend, source: str) -> Any:
        is_layer = "backward(" in source
        assert source.count(bug.original) == int(is_layer == (bug not in IN_PRODUCTS))
        return original(self, source.replace(bug.original, bug.replacement))

    monkeypatch.setattr(CudaBackend, "compile", compile_with_bug)


def result_of(
    backend: CudaBackend, layer: Case, order: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The result in an order of the threads: "right", "wrong" or the error's message."""
    monkeypatch.setattr(standin, "schedule", order)
    try:
        difference, _ = layer_cases.largest_difference(layer, backend)
    except KernelError as error:
        return str(error)
    return "right" if difference <= TOLERANCE else "wrong"


def test_the_layer_is_right_without_a_bug(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer in (LAYER, SHORT, WIDE, replace(SHORT, direction="backward", T=1)):
        outcomes = {
            result_of(emulated_backend, layer, order, monkeypatch) for order in ALL_SCHEDULES
        }
        assert outcomes == {"right"}, layer


@pytest.mark.parametrize("bug", [*BUGS, *IN_PRODUCTS, *also(*MORE)], ids=str)
def test_a_bug_is_detected(
    emulated_backend: CudaBackend, bug: Bug, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(bug, monkeypatch)
    outcomes = [
        result_of(emulated_backend, bug.layer, order, monkeypatch) for order in ALL_SCHEDULES
    ]
    if bug.symptom == FAULT:
        assert all("invalid address" in outcome for outcome in outcomes)
    elif bug.symptom == WRONG:
        assert set(outcomes) == {"wrong"}
    else:
        assert set(outcomes) == {"right", "wrong"}


@pytest.mark.parametrize("bug", [ONE_BUFFER, *also(FORWARD_BARRIER, BACKWARD_BARRIER)], ids=str)
def test_a_missing_barrier_is_a_race_in_any_order(
    emulated_backend: CudaBackend, bug: Bug, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(bug, monkeypatch)
    monkeypatch.setattr(standin, "races", True)
    assert "race: " in result_of(emulated_backend, bug.layer, "round-robin", monkeypatch)
