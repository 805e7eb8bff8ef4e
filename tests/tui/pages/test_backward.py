"""The walk back: what is shown is in the trace, what is not reached is not shown."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import numpy as np
import pytest

from rnnviz.analysis.shared_weights import gates, growth, uses, walk
from rnnviz.cursor import Cursor
from rnnviz.engine import losses
from rnnviz.equations import number
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.pages.backward import BackwardPage, BackwardState, end, gradients, planned
from rnnviz.tui.panels.equations import is_top
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.page import Change
from rnnviz.tui.view.view_state import ViewState
from tests.tui.pages.drawing import NUMBER, SIZES, computed, drawn, numbers_in, value
from tests.tui.small_models import CELLS, DRAWN, TEXT, made, moment, read, stored

cells = pytest.mark.parametrize("cell", ("rnn", "lstm", "gru"))
sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def at(
    trace: Trace, t: int, part: int = 0, unit: int = 2, layer: int = 0, **more: object
) -> ViewState:
    return moment(trace, cursor=Cursor(layer, t, part, unit), **more)


def page() -> BackwardPage:
    return BackwardPage(moment(), id="page-backward")


def row(lines: list[str], word: str) -> str:
    """The map's row of a word."""
    return next(line for line in lines if re.match(rf"[ ▸]{word} ", line))


