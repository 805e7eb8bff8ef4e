"""The notations: every name has one symbol, and a trace in a notation is the same net."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnviz import cells
from rnnviz.clamps import Clamp, parse_counted
from rnnviz.equations import NOTATIONS, evaluate, is_weight, names, symbol_table
from rnnviz.equations.symbol_table import SymbolNames, catalogue, keeps
from rnnviz.query import Query
from rnnviz.trace import LayerTrace, Trace
from rnnviz.trace.notation import in_notation, is_turned, read_clamp, turns_z, written_clamp
from rnnviz.tracer import trace as trace_of
from tests.tui.small_models import made, stored

CELLS = tuple(cells.CELLS)
OTHERS = NOTATIONS[1:]
TEXT = "this movie was not good"


def test_the_file_has_the_notations_of_the_option() -> None:
    from rnnviz.cli.options import NOTATIONS as OF_THE_OPTION

    assert tuple(catalogue()) == NOTATIONS == OF_THE_OPTION


@pytest.mark.parametrize(("notation", "cell"), product(NOTATIONS, CELLS))
def test_no_two_names_have_the_same_symbol(notation: str, cell: str) -> None:
    layer = in_notation(made(TEXT, cell), notation).layers[0]
    used = {n for line in (*layer.lines, *layer.back) for n in (line.name, *names(line.formula))}
    written = [layer.symbol(name, 4) for name in sorted(used)]
    assert len(set(written)) == len(written)


def test_the_symbols_of_frameworks_and_papers() -> None:
    """As their documentation has them; sources: notations.toml."""
    table = symbol_table("pytorch", "gru")
    assert [table.weight(n) for n in ("W_z", "U_g", "b_g", "b_rg")] == [
        "W_iz", "W_hn", "b_in", "b_hn",
    ]  # fmt: skip
    assert symbol_table("pytorch", "lstm").weight("b_f") == "(b_if+b_hf)"
    assert symbol_table("pytorch", "gru").order == ("r", "z", "g")
    assert symbol_table("onnx", "lstm").order == ("i", "o", "f", "g")
    assert symbol_table("onnx", "lstm").weight("U_g") == "Rc"
    assert symbol_table("keras", "gru").value("g") == "hh"
    assert symbol_table("keras", "gru-2014", split_bias=False).weight("b_z") == "bias_z"
    assert symbol_table("paper", "gru").value("a_g") == "a_h̃"
    assert symbol_table("rnnviz", "gru").weight("U_g") == "U_g"
    assert SymbolNames(symbol_table("onnx", "gru")).U == "R"
    assert SymbolNames(symbol_table("onnx", "gru")).h == "H"
    assert SymbolNames(symbol_table("onnx", "gru")).d_h == "∂L/∂H"
    assert [keeps(n) for n in NOTATIONS] == [None, True, True, False, True]


@pytest.mark.parametrize(
    ("notation", "line", "written"),
    [
        ("rnnviz", "a_f", "x₄·W_f + h₃·U_f + b_f"),
        ("keras", "a_f", "x₄·kernel_f + h₃·recurrent_kernel_f + bias_f"),
        ("pytorch", "a_g", "W_ig·x₄ + W_hg·h₃ + (b_ig+b_hg)"),
        ("paper", "a_g", "W_c·x₄ + U_c·h₃ + b_c"),
        ("paper", "c", "f₄ ⊙ c₃ + i₄ ⊙ c̃₄"),
        ("onnx", "a_f", "X₄·Wfᵀ + H₃·Rfᵀ + (Wbf+Rbf)"),
        ("onnx", "c", "f₄ ⊙ C₃ + i₄ ⊙ c₄"),
    ],
)
def test_a_line_of_lstm_in_each_notation(notation: str, line: str, written: str) -> None:
    layer = in_notation(made(TEXT, "lstm"), notation).layers[0]
    formula = next(each.formula for each in layer.lines if each.name == line)
    assert "".join(text for text, _ in layer.symbols(formula, layer.step(3))) == written


@pytest.mark.parametrize("notation", ["pytorch", "paper", "onnx"])
def test_a_matrix_that_is_stored_as_out_by_in_has_its_indices_exchanged(notation: str) -> None:
    layer = in_notation(made(TEXT, "lstm"), notation).layers[0]
    assert layer.entry("W_f", 1, 2).endswith("[2,1]")
    assert layer.shape_text("W_f") == "6, 5"
    back = next(line.formula for line in layer.back if line.name == "d_x")
    transposed = "".join(text for text, _ in layer.symbols(back, 4)).count("ᵀ")
    assert transposed == (0 if notation == "onnx" else 4)


# -- the same net -----------------------------------------------------------------------------


def gap(layer: LayerTrace, t: int) -> float:
    """The largest difference between a line evaluated and what the layer has recorded."""
    at, worst = layer.at(t), 0.0
    for line in layer.lines:
        value = evaluate(line.formula, at)
        worst = max(worst, float(np.abs(value - at[line.name]).max()))
    for line in layer.back:
        name = line.name.removeprefix("d_")
        value = evaluate(line.formula, at)
        worst = max(worst, float(np.abs(value - layer.grads[name][t]).max()))
    return worst


def drawn(cell: str, seed: int, text: str) -> Trace:
    return trace_of(stored(cell), Query(text, cell, random=seed))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(CELLS),
    st.sampled_from(OTHERS),
    st.integers(0, 1000),
    st.lists(st.sampled_from(TEXT.split()), min_size=1, max_size=4),
)
def test_the_lines_of_a_notation_give_its_numbers(
    cell: str, notation: str, seed: int, words: list[str]
) -> None:
    trace = drawn(cell, seed, " ".join(words))
    other = in_notation(trace, notation)
    own, shown = trace.layers[0], other.layers[0]
    for t in range(len(words)):
        assert gap(shown, t) <= gap(own, t) + 2e-6
    assert np.array_equal(shown.values["h"], own.values["h"])
    assert in_notation(other, "rnnviz") is trace


def test_in_the_paper_s_notation_z_of_a_gru_renews_and_everything_turns_with_it() -> None:
    trace = made(TEXT, "gru")
    own, paper = trace.layers[0], in_notation(trace, "paper").layers[0]
    assert is_turned(paper) and not is_turned(own)
    assert np.array_equal(paper.values["z"], 1 - own.values["z"])
    for name in ("W_z", "U_z", "b_z", "b_rz"):
        assert np.array_equal(paper.weights[name], -own.weights[name])
    for name in ("z", "a_z"):
        assert np.array_equal(paper.grads[name], -own.grads[name])
    for name in set(own.grads) - {"z", "a_z"}:
        assert paper.grads[name] is own.grads[name]
    formulas = {line.name: line.formula for line in paper.lines}
    assert formulas["h"] == "(1 - z) * h_prev + z * g"
    assert {line.name: line.formula for line in paper.back}["d_z"] == "d_h * (g - h_prev)"


@pytest.mark.parametrize(("notation", "cell"), product(OTHERS, CELLS))
def test_only_z_of_a_gru_is_turned_and_only_in_the_paper(notation: str, cell: str) -> None:
    layer = made(TEXT, cell).layers[0]
    assert turns_z(layer, notation) == (notation == "paper" and cell in ("gru", "gru-2014"))


def test_z_that_renews_is_turned_where_z_keeps() -> None:
    renews = in_notation(made(TEXT, "gru"), "paper")
    as_computed = Trace(**{**vars(renews), "source": None})
    back = in_notation(as_computed, "keras").layers[0]
    assert not is_turned(back)
    np.testing.assert_allclose(back.values["z"], made(TEXT, "gru").layers[0].values["z"], atol=1e-7)


def test_json_and_files_have_the_names_of_the_lines() -> None:
    trace = made(TEXT, "gru")
    names_in_file = set(trace.to_json()["layers"][0]["values"])
    assert names_in_file == {"x", "a_z", "a_r", "a_g", "z", "r", "g", "q", "h"}
    assert not any(is_weight(name) for name in names_in_file)


@pytest.mark.parametrize(
    ("cell", "notation", "typed", "held"),
    [
        ("gru", "paper", "z 3 = 0.2", Clamp("z", 0.8, 2)),
        ("gru", "paper", "a_z * = 1", Clamp("a_z", -1.0)),
        ("gru", "pytorch", "n 1 = 0", Clamp("g", 0.0, 0)),
        ("gru", "pytorch", "g 1 = 0", Clamp("g", 0.0, 0)),
        ("lstm", "onnx", "C 1 = 0", Clamp("c", 0.0, 0)),
        ("lstm", "onnx", "c 1 = 0", Clamp("g", 0.0, 0)),
        ("lstm", "paper", "c~ 1 = 0", Clamp("g", 0.0, 0)),
        ("lstm", "keras", "c̃ 1 = 0", Clamp("g", 0.0, 0)),
        ("lstm", "rnnviz", "c 1 = 0", Clamp("c", 0.0, 0)),
    ],
)
def test_a_clamp_is_typed_and_written_in_the_notation(
    cell: str, notation: str, typed: str, held: Clamp
) -> None:
    trace = in_notation(made(TEXT, cell), notation)
    clamp = read_clamp(parse_counted(typed, trace.tokens), trace)
    assert clamp == held
    again = parse_counted(written_clamp(clamp, trace).counted(trace.tokens), trace.tokens)
    assert read_clamp(again, trace) == held


def test_a_held_z_is_turned_with_its_trace() -> None:
    query = Query(TEXT, "gru", clamps=(Clamp("z", 1.0),))
    layer = in_notation(trace_of(stored("gru"), query), "paper").layers[0]
    assert layer.clamped_value("z", 0, 0) == 0.0
    assert not layer.values["z"].any()
    assert not layer.values["h"].any()  # all is kept of a state that begins as 0
