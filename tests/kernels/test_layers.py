"""A layer's kernels give what the plain loops give in float64: states, outputs and all gradients.

Here is a sample: every cell with every mask and every dropout, and directions, sizes and numbers of
steps in turn. The whole product of the three cells that are shipped, 2,592 layers in each of five
orders of the threads, is not run by default::

    pytest tests/kernels/test_layers.py -m cuda_matrix                         # all of it
    pytest tests/kernels/test_layers.py -m cuda_matrix -k gru-H32-           # 144 layers, 5 orders
    pytest tests/kernels/test_layers.py -m cuda_matrix -k "H128 and reversed"  # or one order

One processor takes a quarter of an hour for all of it. On a machine with an NVIDIA card both run
there too; ``-m gpu`` chooses what does. That needs CuPy, NumPy, pytest and safetensors alone::

    PYTHONPATH=tests:. python -m pytest -c /dev/null --rootdir . --confcutdir tests/kernels
        --import-mode=importlib -m "gpu and not cuda_matrix" tests/kernels
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, product
from typing import Any

import numpy as np
import pytest
from kernels import cases, standin
from kernels.cases import DIRECTIONS, DROPOUTS, MASKS, SIZES, STEPS, TOLERANCE, Case
from kernels.emulated import ALL_SCHEDULES

from rnnviz.engine.cuda.backend import CudaBackend

#: Each new size of a cell is compiled anew, a second each; some the trainings need as well.
SIZES_OF = {
    "rnn": (96, 1), "lstm": (32, 128), "gru": (10, 32), "gru relu": (64,),
    "mingru": (10,), "peephole": (10,), "rnn relu": (32,), "lstm hard": (10,),
}  # fmt: skip
IN_TURN = (20, 2, 100, 20, 1)
SHIPPED = ("rnn", "lstm", "gru")


def sample() -> Iterator[Case]:
    """Every cell, mask and dropout; the other choices in turn."""
    for cell, sizes in SIZES_OF.items():
        for n, (mask, dropout) in enumerate(product(MASKS, DROPOUTS)):
            row = n // len(DROPOUTS)  # without it a choice would keep step with the dropout
            H, T = sizes[(n + row) % len(sizes)], IN_TURN[n % len(IN_TURN)]
            direction = DIRECTIONS[(n + 2 * row) % len(DIRECTIONS)]
            yield Case(
                cell, mask, direction, dropout, H, min(T, 2) if H > 32 else T, outputs=n % 2 == 1
            )


SAMPLE = tuple(sample())


@pytest.fixture
def order(
    request: pytest.FixtureRequest, card: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The order in which the stand-in's threads run; a card has its own."""
    monkeypatch.setattr(standin, "schedule", request.param)
    return str(request.param)


def orders(*given: str) -> pytest.MarkDecorator:
    """The test in each of these orders."""
    return pytest.mark.parametrize("order", given, indirect=True)


def also(*cells: str) -> list[Any]:
    """Those that are only run with everything else."""
    return [pytest.param(cell, marks=pytest.mark.cuda_matrix) for cell in cells]


def test_the_sample_has_every_choice() -> None:
    wanted = {
        "cell": set(cases.BY_NAME), "mask": set(MASKS), "direction": set(DIRECTIONS),
        "dropout": set(DROPOUTS), "H": set(SIZES), "T": set(STEPS), "outputs": {False, True},
    }  # fmt: skip
    assert {name: {getattr(c, name) for c in SAMPLE} for name in wanted} == wanted
    for one, other in (("mask", "direction"), ("dropout", "direction"), ("mask", "dropout")):
        pairs = {(c.cell, getattr(c, one), getattr(c, other)) for c in SAMPLE}
        assert len(pairs) == len(cases.BY_NAME) * len(wanted[one]) * len(wanted[other])
    assert len(set(cases.every())) == 2592


