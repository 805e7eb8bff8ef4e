"""Alignments are of both whole texts, as small as any, and the same for the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.analysis import alignment
from rnnviz.analysis.alignment import align, edit_count
from rnnviz.errors import UsageError

SHORT = st.lists(st.sampled_from(["a", "b", "c", "not"]), max_size=6).map(tuple)
LONG = st.lists(st.sampled_from("abcdef"), max_size=30).map(tuple)


@cache
def smallest(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """By trying everything: the fewest edits, and minus the most equal pairs among those."""
    if not a or not b:
        return len(a) + len(b), 0
    pair = smallest(a[1:], b[1:])
    pair = (pair[0], pair[1] - 1) if a[0] == b[0] else (pair[0] + 1, pair[1])
    left, right = smallest(a[1:], b), smallest(a, b[1:])
    return min(pair, (left[0] + 1, left[1]), (right[0] + 1, right[1]))


@given(LONG, LONG)
def test_every_token_of_both_stands_in_one_pair_and_in_order(
    a: Sequence[str], b: Sequence[str]
) -> None:
    pairs = align(a, b)
    assert [i for i, _ in pairs if i is not None] == list(range(len(a)))
    assert [j for _, j in pairs if j is not None] == list(range(len(b)))
    assert (None, None) not in pairs


@given(SHORT, SHORT)
def test_no_other_alignment_has_fewer_edits_or_as_few_and_more_equal_pairs(
    a: Sequence[str], b: Sequence[str]
) -> None:
    pairs = align(a, b)
    equal = sum(i is not None and j is not None and a[i] == b[j] for i, j in pairs)
    assert (edit_count(pairs, a, b), -equal) == smallest(a, b)


@given(LONG)
def test_a_text_is_aligned_with_itself_token_by_token(a: Sequence[str]) -> None:
    assert align(a, a) == tuple((n, n) for n in range(len(a)))


@given(LONG, LONG, LONG)
def test_an_equal_beginning_is_paired_one_to_one(
    start: Sequence[str], a: Sequence[str], b: Sequence[str]
) -> None:
    pairs = align((*start, *a), (*start, *b))
    assert pairs[: len(start)] == tuple((n, n) for n in range(len(start)))


@given(LONG, LONG)
def test_changing_places_changes_no_cost(a: Sequence[str], b: Sequence[str]) -> None:
    assert edit_count(align(a, b), a, b) == edit_count(align(b, a), b, a)


@pytest.mark.parametrize(
    ("a", "b", "pairs"),
    [
        ("was not good", "was good", [(0, 0), (1, None), (2, 1)]),
        ("was good", "was not good", [(0, 0), (None, 1), (1, 2)]),
        ("good", "bad", [(0, 0)]),
        ("very very good", "very good", [(0, 0), (1, None), (2, 1)]),
        ("not good at all", "bad", [(0, 0), (1, None), (2, None), (3, None)]),
        ("a b", "b a", [(0, None), (1, 0), (None, 1)]),
        ("good", "", [(0, None)]),
        ("", "", []),
    ],
)
def test_of_equally_small_ones_it_takes_the_expected(
    a: str, b: str, pairs: list[tuple[int | None, int | None]]
) -> None:
    assert list(align(a.split(), b.split())) == pairs


def test_texts_that_are_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MAX_CELLS", 20)
    assert len(align("abc", "defg")) == 4
    with pytest.raises(UsageError, match="4 and 4 different words"):
        align("abcd", "efgh")
    # What is equal at the beginning takes no room.
    assert len(align("x" * 50 + "a", "x" * 50 + "b")) == 51
