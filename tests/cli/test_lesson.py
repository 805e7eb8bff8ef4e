"""``rnnviz lesson``: the list, and checking files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnviz.cli import run

LESSON = """
id = "mine"
title = {en = "Mine", tr = "Benim"}
question = {en = "Why?", tr = "Neden?"}
minutes = 4
level = 1
model = "sentiment-lstm"
text = "this movie was not good"
[[step]]
id = "mine.guess"
say = "Where will it be?"
ask = { kind = "number", of = "p(4)", within = 0.1 }
reveal = ".18."
claim = "abs(p(4) - 0.180) < 0.005"
[[step]]
id = "mine.own"
say = "Your turn."
change = { own = true, goal = "Above .8.", reached = "p() > 0.8", example = "i loved it" }
[[step]]
id = "mine.end"
say = "The end."
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(LESSON, "utf-8")
    return tmp_path


def test_the_list_has_the_shipped_lessons_and_those_of_a_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lesson", "--lessons", str(folder), "--json", "--lang", "tr"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mine"]["title"] == "Benim"
    assert (rows["mine"]["minutes"], rows["mine"]["questions"]) == (4, 1)
    assert run(["lesson", "--lessons", str(folder)]) == 0
    assert "Mine" in capsys.readouterr().out


def test_a_damaged_lesson_does_not_hide_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.toml").write_text('id = "broken"\nminutes = "four"\n', "utf-8")
    assert run(["lesson", "--lessons", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert "Mine" in out
    assert "broken.toml" in err


def test_check_prints_each_problem_with_its_step(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "mine.toml"
    assert run(["lesson", "check", str(file)]) == 0
    assert capsys.readouterr().out == "Nothing is wrong.\n"
    file.write_text(LESSON.replace("0.180) <", "0.280) <"), "utf-8")
    assert run(["lesson", "check", str(file)]) == 4
    assert f"{file} [en] mine.guess: the claim does not hold" in capsys.readouterr().out
    assert run(["lesson", "check", str(file), "--json"]) == 4
    assert {row["lang"] for row in json.loads(capsys.readouterr().out)} == {"en", "tr"}


@pytest.mark.parametrize("name", ["gone.toml", "nto", "/dev/null"])
def test_a_lesson_that_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lesson", "check", name]) == 2
    assert "There is no lesson" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "lesson"),
    [
        ("değil", "'not'"),
        ("Hava durumu", "'weather'"),
        ("conveyor", "'belt'"),
        ("zxqv", ""),
        ("ne", ""),
    ],
)
def test_a_title_names_its_lesson(
    typed: str, lesson: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lesson", typed]) == 2
    said = capsys.readouterr().err
    assert f"Did you mean {lesson}" in said if lesson else "Did you mean" not in said


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lesson", "--lessons", "/nowhere"]) == 2
    assert "/nowhere" in capsys.readouterr().err
