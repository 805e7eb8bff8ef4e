"""``rnnviz models compare``: the first value that differs, and what it says of equal nets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.cli import run
from rnnviz.data.one_hot import OneHot
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import shapes
from rnnviz.engine.spec import HeadSpec, ModelSpec, RecurrentSpec, SeriesSpec
from rnnviz.interop.export.formats import written
from rnnviz.model_files import load, save

TEXT = "this movie was not good"


def found(capfd: pytest.CaptureFixture[str], *args: str | Path) -> dict[str, Any]:
    assert run(["models", "compare", *map(str, args), "--json"]) == 0
    document: dict[str, Any] = json.loads(capfd.readouterr().out)
    return document


def edited(path: Path, name: str = "sentiment-lstm-8", **changes: Any) -> Path:
    """A copy of a model in float32 with other numbers: ``name="index=value"`` by array."""
    stored = load(name)
    params = {key: array.copy() for key, array in stored.model.params.items()}
    for key, (at, value) in changes.items():
        params[key.replace("__", ".")][at] = value
    model = Model(stored.model.spec, params)
    save(path, model, stored.encoder, stored.labels, {"name": path.stem}, np.float32)
    return path


def test_a_copy_is_equal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copy = edited(tmp_path / "copy.json")
    same = found(capfd, "sentiment-lstm-8", copy, TEXT)
    assert same["equal"] and same["same_net"] and same["first"] is None
    assert same["weights"] == same["specs"] == same["ids"] == []
    assert len(same["largest"]) == 12 and all(v["difference"] == 0 for v in same["largest"])
    assert run(["models", "compare", "sentiment-lstm-8", str(copy)]) == 0
    assert "Equal to 1e-05: of all recorded values the largest difference is 0." in (
        capfd.readouterr().out
    )


def test_the_first_gate_that_differs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # The recurrent weight from unit 2 to the input gate of unit 5: seen once there is a state.
    old = load("sentiment-lstm-8").model.params["layers.0.forward.U"][2, 5]
    copy = edited(tmp_path / "edited.json", layers__0__forward__U=((2, 5), old + 1))
    said = found(capfd, "sentiment-lstm-8", copy, TEXT)
    first = said["first"]
    assert (first["layer"], first["t"], first["name"], first["unit"]) == ("lstm", 1, "a_i", 5)
    h = load("sentiment-lstm-8").model.record(_ids()).scans[0][0].stack("h")
    assert first["b"] - first["a"] == pytest.approx(h[0, 0, 2], abs=1e-5)
    (weights,) = said["weights"]
    assert (weights["name"], weights["count"], weights["at"]) == ("layers.0.forward.U", 1, [2, 5])
    assert weights["b"] - weights["a"] == pytest.approx(1, abs=1e-6)
    assert not said["equal"] and said["same_net"]
    assert found(capfd, "sentiment-lstm-8", copy, TEXT, "--tolerance", "100")["equal"]


def test_the_words_of_a_text(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ids = _ids().ravel()
    copy = edited(tmp_path / "word.json", embedding=((ids[3], 0), 7.0))
    first = found(capfd, "sentiment-lstm-8", copy, TEXT)["first"]
    assert (first["name"], first["t"], first["unit"], first["b"]) == ("x", 3, 0, 7.0)
    assert run(["models", "compare", "sentiment-lstm-8", str(copy), TEXT]) == 0
    out = capfd.readouterr().out
    assert "First difference: layer lstm, token 4 'not', x of unit 0: " in out


def test_the_head_differs_last(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copy = edited(tmp_path / "head.json", head__b=(0, 3.0))
    said = found(capfd, "sentiment-lstm-8", copy, TEXT)
    assert (said["first"]["layer"], said["first"]["name"]) == ("head", "logits")
    values = {v["name"]: v["difference"] for v in said["largest"]}
    assert values["h"] == 0 and values["logits"] > 1


def test_a_backward_layer_is_searched_as_it_reads(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old = load("agnews-bilstm").model.params["layers.0.backward.U"][0, 0]
    copy = edited(tmp_path / "b.json", "agnews-bilstm", layers__0__backward__U=((0, 0), old + 1))
    first = found(capfd, "agnews-bilstm", copy, "cup final goes on")["first"]
    assert (first["layer"], first["t"], first["name"]) == ("lstm.0.backward", 2, "a_i")


def test_other_nets_are_told_apart_by_their_specs(capfd: pytest.CaptureFixture[str]) -> None:
    said = found(capfd, "sentiment-lstm", "sentiment-gru", TEXT)
    assert not said["same_net"] and not said["equal"] and said["largest"] == []
    assert said["specs"] == [{"field": "layers[0].cell", "a": "lstm", "b": "gru"}]
    assert [len(output) for output in said["outputs"]] == [1, 1]
    said = found(capfd, "sentiment-lstm", "jena-gru", TEXT)
    assert said["unread"] and not said["equal"]


@pytest.mark.parametrize("numbers_first", [False, True])
@pytest.mark.parametrize("one_hot", [False, True])
def test_a_net_without_an_encoder_reads_the_numbers_of_the_other(
    numbers_first: bool, one_hot: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stored = load("jena-gru")
    width = stored.model.spec.source.width
    words = Vocabulary(("", "[UNK]", "not", "good"), load("sentiment-gru").vocabulary.encoding)
    encoders = OneHot(words, width) if one_hot else stored.encoder, Vectors(width)
    models = [str(tmp_path / "own.json"), str(tmp_path / "bare.json")]
    for path, encoder in zip(models, encoders, strict=True):
        example = "not good" if one_hot else stored.example
        record = {"example": example} if encoder is encoders[0] else {}
        save(Path(path), stored.model, encoder, stored.labels, record, np.float32)
    said = found(capfd, *(reversed(models) if numbers_first else models))
    assert said["equal"] and not said["unread"]
    assert len(said["tokens"]) == (2 if one_hot else 240)


def test_the_numbers_of_a_step_differ(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = []
    for width in (6, 25):
        spec = ModelSpec(SeriesSpec(width), (RecurrentSpec("lstm", 3),), HeadSpec("softmax", 2))
        rng = np.random.default_rng(0)
        params = {n: rng.normal(size=s).astype(np.float32) for n, s in shapes(spec).items()}
        paths.append(tmp_path / f"{width}.json")
        save(paths[-1], Model(spec, params), Vectors(width), ("a", "b"), {}, np.float32)
    assert found(capfd, *paths)["unread"] == "6 reads 6 numbers a step, 25 25 numbers a step"
    assert run(["models", "compare", "sentiment-gru", str(paths[0])]) == 0
    out = capfd.readouterr().out
    assert "sentiment-gru reads ids of words, 6 6 numbers a step" in out and "\\x0a" not in out


@pytest.mark.parametrize(
    ("cell", "converted", "names"),
    [("lstm", {"recurrent_activation": "hard_sigmoid"}, {"a_f", "a_i", "a_o"}),
     ("gru", {"keeps": False}, {"a_z", "z"})],
)  # fmt: skip
def test_what_an_export_converts_is_not_compared(
    cell: str, converted: dict[str, Any], names: set[str], tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    spec = ModelSpec(
        SeriesSpec(4), (RecurrentSpec(cell, 3, **converted),), HeadSpec("softmax", 2)
    )  # fmt: skip
    rng = np.random.default_rng(0)
    params = {n: rng.normal(size=s).astype(np.float32) for n, s in shapes(spec).items()}
    own, exported = tmp_path / "own.json", tmp_path / "own.keras"
    save(own, Model(spec, params), Vectors(4), ("a", "b"), {}, np.float32)
    pytest.importorskip("h5py")
    exported.write_bytes(written("own", spec, params, "keras"))
    said = found(capfd, own, exported)
    assert said["equal"] and {each["name"] for each in said["incomparable"]} == names
    assert not names & {each["name"] for each in said["largest"]}
    assert run(["models", "compare", str(own), str(exported)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1].startswith("Equal to 1e-05: of all compared values")
    assert lines[2].startswith("Not compared: a_") and " of layer " in lines[2]


def test_a_bug_of_the_architecture_is_found_by_its_values(
    capfd: pytest.CaptureFixture[str],
) -> None:
    said = found(capfd, "bug-1", "sentiment-lstm", TEXT)
    assert not said["same_net"] and said["weights"] == []
    assert (said["first"]["t"], said["first"]["name"]) == (0, "h")


def test_dropout_makes_no_other_net(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stored = load("sentiment-lstm-8")
    spec = replace(stored.model.spec, head=replace(stored.model.spec.head, dropout=0.7))
    path = tmp_path / "dropout.json"
    save(path, Model(spec, stored.model.params), stored.encoder, stored.labels, {}, np.float32)
    said = found(capfd, "sentiment-lstm-8", path, TEXT)
    assert said["equal"] and said["same_net"]
    assert [each["field"] for each in said["specs"]] == ["head.dropout"]


@pytest.mark.parametrize(
    "args", [("sentiment-lstm", "sentimentlstm"), ("sentiment-lstm", "sentiment-gru", "…!"),
             ("sentiment-lstm", "sentiment-gru", "good", "--tolerance", "nan")],
)  # fmt: skip
def test_wrong_arguments(args: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "compare", *args]) == 2
    assert 1 <= len(capfd.readouterr().err.splitlines()) <= 2


def _ids() -> np.ndarray:
    return np.array(load("sentiment-lstm-8").vocabulary.read(TEXT)[1])[:, None]
