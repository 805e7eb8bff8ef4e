"""The ONNX project's own tests of LSTM, GRU and RNN, through the reader, the cells and the scan."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_runs import run_layer

from rnnviz.interop.contents import RecurrentOperation
from rnnviz.interop.detection import read_contents

onnx = pytest.importorskip("onnx")
from onnx import numpy_helper  # noqa: E402

ARCHIVE = Path(__file__).parent.parent / "files" / "onnx_node_tests.zip"
with zipfile.ZipFile(ARCHIVE) as _archive:
    CASES = sorted({name.rpartition("/model.onnx")[0] for name in _archive.namelist()} - {""})


def test_all_of_them_are_there() -> None:
    assert len(CASES) == 30


@pytest.mark.parametrize("case", CASES)
def test_a_node_gives_the_expected_outputs(case: str, tmp_path: Path) -> None:
    """Weights, which are inputs in these tests, become initializers; x and lengths stay inputs."""
    model, inputs, expected = load(case)
    node = model.graph.node[0]
    names = dict(zip(("X", "W", "R", "B", "lens", "h", "c", "P"), node.input, strict=False))
    for key in ("W", "R", "B", "P"):
        if names.get(key):
            array = numpy_helper.from_array(inputs[names[key]], names[key])
            model.graph.initializer.append(array)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    (operation,) = (
        op for op in read_contents(path).operations if isinstance(op, RecurrentOperation)
    )

    batch_first = any(a.name == "layout" and a.i for a in node.attribute)
    x = inputs[names["X"]]
    given = {
        state: inputs[names[state]].swapaxes(0, 1) if batch_first else inputs[names[state]]
        for state in ("h", "c")
        if names.get(state)
    }
    lengths = inputs[names["lens"]].tolist() if names.get("lens") else None
    Y, states = run_layer(operation, x.swapaxes(0, 1) if batch_first else x, lengths, given or None)
    outputs = [Y, states["h"], states.get("c")]
    for k, name in enumerate(node.output):
        if name:
            found = outputs[k]
            assert found is not None
            if batch_first:
                found = found.transpose(2, 0, 1, 3) if found.ndim == 4 else found.swapaxes(0, 1)
            assert found.shape == expected[name].shape
            np.testing.assert_allclose(found, expected[name], rtol=0, atol=1e-5)


def load(case: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The model, and its inputs and expected outputs by name."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        model = onnx.ModelProto.FromString(archive.read(f"{case}/model.onnx"))

        def arrays(kind: str, names: list[str]) -> dict[str, Any]:
            found = {}
            for k, name in enumerate(names):
                data = archive.read(f"{case}/test_data_set_0/{kind}_{k}.pb")
                found[name] = numpy_helper.to_array(onnx.TensorProto.FromString(data))
            return found

        inputs = arrays("input", [value.name for value in model.graph.input])
        return model, inputs, arrays("output", [value.name for value in model.graph.output])
