"""Checkpoints: containers, storages, wrappers, and what is refused."""

from __future__ import annotations

import pickle
import re
import resource
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interop.torch import pickles as p

from rnnviz.arrays import Array
from rnnviz.engine.layer_cells import cell_of
from rnnviz.engine.scan import scan
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.interop.assembly import importable_nets
from rnnviz.interop.contents import (
    DenseOperation,
    EmbeddingOperation,
    ImportOptions,
    LastStepOperation,
    ModelContents,
    RecurrentOperation,
)
from rnnviz.interop.detection import read_contents

FILES = Path(__file__).parent.parent / "files"
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> Array:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def rnn_arrays(
    gates: int, D: int, H: int, prefix: str = "rnn.", layers: int = 1, both: bool = False
) -> dict[str, Array]:
    """A state dict of torch.nn.RNN, GRU or LSTM (1, 3 or 4 gates)."""
    found = {}
    for k in range(layers):
        width = D if k == 0 else H * (1 + both)
        for way in ("", "_reverse")[: 1 + both]:
            found[f"{prefix}weight_ih_l{k}{way}"] = numbers(gates * H, width)
            found[f"{prefix}weight_hh_l{k}{way}"] = numbers(gates * H, H)
            found[f"{prefix}bias_ih_l{k}{way}"] = numbers(gates * H)
            found[f"{prefix}bias_hh_l{k}{way}"] = numbers(gates * H)
    return found


def recurrent(contents: ModelContents) -> list[RecurrentOperation]:
    return [op for op in contents.operations if isinstance(op, RecurrentOperation)]


def save(path: Path, arrays: dict[str, Array]) -> Path:
    return p.write_zip(path / "model.pt", *p.state_dict(arrays))


def layer_outputs(op: RecurrentOperation, x: Array) -> tuple[Array, list[Array], list[Array]]:
    """Outputs (B, T, ·) of x (B, T, D), and h and c after the last step of each direction."""
    scans = []
    steps = x.transpose(1, 0, 2)
    for way in op.spec.directions:
        params = dict(op.params[way])
        if "V" in params:
            scans.append(projected(params, steps, way == "backward"))
        else:
            run = scan(cell_of(op.spec), params, steps, reverse=way == "backward")
            scans.append((run.stack("h"), run.last["h"], run.last.get("c", run.last["h"])))
    outputs, h, c = zip(*scans, strict=True)
    return np.concatenate(outputs, -1).transpose(1, 0, 2), list(h), list(c)


def projected(params: dict[str, Array], x: Array, reverse: bool) -> tuple[Array, Array, Array]:
    """An LSTM whose h is o ⊙ tanh(c) times V, by PyTorch's equations."""
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    h = np.zeros((x.shape[1], params["V"].shape[1]), np.float32)
    c = np.zeros((x.shape[1], params["V"].shape[0]), np.float32)
    outputs: list[Any] = [None] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        gates = x[t] @ params["W"] + h @ params["U"] + params.get("b", np.float32(0))
        i, f, g, o = np.split(gates, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = (sigmoid(o) * np.tanh(c)) @ params["V"]
        outputs[t] = h
    return np.stack(outputs), h, c


def largest_error(
    contents: ModelContents, expected: Any, prefix: str = "", name: str = ""
) -> float:
    """Largest difference of outputs and states of one module from PyTorch's."""
    x, h, c = expected[f"{prefix}x"], [], []
    for op in recurrent(contents):
        if op.name == name or op.name.startswith(f"{name}.l") or not name:
            x, h_last, c_last = layer_outputs(op, x)
            h, c = h + h_last, c + c_last
    assert h
    errors = [np.abs(x - expected[f"{prefix}y"]).max()]
    for key, states in (("h_n", h), ("c_n", c)):
        if f"{prefix}{key}" in expected:
            wanted = expected[f"{prefix}{key}"]
            errors.append(np.abs(np.stack(states).reshape(wanted.shape) - wanted).max())
    return float(max(errors))


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("torch_dataparallel_bigru2.pth.tar", ImportOptions()),
        ("torch_lstm_nobias_legacy.pt", ImportOptions()),
        ("torch_lstm_bf16_biproj.pt", ImportOptions()),
        ("torch_rnn_relu.pt", ImportOptions(activation="relu")),
    ],
)
def test_files_of_pytorch_give_its_outputs(file: str, options: ImportOptions) -> None:
    contents = read_contents(FILES / file, options)
    with np.load(FILES / f"{file.split('.')[0]}.npz") as expected:
        assert largest_error(contents, expected) < 1e-6


