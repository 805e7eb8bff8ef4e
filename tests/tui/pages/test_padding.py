"""The padding page: its mathematics against other readings, its numbers against its answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rnnviz.analysis import padding
from rnnviz.analysis.padding import PaddingComparison, PaddingMode, PaddingQuestion
from rnnviz.cursor import start
from rnnviz.data.vocabulary import Encoding, Vocabulary
from rnnviz.engine.model import Model
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.explore import padding as explored
from rnnviz.model_files import StoredModel
from rnnviz.query import Query, Question
from rnnviz.trace import Trace
from rnnviz.tracer import trace as trace_of
from rnnviz.tui.pages.padding import PaddingPage, PaddingState
from rnnviz.tui.pages.padding.sequence_slots import bars, slots
from rnnviz.tui.render.segments import length
from rnnviz.tui.render.theme import ViewTheme
from rnnviz.tui.step.app import RnnvizApp
from rnnviz.tui.view.view_state import ViewState
from tests.tui.small_models import TEXT, stored

CELLS = ("rnn", "lstm", "gru", "lstm-slide", "gru-2014")
SIZES = ((80, 24), (120, 36), (200, 50))
FRONT, FRONT_MASKED, END, END_MASKED = padding.PADDING_MODES
WORDS = len(TEXT.split())


@cache
def unmasked(cell: str, length: int | None = 60, bidirectional: bool = False) -> StoredModel:
    """A net that reads its padding, as the lecture's: so many steps, padded in front."""
    made = stored(cell, bidirectional=bidirectional)
    source = replace(made.model.spec.source, mask_zero=False)  # type: ignore[type-var]
    model = Model(replace(made.model.spec, source=source), made.model.params)
    encoding = Encoding(padding="front", length=length)
    return replace(made, model=model, encoder=Vocabulary(made.vocabulary.words, encoding))


@cache
def answered(cell: str, pads: int | None = None) -> PaddingComparison:
    return explored.compare(unmasked(cell), TEXT, pads)


# -- the four readings ----------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pads", [0, 1, 20, None])
def test_a_mask_makes_either_side_the_reading_without_padding(cell: str, pads: int | None) -> None:
    found = answered(cell, pads)
    for way in (FRONT_MASKED, END_MASKED):
        padded = found.by_mode[way]
        at = found.pads if way.side == "front" else 0
        words = padded.h[0][at : at + WORDS]
        np.testing.assert_allclose(words, found.unpadded.h[0], atol=1e-7)
        np.testing.assert_allclose(padded.output, found.unpadded.output, atol=1e-7)
        assert padding.final_state_distance(padded, found.unpadded, 0) < 1e-6


def test_rounding_is_no_distance() -> None:
    found = answered("lstm").unpadded
    rounded = replace(found, h=tuple(np.nextafter(h, np.float32(2)) for h in found.h))
    other = replace(found, h=tuple(h * np.float32(1.001) for h in found.h))
    assert padding.final_state_distance(found, rounded, 0) == 0
    assert padding.final_state_distance(found, other, 0) > 0


@pytest.mark.parametrize("cell", CELLS)
def test_masked_steps_keep_the_state(cell: str) -> None:
    found = answered(cell)
    front, end = found.by_mode[FRONT_MASKED].h[0], found.by_mode[END_MASKED].h[0]
    assert not front[: found.pads].any()
    assert (end[WORDS:] == end[WORDS - 1]).all()
    assert not padding.state_changes(found.by_mode[END_MASKED], 0)[WORDS:].any()


