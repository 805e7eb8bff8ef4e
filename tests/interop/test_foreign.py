"""Nets of other frameworks as models: parts, inputs, labels, records, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interop import made_contents

import rnnviz
from rnnviz.data.one_hot import OneHot
from rnnviz.data.token_ids import TokenIds
from rnnviz.data.vectors import Vectors
from rnnviz.data.vocabulary import Vocabulary
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.import_settings import ImportSettings, split_name
from rnnviz.interop.contents import (
    Assumption,
    FoundVocabulary,
    InputOperation,
    ModelContents,
    OpaqueOperation,
)
from rnnviz.model_files import foreign
from rnnviz.model_files.foreign import ForeignModel, open_foreign
from rnnviz.tracer.model_cache import cached_model

Opened = Callable[..., ForeignModel]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A function that opens made contents with settings."""
    path = tmp_path / "lstm_model.h5"
    path.write_bytes(b"made")

    def open_made(contents: Callable[..., ModelContents], **settings: str) -> ForeignModel:
        monkeypatch.setattr(foreign, "read_contents", lambda path, options: contents(path))
        return open_foreign(
            path, ImportSettings.of({k.replace("_", "-"): v for k, v in settings.items()})
        )

    return open_made


def having(contents: Callable[..., ModelContents], **changes: Any) -> Callable[..., ModelContents]:
    """Contents with fields changed."""
    return lambda path: contents(path, **changes)


def test_a_whole_net_of_ids(opened: Opened) -> None:
    """It reads ids, its classes have numbers for names, and both are said."""
    found = opened(made_contents.words)
    stored = found.stored
    assert (stored.name, stored.encoder, stored.labels) == (
        "lstm_model.h5",
        TokenIds(6),
        ("0", "1"),
    )
    assert found.others == () and found.net.name == ""
    assert [each.option for each in found.assumptions] == ["--gate-activation", "--labels"]
    assert stored.about == "imported from Keras 2.2.4, with 2 assumptions"
    record = stored.record["imported"]
    assert record["conversions"] and record["ignored"][0]["name"] == "optimizer_weights"
    shares = stored.predict(["1 2 3", stored.example])
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-6)


def test_the_words_of_the_file_or_of_the_user(opened: Opened, tmp_path: Path) -> None:
    """A vocabulary in the file is taken; one that is named takes its place."""
    words = FoundVocabulary(("", "[UNK]", "this", "movie", "good"), "vectorization", "assets", 7)
    contents = having(made_contents.words, vocabulary=words, labels=("bad", "good"))
    stored = opened(contents).stored
    assert isinstance(stored.encoder, Vocabulary) and stored.labels == ("bad", "good")
    assert stored.encoder.encoding.length == 7
    assert stored.example == "this movie good"
    (tmp_path / "words.txt").write_text("<unk>\nnot\ngood\n")
    named = opened(contents, vocab=str(tmp_path / "words.txt"), labels="minus, plus")
    assert isinstance(named.stored.encoder, Vocabulary)
    assert named.stored.encoder.read("not so good")[1] == [1, 0, 2]
    assert named.stored.labels == ("minus", "plus")
    assert [each.option for each in named.assumptions] == ["--gate-activation", "--tokenizer"]
    spaced = opened(contents, vocab=str(tmp_path / "words.txt"), tokenizer="spaces")
    assert "--tokenizer" not in [each.option for each in spaced.assumptions]


def test_padding_to_a_fixed_length(opened: Opened) -> None:
    """Only where it is asked for; Keras pads in front, which is said."""
    found = opened(made_contents.words, length="5")
    assert found.stored.vocabulary.encoding.length == 5
    assert found.stored.vocabulary.encoding.padding == "front"
    assert "--padding" in [each.option for each in found.assumptions]
    at_end = opened(made_contents.words, length="5", padding="end")
    assert at_end.stored.vocabulary.encoding.padding == "end"
    padded, plain = (m.stored.predict(["1 2"]) for m in (at_end, opened(made_contents.words)))
    assert (padded != plain).any()
    operations = made_contents.words(Path("x")).operations
    fixed = (replace(operations[0], shape=(9,)), *operations[1:])  # type: ignore[call-arg]
    unsaid = opened(having(made_contents.words, operations=fixed))
    assert "--length 9" in [each.option for each in unsaid.assumptions]
    assert unsaid.stored.vocabulary.encoding.length is None
    with pytest.raises(UsageError, match="--padding says"):
        opened(made_contents.words, padding="end")


def test_a_part_without_a_head(opened: Opened) -> None:
    """The first part is taken, the others are named; vectors are its input, states its output."""
    found = opened(made_contents.vectors)
    assert found.stored.encoder == Vectors(2) and found.others == ("gru_2",)
    assert found.net.name == "gru_1" and any("attention" in each for each in found.net.missing)
    assert found.stored.labels == ("h[0]", "h[1]", "h[2]", "h[3]")
    assert found.stored.predict(["1 0.5; 0 1"]).shape == (1, 4)
    other = opened(made_contents.vectors, part="gru_2")
    assert other.stored.encoder == Vectors(4) and len(other.stored.labels) == 3
    with pytest.raises(UsageError, match=r"no such part. Did you mean 'gru_1'.*gru_1, gru_2"):
        opened(made_contents.vectors, part="gru_9")