@pytest.mark.parametrize(
    ("file", "modules"),
    [
        ("forgi_lstm_proj/lstm.pt", ["model"]),
        ("ergo_lstm/lstm_mcpas_memory__model.pt", ["tcr_lstm", "pep_lstm"]),
        ("allennlp_esim/best.th", ["_encoder._module", "_inference_encoder._module"]),
        (
            "allennlp_dialog_qa/best.th",
            [
                "_phrase_layer._module", "_residual_encoder._module",
                "_span_start_encoder._module", "_span_end_encoder._module",
            ],
        ),
    ],
)  # fmt: skip
def test_public_files_give_the_outputs_of_pytorch(
    interop_folder: Path, file: str, modules: list[str]
) -> None:
    path = interop_folder / file
    contents = read_contents(path)
    with np.load(path.parent / "expected" / f"{path.parent.name}.npz") as expected:
        for name in modules:
            assert largest_error(contents, expected, f"{name}.|", name) < 1e-5


@pytest.mark.parametrize(("gates", "cell"), [(1, "rnn"), (3, "gru"), (4, "lstm")])
@pytest.mark.parametrize("write", [p.write_zip, p.write_legacy])
def test_cell_and_layers_by_the_shapes(tmp_path: Path, gates: int, cell: str, write: Any) -> None:
    arrays = rnn_arrays(gates, 3, 4, layers=2, both=True)
    contents = read_contents(write(tmp_path / "m.pt", *p.state_dict(arrays)))
    first, second = recurrent(contents)
    assert (first.name, second.name) == ("rnn.l0", "rnn.l1")
    assert second.reads == ("rnn.l0",)
    assert (first.spec.cell, first.spec.units, first.spec.bidirectional) == (cell, 4, True)
    assert (first.width, second.width) == (3, 8)
    [net] = importable_nets(contents)
    assert len(net.spec.layers) == 2 and not net.missing
    assert any(a.option == "--activation" for a in contents.assumptions) == (cell == "rnn")


def test_roles_name_gates_by_rows(tmp_path: Path) -> None:
    arrays = rnn_arrays(3, 3, 2, both=True) | rnn_arrays(4, 3, 2, "other.")
    roles = {t.name: t.role for t in read_contents(save(tmp_path, arrays)).tensors}
    role = roles["rnn.weight_hh_l0_reverse"]
    assert role is not None
    assert (role.layer, role.part, role.direction, role.axis, role.order) == (
        "rnn", "recurrent kernel", "backward", 0, "PyTorch order r z n",
    )  # fmt: skip
    assert [(g.gate, g.start, g.stop) for g in role.gates] == [
        ("r", 0, 2),
        ("z", 2, 4),
        ("g", 4, 6),
    ]
    other = roles["other.bias_hh_l0"]
    assert other is not None and [g.gate for g in other.gates] == ["i", "f", "g", "o"]


def test_wrappers_and_prefixes(tmp_path: Path) -> None:
    arrays = {f"module.{name}": a for name, a in rnn_arrays(4, 3, 2).items()}
    body, storages = p.state_dict(arrays)
    for wrapping in (
        {"state_dict": body}, {"model_state_dict": body, "epoch": p.integer(3)},
        {"model": body, "args": p.name("argparse", "Namespace") + b")\x81"},
        {"net": p.dictionary({"params": body})},
    ):  # fmt: skip
        path = p.write_zip(tmp_path / "m.pt", p.dictionary(wrapping), storages)
        contents = read_contents(path)
        assert [op.name for op in recurrent(contents)] == ["rnn"]
        assert {e.name for e in contents.ignored} == {
            key for key in wrapping if key in ("epoch", "args")
        }


def test_unknown_objects_beside_a_state_dict_are_named(tmp_path: Path) -> None:
    body, storages = p.state_dict(rnn_arrays(4, 3, 2))
    wrapping = {"state_dict": body, "hparams": p.name("my.config", "Config") + b")R"}
    contents = read_contents(p.write_zip(tmp_path / "m.pt", p.dictionary(wrapping), storages))
    assert not contents.refusal
    assert "my.config.Config" in contents.ignored[0].reason