@pytest.mark.parametrize(
    ("case", "order"), zip(SAMPLE, cycle(ALL_SCHEDULES)), ids=str, indirect=["order"]
)
def test_a_layer_on_the_card_is_the_layer_of_the_equations(
    card: CudaBackend, said: list[str], case: Case, order: str
) -> None:
    gap, where = cases.worst(case, card)
    assert gap <= TOLERANCE, where
    assert not said  # a kernel computed it, not the loop step by step


@orders(*ALL_SCHEDULES)
@pytest.mark.parametrize(
    "case",
    [
        Case("lstm", "holes", "both", "recurrent", H=32, outputs=True),
        Case("gru", "left", "both", "recurrent", H=10),
        Case("rnn", "right", "both", "input", H=96, T=5),
        Case("lstm", "none", "both", "none", H=128, T=2),
    ],
    ids=str,
)
def test_no_order_of_the_threads_changes_a_layer(card: CudaBackend, case: Case, order: str) -> None:
    gap, where = cases.worst(case, card)
    assert gap <= TOLERANCE, where


@orders("warp-greedy")
@pytest.mark.parametrize("cell", SHIPPED)
@pytest.mark.parametrize("T", [1, 20])
def test_a_sequence_of_padding_alone_leaves_the_states_as_they_were(
    card: CudaBackend, cell: str, T: int, order: str
) -> None:
    case = Case(cell, "left", "both", "recurrent", H=SIZES_OF[cell][0], T=T, outputs=True)
    it = cases.drawn(case)
    assert it.mask is not None
    it.mask[:, 1], it.mask[:, 2] = False, True
    gap, where = cases.worst(case, card, it=it)
    assert gap <= TOLERANCE, where
    for k, one in enumerate(it.passes):
        said = cases.found(case, it, card)[f"{k}.h"]
        assert one.initial is not None
        np.testing.assert_allclose(said[1], one.initial["h"][1], rtol=1e-6)


@orders("reversed")
@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize("cell", SHIPPED)
def test_one_sequence_of_one_step_is_a_batch_too(
    card: CudaBackend, cell: str, mask: str, order: str
) -> None:
    case = Case(cell, mask, "both", "recurrent", H=SIZES_OF[cell][0], T=1, B=1)
    gap, where = cases.worst(case, card)
    assert gap <= TOLERANCE, where


@orders("round-robin")
@pytest.mark.parametrize("cell", SHIPPED)
def test_nothing_before_the_first_step_is_zero(card: CudaBackend, cell: str, order: str) -> None:
    case = Case(cell, "holes", "both", H=SIZES_OF[cell][0])
    it = cases.drawn(case)
    it = replace(it, passes=tuple(replace(one, initial=None) for one in it.passes))
    gap, where = cases.worst(case, card, it=it)
    assert gap <= TOLERANCE, where


@pytest.mark.parametrize("cell", ["lstm", *also("rnn", "gru", "peephole", "mingru")])
def test_a_layer_has_no_races(
    emulated_card: CudaBackend, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standin, "races", True)
    case = Case(cell, "holes", "both", "recurrent", H=10, T=3, B=2, outputs=True)
    assert cases.worst(case, emulated_card)[0] <= TOLERANCE
    assert standin.record.launches == ["forward", "backward"]


@pytest.mark.cuda_matrix
@orders(*ALL_SCHEDULES)
@pytest.mark.parametrize("H", SIZES, ids=lambda H: f"H{H}")
@pytest.mark.parametrize("cell", SHIPPED)
def test_the_whole_product_is_that_of_the_equations(
    card: CudaBackend, said: list[str], cell: str, H: int, order: str
) -> None:
    gaps = {str(c): cases.worst(c, card) for c in cases.every() if (c.cell, c.H) == (cell, H)}
    assert len(gaps) == 144
    assert {name: gap for name, gap in gaps.items() if gap[0] > TOLERANCE} == {}
    assert not said
