"""Manifests of TensorFlow.js that point elsewhere or whose sizes do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.errors import InvalidFileError
from rnnviz.interop.contents import DenseOperation, ImportOptions, RecurrentOperation
from rnnviz.interop.detection import read_contents
from rnnviz.interop.keras.json_model import read

LAYERS = [
    {"class_name": "LSTM", "config": {
        "name": "lstm_LSTM1", "units": 2, "activation": "tanh", "return_sequences": False,
        "recurrent_activation": "hardSigmoid", "use_bias": True, "batch_input_shape": [None, 4, 3],
    }},
    {"class_name": "Dense", "config": {"name": "dense_Dense1", "units": 1, "activation": "linear"}},
]  # fmt: skip
SHAPES = {
    "lstm_LSTM1/kernel": [3, 8], "lstm_LSTM1/recurrent_kernel": [2, 8], "lstm_LSTM1/bias": [8],
    "dense_Dense1/kernel": [2, 1], "dense_Dense1/bias": [1],
}  # fmt: skip
SIZE = 4 * sum(int(np.prod(shape)) for shape in SHAPES.values())


def write(folder: Path, **changes: Any) -> Path:
    """A model as TensorFlow.js itself writes it, in two files that end inside an array."""
    data = np.arange(SIZE // 4, dtype="<f4").tobytes()
    (folder / "weights.1.bin").write_bytes(data[:50])
    (folder / "weights.2.bin").write_bytes(data[50:])
    entries = [{"name": n, "shape": s, "dtype": "float32"} for n, s in SHAPES.items()]
    group = {"paths": ["weights.1.bin", "weights.2.bin"], "weights": entries}
    model = {
        "format": "layers-model", "generatedBy": "TensorFlow.js tfjs-layers v4.22.0",
        "modelTopology": {"class_name": "Sequential", "config": {"name": "s", "layers": LAYERS},
                          "keras_version": "tfjs-layers 4.22.0", "backend": "tensor_flow.js"},
        "weightsManifest": [{**group, **changes}],
    }  # fmt: skip
    path = folder / "model.json"
    path.write_text(json.dumps(model), "utf-8")
    return path


def test_a_model_that_tensorflow_js_wrote(tmp_path: Path) -> None:
    contents = read_contents(write(tmp_path))
    _, lstm, dense = contents.operations
    assert isinstance(lstm, RecurrentOperation)
    assert isinstance(dense, DenseOperation)
    assert lstm.spec.recurrent_activation == "hard_sigmoid"
    assert lstm.params["forward"]["W"].ravel().tolist() == list(range(24))
    assert dense.b is not None
    assert dense.b.tolist() == [SIZE // 4 - 1]
    assert contents.version == "tfjs-layers 4.22.0"


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret", "C:x", ""]
)
def test_files_outside_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(SIZE))
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(InvalidFileError, match="only files in its own folder"):
        read(write(folder, paths=[name]), ImportOptions())


@pytest.mark.parametrize("link", ["file", "folder"])
def test_links_out_of_the_folder(tmp_path: Path, link: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "w.bin").write_bytes(bytes(SIZE))
    folder = tmp_path / "model"
    folder.mkdir()
    if link == "file":
        (folder / "w.bin").symlink_to(tmp_path / "other" / "w.bin")
    else:
        (folder / "sub").symlink_to(tmp_path / "other")
    name = "w.bin" if link == "file" else "sub/w.bin"
    with pytest.raises(InvalidFileError, match="only files in its own folder"):
        read(write(folder, paths=[name]), ImportOptions())


def test_a_missing_file_and_a_pipe(tmp_path: Path) -> None:
    import os

    with pytest.raises(InvalidFileError, match="Put all files of the model into one folder"):
        read(write(tmp_path, paths=["absent.bin"]), ImportOptions())
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidFileError, match="a pipe"):
        read(write(tmp_path, paths=["pipe"]), ImportOptions())


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "x", "shape": [1 << 40], "dtype": "float32"},
        {"name": "x", "shape": [-1], "dtype": "float32"},
        {"name": "x", "shape": [1.5], "dtype": "float32"},
        {"name": "x", "shape": [2], "dtype": "string"},
        {"name": "x", "shape": [2]},
        {"name": "x", "shape": [2], "dtype": "float32"},
        {"name": "x", "shape": [SIZE], "dtype": "float32",
         "quantization": {"dtype": "uint8", "scale": float("inf"), "min": 0}},
        None,
    ],
)  # fmt: skip
def test_sizes_that_do_not_fit(tmp_path: Path, entry: Any) -> None:
    with pytest.raises(InvalidFileError, match="its list of weights is damaged"):
        read(write(tmp_path, weights=[entry]), ImportOptions())


def test_a_graph_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path)
    model = json.loads(path.read_text("utf-8"))
    model |= {"format": "graph-model", "modelTopology": {"node": []}}
    path.write_text(json.dumps(model), "utf-8")
    contents = read_contents(path)
    assert "a graph model" in contents.refusal
    assert [tensor.name for tensor in contents.tensors] == list(SHAPES)


def test_other_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    with pytest.raises(InvalidFileError, match="neither a TensorFlow"):
        read_contents(path)
