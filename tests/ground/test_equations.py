"""Formulas: what the grammar takes, the names in it, and how it is written on screen."""

from __future__ import annotations

import math
from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnviz.cells.activations import clipped
from rnnviz.engine.spec import Activation
from rnnviz.equations import (
    ACTIVATIONS,
    Line,
    Span,
    TokenNumber,
    evaluate,
    hard_sigmoid,
    inputs,
    is_weight,
    names,
    number,
    numbers,
    parse,
    relu,
    sigmoid,
    slope,
    step,
    symbol,
    symbols,
)


def written(spans: list[Span]) -> str:
    """The spans as one string."""
    return "".join(text for text, _ in spans)


# -- grammar --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    [
        "", "f *", "f * (c", "f c", "2 +", "f; c", "f = c", "lambda: f", "f if c else g", "f < c",
        "f and c", "not f", "[f]", "(f, c)", "f[0]", "{f}", "f / c", "f // c", "f % c", "+f", "~f",
        "f | c", "log(f)", "clip(f)", "clip(f, c)", "clip(f, -1)", "clip(f, 1, 2)", "f.T(c)",
        "f.tanh(c)", "tanh(x=f)", "tanh(*f)", "tanh(f) if f else f",
        "f'x'", "__import__('os')", "().__class__", "(x := f)", "await f", "f\nc", "f\0c",
        "tanh(f, c)", "tanh()", "f.real", "f.__class__", "'text'", "f + 'text'", "True", "None",
        "...", "1j", "f.T", "(f @ W).T", "f @ (W + W)", "f @ W.T.T", "h*9999999999", "1e300 * f",
        "tanh(" * 80 + "f" + ")" * 80, "(" * 300 + "f" + ")" * 300, "f" + " * f" * 200,
        "-" * 390 + "f" * 20,
    ],
)  # fmt: skip
def test_what_leaves_the_grammar_is_a_value_error(formula: str) -> None:
    """Names, numbers, + − * @ **2, minus, W.T behind @, functions of one argument, clip."""
    with pytest.raises(ValueError, match=r"."):
        parse(formula)


@pytest.mark.parametrize("formula", ["f**3", "f**c", "2**f", "f**-2", "(-f)**3 * c"])
def test_a_power_that_is_no_square_is_refused_or_written(formula: str) -> None:
    """What is accepted can be evaluated, shown and filled in."""
    try:
        parse(formula)
    except ValueError:
        return
    at = {"f": np.array([2.0]), "c": np.array([3.0])}
    assert written(symbols(formula))
    assert numbers(formula, at, 0).result == number(evaluate(formula, at)[0], signed=True)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("f * c_prev + i * g", 0.5 * 3 + 2 * 5), ("f - c_prev - g", -7.5),
        ("f - (c_prev - g)", 2.5),
        ("-f", -0.5), ("-f**2", -0.25), ("(-f)**2", 0.25), ("1 - g**2", -24), ("2 * -g", -10),
        ("relu(f - g)", 0), ("relu(g - f)", 4.5), ("step(g - f)", 1),
        ("step(f - g)", 0), ("hard_sigmoid(f)", 0.6), ("slope(f)", 0.2), ("slope(g)", 0),
        ("tanh(f - f)", 0), ("sigmoid(f - f)", 0.5),
        ("2.5", 2.5),
    ],
)  # fmt: skip
def test_a_formula_has_the_value_python_gives_it(formula: str, value: float) -> None:
    """Precedence and signs."""
    at = {"f": np.float64(0.5), "c_prev": np.float64(3), "i": np.float64(2), "g": np.float64(5)}
    assert evaluate(formula, at) == value


def test_matrix_products_and_transposes() -> None:
    """The vector stands on the left, as in Keras."""
    W, x, d = np.arange(6.0).reshape(2, 3), np.array([1.0, 2]), np.array([1.0, 0, 2])
    np.testing.assert_array_equal(evaluate("x @ W", {"x": x, "W": W}), [6, 9, 12])
    np.testing.assert_array_equal(evaluate("d @ W.T", {"d": d, "W": W}), [4, 13])


