"""Exported files read by the readers of this package: the same arrays, number by number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from interop.make_exports import NETS, can_say, ours, params_of

from rnnviz.interop.assembly import importable_nets
from rnnviz.interop.contents import RecurrentOperation
from rnnviz.interop.detection import read_contents
from rnnviz.interop.export.formats import FORMATS, written
from rnnviz.interop.export.keras_files import HARD_SIGMOID_SCALE
from rnnviz.interop.export.weights import layer_arrays, scaled_gates

FRAMEWORKS = tuple(key for key, form in FORMATS.items() if form.target is not None)
#: Keras nets with these are written with operations between layers.
BETWEEN = ("reverse", "plain, end", "masked, end")
#: Whole nets that the files of Keras say: the archive and HDF5.
WHOLE = [
    name for name in NETS
    if can_say(NETS[name], "keras") and NETS[name].layers and "reverse" not in name
    and not name.startswith(("forward, masked, end", "dense hard_tanh"))
]  # fmt: skip


def file_of(name: str, key: str, folder: Path) -> Path:
    """The net in a file of a format."""
    ending = (FORMATS[key].endings or (".safetensors",))[0]
    path = folder / f"net{ending}"
    path.write_bytes(written(name, NETS[name], params_of(name), key))
    return path


@pytest.mark.parametrize("key", FRAMEWORKS)
def test_the_arrays_of_recurrent_layers(key: str, tmp_path: Path) -> None:
    """HDF5 is read in a process of its own: of Keras's files some of the nets."""
    pytest.importorskip("h5py")
    pytest.importorskip("onnx")
    target = FORMATS[key].target
    assert target is not None
    names = [name for name in NETS if can_say(NETS[name], target) and NETS[name].layers]
    if key == "keras-h5":
        names = [name for name in names if not name.endswith(BETWEEN)]
    names = [name for name in names if "dense" not in name and "reverse" not in name]
    names = names[::14] if target == "keras" else names
    checked = 0
    for name in names:
        spec, params = NETS[name], params_of(name)
        contents = read_contents(file_of(name, key, tmp_path))
        found = [op for op in contents.operations if isinstance(op, RecurrentOperation)]
        assert len(found) == len(spec.layers), name
        for k, (layer, operation) in enumerate(zip(spec.layers, found, strict=True)):
            for direction in layer.directions:
                expected = layer_arrays(spec, params, k, direction)
                if target == "keras" and layer.recurrent_activation == "hard_sigmoid":
                    expected = scaled_gates(layer, expected, HARD_SIGMOID_SCALE)
                for array in ("W", "U", "b", "V"):
                    if array in expected:
                        read = operation.params[direction][array]
                        assert np.array_equal(read, expected[array]), (name, k, array)
                        checked += 1
    assert checked > 20


@pytest.mark.parametrize("key", ["keras", "keras-h5"])
def test_whole_nets_of_keras_are_the_same(key: str, tmp_path: Path) -> None:
    """The architecture, too: exactly the same outputs, where no weight was computed anew."""
    pytest.importorskip("h5py")
    names = [n for n in WHOLE if key == "keras" or not n.endswith("end")][::11]
    assert len(names) > 6
    for name in names:
        net = importable_nets(read_contents(file_of(name, key, tmp_path)))[0]
        assert not net.missing, name
        found, expected = ours(net.spec, net.params), ours(NETS[name], params_of(name))
        if "hard_sigmoid" in name or "z renews" in name:
            np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(found, expected, err_msg=name)


def test_graphs_of_onnx_are_the_same(tmp_path: Path) -> None:
    """Nets whose directions stand side by side and that read no padding: exactly."""
    pytest.importorskip("onnx")
    names = [n for n in NETS if n.split(", ")[-1] in ("no bias", "clip") or "plain" in n]
    names = [n for n in names if can_say(NETS[n], "onnx") and "peephole" not in n]
    assert len(names) >= 8
    for name in names:
        net = importable_nets(read_contents(file_of(name, "onnx", tmp_path)))[0]
        found, expected = ours(net.spec, net.params), ours(NETS[name], params_of(name))
        np.testing.assert_array_equal(found, expected, err_msg=name)


def test_directions_that_onnx_joins_unit_by_unit(tmp_path: Path) -> None:
    """Sums, products and means over the axis of the directions."""
    pytest.importorskip("onnx")
    for name in (f"{cell}, {merge}" for cell in ("lstm", "gru") for merge in ("sum", "mul", "ave")):
        net = importable_nets(read_contents(file_of(name, "onnx", tmp_path)))[0]
        assert not net.missing, name
        assert net.spec.layers == NETS[name].layers, name
        for key in (key for key in net.params if key.startswith("layers.")):
            np.testing.assert_array_equal(net.params[key], params_of(name)[key], err_msg=name)
