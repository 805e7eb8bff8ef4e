"""The page of layers and directions: what the head takes, in which order lanes are read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis import layer_stack
from rnnviz.cursor import start
from rnnviz.engine import losses
from rnnviz.equations import number
from rnnviz.explore.net import summary
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.pages.net import NetPage
from rnnviz.tui.pages.net.layer_diagram import DiagramState
from rnnviz.tui.render.segments import length
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.view_state import ViewState
from tests.tui.small_models import TEXT, made, stored

SIZES = ((80, 24), (120, 36), (200, 50))
LABELS = ("world", "sports", "business", "science")
DEEP = {"layers": 2, "bidirectional": True, "labels": LABELS}
T = len(TEXT.split())


def trace_of(cell: str, **shape: Any) -> Trace:
    return made(cell=cell, **(shape or DEEP))


# -- what the head takes --------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("shape", [DEEP, {"layers": 1}, {"bidirectional": True}, {"layers": 3}],
                         ids=["deep", "one", "both", "stacked"])  # fmt: skip
def test_the_head_takes_exactly_the_last_states(cell: str, shape: dict[str, Any]) -> None:
    trace = trace_of(cell, **shape)
    asked = layer_stack.head_input(trace, "last")
    assert asked is not None
    np.testing.assert_allclose(asked.logits, trace.head.logits[-1], atol=1e-6)
    np.testing.assert_allclose(asked.output, trace.head.output, atol=1e-6)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("labels", [LABELS, ("negative", "positive")])
def test_the_trap_is_the_head_of_the_engine_at_the_last_token(
    cell: str, labels: tuple[str, ...]
) -> None:
    trace, kept = (
        trace_of(cell, **{**DEEP, "labels": labels}),
        stored(cell, **{**DEEP, "labels": labels}),
    )
    model = kept.model
    ids = np.array(trace.ids)[:, None]
    scans = model.record(ids).scans[-1]
    states = np.concatenate([scan.stack("h")[-1] for scan in scans], axis=-1)
    p = losses.outputs(model.spec.head.kind, model.head(states))[0]
    wanted = [1 - p[0], p[0]] if len(p) == 1 else p
    found = layer_stack.head_input(trace, "end")
    assert found is not None
    np.testing.assert_allclose(found.output, wanted, atol=1e-6)
    assert [(s.t, s.tokens_read) for s in found.states] == [(T - 1, T), (T - 1, 1)]
    right = layer_stack.head_input(trace, "last")
    assert right is not None and not np.allclose(found.output, right.output, atol=1e-4)


@pytest.mark.parametrize("shape", [{"layers": 1}, {"layers": 3}])
def test_without_a_backward_lane_there_is_no_trap(shape: dict[str, Any]) -> None:
    assert not layer_stack.differs_at_end(trace_of("gru", **shape))
    assert layer_stack.differs_at_end(trace_of("gru"))
    assert not layer_stack.differs_at_end(made("good", "gru", **DEEP))


def test_a_head_with_a_layer_of_its_own_is_not_guessed_at() -> None:
    trace = trace_of("gru")
    head = replace(trace.head, W=trace.head.W[:3])
    assert layer_stack.head_input(replace(trace, head=head), "last") is None


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_layer_reads_both_directions_of_the_one_below_side_by_side(cell: str) -> None:
    trace = trace_of(cell)
    assert layer_stack.levels(trace) == ((0, 1), (2, 3))
    below = np.concatenate([trace.layers[n].values["h"] for n in (0, 1)], axis=1)
    for n in (2, 3):
        assert (trace.layers[n].values["x"] == below).all()


def test_the_last_state_of_the_backward_lane_is_at_the_first_word() -> None:
    trace = trace_of("lstm")
    assert [layer_stack.last_token(layer) for layer in trace.layers] == [T - 1, 0, T - 1, 0]


# -- the page -------------------------------------------------------------------------------------


def drive(trace: Trace, size: tuple[int, int], keys: Sequence[str], **options: Any) -> list[str]:
    """Open the page, press keys, and read its text."""
    query = Query(TEXT, trace.model)
    app = RnnvizApp(lambda q: trace, query, trace, page="net", **options)

    async def run() -> list[str]:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            page = app.step_screen.query_one("#page-net", NetPage)
            return [strip.text for strip in page.strips()]

    return asyncio.run(run())


def lanes_of(lines: list[str]) -> list[list[str]]:
    """The lines of each lane, bottom to top as a trace has them."""
    starts = [k for k, line in enumerate(lines) if re.match(r"[ ▸]layer \d [→←]", line)]
    ends = [*starts[1:], len(lines)]
    return [lines[a:b] for a, b in zip(starts, ends, strict=True)][::-1]


def numbers(line: str) -> list[str]:
    return line[13:].split()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_sizes_and_the_chosen_unit_are_those_of_the_trace(
    cell: str, size: tuple[int, int]
) -> None:
    trace = trace_of(cell)
    lanes = lanes_of(drive(trace, size, ["l", "V"], unit=2))
    for layer, lane in zip(trace.layers, lanes, strict=True):
        wanted = np.linalg.norm(layer.values["h"].astype(np.float64), axis=1)
        assert numbers(lane[1]) == [number(float(v), 2) for v in wanted]
    unit = next((line for line in lanes[1] if "◆ h 2" in line), None)
    assert unit is not None or size == (80, 24)
    if unit is not None:
        h = trace.layers[1].values["h"][:, 2]
        assert numbers(unit) == [number(float(v), 2, signed=True) for v in h]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_both_predictions_are_shown(cell: str, size: tuple[int, int]) -> None:
    trace = trace_of(cell)
    lines = drive(trace, size, ["W"])
    for place, name in (("last", "last states ■"), ("end", "at the last word ⊗")):
        asked = layer_stack.head_input(trace, place)  # type: ignore[arg-type]
        assert asked is not None
        line = next(line for line in lines if line.startswith(f" {name}"))
        assert line[22:].split() == [number(float(p)) for p in asked.output]
    assert f"1 of {T} steps" in " ".join(" ".join(lines).split())


def test_the_last_states_are_marked_and_the_wrong_one_of_the_trap() -> None:
    marks = [
        re.sub("[^●■⊗·]", "", lane[0])
        for lane in lanes_of(drive(trace_of("gru"), (120, 36), ["W"]))
    ]
    assert marks == ["●●●●■", "■●●●●", "●●●●■", "■●●●⊗"]


def test_arrows_point_the_way_a_lane_reads() -> None:
    for n, lane in enumerate(lanes_of(drive(trace_of("gru"), (120, 36), ["V"]))):
        there, back = lane[0].count("▶"), lane[0].count("◀")
        assert (there, back) == ((T - 1, 0) if n % 2 == 0 else (0, T - 1))


def test_a_lane_fills_in_its_own_order_and_only_after_the_one_below() -> None:
    # Two lanes on, the cursor stays at the third word: the third lane has read three words.
    lanes = lanes_of(drive(trace_of("gru"), (120, 36), ["right", "right", "l", "l"]))
    dots = [[word == "·" for word in numbers(lane[1])] for lane in lanes]
    assert dots == [[False] * T, [False] * T, [False] * 3 + [True] * 2, [True] * T]
    lanes = lanes_of(drive(trace_of("gru"), (120, 36), ["right", "right", "l", "l", "l"]))
    dots = [[word == "·" for word in numbers(lane[1])] for lane in lanes]
    assert dots[3] == [True] * 2 + [False] * 3


def test_the_head_waits_for_the_last_states_of_the_top_layer() -> None:
    trace = trace_of("gru")
    said = number(float(trace.head.output[0]))
    waiting = drive(trace, (120, 36), ["l", "l", "l", "end"])
    assert "waits" in waiting[3] and not any(said in line for line in waiting)
    assert said in drive(trace, (120, 36), ["l", "l", "l", "home"])[3]


def test_a_net_that_reads_forward_says_that_there_is_no_trap() -> None:
    lines = " ".join(drive(made(), (120, 36), ["W"]))
    assert "h[:, −1] is right" in lines and "padding page" in lines


# -- Keras calls, parameters, and what the layers return -----------------------------------------


def with_summary(cell: str, size: tuple[int, int], lang: str = "en", **shape: Any) -> list[str]:
    """The page's text with the answer to its question."""
    trace, spec = made(cell=cell, **shape), stored(cell, **shape).model.spec
    query = Query(TEXT, cell)
    state = ViewState(trace, start(trace, T - 1), ViewTheme("dark"), lang, query=query)
    (asked,) = NetPage(state).questions(state)
    state = replace(state, answers={asked: summary(spec)})
    drawn = NetPage(state).lines(state, *size)
    assert len(drawn) <= size[1]
    return ["".join(piece.text for piece in line) for line in drawn]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-2014"])
