"""Two readings side by side: distances, where they part, and the units that make it so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnnviz.analysis.difference import THRESHOLD, compare, logit_contributions, value_changes
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.trace import LayerTrace, Trace
from tests.tui.small_models import made, stored

A, B = "this movie was not good", "this movie was good movie movie"
CELLS = ("rnn", "lstm", "gru")


def states(trace: Trace, t: int) -> list[float]:
    return [
        float(value)
        for layer in trace.layers
        for state in layer.states
        for value in layer.values[state][t]
    ]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_distance_is_that_of_all_states_after_the_pair(cell: str, layers: int) -> None:
    a, b = made(A, cell, layers=layers), made(B, cell, layers=layers)
    found = compare(a, b)
    for (i, j), far in zip(found.pairs, found.distances, strict=True):
        if i is None or j is None:
            assert far is None
            continue
        pairs = zip(states(a, i), states(b, j), strict=True)
        assert far == pytest.approx(sum((x - y) ** 2 for x, y in pairs) ** 0.5, abs=1e-12)


@pytest.mark.parametrize("both", [False, True])
def test_at_the_end_each_direction_counts_where_it_read_last(both: bool) -> None:
    a, b = (made(text, "lstm", bidirectional=both, layers=2) for text in (A, B))
    squares = 0.0
    for one, other in zip(a.layers, b.layers, strict=True):
        i, j = (0, 0) if one.direction == "backward" else (4, 5)
        for state in ("h", "c"):
            gap = one.values[state][i].astype(float) - other.values[state][j]
            squares += float((gap**2).sum())
    assert compare(a, b).final_distance == pytest.approx(squares**0.5)


def test_they_part_at_the_first_pair_that_is_read_otherwise() -> None:
    found = compare(made(A), made(B))
    assert found.first_divergence == found.pairs.index((4, 3))
    assert found.first_edit == found.pairs.index((3, None))
    assert all(d is not None and d <= THRESHOLD for d in found.distances[:3])


def test_a_reading_is_no_distance_from_itself() -> None:
    found = compare(made(A), made(A, "lstm"))
    assert found.first_divergence is found.first_edit is None
    assert set(found.distances) == {0.0} and found.final_distance == 0.0


def test_equal_beginnings_of_other_lengths_are_not_taken_for_parted() -> None:
    for cell in CELLS:
        for n in range(1, 40):
            found = compare(made("good " * n, cell), made("good " * 40, cell))
            assert found.first_divergence is None


@pytest.mark.parametrize("cell", CELLS)
def test_the_rounding_of_an_equal_beginning_is_no_difference(cell: str) -> None:
    a, b = made("good " * 7, cell), made("good " * 40, cell)
    b = replace(b, layers=tuple(_nudged(layer) for layer in b.layers))
    found = compare(a, b)
    assert set(found.distances[:7]) == {0.0}
    assert not value_changes(found, 0, "h").any()
    shares = logit_contributions(found, 3, 0)
    assert shares is not None and not shares.values.any()


def _nudged(layer: LayerTrace) -> LayerTrace:
    """The layer with states that differ by one unit in the last place."""
    return replace(
        layer,
        values={name: np.nextafter(array, np.float32(9)) for name, array in layer.values.items()},
    )


def test_a_backward_layer_differs_from_the_first_word_on() -> None:
    a, b = (made(text, "lstm", bidirectional=True) for text in (A, B))
    assert compare(a, b).first_divergence == 0


@pytest.mark.parametrize("cell", CELLS)
def test_the_shares_add_up_to_the_difference_of_the_logits(cell: str) -> None:
    a, b = made(A, cell), made(B, cell)
    found = compare(a, b)
    for row, (i, j) in enumerate(found.last_read):
        told = logit_contributions(found, row, 1)
        assert told is not None and i is not None and j is not None
        total = float(a.head.logits[i, 0]) - float(b.head.logits[j, 0])
        assert float(told.values.sum()) == pytest.approx(total, abs=1e-5)
        assert not told.whole_text


@pytest.mark.parametrize("label", range(3))
def test_of_several_classes_each_logit_has_its_own_shares(label: int) -> None:
    a, b = (
        made(text, "gru", labels=("x", "y", "z"), bidirectional=True, layers=2) for text in (A, B)
    )
    found = compare(a, b)
    told = logit_contributions(found, 0, label)
    assert told is not None and told.whole_text
    total = float(a.head.logits[-1, label]) - float(b.head.logits[-1, label])
    assert float(told.values.sum()) == pytest.approx(total, abs=1e-5)


def test_the_largest_shares_come_first_and_their_arithmetic_is_theirs() -> None:
    told = logit_contributions(compare(made(A), made(B)), 5, 1)
    assert told is not None
    sizes = [abs(float(told.values[n])) for n in told.largest(6)]
    assert sizes == sorted(sizes, reverse=True)
    for n in told.largest(6):
        assert told.arithmetic(n).result == number(float(told.values[n]), 3, True)


def test_before_both_have_begun_there_is_no_share() -> None:
    found = compare(made("good movie"), made("not good movie"))
    assert found.pairs[0] == (None, 0)
    assert logit_contributions(found, 0, 1) is None


def test_changes_are_a_minus_b_and_nothing_where_one_is_missing() -> None:
    found = compare(made(A), made(B))
    a, b = found.a.layers[0].values["c"], found.b.layers[0].values["c"]
    rows = value_changes(found, 0, "c")
    for row, (i, j) in zip(rows, found.pairs, strict=True):
        expected = np.zeros(6) if i is None or j is None else a[i].astype(float) - b[j]
        np.testing.assert_array_equal(row, expected)


def test_other_nets_are_refused() -> None:
    with pytest.raises(UsageError, match="different nets"):
        compare(made(A, "lstm"), made(A, "gru"))


def test_marks_tell_equal_other_and_missing() -> None:
    a, b = made("this movie was not good"), made("this was good good movie")
    found = compare(a, b)
    for row, (i, j) in enumerate(found.pairs):
        mark = found.mark(row)
        assert (mark == "+") == (i is None) and (mark == "−") == (j is None)
        if i is not None and j is not None:
            assert (mark == "=") == (a.tokens[i] == b.tokens[j])


def test_the_document_says_the_threshold() -> None:
    made_json = compare(made(A), made(B)).to_json()
    assert made_json["schema"] == "rnnviz.difference/1"
    assert made_json["threshold"] == THRESHOLD
    assert made_json["a"]["schema"] == made_json["b"]["schema"] == "rnnviz.trace/1"
    assert [3, None] in made_json["pairs"]


def test_a_head_with_a_layer_before_it_has_no_shares() -> None:
    a, b = made(A), made(B)
    thin = [replace(t, head=replace(t.head, W=t.head.W[:3])) for t in (a, b)]
    assert logit_contributions(compare(*thin), 2, 1) is None
    assert stored().model.params["head.W"].shape == (6, 1)
