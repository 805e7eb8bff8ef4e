"""HDF5 files that lie, point elsewhere or end the process that reads them."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rnnviz.errors import InvalidFileError, MissingError
from rnnviz.interop.contents import ImportOptions
from rnnviz.interop.keras import hdf5_file, hdf5_launch, hdf5_tree
from rnnviz.interop.keras.hdf5_tree import Hdf5Tree


def read(path: Path) -> Hdf5Tree:
    with path.open("rb") as file:
        return hdf5_launch.read_tree(file, path)


def reasons(tree: Hdf5Tree) -> dict[str, str]:
    return {entry.name: entry.reason for entry in tree.ignored}


def test_links_and_values_elsewhere_are_not_followed(tmp_path: Path) -> None:
    path, secret = tmp_path / "a.h5", tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.ones(3, "f")
    (tmp_path / "raw").write_bytes(bytes(12))
    with h5py.File(path, "w") as file:
        file["own"] = np.arange(3, dtype="f")
        file["outside"] = h5py.ExternalLink("secret.h5", "x")
        file["inside"] = h5py.SoftLink("/own")
        file.create_dataset("raw", (3,), "f", external=[(str(tmp_path / "raw"), 0, 12)])
        layout = h5py.VirtualLayout((3,), "f")
        layout[:] = h5py.VirtualSource(str(secret), "x", shape=(3,))
        file.create_virtual_dataset("virtual", layout)
        file["again"] = file["own"]
    tree = read(path)
    assert list(tree.arrays) == ["again"]  # hard links: one name of each object
    assert reasons(tree) == {
        "outside": "a link to another file, which is not followed",
        "inside": "a link to another object, which is not followed",
        "raw": "its values are in another file, which is not opened",
        "virtual": "its values are in other arrays (a virtual dataset), which are not opened",
        "own": "another name of an object",
    }


def test_what_is_no_array_of_numbers_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["text"] = "a text"
        file["texts"] = np.array([b"ab", b"c"])
        file.create_dataset("vlen", (2,), h5py.vlen_dtype(np.dtype("f")))
        file["pair"] = np.zeros(2, [("a", "f"), ("b", "i")])
        file.create_dataset("reference", (1,), h5py.ref_dtype)
        file["flag"] = np.array([True])
        file["complex"] = np.zeros(2, "c8")
        file["empty"] = h5py.Empty("f")
        file["none"] = np.zeros((0, 3), "f")
        file["half"] = np.ones(2, ">f2")
        file["kind"] = np.dtype("f")
    tree = read(path)
    assert {name: t.dtype for name, t in tree.arrays.items()} == {
        "none": "float32", "half": "float16",
    }  # fmt: skip
    assert np.asarray(tree.arrays["half"].array).tolist() == [1, 1]
    assert len(tree.ignored) == 9


def test_cycles_end(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a/b"] = np.zeros(2, "f")
        file["a/up"] = file["a"]
    assert list(read(path).arrays) == ["a/b"]


@pytest.mark.parametrize("packed", [None, "gzip"])
def test_claims_beyond_the_size_of_the_file(tmp_path: Path, packed: str | None) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:  # 3 GB of which nothing is stored
        file.create_dataset("x", (750_000_000,), "f", chunks=(1_000_000,), compression=packed)
    tracemalloc.start()
    with pytest.raises(InvalidFileError, match="unpacks to more"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_bomb_of_zeros(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10_000_000,), "f", compression="gzip")
        file["x"][:] = 0
    assert path.stat().st_size < 200_000
    with pytest.raises(InvalidFileError, match="unpacks to more"):
        read(path)


def test_many_arrays_that_are_small_each(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for k in range(8):
            file.create_dataset(f"x{k}", (2_000_000,), "f", compression="gzip", fillvalue=1)
    with pytest.raises(InvalidFileError, match="far more than its size"):
        read(path)


def test_groups_nested_too_deep(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_group("/".join("g" * 60))
    with pytest.raises(InvalidFileError, match="nested deeper"):
        read(path)


@pytest.mark.parametrize("kept", [0, 30, 96, 500, 1500])
def test_a_file_cut_short(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["layer/x"] = np.zeros(1000, "f")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InvalidFileError, match=r"a\.h5"):
        read(path)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with code -11"),
        ("import time; time.sleep(60)", "took too long"),
        ("pass", "ended with code 0"),
    ],
)
def test_the_end_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(hdf5_launch, "_PROGRAM", tmp_path / "program.py")
    monkeypatch.setattr(hdf5_launch, "_SECONDS", 0.5 if "sleep" in program else 60)
    with pytest.raises(InvalidFileError, match=message) as raised:
        read(path)
    assert raised.value.exit_code == 4


def frame(value: Any, data: bytes = b"", claimed: int | None = None) -> bytes:
    text = json.dumps(value).encode()
    return struct.pack("<IQ", len(text), len(data) if claimed is None else claimed) + text + data


ARRAY = {"kind": "array", "path": "x", "dtype": "float32", "shape": [2], "read": True, "address": 0}


@pytest.mark.parametrize(
    "data",
    [
        frame(ARRAY, bytes(8), claimed=1 << 60),
        frame({**ARRAY, "shape": [1 << 40]}, bytes(8)),
        frame({**ARRAY, "shape": [-2, -1]}, bytes(8)),
        frame({**ARRAY, "dtype": "object"}, bytes(8)),
        frame({**ARRAY, "dtype": "float128"}, bytes(32)),
        struct.pack("<IQ", 1 << 31, 0),
        struct.pack("<IQ", 2, 0) + b"{]",
        struct.pack("<IQ", 100_000, 0) + b"[" * 100_000,
    ],
)
def test_frames_that_lie(data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        hdf5_tree.FrameReader(1000).read(BytesIO(data))


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    monkeypatch.setattr(hdf5_launch, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"pip install 'rnnviz\[import\]'"):
        read(path)


def test_long_lists_of_names_are_cut_into_several_attributes(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.4"
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"lstm_1"], [b"dense_1"]
        file["lstm_1/lstm_1/kernel:0"] = np.zeros((3, 8), "f")
        file["lstm_1/lstm_1/recurrent_kernel:0"] = np.zeros((2, 8), "f")
        names = [b"lstm_1/kernel:0", b"lstm_1/recurrent_kernel:0"]
        file["lstm_1"].attrs["weight_names"] = names
        file.create_group("dense_1").attrs["weight_names"] = []
    contents = hdf5_file.read(path, ImportOptions())
    assert [type(op).__name__ for op in contents.operations] == [
        "InputOperation", "RecurrentOperation", "OpaqueOperation",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "config", ["{", '{"class_name": "Sequential", "config": [{}]}', "[" * 2000]
)
def test_a_damaged_configuration(tmp_path: Path, config: str) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config
        file.attrs["layer_names"] = [b"a"]
        file.create_group("a")
    with pytest.raises(InvalidFileError, match=r"a\.h5"):
        hdf5_file.read(path, ImportOptions())


def test_two_layers_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_group("layers/lstm/vars").attrs["name"] = "x"
        for k, shape in enumerate([(3, 8), (2, 8), (8,)]):
            file[f"layers/lstm/cell/vars/{k}"] = np.zeros(shape, "f")
        file.create_group("layers/dense/vars").attrs["name"] = "x"
        for k, shape in enumerate([(2, 1), (1,)]):
            file[f"layers/dense/vars/{k}"] = np.zeros(shape, "f")
    contents = hdf5_file.read(path, ImportOptions())
    assert [op.name for op in contents.operations] == ["x_input", "x", "x:2"]


def test_nothing_large_is_imported_before_the_process_starts() -> None:
    """Both processes import NumPy at the same time."""
    program = (
        "import sys, rnnviz.cli, rnnviz.cli.inspect, rnnviz.interop.detection\n"
        "import rnnviz.interop.contents, rnnviz.interop.keras.hdf5_file\n"
        "import rnnviz.interop.keras.archive\n"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