@pytest.mark.parametrize("shape", [DEEP, {"layers": 1}, {"bidirectional": True}, {"layers": 3}],
                         ids=["deep", "one", "both", "stacked"])  # fmt: skip
@pytest.mark.parametrize("size", SIZES)
def test_every_layer_has_its_keras_call_and_its_count(
    cell: str, shape: dict[str, Any], size: tuple[int, int]
) -> None:
    net = stored(cell, **shape).model
    lines = with_summary(cell, size, **shape)
    spec = net.spec
    prefixes = {"Embedding(": "embedding", "Dense(": "head."}
    for k in range(len(spec.layers)):
        # The lanes are drawn from the top layer down.
        prefixes[f"layer {k}"] = f"layers.{k}."
    calls = [x for x in lines if re.match(r" (Bidirectional|SimpleRNN|LSTM|GRU)\(", x)]
    assert len(calls) == len(spec.layers)
    found = {f"layer {len(calls) - 1 - k}": line for k, line in enumerate(calls)}
    for name in ("Embedding(", "Dense("):
        found[name] = next(line for line in lines if line.startswith(f" {name}"))
    for name, line in found.items():
        own = sum(a.size for key, a in net.params.items() if key.startswith(prefixes[name]))
        counts = re.findall(r"   (?:([\d·+ ()]+) = )?([\d,]+)(?: par|$)", line)
        [(arithmetic, count)] = counts
        assert count == f"{own:,}"
        if arithmetic:
            assert eval(arithmetic.replace("·", "*")) == own
        assert arithmetic or size[0] == 80
    for k, line in enumerate(reversed(calls)):
        assert ("return_sequences=True" in line) == (k + 1 < len(calls))


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mingru"])
@pytest.mark.parametrize("shape", [DEEP, {"layers": 1}, {"bidirectional": True}, {"layers": 3}],
                         ids=["deep", "one", "both", "stacked"])  # fmt: skip