def test_a_second_set_of_weights_is_ignored_and_named(tmp_path: Path) -> None:
    arrays = rnn_arrays(4, 3, 2)
    first, storages = p.state_dict(arrays)
    second, more = p.state_dict({name: a + 1 for name, a in arrays.items()}, 10)
    body = p.dictionary({"ema_model": second, "model": first})
    contents = read_contents(p.write_zip(tmp_path / "m.pt", body, storages | more))
    assert np.array_equal(contents.tensors[0].array, next(iter(arrays.values())))
    assert [e.name for e in contents.ignored] == ["ema_model"]


def test_two_nets_in_one_file_keep_their_names(tmp_path: Path) -> None:
    first, storages = p.state_dict(rnn_arrays(3, 3, 2))
    second, more = p.state_dict(rnn_arrays(4, 5, 2), 10)
    body = p.dictionary({"encoder": first, "decoder": second})
    contents = read_contents(p.write_zip(tmp_path / "m.pt", body, storages | more))
    assert {op.name for op in recurrent(contents)} == {"encoder.rnn", "decoder.rnn"}


def test_raw_weights_of_awd_lstm_replace_the_dropped_ones(tmp_path: Path) -> None:
    arrays = rnn_arrays(4, 3, 2, "0.rnns.0.module.")
    raw = numbers(8, 2)
    arrays = {"0.rnns.0.weight_hh_l0_raw": raw} | arrays
    [op] = recurrent(read_contents(save(tmp_path, arrays)))
    assert np.array_equal(op.params["forward"]["U"], raw.T)
    del arrays["0.rnns.0.module.weight_hh_l0"], arrays["0.rnns.0.weight_hh_l0_raw"]
    arrays["0.rnns.0.module.weight_hh_l0_raw"] = raw
    [op] = recurrent(read_contents(save(tmp_path, arrays)))
    assert np.array_equal(op.params["forward"]["U"], raw.T)


def test_the_embedding_of_awd_lstm_that_is_there_twice(tmp_path: Path) -> None:
    table = numbers(7, 3)
    arrays = {"0.encoder.weight": table, "0.encoder_dp.emb.weight": table}
    arrays |= rnn_arrays(4, 3, 2, "0.rnns.0.module.")
    (net,) = importable_nets(read_contents(save(tmp_path, arrays)))
    assert net.operations == ("0.encoder", "0.rnns.0.module")
    assert net.missing == ("0.encoder_dp.emb (tensor)",)


def test_a_cell_with_normalization_inside_is_not_taken_for_the_plain_one(tmp_path: Path) -> None:
    arrays = {"cell.weight_ih": numbers(8, 3), "cell.weight_hh": numbers(8, 2)}
    assert recurrent(read_contents(save(tmp_path, arrays)))
    arrays |= {"cell.layernorm_i.weight": numbers(8), "cell.layernorm_i.bias": numbers(8)}
    contents = read_contents(save(tmp_path, arrays))
    assert not recurrent(contents) and "layernorm_i" in contents.refusal


def classifier(V: int = 11, K: int = 3) -> dict[str, Array]:
    return {
        "emb.weight": numbers(V, 3), **rnn_arrays(4, 3, 4, both=True),
        "fc.weight": numbers(K, 8), "fc.bias": numbers(K),
    }  # fmt: skip


def test_a_classifier_of_words_is_joined_and_said_to_be_assumed(tmp_path: Path) -> None:
    contents = read_contents(save(tmp_path, classifier()))
    kinds = [type(op).__name__ for op in contents.operations]
    assert kinds == [
        "InputOperation", "EmbeddingOperation", "RecurrentOperation", "DenseOperation",
    ]  # fmt: skip
    assert not recurrent(contents)[0].every_step
    assert {a.option for a in contents.assumptions} == {"--head", "--output"}
    [net] = importable_nets(contents)
    assert net.name == "" and not net.missing


