"""The page on how to write a lesson: its example is a lesson, and no key or function is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnnviz import explore
from rnnviz.lessons import claims, reader
from rnnviz.lessons.check import check

TEXT = (Path(__file__).parents[2] / "assets/docs/lessons.md").read_text("utf-8")


def test_the_example_is_a_lesson_without_problems(tmp_path: Path) -> None:
    match = re.search(r"```toml\n(.*?)```", TEXT, re.S)
    assert match is not None
    file = tmp_path / "mine.toml"
    file.write_text(match[1], "utf-8")
    assert [str(problem) for problem in check(file, explore.explorer())] == []


@pytest.mark.parametrize("key", sorted({*reader.KEYS}))
def test_every_key_is_described(key: str) -> None:
    assert re.search(rf"`{key}\b|\b{key}`", TEXT)


@pytest.mark.parametrize("name", claims.names())
def test_every_function_is_described(name: str) -> None:
    described = "".join(re.findall(r"^\| (`[^|]*) \|", TEXT, re.M))
    assert re.search(rf"\b{name}\b", described)
