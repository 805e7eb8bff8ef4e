"""``rnnviz inspect`` on public files: folders, commands to copy, counts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from rnnviz.cli import run

FILES = Path(__file__).parent / "files"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["inspect", *arguments]) == 0
    return capsys.readouterr().out


def test_the_folder_of_a_tensorflow_js_model(
    interop_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = printed(capsys, str(interop_folder / "reiinakano_tfjs"))
    assert "reiinakano_tfjs/model.json: TensorFlow.js" in said


def test_commands_can_be_pasted(interop_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names with spaces are quoted, and nothing follows them in their line."""
    path = interop_folder / "silero_16k_op15_onnx/silero_vad_16k_op15.onnx"
    lines = printed(capsys, str(path)).splitlines()
    part = "/model/decoder/rnn_1/LSTM (else branch of /model/decoder/If_1)"
    (command,) = (line for line in lines if line.startswith("rnnviz") and "rnn_1" in line)
    assert shlex.split(command) == ["rnnviz", "step", "-m", str(path), "--part", part]
    assert lines[lines.index(command) + 1].strip() == part
    assert sum("/model/stft/Pow (Pow)" in line for line in lines) == 1
    assert not any(line.startswith("/model/stft/Pow") for line in lines)
    assert any("operations without numbers (--json lists them)" in line for line in lines)


def test_numbers_of_all_tensors_are_counted(
    interop_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of layers that are not understood too; tensors joined from others are not counted again."""
    path = interop_folder / "silero_16k_op15_onnx/silero_vad_16k_op15.onnx"
    document = json.loads(printed(capsys, str(path), "--json"))
    once = [t for t in document["tensors"] if t["name"].startswith("model.")]
    assert document["numbers"] == sum(int(np.prod(t["shape"])) for t in once) == 309_633
    assert document["stepped_parameters"] == 2 * 131_584
    said = printed(capsys, str(FILES / "torchscript_lstm.pt"))
    assert "values not read" in said and "0 parameters" not in said