@pytest.mark.parametrize("head", ["last", "end", "steps", "none"])
def test_what_the_dense_layer_reads_can_be_said(tmp_path: Path, head: str) -> None:
    options = ImportOptions(head=head, output="linear")
    contents = read_contents(save(tmp_path, classifier()), options)
    dense = [op for op in contents.operations if isinstance(op, DenseOperation)]
    last = [op for op in contents.operations if isinstance(op, LastStepOperation)]
    assert len(dense) == (head != "none") and len(last) == (head == "end")
    assert [op.each_step for op in dense] == [head == "steps"] * len(dense)
    assert recurrent(contents)[0].every_step == (head != "last")
    assert not any(a.option == "--output" for a in contents.assumptions)


def test_options_with_unknown_values_are_usage_errors(tmp_path: Path) -> None:
    path = save(tmp_path, classifier() | rnn_arrays(1, 2, 2, "plain."))
    for options in ({"head": "x"}, {"output": "x"}, {"activation": "x"}):
        with pytest.raises(UsageError, match=f"--{next(iter(options))}"):
            read_contents(path, ImportOptions(**options))


def test_a_net_that_writes_has_its_dense_layer_at_every_step(tmp_path: Path) -> None:
    contents = read_contents(save(tmp_path, classifier(V=20, K=20)))
    [dense] = [op for op in contents.operations if isinstance(op, DenseOperation)]
    assert dense.each_step


def test_what_does_not_fit_is_not_joined(tmp_path: Path) -> None:
    arrays = classifier() | {"emb.weight": numbers(11, 5), "fc.weight": numbers(3, 7)}
    contents = read_contents(save(tmp_path, arrays))
    [op] = recurrent(contents)
    assert op.reads == ("input",)
    assert not any(isinstance(o, DenseOperation | EmbeddingOperation) for o in contents.operations)
    [net] = importable_nets(contents)
    assert {text.split(" ")[0] for text in net.missing} == {"emb", "fc"}


def test_strides_offsets_and_shared_storages(tmp_path: Path) -> None:
    flat = numbers(100)
    body = p.dictionary({
        "transposed": p.tensor("0", 100, (3, 4), (1, 3), 5),
        "every second": p.tensor("0", 100, (4,), (2,), 90),
        "expanded": p.tensor("0", 100, (5, 2), (0, 1)),
        "empty": p.tensor("0", 100, (0, 3)),
        "scalar": p.tensor("0", 100, (), (), 7),
    })  # fmt: skip
    for write in (p.write_zip, p.write_legacy):
        contents = read_contents(write(tmp_path / "m.pt", body, {"0": flat.tobytes()}))
        found = {t.name: t.array for t in contents.tensors}
        assert np.array_equal(found["transposed"], flat[5:17].reshape(4, 3).T)
        assert np.array_equal(found["every second"], flat[90:98:2])
        assert np.array_equal(found["expanded"], np.tile(flat[:2], (5, 1)))
        assert found["empty"] is not None and found["empty"].shape == (0, 3)
        assert found["scalar"] == flat[7]


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("DoubleStorage", "f8"), ("HalfStorage", "f2"), ("LongStorage", "i8"), ("ByteStorage", "u1"),
     ("BoolStorage", "?"), ("ShortStorage", "i2"), ("CharStorage", "i1"), ("IntStorage", "i4")],
)  # fmt: skip
@pytest.mark.parametrize("order", ["little", "big"])
def test_types_of_numbers(tmp_path: Path, kind: str, dtype: str, order: str) -> None:
    array = np.arange(6).astype(dtype).reshape(2, 3)
    stored = array.astype(array.dtype.newbyteorder("<" if order == "little" else ">"))
    body = p.dictionary({"x": p.tensor("0", 6, (2, 3), kind=kind)})
    path = p.write_zip(tmp_path / "m.pt", body, {"0": stored.tobytes()}, byteorder=order.encode())
    [found] = read_contents(path).tensors
    assert np.array_equal(found.array, array) and found.array.dtype == array.dtype


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    array = np.array([1.0, -2.5, 0.0078125], np.float32)
    bits = (array.view(np.uint32) >> 16).astype("<u2")
    body = p.dictionary({"x": p.tensor("0", 3, (3,), kind="BFloat16Storage")})
    [found] = read_contents(p.write_zip(tmp_path / "m.pt", body, {"0": bits.tobytes()})).tensors
    assert np.array_equal(found.array, array) and found.dtype == "bfloat16"


