"""The drawings: whole, owned, and true to the cell's lines."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pytest
from tui.small_models import DRAWN, made, moment, panels

from rnnviz.cells import CELLS
from rnnviz.cursor import part_of
from rnnviz.equations import number
from rnnviz.query import Query
from rnnviz.toy_net import model_of
from rnnviz.toy_net.edits import edited
from rnnviz.toy_net.net_files import open_net
from rnnviz.toy_net.number_text import input_text
from rnnviz.tracer import tracer
from rnnviz.tui.panels import cell_diagram
from rnnviz.tui.panels.cell_diagram import State
from rnnviz.tui.panels.diagram_size import sized
from rnnviz.tui.render.theme import ViewTheme

FILES = sorted(
    path.name.removesuffix(".txt")
    for path in files("rnnviz.tui.panels").joinpath("diagrams").iterdir()
)


@pytest.mark.parametrize("cell", FILES)
def test_every_character_has_an_owner(cell: str) -> None:
    plan = cell_diagram.read(cell)
    assert plan is not None
    assert len(plan.art) == len(plan.mask)
    for art, mask in zip(plan.art, plan.mask, strict=True):
        for n, char in enumerate(art):
            owner = mask.ljust(len(art))[n]
            if char != " ":
                assert plan.name(owner), (art, n)
            if char == "@":
                assert owner.isupper()


@pytest.mark.parametrize("cell", FILES)
def test_the_drawing_of_a_cell_with_its_usual_choices_is_that_of_the_file(cell: str) -> None:
    assert cell_diagram.diagram(made(cell=cell).layers[0]) == cell_diagram.read(cell)


@pytest.mark.parametrize("cell", DRAWN)
def test_every_gate_and_state_has_its_place(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    plan = cell_diagram.diagram(layer)
    shown = set(plan.names.values())
    told = {line.name for line in layer.lines}
    assert {"h", "p", "x", "h_prev"} <= shown
    assert {n for n in told if not n.startswith("a")} <= shown
    assert {n for n in shown if n not in ("x", "p") and not n.endswith("_prev")} <= told


def test_every_file_belongs_to_a_cell() -> None:
    assert set(FILES) <= set(CELLS)


def drawn(cell: str, part: int, t: int = 1, unit: int = 2) -> str:
    now = moment(made(cell=cell), t)
    now = replace(now, cursor=replace(now.cursor, part=part, unit=unit))
    style = ViewTheme("dark").ink
    return "\n".join(
        "".join(s.text for s in line) for line in cell_diagram.draw(now, lambda _: style)
    )


@pytest.mark.parametrize("cell", DRAWN)
def test_live_numbers_appear_when_their_part_has_come(cell: str) -> None:
    layer = made(cell=cell).layers[0]
    for name in {line.name for line in layer.lines if not line.name.startswith("a")}:
        value = float(layer.values[name][1, 2])
        at = part_of(layer, name)
        if at > 0:
            assert f"{name}₂ ·" in drawn(cell, at - 1)
        # Six columns are the least; a value that needs seven has a decimal less there.
        shown = {f"{name}₂ {number(value, 3, True, room)}" for room in (6, 7)}
        assert any(each in drawn(cell, at) for each in shown), shown


@pytest.mark.parametrize("cell", DRAWN)
def test_a_cell_without_a_drawing_gets_a_generated_one(cell: str) -> None:
    layer = replace(made(cell=cell).layers[0], cell="nobody-drew-this")
    plan = cell_diagram.diagram(layer)
    assert {line.name for line in layer.lines} <= set(plan.names.values())
    now = moment(replace(made(cell=cell), layers=(layer,)), 1)
    lines = cell_diagram.draw(now, lambda _: ViewTheme("dark").ink)
    assert len(lines) == len(plan.art)


def test_a_hostile_cell_name_opens_no_file() -> None:
    assert cell_diagram.read("../diagrams/lstm") is None


def test_states_of_the_values_follow_the_parts() -> None:
    now = moment(t=1)
    now = replace(now, cursor=replace(now.cursor, part=3))
    states: dict[str, State] = {
        n: cell_diagram.state(now, n) for n in ("f", "c", "c_prev", "h", "x")
    }
    assert states == {"f": "source", "c": "now", "c_prev": "source", "h": "later", "x": "done"}


@pytest.mark.parametrize(
    ("net", "edits", "inside", "outside"),
    [
        ("gru-2-units-renew", (), ("1−z↑├──z──┘", "tanh"), ("├─1−z─┘",)),
        ("gru-2-units", (), ("├─1−z─┘", "tanh"), ("├──z──┘",)),
        ("rnn-sum", (), ("┤  id  ├",), ("tanh",)),
        ("rnn-sum", ("activation=relu",), ("┤ relu ├",), ("tanh", " id ")),
        ("lstm-1-unit", ("output_activation=identity",), ("│  id  │", "│tanh │"), ("│ tanh │",)),
        ("lstm-1-unit", ("gate_activation=hard_sigmoid",), ("│hardσ│",), ("│  σ  │",)),
    ],
)
def test_the_drawing_says_what_the_lines_say(
    net: str, edits: tuple[str, ...], inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    found = open_net(net)
    assert found.x is not None
    hand, text = found.hand, input_text(found.x)
    for said in edits:
        hand, text = edited(hand, text, said)
    layer = tracer()(Query(text, model_of(hand.cell), hand=hand)).layers[0]
    plan = cell_diagram.diagram(layer)
    said = "\n".join(plan.art)
    assert all(piece in said for piece in inside), said
    assert not any(piece in said for piece in outside), said
    for art, mask in zip(plan.art, plan.mask, strict=True):
        owners = mask.ljust(len(art))
        assert all(plan.name(owners[n]) for n, char in enumerate(art) if char != " ")


# -- larger ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 12), (66, 14), (78, 16), (118, 18), (118, 24)])
@pytest.mark.parametrize("cell", DRAWN)
def test_a_larger_drawing_has_the_same_wires_and_labels(cell: str, size: tuple[int, int]) -> None:
    layer = made(cell=cell).layers[0]
    small, large = cell_diagram.diagram(layer), sized(layer, "en", *size)
    assert large.width <= max(size[0], small.width)
    assert len(large.art) <= max(size[1], len(small.art))
    for sign in "⊗⊕▶▼┌┐└┘├┤┬┴":
        counts = [sum(row.count(sign) for row in plan.art) for plan in (small, large)]
        assert counts[0] == counts[1], sign
    for art, mask in zip(large.art, large.mask, strict=True):
        for n, char in enumerate(art):
            assert char == " " or large.name(mask.ljust(len(art))[n]), (art, n)
    # Each wire goes on: a stroke down meets a stroke up, a label or the end of the drawing.
    for above, below in zip(large.art, large.art[1:], strict=False):
        for n, char in enumerate(above):
            if char == "│" and n < len(below):
                assert below[n] != " ", (above, below, n)


def test_a_large_box_has_the_number_its_function_is_applied_to() -> None:
    trace = made(units=32)
    view_state = moment(trace, 3)
    view_state = replace(view_state, cursor=replace(view_state.cursor, zoom="cell", unit=27))
    drawn = panels(view_state, (120, 36))["cell"]
    for name in ("a_f", "a_i", "a_g", "a_o"):
        worked = number(float(trace.layers[0].values[name][3, 27]), 3, True)
        assert any(f" {worked} " in row for row in drawn), name
    assert len(" ".join(drawn[1].split())) < len(drawn[2].rstrip())  # wires over the whole width
    assert len(drawn[2].rstrip()) >= 110
