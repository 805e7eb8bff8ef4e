"""``rnnviz results``: tables, JSON, CSV, and files that are damaged or growing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from rnnviz.cli import run
from rnnviz.lessons.results import ResultRecord

HOSTILE = "\x1b[31m[bold]red\n"


def write(path: Path, *records: ResultRecord, more: bytes = b"") -> str:
    path.write_bytes(b"".join(record.line() for record in records) + more)
    return str(path)


def answers(path: Path, right: str, phase: str) -> str:
    """A person's file with answers to two questions: "10" is right and wrong."""
    records = [
        ResultRecord("quiz", f"quiz.{n}", 1.0, mark == "1", 4.0 + n, phase, "yes")  # type: ignore[arg-type]
        for n, mark in enumerate(right)
    ]
    old = path.read_bytes() if path.exists() else b""
    path.write_bytes(old + b"".join(record.line() for record in records))
    return str(path)


def test_before_and_after_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for n in range(12):
        path = tmp_path / f"{n}.jsonl"
        answers(path, "00" if n % 2 else "11", "before")
        files.append(answers(path, "11" if n else "01", "after"))
    assert run(["results", *files]) == 0
    out = capsys.readouterr()
    assert out.err == ""
    lines = [" ".join(line.split()) for line in out.out.splitlines()]
    assert "quiz.0 before 12 0.50 1.00 4 yes (6)" in lines
    assert "quiz.1 after 12 1.00 – 5 –" in lines
    assert "quiz.0 12 0.50 0.92 0.83" in lines
    assert "all of quiz 24 0.50 0.96 0.92" in lines
    assert "n = " not in out.out


def test_few_answers_are_said_to_be_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [answers(tmp_path / f"{n}.jsonl", "10", "") for n in range(3)]
    assert run(["results", *files, files[0]]) == 0
    out = capsys.readouterr().out
    assert "3 files" in out  # the one that is named twice counts once
    assert "n = 3: whether a question separates is given from n = 10 on" in out


def test_json_and_csv_are_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = answers(tmp_path / "a.jsonl", "10", "before")
    answers(tmp_path / "a.jsonl", "11", "after")
    assert run(["results", file, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["people"] == 1
    assert run(["results", file, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(document["items"]) == 4
    for row, item in zip(rows, document["items"], strict=True):
        assert float(row["difficulty"]) == item["difficulty"]
        assert row["question"] == item["question"]
    assert [row["gain"] for row in rows] == ["", "", "", "1.0"]
    assert document["gains"][-1] == {
        "lesson": "quiz", "question": "", "n": 2, "before": 0.5, "after": 1.0, "gain": 1.0
    }  # fmt: skip


def test_damaged_lines_are_reported_and_the_rest_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    answers(path, "10", "")
    path.write_bytes(b"oops\n" + path.read_bytes() + b'{"schema": "x"}\n' * 20)
    assert run(["results", str(path), "--json"]) == 4
    out = capsys.readouterr()
    assert len(json.loads(out.out)["items"]) == 2
    assert f"{path}:1: not JSON" in out.err
    assert "and 11 more damaged lines" in out.err


def test_a_file_that_is_being_written_is_not_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    answers(path, "10", "")
    path.write_bytes(path.read_bytes() + b'{"schema": "rnnviz.res')
    assert run(["results", str(path)]) == 0
    assert "last line is not complete" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["results", str(tmp_path / name)]) == 2
    assert 1 <= len(capsys.readouterr().err.strip().splitlines()) <= 2


def test_texts_of_a_file_cannot_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = ResultRecord(HOSTILE, HOSTILE, 1.0, False, 1.0, "", HOSTILE)
    assert run(["results", write(tmp_path / "a.jsonl", record)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "[bold]" in out


def test_no_answers_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["results", write(tmp_path / "a.jsonl")]) == 0
    out = capsys.readouterr()
    assert out.out == "" and "no answers" in out.err
