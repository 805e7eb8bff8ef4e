"""A text of the user's own, prepared for a net that writes like it."""

from __future__ import annotations

import gzip
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from rnnviz.cli import run
from rnnviz.data.next_tokens import TextWindows
from rnnviz.data.user_tables.choice import TableChoice
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.recipes import Task
from rnnviz.recipes.user_writing import MOST_CHARACTERS, prepare

POEM = "İstanbul'u dinliyorum, gözlerim kapalı;\nÖnce hafiften bir rüzgâr esiyor.\n"


def prepared(path: Path, **choice: object) -> Task:
    chosen = TableChoice(path.name, write=True, **{"validation": 0.1, **choice})  # type: ignore[arg-type]
    return prepare(chosen, path.parent, None, 0, lambda text: None)


def written(folder: Path, data: str | bytes, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def tokens(task: Task, windows: object) -> list[str]:
    """What the windows of an epoch read, as the vocabulary writes it."""
    assert isinstance(windows, TextWindows)
    return [task.encoder.words[i] for i in windows.ids]  # type: ignore[union-attr]


@pytest.mark.parametrize("form", ["plain", "byte order mark", "windows line ends", "gzip"])
def test_every_character_is_read_as_it_stands(tmp_path: Path, form: str) -> None:
    text, name = POEM * 9, "text.txt"
    data = text.encode()
    if form == "byte order mark":
        data = b"\xef\xbb\xbf" + data
    if form == "windows line ends":
        data = text.replace("\n", "\r\n").encode()
    if form == "gzip":
        data, name = gzip.compress(data), "text.txt.gz"
    task = prepared(written(tmp_path, data, name))
    parts = tokens(task, task.draw(1, np.random.default_rng(0))) + tokens(task, task.valid)
    assert "".join(parts) == text


def test_words_are_what_stands_between_white_space(tmp_path: Path) -> None:
    task = prepared(written(tmp_path, POEM * 30), words=True)
    parts = tokens(task, task.draw(1, np.random.default_rng(0)))
    assert parts[:3] == ["İstanbul'u", "dinliyorum,", "gözlerim"]


def test_a_text_of_many_different_characters_keeps_the_frequent_ones(tmp_path: Path) -> None:
    """The others are the unknown token, which a text written in Chinese needs."""
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 2 * MOST_CHARACTERS)))
    task = prepared(written(tmp_path, "ab" * 500 + rare))
    assert len(task.encoder) == MOST_CHARACTERS
    assert "[UNK]" in tokens(task, task.draw(1, np.random.default_rng(0)))


def test_a_long_text_is_read_in_parts(tmp_path: Path) -> None:
    """10 MB: each epoch reads another million characters, and every part is read."""
    task = prepared(written(tmp_path, "abcdefghi\n" * 1_000_000))
    sizes = [len(task.draw(epoch, np.random.default_rng(0)).ids) for epoch in range(1, 10)]  # type: ignore[attr-defined]
    assert sum(sizes) == 9_000_000
    assert task.fit["epochs"] >= len(sizes)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "has 0 characters"),
        (b"a", "has 1 characters"),
        (b"a" * 500, "1 of them different"),
        (POEM.encode() * 2 + b"\xff\xfe", "not UTF-8"),
        (POEM.encode("cp1254") * 9, "not UTF-8"),
        (bytes(range(32)) * 9, "not plain text"),
        (b"\x7fELF\x02\x01\x01" + bytes(200), "not plain text"),
    ],
)
def test_what_is_no_text_to_learn_from_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(InvalidFileError, match=why):
        prepared(written(tmp_path, data))


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(POEM.encode() * 99)[:-20], "text.txt.gz")
    with pytest.raises(InvalidFileError, match="not a complete packed file"):
        prepared(path)


def test_some_text_has_to_be_left_to_validate_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--validation 0"):
        prepared(written(tmp_path, POEM * 9), validation=0.0)


def test_a_text_is_trained_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, POEM * 9), tmp_path / "run"
    args = ["train", str(path), "--write", "--units", "4", "--epochs", "1", "--out", str(out)]
    assert run([*args, "--plain"]) == 0
    said = capsys.readouterr().err
    assert "the last 66 validate" in said and f"Let it write: rnnviz write -m {out}" in said
    bits = re.search(r"validation loss ([\d.]+)  validation bits ([\d.]+)", said)
    assert bits and float(bits[2]) == pytest.approx(float(bits[1]) / math.log(2), abs=2e-4)
    assert "validation perplexity" in said
    assert run(["runs", "show", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    (epoch,) = shown["history"]
    assert shown["bits"] == epoch["valid"]["bits"] == epoch["valid"]["loss"] / math.log(2)
    assert shown["perplexity"] == math.exp(epoch["valid"]["loss"])
    assert shown["metric"] == "accuracy" and shown["best"] == epoch["valid"]["accuracy"]
    assert json.loads((out / "history.jsonl").read_text())["valid"].keys() == {"loss", "accuracy"}
    assert run(["runs", "show", str(out)]) == 0
    assert f"validation bits {float(bits[2]):.4g}" in capsys.readouterr().out
    assert run(["runs", "plot", str(out), "--metric", "perplexity"]) == 0
    assert "validation perplexity" in capsys.readouterr().out
    assert run(["write", "-m", str(out), "--start", "İst", "--length", "20", "-q"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("İst") and set(text) <= set(POEM)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--words",), "--words is for nets that write"),
        (("--write", "--label", "x"), "cannot take --label"),
        (("--write", "--series", "x"), "cannot take --series"),
        (("--write", "--bidirectional"), "has read, so it cannot take --bidirectional"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path, args: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, POEM * 9)
    assert run(["train", str(path), *args, "--out", str(tmp_path / "run")]) == 2
    assert why in capsys.readouterr().err


def test_a_text_that_is_not_named_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "names-gru", "--write"]) == 2
    assert "rnnviz train FILE.txt --write" in capsys.readouterr().err