@pytest.mark.parametrize("cell", CELLS)
def test_the_way_it_was_trained_is_what_the_tracer_reads(cell: str) -> None:
    found, trace = answered(cell), trace_of(unmasked(cell), Query(TEXT, cell))
    assert found.trained_mode == FRONT and found.is_trained_mode(FRONT)
    assert found.pads == found.trained_pads == 60 - WORDS
    np.testing.assert_allclose(found.by_mode[FRONT].output, trace.head.output, atol=1e-6)
    words = found.by_mode[FRONT].h[0][found.pads :]
    np.testing.assert_allclose(words, trace.layers[0].values["h"], atol=1e-6)
    readout = found.by_mode[FRONT].readout[found.pads :]
    np.testing.assert_allclose(readout, trace.head.readout, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("side", ["front", "end"])
def test_unmasked_it_is_the_models_own_pass_over_the_padded_ids(cell: str, side: Any) -> None:
    net = unmasked(cell)
    _, ids = net.vocabulary.read(TEXT)
    row = [0] * 20 + ids if side == "front" else ids + [0] * 20
    p = net.model.predict(np.array(row)[:, None])[0, 0]
    found = answered(cell, 20).by_mode[PaddingMode(side, False)]
    assert found.ids == tuple(row)
    np.testing.assert_allclose(found.output, [1 - p, p], atol=1e-6)


def test_padding_behind_ends_where_padding_alone_ends() -> None:
    net = unmasked("rnn", length=600)
    # A net whose state dies away forgets its words; one that does not would not show it.
    params = {n: a * 0.5 if n.endswith(".U") else a for n, a in net.model.params.items()}
    fading = replace(net, model=Model(net.model.spec, params))
    found = explored.compare(fading, TEXT)
    assert found.padding_only is not None
    assert padding.final_state_distance(found.by_mode[END], found.padding_only, 0) < 1e-5
    assert padding.final_state_distance(found.by_mode[FRONT], found.padding_only, 0) > 0.1


def test_a_net_that_masks_is_asked_with_some_padding() -> None:
    found = explored.compare(stored("lstm"), TEXT)
    assert found.pads == padding.DEFAULT_PADS and found.trained_mode == END_MASKED
    assert found.is_trained_mode(END_MASKED) and not found.is_trained_mode(END)


def test_both_directions_are_read_and_nothing_is_said_on_the_way() -> None:
    found = explored.compare(stored("gru", layers=2, bidirectional=True), TEXT, 3)
    padded = found.by_mode[FRONT]
    assert padded.directions == ("forward", "backward") * 2
    assert padded.readout.shape == (0, 2) and len(padded.h) == 4
    masked = found.by_mode[FRONT_MASKED]
    for lane in range(4):
        np.testing.assert_allclose(
            masked.last_state(lane), found.unpadded.last_state(lane), atol=1e-7
        )


def test_moves_follow_the_order_a_layer_reads_in() -> None:
    padded = explored.compare(stored("gru", bidirectional=True), TEXT, 3).by_mode[END]
    h = padded.h[1].astype(np.float64)
    wanted = [np.linalg.norm(h[t] - (h[t + 1] if t + 1 < len(h) else 0)) for t in range(len(h))]
    np.testing.assert_allclose(padding.state_changes(padded, 1), wanted)


@pytest.mark.parametrize("pads", [-1, 56, 10_000])
def test_more_padding_than_the_text_has_room_for_is_refused(pads: int) -> None:
    with pytest.raises(UsageError, match="room for 55"):
        explored.compare(unmasked("rnn"), TEXT, pads)


def test_held_values_and_series_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnviz.clamps import Clamp

    held = Query(TEXT, "rnn", clamps=(Clamp("h", 0.0),))
    with pytest.raises(UsageError, match="without clamps"):
        explored.answer(PaddingQuestion(held), lambda q: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(UsageError, match="series"):
        explored.answer(PaddingQuestion(Query("", "jena-gru")), lambda q: None)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(("words", "length", "offered"), [
    (5, None, (0, 20, 100)), (6, 500, (0, 20, 100, 494)), (450, 500, (0, 20, 50)),
    (500, 500, (0,)), (480, 500, (0, 20)),
])  # fmt: skip
def test_the_choices_end_with_the_trained_number(
    words: int, length: int | None, offered: tuple[int, ...]
) -> None:
    assert padding.pad_choices(words, length) == offered


@pytest.mark.parametrize("pads", [0, 1, 3, 20, 494])
@pytest.mark.parametrize("room", [1, 2, 5, 12, 40])
def test_landmarks_are_in_order_and_end_with_the_last_padding(pads: int, room: int) -> None:
    found = padding.shown_pads(pads, room)
    assert list(found) == sorted(set(found)) and len(found) <= room
    assert not pads or found[-1] == pads


# -- the lane -------------------------------------------------------------------------------------


@pytest.mark.parametrize("front", [True, False])
@pytest.mark.parametrize("words", [1, 5, 60])
@pytest.mark.parametrize("pads", [0, 1, 20, 494])
@pytest.mark.parametrize("room", [44, 104, 184])
def test_every_step_has_its_place_and_every_place_its_room(
    front: bool, words: int, pads: int, room: int
) -> None:
    said = tuple(f"word{k}" for k in range(words))
    for chosen in {0, words // 2, words - 1}:
        found = slots(said, pads, front, room, chosen)
        assert [t for s in found for t in range(s.first, s.last + 1)] == list(range(pads + words))
        ends = [(s.x, s.x + s.width) for s in found]
        assert all(end <= start for (_, end), (start, _) in pairwise(ends))
        assert ends[-1][1] <= room
        assert any(s.word == chosen for s in found)


def test_a_bar_is_as_high_as_its_share() -> None:
    from rich.style import Style

    found = slots(("a", "b"), 2, True, 40, 0)
    style = Style()
    drawn = bars(found, [0.0, 0.5, 1.0, None], [style] * 4, 2, style)
    columns = {s.x: ["".join(p.text for p in line)[s.x] for line in drawn] for s in found}
    assert list(columns.values()) == [[" ", " "], [" ", "█"], ["█", "█"], [" ", "·"]]


# -- the page -------------------------------------------------------------------------------------


def explore(question: Question) -> Any:
    if isinstance(question, PaddingQuestion):
        assert question.query.target is None
        return explored.compare(unmasked(question.query.model), TEXT, question.pads)
    assert isinstance(question, Query)
    return made(question.model)


def made(cell: str) -> Trace:
    return trace_of(unmasked(cell), Query(TEXT, cell))


def drive(
    cell: str, size: tuple[int, int], keys: Sequence[str] = ("end",), **options: Any
) -> list[str]:
    """Open the page, press keys, and read its text."""
    app = RnnvizApp(explore, Query(TEXT, cell), made(cell), page="padding", **options)

    async def run() -> list[str]:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for key in ("", *keys):
                if key:
                    await pilot.press(key)
                await pilot.pause()
                while app.step_screen.page_host.pending:
                    await pilot.pause(0.01)
                await pilot.pause()
            page = app.step_screen.query_one("#page-padding", PaddingPage)
            return [strip.text for strip in page.strips()]

    return asyncio.run(run())


def row_of(lines: list[str], name: str) -> list[str]:
    """The words of the line that begins with a name, or has it behind the rows of h."""
    line = next(line for line in reversed(lines) if name in line)
    return line[line.index(name) + len(name) :].split()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_table_shows_the_answer(cell: str, size: tuple[int, int]) -> None:
    found, lines = answered(cell), drive(cell, size)
    assert found.padding_only is not None
    names = {"no padding": found.unpadded, "padding alone": found.padding_only}
    sides = {"front": "in front", "end": "behind"}
    for way, padded in found.by_mode.items():
        mask = "masked" if way.masked else "unmasked"
        names[f" {sides[way.side]} · {mask}"] = padded
    table = lines[-8:] if size[0] < 119 else lines
    for name, padded in names.items():
        told = [w for w in row_of(table, name) if re.fullmatch(r"[0-9.e−]+", w)]
        size_h = float(np.linalg.norm(padded.last_state(0).astype(np.float64)))
        far = padding.final_state_distance(padded, found.unpadded, 0)
        assert told == [number(float(padded.output[1])), number(size_h), number(far)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("presses", [0, 1, 2, 3])
def test_the_numbers_at_the_cursor_are_those_of_its_step(
    cell: str, size: tuple[int, int], presses: int
) -> None:
    lines = drive(cell, size, ["end", "left", *["M"] * presses], unit=2)
    way = padding.PADDING_MODES[presses]
    padded = answered(cell).by_mode[way]
    step = WORDS - 2 + (answered(cell).pads if way.side == "front" else 0)
    gutter = [line[:15].strip(" │") for line in lines[:16]]
    for value in (padded.readout[step, 1], padding.padded_state_norms(padded, 0)[step],
                  padding.state_changes(padded, 0)[step]):  # fmt: skip
        assert any(text.endswith(number(float(value))) for text in gutter)
    shown = next(line for line in lines if line.startswith("▸not"))
    assert shown.split()[1] == number(float(padded.h[0][step, 2]), signed=True)


def test_a_word_that_is_not_read_yet_is_a_dot() -> None:
    lines = drive("lstm", (120, 36), ["right", "M", "M"])
    rows = {line.split()[0]: line for line in lines if line[:12].split()}
    assert "·" in rows["good"] and "·" not in rows["▸movie"]
    # The padding comes last here: none of it is read either.
    row = next(line for line in lines if line.startswith(" padding 1"))
    assert "·" in row and not re.search(r"[+−]0\.\d", row[12:22])


def test_what_is_hidden_is_not_told() -> None:
    trace, shown = made("lstm"), drive("lstm", (120, 36), ["end"])
    asked = drive("lstm", (120, 36), ["end", "p"])
    ways = [way.output[1] for way in answered("lstm").by_mode.values()]
    for told in {number(float(p)) for p in (trace.head.output[1], *ways)}:
        assert any(told in line for line in shown)
        assert not any(told in line for line in asked)


def test_z_changes_the_number_and_m_the_way() -> None:
    lines = drive("gru", (120, 36), ["N", "N", "M"])
    assert "20 paddings + 5 words = 25 steps" in lines[1]
    assert "in front · masked" in lines[0] and "as trained" not in lines[1]
    again = drive("gru", (120, 36), ["N"])
    assert "0 paddings" in again[1]


@pytest.mark.parametrize("lang", ["en", "tr"])
@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("pads", [None, 0, 20])
@pytest.mark.parametrize("way", padding.PADDING_MODES)
def test_every_line_fits(
    lang: str, size: tuple[int, int], pads: int | None, way: PaddingMode
) -> None:
    query = Query(TEXT, "lstm")
    moment = ViewState(
        made("lstm"), start(made("lstm"), 3), ViewTheme("dark"), lang, query=query,
        answers={PaddingQuestion(query, pads): answered("lstm", pads)},
        page_states={"padding": PaddingState(way, pads)},
    )  # fmt: skip
    drawn = PaddingPage(moment).lines(moment, *size)
    assert len(drawn) <= size[1]
    assert max(length(line) for line in drawn) <= size[0]


def test_padding_that_the_trace_shows_is_no_word_of_it() -> None:
    net = unmasked("gru", 20, True)
    trace = trace_of(net, Query(TEXT, "gru"))
    assert trace.tokens[0] == "[PAD]"
    found = explored.compare(net, TEXT)
    assert found.words == tuple(TEXT.split())
    np.testing.assert_allclose(found.by_mode[FRONT].output, trace.head.output, atol=1e-6)
    for lane, layer in enumerate(trace.layers):
        np.testing.assert_allclose(found.by_mode[FRONT].h[lane], layer.values["h"], atol=1e-6)