def test_one_hot_characters(opened: Opened, tmp_path: Path) -> None:
    """A vocabulary as wide as the input: the net reads one-hot vectors of its entries."""
    path = tmp_path / "chars.json"
    path.write_text(json.dumps({"a": 0, "b": 1}))
    found = opened(made_contents.vectors, vocab=str(path))
    assert isinstance(found.stored.encoder, OneHot)
    assert any("one-hot" in note for note in found.notes)
    np.testing.assert_array_equal(
        found.stored.predict(["abx"]), opened(made_contents.vectors).stored.predict(["1 0; 0 1"])
    )
    for entries in (["a", "b", "c"], ["a"]):
        path.write_text(json.dumps(entries))
        with pytest.raises(UsageError, match="no one-hot vectors"):
            opened(made_contents.vectors, vocab=str(path))
    found = opened(made_contents.words, vocab=str(path))
    assert "1 word for 6 ids: the others have no word" in found.notes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "a,b,c"}, "names 3 of 2 outputs"),
        ({"labels": "a,a"}, "differ from each other"),
        ({"tokenizer": "keras"}, "--tokenizer is of a vocabulary"),
        ({"vocab_offset": "3"}, "--vocab-offset is of a vocabulary"),
        ({"vocab": "none.txt"}, "There is no file none.txt"),
        ({"length": "0"}, "at least one token"),
        ({"head": "first"}, "--head first: expected last, end, steps or none"),
        ({"length": "x"}, "expected a whole number"),
        ({"part": ""}, "--part needs a value"),
    ],
)
def test_settings_that_do_not_fit(opened: Opened, settings: dict[str, str], message: str) -> None:
    """One line, with the option."""
    with pytest.raises(UsageError, match=message):
        opened(made_contents.words, **settings)


def test_files_that_cannot_be_stepped_through(opened: Opened) -> None:
    """A refusal with its reason; a net without recurrent layers; one that is too large."""
    with pytest.raises(InvalidFileError, match=r"TorchScript.*\n.*rnnviz inspect"):
        opened(having(made_contents.words, refusal="It is TorchScript, code to be run."))
    plain = (InputOperation("x", (), (3,)), OpaqueOperation("conv", ("x",), "Conv1D"))
    with pytest.raises(InvalidFileError, match=r"no recurrent layer .*Conv1D"):
        opened(having(made_contents.words, operations=plain))


def test_numbers_that_are_not_finite(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their array is named."""
    made = made_contents.vectors(Path("x"))
    made.operations[1].params["forward"]["U"][0, 0] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(InvalidFileError, match="U has numbers that are not finite"):
        opened(having(made_contents.vectors, operations=made.operations))
    monkeypatch.setattr(foreign, "MOST_PARAMETERS", 10)
    with pytest.raises(InvalidFileError, match="at most 10 are imported"):
        opened(made_contents.vectors)


def test_assumptions_on_other_parts_are_left_out(opened: Opened) -> None:
    """Those of the chosen part, and those that name no layer."""
    about = [
        Assumption(what, "tanh", "--activation", "not stored")
        for what in ("the activation of gru_1", "the activation of gru_2", "the head")
    ]
    about.append(Assumption("the activation of attention, x", "relu", "--output", "not stored"))
    for way in ("input → gru_1", "attention → gru_2"):
        about.append(Assumption("how the modules follow", way, "--head", "they fit"))
    conversions = ("gru_1: transposed", "gru_1, gru_2: added", "gru_2: permuted", "all: read")
    made = having(made_contents.vectors, assumptions=tuple(about), conversions=conversions)
    found = opened(made, part="gru_2")
    assert [each.what for each in found.assumptions] == [
        "the activation of gru_2", "the head", "how the modules follow"
    ]  # fmt: skip
    assert found.assumptions[-1].value == "attention → gru_2"
    assert found.conversions == conversions[1:]


def test_a_net_that_writes_has_words_as_labels(opened: Opened, tmp_path: Path) -> None:
    """As many probabilities as entries of the vocabulary."""
    made = made_contents.words(Path("x")).operations
    operations = (*made[:-1], made_contents.dense("dense_1", "lstm_1", 3, 6, "softmax"))
    (tmp_path / "words.txt").write_text("<unk>\na\nb\nc\nd\ne\n")
    contents = having(made_contents.words, operations=operations)
    stored = opened(contents, vocab=str(tmp_path / "words.txt")).stored
    assert stored.labels == ("<unk>", "a", "b", "c", "d", "e")
    assert opened(contents).stored.labels == ("0", "1", "2", "3", "4", "5")


def test_names_carry_settings() -> None:
    """What the options say can be written behind the name of a file, and is read from there."""
    settings = ImportSettings.of({"vocab": "my words.txt", "part": "lstm&2", "head": None})
    name = settings.named("a#b/lstm.h5")
    assert split_name(name) == ("a#b/lstm.h5", settings)
    assert split_name("lstm.h5") == ("lstm.h5", ImportSettings())
    assert split_name("a#b.h5") == ("a#b.h5", ImportSettings())
    with pytest.raises(UsageError, match=r"'heads' is no setting.*'head'"):
        split_name("lstm.h5#heads=last")


def test_load_and_step_read_a_file(opened: Opened, tmp_path: Path) -> None:
    """The Python functions take the path, with settings behind it, and read a changed file anew."""
    opened(made_contents.vectors)
    path = tmp_path / "lstm_model.h5"
    assert rnnviz.load(f"{path}#part=gru_2").encoder == Vectors(4)
    assert rnnviz.load(str(path), part="gru_2").encoder == Vectors(4)
    assert cached_model(str(path)) is cached_model(str(path))
    opened(made_contents.words)
    path.write_bytes(b"written anew")
    trace = rnnviz.step("1 2 5", model=str(path))
    assert (trace.tokens, trace.ids) == (("#1", "#2", "#5"), (1, 2, 5))
    assert trace.layers[0].values["h"].shape == (3, 3)
    with pytest.raises(UsageError, match="There is no model file"):
        rnnviz.load(f"{tmp_path}/none.h5#part=gru_2")
    with pytest.raises(UsageError, match=r"for files of other frameworks|Unknown model"):
        rnnviz.load("sentiment-lstm#part=gru_2")
