"""Lesson files: a good one has no problems, and each fault is reported where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnviz import explore
from rnnviz.errors import InvalidFileError
from rnnviz.lessons.check import check
from rnnviz.lessons.reader import read

LESSON = """
id = "small"
title = {en = "A", tr = "B"}
question = {en = "C?", tr = "D?"}
minutes = 5
level = 1
model = "sentiment-lstm"
text = "this movie was not good"

[[step]]
id = "small.guess"
say = "Where will it be?"
cursor = { token = 3 }
ask = { kind = "number", of = "p(4)", within = 0.1, why = true }
reveal = ".18."
claim = ["abs(p(4) - 0.180) < 0.005", "p(3) > p(4)"]

[[step]]
id = "small.wipe"
say = "Wipe it: .16, or .36."
change = [{ clamp = "h[3]=0" }, { clamp = "f[4]=0" }]
claim = ["abs(p(5, clamp='h[3]=0') - 0.161) < 0.01", "abs(p(5, clamp='f[4]=0') - 0.36) < 0.01"]

[[step]]
id = "small.own"
say = "Your turn."
change = { own = true, goal = "Above .8.", reached = "p() > 0.8", example = "i loved it" }

[[step]]
id = "small.end"
say = "The end."
"""


@pytest.fixture(scope="module")
def explorer() -> explore.Explorer:
    return explore.explorer()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "small.toml"


def problems(file: Path, explorer: explore.Explorer, text: str) -> list[str]:
    file.write_text(text, "utf-8")
    return [str(problem) for problem in check(file, explorer, ("units",))]


def test_a_good_lesson_has_no_problems(file: Path, explorer: explore.Explorer) -> None:
    assert problems(file, explorer, LESSON) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.180) < 0.005", "0.190) < 0.005", "small.guess: the claim does not hold"),
        ("p(3) > p(4)", "p(3) < p(4)", "(p(3) is 0.39"),
        ("p(3) > p(4)", "p(9) > p(4)", "token 9: this text has tokens 1 to 5"),
        ("p(3) > p(4)", "p(3)", "a claim is true or false"),
        ("p(3) > p(4)", "q_(3) > 1", "there is no function 'q_'"),
        ('reveal = ".18."', 'reveal = ".21."', "no claim of the step has the number .21"),
        ("token = 3", "token = 6", "token 6: this text has tokens 1 to 5"),
        ("token = 3", 'token = 3, part = "forgt"', "there is no part 'forgt'"),
        ("token = 3", "token = 3, unit = 32", "unit 32: units 0 to 31"),
        ("i loved it", "i hated it", "does not reach the goal"),
        ("p() > 0.8", "p() > 0.8 or p() < 0.8", "the goal is reached before"),
        ('say = "Your turn."', f'say = "{"word " * 41}"', "say has 41 words"),
        ('say = "Your turn."', 'say = "Your turn."\nview = "unit"', "there is no view 'unit'"),
        ("minutes = 5", "minutes = 9", "minutes = 9 is not from 4 to 8"),
        ('clamp = "h[3]=0"', 'clamp = "h[9]=0"', "change:"),
        (
            'say = "Your turn."',
            'say = "Your turn."\nask = { kind = "word", right = 4 }',
            "the answer is not revealed",
        ),
        ('say = "The end."', 'say = "The end."\nchange = { random = 1 }', "the last step"),
    ],
)
def test_faults_are_found(
    file: Path, explorer: explore.Explorer, old: str, new: str, expected: str
) -> None:
    assert old in LESSON
    found = problems(file, explorer, LESSON.replace(old, new))
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('id = "small"', 'id = "Small!"', "use small letters"),
        ("minutes = 5", 'minutes = "5"', "the lesson: minutes is not an integer"),
        ("level = 1", "levl = 1", "there is no key 'levl'. Did you mean 'level'?"),
        ('tr = "B"', 'de = "B"', "title is not a text"),
        ('{en = "A", tr = "B"}', '{en = "A"}', "title has no text for 'tr'"),
        ('"small.wipe"', '"small.guess"', "step 2 (small.guess): another step has the same id"),
        ('"small.wipe"', '"large.wipe"', "begins with that of its lesson"),
        ('kind = "number"', 'kind = "nmber"', 'is not "choice", "number" or "word"'),
        ("within = 0.1, ", "", "a number has of"),
        ('clamp = "h[3]=0"', 'clamp = "h[3="', "Clamp 'h[3='"),
        ('text = "this movie was not good"', 'text_file = "../../etc/passwd"', "not in the folder"),
        ('text = "this movie was not good"', 'text_file = "gone.txt"', "gone.txt"),
        ("[[step]]", "[[stap]]", "there is no key 'stap'"),
        ('id = "small"', "id = ", "is not a lesson"),
    ],
)
def test_what_is_not_a_lesson_is_an_error(file: Path, old: str, new: str, expected: str) -> None:
    assert old in LESSON
    file.write_text(LESSON.replace(old, new), "utf-8")
    with pytest.raises(InvalidFileError) as raised:
        for lang in ("en", "tr"):
            read(file, lang)
    assert expected in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_text_names_the_key_of_an_action(file: Path, explorer: explore.Explorer) -> None:
    text = LESSON.replace("Your turn.", "Press {key.token_on}, {key.gone} or {this}.")
    file.write_text(text, "utf-8")
    keys = {"token_on": "→"}
    assert read(file, "en", keys).steps[2].say == "Press →, {key.gone} or {this}."
    found = check(file, explorer, langs=("en",), actions=tuple(keys))
    assert [each.message for each in found] == ["say: there is no action 'gone' with a key."]
