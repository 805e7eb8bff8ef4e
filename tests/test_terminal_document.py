"""``assets/docs/terminal.md``: every promise has its tests, and every test that is named exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+) \|$",
    (ROOT / "assets/docs/terminal.md").read_text("utf-8"),
    re.M,
)
#: Promises that no test can hold here: they are about what this version does not have.
UNTRIED = {"26"}


def test_the_table_has_all_twenty_seven_promises() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 28))
    for number, promise, tests in ROWS:
        assert promise.strip()
        assert ("::" in tests) == (number not in UNTRIED), number


def test_every_test_of_the_table_exists() -> None:
    named = [name for _, _, tests in ROWS for name in re.findall(r"`([^`]+)`", tests)]
    assert len(named) > 40
    missing = []
    for name in named:
        path, _, test = name.partition("::")
        source = (ROOT / path).read_text("utf-8") if (ROOT / path).is_file() else ""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = {node.name for node in ast.parse(source).body if isinstance(node, kinds)}
        if test not in found:
            missing.append(name)
    assert missing == []
