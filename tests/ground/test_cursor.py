"""One cursor: every move, every end, and what is known where it stands."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from ground.test_trace import stored

from rnnviz.cursor import (
    ZOOMS,
    Cursor,
    fitted,
    known,
    part_of,
    start,
    to_part,
    to_token,
    to_unit,
    zoomed,
)
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tracer import trace


@pytest.fixture(scope="module")
def seen() -> Trace:
    """An LSTM of 3 units in both directions over four tokens."""
    return trace(stored("lstm", both=True), Query("not a good movie", "m"))


PARTS = ("read", "forget", "input", "cell", "output", "hidden", "predict")


def test_a_token_has_its_parts_in_the_order_of_the_lines(seen: Trace) -> None:
    """Read, the groups of lines, predict; as many as the tests below count on."""
    assert [layer.parts for layer in seen.layers] == [PARTS, PARTS]
    assert [list(layer.order) for layer in seen.layers] == [[0, 1, 2, 3], [3, 2, 1, 0]]
    assert [layer.before(0) for layer in seen.layers] == [None, 1]
    assert [layer.before(3) for layer in seen.layers] == [2, None]


def test_the_cursor_starts_after_a_token_was_read_completely(seen: Trace) -> None:
    """At its last part; a token or unit that is not there becomes the nearest."""
    assert start(seen) == Cursor(0, 0, len(PARTS) - 1, 0, "sentence")
    assert start(seen, 2, 1) == Cursor(0, 2, len(PARTS) - 1, 1)
    assert start(seen, 99, 99) == Cursor(0, 3, len(PARTS) - 1, 2)
    assert start(seen, -5) == start(seen)


def test_a_cursor_of_another_trace_is_fitted_and_keeps_its_zoom(seen: Trace) -> None:
    """Each coordinate by itself."""
    far, near = Cursor(9, 9, 99, 9, "equation"), Cursor(-9, -9, -99, -9, "cell")
    assert fitted(far, seen) == Cursor(1, 3, 6, 2, "equation")
    assert fitted(near, seen) == Cursor(0, 0, 0, 0, "cell")
    inside = Cursor(1, 2, 3, 1, "cell")
    assert fitted(inside, seen) == inside


def test_another_token_keeps_part_and_unit_and_stays_at_the_ends(seen: Trace) -> None:
    """Left and right."""
    at = Cursor(0, 1, 3, 2, "cell")
    assert to_token(at, seen, 2) == replace(at, t=2)
    assert to_token(at, seen, 4) == replace(at, t=3)
    assert to_token(at, seen, -1) == replace(at, t=0)


@pytest.mark.parametrize("layer", [0, 1])
def test_parts_go_over_the_border_of_a_token_in_reading_order(seen: Trace, layer: int) -> None:
    """From the first part of the first token read to the last of the last, and all the way back."""
    order = list(seen.layers[layer].order)
    walk = [Cursor(layer, t, part, 1, "cell") for t in order for part in range(len(PARTS))]
    for here, there in itertools.pairwise(walk):
        assert to_part(here, seen, 1) == there
        assert to_part(there, seen, -1) == here
    assert to_part(walk[-1], seen, 1) == walk[-1]
    assert to_part(walk[0], seen, -1) == walk[0]


def test_units_go_round(seen: Trace) -> None:
    """After the last comes the first."""
    at = Cursor(1, 1, 3, 2)
    assert to_unit(at, seen, 1) == replace(at, unit=0)
    assert to_unit(at, seen, -1) == replace(at, unit=1)
    assert to_unit(replace(at, unit=0), seen, -1) == replace(at, unit=2)
    assert to_unit(at, seen, 7) == replace(at, unit=0)


def test_zoom_goes_in_and_out_and_stays_at_the_ends() -> None:
    """Sentence, cell, equation."""
    assert ZOOMS == ("sentence", "cell", "equation")
    at = Cursor()
    for step, zoom in (
        (-1, "sentence"),
        (1, "cell"),
        (1, "equation"),
        (1, "equation"),
        (-1, "cell"),
    ):
        at = zoomed(at, step)
        assert at.zoom == zoom
    assert zoomed(Cursor(t=2, unit=1), 1) == Cursor(t=2, unit=1, zoom="cell")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("x", "read"), ("h_prev", "read"), ("c_prev", "read"), ("a_f", "forget"), ("f", "forget"),
        ("a_i", "input"), ("i", "input"), ("g", "input"), ("c", "cell"), ("a_o", "output"),
        ("o", "output"), ("h", "hidden"), ("p", "predict"),
    ],
)  # fmt: skip
def test_a_name_is_known_from_its_part_on(seen: Trace, name: str, part: str) -> None:
    """At the token itself; whole at tokens read before; not at all at later ones."""
    for layer, order in enumerate(([0, 1, 2, 3], [3, 2, 1, 0])):
        assert PARTS[part_of(seen.layers[layer], name)] == part
        for at, t in enumerate(order):
            for reached in range(len(PARTS)):
                cursor = Cursor(layer, t, reached)
                here = [known(cursor, seen, other, name) for other in order]
                expected = [n < at or (n == at and reached >= PARTS.index(part)) for n in range(4)]
                assert here == expected


def test_moves_leave_the_trace_alone(seen: Trace) -> None:
    """A cursor is a value."""
    before = np.copy(seen.layers[0].values["h"])
    cursor = start(seen)
    to_part(to_unit(cursor, seen, 1), seen, 1)
    assert cursor == start(seen)
    np.testing.assert_array_equal(seen.layers[0].values["h"], before)
