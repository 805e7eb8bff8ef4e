"""``rnnviz inspect``: every tensor with its gate, counts, statistics, and what can be stepped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.cli import run
from rnnviz.cli.inspect import role_text

FILES = Path(__file__).parent.parent / "interop/files"
FRAMEWORKS = ("torch", "tensorflow", "keras", "onnx", "h5py", "textual")


def inspected(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert run(["inspect", str(path), *options, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_tensor_has_its_gates(capsys: pytest.CaptureFixture[str]) -> None:
    document = inspected(FILES / "torch_dataparallel_bigru2.pth.tar", capsys)
    tensors = {each["name"]: each for each in document["tensors"]}
    kernel = tensors["module.rnn.weight_ih_l0"]
    assert kernel["shape"] == [15, 4]
    role = kernel["role"]
    assert (role["part"], role["direction"], role["axis"]) == ("kernel", "forward", 0)
    assert [(g["gate"], g["start"], g["stop"]) for g in role["gates"]] == [
        ("r", 0, 5), ("z", 5, 10), ("g", 10, 15),
    ]  # fmt: skip
    assert role_text(role).endswith(
        "rows 0–4: reset gate r, 5–9: update gate z, 10–14: candidate g (PyTorch order r z n)"
    )
    assert document["parameters"] == sum(np.prod(t["shape"]) for t in document["tensors"])
    assert {entry["name"] for entry in document["ignored"]} >= {"epoch", "optimizer"}
    assert any(each["option"] == "--output" for each in document["assumptions"])
    (net,) = document["nets"]
    assert net["name"] == "" and net["operations"] == ["rnn.l0", "rnn.l1", "fc"]


def test_statistics_are_those_of_the_array(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    W = rng.normal(size=(8, 3)).astype(np.float32)
    bad = np.array([1, np.nan, -np.inf, 2], np.float32)
    b = np.array([9, 9, 0, 0, 0, 0, -9, 0], np.float32)
    np.savez(tmp_path / "m.npz", weight_ih_l0=W, bad=bad, bias_ih_l0=b, bias_hh_l0=0 * b,
             weight_hh_l0=rng.normal(size=(8, 2)).astype(np.float32))  # fmt: skip
    document = inspected(tmp_path / "m.npz", capsys)
    found = {t["name"]: t["statistics"] for t in document["tensors"]}
    assert found["weight_ih_l0"]["min"] == pytest.approx(float(W.min()))
    assert found["weight_ih_l0"]["norm"] == pytest.approx(float(np.linalg.norm(W)), rel=1e-6)
    assert found["bad"] == {
        "min": 1.0, "max": 2.0, "mean": 1.5, "norm": pytest.approx(5**0.5), "not_finite": 2,
    }  # fmt: skip
    (layer,) = (each for each in document["layers"] if "biases" in each)
    shares = {bias["gate"]: bias["saturated"] for bias in layer["biases"]}
    assert shares == {"i": 1.0, "f": 0.0, "g": None, "o": 0.5}


def test_what_cannot_be_stepped_through_is_inspected_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("optrnn_module.pth", "torchscript_lstm.pt"):
        assert run(["inspect", str(FILES / name)]) == 0
        assert "cannot be stepped through" in capsys.readouterr().out


def test_no_framework_is_imported() -> None:
    code = (
        "import sys; from rnnviz.cli import run; code = run(sys.argv[1:]); "
        f"loaded = [m for m in {FRAMEWORKS!r} if m in sys.modules]; "
        "sys.exit(str(loaded) if loaded else code)"
    )
    for path in (FILES / "bigru2.safetensors", FILES / "torch_rnn_relu.pt"):
        done = subprocess.run(
            [sys.executable, "-c", code, "inspect", str(path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello", "no model file that rnnviz knows"),
        (b"", "is empty"),
        (b"\x1f\x8b" + bytes(20), "a gzip file. Unpack it"),
        (bytes(4) + b"TFL3" + bytes(20), "TensorFlow Lite"),
        (b"PK\x03\x04" + bytes(40), "damaged zip archive"),
    ],
)
def test_other_files_are_refused(
    data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.h5").write_bytes(data)
    assert run(["inspect", str(tmp_path / "x.h5")]) == 4
    assert said in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(tmp_path / "none.h5")]) == 2
    assert "none.h5" in capsys.readouterr().err


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["inspect", *arguments]) == 0
    return capsys.readouterr().out


def test_models_of_rnnviz_are_inspected_by_name(
    one_shipped_model: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their weight files; their JSON file says the rest."""
    for name in ("sentiment-lstm", "bug-1"):
        said = printed(capsys, name)
        assert "layers.0.forward.W" in said and f"rnnviz step -m {name}" in said
        assert "assumed" not in said
    assert run(["models", "export", "sentiment-lstm", str(tmp_path / "m.json")]) == 0
    capsys.readouterr()
    assert f"rnnviz models show {tmp_path / 'm.json'}" in printed(capsys, str(tmp_path / "m.json"))
    assert run(["inspect", "sentiment-lst"]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_both_halves_of_onnx_tensors() -> None:
    """Directions along axis 0, and the two biases of an RNN, which has no gates."""
    gates = [{"gate": "", "start": 0, "stop": 8}]
    role = {
        "layer": "rnn", "part": "bias", "direction": "", "axis": 1, "gates": gates,
        "order": "Wb in columns 0–3, Rb in 4–7, axis 0: 0 forward, 1 backward",
    }  # fmt: skip
    assert role_text(role) == (
        "rnn, bias (Wb in columns 0–3, Rb in 4–7, axis 0: 0 forward, 1 backward)"
    )


def test_options_without_effect_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(FILES / "torch_rnn_relu.pt")
    assert run(["inspect", path, "--reset-after", "--activation", "relu"]) == 0
    said = capsys.readouterr().err
    assert "--reset-after: nothing in this file asks for it" in said and "--activation" not in said
    assert run(["step", "--help"]) == 0
    assert "rnnviz models import --help" in capsys.readouterr().out