@cells
@sizes
def test_the_map_has_norm_and_value_of_every_token_reached(
    cell: str, size: tuple[int, int]
) -> None:
    trace = made(cell=cell)
    layer, words = trace.layers[0], TEXT.split()
    for name in gradients(layer):
        for t in (0, 2, 4):
            shown = at(trace, t, page_states={"backward": BackwardState(name)})
            lines = drawn(page(), shown, *size)
            seen = 0
            for k, word in enumerate(words):
                if not any(re.match(rf"[ ▸]{word} ", line) for line in lines):
                    continue
                seen += 1
                found = numbers_in(row(lines, word)) if k >= t else []
                norm = float(np.linalg.norm(layer.grads[name][k].astype(np.float64)))
                if k < t:
                    assert row(lines, word).split()[1] == "·"
                else:
                    value_shown = number(float(layer.grads[name][k, 2]), 3, True)
                    assert found[:2] == [number(norm), value_shown], (name, word)
            assert seen >= min(5, size[1] // 6)


@cells
def test_at_the_chosen_token_only_what_its_parts_have_undone_is_known(cell: str) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    for line in layer.back:
        name = line.name.removeprefix("d_")
        if name == "x":
            continue
        found = layer.parts.index(line.part)
        for part in range(len(layer.parts)):
            lines = drawn(
                page(), at(trace, 1, part, page_states={"backward": BackwardState(name)}), 120, 27
            )
            assert (row(lines, "movie").split()[1] != "·") == (part <= found)


def test_a_layer_that_reads_backwards_is_walked_to_the_right() -> None:
    lines = drawn(page(), at(made(bidirectional=True), 1, layer=1), 120, 27)
    known = [bool(numbers_in(row(lines, word))) for word in TEXT.split()]
    assert known == [True, True, False, False, False]


@cells
@sizes
def test_the_equations_come_to_the_gradients_of_the_trace(cell: str, size: tuple[int, int]) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    seen = 0
    for part, name in enumerate(layer.parts[:-1]):
        # On wide screens the sums stand to the right of the equations.
        cut = 110 if size[0] > 160 else None
        text = "\n".join(line[:cut] for line in drawn(page(), at(trace, 2, part), *size))
        for line in layer.back:
            values = layer.at(2)[line.name]
            if line.part == name and len(values) > 2:
                assert f"= {number(float(values[2]), 3, True)}" in text, line
        for left, right in re.findall(rf"= ([-−+×().\de ]+) = ({NUMBER}) *$", text, re.MULTILINE):
            seen += 1
            assert number(computed(left), 3, True) == right, left
    assert seen >= 3 or size[0] < 80


@cells
@sizes
def test_the_sums_are_those_of_the_terms_and_their_last_is_the_training_gradient(
    cell: str, size: tuple[int, int]
) -> None:
    trace = made(cell=cell)
    layer, net = trace.layers[0], stored(cell).model
    done = net.forward(np.array(trace.ids)[:, None])
    y = np.array([trace.head.labels.index(trace.head.target)])
    grads = net.gradients(done, losses.d_logits("sigmoid", done.logits, y))
    for gate in gates(layer):
        own = [u for u in uses(layer) if u.weight.partition("_")[2] in (gate, f"r{gate}")]
        own = own if gate != "r" else [u for u in own if u.weight != "b_rz"]
        for t in walk(layer):
            shown = at(
                trace, t, page_states={"backward": BackwardState(f"a_{gate}" if gate else "a")}
            )
            lines = drawn(page(), shown, *size)
            for use in own:
                line = next(x for x in lines if f"∂L/∂{use.weight} " in x and "adds" in x)
                grown = growth(layer, use)
                wanted = [number(float(grown.term[t])), number(float(grown.total[t]))]
                assert numbers_in(line)[-2:] == wanted, (use, t)
        text = "\n".join(lines)
        assert "5 of 5 additions" in text
        for use in own:
            if use.letter in "WU":
                k = layer.gates.index(gate) * layer.units
                block = grads[f"layers.0.forward.{use.letter}"][:, k : k + layer.units]
                shown_norm = next(
                    numbers_in(x)[-1] for x in lines if f"∂L/∂{use.weight} " in x and "adds" in x
                )
                assert value(shown_norm) == pytest.approx(np.linalg.norm(block), abs=6e-4)


@cells
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_one_entry_is_added_up_as_printed(cell: str, size: tuple[int, int]) -> None:
    trace = made(cell=cell)
    layer = trace.layers[0]
    for t in walk(layer):
        lines = drawn(page(), at(trace, t), *size)
        text = "\n".join(lines)
        [(weight, k, left, right)] = re.findall(
            rf"∂L/∂(W\w*)\[(\d+),2\](?: = Σ[^=]*)? = ([^=]+) = ({NUMBER})", text.replace("\n", " ")
        )
        use = next(u for u in uses(layer) if u.weight == weight)
        seen = [s for s in walk(layer) if s >= t]
        grad = layer.grads[use.made][seen, 2].astype(float)
        whole = layer.values["x"][seen, int(k)].astype(float) @ grad
        assert right == number(float(whole), 3, True)
        assert number(computed(left), 3, True) == right


def test_where_there_is_room_every_addition_has_a_line() -> None:
    trace = made()
    lines = drawn(page(), at(trace, 1), 200, 41)
    told = [x[110:] for x in lines if re.search(r" [1-4] (good|not|was|movie) ", x[110:])]
    assert [x.split()[:2] for x in told] == [["1", "good"], ["2", "not"], ["3", "was"],
                                             ["4", "movie"]]  # fmt: skip
    for line in told:
        left, right = line.split(maxsplit=2)[2].split("=")
        assert number(computed(left), 3, True) == right.strip()


def test_a_term_is_added_when_its_gate_is_undone() -> None:
    trace = made()
    parts = trace.layers[0].parts
    for part, count in (("forget", 3), ("input", 2), ("cell", 2)):
        shown = at(trace, 2, parts.index(part), page_states={"backward": BackwardState("f")})
        lines = drawn(page(), shown, 120, 27)
        assert f"{count} of 5 additions" in "\n".join(lines)
        assert ("adds ·" in "\n".join(lines)) == (count == 2)


def test_a_reading_that_began_in_padding_does_not_claim_to_be_complete() -> None:
    trace = made()
    layer = trace.layers[0]
    told = "\n".join(drawn(page(), at(trace, 0), 120, 27))
    assert "complete: the gradient training uses" in told
    begun = replace(layer, initial={s: a + 1 for s, a in layer.initial.items()})
    padded = "\n".join(drawn(page(), at(replace(trace, layers=(begun,)), 0), 120, 27))
    assert "training uses" not in padded and "but for the padding" in padded


@pytest.mark.parametrize("labels", [("negative", "positive"), ("a", "b", "c", "d")])
@pytest.mark.parametrize("both", [False, True])
def test_the_walk_starts_with_what_the_head_hands_over(labels: tuple[str, ...], both: bool) -> None:
    trace = made(labels=labels, bidirectional=both)
    for n, layer in enumerate(trace.layers):
        first = walk(layer)[0]
        lines = drawn(page(), at(trace, first, len(layer.parts) - 1, layer=n), 120, 27)
        text = " ".join(lines)
        wanted = number(float(layer.grads["h_out"][first, 2]), 3, True)
        [(left, right)] = re.findall(rf"·Wᵀ *= ([^=]+) = ({NUMBER})", text)
        assert right == wanted and number(computed(left), 3, True) == right
        assert text.count("= p − y = ") == (len(labels) if len(labels) > 2 else 1)


def test_between_the_ends_nothing_comes_from_above_but_in_a_lower_layer() -> None:
    trace = made(layers=2)
    predict = len(trace.layers[0].parts) - 1
    assert [is_top(at(trace, 2, layer=n)) for n in (0, 1)] == [False, True]
    told = "\n".join(drawn(page(), at(trace, 2, predict, layer=1), 120, 27))
    assert "The loss reads the last state only" in told
    told = "\n".join(drawn(page(), at(trace, 2, predict, layer=0), 120, 27))
    assert number(float(trace.layers[0].grads["h_out"][2, 2]), 3, True) in told
    assert "The layer above hands this down" in told


def test_a_masked_token_says_that_the_gradient_goes_around_it() -> None:
    trace = made()
    mask = np.array([True, True, False, True, True])
    trace = replace(trace, layers=(replace(trace.layers[0], mask=mask),))
    assert "masked" in "\n".join(drawn(page(), at(trace, 2), 120, 27))
    assert "masked" not in "\n".join(drawn(page(), at(trace, 3), 120, 27))


@pytest.mark.parametrize("cell", CELLS)
def test_g_goes_through_all_gradients_and_back(cell: str) -> None:
    shown, seen = at(made(cell=cell), 0), []
    for _ in gradients(shown.layer):
        seen.append(page().chosen(shown))
        change = page().press(shown, "next")
        assert isinstance(change, Change)
        shown = replace(shown, **change.updates(shown))
    assert page().chosen(shown) == seen[0] == "h"
    assert len(set(seen)) == len(seen) == len(shown.layer.back) - 1
    back = replace(shown, **page().press(shown, "previous").updates(shown))
    assert page().chosen(back) == seen[-1]


@pytest.mark.parametrize("zoom", ["sentence", "cell"])
@pytest.mark.parametrize("layer", [0, 1])
def test_playing_visits_every_token_once_in_walking_order(zoom: str, layer: int) -> None:
    trace = made(bidirectional=True)
    chosen = trace.layers[layer]
    shown = moment(trace, cursor=Cursor(layer, 2, 0, 2, zoom))  # type: ignore[arg-type]
    cursor = page().first_cursor(shown)
    places = [(cursor.t, cursor.part)]
    while (after := page().next_cursor(replace(shown, cursor=cursor))) != cursor:
        cursor = after
        places.append((cursor.t, cursor.part))
    predict = len(chosen.parts) - 1
    if zoom == "sentence":
        assert places == [(walk(chosen)[0], predict), *((t, 0) for t in walk(chosen))]
    else:
        assert places == [(t, p) for t in walk(chosen) for p in range(predict, -1, -1)]


@pytest.mark.parametrize("cell", CELLS)
def test_closing_leaves_the_cursor_where_opening_found_it(cell: str) -> None:
    trace = made(cell=cell)
    for part in range(end(trace.layers[0]) + 1, len(trace.layers[0].parts)):
        shown = at(trace, 2, part)
        opened = replace(shown, cursor=page().cursor_on_open(shown))
        assert page().cursor_on_close(opened) == shown.cursor


def test_on_the_screen_space_plays_from_the_last_token_to_the_left() -> None:
    app = RnnvizApp(read, Query(TEXT, "lstm"), made(), page="backward")
    seen: list[tuple[int, str]] = []

    async def run() -> None:
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            screen = app.step_screen

            def note() -> None:
                seen.append((screen.view_state.cursor.t, screen.view_state.part))

            note()
            await pilot.press("space")
            note()
            await pilot.press("space")
            for _ in range(2):
                screen.playback.step()
                note()
            await pilot.press("escape")
            note()

    asyncio.run(run())
    assert seen == [(0, "read"), (4, "predict"), (4, "read"), (3, "read"), (3, "predict")]


@pytest.mark.parametrize("cell", DRAWN)
def test_the_lines_are_shared_out_without_a_rest(cell: str) -> None:
    back = [line.part for line in made(cell=cell).layers[0].back]
    for height in range(11, 60):
        for tokens in (1, 5, 60):
            plan = planned(height, tokens, back, 4)
            assert plan.map + plan.equations + plan.sums == height
            assert plan.map >= 2 and plan.equations >= 3 and plan.sums >= 5
            assert plan.map <= tokens + 1


@cells
@pytest.mark.parametrize("t", [0, 2])
def test_the_start_of_the_walk_is_always_drawn(cell: str, t: int) -> None:
    for height in (16, 21, 27):
        lines = drawn(page(), at(made(cell=cell), t), 80, height)
        assert all(row(lines, word) for word in TEXT.split())
    words = [f"w{k}" for k in range(40)]
    trace = made(" ".join(words), cell)
    for size in SIZES:
        for k in (0, 17, 36, 39):
            lines = drawn(page(), at(trace, k), *size)
            drawn_words = [w for w in words if any(re.match(rf"[ ▸]{w} ", x) for x in lines)]
            assert {f"w{k}", "w39"} <= set(drawn_words)
            heading = next(x for x in lines if "‖∂L/∂h‖" in x)
            away = sum(map(int, re.findall(r"[↑↓](\d+)", heading)))
            assert away + len(drawn_words) == 40


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_note_on_the_sums_is_whole(lang: str, width: int) -> None:
    for t in range(5):
        lines = drawn(page(), at(made(), t, lang=lang), width, 16)
        title = next(x for x in lines if x.startswith(("─ shared", "─ ortak")))
        assert "…" not in title
        assert ("complete" in title or "tamam" in title) == (t == 0)


def test_the_largest_and_the_smallest_gradient_reached_are_named() -> None:
    trace = made()
    norms = np.linalg.norm(trace.layers[0].grads["h"].astype(np.float64), axis=1)
    for t in (0, 1, 2):
        text = " ".join(drawn(page(), at(trace, t), 120, 27)[-2:])
        high, low = (t + int(pick(norms[t:])) for pick in (np.argmax, np.argmin))
        tokens = TEXT.split()
        assert (
            f"“{tokens[high]}” changes the loss by at most {number(float(norms[high]))} ε" in text
        )
        assert f"“{tokens[low]}” by at most {number(float(norms[low]))} ε" in text
        assert "not the importance of a word" in text


def test_user_text_in_the_map_is_data() -> None:
    trace = made()
    trace = replace(trace, tokens=("a\x1b[31mb", "[bold]x", *trace.tokens[2:]))
    for line in drawn(page(), at(trace, 0), 120, 27):
        assert "\x1b" not in line
    assert any("[bold]x" in line for line in drawn(page(), at(trace, 0), 120, 27))