def test_pickles_that_hold_their_storages(tmp_path: Path) -> None:
    """What pickle.dump makes of a state dict: each storage is a file of its own inside."""
    flat = numbers(6)
    inner = p.write_legacy(
        tmp_path / "inner", p.storage("7", 6), {"7": flat.tobytes()}
    ).read_bytes()
    packed = p.name("torch.storage", "_load_from_bytes") + p.sequence(
        b"B" + struct.pack("<I", len(inner)) + inner
    )  # fmt: skip
    arguments = p.sequence(
        packed + b"R", p.integer(0), p.sequence(p.integer(2), p.integer(3)),
        p.sequence(p.integer(3), p.integer(1)),
    )  # fmt: skip
    body = p.dictionary({"x": p.name("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"})
    path = tmp_path / "m.pkl"
    path.write_bytes(p.PROTOCOL + body + p.STOP)
    [found] = read_contents(path).tensors
    assert np.array_equal(found.array, flat.reshape(2, 3))


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_numpy_in_pickles(tmp_path: Path, protocol: int) -> None:
    arrays = rnn_arrays(4, 3, 2) | {
        "columns": np.asfortranarray(numbers(3, 4)), "empty": numbers(0, 3),
        "words": np.array(["a"]), "objects": np.array([None]), "number": np.float64(3),
        "bytes": np.arange(5, dtype="u1"), "scalar": np.array(2.0),
    }  # fmt: skip
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(arrays, protocol))
    if protocol < 2:  # these begin with nothing that tells them from other files
        with pytest.raises(InvalidFileError):
            read_contents(path)
        return
    contents = read_contents(path)
    assert [op.name for op in recurrent(contents)] == ["rnn"]
    found = {t.name: t.array for t in contents.tensors}
    assert "number" not in found and found["words"] is None and found["objects"] is None
    for name, array in arrays.items():
        if name not in ("number", "words", "objects"):
            assert np.array_equal(found[name], array), name


