"""The list of models: shipped ones, runs and files, without loading any weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnviz import i18n, lookup
from rnnviz.analysis.model_family import SWITCH_MODELS
from rnnviz.analysis.model_list import ModelEntry, ModelListQuestion
from rnnviz.explore import explorer
from rnnviz.lookup import shipped


def listed() -> list[ModelEntry]:
    return list(explorer()(ModelListQuestion()))


def test_every_shipped_model_is_listed_with_what_it_is_for() -> None:
    found = {entry.name: entry for entry in listed() if entry.origin == "shipped"}
    assert found.keys() == shipped().keys()
    assert list(found)[: len(SWITCH_MODELS)] == list(SWITCH_MODELS)
    for name, entry in found.items():
        assert entry.net and entry.about and not entry.damage
        assert entry.reads == ("series" if name.startswith("jena") else "words")
        for lang in i18n.LANGUAGES:
            assert i18n.word("model_use", name, lang) != name
    assert found["sentiment-lstm"].example == "this movie was not good"
    assert found["agnews-bilstm"].net == "BiLSTM(64) + BiLSTM(64)"
    assert "Sci/Tech" in found["agnews-bilstm"].labels


def test_runs_come_newest_first_and_damaged_ones_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "runs_folder", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    config = {"layers": [{"cell": "gru", "units": 4}]}
    for name, record in (("old", {"config": config, "labels": ["a", "b"]}), ("new", [])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.json").write_text(json.dumps(record))
        (tmp_path / name / "best.safetensors").write_bytes(b"")
    (tmp_path / "old" / "series.json").write_text("{}")
    import os

    os.utime(tmp_path / "old", (1, 1))
    runs = [entry for entry in listed() if entry.origin == "run"]
    assert [entry.name for entry in runs] == ["new", "old"]
    assert "expected an object" in runs[0].damage
    assert (runs[1].net, runs[1].reads, runs[1].labels) == ("GRU(4)", "series", ("a", "b"))


def test_model_files_of_the_working_folder_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text('{"config": {"layers": [{"cell": "rnn", "units": 2}]}}')
    (tmp_path / "mine.safetensors").write_bytes(b"")
    (tmp_path / "notes.json").write_text("{}")
    files = [entry for entry in listed() if entry.origin == "file"]
    assert [(entry.name, entry.net) for entry in files] == [("mine.json", "SimpleRNN(2)")]


def test_no_weights_are_read() -> None:
    code = (
        "import rnnviz.model_files.weights as w, safetensors.numpy;"
        "w.read_weights = safetensors.numpy.load_file = None;"
        "from rnnviz.explore import explorer;"
        "from rnnviz.analysis.model_list import ModelListQuestion;"
        "print(len(explorer()(ModelListQuestion())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= len(shipped())
