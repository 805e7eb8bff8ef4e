"""``rnnviz step --against``: the document, the table, the picture, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pseudo import Terminal

from rnnviz.analysis.difference import THRESHOLD
from rnnviz.cli import run

A, B = "this movie was not good", "this movie was good"
LONG = "i went to see it with my friends and the plot was not good at all but the music was"


def out(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    assert run(["step", *args]) == code
    return capsys.readouterr().out


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_document_holds_both_traces_and_their_distance(
    cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(out(capsys, A, "--against", B, "--cell", cell, "--json"))
    assert list(found) == ["schema", "a", "b", "pairs", "distance", "parted", "threshold"]
    assert found["schema"] == "rnnviz.difference/1"
    for key, text in (("a", A), ("b", B)):
        alone = json.loads(out(capsys, text, "--cell", cell, "--json"))
        assert found[key] == alone
    assert found["pairs"] == [[0, 0], [1, 1], [2, 2], [3, None], [4, 3]]
    assert found["parted"] == 4 and found["threshold"] == THRESHOLD
    layers = [found[key]["layers"][0] for key in "ab"]
    names = [n for n in ("h", "c") if n in layers[0]["initial"]]
    for (i, j), far in zip(found["pairs"], found["distance"], strict=True):
        if j is None:
            assert far is None
            continue
        a, b = (
            [layer["values"][n][t] for n in names] for layer, t in zip(layers, (i, j), strict=True)
        )
        assert far == pytest.approx(float(np.linalg.norm(np.subtract(a, b))), rel=1e-6)


def test_the_table_has_a_row_a_pair(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(out(capsys, A, "--against", B, "--json"))
    lines = out(capsys, A, "--against", B, "--plain").splitlines()
    assert [line[:1] for line in lines[2:7]] == ["=", "=", "=", "−", "="]
    assert f"{found['distance'][4]:.3f}" in lines[6]
    assert lines[2].endswith("same") and "–" in lines[5]
    assert f"{found['b']['head']['output'][1]:.3f}" in lines[6]


def test_turkish_speaks_turkish(capsys: pytest.CaptureFixture[str]) -> None:
    assert "uzaklık" in out(capsys, A, "--against", B, "--plain", "--lang", "tr")


def test_a_picture_shows_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.svg"
    out(capsys, A, "--against", B, "--screenshot", str(file))
    assert "two" in file.read_text("utf-8") and "−not" in file.read_text("utf-8")


@pytest.mark.parametrize("form", ["--csv", "--jsonl"])
def test_other_forms_are_refused(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", A, "--against", B, form]) == 2
    assert "--json or --plain" in capsys.readouterr().err


def test_a_second_text_without_a_word_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step", A, "--against", " !", "--json"]) == 2
    assert "no word" in capsys.readouterr().err


def test_control_characters_stay_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in out(capsys, A, "--against", "good \x1b[31mred", "--plain")


@pytest.mark.parametrize("args", [("--against", LONG.replace("not ", "")), ("--view", "units")])
def test_a_token_step_on_either_page_is_small_and_then_it_is_quiet(args: tuple[str, str]) -> None:
    it = Terminal("-m", "rnnviz", "step", LONG, *args)
    it.until(b"help")
    it.read(1, 3)  # the corpus arrives
    sizes = [len(it.press(b"\x1b[C")) for _ in LONG.split()[1:]]
    assert 0 < min(sizes) and max(sizes) <= 10 * 1024, sizes
    assert it.read(0.1, 1) == b""
    assert it.leave(b"qq") == 0
