"""The trace of a text: the document users script against, and the file they hand around."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strategies import model

from rnnviz.arrays import Array
from rnnviz.cells import CELLS
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.engine.spec import EmbeddingSpec, HeadKind, HeadSpec, ModelSpec, RecurrentSpec
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.model_files import StoredModel
from rnnviz.query import Query
from rnnviz.trace.file import open_trace, save_trace
from rnnviz.tracer import trace

WORDS = ("", "[UNK]", "a", "good", "bad", "movie", "not")
TEXT = "Not a GOOD movie, truly"
#: The order of the names in JSON, which scripts may rely on.
IN_ORDER = {
    "rnn": "x a h",
    "lstm": "x a_i a_f a_g a_o i f g o c h",
    "lstm-slide": "x a_i a_f a_g a_o i f g c h",
    "gru": "x a_z a_r a_g z r g q h",
    "gru-2014": "x a_z a_r a_g z r g m h",
}


def stored(
    cell: str = "lstm",
    *,
    both: bool = False,
    depth: int = 1,
    kind: HeadKind = "sigmoid",
    width: int = 2,
) -> StoredModel:
    """A float32 model of seven words and 3 units with random weights."""
    labels = ("negative", "positive") if kind == "sigmoid" else ("negative", "neutral", "positive")
    spec = ModelSpec(
        EmbeddingSpec(len(WORDS), width),
        (RecurrentSpec(cell, 3, both),) * depth,
        HeadSpec(kind, 1 if kind == "sigmoid" else 3),
    )
    net = model(spec, np.random.default_rng(11)).astype(np.float32)
    return StoredModel("tiny", net, Vocabulary(WORDS), labels, {"trained_on": "nothing"})


def every_array(item: Any, path: str = "") -> dict[str, Array]:
    """Every array in a trace, by where it is."""
    if isinstance(item, np.ndarray):
        return {path: item}
    if dataclasses.is_dataclass(item):
        item = {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}
    found: dict[str, Array] = {}
    if isinstance(item, Mapping):
        for key, value in item.items():
            found |= every_array(value, f"{path}/{key}")
    elif isinstance(item, tuple):
        for n, value in enumerate(item):
            found |= every_array(value, f"{path}/{n}")
    return found


# -- the document ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sigmoid", "softmax"])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_json_is_that_of_schema_1(cell: str, both: bool, kind: HeadKind) -> None:
    """Exactly these keys, in this order, with these types and shapes: scripts read it."""
    seen = trace(stored(cell, both=both, depth=2, kind=kind), Query(TEXT, "tiny"))
    doc = seen.to_json()
    assert json.loads(json.dumps(doc, allow_nan=False)) == doc
    assert list(doc) == [
        "schema",
        "model",
        "device",
        "dtype",
        "tokens",
        "ids",
        "unknown",
        "layers",
        "head",
    ]
    assert doc["schema"] == "rnnviz.trace/1"
    assert (doc["model"], doc["device"], doc["dtype"]) == ("tiny", "cpu", "float32")
    assert doc["tokens"] == ["not", "a", "good", "movie", "truly"]
    assert doc["ids"] == [6, 2, 3, 5, 1]
    assert doc["unknown"] == [False, False, False, False, True]
    ways = ["forward", "backward"] if both else ["forward"]
    assert [layer["direction"] for layer in doc["layers"]] == ways * 2
    assert len({layer["name"] for layer in doc["layers"]}) == len(doc["layers"])
    for n, layer in enumerate(doc["layers"]):
        assert list(layer) == [
            "name", "cell", "units", "direction", "mask", "values", "grads", "reach", "initial",
        ]  # fmt: skip
        assert (layer["cell"], layer["units"], layer["mask"]) == (cell, 3, [True] * 5)
        names = list(layer["values"])
        assert names == list(layer["grads"]) == IN_ORDER.get(cell, " ".join(names)).split()
        assert set(names) == {"x", *(line.name for line in CELLS[cell].lines)}
        below = 2 if n < len(ways) else 3 * len(ways)
        for group in (layer["values"], layer["grads"]):
            for name, rows in group.items():
                assert np.shape(rows) == (5, below if name == "x" else 3), name
        assert np.shape(layer["reach"]) == (5,)
        states = CELLS[cell].states
        assert layer["initial"] == {s: [0.0, 0.0, 0.0] for s in states}
        assert layer["reach"][0 if layer["direction"] == "backward" else 4] == pytest.approx(1)
    head = doc["head"]
    assert list(head) == ["labels", "output", "readout", "objective", "loss", "target"]
    K = 2 if kind == "sigmoid" else 3
    assert len(head["labels"]) == K
    assert np.shape(head["readout"]) == (5, K)
    assert head["readout"][-1] == head["output"]
    np.testing.assert_allclose(np.sum(head["readout"], axis=1), 1, rtol=1e-6)
    best = int(np.argmax(head["output"]))
    assert head["target"] == head["labels"][best]
    assert head["objective"] == f"log-loss of '{head['target']}'"
    assert head["loss"] == pytest.approx(-np.log(head["output"][best]), rel=1e-5)


def test_single_layers_are_called_by_their_cell() -> None:
    """And layers of a deeper net by cell, depth and direction."""

    def called(**more: Any) -> list[str]:
        return [layer.name for layer in trace(stored(**more), Query(TEXT, "tiny")).layers]

    assert called() == ["lstm"]
    assert called(both=True) == ["lstm", "lstm.backward"]
    assert called(cell="gru", depth=2) == ["gru.0", "gru.1"]
    assert called(both=True, depth=2) == ["lstm.0", "lstm.0.backward", "lstm.1", "lstm.1.backward"]


def test_numbers_keep_full_float32_precision() -> None:
    """A number read back from the document is the number recorded."""
    seen = trace(stored(), Query(TEXT, "tiny"))
    doc = json.loads(json.dumps(seen.to_json()))
    h = np.array(doc["layers"][0]["values"]["h"], np.float32)
    np.testing.assert_array_equal(h, seen.layers[0].values["h"])


def test_the_target_is_what_the_gradient_is_of() -> None:
    """Another label, another loss; with two classes the gradients point the other way."""
    one, other = (trace(stored(), Query(TEXT, "tiny", label)) for label in ("negative", "positive"))
    assert (one.head.target, other.head.target) == ("negative", "positive")
    assert one.head.loss != other.head.loss
    np.testing.assert_array_equal(one.head.output, other.head.output)
    product = np.vdot(one.layers[0].grads["h"], other.layers[0].grads["h"])
    norms = [np.linalg.norm(t.layers[0].grads["h"]) for t in (one, other)]
    assert product == pytest.approx(-norms[0] * norms[1], rel=1e-5)


@pytest.mark.parametrize("text", ["", " \n", "...!"])
def test_a_text_without_words_is_refused(text: str) -> None:
    """Nothing to step through."""
    with pytest.raises(UsageError, match="no word"):
        trace(stored(), Query(text, "tiny"))


def test_an_unknown_target_is_refused_with_the_nearest_one() -> None:
    """And a text beyond the limit."""
    with pytest.raises(UsageError, match="positive"):
        trace(stored(), Query(TEXT, "tiny", "positiv"))
    with pytest.raises(UsageError, match="10,001"):
        trace(stored(), Query("a " * 10_001, "tiny"))


@pytest.mark.parametrize("reopened", [False, True], ids=["fresh", "reopened"])
def test_every_array_of_a_trace_is_read_only(reopened: bool, tmp_path: Path) -> None:
    """Views share it; what one could change another would show."""
    seen = trace(stored(both=True, depth=2), Query(TEXT, "tiny"))
    if reopened:
        save_trace(seen, tmp_path / "t.npz")
        seen = open_trace(tmp_path / "t.npz")
    assert [path for path, a in every_array(seen).items() if a.flags.writeable] == []


@pytest.mark.parametrize("direction", [0, 1], ids=["forward", "backward"])
def test_at_a_token_all_names_of_all_lines_are_there(direction: int) -> None:
    """With the states as the token found them."""
    for cell in CELLS.values():
        layer = trace(stored(cell.name, both=True), Query(TEXT, "tiny")).layers[direction]
        for t in range(5):
            at = layer.at(t)
            assert {line.name for line in (*cell.lines, *cell.back)} <= at.keys()
            earlier = t - 1 if direction == 0 else t + 1
            for s in cell.states:
                first = not 0 <= earlier < 5
                before = layer.initial[s] if first else layer.values[s][earlier]
                np.testing.assert_array_equal(at[f"{s}_prev"], before)
            assert at["x"].shape == (2,)
            assert at["h"] is not layer.values["h"]


# -- the file -------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A trace of two layers in two directions, on disk."""
    path = tmp_path / "trace.npz"
    save_trace(trace(stored(both=True, depth=2), Query(TEXT, "tiny")), path)
    return path


