"""The gradient check: what holds of every net, and what each copy with a bug does not hold."""

from __future__ import annotations

from functools import cache

import pytest

from rnnviz.analysis.gradient_check import (
    AGREES,
    CheckedEntry,
    CheckedGradients,
    GradientCheck,
    relative_error,
)
from rnnviz.clamps import parse
from rnnviz.explore import explorer
from rnnviz.model_files.bugs import BUGS
from rnnviz.query import Query
from tests.test_bugs import FLIPS

EXPLORE = explorer()


@cache
def check(query: Query) -> CheckedGradients:
    found: CheckedGradients = EXPLORE(GradientCheck(query))
    return found


def entry(found: CheckedGradients, name: str, layer: int | None = 0) -> CheckedEntry:
    return next(e for e in found.entries if (e.name, e.layer) == (name, layer))


@pytest.mark.parametrize(
    "query",
    [
        Query("this movie was not good", "sentiment-lstm"),
        Query("this movie was not good", "sentiment-lstm-slide"),
        Query("this movie was not good", "sentiment-mingru", target="positive"),
        Query("this movie was not good", "sentiment-gru", random=3),
        Query("this movie was not good", "sentiment-lstm", clamps=(parse("f[3]=0"),)),
        Query("it was not good", "imdb-rnn"),
        Query("Cup final", "agnews-bilstm"),
        Query("", "jena-gru"),
        Query("1 0 .5", "lstm by hand"),
        Query("1 0 .5", "gru by hand"),
    ],
    ids=str,
)
def test_a_net_without_a_bug_passes(query: Query) -> None:
    found = check(query)
    assert found.passes and found.largest_error < AGREES
    assert not found.bug and found.original_loss is None
    # The loss and the largest gradients are those of the trace.
    trace = EXPLORE(query)
    assert found.loss == pytest.approx(trace.head.loss, rel=1e-4, abs=1e-6)
    assert max(abs(e.difference) for e in found.entries) > 1e-3


@pytest.mark.parametrize("name", BUGS)
def test_a_copy_fails_and_its_original_passes(name: str) -> None:
    found = check(Query(FLIPS[name], name))
    assert not found.passes and found.largest_error > 0.1
    assert (found.bug, found.original) == (BUGS[name].name, BUGS[name].original)
    assert found.original_loss is not None and found.loss != pytest.approx(found.original_loss)
    assert check(Query(FLIPS[name], BUGS[name].original)).passes
    # The head is right in every copy: its backward pass agrees.
    assert entry(found, "W", None).error < AGREES


def test_without_its_tanh_every_gate_gets_a_wrong_gradient() -> None:
    found = check(Query(FLIPS["bug-1"], "bug-1"))
    layer = [e for e in found.entries if e.layer == 0]
    assert len(layer) == 12 and all(e.error > 0.01 for e in layer)


def test_swapped_gates_pass_their_own_check_and_differ_from_the_original() -> None:
    found = check(Query(FLIPS["bug-2"], "bug-2"))
    assert found.backward_error < AGREES
    assert all((e.original_error or 0) > 0.1 for e in found.entries if e.layer == 0)


def test_a_mask_gives_padding_no_gradient_and_an_unmasked_padding_has_one() -> None:
    found = check(Query(FLIPS["bug-3"], "bug-3"))
    padding = next(e for e in found.entries if e.word == "[PAD]")
    assert padding.backward == 0 and abs(padding.difference) > 0.1
    mended = check(Query(FLIPS["bug-3"], "sentiment-lstm"))
    padding = next(e for e in mended.entries if e.word == "[PAD]")
    assert padding.backward == padding.difference == 0


def test_the_last_row_leaves_the_top_backward_layer_without_its_recurrence() -> None:
    found = check(Query(FLIPS["bug-4"], "bug-4"))
    for gate in "ifgo":
        kernel = entry(found, f"U_{gate}", 3)
        assert kernel.difference == 0 and abs(kernel.backward) > 1e-3
        assert entry(found, f"U_{gate}", 2).error < AGREES  # of the forward direction


def test_shared_weights_move_both_directions() -> None:
    found = check(Query(FLIPS["bug-5"], "bug-5"))
    for name in ("U_f", "W_g", "b_o"):
        forward, backward = entry(found, name, 2), entry(found, name, 3)
        assert forward.error > 0.1 or backward.error > 0.1
        if forward.index == backward.index:
            assert forward.difference == backward.difference


def test_a_relative_error_has_a_floor() -> None:
    assert relative_error(0, 0) == 0
    assert relative_error(1, 2) == 0.5
    assert relative_error(0, 1e-9) == pytest.approx(1e-3)
