"""Model files that are damaged, edited or lie: an error that names the file, exit code 4."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis.model_family import TURKISH_MODELS
from rnnviz.cli import run
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.model import Model
from rnnviz.engine.parameters import initialise
from rnnviz.engine.spec import EmbeddingSpec, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.model_files import assets, load, save, shipped
from rnnviz.runs import export

Damage = Callable[[Path, Path], None]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small model on disk; its JSON."""
    vocabulary = Vocabulary.build([["good", "not", "film"]], 10)
    spec = ModelSpec(
        EmbeddingSpec(len(vocabulary), 3), (RecurrentSpec("lstm", 4),), HeadSpec("sigmoid", 1)
    )
    path = tmp_path / "small.json"
    save(path, Model(spec, initialise(spec, 1)), vocabulary, ("no", "yes"), {"trained_on": "x"})
    return path


def test_a_saved_model_loads_with_float16_weights(model: Path) -> None:
    stored = load(str(model))
    fresh = initialise(stored.model.spec, 1)
    for name, array in stored.model.params.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, fresh[name].astype(np.float16))
    assert load(str(model.with_suffix(".safetensors"))).labels == ("no", "yes")


def edit(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """A change of the JSON."""

    def damage(path: Path, weights: Path) -> None:
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))

    return damage


def header(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """A change of the weight file's header, with the hash in the JSON made to agree."""

    def damage(path: Path, weights: Path) -> None:
        data = weights.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        head = json.loads(data[8 : 8 + size])
        change(head)
        new = json.dumps(head).encode()
        weights.write_bytes(struct.pack("<Q", len(new)) + new + data[8 + size :])
        edit(lambda r: r.pop("weights_sha256"))(path, weights)

    return damage


def nan(path: Path, weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[-2:] = b"\xff\x7f"
    weights.write_bytes(data)
    edit(lambda r: r.pop("weights_sha256"))(path, weights)


DAMAGE: dict[str, tuple[Damage, str]] = {
    "truncated weights": (lambda p, w: w.write_bytes(w.read_bytes()[:-40]), "safetensors"),
    "empty weights": (lambda p, w: w.write_bytes(b""), "safetensors"),
    "one byte edited": (
        lambda p, w: w.write_bytes(w.read_bytes()[:-1] + bytes([w.read_bytes()[-1] ^ 1])),
        "SHA-256",
    ),
    "weights missing": (lambda p, w: w.unlink(), "Cannot read"),
    "a pickle": (lambda p, w: w.write_bytes(pickle.dumps({"W": 1})), "safetensors"),
    "huge header": (lambda p, w: w.write_bytes(b"\xff" * 8 + w.read_bytes()), "safetensors"),
    "NaN": (nan, "finite"),
    "array renamed": (header(lambda h: h.update(x=h.pop("head.b"))), "head.b"),
    "shape that does not fit": (
        header(lambda h: h["head.W"].update(shape=[2, 2])),
        "head.W",
    ),
    "offsets that overlap": (
        header(lambda h: h["head.W"].update(data_offsets=[0, 8])),
        "safetensors",
    ),
    "JSON truncated": (lambda p, w: p.write_text(p.read_text()[:200]), "not JSON"),
    "JSON a list": (lambda p, w: p.write_text("[]"), "expected an object"),
    "JSON not text": (lambda p, w: p.write_bytes(b"\xff\xfe\x00"), "not JSON"),
    "more units than weights": (edit(lambda r: r["config"]["layers"][0].update(units=5)), "shape"),
    "a billion units": (edit(lambda r: r["config"]["layers"][0].update(units=10**9)), "units"),
    "units a text": (edit(lambda r: r["config"]["layers"][0].update(units="4")), "units"),
    "negative units": (edit(lambda r: r["config"]["layers"][0].update(units=-4)), "units"),
    "an unknown cell": (edit(lambda r: r["config"]["layers"][0].update(cell="mlp")), "cell"),
    "another cell": (edit(lambda r: r["config"]["layers"][0].update(cell="gru")), "shape"),
    "an unknown field": (edit(lambda r: r["config"].update(extra=1)), "extra"),
    "no layers": (edit(lambda r: r["config"].update(layers=[])), "layers"),
    "no config": (edit(lambda r: r.pop("config")), "model"),
    "wider head": (edit(lambda r: r["config"]["head"].update(outputs=2)), "head"),
    "more words than rows": (edit(lambda r: r["vocabulary"].append("more")), "vocabulary"),
    "vocabulary twice the same": (
        edit(lambda r: r["vocabulary"].__setitem__(3, r["vocabulary"][2])),
        "vocabulary",
    ),
    "vocabulary of numbers": (edit(lambda r: r.update(vocabulary=[1, 2, 3])), "vocabulary"),
    "three labels": (edit(lambda r: r.update(labels=["a", "b", "c"])), "labels"),
    "labels of numbers": (edit(lambda r: r.update(labels=[0, 1])), "labels"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_model_is_refused_with_the_reason(
    kind: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, said = DAMAGE[kind]
    damage(model, model.with_suffix(".safetensors"))
    with pytest.raises(InvalidFileError) as caught:
        load(str(model))
    assert said in str(caught.value)
    assert str(model.with_suffix("")) in str(caught.value)
    assert run(["step", "good film", "-m", str(model)]) == 4
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_model_loads_and_says_how_it_was_made(name: str) -> None:
    stored = load(name)
    sizes = {"jena-gru": 12, "agnews-bilstm": 12_000, "shakespeare-lstm": 65}
    sizes |= {f"names-{cell}": 28 for cell in ("rnn", "gru", "lstm")}
    assert len(stored.encoder) == sizes.get(name, 5_000 if name.endswith("-tr") else 10_000)
    metrics, training = stored.record["metrics"], stored.record["training"]
    assert metrics["epoch"] and "validation_loss" in metrics
    assert training["command"].startswith(f"rnnviz train {name}")
    assert len(training["history"]) == training["epochs"]
    assert training["data"]
    assert stored.record["licence"]


def test_the_sentiment_models_share_one_vocabulary() -> None:
    names = [name for name in shipped() if name.startswith("sentiment-")]
    turkish = [name for name in names if name in TURKISH_MODELS]
    assert len(turkish) == len(TURKISH_MODELS)
    for family in (turkish, [name for name in names if name not in turkish]):
        assert len({load(name).vocabulary for name in family}) == 1


def test_the_shipped_files_are_small() -> None:
    files = [p for name in ("models", "samples") for p in (assets() / name).rglob("*")]
    assert sum(p.stat().st_size for p in files if p.is_file()) < 14_800_000


def test_an_exported_model_may_keep_only_its_frequent_words(tmp_path: Path) -> None:
    """The kept words read as before; a word that was let go reads as an unknown one."""
    export("sentiment-lstm-8", tmp_path / "few.json", words=500)
    whole, few = load("sentiment-lstm-8"), load(str(tmp_path / "few.json"))
    assert len(few.vocabulary) == 500 and few.record["words_kept"] == 500
    rare = whole.vocabulary.words[600]
    np.testing.assert_allclose(few.predict(["it was good"]), whole.predict(["it was good"]), 1e-3)
    np.testing.assert_allclose(
        few.predict([f"it was {rare}"]), whole.predict(["it was qqqq"]), 1e-3
    )
    for words in (2, 10_001):
        with pytest.raises(UsageError, match="cannot keep"):
            export("sentiment-lstm-8", tmp_path / "no.json", words=words)
