"""A trace in a notebook: its picture, and its table for pandas."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from types import ModuleType
from typing import Any

import pytest

import rnnviz
from rnnviz.errors import MissingError
from rnnviz.trace.table import COLUMNS, value_rows

TEXT = "this movie was not good"


def test_a_trace_shows_itself_as_svg() -> None:
    svg = rnnviz.step(TEXT)._repr_svg_()  # type: ignore[attr-defined]
    words = " ".join(ElementTree.fromstring(svg).itertext())
    for word in (*TEXT.split(), "forget", "gate", "hidden", "state"):
        assert word in words


def test_its_table_has_a_row_for_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas: Any = ModuleType("pandas")

    class DataFrame:
        @classmethod
        def from_records(cls, rows: list[Any], columns: list[str]) -> Any:
            return rows, columns

    pandas.DataFrame = DataFrame
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    trace = rnnviz.step("not good")
    rows, columns = trace.to_pandas()
    assert tuple(columns) == COLUMNS
    assert rows == list(value_rows(trace))
    assert len(rows) == sum(
        layer.values[name].size for layer in trace.layers for name in layer.recorded
    )
    t, token, layer, name, unit, value, grad = rows[-1]
    assert (t, token, layer, name, unit) == (1, "good", "lstm", "h", 31)
    assert value == float(trace.layers[0].values["h"][1, 31])
    assert grad == float(trace.layers[0].grads["h"][1, 31])


def test_without_pandas_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingError, match="pip install pandas"):
        rnnviz.step("not good").to_pandas()
