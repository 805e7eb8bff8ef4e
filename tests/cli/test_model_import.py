"""``rnnviz models import``, the list of models, ``remove``, and ``step`` on a foreign file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interop import made_contents

import rnnviz
from rnnviz import cli
from rnnviz.interop.contents import ModelContents
from rnnviz.lookup import imported, locate
from rnnviz.model_files import foreign


@dataclass(frozen=True)
class Said:
    """What a command wrote."""

    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr


Run = Callable[..., Said]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    one_shipped_model: None,
) -> Run:  # fmt: skip
    """A function that runs a command with a data folder of its own and made contents of files."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "lstm_model.h5").write_bytes(b"made")
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {"of": made_contents.words}
    monkeypatch.setattr(foreign, "read_contents", lambda path, options: made["of"](path))

    def run_command(*args: str, contents: Any = None, code: int = 0) -> Said:
        made["of"] = contents or made["of"]
        found, said = cli.run(list(args)), Said(*capsys.readouterr())
        assert found == code, said.output
        return said

    return run_command


def test_import_list_show_step_remove(run: Run) -> None:
    """From a file to a model by name, and back."""
    said = run("models", "import", "lstm_model.h5", "--labels", "bad,good").output
    for line in (
        "file: lstm_model.h5 (Keras model, HDF5 2.2.4)",
        "converted: lstm_1: columns i f c o are i f g o here",
        "ignored: optimizer_weights: the state of the optimizer",
        "assumed: the gate activation of lstm_1: sigmoid (it is not stored).",
        "4·(2·3 + 3·3 + 3) = 72",
        "Step through it: rnnviz step -m lstm_model",
    ):
        assert line in said
    rows = {row["name"]: row for row in json.loads(run("models", "--json").output)}
    assert rows["lstm_model"]["from"] == "imported"
    assert "imported from Keras 2.2.4" in run("models", "show", "lstm_model").output
    shown = json.loads(run("models", "show", "lstm_model", "--json").output)
    assert shown["imported"]["sha256"]
    trace = json.loads(run("step", "-m", "lstm_model", "1 2 3", "--json").stdout)
    assert trace["tokens"] == ["#1", "#2", "#3"] and trace["head"]["labels"] == ["bad", "good"]
    direct = json.loads(run("step", "-m", "lstm_model.h5", "1 2 3", "--json").stdout)
    np.testing.assert_array_equal(
        trace["layers"][0]["values"]["h"], direct["layers"][0]["values"]["h"]
    )
    assert all(path.is_file() for path in locate("lstm_model"))
    assert "Removed" in run("models", "remove", "lstm_model").output
    assert not imported()


def test_the_weights_are_stored_exactly(run: Run) -> None:
    """float32, as they are in the file."""
    run("models", "import", "lstm_model.h5", "--as", "mine")
    table = made_contents.words(Path("x")).operations[1].table  # type: ignore[attr-defined]
    np.testing.assert_array_equal(rnnviz.load("mine").model.params["embedding"], table)


def test_step_on_a_file_says_what_it_assumed(run: Run) -> None:
    """On stderr; not with -q."""
    result = run("step", "-m", "lstm_model.h5", "--plain")
    assert "assumed: the gate activation of lstm_1: sigmoid" in result.stderr
    assert "Random ids, seed 0. Give your own, from 0 to 5, as TEXT." in result.stderr
    assert "imported from Keras 2.2.4, with 2 assumptions" in result.stdout
    assert run("step", "-m", "lstm_model.h5", "--plain", "-q").stderr == ""


def test_options_of_a_file(run: Run, tmp_path: Path) -> None:
    """The options, or the name with them behind a #."""
    (tmp_path / "words.txt").write_text("<unk>\nnot\ngood\n")
    options = ("--vocab", "words.txt", "--labels", "minus,plus")
    by_option = run("step", "-m", "lstm_model.h5", *options, "not so good", "--json")
    by_name = run("step", "-m", "lstm_model.h5#vocab=words.txt&labels=minus,plus", "not so good",
                  "--json")  # fmt: skip
    assert by_option.stdout == by_name.stdout
    assert json.loads(by_name.stdout)["unknown"] == [False, True, False]
    run("step", "--vocab", "words.txt", "good", code=2)
    run("step", "-m", "sentiment-lstm", "--part", "x", "good", code=2)
    run("step", "-m", "lstm_model.h5", "--head", "first", "1 2", code=2)


def test_names_that_are_taken(run: Run, tmp_path: Path) -> None:
    """Shipped models, runs, "last", and imported ones of another file."""
    (tmp_path / "data/rnnviz/runs/imdb-1").mkdir(parents=True)
    for name in ("sentiment-lstm", "bug-1", "last", "imdb-1", "a b", "../x", ""):
        run("models", "import", "lstm_model.h5", "--as", name, code=2)
    run("models", "import", "lstm_model.h5", "--as", "mine")
    run("models", "import", "lstm_model.h5", "--as", "mine")  # the same again changes nothing
    again = ("models", "import", "lstm_model.h5", "--as", "mine", "--labels", "a,b")
    assert "--replace" in run(*again, code=2).stderr
    assert rnnviz.load("mine").labels == ("0", "1")
    run(*again, "--replace")
    assert rnnviz.load("mine").labels == ("a", "b")
    (tmp_path / "other.h5").write_bytes(b"another")
    said = run("models", "import", "other.h5", "--as", "mine", code=2)
    assert "already, with other content" in said.output
    run("models", "remove", "sentiment-lstm", code=2)
    (tmp_path / "sentiment-lstm.h5").write_bytes(b"made")
    run("models", "import", "sentiment-lstm.h5")
    assert "sentiment-lstm-imported" in imported()