def test_a_name_that_is_not_there_is_a_key_error() -> None:
    """Of the missing name itself."""
    with pytest.raises(KeyError, match="c_prev"):
        evaluate("f * c_prev", {"f": 1.0})


def test_sigmoid_is_itself_and_never_overflows() -> None:
    """Warnings are errors here."""
    a = np.array([-1e9, -750.0, -2.0, 0.0, 2.0, 750.0, 1e9])
    expected = [0, 0, 1 / (1 + np.exp(2.0)), 0.5, 1 / (1 + np.exp(-2.0)), 1, 1]
    np.testing.assert_allclose(sigmoid(a), expected, atol=1e-15)


def test_every_activation_has_its_name_its_values_and_the_slope_of_differences() -> None:
    """The slope from the output alone; arguments far from zero overflow in none of them."""
    a = np.array([-3.4, -2.2, -0.7, -0.01, 0.02, 0.4, 0.9, 1.7, 2.2, 3.4])
    values = {
        "tanh": np.tanh(a), "sigmoid": 1 / (1 + np.exp(-a)), "relu": a * (a > 0), "identity": a,
        "hard_sigmoid": np.clip(0.2 * a + 0.5, 0, 1),
        "hard_sigmoid_sixth": np.clip(a + 3, 0, 6) / 6, "hard_tanh": np.clip(a, -1, 1),
        "leaky_relu": np.where(a > 0, a, 0.01 * a), "softsign": a / (1 + abs(a)),
        "softplus": np.log(1 + np.exp(a)), "elu": np.where(a > 0, a, np.exp(a) - 1),
        "selu": 1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * (np.exp(a) - 1)),
    }  # fmt: skip
    assert values.keys() == ACTIVATIONS.keys() == set(get_args(Activation))
    huge = np.array([-1e9, -750.0, 750.0, 1e9])
    for name, f in ACTIVATIONS.items():
        assert f.name == name
        np.testing.assert_allclose(f(a), values[name], 1e-13, 1e-15, err_msg=name)
        differences = (f(a + 1e-6) - f(a - 1e-6)) / 2e-6
        np.testing.assert_allclose(f.slope(f(a)), differences, 1e-6, 1e-9, err_msg=name)
        if f.slope_formula:
            written = evaluate(f.slope_formula.format(y="y"), {"y": f(a)})
            np.testing.assert_allclose(written, f.slope(f(a)), 1e-13, 1e-15, err_msg=name)
        assert np.isfinite(f.slope(f(huge))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_clipped_activation_has_no_slope_outside_its_limit(dtype: type) -> None:
    """Neither at an argument that was clipped, in whichever place of an array it stands."""
    rng = np.random.default_rng(0)
    for f, limit in product(ACTIVATIONS.values(), (0.3, 1.0, 2.9)):
        for size in (1, 2, 3, 7, 8, 16, 31, 67):
            a = (4 * rng.standard_normal((3, size))).astype(dtype)
            other = clipped(f, limit)
            outside = abs(a) >= limit
            np.testing.assert_array_equal(other(a), f(np.clip(a, -limit, limit)))
            slopes = np.broadcast_to(other.slope(other(a)), a.shape)
            assert not slopes[outside].any(), (f.name, limit)
            np.testing.assert_array_equal(slopes[~outside], f.slope(f(a))[~outside])


def test_hard_sigmoid_is_the_one_of_keras_2() -> None:
    """Straight from (−2.5, 0) to (2.5, 1); that of Keras 3 reaches from −3 to 3."""
    a = np.array([-1e9, -2.5, -2.0, 0.0, 1.0, 2.5, 1e9])
    np.testing.assert_allclose(hard_sigmoid(a), [0, 0, 0.1, 0.5, 0.7, 1, 1], atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_slope_told_from_the_output_is_that_of_the_function(dtype: type) -> None:
    """Zero where the function is flat, its corners included; in the precision of the output."""
    a = np.array([-7, -2.5, -1, 0, 1, 2.5, 7], dtype)
    for function, told, expected in (
        (relu, step, [0, 0, 0, 0, 1, 1, 1]), (hard_sigmoid, slope, [0, 0, 0.2, 0.2, 0.2, 0, 0])
    ):  # fmt: skip
        found = told(function(a))
        assert found.dtype == function(a).dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-7)
        moved = (function(a + dtype(0.01)) - function(a - dtype(0.01))) / dtype(0.02)
        away = ~np.isin(a, [-2.5, 0, 2.5]) | (a == 0) * (function is hard_sigmoid)
        np.testing.assert_allclose(moved[away], found[away], atol=1e-4)


# -- names ----------------------------------------------------------------------------------------


def test_names_come_in_reading_order_once_each_and_functions_are_no_names() -> None:
    """The arrows are lit in this order."""
    formula = "d_h * o * (1 - tanh(c)**2) + d_h @ W_o.T + sigmoid(o)"
    assert names(formula) == ("d_h", "o", "c", "W_o")
    assert inputs(Line("d_c", "cell", formula)) == ("d_h", "o", "c")
    assert names("2") == ()


@pytest.mark.parametrize("name", ["W", "W_f", "U", "U_g", "b", "b_rz", "V_o"])
def test_weights_are_known_by_their_names(name: str) -> None:
    """So that only recorded values are lit."""
    assert is_weight(name)
    assert symbol(name) == symbol(name, 4) == name


@pytest.mark.parametrize("name", ["x", "h", "c_prev", "a_i", "d_b", "d_h_next", "q", "z"])
def test_recorded_values_are_no_weights(name: str) -> None:
    """Whatever letters are in them."""
    assert not is_weight(name)


# -- symbols --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "t", "expected"),
    [
        ("h", None, "h"), ("h", 4, "h₄"), ("h_prev", None, "h₋"), ("h_prev", 4, "h₃"),
        ("h_prev", 1, "h₀"), ("c", 10, "c₁₀"), ("a_f", 120, "a_f₁₂₀"), ("d_h", None, "∂L/∂h"),
        ("d_h", 3, "∂L/∂h₃"), ("d_h_prev", None, "∂L/∂h₋"), ("d_h_prev", 3, "∂L/∂h₂"),
        ("d_c_next", 3, "∂L/∂c₃⟵"), ("d_h_out", None, "∂L/∂h↓"), ("p_after", 2, "p₂"),
    ],
)  # fmt: skip
def test_a_name_is_written_as_the_field_writes_it(name: str, t: int | None, expected: str) -> None:
    """Tokens counted from 1; the state after token t has subscript t."""
    assert symbol(name, t) == expected


