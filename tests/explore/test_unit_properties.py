"""The scores of units of a net that writes, and the net without one of them."""

from __future__ import annotations

import numpy as np
import pytest

import rnnviz
from rnnviz.analysis.unit_properties import AblationQuestion, PropertyQuestion
from rnnviz.errors import UsageError
from rnnviz.explore import explorer
from rnnviz.explore.unit_properties import without_unit
from rnnviz.model_files import load

NET, UNIT = "shakespeare-lstm", 6
TEXT = "ROMEO:\nIt is the east, and Juliet is the sun.\n" * 9


def test_a_unit_is_left_out_as_if_its_output_were_zero() -> None:
    stored, text = load(NET), "ROMEO:\nI would"
    held = rnnviz.step(text, model=NET, clamps=[f"h[*,{UNIT}]=0"])
    ids = np.array(held.ids)[:, None]
    found = without_unit(stored.model, UNIT).logits(ids)[:, 0]
    np.testing.assert_allclose(found, held.head.logits, 1e-4, 1e-4)
    assert np.abs(found - stored.model.logits(ids)[:, 0]).max() > 0.1


def test_scores_are_between_a_half_and_one_and_stand_beside_untrained_nets() -> None:
    found = explorer()(PropertyQuestion(NET, text=TEXT, untrained=1))
    assert found.holds["letter"] > 100 and found.places <= len(TEXT)
    ranked = found.ranked("letter")
    assert len(ranked) == 2 * 128  # h and c of each unit
    assert all(0.5 <= value <= 1 for value, _, _ in ranked)
    assert ranked[0][0] > found.control("letter") > 0.5


def test_an_ablation_has_the_loss_with_and_without_the_unit() -> None:
    found = explorer()(AblationQuestion(NET, UNIT, text=TEXT))
    whole, without = found.everywhere
    assert 0 < whole < 6 and whole != without
    share = found.where["letter"], found.elsewhere["letter"]
    assert min(s[0] for s in share) <= whole <= max(s[0] for s in share)


def test_a_net_that_does_not_write_has_no_such_scores() -> None:
    with pytest.raises(UsageError, match="gives no next token"):
        explorer()(PropertyQuestion("sentiment-lstm", text=TEXT))
