"""Expressions of lesson files: what they can say, and what they cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.lessons.expressions import ExpressionError, constants, evaluate

FUNCTIONS = {"p": lambda t=5, **_: t / 10, "vector": lambda: np.array([0.1, 0.9]), "abs": abs}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("-2 ** 2", -4),
        ("7 // 2 + 7 % 4", 6),
        ("p(4) < p(5)", True),
        ("0.3 < p(4) < 0.5", True),
        ("0.5 < p(4) < 0.3", False),
        ("abs(p(4) - 0.392) < 0.005 or p() == 0.5", True),
        ("not p() > 0.8 and 'not' in ['not', 'bad']", True),
        ("vector()[1]", 0.9),
        ("p(2, clamp='f[4]=0')", 0.2),
    ],
)
def test_values(expression: str, expected: object) -> None:
    assert evaluate(expression, FUNCTIONS) == expected


def test_vectors_compare_elementwise() -> None:
    assert evaluate("vector() > 0.5", FUNCTIONS).tolist() == [False, True]


@pytest.mark.parametrize(
    "expression",
    [
        "p.__class__", "().__class__", "__import__('os')", "open('x')", "p(*[1])", "p(**{})",
        "[x for x in [1]]", "lambda: 1", "(x := 1)", "f'{p}'", "p", "1 if 2 else 3", "{1: 2}",
        "vector()[0:1]", "vector()['a']", "9 ** 9 ** 9", "1j", "b'x'", "...", "1 +", "", "a; b",
        "'ab' * 10 ** 9", "[0] * 10 ** 9", "p(t=await_)", "1 @ 2", "1 << 99", "1 / 0", "x" * 501,
        "(" * 400, "vector()[9]", "p(1, 2)",
    ],
)  # fmt: skip
def test_everything_else_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, FUNCTIONS)


@given(st.text(alphabet="p(1)*/-+.,'[]<>=! andornot_xf0", max_size=40))
def test_any_text_has_a_value_or_an_error(text: str) -> None:
    try:
        evaluate(text, FUNCTIONS)
    except ExpressionError as error:
        assert str(error)


def test_the_name_of_a_function_is_corrected() -> None:
    with pytest.raises(ExpressionError, match="Did you mean 'vector'"):
        evaluate("vectr()", FUNCTIONS)


def test_constants_are_the_numbers_of_an_expression() -> None:
    assert sorted(constants("abs(p(3) - 0.392) < 0.005")) == [0.005, 0.392, 3]
