"""Mistakes planted in the kernels' text are seen, each on one small layer.

Three ways lead to them, and for each mistake it is said which one does: the numbers are wrong in
every order of the threads; they are wrong in some order only; or the launch is an error at once,
because memory beside an array was touched. Races are looked for besides, where a barrier guards.

The text is compiled without optimisation: else g++ leaves out a read whose number is not used, and
whether it was out of bounds could not be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from kernels import cases, standin
from kernels.cases import TOLERANCE, Case
from kernels.emulated import ALL_SCHEDULES, KernelError, build

from rnnviz.engine.cuda.backend import CudaBackend

#: Ten units: six more in the last warp are none. Steps enough to go around every buffer.
LAYER = Case("lstm", "holes", "both", H=10, T=7, B=2, outputs=True)
#: Fewer steps than are asked for ahead.
SHORT = replace(LAYER, direction="forward", T=2)
WRONG, BY_ORDER, FAULT = "wrong in every order", "wrong in some order", "an error at once"


@dataclass(frozen=True)
class Bug:
    """What stands in the text, what is put in its place, and how that is seen."""

    name: str
    right: str
    wrong: str
    seen: str
    layer: Case = LAYER

    def __str__(self) -> str:
        return self.name


FORWARD_BARRIER = Bug(
    "forward goes on without a barrier",
    "buffer ^= 1;\n                __syncthreads();", "buffer ^= 1;", WRONG,
)  # fmt: skip
BACKWARD_BARRIER = Bug(
    "backward goes on without a barrier",
    "__syncthreads();\n                float d_h_through_u", "float d_h_through_u", WRONG,
)  # fmt: skip
ONE_BUFFER = Bug(
    "h is written where others still read it",
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
    Bug("the step before is asked for",
        "next_xw[j] = xw[position.at(n + PREFETCH)",
        "next_xw[j] = xw[position.at(n + PREFETCH - 1)", WRONG),
    Bug("masked steps count",
        "if (unmasked) {  // the same for the whole block", "if (true) {", WRONG),
    Bug("i takes the weights of f, and f those of i",
        "U_BLOCK(gate) (gate == 0 ? 0 : (gate == 1 ? 1 :",
        "U_BLOCK(gate) (gate == 0 ? 1 : (gate == 1 ? 0 :", WRONG),
    Bug("units that are none leave shared memory as it was",
        "h_shared[0][unit] = state[0];", "if (is_unit) h_shared[0][unit] = state[0];", WRONG),
    Bug("steps are asked for that there are not",
        "is_unit && w_block >= 0 && j < T", "is_unit && w_block >= 0", FAULT, SHORT),
    Bug("units that are none write their gradients",
        "if (is_unit && lane == s)\n            d_initial", "if (lane == s)\n            d_initial",
        FAULT),
)  # fmt: skip
MORE = (
    BACKWARD_BARRIER,
    Bug("U is read behind its last row, and multiplied by zero",
        "is_unit && from < H && u_block >= 0", "is_unit && u_block >= 0", FAULT),
    Bug("half of a sum over lanes is left out",
        "d_h_through_u += __shfl_xor_sync(ALL, d_h_through_u, 2);", "", WRONG),
    Bug("saved rows are as wide as the block",
        "saved[(position.at(n) * SAVED + 1) * H + unit]",
        "saved[(position.at(n) * SAVED + 1) * UNITS + unit]", FAULT),
)  # fmt: skip


@pytest.fixture(autouse=True)
def unoptimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read of the text is made."""
    flags = ["-O0" if flag == "-O2" else flag for flag in build._FLAGS]
    assert "-O0" in flags
    monkeypatch.setattr(build, "_FLAGS", flags)


def also(*bugs: Bug) -> list[Any]:
    """Those that are only looked for with everything else."""
    return [pytest.param(bug, marks=pytest.mark.cuda_matrix) for bug in bugs]


def plant(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every layer compiled with the bug in it."""
    compiled = CudaBackend.compile

    def module(self: CudaBackend, source: str) -> Any:
        assert source.count(bug.right) == 1
        return compiled(self, source.replace(bug.right, bug.wrong))

    monkeypatch.setattr(CudaBackend, "compile", module)


def outcome(card: CudaBackend, layer: Case, order: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What becomes of the layer in an order of the threads: "right", "wrong" or an error's text."""
    monkeypatch.setattr(standin, "schedule", order)
    try:
        gap, _ = cases.worst(layer, card)
    except KernelError as error:
        return str(error)
    return "right" if gap <= TOLERANCE else "wrong"


def test_the_layer_is_right_with_no_bug_in_it(
    emulated_card: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer in (LAYER, SHORT, replace(SHORT, direction="backward", T=1)):
        found = {outcome(emulated_card, layer, order, monkeypatch) for order in ALL_SCHEDULES}
        assert found == {"right"}, layer


@pytest.mark.parametrize("bug", [*BUGS, *also(*MORE)], ids=str)
def test_a_bug_is_seen(
    emulated_card: CudaBackend, bug: Bug, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(bug, monkeypatch)
    found = [outcome(emulated_card, bug.layer, order, monkeypatch) for order in ALL_SCHEDULES]
    if bug.seen == FAULT:
        assert all("invalid address" in one for one in found)
    elif bug.seen == WRONG:
        assert set(found) == {"wrong"}
    else:
        assert set(found) == {"right", "wrong"}


@pytest.mark.parametrize("bug", [ONE_BUFFER, *also(FORWARD_BARRIER, BACKWARD_BARRIER)], ids=str)
def test_a_bug_in_what_barriers_guard_is_a_race_in_any_order(
    emulated_card: CudaBackend, bug: Bug, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(bug, monkeypatch)
    monkeypatch.setattr(standin, "races", True)
    assert "race: " in outcome(emulated_card, bug.layer, "round-robin", monkeypatch)
