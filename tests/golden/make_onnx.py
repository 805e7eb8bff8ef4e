"""Outputs of recurrent nodes with all attributes, computed by onnxruntime.

Run with an environment that has onnx and onnxruntime:

    PYTHONPATH=.:tests python tests/golden/make_onnx.py

It writes ``tests/interop/files/onnx/attributes.npz``, which ``tests/interop/onnx/test_graphs.py``
compares with.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

TESTS = Path(__file__).parent.parent / "interop"


def main() -> None:
    """Write the file."""
    found: Any = importlib.util.spec_from_file_location("g", TESTS / "onnx" / "test_graphs.py")
    graphs: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(graphs)
    arrays = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in graphs.ATTRIBUTES:
            model = graphs.attribute_model(Path(folder) / "m.onnx", name)
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), providers=["CPUExecutionProvider"]
            )
            for key, array in zip("yh", session.run(None, {"x": graphs.X}), strict=True):
                arrays[f"{name}.{key}"] = array
    np.savez(TESTS / "files" / "onnx" / "attributes.npz", **arrays)


if __name__ == "__main__":
    main()