@pytest.mark.parametrize(
    ("formula", "t", "expected"),
    [
        ("f * c_prev + i * g", None, "f ⊙ c₋ + i ⊙ g"),
        ("f * c_prev + i * g", 4, "f₄ ⊙ c₃ + i₄ ⊙ g₄"),
        ("x @ W_f + h_prev @ U_f + b_f", 1, "x₁·W_f + h₀·U_f + b_f"),
        ("o * tanh(c)", None, "o ⊙ tanh(c)"),
        ("sigmoid(a_f)", None, "σ(a_f)"), ("hard_sigmoid(a_f)", None, "hardσ(a_f)"),
        ("d_h * step(h)", None, "∂L/∂h ⊙ step(h)"), ("d_f * slope(f)", 2, "∂L/∂f₂ ⊙ slope(f₂)"),
        ("d_h * (1 - h**2)", None, "∂L/∂h ⊙ (1 − h²)"),
        ("d_h * o * (1 - tanh(c)**2) + d_c_next", None, "∂L/∂h ⊙ o ⊙ (1 − tanh(c)²) + ∂L/∂c⟵"),
        ("d_a @ W.T", None, "∂L/∂a·Wᵀ"),
        ("f - (c - g)", None, "f − (c − g)"), ("f - c - g", None, "f − c − g"),
        ("f - (c + g)", None, "f − (c + g)"), ("f + (c - g)", None, "f + c − g"),
        ("(f + c) * g", None, "(f + c) ⊙ g"), ("f * (c * g)", None, "f ⊙ c ⊙ g"),
        ("(f + c) @ W", None, "(f + c)·W"), ("-f + g", None, "−f + g"),
        ("-(f + g)", None, "−(f + g)"),
        ("(f * g)**2", None, "(f ⊙ g)²"), ("(f + g)**2", None, "(f + g)²"),
        ("((f + g) * (f - g))**2", None, "((f + g) ⊙ (f − g))²"), ("-f**2", None, "−f²"),
        ("(-f)**2", None, "(−f)²"), ("-((f + g) * (f - g))", None, "−(f + g) ⊙ (f − g)"),
        ("tanh((f + g) * (f - g))", None, "tanh((f + g) ⊙ (f − g))"),
    ],
)  # fmt: skip
def test_a_formula_is_written_with_its_signs_and_only_needed_brackets(
    formula: str, t: int | None, expected: str
) -> None:
    """Products ⊙, matrix products ·, squares ²."""
    assert written(symbols(formula, t)) == expected


