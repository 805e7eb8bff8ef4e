"""Files of named arrays: safetensors and npz, in the layouts of PyTorch, Keras and this package."""

from __future__ import annotations

import io
import json
import resource
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from rnnviz.arrays import Array, Values
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.parameters import initialise
from rnnviz.engine.scan import scan
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError
from rnnviz.interop.assembly import importable_nets
from rnnviz.interop.contents import (
    DenseOperation,
    EmbeddingOperation,
    ImportOptions,
    ModelContents,
    RecurrentOperation,
)
from rnnviz.interop.detection import read_contents

FILES = Path(__file__).parent.parent / "files"
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def recurrent(contents: ModelContents) -> list[RecurrentOperation]:
    return [op for op in contents.operations if isinstance(op, RecurrentOperation)]


def write_safetensors(path: Path, header: Any, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


# -- layouts ---------------------------------------------------------------------------------------


def test_safetensors_of_pytorch() -> None:
    """The same weights as in the checkpoint beside it, with other names."""
    first, second = recurrent(read_contents(FILES / "bigru2.safetensors"))
    assert (first.name, second.name, second.reads) == ("gru.l0", "gru.l1", ("gru.l0",))
    assert first.spec.bidirectional and second.width == 10


def test_the_order_of_a_safetensors_file_is_not_taken_for_that_of_the_net(tmp_path: Path) -> None:
    arrays = {
        "a_head.weight": numbers(3, 4), "a_head.bias": numbers(3),
        "lstm.weight_ih_l0": numbers(16, 5), "lstm.weight_hh_l0": numbers(16, 4),
        "z_emb.weight": numbers(9, 5),
    }  # fmt: skip
    save_file(arrays, tmp_path / "m.safetensors")
    [net] = importable_nets(read_contents(tmp_path / "m.safetensors"))
    assert net.operations == ("z_emb", "lstm", "a_head") and not net.missing


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-2014"])
def test_own_weight_files(tmp_path: Path, cell: str) -> None:
    layers = (RecurrentSpec(cell, 5, bidirectional=True), RecurrentSpec(cell, 3))
    spec = ModelSpec(EmbeddingSpec(11, 4, mask_zero=False), layers, HeadSpec("softmax", 3))
    params = initialise(spec, 0)
    save_file(params, tmp_path / "m.safetensors")
    [net] = importable_nets(read_contents(tmp_path / "m.safetensors"))
    assert net.spec.layers == layers
    assert net.params.keys() == params.keys()
    assert all(np.array_equal(net.params[name], params[name]) for name in params)


@pytest.mark.parametrize(
    "name",
    ["lstm/kernel:0", "lstm/lstm_cell/kernel", "lstm.kernel", "lstm_kernel", "model/lstm/kernel"],
)
def test_keras_names(tmp_path: Path, name: str) -> None:
    W, U, b = numbers(3, 16), numbers(4, 16), numbers(16)
    head, tail = name.split("kernel")
    arrays = {name: W, f"{head}recurrent_kernel{tail}": U, f"{head}bias{tail}": b}
    arrays |= {"dense/kernel:0": numbers(4, 4), "dense/bias:0": numbers(4)}
    np.savez(tmp_path / "m.npz", **arrays)
    contents = read_contents(tmp_path / "m.npz")
    [op] = recurrent(contents)
    assert all(
        np.array_equal(op.params["forward"][k], a) for k, a in zip("WUb", (W, U, b), strict=True)
    )
    [dense] = [o for o in contents.operations if isinstance(o, DenseOperation)]
    assert np.array_equal(dense.W, arrays["dense/kernel:0"])  # square: as Keras has it
    role = contents.tensors[0].role
    assert role is not None and (role.axis, role.order) == (1, "Keras order i f c o")
    assert {"--activation", "--gate-activation"} <= {a.option for a in contents.assumptions}


def test_keras_directions_and_gru_biases(tmp_path: Path) -> None:
    def layer(path: str, bias: tuple[int, ...]) -> Values:
        return {
            f"{path}/kernel": numbers(3, 12), f"{path}/recurrent_kernel": numbers(4, 12),
            f"{path}/bias": numbers(*bias),
        }  # fmt: skip

    for bias, cell in (((12,), "gru-2014"), ((2, 12), "gru")):
        arrays = layer("bidirectional/forward_gru/gru_cell", bias)
        arrays |= layer("bidirectional/backward_gru/gru_cell", bias)
        np.savez(tmp_path / "m.npz", **arrays)
        [op] = recurrent(read_contents(tmp_path / "m.npz"))
        assert (op.name, op.spec.cell, op.spec.bidirectional) == ("bidirectional", cell, True)
        backward = arrays["bidirectional/backward_gru/gru_cell/kernel"]
        assert np.array_equal(op.params["backward"]["W"], backward)
    np.savez(tmp_path / "m.npz", **layer("cu_dnngru", (24,)))
    assert "CuDNN" in read_contents(tmp_path / "m.npz").refusal


def test_arrays_without_names_are_told_by_their_shapes(tmp_path: Path) -> None:
    weights = [
        numbers(9, 3), numbers(3, 16), numbers(4, 16), numbers(16), numbers(4, 6), numbers(2, 6),
        numbers(2, 6), numbers(2, 5), numbers(5),
    ]  # fmt: skip
    np.savez(tmp_path / "m.npz", *weights)
    contents = read_contents(tmp_path / "m.npz")
    [net] = importable_nets(contents)
    assert [layer.cell for layer in net.spec.layers] == ["lstm", "gru"]
    assert np.array_equal(net.params["layers.1.forward.b"], weights[6])
    assert np.array_equal(net.params["head.W"], weights[7]) and not net.missing
    assert any("numbers instead of names" in a.reason for a in contents.assumptions)
    parameters = [
        numbers(12, 3),
        numbers(12, 4),
        numbers(12),
        numbers(12),
        numbers(2, 4),
        numbers(2),
    ]
    np.savez(tmp_path / "m.npz", *parameters)
    [net] = importable_nets(read_contents(tmp_path / "m.npz"))
    assert net.spec.layers[0].cell == "gru" and not net.missing


def test_cells_in_a_safetensors_file_follow_their_numbers(tmp_path: Path) -> None:
    arrays = {}
    for k in range(11):
        arrays |= {
            f"cells.{k}.weight_ih": numbers(4, 4 + (k == 0)),
            f"cells.{k}.weight_hh": numbers(4, 4),
        }
    save_file(arrays, tmp_path / "m.safetensors")
    [net] = importable_nets(read_contents(tmp_path / "m.safetensors"))
    assert net.operations == tuple(f"cells.{k}" for k in range(11))


def test_thousands_of_modules_are_read_in_time_but_not_joined(tmp_path: Path) -> None:
    """Each module compared with each other one would take minutes."""
    one = np.ones((1, 1), np.float32)
    arrays = {f"c.{k}.weight_{x}h": one for k in range(1500) for x in "ih"}
    arrays |= {f"d{k}.weight": one for k in range(1500)}
    save_file(arrays, tmp_path / "m.safetensors")
    contents = read_contents(tmp_path / "m.safetensors")
    assert len(recurrent(contents)) == 1500
    assert not any(isinstance(o, DenseOperation) for o in contents.operations)
    save_file({f"r.weight_{x}h_l{k}": one for k in range(100) for x in "ih"}, tmp_path / "n")
    assert "100 layers; 64 are the most" in read_contents(tmp_path / "n").refusal
    save_file({"x" * 1001: one}, tmp_path / "o")
    with pytest.raises(InvalidFileError, match="name"):
        read_contents(tmp_path / "o")


def test_weight_norm_is_multiplied_out(tmp_path: Path) -> None:
    v, g = numbers(16, 4), numbers(16, 1)
    wanted = g * v / np.sqrt((v**2).sum(1, keepdims=True))
    for g_name, v_name in (
        ("l.weight_hh_l0_g", "l.weight_hh_l0_v"),
        ("l.parametrizations.weight_hh_l0.original0", "l.parametrizations.weight_hh_l0.original1"),
    ):
        save_file(
            {"l.weight_ih_l0": numbers(16, 3), g_name: g, v_name: v}, tmp_path / "m.safetensors"
        )
        contents = read_contents(tmp_path / "m.safetensors")
        [op] = recurrent(contents)
        assert np.allclose(op.params["forward"]["U"], wanted.T, atol=1e-6)
        assert {t.name for t in contents.tensors} == {"l.weight_ih_l0", g_name, v_name}


def test_numbers_that_are_not_finite_are_named(tmp_path: Path) -> None:
    arrays = {"l.weight_ih_l0": numbers(4, 3), "l.weight_hh_l0": numbers(4, 4)}
    arrays["l.weight_hh_l0"][1, 1] = np.nan
    save_file(arrays, tmp_path / "m.safetensors")
    assert "not finite" in read_contents(tmp_path / "m.safetensors").refusal


def test_an_output_without_bias_is_told_from_an_embedding_by_its_name(tmp_path: Path) -> None:
    arrays = {"rnn.weight_ih_l0": numbers(12, 4), "rnn.weight_hh_l0": numbers(12, 4)}
    for name, joined in (("fc", True), ("lookup_of_it", False)):
        save_file({**arrays, f"{name}.weight": numbers(3, 4)}, tmp_path / "m.safetensors")
        (net,) = importable_nets(read_contents(tmp_path / "m.safetensors"))
        assert (name in net.operations and net.spec.head.kind == "softmax") == joined


def test_modules_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    arrays = {
        "input.weight_ih": numbers(8, 3), "input.weight_hh": numbers(8, 2),
        "input.weight": numbers(5, 9), "input.bias": numbers(5),
    }  # fmt: skip
    np.savez(tmp_path / "m.npz", **arrays)
    contents = read_contents(tmp_path / "m.npz")
    names = [op.name for op in contents.operations]
    assert len(set(names)) == len(names) == 3
    assert importable_nets(contents)


# -- safetensors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?"])
def test_types_of_safetensors(tmp_path: Path, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    save_file({"x": array}, tmp_path / "m.safetensors")
    [found] = read_contents(tmp_path / "m.safetensors").tensors
    assert np.array_equal(found.array, array) and found.array.dtype == array.dtype


def test_bfloat16_and_unknown_types_of_safetensors(tmp_path: Path) -> None:
    array = np.array([1.0, -2.5, 0.0078125], np.float32)
    data = (array.view(np.uint32) >> 16).astype("<u2").tobytes() + b"abc"
    header = {"x": entry("BF16", [3], 0, 6), "y": entry("F8_E4M3", [3], 6, 9)}
    path = write_safetensors(tmp_path / "m.safetensors", header, data)
    x, y = read_contents(path).tensors
    assert np.array_equal(x.array, array) and x.dtype == "bfloat16"
    assert (y.array, y.dtype, y.shape) == (None, "F8_E4M3", (3,))


@pytest.mark.parametrize("length", [0x80, 0x4B50, 0x8B1F])
def test_a_header_length_may_look_like_another_format(tmp_path: Path, length: int) -> None:
    header = json.dumps({"x": entry("F32", [1], 0, 4)}).encode().ljust(length)
    path = write_safetensors(tmp_path / "m.safetensors", header, bytes(4))
    assert read_contents(path).framework == "safetensors"


@pytest.mark.parametrize(
    "header",
    [
        b"{", b'{"x":1}', b"[]" + b" " * 20, b'{"x":' * 10_000,
        {"x": entry("F32", [1 << 40], 0, 1 << 42)}, {"x": entry("F32", [4], 0, 12)},
        {"x": entry("F32", [-1], 0, 4)}, {"x": entry("F32", [1], 4, 0)},
        {"x": entry("F32", [1] * 40, 0, 4)}, {"x": entry("F32", [1], 0, 1 << 60)},
        {"x": entry("F32", [2], 0, 8), "y": entry("F32", [4], 0, 16)},
        {"x": {"dtype": 3, "shape": [1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": "1", "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}},
    ],
)  # fmt: skip
def test_lying_headers_of_safetensors_are_refused(tmp_path: Path, header: Any) -> None:
    path = write_safetensors(tmp_path / "m.safetensors", header, bytes(16))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidFileError):
        read_contents(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


# -- npz -------------------------------------------------------------------------------------------


def npy(array: Array) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_objects_and_texts_of_npz_are_named_and_not_read(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    class Planted:
        def __reduce__(self) -> Any:
            return (open, (str(trace), "w"))

    planted = np.empty(1, object)
    planted[0] = Planted()
    out = io.BytesIO()
    np.save(out, planted, allow_pickle=True)
    members = {"x.npy": npy(numbers(2)), "o.npy": out.getvalue(), "t.npy": npy(np.array(["a"]))}
    contents = read_contents(npz(tmp_path / "m.npz", members))
    assert [t.name for t in contents.tensors] == ["x"]
    assert {e.name: e.reason.split(",")[0] for e in contents.ignored} == {
        "o": "a pickled object", "t": "not numbers but <U1",
    }  # fmt: skip
    assert not trace.exists()


def test_orders_and_types_of_npz(tmp_path: Path) -> None:
    arrays = {
        "c": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(6, dtype=">i4"), "none": np.zeros((0, 3)), "one": np.float16(2),
    }  # fmt: skip
    np.savez_compressed(tmp_path / "m.npz", **arrays)
    found = {t.name: t.array for t in read_contents(tmp_path / "m.npz").tensors}
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())


def test_headers_of_python_2_and_odd_escapes_warn_nobody(tmp_path: Path) -> None:
    data = npy(np.zeros((3, 2), "<f4"))
    old = data.replace(b"(3, 2), }", b"(3L, 2L)}")
    assert old != data
    [found] = read_contents(npz(tmp_path / "m.npz", {"x.npy": old})).tensors
    assert found.shape == (3, 2)
    with pytest.raises(InvalidFileError):
        read_contents(npz(tmp_path / "m.npz", {"x.npy": data.replace(b"'<f4'", rb"'\e4'")}))


HEADER = npy(np.zeros((3, 2), "<f4"))


@pytest.mark.parametrize(
    "data",
    [
        HEADER[:-1], HEADER[:40], b"", b"abc",
        HEADER.replace(b"(3, 2), ", b"(3, 2000000000), ".ljust(8)),
        HEADER.replace(b"(3, 2)", b"(-3, 2)"), HEADER.replace(b"<f4", b"<q9"),
        HEADER.replace(b"'descr'", b"__impor"), HEADER.replace(b"(3, 2)", b"(" * 2000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_arrays_of_npz_are_refused(tmp_path: Path, data: bytes, method: int) -> None:
    with pytest.raises(InvalidFileError):
        read_contents(npz(tmp_path / "m.npz", {"x.npy": data}, method))


def test_bombs_of_npz_are_refused(tmp_path: Path) -> None:
    member = npy(np.zeros((4000, 1000), np.float32))
    path = npz(tmp_path / "m.npz", {f"{k}.npy": member for k in range(5)}, zipfile.ZIP_DEFLATED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidFileError, match="claims"):
        read_contents(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KB


# -- public files ----------------------------------------------------------------------------------


def test_a_public_cell_in_safetensors(interop_folder: Path) -> None:
    folder = interop_folder / "silero_safetensors"
    [op] = recurrent(read_contents(folder / "silero_vad_16k.safetensors"))
    with np.load(folder / "expected" / "silero_safetensors.npz") as expected:
        x = expected["lstm_cell.|x"].transpose(1, 0, 2)
        found = scan(cell_of(op.spec), dict(op.params["forward"]), x)
        assert np.abs(found.stack("h").transpose(1, 0, 2) - expected["lstm_cell.|y"]).max() < 1e-5
        assert np.abs(found.last["c"] - expected["lstm_cell.|c_n"]).max() < 1e-5


def test_a_public_encoder_and_decoder_in_npz(interop_folder: Path) -> None:
    contents = read_contents(interop_folder / "g2p_en" / "checkpoint20.npz")
    encoder, decoder = recurrent(contents)
    source, target = (o for o in contents.operations if isinstance(o, EmbeddingOperation))
    [dense] = [o for o in contents.operations if isinstance(o, DenseOperation)]
    assert (encoder.reads, decoder.reads, dense.reads) == (("enc_emb",), ("dec_emb",), ("dec",))
    with np.load(interop_folder / "g2p_en" / "expected" / "g2p_en.npz") as expected:
        ids = expected["in|grapheme_ids"]
        read = scan(
            cell_of(encoder.spec), dict(encoder.params["forward"]), source.table[ids][:, None]
        )
        assert np.abs(read.stack("h")[:, 0] - expected["out|enc_h(sequence)"][0]).max() < 1e-5
        begin = [2, *expected["out|pred_ids"][:-1]]  # 2 is <s>
        written = scan(
            cell_of(decoder.spec), dict(decoder.params["forward"]), target.table[begin][:, None],
            initial={"h": read.last["h"]},
        )  # fmt: skip
        logits = written.stack("h")[:, 0] @ dense.W + dense.b
        assert np.abs(logits - expected["out|dec_logits"][0]).max() < 1e-5


def test_head_option_of_named_arrays(tmp_path: Path) -> None:
    arrays = {
        "l.weight_ih_l0": numbers(4, 3), "l.weight_hh_l0": numbers(4, 4),
        "fc.weight": numbers(2, 4), "fc.bias": numbers(2),
    }  # fmt: skip
    save_file(arrays, tmp_path / "m.safetensors")
    contents = read_contents(tmp_path / "m.safetensors", ImportOptions(head="none"))
    assert not any(isinstance(o, DenseOperation) for o in contents.operations)
