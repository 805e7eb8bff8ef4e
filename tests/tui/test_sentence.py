"""The sentence panel, read back from what it draws: heights, numbers, signs and statements."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pytest
from rich.cells import cell_len
from tui.small_models import TEXT, app, made, moment, screen_text

import rnnviz
from rnnviz.analysis.prediction_change import prediction_change
from rnnviz.analysis.readout import saliency
from rnnviz.cursor import start
from rnnviz.equations import number
from rnnviz.model_files import load
from rnnviz.trace import Trace
from rnnviz.tui.panels.arrangement import arrange
from rnnviz.tui.panels.heat_grid import Shape
from rnnviz.tui.panels.prediction_bars import ASCII_BARS, eighths, number_scale
from rnnviz.tui.panels.sentence import PanelRows, Sentence
from rnnviz.tui.panels.word_columns import LONGEST, window
from rnnviz.tui.render.theme import BARS, ViewTheme
from rnnviz.tui.view.view_state import ViewState

PLAIN = ViewTheme("dark", colour=False, ascii_only=True)
SIZES = {(80, 24): 7, (120, 36): 8}


def room(size: tuple[int, int]) -> tuple[int, int]:
    """Columns and lines of the panel at a size of the terminal."""
    found = arrange(*size, zoom="sentence", shape=Shape(5, 32, 6, (59, 12)))["sentence"]
    return found.width, found.height


def drawn(now: ViewState, size: tuple[int, int]) -> list[str]:
    lines = ["".join(s.text for s in line) for line in Sentence(now).lines(now, *size)]
    for line in lines:
        assert cell_len(line) <= size[0], line
    return lines


def heights(now: ViewState, size: tuple[int, int]) -> dict[int, int]:
    """The height of each word's bar in eighths, read from the glyphs in its columns."""
    glyphs = ASCII_BARS if now.theme.ascii else BARS
    first = 3
    rows = drawn(now, size)[first : first + PanelRows.of(size[1], False).bars]
    found = {}
    for column in window(now, size[0]).columns:
        cells = [row.ljust(size[0])[column.x] for row in rows]
        filled = [glyphs.index(c) if c in glyphs else 0 for c in cells]
        # Below the top of a bar every cell is full.
        bar = filled[next((k for k, n in enumerate(filled) if n), len(filled)) :]
        assert all(n == 8 for n in bar[1:]), cells
        if sum(bar):
            found[column.t] = sum(bar)
    return found


@cache
def read(text: str) -> Trace:
    return rnnviz.step(text, model="sentiment-lstm")


def at(t: int, trace: Trace | None = None, **changes: object) -> ViewState:
    trace = trace or read(TEXT)
    return replace(ViewState(trace, start(trace, t), ViewTheme("dark")), **changes)  # type: ignore[arg-type]


def texts() -> list[str]:
    """200 texts of 3 to 60 words: words of the vocabulary, some of them about opinions."""
    vocabulary = load("sentiment-lstm").vocabulary
    assert vocabulary is not None
    words = [w for w in vocabulary.words[2:3000] if w.isalpha()]
    strong = "not good bad great terrible never boring wonderful but worst best".split()
    rng = np.random.default_rng(15)

    def word() -> str:
        pool = strong if rng.random() < 0.2 else words
        return pool[int(rng.integers(len(pool)))]

    return [" ".join(word() for _ in range(n)) for n in rng.integers(3, 61, 200)]


def check_order(now: ViewState, size: tuple[int, int]) -> int:
    """Heights are in the order of the values; returns the number of pairs compared."""
    found = heights(now, size)
    shown = [c.t for c in window(now, size[0]).columns if now.prediction_known(c.t)]
    assert sorted(found) == shown
    values = {t: float(now.readout[t, now.shown_class()]) for t in found}
    for one, other in combinations(found, 2):
        low, high = sorted((one, other), key=values.__getitem__)
        assert found[low] <= found[high]
        if values[high] - values[low] >= 0.05:
            assert found[low] < found[high]
    return len(found) * (len(found) - 1) // 2