def test_every_name_of_a_formula_has_a_span_of_its_own() -> None:
    """So that a click on it finds the value."""
    spans = symbols("x @ W_f + h_prev @ U_f + b_f", 4)
    assert [name for _, name in spans if name] == ["x", "W_f", "h_prev", "U_f", "b_f"]
    assert ("h₃", "h_prev") in spans


# -- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0.000"), (-0.0, "0.000"), (1.0, "1.000"), (-0.25, "−0.250"), (12.34567, "12.346"),
        (-0.052, "−0.052"), (0.0099, "0.0099"), (0.00999, "0.010"), (-0.00142, "−0.0014"),
        (0.001, "0.0010"), (0.000999, "0.0010"), (0.00052, "5.2e−4"), (0.00049, "4.9e−4"),
        (-0.0000123, "−1.2e−5"), (1e-12, "1.0e−12"),
        (1e-300, "1.0e−300"), (float("nan"), "NaN"), (float("inf"), "+∞"), (-float("inf"), "−∞"),
        (0.9996, "1.000"), (1e6, "1000000.000"),
    ],
)  # fmt: skip
def test_a_number_is_written_with_a_true_minus_and_never_as_zero_unless_it_is(
    value: float, expected: str
) -> None:
    """A gradient that exists is not 0.000."""
    assert number(value) == expected


@pytest.mark.parametrize("digits", range(3, 10))
def test_no_number_is_shown_as_zero_with_any_digits(digits: int) -> None:
    """At the border between decimals and powers of ten."""
    for value in (0.0999, 0.4999999, 0.5, 0.5000001, 1, 9.999):
        shown = number(value * 10.0**-digits, digits)
        assert float(shown.replace("−", "-")) > 0, shown


@given(st.floats(1e-9, 9.99, exclude_max=True), st.integers(2, 3), st.booleans(), st.booleans())
def test_a_number_has_two_digits_in_at_most_six_columns(
    size: float, digits: int, negative: bool, signed: bool
) -> None:
    """Two significant digits at least, and as many decimals as asked for, whatever the sign."""
    shown = number(-size if negative else size, digits, signed)
    assert (shown[0] in "+−") == (negative or signed)
    text = shown.lstrip("+−")
    assert len(text) <= 6
    again = float(text.replace("−", "-"))
    assert abs(again - size) <= max(0.0501 * 10.0 ** math.floor(math.log10(size)), 1e-15) or (
        abs(again - size) <= 0.5001 * 10.0**-digits and size >= 0.1
    )
    assert "e" in text or len(text.partition(".")[2]) >= digits
    mantissa = text.partition("e")[0].replace(".", "").lstrip("0")
    assert len(mantissa) >= 2, text


@given(st.floats(-9.99, 9.99), st.integers(2, 3), st.booleans(), st.integers(4, 9))
def test_a_number_in_a_narrow_column_has_fewer_decimals_and_is_not_cut(
    value: float, digits: int, signed: bool, room: int
) -> None:
    whole, shown = number(value, digits, signed), number(value, digits, signed, room)
    assert len(shown) <= room
    assert shown == whole or len(whole) > room
    decimals = len(shown.partition(".")[2])
    if "e" not in shown:
        assert abs(float(shown.replace("−", "-")) - value) <= 0.5001 * 10.0**-decimals