def test_the_page_says_what_return_sequences_and_the_last_place_give(
    lang: str, cell: str, shape: dict[str, Any]
) -> None:
    net = stored(cell, **shape).model.spec
    for size in SIZES:
        text = " ".join(" ".join(with_summary(cell, size, lang, **shape)).split())
        returned = text[text.rindex("return_sequences=True") :]
        width = (net.layers[-1].units) * len(net.layers[-1].directions)
        assert "return_sequences" in text and f"({width})" in text
        assert f"({T}, {net.layers[0].units * len(net.layers[0].directions)})" in returned or (
            len(net.layers) > 2
        )
        if size[0] >= 120:
            assert "h[:, −1]" in text
            assert ("trap" in text or "Tuzak" in text) == net.layers[0].bidirectional


def test_the_count_of_the_chosen_layer_is_explained() -> None:
    text = " ".join(" ".join(with_summary("lstm", (80, 24), layers=1)).split())
    assert "Why 288 in layer 1? W_i (5, 6), U_i (6, 6), b_i (6): 72 numbers a gate" in text
    assert "4 gates (i, f, g, o)" in text
    text = " ".join(" ".join(with_summary("lstm-slide", (120, 36), layers=1)).split())
    assert "Once more: V_o (6, 6)" in text and "(not in Keras)" in text


def test_words_left_and_right_of_the_columns_are_counted() -> None:
    trace = made(" ".join(TEXT.split() * 12), "gru")
    state = ViewState(trace, start(trace, 30), ViewTheme("dark"))
    page = NetPage(state)
    text = ["".join(s.text for s in line) for line in page.lines(state, 80, 24)]
    shown = page.visible_tokens
    assert shown is not None
    line = next(x for x in text if "▸" not in x and "good" in x and "“" not in x)
    assert f"‹ {shown.start}  {60 - shown.stop} ›" in line


# -- every size -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("words", [1, 5, 60])
@pytest.mark.parametrize("shape", [DEEP, {"layers": 1}, {"layers": 6, "units": 40}])
@pytest.mark.parametrize(
    "kept", [DiagramState(), DiagramState(whole=True), DiagramState(trap=True)]
)
def test_every_line_fits(
    lang: str, size: tuple[int, int], words: int, shape: dict[str, Any], kept: DiagramState
) -> None:
    trace = made(" ".join((TEXT.split() * 12)[:words]), "gru", **shape)
    for layer in {0, len(trace.layers) - 1}:
        cursor = replace(start(trace, words // 2), layer=layer)
        moment = ViewState(trace, cursor, ViewTheme("dark"), lang, page_states={"net": kept})
        drawn = NetPage(moment).lines(moment, *size)
        assert len(drawn) <= size[1]
        assert max(length(line) for line in drawn) <= size[0]
        text = "".join(piece.text for line in drawn for piece in line)
        # The chosen lane and the words are in sight at every size.
        assert "▸" in text and trace.tokens[words // 2] in text
