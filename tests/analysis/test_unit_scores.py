"""The AUC of units, beside a count of all pairs."""

from __future__ import annotations

import numpy as np

from rnnviz.analysis.text_properties import PROPERTIES
from rnnviz.analysis.unit_scores import areas_under_curve, ranks_of, strength


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    """Ties count half."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (90, 5)).astype(np.float32)
    holds = rng.random(90) < 0.4
    found = areas_under_curve(ranks_of(values), holds)
    for unit, area in enumerate(found):
        yes, no = values[holds, unit][:, None], values[~holds, unit]
        wanted = ((yes > no) + 0.5 * (yes == no)).mean()
        np.testing.assert_allclose(area, wanted, 1e-12)


def test_a_unit_that_follows_the_property_has_area_one_or_zero() -> None:
    holds = np.arange(60) % 2 == 0
    values = np.stack([holds, ~holds, np.zeros(60)], axis=1).astype(np.float32)
    found = areas_under_curve(ranks_of(values), holds)
    np.testing.assert_allclose(found, [1, 0, 0.5])
    np.testing.assert_allclose(strength(found), [1, 1, 0.5])


def test_too_few_places_give_no_score() -> None:
    holds = np.arange(60) < 3
    assert np.isnan(areas_under_curve(ranks_of(np.ones((60, 2))), holds)).all()


TEXT = 'KING LEAR:\nSay "now" or be\n'


def held(name: str) -> str:
    """The characters of TEXT for which a property holds."""
    return "".join(c for c, holds in zip(TEXT, PROPERTIES[name](TEXT), strict=True) if holds)


def test_the_properties_hold_where_their_names_say() -> None:
    assert held("letter") == "KINGLEARSaynoworbe"
    assert held("vowel") == "IEAaooe"
    assert held("consonant") == "KNGLRSynwrb"
    assert held("capital") == "KINGLEARS"
    assert held("space") == "    "
    assert held("word start") == "KLSnob"
    assert held("later in a word") == "NGARyw"
    assert held("line end") == "\n\n"
    assert held("speaker") == "ING LEAR:"
    assert held("quotation") == 'now"'
    assert held("early in the line") == "KING LEAR" + ":" + 'Say "now" '
    assert held("late in the line") == ""
