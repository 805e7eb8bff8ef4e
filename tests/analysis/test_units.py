"""What a unit responds to: found over a small made corpus, checked by trying every place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.analysis.units import (
    MIN_OVERLAP,
    CorpusStates,
    active_units,
    extremes,
    matches,
    most_saturated,
)

H = 5


def heard(seed: int, texts: int = 8) -> CorpusStates:
    """Random states; several places of a text may be extreme."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 7, texts)
    N = int(lengths.sum())
    shares = {gate: np.round(rng.random(H), 2) * (np.arange(H) > 1) for gate in "if"}
    return CorpusStates(
        source="made",
        texts=tuple(tuple(f"w{n}.{t}" for t in range(k)) for n, k in enumerate(lengths)),
        text=np.repeat(np.arange(texts), lengths),
        token=np.concatenate([np.arange(k) for k in lengths]),
        h=rng.uniform(-1, 1, (N, H)).astype(np.float32),
        right_saturated=shares,
        left_saturated=shares,
    )


SEEDS = st.integers(0, 999)


@given(SEEDS, st.booleans())
def test_the_extremes_are_the_largest_of_each_text(seed: int, highest: bool) -> None:
    it = heard(seed)
    found = extremes(it, 2, 4, highest)
    sign = 1 if highest else -1
    best = sorted(
        (max(sign * float(it.h[n, 2]) for n in np.flatnonzero(it.text == k)) for k in range(8)),
        reverse=True,
    )
    assert [sign * float(it.h[n, 2]) for n in found] == best[:4]


@given(SEEDS, st.sampled_from([0.0, 0.3, 0.6]))
def test_matches_are_all_places_that_share_half_by_overlap(seed: int, threshold: float) -> None:
    it = heard(seed)
    state = tuple(float(v) for v in it.h[0])
    here = set(active_units(np.array(state), threshold))
    found = matches(it, state, threshold, 100)
    if not here:
        assert found == ()
        return
    expected: dict[int, float] = {}
    for n, row in enumerate(it.h):
        there = set(active_units(row, threshold))
        if len(here & there) >= MIN_OVERLAP * len(here):
            text = int(it.text[n])
            overlap = len(here & there) / len(here | there)
            expected[text] = max(overlap, expected.get(text, 0.0))
    assert {int(it.text[m.place]): m.overlap for m in found} == pytest.approx(expected)
    overlaps = [m.overlap for m in found]
    assert overlaps == sorted(overlaps, reverse=True)
    for match in found:
        there = set(active_units(it.h[match.place], threshold))
        assert (match.both, match.either) == (len(here & there), len(here | there))


@given(SEEDS)
def test_a_place_matches_itself_first(seed: int) -> None:
    it = heard(seed)
    state = tuple(float(v) for v in it.h[3])
    found = matches(it, state, 0.1, 1)
    if active_units(np.array(state), 0.1):
        assert found[0].place == 3 and found[0].overlap == 1


def test_a_context_is_the_words_around_a_place() -> None:
    it = heard(1)
    for place, (text, t) in enumerate(zip(it.text, it.token, strict=True)):
        before, word, after = it.context(place)
        assert (*before, word, *after) == it.texts[text] and len(before) == t


def test_saturated_gates_come_with_the_largest_share_first_and_without_those_at_zero() -> None:
    it = heard(2)
    found = most_saturated(it, "f", "right", 10)
    assert [share for _, share in found] == sorted((s for _, s in found), reverse=True)
    assert (
        {n for n, _ in found}
        == {n for n in range(H) if it.right_saturated["f"][n] > 0}
        <= {2, 3, 4}
    )
    assert all(share == it.right_saturated["f"][n] for n, share in found)
