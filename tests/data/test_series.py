"""Scaling: by the training rows, there and back, and only as its JSON says."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rnnviz.data.series import Scaling

WINDOW: dict[str, Any] = {"lookback": 1440, "step": 6, "delay": 144, "target": 1}
DATA = np.array([[1.0, 10.0], [2.0, 14.0], [3.0, 24.0]])


def scaling() -> Scaling:
    return Scaling.of(DATA, ("p", "T (degC)"), **WINDOW)


def test_the_deviation_is_that_of_the_population() -> None:
    """As numpy's std has it: divided by N, not by N − 1."""
    assert scaling().mean == (2.0, 16.0)
    assert scaling().std == pytest.approx((np.sqrt(2 / 3), np.sqrt(104 / 3)))


def test_what_is_scaled_comes_back_in_the_targets_unit() -> None:
    scaled = scaling().apply(DATA)
    assert scaled.dtype == np.float32
    assert scaled.mean(0) == pytest.approx([0, 0], abs=1e-6)
    np.testing.assert_allclose(scaling().restore(scaled[:, 1]), DATA[:, 1], rtol=1e-6)


def test_ten_days_are_240_hourly_steps() -> None:
    assert scaling().steps == 240
    assert len(scaling()) == 2


def test_json_round_trip() -> None:
    again = Scaling.from_json(json.loads(json.dumps(scaling().to_json())))
    assert again == scaling()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"std": [1.0, 0.0]}, "greater than zero"),
        ({"mean": [1.0, float("nan")]}, "finite"),
        ({"mean": [1.0]}, "every column"),
        ({"columns": "pT"}, "lists"),
        ({"columns": ["p", 3]}, "names"),
        ({"mean": ["a", "b"]}, "not a scaling"),
        ({"target": 2}, "is invalid"),
        ({"step": 0}, "is invalid"),
        ({"lookback": 5}, "is invalid"),
        ({"step": 6.0}, "whole numbers"),
        ({"reverse": 1}, "true or false"),
        ({"more": 1}, "must have"),
    ],
)
def test_from_json_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scaling.from_json({**scaling().to_json(), **change})
    with pytest.raises(ValueError, match="must have"):
        Scaling.from_json(None)