@pytest.mark.parametrize(
    "body",
    [
        p.tensor("0", 4, (5,)), p.tensor("0", 4, (2, 2), (1, 2), 2), p.tensor("0", 400, (4,)),
        p.tensor("9", 4, (4,)), p.tensor("0", 4, (1 << 39,), (0,)),
        p.tensor("0", 4, (1 << 20, 1 << 20), (0, 0)), p.tensor("../x", 4, (4,)),
        p.tensor("0", 4, (2,), (1 << 39,)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [p.write_zip, p.write_legacy])
def test_tensors_outside_their_storage_are_refused(tmp_path: Path, body: bytes, write: Any) -> None:
    path = write(tmp_path / "m.pt", p.dictionary({"x": body}), {"0": numbers(4).tobytes()})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidFileError):
        read_contents(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB


def test_a_storage_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    path = p.write_legacy(tmp_path / "m.pt", p.tensor("0", 1 << 30, (4,)), {"0": b""})
    data = path.read_bytes()[:-8] + struct.pack("<q", 1 << 30)
    path.write_bytes(data)
    with pytest.raises(InvalidFileError, match="larger than the file"):
        read_contents(path)


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    body = p.dictionary({str(k): p.tensor(str(k), 4_000_000, (4,)) for k in range(3)})
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", p.PROTOCOL + body + p.STOP)
        for k in range(3):
            archive.writestr(f"a/data/{k}", bytes(16_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidFileError, match="unpacks"):
        read_contents(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KB


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("optrnn_module.pth", r"__main__\.SimpleRNN.*state_dict"),
        ("torchscript_lstm.pt", "TorchScript"),
    ],
)
def test_programs_are_refused_with_the_remedy_and_their_tensors_are_listed(
    file: str, reason: str
) -> None:
    contents = read_contents(FILES / file)
    assert contents.refusal and re.search(reason, contents.refusal)
    assert importable_nets(contents) == ()
    roles = {t.name: t.role for t in contents.tensors}
    assert any(role is not None and role.part == "recurrent kernel" for role in roles.values())
    assert all(t.array is None for t in contents.tensors)


def test_checkpoints_in_tar_archives_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "m.pth", "w") as archive:
        archive.addfile(tarfile.TarInfo("sys_info"))
    with pytest.raises(InvalidFileError, match=r"torch\.save"):
        read_contents(tmp_path / "m.pth")


def test_vocabularies_beside_the_weights(tmp_path: Path) -> None:
    body, storages = p.state_dict(classifier(V=5))
    words = "abcde"
    ids = {word: p.integer(k) for k, word in enumerate(words)}
    for entry in (
        {"tokens": b"](" + b"".join(map(p.text, words)) + b"e"}, {"char2int": p.dictionary(ids)},
        {"int2char": b"}(" + b"".join(n + p.text(w) for w, n in ids.items()) + b"u"},
    ):  # fmt: skip
        path = p.write_zip(tmp_path / "m.pt", p.dictionary({"net": body, **entry}), storages)
        found = read_contents(path).vocabulary
        assert found is not None and found.words == tuple(words)
        assert (found.tokenizer, found.where) == ("characters", next(iter(entry)))
    wrong = {"tokens": p.sequence(*map(p.text, "abcd"))}  # not as many as word vectors
    path = p.write_zip(tmp_path / "m.pt", p.dictionary({"net": body, **wrong}), storages)
    assert read_contents(path).vocabulary is None


def test_attention_and_scores_of_a_random_field_are_not_taken_for_a_classifier(
    tmp_path: Path,
) -> None:
    arrays = classifier()
    attention = {"attn.weight": numbers(1, 8), "attn.bias": numbers(1)}
    ends = {name: arrays.pop(name) for name in ("fc.weight", "fc.bias")}
    contents = read_contents(save(tmp_path, arrays | attention | ends))
    assert not any(isinstance(op, DenseOperation) for op in contents.operations)
    contents = read_contents(save(tmp_path, arrays | ends | {"crf.transitions": numbers(3, 3)}))
    [dense] = [op for op in contents.operations if isinstance(op, DenseOperation)]
    assert dense.each_step and dense.activation == "linear"


def test_states_of_the_training_beside_the_weights(tmp_path: Path) -> None:
    body, storages = p.state_dict(rnn_arrays(4, 3, 2))
    other, more = p.state_dict({"exp_avg": numbers(2, 3)}, 20)
    moved = {"loss": p.tensor("20", 6, ()), "mean": p.tensor("20", 6, (3,)), "0": other}
    path = p.write_zip(tmp_path / "m.pt", p.dictionary({"net": body, **moved}), storages | more)
    contents = read_contents(path)
    assert [op.name for op in recurrent(contents)] == ["rnn"]
    assert {e.name for e in contents.ignored} == {"loss", "mean", "0"}


def test_quantized_nets_are_refused(tmp_path: Path) -> None:
    body, storages = p.state_dict({"emb.weight": numbers(4, 3)})
    entries = {"state_dict": p.dictionary({"lstm._all_weight_values.0.param": b"N", "e": body})}
    contents = read_contents(p.write_zip(tmp_path / "m.pt", p.dictionary(entries), storages))
    assert "quantiz" in contents.refusal


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    contents = read_contents(p.write_zip(tmp_path / "m.pt", p.dictionary({"a": b"N"}), {}))
    assert "no weights" in contents.refusal


def test_names_of_tensors_may_hold_anything(tmp_path: Path) -> None:
    arrays = {"\x1b[2J.weight": numbers(2, 3), "": numbers(2), **rnn_arrays(4, 3, 2)}
    contents = read_contents(save(tmp_path, arrays))
    assert len(recurrent(contents)) == 1 and len(contents.tensors) == len(arrays)


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    for file in ("torch_lstm_nobias_legacy.pt", "torch_rnn_relu.pt"):
        data = (FILES / file).read_bytes()
        for end in range(2, len(data) - 1, len(data) // 60):
            path = tmp_path / "m.pt"
            path.write_bytes(data[:end])
            with pytest.raises(InvalidFileError):
                read_contents(path)


def test_reading_imports_no_framework() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom pathlib import Path\n"
        "from rnnviz.interop.detection import read_contents\n"
        f"read_contents(Path({str(FILES / 'torch_rnn_relu.pt')!r}))\n"
        "print([m for m in ('torch', 'pickle', 'safetensors', 'h5py', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout and "safetensors" not in done.stdout
