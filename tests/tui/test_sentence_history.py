"""The history of sentences: what is kept, and folders that take no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnviz.tui.step.sentence_history import LONGEST, MOST, SentenceHistory


def test_the_newest_is_last_and_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sentences.txt"
    history = SentenceHistory(path)
    for sentence in ("good", " not good ", "good", "ılık bir gün"):
        history.add(sentence)
    assert history.sentences == ("not good", "good", "ılık bir gün")
    assert SentenceHistory(path).sentences == history.sentences
    assert [file.name for file in path.parent.iterdir()] == ["sentences.txt"]


def test_another_app_adds_to_the_same_file(tmp_path: Path) -> None:
    one, other = (SentenceHistory(tmp_path / "s.txt") for _ in range(2))
    one.add("first")
    other.add("second")
    one.add("third")
    assert SentenceHistory(tmp_path / "s.txt").sentences == ("first", "second", "third")


def test_the_oldest_are_dropped(tmp_path: Path) -> None:
    history = SentenceHistory(tmp_path / "s.txt")
    for n in range(MOST + 5):
        history.add(f"sentence {n}")
    assert len(history.sentences) == MOST
    assert history.sentences[0] == "sentence 5"


@pytest.mark.parametrize("sentence", ["", "  ", "a\x1b[2Jb", "a\nb", "x" * (LONGEST + 1)])
def test_what_is_no_line_of_text_is_not_kept(sentence: str) -> None:
    history = SentenceHistory()
    history.add(sentence)
    assert history.sentences == ()


def test_without_a_place_to_write_it_lasts_as_long_as_the_app(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "s.txt", tmp_path, Path("/proc/no/s.txt"), None):
        history = SentenceHistory(path)
        history.add("good")
        history.add("not good")
        assert history.sentences == ("good", "not good")


def test_a_damaged_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_bytes(b"\xff\xfe\x00\x1b[2J\ngood\n\n")
    assert SentenceHistory(path).sentences == ("good",)