def test_a_signed_number_has_its_plus() -> None:
    """Results carry a sign."""
    assert number(0.25, signed=True) == "+0.250"
    assert number(-0.25, signed=True) == "−0.250"
    assert number(0.123456, digits=5) == "0.12346"


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        ("f * c_prev + i * g", (0.5, 0.25, 0.5, 0.5), "0.500 × 0.250 + 0.500 × 0.500 = +0.375"),
        (
            "f * c_prev + i * g", (0.5, -0.25, 0.5, -0.5),
            "0.500 × (−0.250) + 0.500 × (−0.500) = −0.375",
        ),
        ("f + c_prev + i", (0.5, -0.25, -0.5), "0.500 − 0.250 − 0.500 = −0.250"),
        ("f - c_prev - i", (0.5, -0.25, -0.5), "0.500 + 0.250 + 0.500 = +1.250"),
        ("f * (c_prev - i)", (0.5, -0.25, 0.5), "0.500 × ((−0.250) − 0.500) = −0.375"),
        ("f - (c_prev - i)", (0.5, 0.25, -0.5), "0.500 − (0.250 + 0.500) = −0.250"),
        ("f * (1 - f**2)", (-0.5,), "−0.500 × (1 − (−0.500)²) = −0.375"),
        ("tanh(f)", (-0.5,), "tanh(−0.500) = −0.462"),
        ("-f", (-0.5,), "−(−0.500) = +0.500"),
        ("-f * c_prev", (0.5, 0.5), "−0.500 × 0.500 = −0.250"),
    ],
)  # fmt: skip
def test_numbers_stand_where_the_names_stood(
    formula: str, values: tuple[float, ...], expected: str
) -> None:
    """With signs joined: + (−0.3) is − 0.3; a negative factor is in brackets."""
    at = {
        name: np.array([0.0, v]) for name, v in zip(("f", "c_prev", "i", "g"), values, strict=False)
    }
    assert numbers(formula, at, 1).text == expected


def test_a_matrix_product_is_one_number_of_its_unit() -> None:
    """Input + memory + bias."""
    at = {
        "x": np.array([1.0, 2]), "W_f": np.array([[0.25, 9], [0.125, 9]]),
        "b_f": np.array([1.0, 9]),
        "h_prev": np.array([-1.0, 0]), "U_f": np.array([[0.75, 9], [9, 9]]),
    }  # fmt: skip
    shown = numbers("x @ W_f + h_prev @ U_f + b_f", at, 0)
    assert shown.text == "0.500 − 0.750 + 1.000 = +0.750"
    assert [name for _, name in shown.spans if name] == ["x", "h_prev", "b_f"]
    assert numbers("x @ W_f.T", {"x": np.array([1.0, 2]), "W_f": at["W_f"]}, 1).result == "+18.125"


def test_operands_get_the_digits_their_result_needs() -> None:
    """Printed with three digits, 0.044 × 0.044 would not be 0.002."""
    shown = numbers("f * g", {"f": np.array([0.0444]), "g": np.array([111.0])}, 0)
    assert shown.result == "+4.928"
    assert shown.digits > 3
    left, right = (float(text) for text, name in shown.spans if name)
    assert round(left * right, 3) == 4.928


def test_a_layer_that_reads_from_the_end_takes_its_state_from_the_token_after() -> None:
    assert symbol("h_prev", TokenNumber(4, 5)) == "h₅"
    assert symbol("d_c_prev", TokenNumber(4, 5)) == "∂L/∂c₅"
    assert symbol("h", TokenNumber(4, 5)) == "h₄"
    assert (
        "".join(s for s, _ in symbols("x @ W_f + h_prev @ U_f", TokenNumber(1, 2)))
        == "x₁·W_f + h₂·U_f"
    )
