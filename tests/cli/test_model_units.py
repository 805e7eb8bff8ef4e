"""``rnnviz models units``: the same numbers as a table, CSV and JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from rnnviz.cli import run

TEXT = "anna\nbob\nkatherine\nmaria\nuri\n" * 6
ARGS = ("models", "units", "names-lstm", "FILE", "--untrained", "1")


@pytest.fixture
def args(tmp_path: Path) -> list[str]:
    path = tmp_path / "names.txt"
    path.write_text(TEXT, "utf-8")
    return [str(path) if each == "FILE" else each for each in ARGS]


def rows(args: list[str], capsys: pytest.CaptureFixture[str], form: str) -> Any:
    assert run([*args, form]) == 0
    said = capsys.readouterr().out
    return json.loads(said) if form == "--json" else list(csv.DictReader(said.splitlines()))


def test_json_and_csv_have_the_same_numbers(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    document, table = rows(args, capsys, "--json"), rows(args, capsys, "--csv")
    assert document["schema"] == "rnnviz.units/1" and document["untrained"] == 1
    assert document["places"] == len(TEXT.replace("\n", ""))
    units = document["units"]
    assert {"vowel", "consonant"} <= {unit["property"] for unit in units}
    for unit, row in zip(units, table, strict=True):
        assert (row["property"], row["value"]) == (unit["property"], unit["value"])
        for name in ("layer", "unit", "auc", "control", "places"):
            assert float(row[name]) == unit[name]
        for part, pair in unit["ablation"].items():
            assert float(row[f"without_{part}"]) == pair["without"]
        assert 0.5 <= unit["auc"] <= 1
    margins = [unit["auc"] - unit["control"] for unit in units]
    assert margins == sorted(margins, reverse=True)


def test_one_unit_and_several_units(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    one = rows([*args, "--unit", "3", "--no-ablation"], capsys, "--json")["units"]
    assert {each["unit"] for each in one} == {3} and one[0]["ablation"] is None
    assert len({each["property"] for each in one}) == len(one)
    two = rows([*args, "--top", "2", "--no-ablation"], capsys, "--json")["units"]
    assert len(two) == 2 * len(one)


def test_a_table_names_the_control(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*args, "--no-ablation"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "untrained nets beside it: 1" in said[0] and "untrained" in said[1]
    assert run([*args, "--lang", "tr"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "eğitilmemiş" in said[1] and any(line.startswith("ünlü ") for line in said)


@pytest.mark.parametrize(
    ("more", "code", "why"),
    [
        (("sentiment-lstm",), 2, "gives no next token"),
        (("names-lstm", "MISSING"), 2, "MISSING"),
        (("names-lstm", "--unit", "64", "--untrained", "0"), 2, "There is no unit 64"),
        (("names-lstm", "--layer", "1", "--untrained", "0"), 2, "There is no layer 1"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    more: tuple[str, ...], code: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "units", *more]) == code
    assert why in capsys.readouterr().err
