"""Layers with other choices give what PyTorch, Keras and ONNX Runtime gave.

``make_variants.py`` beside this file made the numbers and says how to make them anew.
"""

from __future__ import annotations

import numpy as np
import pytest
from golden.make_variants import FILE, ONNX, SPECS, TORCH, case, make_variants

from rnnviz.arrays import Array
from rnnviz.engine import packed_scan
from rnnviz.engine import scan as recorded
from rnnviz.engine.layer_cells import cell_of


def stored() -> dict[str, Array]:
    """All golden values."""
    with np.load(FILE, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def results(name: str, golden: dict[str, Array]) -> None:
    """Outputs and gradients of a layer, by the recording scan and by the one that trains."""
    cell, made = cell_of(SPECS[name]), case(name)
    p = {key.removeprefix("p."): a for key, a in made.items() if key.startswith("p.")}
    wanted = {k.partition("/")[2]: a for k, a in golden.items() if k.startswith(f"{name}/")}
    keys = {"h"} if name in ONNX else {"h", "d_x", *(f"d_{key}" for key in p)}
    assert wanted.keys() == keys
    # Relative to the largest number: the others may be differences of such.
    close = 1e-12 if name in TORCH else 1e-5
    for scans in (recorded, packed_scan):
        done = scans.scan(cell, p, made["x"])
        back = scans.scan_backward(cell, p, done, made["d_h"])
        found = {"h": done.stack("h"), "d_x": back.x}
        found |= {f"d_{key}": a for key, a in back.params.items()}
        for key, a in wanted.items():
            np.testing.assert_allclose(found[key], a, 0, close * np.abs(a).max(), err_msg=key)


@pytest.mark.parametrize("name", SPECS)
def test_a_layer_has_the_outputs_and_gradients_of_a_framework(name: str) -> None:
    """Every array, and the input."""
    results(name, stored())


@pytest.mark.live
@pytest.mark.filterwarnings("default")
def test_the_frameworks_still_give_the_golden_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made anew here, where they are installed."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    for package in ("torch", "keras", "onnxruntime"):
        pytest.importorskip(package)
    fresh, old = make_variants(), stored()
    assert fresh.keys() == old.keys()
    for key, array in fresh.items():
        np.testing.assert_allclose(array, old[key], 1e-5, 2e-6, err_msg=key)
