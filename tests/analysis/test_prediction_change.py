"""What a token changed: the units' terms add up to the change of the score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnviz.analysis.prediction_change import SURE, belief, prediction_change
from rnnviz.clamps import parse
from rnnviz.query import Query
from rnnviz.tracer import trace
from tests.tui.small_models import DRAWN, made, stored

LABELS = ("World", "Sports", "Business", "Sci/Tech")


def log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


@pytest.mark.parametrize("cell", DRAWN)
@pytest.mark.parametrize("layers", [1, 2])
def test_terms_add_up_to_the_change_of_the_log_odds(cell: str, layers: int) -> None:
    found = made(cell=cell, layers=layers)
    for label, t in ((1, 0), (1, 3), (0, 4)):
        moved = prediction_change(found, t, label)
        assert moved.units is not None and moved.before is not None
        assert moved.after == found.head.readout[t, label]
        if t:
            assert moved.before == found.head.readout[t - 1, label]
        change = log_odds(moved.after) - log_odds(moved.before)
        assert moved.units.values.sum() == pytest.approx(change, abs=2e-5)


def test_with_four_labels_terms_add_up_to_the_log_ratio_to_the_rival() -> None:
    found = made(labels=LABELS)
    for t in range(5):
        for label in range(4):
            moved = prediction_change(found, t, label)
            assert moved.units is not None and moved.rival not in (None, label)
            assert found.head.readout[t, moved.rival] == max(
                np.delete(found.head.readout[t], label)
            )
            if t:
                ratio = np.log(found.head.readout[:, label] / found.head.readout[:, moved.rival])
                change = ratio[t] - ratio[t - 1]
                assert moved.units.values.sum() == pytest.approx(change, abs=2e-5)


def test_before_the_first_token_the_head_reads_the_initial_state() -> None:
    head = made().head
    moved = prediction_change(made(), 0, 1)
    assert moved.before == pytest.approx(1 / (1 + np.exp(-float(head.b[0]))))


def test_in_both_directions_no_unit_is_named() -> None:
    found = made(bidirectional=True)
    assert prediction_change(found, 0, 1).before is None
    assert prediction_change(found, 3, 1).before == found.head.readout[2, 1]
    assert prediction_change(found, 3, 1).units is None


def test_of_a_clamped_state_the_clamped_value_counts() -> None:
    clamps = (parse("h[*,2]=0.5"),)
    found = trace(stored(), Query("this movie was not good", "lstm", clamps=clamps))
    moved = prediction_change(found, 3, 1)
    assert moved.units is not None and moved.before is not None
    assert moved.units.values[2] == 0
    change = log_odds(moved.after) - log_odds(moved.before)
    assert moved.units.values.sum() == pytest.approx(change, abs=2e-5)


@pytest.mark.parametrize(
    ("shares", "label"), [((0.41, 0.59), None), ((0.2, 0.8), 1), ((0.61, 0.39), 0)]
)
def test_a_small_lead_is_not_a_belief(shares: tuple[float, float], label: int | None) -> None:
    base = made()
    found = replace(base, head=replace(base.head, readout=np.array([shares] * 5)))
    assert belief(found, 2) == label
    assert (abs(shares[0] - shares[1]) < SURE) == (label is None)
