"""A layer's kernels compared with the recording scan in float64: states, outputs, gradients.

By default a sample runs: every cell with every mask and every dropout, with directions, sizes and
numbers of steps in turn. All combinations for the cells rnn, lstm and gru, 2,592 layers in each of
five orders of the threads, are selected by a marker::

    pytest tests/kernels/test_layers.py -m cuda_matrix                         # all of it
    pytest tests/kernels/test_layers.py -m cuda_matrix -k gru-H32-           # 144 layers, 5 orders
    pytest tests/kernels/test_layers.py -m cuda_matrix -k "H128 and reversed"  # one order

They take a quarter of an hour on one core. On a machine with an NVIDIA GPU the tests run there,
too; ``-m gpu`` selects those. They need only CuPy, NumPy, pytest and safetensors::

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
from kernels import layer_cases, standin
from kernels.emulated import ALL_SCHEDULES
from kernels.layer_cases import DIRECTIONS, DROPOUTS, MASKS, SIZES, STEPS, TOLERANCE, Case

from rnnviz.engine.cuda.backend import CudaBackend

#: Sizes by cell. Each takes a second to compile; some are also used by the training tests.
SIZES_OF = {
    "rnn": (96, 1), "lstm": (32, 128), "gru": (10, 32), "gru relu": (64,),
    "mingru": (10,), "lstm-peephole": (10,), "rnn relu": (32,), "lstm hard": (10,),
    "lstm no bias": (10,),
}  # fmt: skip
IN_TURN = (20, 2, 100, 20, 1)
SHIPPED = ("rnn", "lstm", "gru")


def sample() -> Iterator[Case]:
    """Every cell, mask and dropout; the other options in turn."""
    for cell, sizes in SIZES_OF.items():
        for n, (mask, dropout) in enumerate(product(MASKS, DROPOUTS)):
            row = n // len(DROPOUTS)  # so that options are independent of the dropout
            H, T = sizes[(n + row) % len(sizes)], IN_TURN[n % len(IN_TURN)]
            direction = DIRECTIONS[(n + 2 * row) % len(DIRECTIONS)]
            yield Case(
                cell, mask, direction, dropout, H, min(T, 2) if H > 32 else T, outputs=n % 2 == 1
            )


SAMPLE = tuple(sample())


def orders(*given: str) -> pytest.MarkDecorator:
    """Run the test in each of these orders."""
    return pytest.mark.parametrize("order", given, indirect=True)


def also(*cells: str) -> list[Any]:
    """Parameters that only run with -m cuda_matrix."""
    return [pytest.param(cell, marks=pytest.mark.cuda_matrix) for cell in cells]


def test_the_sample_has_every_option() -> None:
    options = {
        "cell": set(layer_cases.CELLS_BY_NAME), "mask": set(MASKS), "direction": set(DIRECTIONS),
        "dropout": set(DROPOUTS), "H": set(SIZES), "T": set(STEPS), "outputs": {False, True},
    }  # fmt: skip
    assert {name: {getattr(c, name) for c in SAMPLE} for name in options} == options
    for one, other in (("mask", "direction"), ("dropout", "direction"), ("mask", "dropout")):
        pairs = {(c.cell, getattr(c, one), getattr(c, other)) for c in SAMPLE}
        assert len(pairs) == len(layer_cases.CELLS_BY_NAME) * len(options[one]) * len(
            options[other]
        )
    assert len(set(layer_cases.every())) == 2592


@pytest.mark.parametrize(
    ("case", "order"), zip(SAMPLE, cycle(ALL_SCHEDULES)), ids=str, indirect=["order"]
)
def test_a_layer_equals_the_recording_scan(
    backend: CudaBackend, messages: list[str], case: Case, order: str
) -> None:
    difference, name = layer_cases.largest_difference(case, backend)
    assert difference <= TOLERANCE, name
    assert not messages  # computed by a kernel, not step by step


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
def test_no_order_of_the_threads_changes_a_layer(
    backend: CudaBackend, case: Case, order: str
) -> None:
    difference, name = layer_cases.largest_difference(case, backend)
    assert difference <= TOLERANCE, name


@orders("warp-greedy")
@pytest.mark.parametrize("cell", SHIPPED)
@pytest.mark.parametrize("T", [1, 20])
def test_a_sequence_of_padding_alone_leaves_the_states_as_they_were(
    backend: CudaBackend, cell: str, T: int, order: str
) -> None:
    case = Case(cell, "left", "both", "recurrent", H=SIZES_OF[cell][0], T=T, outputs=True)
    arrays = layer_cases.random_arrays(case)
    assert arrays.mask is not None
    arrays.mask[:, 1], arrays.mask[:, 2] = False, True
    difference, name = layer_cases.largest_difference(case, backend, arrays=arrays)
    assert difference <= TOLERANCE, name
    for k, one in enumerate(arrays.passes):
        last = layer_cases.computed(case, arrays, backend)[f"{k}.h"]
        assert one.initial is not None
        np.testing.assert_allclose(last[1], one.initial["h"][1], rtol=1e-6)


@orders("reversed")
@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize("cell", SHIPPED)
def test_one_sequence_of_one_step_is_a_batch_too(
    backend: CudaBackend, cell: str, mask: str, order: str
) -> None:
    case = Case(cell, mask, "both", "recurrent", H=SIZES_OF[cell][0], T=1, B=1)
    difference, name = layer_cases.largest_difference(case, backend)
    assert difference <= TOLERANCE, name


@orders("round-robin")
@pytest.mark.parametrize("cell", SHIPPED)
def test_missing_initial_states_are_zero(backend: CudaBackend, cell: str, order: str) -> None:
    case = Case(cell, "holes", "both", H=SIZES_OF[cell][0])
    arrays = layer_cases.random_arrays(case)
    arrays = replace(arrays, passes=tuple(replace(one, initial=None) for one in arrays.passes))
    difference, name = layer_cases.largest_difference(case, backend, arrays=arrays)
    assert difference <= TOLERANCE, name


@pytest.mark.parametrize("cell", ["lstm", *also("rnn", "gru", "lstm-peephole", "mingru")])
def test_a_layer_has_no_races(
    emulated_backend: CudaBackend, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standin, "races", True)
    case = Case(cell, "holes", "both", "recurrent", H=10, T=3, B=2, outputs=True)
    assert layer_cases.largest_difference(case, emulated_backend)[0] <= TOLERANCE
    assert standin.record.launches == [
        "input_projection", "forward", "backward", "weight_gradients", "input_gradient",
    ]  # fmt: skip


@pytest.mark.cuda_matrix
@orders(*ALL_SCHEDULES)
@pytest.mark.parametrize("H", SIZES, ids=lambda H: f"H{H}")
@pytest.mark.parametrize("cell", SHIPPED)
def test_all_combinations_equal_the_recording_scan(
    backend: CudaBackend, messages: list[str], cell: str, H: int, order: str
) -> None:
    differences = {
        str(c): layer_cases.largest_difference(c, backend)
        for c in layer_cases.every()
        if (c.cell, c.H) == (cell, H)
    }
    assert len(differences) == 144
    assert {name: d for name, d in differences.items() if d[0] > TOLERANCE} == {}
    assert not messages