def test_a_model_of_rnnviz_is_copied(run: Run, tmp_path: Path) -> None:
    """Its JSON and its weights, byte for byte."""
    run("models", "import", "lstm_model.h5", "--as", "mine")
    run("models", "export", "mine", "out.json")
    said = run("models", "import", "out.json", "--as", "copy").output
    assert "Copied as copy" in said
    copied, original = locate("copy")[1], tmp_path / "out.safetensors"
    assert copied.read_bytes() == original.read_bytes()
    assert rnnviz.load("copy").labels == ("0", "1")
    run("models", "import", "out.safetensors", "--as", "copy")
    run("models", "import", "out.json", "--part", "x", code=2)
    (tmp_path / "out.json").write_text("{}")
    run("models", "import", "out.json", code=4)


def test_import_prints_json(run: Run) -> None:
    """For scripts: the name, the path, the spec and everything that was assumed."""
    found = json.loads(run("models", "import", "lstm_model.h5", "--as", "mine", "--json").stdout)
    assert found["name"] == "mine" and Path(found["path"]).is_file()
    assert found["assumptions"][0]["option"] == "--gate-activation"
    assert found["config"]["layers"][0]["cell"] == "lstm"


def test_vectors_from_a_file(run: Run, tmp_path: Path) -> None:
    """--input, or the text @FILE."""
    run("models", "import", "lstm_model.h5", "--as", "v", contents=made_contents.vectors)
    assert "2 numbers a step" in run("models", "import", "lstm_model.h5", "--as", "v").output
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,4\n")
    from_file = json.loads(run("step", "-m", "v", "--input", "x.csv", "--json").stdout)
    typed = json.loads(run("step", "-m", "v", "1 2; 3 4", "--json").stdout)
    assert from_file["layers"] == typed["layers"] and typed["tokens"] == ["(1, 2)", "(3, 4)"]
    assert typed["head"]["labels"] == ["h[0]", "h[1]", "h[2]", "h[3]"]
    np.testing.assert_allclose(
        typed["head"]["output"], typed["layers"][0]["values"]["h"][-1], rtol=1e-6
    )
    said = run("step", "-m", "v", "--plain")
    assert "8 steps of random numbers, seed 0. Give your own as TEXT (2 a step)" in said.stderr
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,x\n")
    said = run("step", "-m", "v", "--input", "x.csv", "--plain", code=4)
    assert "line 3: 'x' is not a number" in said.output
    run("step", "-m", "v", "--input", "x.csv", "1 2", code=2)
    run("step", "-m", "v", "--input", "x.wav", code=2)
    run("step", "-m", "v", "good", code=2)
    said = run("step", "-m", "sentiment-lstm", "--input", "x.csv", "--plain", code=2)
    assert "--input is for models that read numbers; sentiment-lstm reads words" in said.output
    said = run("step", "-m", "jena-gru", "--input", "x.csv", "--plain", code=2)
    assert "jena-gru reads windows of its own table" in said.output


def test_files_that_are_not_there_or_no_models(run: Run, tmp_path: Path) -> None:
    """Which file, and what to do."""
    assert "There is no file none.h5" in run("models", "import", "none.h5", code=2).output
    run("step", "-m", "none.h5", "1 2", code=2)
    refused = made_contents.words(tmp_path / "x", refusal="It is TorchScript, code to be run.")
    said = run("step", "-m", "lstm_model.h5", contents=lambda path: refused, code=4)
    assert "TorchScript" in said.output and "rnnviz inspect" in said.output


def test_hostile_names_are_shown_and_not_obeyed(run: Run) -> None:
    """Control characters of a file do not reach the terminal."""

    def hostile(path: Path) -> ModelContents:
        return made_contents.words(path, conversions=("lstm\x1b[2J",), version="2\x1b[31m")

    said = run("models", "import", "lstm_model.h5", "--as", "mine", contents=hostile)
    assert "\x1b" not in said.output
    assert "\x1b" not in run("models", "show", "mine").output
    assert "\x1b" not in run("step", "-m", "mine", "1 2", "--plain").output


def test_texts_that_a_net_cannot_read(run: Run, tmp_path: Path) -> None:
    """What it reads instead: numbers, one-hot characters of a vocabulary, or ids."""

    def wide(path: Path) -> ModelContents:
        return made_contents.vectors(path, 5)

    (tmp_path / "ids.h5").write_bytes(b"made")
    said = run("step", "-m", "lstm_model.h5", "hello", contents=wide, code=2).stderr
    assert "not words" in said and "--vocab FILE with 5 entries" in said
    said = run("step", "-m", "lstm_model.h5", "1e30", contents=wide, code=2).stderr
    assert "too large" in said and "not words" not in said
    said = run("step", "-m", "ids.h5", "", contents=made_contents.words, code=2).stderr
    assert "Type ids from 0 to 5" in said
