"""Claims about nets that write: the probability of the next token, its bits, and a temperature."""

from __future__ import annotations

import numpy as np
import pytest

from rnnviz import explore
from rnnviz.errors import UsageError
from rnnviz.lessons.claims import Evaluator
from rnnviz.query import Query

QUERY = Query("emma", "names-lstm")
CLAIMS = Evaluator(explore.explorer())


def value(expression: str) -> float:
    return float(CLAIMS.value(expression, QUERY))


def test_the_bits_of_a_token_are_of_the_probability_before_it() -> None:
    assert value("bits(5)") == pytest.approx(-np.log2(value("p(4, 'a')")), rel=1e-4)
    each = [value(f"bits({t})") for t in range(2, 6)]
    assert value("bits()") == pytest.approx(np.mean(each))


def test_a_net_that_knows_nothing_needs_the_logarithm_of_the_vocabulary() -> None:
    text, vocabulary = "my lord,", 65
    found = value(f"bits(text='{text}', model='shakespeare-lstm', random=3)")
    assert found == pytest.approx(np.log2(vocabulary), abs=0.05)


def test_a_temperature_is_a_power_of_the_probabilities() -> None:
    """softmax(a / T) is p^(1/T), scaled to sum 1; the padding is no token, and is never drawn."""
    letters = ["\\n", *"abcdefghijklmnopqrstuvwxyz"]
    p = np.array([value(f"p(4, '{letter}')") for letter in letters])
    for T in (0.5, 1.0, 2.0):
        powers = p ** (1 / T) / np.sum(p ** (1 / T))
        drawn = [value(f"drawn(4, '{letter}', {T})") for letter in letters]
        np.testing.assert_allclose(drawn, powers, rtol=1e-3, atol=1e-7)
    assert value("drawn(4, 'a', 0)") == 1
    assert value("drawn(4, 'i', 0)") == 0


def test_a_clamp_changes_what_is_drawn() -> None:
    assert value("drawn(4, 'a', 1, clamp='h[*]=0')") != pytest.approx(value("drawn(4, 'a', 1)"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("bits(1)", "nothing is read before the first token"),
        ("bits(9)", "this text has tokens 1 to 5"),
        ("drawn(4, 'A', 1)", "no label 'A'"),
        ("drawn(4, 'a', -1)", "not below 0"),
        ("bits(2, model='sentiment-lstm', text='not good')", "gives no next token"),
    ],
)
def test_what_has_no_value_is_an_error(expression: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        value(expression)