@pytest.mark.parametrize("cell", CELLS)
def test_a_saved_trace_opens_as_it_was(cell: str, tmp_path: Path) -> None:
    """The document, every array bit for bit, and everything beside."""
    before = trace(stored(cell, both=True, depth=2), Query(TEXT, "tiny"))
    path = tmp_path / "a trace of mine"  # the name is kept, whatever it ends in
    save_trace(before, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    after = open_trace(path)
    assert json.dumps(after.to_json()) == json.dumps(before.to_json())
    old, new = every_array(before), every_array(after)
    assert old.keys() == new.keys()
    for where, a in old.items():
        np.testing.assert_array_equal(new[where], a)
        assert new[where].dtype == a.dtype
    for field in ("text", "about"):
        assert getattr(after, field) == getattr(before, field)
    for one, other in zip(before.layers, after.layers, strict=True):
        for field in ("lines", "back", "gates", "states", "recorded", "title", "parts"):
            assert getattr(one, field) == getattr(other, field)


def refused(path: Path) -> None:
    """InvalidFileError, and nothing else, with the file's name."""
    with pytest.raises(InvalidFileError, match=path.name):
        open_trace(path)


def test_a_file_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    """Nothing, text, a picture, an array, a pickle, a folder, another archive."""
    path = tmp_path / "file"
    refused(path)
    for content in (
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04",
        pickle.dumps({"a": 1}),
    ):
        path.write_bytes(content)
        refused(path)
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    path.write_bytes(buffer.getvalue())
    refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    refused(path)
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder")


def test_a_truncated_file_is_refused_wherever_it_ends(saved: Path) -> None:
    """A download that broke off."""
    whole = saved.read_bytes()
    for part in np.linspace(0, len(whole) - 1, 60).astype(int):
        saved.write_bytes(whole[:part])
        refused(saved)


def test_a_file_with_one_changed_byte_opens_whole_or_is_refused(saved: Path) -> None:
    """Nothing but InvalidFileError may come out of a damaged file."""
    whole, rng = saved.read_bytes(), np.random.default_rng(0)
    for at in rng.choice(len(whole), 600, replace=False):
        damaged = bytearray(whole)
        damaged[at] ^= int(rng.integers(1, 256))
        saved.write_bytes(bytes(damaged))
        try:
            open_trace(saved).to_json()
        except InvalidFileError:
            pass


def rewrite(path: Path, change: Callable[[Any, dict[str, Array]], Any]) -> None:
    """Open a saved trace as an archive, change its JSON and its arrays, write it back."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    meta = json.loads(str(arrays.pop("meta")))
    changed = change(meta, arrays)
    with path.open("wb") as out:
        np.savez(out, meta=np.array(json.dumps(meta if changed is None else changed)), **arrays)  # type: ignore[arg-type]


def in_meta(where: str, value: object) -> Callable[[Any, dict[str, Array]], None]:
    """A change of one entry of the JSON; ``...`` deletes it."""

    def change(meta: Any, arrays: dict[str, Array]) -> None:
        *path, last = (int(k) if k.isdigit() else k for k in where.split("."))
        for key in path:
            meta = meta[key]
        if value is ...:
            del meta[last]
        else:
            meta[last] = value

    return change


def in_array(where: str, edit: Callable[[Array], Array]) -> Callable[[Any, dict[str, Array]], None]:
    """A change of one array."""

    def change(meta: Any, arrays: dict[str, Array]) -> None:
        arrays[where] = edit(arrays[where])

    return change


def test_rewriting_without_a_change_is_accepted(saved: Path) -> None:
    """So that the refusals below are of the change."""
    before = open_trace(saved).to_json()
    rewrite(saved, lambda meta, arrays: None)
    assert open_trace(saved).to_json() == before


H, X, REACH = "/layers/0/values/h", "/layers/0/values/x", "/layers/0/reach"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=name)
        for name, change in {
            "another schema": in_meta("schema", "rnnviz.trace/2"),
            "no schema": in_meta("schema", ...),
            "a number": lambda meta, arrays: 3,
            "a list": lambda meta, arrays: [1],
            "a text": lambda meta, arrays: "trace",
            "no layers": in_meta("layers", []),
            "layers missing": in_meta("layers", ...),
            "layers a number": in_meta("layers", 3),
            "a layer of text": in_meta("layers.0", "lstm"),
            "tokens missing": in_meta("tokens", ...),
            "no tokens": in_meta("tokens", []),
            "one token fewer": in_meta("tokens", ["a"] * 4),
            "tokens of numbers": in_meta("tokens", [1] * 5),
            "tokens one text": in_meta("tokens", "abcde"),
            "one id more": in_meta("ids", [1] * 6),
            "ids of text": in_meta("ids", ["a"] * 5),
            "unknown null": in_meta("unknown", None),
            "a new field": in_meta("colour", "red"),
            "a new layer field": in_meta("layers.1.colour", "red"),
            "units of text": in_meta("layers.0.units", "3"),
            "other units": in_meta("layers.0.units", 4),
            "a direction that is none": in_meta("layers.0.direction", "sideways"),
            "states that are not there": in_meta("layers.0.states", ["h", "k"]),
            "no states": in_meta("layers.0.states", []),
            "recorded that is not there": in_meta("layers.0.recorded", ["x", "k"]),
            "an initial state missing": in_meta("layers.0.initial.c", ...),
            "values missing": in_meta("layers.0.values", ...),
            "values a list": in_meta("layers.0.values", [1]),
            "weights a list": in_meta("layers.0.weights", []),
            "x missing": in_meta("layers.0.values.x", ...),
            "h missing": in_meta("layers.0.values.h", ...),
            "a weight missing": in_meta("layers.0.weights.W_f", ...),
            "an array that is none": in_meta("layers.0.values.h", {"array": "/nowhere"}),
            "an array of text": in_meta("layers.0.values.h", "h"),
            "an array of lists": in_meta("layers.0.values.h", {"array": []}),
            "a formula that is none": in_meta("layers.0.lines.0.formula", "f *"),
            "a formula beyond the grammar": in_meta("layers.0.lines.0.formula", "open(f)"),
            "a formula that is a number": in_meta("layers.0.lines.0.formula", 3),
            "a formula of unknown names": in_meta("layers.0.lines.0.formula", "k + 1"),
            "a line of text": in_meta("layers.0.lines.0", "f"),
            "a line without formula": in_meta("layers.0.lines.0.formula", ...),
            "lines missing": in_meta("layers.0.lines", ...),
            "head missing": in_meta("head", ...),
            "head a number": in_meta("head", 3),
            "labels a number": in_meta("head.labels", 3),
            "one label fewer": in_meta("head.labels", ["positive"]),
            "a loss of text": in_meta("head.loss", "small"),
            "a target that is no label": in_meta("head.target", "great"),
            "head kind unknown": in_meta("head.kind", "tanh"),
            "NaN": in_array(H, lambda a: a * np.nan),
            "infinity": in_array(REACH, lambda a: a + np.inf),
            "one token fewer in values": in_array(H, lambda a: a[:-1]),
            "one unit more": in_array(H, lambda a: np.pad(a, ((0, 0), (0, 1)))),
            "one dimension more": in_array(H, lambda a: a[None]),
            "a vector for a matrix": in_array(X, lambda a: a[:, 0]),
            "a number for a matrix": in_array(X, lambda a: a[0, 0]),
            "nothing for a matrix": in_array(X, lambda a: a[:0]),
            "text for numbers": in_array(H, lambda a: a.astype(str)),
            "complex numbers": in_array(H, lambda a: a.astype(complex)),
            "one reach fewer": in_array(REACH, lambda a: a[1:]),
            "one mask more": in_array("/layers/0/mask", lambda a: np.append(a, True)),
            "a mask of numbers": in_array("/layers/0/mask", lambda a: a * 0.5),
            "a wide initial state": in_array("/layers/0/initial/h", lambda a: np.append(a, 0)),
            "a narrow gradient": in_array("/layers/1/grads/c", lambda a: a[:, 1:]),
            "a turned weight": in_array("/layers/0/weights/W_f", lambda a: a.T),
            "one output fewer": in_array("/head/output", lambda a: a[1:]),
            "one readout fewer": in_array("/head/readout", lambda a: a[1:]),
            "a narrow readout": in_array("/head/readout", lambda a: a[:, 1:]),
            "one logit fewer": in_array("/head/logits", lambda a: a[1:]),
            "a number for logits": in_array("/head/logits", lambda a: a[0, 0]),
            "a turned head": in_array("/head/W", lambda a: a.T),
        }.items()
    ],
)
def test_an_edited_trace_is_refused(
    saved: Path, change: Callable[[Any, dict[str, Array]], Any]
) -> None:
    """A lie in the JSON or in an array: found when it is opened, not on the screen."""
    rewrite(saved, change)
    refused(saved)


def test_pickled_objects_are_never_loaded(saved: Path, tmp_path: Path) -> None:
    """An array of objects could run anything when it is opened."""
    proof = tmp_path / "proof"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (proof,)

    rewrite(saved, in_array(H, lambda a: np.array([[Trap()] * 3] * 5, dtype=object)))
    refused(saved)
    assert not proof.exists()