def test_heights_are_in_the_order_of_the_predictions() -> None:
    compared = 0
    for text in texts():
        trace = read.__wrapped__(text)
        T = len(trace.tokens)
        for size in map(room, SIZES):
            for t in {T - 1, T // 2}:
                compared += check_order(at(t, trace), size)
                line = drawn(at(t, trace), size)[2]
                said = re.findall(r"\d\.\d+(?:e−\d+)?", line)
                known = [c for c in window(at(t, trace), size[0]).columns if c.t <= t]
                assert said == [
                    number(float(trace.head.readout[c.t, 1]), 2, room=max(4, c.slot - 1))
                    for c in known
                ]
    assert compared > 10_000


@pytest.mark.parametrize("look", [ViewTheme("dark"), PLAIN])
@pytest.mark.parametrize("size", SIZES)
def test_five_words_five_heights_and_their_numbers(size: tuple[int, int], look: ViewTheme) -> None:
    assert room(size)[1] == SIZES[size]
    now = at(4, theme=look)
    found = heights(now, room(size))
    assert len(set(found.values())) == 5
    assert found[3] < found[2] < found[1] and found[4] < found[3]
    check_order(now, room(size))


def test_in_ascii_heights_are_in_the_order_too() -> None:
    for text in texts()[:20]:
        trace = read.__wrapped__(text)
        check_order(at(len(trace.tokens) - 1, trace, theme=PLAIN), room((80, 24)))


@pytest.mark.parametrize("rows", [3, 5, 7, 9])
def test_a_bar_is_never_empty_nor_inverted_and_twentieths_differ(rows: int) -> None:
    found = [eighths(share, rows) for share in np.linspace(0, 1, 2001)]
    assert found[0] == 1 and found[-1] == 8 * rows
    assert all(a <= b for a, b in pairwise(found))
    assert all(a < b for a, b in zip(found, found[100:], strict=False))


def test_stepping_leaves_the_bars_that_are_there() -> None:
    before: dict[int, int] = {}
    for t in range(5):
        found = heights(at(t), room((80, 24)))
        assert before.items() <= found.items() and len(found) == t + 1
        before = found


# -- the words that lie off -----------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("count", [1, 3, 20, 61, 300])
def test_signs_tell_how_many_words_lie_off(width: int, count: int) -> None:
    trace = made(" ".join(f"word{k}" for k in range(count)))
    turned = 0
    for t in range(count):
        now = moment(trace, t)
        line = drawn(now, (width, 7))[1]
        shown = [int(w) for w in re.findall(r"word(\d+)", line)]
        assert t in shown and shown == list(range(shown[0], shown[-1] + 1))
        left, right = re.search(r"‹ (\d+) ", line), re.search(r" (\d+) ›$", line)
        assert (int(left[1]) if left else 0) == shown[0]
        assert (int(right[1]) if right else 0) == count - 1 - shown[-1]
        # The word before the current one is there, and the one after it.
        assert {max(0, t - 1), min(count - 1, t + 1)} <= set(shown)
        turned += window(now, width) is not window(moment(trace, max(0, t - 1)), width)
    assert turned <= count // 2


async def test_a_click_on_a_sign_leads_to_the_nearest_word_that_lies_off() -> None:
    it = app(" ".join(["word"] * 60), t=30)
    async with it.run_test(size=(80, 24)) as pilot:
        first, last = (window(it.step_screen.view_state, 80).columns[k].t for k in (0, -1))
        await pilot.click("#sentence", offset=(77, 1))
        assert it.step_screen.view_state.cursor.t == last + 1
        it.step_screen.move(replace(it.step_screen.view_state.cursor, t=30))
        await pilot.pause()
        await pilot.click("#sentence", offset=(10, 1))
        assert it.step_screen.view_state.cursor.t == first - 1


def test_signs_are_ascii_in_ascii() -> None:
    text = " ".join(["word"] * 60)

    async def check() -> list[str]:
        it = app(text, ascii_only=True, t=30)
        async with it.run_test(size=(80, 24)):
            return screen_text(it)

    import asyncio

    line = asyncio.run(check())[2]
    assert re.search(r"< \d+ ", line) and re.search(r"\d+ > *$", line) and line.isascii()


@pytest.mark.parametrize("token", ["日本語", "👍", "x" * 40, "e\u0301", "\u202eabc", "[b]x[/]"])
def test_no_word_shifts_a_column(token: str) -> None:
    base = made(" ".join(["good"] * 8))
    trace = replace(base, tokens=(token, "a", token, "b", token, "c", token, "d"))
    for t in range(8):
        now = moment(trace, t)
        line = drawn(now, (120, 8))[1]
        for column in window(now, 120).columns:
            assert column.width <= LONGEST
            before = next(k for k in range(len(line)) if cell_len(line[:k]) == column.x)
            assert line[before:].startswith(column.word.rstrip())


# -- numbers on the bars of the gradients ---------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_gradient_has_its_number(size: tuple[int, int]) -> None:
    now = at(2)
    (line,) = (li for li in drawn(now, room(size)) if "|∂L/∂x| " in li[:14])
    said = re.findall(r"[▁▂▃▄▅▆▇█](\S+)", line)
    assert [text.lstrip(BARS) for text in said] == [
        number(float(v), 2) for v in saliency(now.trace)
    ]


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_the_largest_gradient_and_what_it_is_are_told(lang: str) -> None:
    word = read(TEXT).tokens[int(np.argmax(saliency(read(TEXT))))]
    value = number(float(saliency(read(TEXT)).max()), 2)
    line = drawn(at(0, lang=lang), room((100, 30)))[-1]
    assert f"“{word}”" in line and value in line
    assert ("not importance" if lang == "en" else "önem değil") in line
    narrow = drawn(at(0, lang=lang, backward=True), room((80, 24)))[0]
    assert f"“{word}”, {value}" in narrow


# -- what the current word changed ----------------------------------------------------------------


def test_why_it_fell_at_not_is_told_after_three_keys() -> None:
    moved = prediction_change(read(TEXT), 3, 1)
    assert moved.units is not None and moved.before is not None
    order = np.argsort(moved.units.values)[:2]
    listed = ", ".join(f"unit {n} {number(float(moved.units.values[n]), 2, True)}" for n in order)
    for size in SIZES:
        line = drawn(at(3), room(size))[0]
        assert f"“not”: p(positive) {moved.before:.2f} → {moved.after:.2f}, fell by" in line
        assert listed in line
        before, after, size_of = (float(v) for v in re.findall(r"\d\.\d\d", line)[:3])
        assert before - after == pytest.approx(size_of)


@pytest.mark.parametrize("size", SIZES)
def test_the_start_tells_the_belief_and_the_key_that_goes_on(size: tuple[int, int]) -> None:
    lines = drawn(at(0), room(size))
    assert "“this”: p(positive) 0.44, not sure" in lines[0]
    assert "0.44 (not sure)" in lines[2]
    assert "→ reads the next word" in lines[3]
    assert "→ reads" not in "".join(drawn(at(1), room(size)))
    assert "→ reads" not in "".join(drawn(at(0, paper=True), room(size)))
    assert "→ reads" not in "".join(drawn(moment(made("good")), room(size)))


@pytest.mark.parametrize("size", SIZES)
def test_a_word_that_is_being_read_has_changed_nothing_yet(size: tuple[int, int]) -> None:
    now = at(3)
    now = replace(now, cursor=replace(now.cursor, part=2))
    lines = drawn(now, room(size))
    assert "“not” is being read; p(positive) was 0.39 after “was”" in lines[0]
    assert 3 not in heights(now, room(size))


@pytest.mark.parametrize("size", SIZES)
def test_predicting_first_tells_none_of_it(size: tuple[int, int]) -> None:
    now = at(3, hidden=True)
    lines = drawn(now, room(size))
    assert "predict first" in lines[0] and "?" in lines[2]
    said = "\n".join(lines)
    assert "0.18" not in said and "fell" not in said and "not importance" not in said
    assert sorted(heights(now, room(size))) == [0, 1, 2]


def test_with_four_labels_the_rival_is_named() -> None:
    labels = ("World", "Sports", "Business", "Sci/Tech")
    trace = made(labels=labels)
    told = 0
    for t in range(1, 5):
        now = moment(trace, t)
        moved = prediction_change(trace, t, now.shown_class())
        line = drawn(now, (160, 8))[0]
        assert f"“{trace.tokens[t]}”: p({trace.head.target})" in line
        if "unit" in line:
            assert moved.rival is not None and labels[moved.rival] in line
            told += 1
    assert told


def test_in_both_directions_the_change_is_told_without_units() -> None:
    now = moment(made(bidirectional=True), 3)
    line = drawn(now, (120, 8))[0]
    assert re.search(r"(fell|rose) by|stays at", line) and "unit" not in line


def test_a_forecast_tells_the_units_that_moved_it() -> None:
    trace = rnnviz.step("2015-07-05 18:40", model="jena-gru")
    lines = drawn(moment(trace, 100), (120, 8))
    assert re.search(r"T \(degC\) [\d.]+ → [\d.]+, (fell|rose) by [\d.]+, most by unit", lines[0])
    check_scale = number_scale(np.array([14.2, 15.9]))
    assert (check_scale.low, check_scale.high) == (14, 16)


@pytest.mark.parametrize("height", range(3, 20))
@pytest.mark.parametrize("second", [False, True])
def test_the_parts_fill_the_panel(height: int, second: bool) -> None:
    rows = PanelRows.of(height, second)
    used = 3 + rows.beside + rows.bars + rows.gradients + rows.explanation
    assert used == height or (rows.bars == 0 and used <= height)
    assert rows.bars == 0 or rows.bars % 2 == 1


def test_an_unknown_word_is_marked_in_its_column() -> None:
    trace = read("this zzyzx was good")
    assert "zzyzx?" in drawn(at(1, trace), (80, 7))[1]
