"""What the equation panel says in words: numbers of the trace, from the cell's own lines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tui.small_models import DRAWN, made, moment, panels, stored

from rnnviz.clamps import Clamp
from rnnviz.cursor import start
from rnnviz.equations import GateShare, argument, number, origins, shares, symbol, use_of
from rnnviz.query import Query
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.panels.part_words import part_words, percent
from rnnviz.tui.view.view_state import ViewState


def said(cell: str, part: str, **changes: object) -> tuple[str, ViewState]:
    """The words of a part at "not", unit 2."""
    view_state = moment(made(cell=cell), t=3, **changes)
    view_state = replace(view_state, cursor=replace(view_state.cursor, unit=2))
    return part_words(view_state, part), view_state


def value(view_state: ViewState, name: str) -> float:
    found = view_state.value(name)
    assert found is not None
    return found


# -- what the lines give --------------------------------------------------------------------------


def test_shares_of_a_formula() -> None:
    assert shares("f * c_prev + i * g") == (
        GateShare("f", False, "c_prev"), GateShare("i", False, "g"),
    )  # fmt: skip
    assert shares("z * h_prev + (1 - z) * g")[1] == GateShare("z", True, "g")
    assert shares("o * tanh(c)") == (GateShare("o", False, "tanh(c)"),)
    assert shares("x @ W + b") == ()


@pytest.mark.parametrize("cell", DRAWN)
def test_every_gate_of_every_cell_has_a_use(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    gates = [line.name for line in layer.lines if line.formula.startswith("sigmoid(")]
    assert all(use_of(gate, layer.lines) is not None for gate in gates)


def test_where_a_sum_comes_from() -> None:
    found = origins("x @ W_g + b_g + r * q")
    assert found is not None
    assert (found.inputs, found.states, found.bias) == ("x @ W_g", "r * q", "b_g")
    assert found.read == ("r * q",)
    assert origins("f * c_prev") is None
    assert argument("tanh(a)") == "a"
    assert argument("o * tanh(c)") is None


# -- the sentences --------------------------------------------------------------------------------


def test_the_gates_of_an_lstm() -> None:
    text, view_state = said("lstm", "forget")
    share = percent(view_state, value(view_state, "f"))
    c = number(value(view_state, "c_prev"), 3, True)
    assert text == f"The forget gate keeps {share} of c₃ = {c}."
    text, view_state = said("lstm", "input")
    share = percent(view_state, value(view_state, "i"))
    assert text == (
        f"The input gate writes {share} of the candidate {number(value(view_state, 'g'), 3, True)}."
    )


def test_c_is_not_h() -> None:
    text, view_state = said("lstm", "hidden")
    share = percent(view_state, value(view_state, "o"))
    inside = number(value(view_state, "c"), 3, True)
    assert text == (
        f"h₄ is {share} of tanh(c₄): the net reads h₄, c₄ = {inside} stays in the cell."
    )
    for cell in ("gru", "gru-2014", "rnn", "mingru"):
        assert said(cell, "hidden")[0].endswith("It is the only state.")


@pytest.mark.parametrize(("cell", "rest"), [("gru", False), ("gru-2014", False), ("mingru", True)])
def test_z_keeps_and_writes(cell: str, rest: bool) -> None:
    """In minGRU z is the share that is written."""
    text, view_state = said(cell, "update")
    z = value(view_state, "z")
    kept, written = (percent(view_state, share) for share in ((1 - z, z) if rest else (z, 1 - z)))
    assert f"keeps {kept} of h₃ and writes {written} of the candidate" in text


def test_a_sum_adds_up_in_words() -> None:
    text, view_state = said("rnn", "sum")
    numbers = [
        float(word.strip(",:.").replace("−", "-")) for word in text.split()
        if word[0] in "+−" and word[1].isdigit()
    ]  # fmt: skip
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=0.002)
    assert numbers[-1] == pytest.approx(value(view_state, "a"), abs=5e-4)


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("cell", DRAWN)
def test_every_part_says_something_once_it_is_computed(cell: str, lang: str) -> None:
    view_state = moment(made(cell=cell), t=3, lang=lang)
    parts = view_state.layer.parts
    for at, part in enumerate(parts):
        here = replace(view_state, cursor=replace(view_state.cursor, part=at))
        assert all(part_words(here, p) for p in parts[: at + 1])
        assert not any(part_words(here, p) for p in parts[at + 1 :])
        # Predict first: nothing of the current part is said.
        assert not part_words(replace(here, hidden=True), part)
        assert "{" not in part_words(here, part)


def test_a_held_value_is_said_to_be_held() -> None:
    query = Query("this movie was not good", "lstm", clamps=(Clamp("f", 1.0), Clamp("c", 0.0, 3)))
    trace = trace_of(stored(), query)
    view_state = replace(moment(trace), cursor=start(trace, 3, 2))
    assert part_words(view_state, "forget").startswith(
        "f₄ is held at 1.000. The forget gate keeps 100 % of c₃"
    )
    # The equation of a held value does not count, so nothing else is said.
    assert part_words(view_state, "cell") == "c₄ is held at 0.000."


def test_at_the_first_token_the_states_are_zero() -> None:
    view_state = moment(made(), t=0)
    assert part_words(view_state, "read").endswith("Nothing was read before: h₀ = 0, c₀ = 0.")
    assert part_words(view_state, "forget").endswith("of c₀ = 0.")


def test_an_unknown_word_is_said_to_be_unknown() -> None:
    trace = trace_of(stored(), Query("zyx good", "lstm"))
    assert "unknown" in part_words(moment(trace, t=0), "read")


@pytest.mark.parametrize(("share", "text"), [
    (0.602, "60 %"), (1.0, "100 %"), (0.0, "0 %"), (0.9964, "99.6 %"), (0.0042, "0.4 %"),
    (-0.25, "−25 %"),
])  # fmt: skip
def test_percent(share: float, text: str) -> None:
    assert percent(moment(), share) == text


# -- the panel ------------------------------------------------------------------------------------


#: Cells whose equations do not all fit into the panel of a size: it has the words alone.
WORDS_ALONE = {
    ("lstm-peephole", (80, 24)), ("lstm-projection", (80, 24)), ("lstm-projection", (100, 30)),
}  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (200, 50)])
@pytest.mark.parametrize("cell", DRAWN)
def test_the_zoom_shows_every_equation_with_its_words(cell: str, size: tuple[int, int]) -> None:
    """What a student asks about f or h is on the screen after "end enter enter"."""
    view_state = moment(made(cell=cell, units=32), t=4)
    view_state = replace(view_state, cursor=replace(view_state.cursor, zoom="equation", unit=27))
    lines = panels(view_state, size)["equation"]
    text = " ".join(" ".join(lines).split())
    for part in view_state.layer.parts[1:]:
        assert part_words(view_state, part) in text, part
    if (cell, size) in WORDS_ALONE:
        return
    for line in view_state.layer.lines:
        worked = number(float(view_state.layer.values[line.name][4, 27]), 3, True)
        own = [row for row in lines if row[1:].startswith(f"{symbol(line.name, 5)} = ")]
        assert own, line.name
        at = lines.index(own[0])
        assert any(worked in row for row in lines[at : at + 2]), (line.name, worked)
    assert sum(row.startswith("▸") for row in lines) == 1


def test_later_parts_have_symbols_without_numbers() -> None:
    view_state = moment(made(), t=3)
    cursor = replace(view_state.cursor, zoom="equation", part=1)
    lines = panels(replace(view_state, cursor=cursor), (120, 36))["equation"]
    later = next(row for row in lines if row.startswith(" c₄ = "))
    assert later.rstrip() == " c₄ = f₄ ⊙ c₃ + i₄ ⊙ g₄"


@pytest.mark.parametrize("cell", DRAWN)
def test_backward_shows_every_gradient_of_the_token(cell: str) -> None:
    view_state = moment(made(cell=cell, units=32), t=4, backward=True)
    view_state = replace(view_state, cursor=replace(view_state.cursor, zoom="equation"))
    lines = panels(view_state, (120, 36))["equation"]
    for line in view_state.layer.back:
        if line.name == "d_x":
            continue  # the input of this net is narrower than the layer
        assert any(row[1:].startswith(symbol(line.name, 5)) for row in lines), line.name
