"""When a word began to matter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnviz.analysis.learning import LEAST, Learning, first_lasting


@pytest.mark.parametrize(
    ("effects", "index"),
    [
        ([0, 0, 0.3, 0.4], 2),
        ([0, 0, -0.3, -0.2], 2),
        ([0.3, 0.3], 0),  # from the first snapshot on
        ([0, 0.5, 0.1, 0.3], 3),  # it did not last
        ([0, 0.5, -0.5, -0.6], 2),  # the other way before
        ([0.9, 0.9, 0.1], None),  # not at the end
        ([0, 0.199], None),
        ([0.0], None),
        ([0.2, math.nan], None),
        ([math.nan, 0.2], 1),
    ],
)
def test_the_first_snapshot_from_which_on_a_word_moves_the_end(
    effects: list[float], index: int | None
) -> None:
    assert first_lasting(np.array(effects), 0.2) == index


def made() -> Learning:
    """Three snapshots of two words: the first matters from the second one on."""
    outputs = np.array([[[0.5], [0.5]], [[0.5], [0.1]], [[0.6], [0.2]]])
    without = np.array([[[0.5], [np.nan]], [[0.4], [np.nan]], [[0.9], [np.nan]]])
    return Learning("run", (0, 4, 9), (0, 1, 1), ("not", "good"), ("p",), outputs, without, {})


def test_the_effect_of_a_word_is_the_end_with_it_minus_the_end_without_it() -> None:
    assert made().effects(0)[:, 0] == pytest.approx([0, -0.3, -0.7])
    assert made().onset(0, 0) == 1
    assert made().onset(0, 0, least=0.5) == 2
    assert made().onset(1, 0) is None
    assert LEAST == 0.2


@pytest.mark.parametrize(
    ("step", "index"), [(None, 2), (0, 0), (3, 0), (4, 1), (8, 1), (9, 2), (99, 2), (-5, 0)]
)
def test_the_snapshot_of_a_step_is_the_last_one_up_to_it(step: int | None, index: int) -> None:
    assert made().index(step) == index
    assert made().model(made().index(step)) == f"run@{made().steps[index]}"


@pytest.mark.parametrize(
    ("model", "step"),
    [
        ("run", None),
        ("run@4", 4),
        ("/a@1/run/snapshots/9.safetensors", 9),
        ("run@x", None),
        ("last@4", 4),
    ],
)
def test_a_model_is_the_run_or_a_snapshot_of_it(model: str, step: int | None) -> None:
    assert made().step_of(model) == step
