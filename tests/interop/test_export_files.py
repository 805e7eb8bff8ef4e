"""``rnnviz models export`` for other frameworks: the files, and what cannot be said."""

from __future__ import annotations

import ast
import io
import json
import pickletools
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnviz.cli import run
from rnnviz.data.series import Scaling
from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError
from rnnviz.interop.export.formats import FORMATS, format_of, written
from rnnviz.interop.export.limits import table
from rnnviz.interop.export.torch_file import torch_file
from rnnviz.interop.export.torch_state import state_dict
from rnnviz.model_files import load, save

#: What the unpickler of ``torch.load(weights_only=True)`` takes, of what a state dict needs.
WEIGHTS_ONLY = {
    "PROTO", "GLOBAL", "EMPTY_TUPLE", "REDUCE", "MARK", "BINUNICODE", "BININT", "TUPLE",
    "BINPERSID", "NEWFALSE", "SETITEMS", "STOP",
}  # fmt: skip
GLOBALS = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch FloatStorage"}
WORDS, TWO = EmbeddingSpec(11, 4), HeadSpec("softmax", 2)


def exported(
    capfd: pytest.CaptureFixture[str], *args: str | Path, code: int = 0
) -> tuple[str, str]:
    assert run(["models", "export", *map(str, args)]) == code
    said = capfd.readouterr()
    return said.out, said.err


def test_the_ending_says_the_format() -> None:
    assert format_of("a.keras") == "keras" and format_of("A.WEIGHTS.H5") == "keras-weights"
    assert format_of("a.h5") == "keras-h5" and format_of("a.pth") == "pytorch"
    assert format_of("a.json") is None and format_of("a.safetensors") is None


