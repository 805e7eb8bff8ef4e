"""The weights page: what is multiplied, what it comes to, and what every token adds."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from rnnviz.analysis.shared_weights import column, gate_of, gates, growth, products, uses
from rnnviz.cursor import Cursor
from rnnviz.equations import number
from rnnviz.trace import Trace
from rnnviz.tui.pages.weights import WeightsPage, WeightsState
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.drawing import NUMBER, SIZES, computed, drawn, value
from tests.tui.small_models import CELLS, DRAWN, made, moment

cells = pytest.mark.parametrize("cell", DRAWN)
sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def page() -> WeightsPage:
    return WeightsPage(moment(), id="page-weights")


def at(trace: Trace, t: int, gate: str, unit: int = 2, **more: object) -> ViewState:
    layer = trace.layers[0]
    page_states = {"weights": WeightsState(layer.cell, len(layer.parts) - 1, gate)}
    return moment(
        trace, cursor=Cursor(0, t, len(layer.parts) - 1, unit), page_states=page_states, **more
    )


def tables(lines: list[str], names: list[str]) -> list[list[str]]:
    """The lines of each table, cut out of those that stand side by side."""
    heads = [n for n, line in enumerate(lines) if "largest products" in line]
    assert len(heads) == 1
    starts = [lines[heads[0]].index(f"─ {name}: largest") for name in names
              if f"─ {name}: largest" in lines[heads[0]]]  # fmt: skip
    found: list[list[str]] = []
    for start, stop in zip(starts, [*starts[1:], None], strict=True):
        cut: list[str] = []
        for line in lines[heads[0] + 1 :]:
            if "─" in line or not line[start:stop].strip():
                break
            cut.append(line[start:stop])
            if re.search(rf" = +{NUMBER}", line[start:stop]) and "×" not in line[start:stop]:
                break
        found.append(cut)
    return found


@cells
@sizes
def test_products_as_printed_add_up_to_the_sum_as_printed(cell: str, size: tuple[int, int]) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    seen = 0
    for gate in gates(layer):
        own = [u for u in uses(layer) if gate_of(layer, u.weight) == gate and u.read]
        for t in range(5):
            lines = drawn(page(), at(trace, t, gate), *size)
            if not any("largest products" in line for line in lines):
                continue
            subscript = "₀₁₂₃₄₅₆"
            reads = {"x": f"x{subscript[t + 1]}", "h_prev": f"h{subscript[t]}",
                     "c_prev": f"c{subscript[t]}", "m": f"m{subscript[t + 1]}"}  # fmt: skip
            names = {f"{reads[u.read]}·{u.weight}": u for u in own}
            # In place of products that are all 0 there is a sentence.
            names = {n: u for n, u in names.items() if f"{n}: largest" in "\n".join(lines)}
            for use, table in zip(names.values(), tables(lines, list(names)), strict=True):
                seen += 1
                wanted = products(layer, use, t, 2)
                shown = [re.findall(NUMBER, row)[-1] for row in table]
                assert shown[-1] == number(float(wanted.sum()), 3, True)
                # To half a unit of its last digit: a sum that ends in 5 may be rounded either way.
                assert abs(sum(map(value, shown[:-1])) - value(shown[-1])) < 0.0005 + 1e-9
                for row in table:
                    if "×" not in row.split("]", 2)[-1]:
                        continue
                    k = int(re.findall(r"\[(\d+)", row)[0])
                    left, right = re.findall(
                        rf"((?:{NUMBER}) × \(?{NUMBER}\)?) = +({NUMBER})", row
                    )[0]
                    digits = len(right.split(".")[1])
                    assert number(computed(left), digits, True) == right or "e" in right
                    assert value(right) == pytest.approx(wanted[k], abs=0.6 * 10**-digits)
    assert seen >= 5


@cells
@sizes
def test_the_sum_and_its_gate_are_those_of_the_trace(cell: str, size: tuple[int, int]) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    for gate in gates(layer):
        made_here = {u.made for u in uses(layer) if gate_of(layer, u.weight) == gate}
        made_here |= {gate if gate in layer.values else "h"}
        for t in range(5):
            text = "\n".join(drawn(page(), at(trace, t, gate), *size))
            for name in made_here:
                wanted = number(float(layer.values[name][t, 2]), 3, True)
                assert f"= {wanted}" in text, (gate, name, t)


@cells
def test_the_strips_come_to_the_products_total(cell: str) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    for gate in gates(layer):
        own = [u for u in uses(layer) if gate_of(layer, u.weight) == gate and u.read]
        lines = drawn(page(), at(trace, 3, gate), 120, 27)
        for use in own:
            strip = next(n for n, x in enumerate(lines) if x.startswith(f" {use.weight}[:,2]"))
            total = number(float(products(layer, use, 3, 2).sum()), 3, True)
            assert lines[strip + 2].rstrip().endswith(f"= {total}")


def test_the_weights_are_the_same_at_every_token_and_the_inputs_are_not() -> None:
    trace = made()
    strips = []
    for t in range(5):
        lines = page().lines(at(trace, t, "f"), 120, 27)
        found = []
        for line in lines:
            text = "".join(s.text for s in line)
            if text.startswith((" W_f[:,2]", f" x{'₀₁₂₃₄₅'[t + 1]} ")) and "is the" not in text:
                # Without the underline that marks the largest product.
                found.append([s.style.bgcolor for s in line if s.style and s.style.bgcolor])
        assert len(found) == 2
        strips.append(found)
    assert all(s[0] == strips[0][0] for s in strips)
    assert all(s[1] != strips[0][1] for s in strips[1:])


@pytest.mark.parametrize("cell", CELLS)
def test_g_goes_through_the_gates_until_the_part_changes(cell: str) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    shown = moment(trace, cursor=Cursor(0, 1, len(layer.parts) - 1, 2))
    seen = []
    for _ in gates(layer):
        shown = replace(shown, **page().press(shown, "next").updates(shown))
        seen.append(page().gate(shown))
    assert sorted(seen) == sorted(gates(layer))
    first = moment(trace, cursor=Cursor(0, 1, 1, 2), page_states=shown.page_states)
    assert page().gate(first) == gates(layer)[0]


def test_what_is_to_be_predicted_is_not_given_away() -> None:
    trace = made()
    text = "\n".join(drawn(page(), at(trace, 3, "f", hidden=True), 120, 27))
    for name in ("a_f", "f"):
        assert number(float(trace.layers[0].values[name][3, 2]), 3, True) not in text
    for use in uses(trace.layers[0]):
        if use.weight in ("W_f", "U_f"):
            total = float(products(trace.layers[0], use, 3, 2).sum())
            assert number(total, 3, True) not in text
    assert "largest products" not in text and "?" in text


def test_the_word_whose_embedding_is_read_is_named() -> None:
    trace = made(layers=2)
    text = "\n".join(drawn(page(), at(trace, 1, "f"), 120, 27))
    assert "embedding of “movie”" in text
    above = at(trace, 1, "f")
    above = replace(above, cursor=replace(above.cursor, layer=1))
    assert "embedding" not in "\n".join(drawn(page(), above, 120, 27))


@cells
@sizes
def test_in_the_walk_back_it_shows_what_every_token_adds(cell: str, size: tuple[int, int]) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    for gate in gates(layer):
        own = [u for u in uses(layer) if gate_of(layer, u.weight) == gate]
        for t in range(5):
            lines = drawn(page(), at(trace, t, gate, backward=True), *size)
            assert f"{5 - t} of 5 additions" in "\n".join(lines)
            for use in own:
                line = next(x for x in lines if re.match(rf" ∂L/∂{use.weight}[ 0-9]* ", x))
                grown = growth(layer, use)
                wanted = [number(float(grown.term[t])), number(float(grown.total[t]))]
                assert re.findall(NUMBER, line)[-2:] == wanted


def test_an_entry_grows_as_printed() -> None:
    trace = made()
    layer = trace.layers[0]
    for t in range(5):
        text = " ".join(drawn(page(), at(trace, t, "i", backward=True), 120, 27))
        for weight, k, left, right in re.findall(
            rf"∂L/∂(\w+)\[(\d+),2\] = Σ[^=]* = ([^=]+) = ({NUMBER})", text
        ):
            use = next(u for u in uses(layer) if u.weight == weight)
            before, term = column(layer, use, t, 2)
            assert right == number(float((before + term)[int(k)]), 3, True)
            assert number(computed(left), 3, True) == right
            assert np.abs(growth(layer, use).full[:, 2]).argmax() == int(k)


@cells
@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_at_the_first_token_the_page_says_that_the_state_before_is_0(
    cell: str, lang: str, size: tuple[int, int]
) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    said = {"en": "adds nothing yet", "tr": "henüz bir şey eklemiyor"}[lang]
    for gate in gates(layer):
        own = [use for use in uses(layer) if gate_of(layer, use.weight) == gate]
        reads = any(use.read not in ("", "x") for use in own)
        for t in (0, 1):
            text = " ".join(" ".join(drawn(page(), at(trace, t, gate, lang=lang), *size)).split())
            assert (said.split()[-1] in text) == (reads and t == 0)
    begun = replace(layer, initial={s: a + 1 for s, a in layer.initial.items()})
    padded = replace(trace, layers=(begun,))
    for gate in gates(layer):
        if any(u.read in layer.values for u in uses(layer) if u.weight == f"U_{gate}"):
            continue  # what U reads is recorded, and does not follow the initial state
        assert said not in " ".join(drawn(page(), at(padded, 0, gate, lang=lang), *size))


def test_a_wide_terminal_has_a_bar_for_each_product() -> None:
    trace = made()
    lines = drawn(page(), at(trace, 2, "f"), 200, 41)
    use = next(u for u in uses(trace.layers[0]) if u.weight == "W_f")
    own = np.sort(np.abs(products(trace.layers[0], use, 2, 2)))[::-1]
    at_head = next(n for n, line in enumerate(lines) if "largest products" in line)
    bars = [line[:99].count("█") for line in lines[at_head + 1 : at_head + 1 + len(own)]]
    assert bars == [max(1, round(20 * float(p / own[0]))) for p in own]
