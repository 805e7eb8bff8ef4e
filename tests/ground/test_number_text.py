"""The texts of nets by hand: every way in which people set numbers apart."""

from __future__ import annotations

import pytest

from rnnviz.errors import UsageError
from rnnviz.toy_net.number_text import input_text, inputs, number_literal


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("1 0 0 1", (1, 0, 0, 1)),
        ("-1 0 1", (-1, 0, 1)),
        ("−1 0 1", (-1, 0, 1)),
        ("0.1, 0.2, 0.3", (0.1, 0.2, 0.3)),
        ("0.1,0.2,0.3", (0.1, 0.2, 0.3)),
        ("1e-3 .5 -.28507388 2E2", (1e-3, 0.5, -0.28507388, 200)),
        ("[1, .5]", (1, 0.5)),
        ("[[1], [2]]", (1, 2)),
        ("(1), (2)", (1, 2)),
        ("1; 0; 1", (1, 0, 1)),
        ("1\n2\n3\n", (1, 2, 3)),
        ("1, 0, 1,", (1, 0, 1)),
        ("array([0.5, 1.], dtype=float32)", (0.5, 1)),
        ("  1\t2  ", (1, 2)),
        ("\ufeff-1, 0\u200b, 1", (-1, 0, 1)),
        ("\uff11\uff0c \uff0d\uff10.\uff15", (1, -0.5)),
    ],
)
def test_one_number_a_token(text: str, x: tuple[float, ...]) -> None:
    assert inputs(text) == tuple((v,) for v in x)


@pytest.mark.parametrize(
    "text",
    [
        "1,2;.5,3", "1 2; .5 3", "(1, 2), (.5, 3)", "(1,2) (.5,3)", "[[1, 2], [.5, 3]]",
        "[[[1, 2], [0.5, 3]]]", "[1 2; .5 3]", "1 2 | .5 3", "1 2\n.5 3", "1,2 .5,3",
        "{1, 2}, {.5, 3}", "np.array([[1., 2.], [0.5, 3.]])", "1 2;\n0.5 3;",
    ],
)  # fmt: skip
def test_two_numbers_a_token(text: str) -> None:
    assert inputs(text, 2) == ((1, 2), (0.5, 3))


def test_one_token_of_several_numbers_needs_no_brackets() -> None:
    assert inputs("1 .5", 2) == inputs("1, .5", 2) == inputs("[1, .5]", 2) == ((1, 0.5),)


@pytest.mark.parametrize(
    ("text", "width", "told"),
    [
        ("1,0", 1, "could be one number or two. Write one with a point (1.0), two with a space"),
        ("0,5 1,5", 1, "one with a point (0.5)"),
        ("0,1, 0,2", 1, "one with a point (0.1)"),
        ("1 .5 0 1", 2, "reads 2 numbers a token; found 4 numbers. Put ; between the tokens"),
        ("1", 2, "reads 2 numbers a token; found 1 number"),
        ("1 2; 3 4 5", 2, "Token 2 has 3 numbers, (3, 4, 5); this net reads 2 a token"),
        ("1 2; 3 4", 1, "--inputs 2"),
        ("(1, 2) 3", 2, "'3' is outside the brackets"),
        ("(1, 2", 2, "is not closed"),
        ("1)", 1, "closes no bracket"),
        ("(1]", 1, "closes no bracket"),
        ("good movie", 2, "'good' is not a number"),
        ("nan", 1, "'nan' is not a number"),
        ("inf", 1, "'inf' is not a number"),
        ("1e7", 1, "too large"),
        ("1,,2", 1, "'' is not a number"),
        ("1_000", 1, "not a number"),
        ("[]", 1, "no number in this text"),
        ("x" * 5000, 1, "..."),
    ],
)
def test_what_is_wrong_is_told_with_what_was_found(text: str, width: int, told: str) -> None:
    with pytest.raises(UsageError) as error:
        inputs(text, width)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) <= 2 and len(str(error.value)) < 400


@pytest.mark.parametrize("width", [1, 2, 5])
def test_what_is_written_is_read_again(width: int) -> None:
    x = tuple(tuple((-1) ** k * 0.1234567890123 * (t + k) for k in range(width)) for t in range(3))
    assert inputs(input_text(x), width) == x


def test_a_number_has_all_its_digits_and_no_others() -> None:
    assert [number_literal(v) for v in (1.0, 0.5, -0.28507388, 1e-5, 1 / 3)] == [
        "1", "0.5", "-0.28507388", "1e-05", "0.3333333333333333",
    ]  # fmt: skip