@pytest.mark.parametrize("ending", [e for each in FORMATS.values() for e in each.endings])
def test_each_ending_is_written(
    ending: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"net{ending}"
    out, err = exported(capfd, "sentiment-lstm-8", file, "--vocab")
    words = tmp_path / "net.vocab.txt"
    assert out.split() == [str(file), str(words)]
    assert words.read_text(encoding="utf-8").split("\n")[:2] == ["", "[UNK]"]
    assert "float32" in err and file.stat().st_size > 1000


def test_safetensors_are_two_files_of_rnnviz_or_a_state_dict(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from safetensors.numpy import load_file

    file = tmp_path / "net.safetensors"
    assert exported(capfd, "sentiment-gru", file)[0].strip() == str(file.with_suffix(".json"))
    assert "layers.0.forward.W" in load_file(file)
    exported(capfd, "sentiment-gru", file, "--layout", "pytorch")
    model = load("sentiment-gru").model
    expected = state_dict(model.spec, model.params)
    found = load_file(file)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    assert "--layout" in exported(capfd, "sentiment-gru", "x.pt", "--layout", "pytorch", code=2)[1]


@pytest.mark.parametrize(
    ("name", "said"), [("x.xyz", ".json .safetensors .keras"), ("new/", "is a folder")]
)
def test_other_endings_and_folders_are_refused(
    name: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert said in exported(capfd, "sentiment-gru", f"{tmp_path}/{name}", code=2)[1]
    assert list(tmp_path.iterdir()) == []


def test_what_was_converted_and_what_is_missing_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "hard.json", tmp_path / "hard.keras"
    spec = ModelSpec(WORDS, (RecurrentSpec("lstm", 3, recurrent_activation="hard_sigmoid"),), TWO)
    vocabulary = Vocabulary(("", "[UNK]", *"abcdefghi"), load("sentiment-gru").vocabulary.encoding)
    save(path, Model(spec, _params(spec)), vocabulary, ("0", "1"), {"example": "a b c"}, np.float32)
    assert "multiplied by 1.2" in exported(capfd, path, file)[1]
    assert "multiplied" not in exported(capfd, path, tmp_path / "hard.onnx")[1]
    said = exported(capfd, "sentiment-gru", tmp_path / "gru.npz")[1]
    assert "not in the file: the architecture" in said and "; --code pytorch prints" in said
    said = exported(capfd, "sentiment-gru", tmp_path / "gru.pt", "--code", "pytorch")[1]
    assert "not in the file: the architecture" in said and "--code" not in said
    assert exported(capfd, path, "--code", "jax")[1] == ""
    assert "hard2.safetensors, float16" in exported(capfd, path, tmp_path / "hard2.json")[1]


def test_the_scaling_of_a_series(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file, beside = tmp_path / "net.npz", tmp_path / "net.scaling.json"
    out, err = exported(capfd, "jena-gru", file)
    assert out.split() == [str(file)] and "mean and deviation" in err and "--scaling" in err
    out, err = exported(capfd, "jena-gru", file, "--scaling")
    assert out.split() == [str(file), str(beside)] and "mean and deviation" not in err
    assert Scaling.from_json(json.loads(beside.read_text("utf-8"))) == load("jena-gru").encoder
    assert "no series" in exported(capfd, "sentiment-gru", file, "--scaling", code=2)[1]


@pytest.mark.parametrize(
    ("model", "ending", "reason"),
    [
        ("sentiment-mingru", ".onnx", "ONNX has no such layer"),
        ("sentiment-lstm-slide", ".keras", "Keras has no such layer"),
        ("sentiment-mingru", ".npz", "PyTorch has no such layer"),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_written(
    model: str, ending: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    err = exported(capfd, model, tmp_path / f"x{ending}", "--vocab", code=4)[1]
    assert reason in err and len(err.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "package"), [(".keras", "h5py"), (".onnx", "onnx")])
def test_a_missing_package_is_named(
    ending: str, package: str, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    err = exported(capfd, "sentiment-gru", tmp_path / f"x{ending}", code=3)[1]
    assert package in err and "pip install 'rnnviz[import]'" in err
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_torch_has_only_opcodes_that_weights_only_takes() -> None:
    model = load("agnews-bilstm").model
    tensors = state_dict(model.spec, model.params)
    with zipfile.ZipFile(io.BytesIO(torch_file(tensors))) as archive:
        data = archive.read("archive/data.pkl")
        for key, array in enumerate(tensors.values()):
            info = archive.getinfo(f"archive/data/{key}")
            assert info.compress_type == zipfile.ZIP_STORED
            assert archive.read(info) == array.tobytes()
    opcodes = list(pickletools.genops(data))
    assert {code.name for code, _, _ in opcodes} <= WEIGHTS_ONLY
    assert {arg for code, arg, _ in opcodes if code.name == "GLOBAL"} == GLOBALS
    texts = [arg for code, arg, _ in opcodes if code.name == "BINUNICODE"]
    assert [t for t in texts if "weight" in t or "bias" in t] == list(tensors)


def test_equal_layers_are_one_stack_of_pytorch() -> None:
    lstm, gru = RecurrentSpec("lstm", 3, True), RecurrentSpec("gru", 4, bias=False)
    spec = ModelSpec(WORDS, (lstm, lstm, gru, replace(lstm, units=2)), TWO)
    names = [name for name in state_dict(spec, _params(spec)) if "weight_hh" in name]
    assert names == [
        "layer_1.weight_hh_l0", "layer_1.weight_hh_l0_reverse", "layer_1.weight_hh_l1",
        "layer_1.weight_hh_l1_reverse", "layer_2.weight_hh_l0", "layer_3.weight_hh_l0",
        "layer_3.weight_hh_l0_reverse",
    ]  # fmt: skip


def test_a_z_that_renews_is_negated() -> None:
    spec = ModelSpec(WORDS, (RecurrentSpec("gru", 3, keeps=False),), TWO)
    params = _params(spec)
    kept = replace(spec, layers=(RecurrentSpec("gru", 3),))
    found, usual = state_dict(spec, params), state_dict(kept, params)
    sign = np.repeat([1, -1, 1], 3)  # rows r, z, n
    for name in ("gru.weight_ih_l0", "gru.weight_hh_l0"):
        assert np.array_equal(found[name], usual[name] * sign[:, None])
    for name in ("gru.bias_ih_l0", "gru.bias_hh_l0"):
        assert np.array_equal(found[name], usual[name] * sign)


def test_a_keras_archive_holds_its_words() -> None:
    pytest.importorskip("h5py")
    stored = load("agnews-bilstm")
    words = Vocabulary(("", "[UNK]", "net"))
    data = written("x", stored.model.spec, stored.model.params, "keras", words)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("assets/vocabulary.txt").decode().split("\n") == ["", "[UNK]", "net"]
        config = json.loads(archive.read("config.json"))
    kinds = [layer["class_name"] for layer in config["config"]["layers"]]
    assert kinds[:4] == ["InputLayer", "Embedding", "Bidirectional", "Bidirectional"]


def test_hdf5_refuses_what_stands_between_layers() -> None:
    pytest.importorskip("h5py")
    spec = ModelSpec(WORDS, (RecurrentSpec("lstm", 3, True),), replace(TWO, reads="end"))
    with pytest.raises(InvalidFileError, match=r"\.keras"):
        written("x", spec, _params(spec), "keras-h5")


def test_the_documents_show_the_table_of_limits() -> None:
    docs = Path(__file__).parent.parent.parent / "assets" / "docs" / "interop.md"
    assert "\n".join(table()) in docs.read_text(encoding="utf-8")


def test_a_name_cannot_end_a_comment_of_a_program(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A model's name and example are data: the program still parses, and they run nothing."""
    stored = load("sentiment-lstm-8")
    record = {"example": 'good\n"""\nraise SystemExit', "title": "x"}
    path = tmp_path / 'a"""\nraise SystemExit.json'
    save(path, stored.model, stored.encoder, stored.labels, record, np.float32)
    for code in ("keras", "pytorch", "jax"):
        tree = ast.parse(exported(capfd, path, "--code", code)[0])
        assert not any(isinstance(node, ast.Raise) for node in ast.walk(tree))


def _params(spec: ModelSpec) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes(spec).items()}


def test_a_net_of_characters_comes_back_from_a_keras_archive(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With its words, a line break among them, and the way texts are cut."""
    pytest.importorskip("h5py")
    spec = ModelSpec(EmbeddingSpec(5, 3), (RecurrentSpec("gru", 2),), HeadSpec("state", 2))
    encoding = Encoding("characters", unknown=None, special=(0,))
    words = Vocabulary(("#0", "a", "\n", "t", " "), encoding)
    (tmp_path / "c.keras").write_bytes(written("c", spec, _params(spec), "keras", words))
    stored = load(str(tmp_path / "c.keras"))
    assert stored.encoder == words
    assert stored.encoder.read("at\nx")[1] == [1, 3, 2]
    save(tmp_path / "c.json", stored.model, words, ("a", "b"), {})
    arguments = ["models", "export", str(tmp_path / "c.json"), str(tmp_path / "c.pt"), "--vocab"]
    assert run(arguments) == 2 and "line break" in capfd.readouterr().err
