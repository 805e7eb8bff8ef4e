"""``rnnviz step --open``: a saved trace, and what is read beside it with the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnviz.cli import run

BY_HAND = ("--units", "1", "--set", "W_g=-3")


def result(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``rnnviz step``."""
    code = run(["step", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    code, out, err = result(capsys, *args, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize(
    ("options", "text", "other"),
    [(BY_HAND, "1 0 1", "1 1 1"), (("--random", "1"), "not good", "good"),
     (("--cell", "gru"), "not good", "good")],
    ids=["by hand", "untrained", "shipped"],
)  # fmt: skip
def test_a_second_text_is_read_with_the_weights_of_the_trace(
    options: tuple[str, ...], text: str, other: str,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    path = str(tmp_path / "a.trace")
    wanted = document(capsys, *options, text, "--against", other)
    assert result(capsys, *options, text, "--save", path)[0] == 0
    found = document(capsys, "--open", path, "--against", other)
    assert found["a"] == wanted["a"]
    for key in ("tokens", "model"):
        assert found["b"][key] == wanted["b"][key]
    assert found["b"]["head"]["readout"] == wanted["b"]["head"]["readout"]
    assert found["b"]["layers"][0]["values"] == wanted["b"]["layers"][0]["values"]


@pytest.mark.parametrize("name", ["sentiment-lstm", "mine"])
def test_nothing_is_read_with_other_weights_of_the_same_name(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A model of one's own may be called like a shipped one, or like none that is found."""
    own, path = str(tmp_path / f"{name}.json"), str(tmp_path / "a.trace")
    assert run(["models", "export", "sentiment-lstm-slide", own]) == 0
    code, _, err = result(capsys, "-m", own, "not good", "--save", path)
    assert code == 0, err
    assert document(capsys, "--open", path)["model"] == name
    code, out, err = result(capsys, "--open", path, "--against", "good", "--plain")
    assert (code, out) == (2, "")
    assert "--against" in err
    assert path in err
    assert "weights" in err


@pytest.mark.parametrize(
    "options",
    [("not good",), ("-m", "sentiment-gru"), ("--cell", "gru"), ("--random", "1"),
     ("--target", "positive"), ("--units", "1"), ("--clamp", "f[*]=0")],
)  # fmt: skip
def test_what_would_change_a_saved_trace_is_refused(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(tmp_path / "a.trace")
    assert result(capsys, "not good", "--save", path)[0] == 0
    code, out, err = result(capsys, "--open", path, *options, "--plain")
    assert (code, out) == (2, "")
    assert "--open shows a trace as it was saved" in err


@pytest.mark.parametrize("content", [b"", b"hello", b'{"schema": "rnnviz.trace/1"}', b"PK\3\4"])
def test_what_is_no_archive_is_called_so(
    content: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.trace"
    path.write_bytes(content)
    code, _, err = result(capsys, "--open", str(path))
    assert code == 4
    assert f"{path} is not a usable trace: expected what --save wrote" in err
    assert "pickle" not in err


def test_a_picture_and_the_numbers_can_be_had_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "a.txt"
    found = document(capsys, "not good", "--screenshot", str(picture))
    assert found["tokens"] == ["not", "good"]
    assert "sentiment-lstm" in picture.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [(("this movie", "--clamp", "f[1]=1", "--against", "good"), "--against: Clamp 'f[1]=1'"),
     (("good", "--clamp", "f=1", "--compare", "lstm,gru"), "--compare sentiment-gru: Clamp"),
     (("good", "--size", "foo", "--plain"), "--size foo"),
     (("good", "--cell", "gru-2014"), "--cell gru-2014: no sentiment model")],
)  # fmt: skip
def test_an_error_names_the_option_it_comes_from(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = result(capsys, *options)
    assert code == 2
    assert said in err


def test_one_unit_is_not_units(capsys: pytest.CaptureFixture[str]) -> None:
    assert ", 1 unit," in result(capsys, *BY_HAND, "1 0", "--plain")[1]
    assert ", 32 units," in result(capsys, "good", "--plain")[1]
    assert "trained on nothing (seed 3)" in result(capsys, "good", "--random", "3", "--plain")[1]
