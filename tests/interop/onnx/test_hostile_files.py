"""ONNX files that lie, repeat, nest or point elsewhere: one kind of error, and little work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.errors import InvalidFileError
from rnnviz.interop.contents import ImportOptions, ModelContents
from rnnviz.interop.onnx.reader import read
from rnnviz.interop.onnx.wire import FieldBudget, WireError, integers, parse_fields

FILES = Path(__file__).parent.parent / "files" / "onnx"
BYTES = (FILES / "lstm.onnx").read_bytes()


def varint(n: int) -> bytes:
    found = b""
    while n > 127:
        found, n = found + bytes([n & 127 | 128]), n >> 7
    return found + bytes([n])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(field_number: int, value: int) -> bytes:
    return varint(field_number << 3) + varint(value & (1 << 64) - 1)


def node(op: str, inputs: str, outputs: str, *attributes: bytes) -> bytes:
    data = b"".join(field(1, name.encode()) for name in inputs.split())
    data += b"".join(field(2, name.encode()) for name in outputs.split())
    return field(1, data + field(4, op.encode()) + b"".join(field(5, a) for a in attributes))


def tensor(name: str, shape: list[int], data: bytes = b"", kind: int = 1) -> bytes:
    dims = b"".join(number(1, n) for n in shape)
    return field(5, dims + number(2, kind) + field(8, name.encode()) + field(9, data))


def model(graph: bytes, rest: bytes = b"") -> bytes:
    return number(1, 8) + field(7, graph) + rest


def read_bytes(data: bytes, folder: Path) -> ModelContents:
    path = folder / "m.onnx"
    path.write_bytes(data)
    return read(path, ImportOptions())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no graph"),
        (b"\x08", "ends within"),
        (model(b"\x0a\x7f"), "ends within"),
        (model(tensor("W", [1000, 1000, 1000])), "claims 1,000,000,000 numbers"),
        (model(tensor("W", [2, 2], b"\0" * 12)), "has 3 numbers; its shape says 4"),
        (model(tensor("W", [-1], b"\0" * 4)), "has the shape"),
        (model(tensor("W", [2**40, 2**40])), "claims"),
        (model(tensor("W", [1], b"\0" * 3)), "ends within a number"),
        (model(b"\x0a\x00" * 300_000), "fields"),
        (model(b"\x2a\x00" * 300_000), "fields"),
    ],
    ids=[
        "empty",
        "cut",
        "cut node",
        "large",
        "short",
        "negative",
        "huge",
        "odd",
        "nodes",
        "tensors",
    ],
)
def test_lies_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(InvalidFileError, match=reason):
        read_bytes(data, tmp_path)


def test_functions_that_call_each_other_are_refused(tmp_path: Path) -> None:
    call = field(1, field(1, b"a") + field(2, b"b") + field(4, b"f") + field(7, b"own"))
    body = field(4, b"a") + field(5, b"b") + field(1, b"f") + field(10, b"own")
    function = body + field(7, call[2:])
    with pytest.raises(InvalidFileError, match="nested deeper"):
        read_bytes(model(call, field(25, function)), tmp_path)


def shape_of(*sizes: int) -> bytes:
    return np.array(sizes, "<i8").tobytes()


@pytest.mark.parametrize("op", ["Expand", "Tile", "ConstantOfShape"])
def test_a_small_constant_does_not_become_a_large_one(tmp_path: Path, op: str) -> None:
    inputs = "s" if op == "ConstantOfShape" else "c s"
    graph = tensor("s", [3], shape_of(1, 4_000_000, 1_000_000), 7)
    graph += tensor("c", [1, 1, 1], b"\0" * 4)
    graph += node(op, inputs, "W") + node("LSTM", "x W W", "y")
    assert "weights" in read_bytes(model(graph), tmp_path).refusal


@pytest.mark.parametrize("op", ["Add", "Concat", "Relu", "Transpose", "MatMul", "Xyz"])
def test_long_chains_end(tmp_path: Path, op: str) -> None:
    graph = tensor("v0", [300, 300], b"\0" * 4 * 90_000)
    graph += b"".join(node(op, f"v{k} v0", f"v{k + 1}") for k in range(2000))
    assert read_bytes(model(graph), tmp_path).refusal


def outside(location: str, length: int = 4) -> bytes:
    def pair(key: str, value: str) -> bytes:
        return field(13, field(1, key.encode()) + field(2, value.encode()))

    data = number(1, length // 4) + number(2, 1) + field(8, b"W") + number(14, 1)
    return model(field(5, data + pair("location", location) + pair("length", str(length))))


def test_data_beside_the_model_is_read(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(np.array([1, 2], "<f4").tobytes())
    (found,) = read_bytes(outside("weights.bin", 8), tmp_path).tensors
    assert found.array is not None
    assert found.array.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("../secret", "outside of its own folder"),
        ("/etc/passwd", "outside of its own folder"),
        ("", "outside of its own folder"),
        ("absent.bin", "not beside it"),
        ("link.bin", "a link"),
        ("folder/inside.bin", "a link"),
        ("short.bin", "too short"),
    ],
)
def test_data_elsewhere_is_not(tmp_path: Path, location: str, reason: str) -> None:
    (tmp_path / "secret").write_bytes(b"\0" * 4)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "short.bin").write_bytes(b"\0")
    (folder / "link.bin").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    with pytest.raises(InvalidFileError, match=reason):
        read_bytes(outside(location), folder)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_packed_numbers_are_read_as_they_were_written(values: list[int]) -> None:
    packed = b"".join(varint(n & (1 << 64) - 1) for n in values)
    plain = b"".join(number(1, n) for n in values)
    assert integers([memoryview(packed)]).tolist() == values
    found = parse_fields(memoryview(plain), FieldBudget())
    assert integers(found.get(1)).tolist() == values


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_an_error(data: bytes) -> None:
    try:
        found = parse_fields(memoryview(data), FieldBudget())
    except WireError:
        return
    assert all(found.values())


MUTATIONS: tuple[Callable[[bytearray, int], None], ...] = (
    lambda data, at: data.__setitem__(at, data[at] ^ 4),
    lambda data, at: data.__delitem__(at),
    lambda data, at: data.insert(at, 0xFF),
)


@pytest.mark.parametrize("mutation", range(len(MUTATIONS)))
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, mutation: int) -> None:
    for at in range(0, len(BYTES), 23):
        data = bytearray(BYTES)
        MUTATIONS[mutation](data, at)
        try:
            read_bytes(bytes(data), tmp_path)
        except InvalidFileError:
            continue


def test_numbers_out_of_range_are_no_warning(tmp_path: Path) -> None:
    """Batch normalisation with a negative variance, and an index that is no number."""
    graph = tensor("v", [2], np.array([-1, -2], "<f4").tobytes())
    graph += tensor("nan", [1], np.array([np.nan], "<f4").tobytes())
    shape = field(1, number(1, 2)) + field(1, number(1, 2))
    graph += field(11, field(1, b"x") + field(2, field(1, number(1, 1) + field(2, shape))))
    graph += node("BatchNormalization", "x v v v v", "y") + node("Gather", "v nan", "z")
    assert len(read_bytes(model(graph), tmp_path).operations) == 1
