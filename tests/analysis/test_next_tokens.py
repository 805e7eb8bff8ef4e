"""What follows in a text: its probabilities, its surprise, and the gradients of every step."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz.analysis import next_tokens, writing
from rnnviz.arrays import Array
from rnnviz.engine import losses
from rnnviz.query import Query
from rnnviz.tracer.text_writer import TextWriter
from tests.tui.small_writer import NAMES, TEXT, explorer, read, writer


def test_the_probability_and_the_surprise_are_those_of_the_token_that_comes() -> None:
    trace = read()
    p = next_tokens.next_probabilities(trace)
    for t, token in enumerate(trace.tokens[1:]):
        assert p[t] == trace.head.readout[t, trace.head.labels.index(token)]
    assert p[-1] == trace.head.readout[-1].max()  # nothing follows: the likeliest is the target
    np.testing.assert_allclose(next_tokens.surprises(trace), -np.log2(p), rtol=1e-5)
    assert not next_tokens.comes(trace, len(p) - 1)


def test_the_head_s_gradient_is_the_sum_of_one_term_a_step() -> None:
    """The same as the engine's, whose gradient is one product over all steps."""
    trace, net = read(), writer().model
    recording = net.record(np.array(trace.ids)[:, None])
    y = np.array(next_tokens.next_ids(trace))
    d = losses.d_logits("softmax", recording.logits[:, 0], y)
    whole = net.record_backward(recording, d[:, None]).head["head.W"]
    grown = next_tokens.head_growth(trace)
    np.testing.assert_allclose(grown.full, whole, rtol=2e-4, atol=2e-5)
    h, off = trace.layers[-1].values["h"], next_tokens.logit_gradients(trace)
    terms = [np.outer(h[t], off[t]) for t in range(len(h))]
    np.testing.assert_allclose(sum(terms), grown.full, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(grown.term, [np.linalg.norm(term) for term in terms])
    assert grown.total[0] == pytest.approx(np.linalg.norm(grown.full))


def test_a_gradient_of_h_is_that_of_its_own_step_and_of_later_ones() -> None:
    trace = read()
    layer = trace.layers[0]
    own = next_tokens.logit_gradients(trace) @ trace.head.W.T
    np.testing.assert_allclose(layer.grads["h_out"], own, atol=1e-5)
    np.testing.assert_allclose(layer.grads["h"], own + layer.grads["h_next"], atol=1e-5)


@pytest.mark.parametrize("p", [0.62152, 0.5, 0.049787, 1.0, 0.99999, 3.2e-7, 0.0])
def test_a_probability_is_printed_so_that_its_logarithm_is_that_beside_it(p: float) -> None:
    loss = float(-np.log(p)) if p else 800.0
    text = next_tokens.with_its_logarithm(p, loss)
    assert float(text.replace("−", "-")) == pytest.approx(p, abs=1e-3)
    if 0 < p < 1:
        again = -np.log(float(text.replace("−", "-")))
        assert next_tokens.number(again) == next_tokens.number(loss)


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0, 2.0])
def test_drawing_writes_what_the_writer_of_the_command_line_writes(temperature: float) -> None:
    """The n-th number of the seed draws the n-th token."""
    out = TextWriter(writer(), temperature=temperature, seed=7)
    out.read(TEXT)
    text = TEXT
    for n, token in enumerate(out.write(30)):
        found = explorer()(writing.NextTokensQuestion(Query(text, "writer")))
        p = writing.drawing_probabilities(found.drawable(-1), temperature)
        k = writing.draw(p, 7, n)
        assert found.labels[k] == token.token
        assert p[k] == pytest.approx(token.probability, rel=1e-4)
        text += token.token


def test_a_text_that_goes_on_gives_the_same_as_one_that_is_read_whole() -> None:
    stored, parts = writer(), [TEXT[:n] for n in (3, 4, 9, 2, 9)]
    for text in parts:
        found = explorer(stored)(writing.NextTokensQuestion(Query(text, "writer")))
        trace = read(text)
        assert found.tokens == trace.tokens
        np.testing.assert_allclose(found.logits, trace.head.logits, rtol=2e-4, atol=2e-5)
        bits = writing.surprises(found)
        assert np.isnan(bits[0])
        np.testing.assert_allclose(bits[1:], next_tokens.surprises(trace)[:-1], rtol=1e-4)


def test_clamps_and_random_weights_are_those_of_the_query() -> None:
    from rnnviz.clamps import parse

    def logits(**changes: object) -> Array:
        query = Query(TEXT, "writer", **changes)  # type: ignore[arg-type]
        found: writing.NextTokens = explorer()(writing.NextTokensQuestion(query))
        return found.logits

    held = logits(clamps=(parse("f[*]=1"),))
    assert not np.allclose(held, logits())
    trace = explorer()(Query(TEXT, "writer", clamps=(parse("f[*]=1"),)))
    np.testing.assert_allclose(held, trace.head.logits, rtol=1e-4, atol=1e-5)
    assert not np.allclose(logits(random=1), logits())
    np.testing.assert_array_equal(logits(random=1), logits(random=1))


def test_entries_that_are_no_tokens_are_never_drawn() -> None:
    found = explorer(writer(NAMES))(writing.NextTokensQuestion(Query("ann", "writer")))
    assert found.end == 1 and found.tokens == ("\n", "a", "n", "n")
    assert found.text(len(found.tokens)) == "ann"
    assert writing.drawing_probabilities(found.drawable(-1), 3.0)[0] == 0
    assert np.isfinite(found.logits).all()
