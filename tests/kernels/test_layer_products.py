"""The products around a layer, where they differ from those of a layer alone (``test_layers.py``).

Those are rows of a table read by id, and the gradient of that table; several row tiles; rows that
several blocks add up; and gradients that are written to given arrays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernels import layer_cases, standin
from kernels.emulated import ALL_SCHEDULES
from kernels.layer_cases import TOLERANCE, Case

from rnnviz.arrays import Values
from rnnviz.engine.backend import LayerGradients
from rnnviz.engine.cuda import layer_products as products
from rnnviz.engine.cuda.backend import CudaBackend
from rnnviz.engine.embedding import Lookup

WORDS = 12
#: More inputs and units than a tile has rows, with a mask for each gate.
WIDE = Case("gru", "holes", "both", "recurrent", H=72, T=30, D=70)
SHORT = Case("lstm", "left", "both", "input", H=10, T=6, D=40)


@pytest.fixture
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block adds up a few rows."""
    monkeypatch.setattr(products, "SHARE", 4)


@pytest.mark.usefixtures("several_blocks")
@pytest.mark.parametrize("order", ALL_SCHEDULES, indirect=True)
@pytest.mark.parametrize("case", [WIDE, SHORT], ids=str)
def test_several_tiles_and_blocks_give_the_same_gradients(
    backend: CudaBackend, case: Case, order: str
) -> None:
    for _ in range(2):  # the counters are zero again
        difference, name = layer_cases.largest_difference(case, backend)
        assert difference <= TOLERANCE, name


def lookup_difference(backend: CudaBackend, case: Case) -> float:
    """The largest relative difference of a layer on the words of a table, half of them padding."""
    rng = np.random.default_rng(5)
    table = rng.normal(size=(WORDS, case.D)).astype(np.float32).astype(np.float64)
    ids = rng.integers(1, WORDS, (case.T, case.B)) * (rng.random((case.T, case.B)) > 0.5)
    arrays = replace(layer_cases.random_arrays(case), x=table[ids])
    wanted = layer_cases.expected(case, arrays)
    d_table = np.zeros_like(table)
    np.add.at(d_table, ids, wanted.pop("d_x"))
    lookup = Lookup(backend.asarray(table.astype(np.float32)), backend.asarray(ids))
    given = backend.asarray(np.zeros(table.shape, np.float32))
    results = layer_cases.computed(case, arrays, backend, lookup, given)
    results["d_table"] = results.pop("d_x")
    wanted["d_table"] = d_table
    differences = [np.max(np.abs(results[n] - a)) / np.max(np.abs(a)) for n, a in wanted.items()]
    assert np.array_equal(backend.host(given), results["d_table"])
    return float(np.max(differences))


@pytest.mark.usefixtures("several_blocks")
@pytest.mark.parametrize("order", ALL_SCHEDULES, indirect=True)
@pytest.mark.parametrize("case", [replace(WIDE, dropout="none"), SHORT], ids=str)
def test_a_layer_reads_a_table_and_gives_its_gradient(
    backend: CudaBackend, case: Case, order: str
) -> None:
    assert lookup_difference(backend, case) <= TOLERANCE


@pytest.mark.usefixtures("several_blocks")
def test_the_products_have_no_races(
    emulated_backend: CudaBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standin, "races", True)
    assert lookup_difference(emulated_backend, SHORT) <= TOLERANCE
    assert standin.record.launches == [
        "input_projection", "forward", "backward", "weight_gradients", "input_gradient",
    ]  # fmt: skip


def test_gradients_are_written_to_given_arrays(backend: CudaBackend) -> None:
    case = replace(SHORT, direction="forward")
    arrays = layer_cases.random_arrays(case)
    p: Values = {n: backend.asarray(a.astype(np.float32)) for n, a in arrays.passes[0].p.items()}
    out: Values = {n: np.empty_like(a) for n, a in p.items()}
    passes = [replace(arrays.passes[0], p=p, initial=None, input_mask=None)]
    x, d = (backend.asarray(np.ones(shape, np.float32)) for shape in (arrays.x.shape, (case.B, 10)))
    cell = layer_cases.CELLS_BY_NAME[case.cell]
    done = backend.scan(cell, passes, x, None, True)
    back = backend.scan_backward(
        cell, [p], done, None, d, False, LayerGradients((out,), None)
    )  # fmt: skip
    assert all(back.params[0][name] is a for name, a in out.items())
    plain = backend.scan_backward(cell, [p], done, None, d, False)
    for name, a in plain.params[0].items():
        assert np.array_equal(backend.host(out[name]), backend.host(a)), name
