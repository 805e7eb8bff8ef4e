"""The step screen under keys, mouse and resizing, with a fake tracer."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from tui.small_models import CELLS, TEXT, app, made, moment, screen_text

from rnnviz import messages
from rnnviz.analysis.readout import saliency
from rnnviz.cursor import ZOOMS
from rnnviz.equations import number
from rnnviz.errors import UsageError
from rnnviz.query import Query
from rnnviz.trace import Trace
from rnnviz.tui.app.help_screen import HelpScreen, help_text
from rnnviz.tui.keymap import ACTIONS, DEFAULT_KEYMAP, PAGE_ACTION_KEYS, step_actions
from rnnviz.tui.panels.equation_chain import Equations
from rnnviz.tui.panels.gradients import Gradients
from rnnviz.tui.render.segments import short
from rnnviz.tui.render.theme import THEMES
from rnnviz.tui.step.app import RnnvizApp, screenshot
from rnnviz.tui.step.help import sections

SIZE = (120, 36)


async def settle(pilot: Pilot[int], app: RnnvizApp) -> None:
    """Wait for workers and for the paint that follows them."""
    await app.workers.wait_for_complete()
    await pilot.pause()


# -- moving ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "t"),
    [(["right"], 1), (["right"] * 9, 4), (["right", "left"], 0), (["left"], 0), (["end"], 4),
     (["end", "home"], 0)],
)  # fmt: skip
async def test_keys_move_along_the_sentence(keys: list[str], t: int) -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        assert it.step_screen.view_state.cursor.t == t


async def test_comma_and_full_stop_walk_the_parts_over_token_borders() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        last = len(it.step_screen.view_state.layer.parts) - 1
        assert it.step_screen.view_state.cursor.part == last
        await pilot.press("full_stop")
        assert (it.step_screen.view_state.cursor.t, it.step_screen.view_state.cursor.part) == (1, 0)
        await pilot.press("comma", "comma")
        assert (it.step_screen.view_state.cursor.t, it.step_screen.view_state.cursor.part) == (
            0,
            last - 1,
        )


async def test_up_and_down_choose_the_unit() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("down")
        assert it.step_screen.view_state.cursor.unit == 3
        await pilot.press("up", "up", "up", "up")
        assert it.step_screen.view_state.cursor.unit == 5


async def test_enter_and_escape_zoom_and_escape_never_quits() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        for zoom in (*ZOOMS[1:], ZOOMS[-1]):
            await pilot.press("enter")
            assert it.step_screen.view_state.cursor.zoom == zoom
        await pilot.press(*["escape"] * 6)
        assert it.step_screen.view_state.cursor.zoom == "sentence"
        assert it.is_running
        assert it.return_code is None


async def test_zooming_shows_other_views() -> None:
    it = app()
    async with it.run_test(size=(80, 24)) as pilot:
        assert not any("┌" in line for line in screen_text(it))
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert any("┌───┴───┐" in line for line in screen_text(it))
        await pilot.press("v")
        await pilot.pause(0.1)
        assert any(" = " in line for line in screen_text(it))


async def test_q_quits_with_zero() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("q")
    assert it.return_value == 0


async def test_play_stops_at_the_end_and_starts_over() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("f", "f", "f")
        await pilot.press("space")
        assert it.step_screen.view_state.seconds == 0.2
        await pilot.pause(1.6)
        assert it.step_screen.view_state.cursor.t == 4
        assert it.step_screen.view_state.seconds is None
        await pilot.press("space")
        assert it.step_screen.view_state.cursor.t <= 1  # it may have gone on already
        await pilot.press("space")
        assert it.step_screen.view_state.seconds is None


async def test_play_walks_parts_in_the_cell() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("enter", *["f"] * 3, "space")
        await pilot.pause(0.5)
        assert it.step_screen.view_state.cursor.part < 4


# -- asking for more ---------------------------------------------------------------------


@pytest.mark.parametrize("n", range(len(CELLS)))
async def test_digits_read_the_same_sentence_with_another_cell(n: int) -> None:
    it = app(t=3)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press(str(n + 1))
        await settle(pilot, it)
        now = it.step_screen.view_state
        assert now.layer.cell == CELLS[n]
        assert now.trace.tokens == tuple(TEXT.split())
        assert now.cursor.t == 3
        assert now.cursor.unit == 2


async def test_there_is_a_key_for_every_model_that_is_offered() -> None:
    models = (*CELLS, "gru-2014")
    it = app(switch=models, t=3)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("5")
        await settle(pilot, it)
        assert it.step_screen.view_state.layer.cell == "gru-2014"
    said = {DEFAULT_KEYMAP.words(a, "en", models) for a in step_actions(DEFAULT_KEYMAP, models)}
    assert {f"same sentence in {model}" for model in models} <= said


async def test_a_digit_without_a_model_says_so() -> None:
    it = app(switch=("lstm",))
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("3")
        assert it.step_screen.view_state.failed


async def test_why_a_sentence_was_not_read_is_said_in_one_line() -> None:
    """Errors have a second line that says what to type next."""
    it = app()

    def refusing(query: Query) -> Trace:
        raise UsageError("Not with these.\nType another.")

    it.step_screen.requests.explorer = refusing
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("t", "a", "enter")
        await settle(pilot, it)
        assert "Not with these. Type another" in it.step_screen.view_state.status


async def test_a_typed_sentence_is_read_and_unknown_words_are_marked() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("t")
        await pilot.press(*"not zyx")
        await pilot.press("enter")
        await settle(pilot, it)
        assert it.step_screen.view_state.trace.tokens == ("not", "zyx")
        assert any("zyx?" in line for line in screen_text(it))
        assert it.step_screen.input is None


@pytest.mark.parametrize(
    ("said", "reason"), [("refuse", "refused"), ("break", "ZeroDivisionError")]
)
async def test_what_cannot_be_read_leaves_the_old_trace(said: str, reason: str) -> None:
    it = app()
    before = it.step_screen.view_state.trace
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("t", *said, "enter")
        await settle(pilot, it)
        assert it.step_screen.view_state.trace is before
        assert any(reason in line and line.startswith(" ! ") for line in screen_text(it))
        await pilot.press("right")
        assert it.step_screen.view_state.status == ""


async def test_escape_leaves_the_line_without_reading() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("t", *"good", "escape")
        await pilot.pause()
        assert it.step_screen.input is None
        assert it.step_screen.view_state.trace.tokens == tuple(TEXT.split())
        await pilot.press("right")
        assert it.step_screen.view_state.cursor.t == 1


async def test_the_reach_of_the_other_cells_comes_on_request_only() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        assert not it.step_screen.view_state.reaches
        await pilot.press("r")
        await settle(pilot, it)
        found = it.step_screen.view_state.reaches
        assert {"rnn", "gru"} <= set(found)
        np.testing.assert_array_equal(found["gru"].values, made(cell="gru").layers[0].reach)


async def test_b_walks_back_in_the_equation_panel() -> None:
    it = app(t=2)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("comma", "b")
        assert it.step_screen.view_state.backward
        text = "\n".join(screen_text(it))
        assert "∂L/∂h₃ = ∂L/∂h₃↓ + ∂L/∂h₃⟵" in text


async def test_predict_first_hides_what_comes_and_then_shows_it() -> None:
    it = app(t=2)
    p = number(float(it.step_screen.view_state.trace.head.readout[2, 1]), 2)
    async with it.run_test(size=SIZE) as pilot:
        shown = screen_text(it)[3]
        assert p in shown
        await pilot.press("p")
        await pilot.pause(0.1)
        hidden = screen_text(it)[3]
        assert "?" in hidden
        loss = it.step_screen.view_state.trace.head.loss
        text = "\n".join(screen_text(it))
        assert "L = ?" in text and number(float(loss)) not in text
        assert hidden.count(".") == shown.count(".") - 1
        await pilot.press("p")
        await pilot.pause(0.1)
        assert screen_text(it)[3] == shown


async def test_l_walks_the_layers_and_what_is_not_read_yet_follows() -> None:
    trace = made(layers=2, bidirectional=True)
    it = app(trace=trace, t=3)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("l")
        now = it.step_screen.view_state
        assert now.layer.direction == "backward"
        assert now.known(4, "h")
        assert not now.known(2, "h")
        await pilot.press("l", "l", "l")
        assert it.step_screen.view_state.cursor.layer == 0


async def test_the_language_changes_at_once() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        assert any("forget gate" in line for line in screen_text(it))
        await pilot.press("L")
        await pilot.pause(0.1)
        assert any("unutma kapısı" in line for line in screen_text(it))
        assert messages.language() == "tr"  # of errors, too
        await pilot.press("L")
        assert messages.language() == "en"


async def test_themes_go_round() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        seen = [it.view_theme.name]
        for _ in THEMES:
            await pilot.press("T")
            seen.append(it.view_theme.name)
        assert seen == [*THEMES, THEMES[0]]


async def test_help_lists_every_key_and_both_ways_out_work() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        for opens, closes in (("question_mark", "escape"), ("f1", "q")):
            await pilot.press(opens)
            await pilot.pause(0.1)
            assert isinstance(it.screen, HelpScreen)
            view_state = it.step_screen.view_state
            text = help_text(sections(view_state), view_state.theme)[0].plain
            for action in step_actions(DEFAULT_KEYMAP, CELLS):
                assert DEFAULT_KEYMAP.words(action, "en", CELLS) in text
            await pilot.press(closes)
            await pilot.pause(0.1)
            assert it.screen is it.step_screen
        assert it.is_running


async def test_the_screenshot_key_says_where_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("s", "s")
        assert str(tmp_path / "rnnviz-2.svg") in it.step_screen.view_state.status
    assert (tmp_path / "rnnviz-1.svg").read_text().startswith("<svg")


async def test_the_screenshot_helper_needs_no_terminal(tmp_path: Path) -> None:
    await screenshot(app(), tmp_path / "a.svg", (100, 30))
    svg = (tmp_path / "a.svg").read_text()
    assert "movie" in svg


# -- every action, every way -------------------------------------------------------------


def test_the_palette_finds_every_action_by_words() -> None:
    it = app()
    titles = {command.title for command in it.get_system_commands(it.step_screen)}
    for action in step_actions(DEFAULT_KEYMAP, CELLS):
        if action.name != "palette" and action.name not in PAGE_ACTION_KEYS:
            assert DEFAULT_KEYMAP.words(action, "en", CELLS) in titles


def test_every_binding_has_an_id_and_a_description() -> None:
    from rnnviz.tui.step.screen import StepScreen

    ids = [b.id for b in StepScreen.BINDINGS]  # type: ignore[union-attr]
    assert len(ids) == len(set(ids)) == len(ACTIONS) - 2
    assert all(b.description for b in StepScreen.BINDINGS)  # type: ignore[union-attr]


def test_no_two_actions_share_a_key() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    assert not {"slash", "left_square_bracket", "backslash", "grave_accent"} & set(keys)


async def test_every_key_in_the_bar_can_be_clicked() -> None:
    it = app(t=1)
    async with it.run_test(size=SIZE) as pilot:
        keys = screen_text(it)[-1]
        await pilot.click("#keys", offset=(keys.index("→"), 0))
        await pilot.pause()
        assert it.step_screen.view_state.cursor.t == 2
        await pilot.click("#keys", offset=(keys.index("token"), 0))
        await pilot.pause()
        assert it.step_screen.view_state.cursor.t == 3
        await pilot.click("#keys", offset=(keys.index("enter"), 0))
        await pilot.pause()
        assert it.step_screen.view_state.cursor.zoom == "cell"


@pytest.mark.parametrize("lang", ["en", "tr"])
async def test_the_key_bar_has_at_most_eight_and_is_never_cut(lang: str) -> None:
    it = app(lang=lang)
    async with it.run_test(size=(80, 24)) as pilot:
        for _ in range(3):
            bar = screen_text(it)[-1]
            assert "…" not in bar
            assert bar.rstrip().endswith(("quit", "çık"))
            await pilot.press("enter")
            await pilot.pause(0.05)


async def test_clicks_choose_token_and_unit() -> None:
    it = app()
    async with it.run_test(size=SIZE) as pilot:
        column = screen_text(it)[2].index("was")
        await pilot.click("#sentence", offset=(column, 1))
        assert it.step_screen.view_state.cursor.t == 2
        heat = it.step_screen.query_one("#heat-1")
        await pilot.click("#heat-1", offset=(5 + 5 * 4, heat.size.height - 1))
        assert it.step_screen.view_state.cursor.unit == 4
        assert it.step_screen.view_state.cursor.t == 4


# -- what is shown -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (99, 25), (120, 36), (180, 40), (200, 50)])
@pytest.mark.parametrize("cell", CELLS)
async def test_every_cell_draws_at_every_size_and_zoom(cell: str, size: tuple[int, int]) -> None:
    it = app(cell=cell, t=1)
    async with it.run_test(size=size) as pilot:
        for _ in ZOOMS:
            lines = screen_text(it)
            assert len(lines) == size[1]
            assert any("movie" in line for line in lines)
            await pilot.press("enter")
            await pilot.pause(0.05)


@pytest.mark.parametrize("cell", CELLS)
async def test_numbers_on_screen_are_the_trace(cell: str) -> None:
    it = app(cell=cell)
    async with it.run_test(size=(200, 50)) as pilot:
        for t in range(3):
            now = it.step_screen.view_state
            layer, unit = now.layer, now.cursor.unit
            text = "\n".join(screen_text(it))
            for name in now.quantities:
                assert f"▸{short(layer.values[name][t, unit])}".rstrip() in text
            assert number(float(now.trace.head.readout[t, 1]), 2) in text
            assert number(float(saliency(now.trace)[t]), 2) in text
            assert number(float(layer.reach[t])) in text
            p = float(now.trace.head.readout[t, 1])
            assert f"= {number(p, 3, signed=True)}" in text
            await pilot.press("right")
            await pilot.pause(0.05)


async def test_every_equation_on_screen_adds_up_as_printed() -> None:
    it = app(t=2)
    checked = 0
    async with it.run_test(size=(200, 50)) as pilot:
        for _ in range(7):
            for line in screen_text(it):
                found = re.search(r" = (−?\d\.\d+(?: [+−] \d\.\d+)+) = ([+−]\d\.\d+)", line)
                if found:
                    terms = found[1].replace("−", "-").replace(" ", "")
                    total = sum(float(n) for n in re.findall(r"[+-]?\d\.\d+", terms))
                    assert number(total, 3, signed=True) == found[2]
                    checked += 1
            await pilot.press("comma")
            await pilot.pause(0.05)
    assert checked >= 4


async def test_not_yet_is_dots_and_the_present_part_is_heavy() -> None:
    it = app(t=2)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("home", *["comma"] * 5)
        await pilot.pause(0.1)
        text = "\n".join(screen_text(it))
        assert it.step_screen.view_state.part == "forget"
        assert text.count("┏━━┻━━┓") == 1
        assert "f₁ +" in text or "f₁ −" in text
        assert "i₁ ·" in text
        assert "p ·" in text


async def test_styles_stripped_still_say_token_unit_and_sign() -> None:
    trace = made(units=32)
    it = app(trace=trace, t=2)
    async with it.run_test(size=(120, 42)):
        text = screen_text(it)
        assert any("▐was▌" in line for line in text)
        assert any(line.startswith("▸was") for line in text)
        assert any("▼2" in line for line in text)
        assert any("◆" in line and "+" in line and "−" in line for line in text)


async def test_a_terminal_that_is_too_small_says_what_it_needs() -> None:
    it = app()
    async with it.run_test(size=(50, 12)) as pilot:
        text = " ".join(line.strip() for line in screen_text(it)).strip()
        assert text.startswith("This terminal is 50×12. rnnviz needs 60×20.")
        await pilot.press("right")
        assert it.step_screen.view_state.cursor.t == 0
        await pilot.press("q")
    assert it.return_value == 0


async def test_resizing_keeps_the_place() -> None:
    it = app(t=1)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("right", "down", "comma")
        before = it.step_screen.view_state.cursor
        for size in ((80, 24), (50, 10), (200, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.1)
            assert len(screen_text(it)) == size[1]
        assert it.step_screen.view_state.cursor == before
        assert any("▐was▌" in line for line in screen_text(it))


HOSTILE = (
    "[bold]x[/]", "日本語", "👩‍👩‍👧", "e\u0301", "\x1b[2J", "a\tb", "\u202eabc", "\u0301", "🇹🇷",
    "x" * 40,
)  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_no_token_breaks_the_columns(size: tuple[int, int]) -> None:
    from rich.cells import cell_len

    base = made(" ".join(["good"] * len(HOSTILE)))
    trace = replace(base, tokens=HOSTILE, model="[red]m\x1b[0m")
    it = app(trace=trace)
    async with it.run_test(size=size) as pilot:
        for _ in HOSTILE:
            for line in screen_text(it):
                assert cell_len(line) == size[0]
                assert "\x1b" not in line
                assert "\t" not in line
            await pilot.press("right")
            await pilot.pause(0.02)
        await pilot.press("home")
        await pilot.pause(0.05)
        assert any("[bold]x[/]" in line for line in screen_text(it))


async def test_a_long_text_draws_only_what_is_seen() -> None:
    it = app("good movie " * 1000, t=1000)
    async with it.run_test(size=SIZE) as pilot:
        await pilot.press("right", "end")
        await pilot.pause(0.05)
        assert it.step_screen.view_state.cursor.t == 1999
        assert any("▐movie▌" in line for line in screen_text(it))


@pytest.mark.parametrize("units", [1, 8, 64, 128])
async def test_any_number_of_units_keeps_the_chosen_one_in_sight(units: int) -> None:
    it = app(trace=made(units=units), unit=units - 1)
    async with it.run_test(size=(120, 42)):
        text = screen_text(it)
        assert any(f"▼{units - 1}" in line or f"{units - 1}▼" in line for line in text)
        if units > 40:
            assert any(f"of {units}" in line for line in text)
        if units == 8:
            value = short(it.step_screen.view_state.layer.values["h"][0, 7])
            assert sum(line.count(value.strip()) for line in text) >= 2


async def test_ascii_only_is_ascii_only() -> None:
    it = app(ascii_only=True, lang="tr", t=1)
    async with it.run_test(size=SIZE) as pilot:
        for _ in ZOOMS:
            assert all(line.isascii() for line in screen_text(it))
            await pilot.press("enter")
            await pilot.pause(0.05)


async def test_a_step_repaints_a_few_rows_and_idling_none() -> None:
    it = app(t=1)
    async with it.run_test(size=SIZE) as pilot:
        view = it.step_screen.query_one("#heat-0")
        painted: list[int] = []
        original = view._set_dirty

        def set_dirty(*regions: Region) -> None:
            whole = [] if regions else range(view.size.height)
            painted.extend([*(region.y for region in regions), *whole])
            original(*regions)

        view._set_dirty = set_dirty  # type: ignore[method-assign]
        await pilot.press("right")
        await pilot.pause(0.1)
        assert 1 <= len(set(painted)) <= 3
        painted.clear()
        await pilot.pause(0.3)
        assert painted == []


@pytest.mark.parametrize(
    "shape", [{}, {"bidirectional": True}, {"layers": 2, "bidirectional": True}]
)
def test_the_walk_back_starts_at_the_last_token_read_and_at_no_other(shape: dict[str, Any]) -> None:
    trace = made(**shape)
    for n, layer in enumerate(trace.layers):
        top = n >= len(trace.layers) - len({li.direction for li in trace.layers})
        for t in range(len(trace.tokens)):
            now = moment(trace, t)
            cursor = replace(now.cursor, layer=n, part=len(layer.parts) - 1)
            for hidden in (False, True):
                now = replace(now, cursor=cursor, hidden=hidden)
                for view in (Gradients(now), Equations(replace(now, backward=True))):
                    lines = view.lines(replace(now, backward=True), 100, 9)
                    said = " ".join("".join(s.text for s in line) for line in lines)
                    assert ("the walk back starts here" in said) == (top and t == layer.order[-1])
                    assert ("reads the last state only" in said) == (top and t != layer.order[-1])
                    assert ("The layer above hands this down" in said) == (not top)
