"""Results: the lines of a file, and item statistics against NumPy and worked examples."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.lessons.item_statistics import LEAST_PEOPLE, correlation, gains, item_statistics
from rnnviz.lessons.results import (
    LONGEST_LINE,
    SCHEMA,
    PersonResults,
    ResultRecord,
    ResultsFile,
    parse_result,
    read_results,
)


def record(question: str, correct: bool | None, **fields: Any) -> ResultRecord:
    values: dict[str, Any] = {"answer": 1.0 if correct else 2.0, "text": "yes" if correct else "no"}
    return ResultRecord("quiz", question, correct=correct, **values | fields)


def person(*records: ResultRecord) -> PersonResults:
    return PersonResults(Path("x"), records)


# -- files ------------------------------------------------------------------------------------


@given(
    st.builds(
        ResultRecord, st.text(min_size=1), st.text(min_size=1), st.none() | st.floats(-1e9, 1e9),
        st.none() | st.booleans(), st.floats(0, 1e5), st.sampled_from(["", "before", "after"]),
        st.text(max_size=300), st.text(max_size=8),
    )
)  # fmt: skip
def test_a_line_is_read_back(written: ResultRecord) -> None:
    line = written.line()
    assert line.count(b"\n") == 1
    found = parse_result(line)
    assert (found.lesson, found.question, found.answer, found.correct, found.phase) == (
        written.lesson, written.question, written.answer, written.correct, written.phase
    )  # fmt: skip
    assert found.text == written.text[:200]
    assert found.seconds == pytest.approx(written.seconds, abs=0.0051)


def test_answers_are_appended_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    results = ResultsFile(path)
    assert path.read_bytes() == b""
    for n in range(3):
        results.append(record(f"quiz.{n}", True))
        assert len(path.read_bytes().splitlines()) == n + 1
    results.close()
    again = ResultsFile(path)
    again.append(record("quiz.3", False))
    again.close()
    questions = [each.question for each in read_results(path).records]
    assert questions == ["quiz.0", "quiz.1", "quiz.2", "quiz.3"]
    assert set(json.loads(path.read_bytes().splitlines()[0])) == {
        "schema", "lesson", "question", "answer", "correct", "seconds", "phase", "text",
        "sitting",
    }  # fmt: skip


def test_a_line_that_was_cut_off_does_not_damage_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(record("quiz.0", True).line() + record("quiz.1", True).line()[:-9])
    assert read_results(path).unfinished
    assert read_results(path).damaged == ()
    results = ResultsFile(path)
    results.append(record("quiz.2", True))
    results.close()
    found = read_results(path)
    assert [each.question for each in found.records] == ["quiz.0", "quiz.2"]
    assert [line.number for line in found.damaged] == [2]


def test_paths_that_cannot_be_results_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    other = tmp_path / "thesis.txt"
    other.write_text("Do not touch.\n")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "no" / "a.jsonl", other, tmp_path / "pipe",
                 Path("/dev/null"), tmp_path / ("x" * 300)):  # fmt: skip
        with pytest.raises(UsageError):
            ResultsFile(path)
    assert other.read_text() == "Do not touch.\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pipe", "thesis.txt"]


def test_a_full_disk_is_an_os_error_and_the_next_line_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    results = ResultsFile(path)
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OSError, match="bytes were written"):
            results.append(record("quiz.0", True))
    results.append(record("quiz.1", True))
    results.close()
    assert [each.question for each in read_results(path).records] == ["quiz.1"]


def line(**changes: object) -> bytes:
    return json.dumps(json.loads(record("quiz.0", True).line()) | changes).encode() + b"\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"nonsense\n", "not JSON"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[1]\n", SCHEMA),
        (line(schema="rnnviz.results/9"), SCHEMA),
        (line(correct="yes"), "'correct' cannot be 'yes'"),
        (line(answer=True), "'answer' cannot be True"),
        (line(seconds=-1), "'seconds'"),
        (line(phase="during"), "'phase'"),
        (line(lesson=""), "'lesson'"),
        (b'{"schema": "rnnviz.results/1", "lesson": "a"}\n', "'question' is missing"),
        (b"x" * (3 * LONGEST_LINE) + b"\n", "not JSON"),
    ],
)
def test_damaged_lines_are_told_with_their_number(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line() + b"\n" + data + line(question="quiz.1"))
    found = read_results(path)
    assert [each.question for each in found.records] == ["quiz.0", "quiz.1"]
    assert len(found.damaged) == 1 and found.damaged[0].number == 3
    assert words in found.damaged[0].reason
    assert str(found.damaged[0]).startswith(f"{path}:3: ")


def test_a_file_that_cannot_be_read_is_invalid(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.jsonl"):
        with pytest.raises((InvalidFileError, OSError)):
            read_results(path)


# -- statistics -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_item_statistics_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people, questions = 40, 8
    ability = rng.normal(size=(people, 1))
    right = rng.random((people, questions)) < 1 / (1 + np.exp(rng.normal(size=questions) - ability))
    seconds = rng.uniform(2, 60, size=right.shape)
    results = [
        person(*(record(f"quiz.{q}", bool(right[p, q]), seconds=float(seconds[p, q]))
                 for q in range(questions)))
        for p in range(people)
    ]  # fmt: skip
    items = item_statistics(results)
    assert [item.question for item in items] == [f"quiz.{q}" for q in range(questions)]
    for q, item in enumerate(items):
        rest = np.delete(right, q, axis=1).mean(axis=1)
        assert item.n == people
        assert item.difficulty == pytest.approx(right[:, q].mean())
        assert item.discrimination == pytest.approx(np.corrcoef(right[:, q], rest)[0, 1])
        assert item.seconds == pytest.approx(np.median(seconds[:, q]))
        assert item.wrong_count == (~right[:, q]).sum()


def test_correlation_of_a_worked_example() -> None:
    # Anscombe's first data set (The American Statistician 27, 1973): r = 0.816.
    x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    assert correlation(x, y) == pytest.approx(0.81642, abs=1e-5)
    assert correlation([1, 1, 1], [1, 2, 3]) is None
    assert correlation([1], [1]) is None


def test_an_item_counts_without_itself() -> None:
    """Answers at random do not separate, though each is a part of the whole score."""
    rng = np.random.default_rng(1)
    right = rng.random((400, 2)) < 0.5
    items = item_statistics([
        person(*(record(f"quiz.{q}", bool(row[q])) for q in range(2))) for row in right
    ])  # fmt: skip
    r = np.corrcoef(right.T)[0, 1]
    assert [item.discrimination for item in items] == pytest.approx([r, r])
    assert abs(r) < 0.1
    assert np.corrcoef(right[:, 0], right.sum(axis=1))[0, 1] > 0.6


def test_few_people_have_no_discrimination() -> None:
    def class_of(n: int) -> list[PersonResults]:
        return [person(record("quiz.0", p % 2 == 0), record("quiz.1", p % 2 == 0, answer=3.0))
                for p in range(n)]  # fmt: skip

    assert item_statistics(class_of(LEAST_PEOPLE - 1))[0].discrimination is None
    assert item_statistics(class_of(LEAST_PEOPLE))[0].discrimination == pytest.approx(1)
    alone = [person(record("quiz.0", p % 2 == 0)) for p in range(20)]
    assert item_statistics(alone)[0].discrimination is None


def test_the_last_answer_of_the_first_sitting_counts_and_no_answer_does_not() -> None:
    items = item_statistics([
        person(record("quiz.0", True, sitting="a"), record("quiz.0", False, sitting="a"),
               record("quiz.0", True, sitting="b")),
        person(record("quiz.0", None, answer=None), record("quiz.0", True)),
        person(record("quiz.0", True), record("quiz.0", True, phase="after")),
    ])  # fmt: skip
    assert [(item.phase, item.n, item.difficulty) for item in items] == [
        ("", 2, 0.5), ("after", 1, 1.0)
    ]  # fmt: skip


def test_the_most_chosen_wrong_answer() -> None:
    wrong = ["fades", "grows", "grows", "stays"]
    items = item_statistics([
        *(person(record("quiz.0", False, text=text)) for text in wrong),
        person(record("quiz.0", True, text="right")),
        person(ResultRecord("quiz", "quiz.1", 0.25, False)),
    ])  # fmt: skip
    assert (items[0].wrong, items[0].wrong_count) == ("grows", 2)
    assert items[1].wrong == "0.25"


def test_the_normalized_gain_of_a_worked_example() -> None:
    # Hake's definition: from 40 % to 70 % is half of what could be gained, <g> = 30 / 60.
    def answers(right: int, phase: Any, of: int = 10) -> list[list[ResultRecord]]:
        return [[record("quiz.0", p < right, phase=phase)] for p in range(of)]

    pairs = zip(answers(4, "before"), answers(7, "after"), strict=True)
    results = [person(*before, *after) for before, after in pairs]
    for gain in gains(results):
        assert (gain.n, gain.before, gain.after) == (10, 0.4, 0.7)
        assert gain.gain == pytest.approx(0.5)
    assert [gain.question for gain in gains(results)] == ["quiz.0", ""]


def test_the_gain_is_of_those_who_answered_both() -> None:
    results = [
        person(record("quiz.0", False, phase="before"), record("quiz.0", True, phase="after")),
        person(record("quiz.0", True, phase="before")),
        person(record("quiz.0", True, phase="after")),
        person(record("quiz.1", True, phase="before"), record("quiz.1", False, phase="after")),
        person(record("quiz.2", True, phase="before")),
    ]
    found = {gain.question: gain for gain in gains(results)}
    assert (found["quiz.0"].n, found["quiz.0"].gain) == (1, 1.0)
    assert (found["quiz.1"].n, found["quiz.1"].gain) == (1, None)  # nothing was left to gain
    assert (found["quiz.2"].n, found["quiz.2"].gain) == (0, None)
    assert (found[""].n, found[""].before, found[""].after) == (2, 0.5, 0.5)
    assert gains([person(record("quiz.0", True))]) == []
