"""The dashboard under keys and resizing, before a training that only says what it is told."""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tui.small_models import screen_text
from tui.training import (
    BATCHES,
    BEGUN,
    DEGREES,
    ENDED,
    EPOCHS,
    Fake,
    dashboard,
    heard,
    measured,
    of_four_classes,
    reading,
    stepped,
    told,
    with_readings,
)

from rnnviz import i18n
from rnnviz.equations import number
from rnnviz.progress import (
    Epoch,
    Evaluation,
    Event,
    Note,
    RunFailed,
    RunFinished,
    SentenceReading,
    SnapshotReady,
)
from rnnviz.query import Query
from rnnviz.tui.dashboard.app import TrainApp
from rnnviz.tui.dashboard.curves import MetricChart
from rnnviz.tui.dashboard.epoch_table import EpochTable
from rnnviz.tui.dashboard.gradient_norms import sparkline
from rnnviz.tui.dashboard.key_bar import entries
from rnnviz.tui.dashboard.panel import VIEWS, DashboardPanel, DashboardState
from rnnviz.tui.dashboard.screen import ProgressChanged, TrainScreen
from rnnviz.tui.dashboard.snapshot_screen import SnapshotScreen
from rnnviz.tui.dashboard.status import closing
from rnnviz.tui.dashboard.training_progress import POINTS, TrainingProgress
from rnnviz.tui.keymap import DASHBOARD, DEFAULT_KEYMAP
from rnnviz.tui.render.theme import ASCII, THEMES, ViewTheme

SIZE = (120, 36)


def progress_of(events: list[Event]) -> TrainingProgress:
    progress = TrainingProgress()
    for event in events:
        progress = progress.after(event)
    return progress


def source(app: TrainApp) -> Fake:
    found = app.train_screen.source
    assert isinstance(found, Fake)
    return found


def shown(app: TrainApp) -> str:
    return "\n".join(screen_text(app))  # type: ignore[arg-type]


def watched(app: TrainApp) -> list[object]:
    """What is set down to the panels from now on."""
    painted: list[object] = []
    show = app.train_screen.show

    def noted(**changes: object) -> None:
        painted.append(changes)
        show(**changes)

    app.train_screen.show = noted  # type: ignore[method-assign]
    return painted


# -- the progress ---------------------------------------------------------------------------


def test_the_best_epoch_is_the_first_of_the_highest_accuracies() -> None:
    even = replace(measured(5), valid=measured(3).valid)
    assert progress_of([BEGUN, *map(measured, range(1, 5)), even]).best == measured(3)


def test_the_best_epoch_of_an_error_is_the_lowest() -> None:
    numbers = [0.31, 0.27, 0.29]
    epochs = [replace(measured(n), valid={"mae": v}) for n, v in enumerate(numbers, 1)]
    started = replace(BEGUN, metric="mae", better="low")
    best = progress_of([started, *epochs]).best
    assert best is not None
    assert best.number == 2


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_a_net_that_writes_is_measured_in_bits(lang: str) -> None:
    """Loss / ln 2 and e^loss; the best epoch is that of the lowest."""
    losses = {1: 2.1, 2: 1.7627, 3: 1.9}
    epochs = [
        Epoch(n, {"loss": loss + 0.1, "accuracy": 0.4}, {"loss": loss, "accuracy": 0.5 - n}, 9.0)
        for n, loss in losses.items()
    ]
    end = RunFinished(BEGUN.path, True, {"loss": 1.8, "accuracy": 0.5})
    started = replace(BEGUN, writes=True, published=None, epochs=3)
    progress = progress_of([started, stepped(1, 1), *epochs, end])
    assert progress.metric == "bits" and progress.best is not None and progress.best.number == 2
    state = DashboardState(progress, ViewTheme("dark"), "plays", lang=lang)
    texts = " ".join(closing(state))
    assert re.search(r"2\.543.{1,3}perplexity 5\.83", texts) and "2.597" in texts
    said = ["".join(part.text for part in line) for line in EpochTable.lines(None, state, 80, 9)]  # type: ignore[arg-type]
    assert any(row.split()[1:5] == ["2.6873", "2.5430", "6.4411", "5.8282"] for row in said)
    chart = MetricChart.chart(None, state)  # type: ignore[arg-type]
    assert chart is not None and chart.title == i18n.text("dashboard.bits", lang)
    # Of a run that is resumed the earlier epochs too.
    resumed = progress_of([replace(started, history=tuple(epochs))])
    assert resumed.best == progress.best


def test_progress_counts_the_batches_of_all_epochs() -> None:
    assert progress_of(told(4, 20)).shares == (0.5, 3.5 / 10)
    assert TrainingProgress().shares == (0.0, 0.0)
    assert progress_of(ENDED).shares == (1.0, 1.0)


def test_pace_and_time_left_come_from_what_was_told() -> None:
    first = progress_of(told(1, 20))
    assert first.rate == pytest.approx(128 / 0.25)
    assert first.seconds_left == pytest.approx(9.5 * BATCHES * 0.25)
    later = progress_of(told(4, 20))
    assert later.seconds_left == pytest.approx(6.5 * 12.5)  # epochs of 12.5 s, validation included
    assert progress_of(ENDED).seconds_left is None


def test_the_time_of_a_validation_is_not_taken_for_slow_batches() -> None:
    before = progress_of(told(1, BATCHES))
    slow = replace(stepped(2, 1), seconds=stepped(2, 1).seconds + 500)
    assert before.after(measured(1)).after(slow).rate == before.rate


def test_a_long_training_keeps_few_points_and_all_of_the_curve() -> None:
    progress = progress_of([BEGUN])
    for epoch in range(1, 101):
        for batch in range(1, BATCHES + 1):
            progress = progress.after(stepped(epoch, batch))
    assert len(progress.losses) <= POINTS
    assert progress.losses[0][0] < 1
    assert progress.losses[-1][0] > 99
    assert all(a < b for (a, _), (b, _) in zip(progress.losses, progress.losses[1:], strict=False))


def test_an_epoch_that_is_trained_again_replaces_the_old_one() -> None:
    started = replace(BEGUN, history=(measured(1), measured(2)))
    again = replace(measured(2), seconds=99.0)
    assert progress_of([started, again]).epochs == (measured(1), again)


def test_a_trail_rises_with_its_values_and_survives_nan() -> None:
    assert sparkline([1.0, 2.0, 3.0]) == "▁▅█"
    assert sparkline([]) == ""
    assert len(sparkline([1.0, float("nan")])) == 2


def test_the_curve_of_the_sentence_has_the_last_word_of_each_reading() -> None:
    progress = progress_of(with_readings())
    assert progress.reading == reading(4, 20)
    steps = [0, *range(5, 3 * BATCHES + 21, 5)]
    assert [step for step, _ in progress.sentence_curve] == steps
    assert progress.sentence_curve[-1][1] == reading(4, 20).outputs[-1]
    assert progress.updates == EPOCHS * BATCHES


def test_a_reading_replaces_one_of_the_same_or_a_later_update() -> None:
    progress = progress_of([BEGUN, reading(1, 5), reading(1, 10), reading(1, 10), reading(1, 7)])
    assert [step for step, _ in progress.sentence_curve] == [5, 7]


def test_a_long_curve_of_the_sentence_keeps_its_beginning_and_its_end() -> None:
    progress = progress_of([BEGUN, *(reading(1, n) for n in range(3 * POINTS))])
    assert POINTS // 2 <= len(progress.sentence_curve) <= POINTS
    assert progress.sentence_curve[0][0] == 0
    assert progress.sentence_curve[-1][0] == 3 * POINTS - 1


def test_of_two_labels_the_second_is_shown_and_of_more_the_likeliest() -> None:
    assert reading(1, 0).label == reading(4, 20).label == 1
    four = progress_of(of_four_classes())
    assert four.reading is not None
    assert four.reading.label == 2


# -- the screen --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_the_words_say_where_the_training_is(size: tuple[int, int]) -> None:
    app = dashboard()
    async with app.run_test(size=size) as pilot:
        await heard(pilot)
        said = re.sub(r"\s+", " ", shown(app))
    for word in ("epoch 4 of 10", "0.871 at epoch 3", "published 0.893", "batch 20 of 40",
                 "512 samples/s", "1 min 21 s left", "layers.0", "2.65e-01"):  # fmt: skip
        assert word in said, word


async def test_the_published_number_and_the_best_epoch_are_in_the_chart() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        rows = screen_text(app)  # type: ignore[arg-type]
    assert any("╌╌╌ published 0.893" in row for row in rows)
    assert any("best 0.871" in row for row in rows)


def _row(app: TrainApp, name: str) -> str:
    panel = app.screen.query_one(f"#{name}", DashboardPanel)
    return "\n".join(strip.text for strip in panel.strips())


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 30), (120, 36), (200, 50)])
async def test_the_sentence_is_read_live_and_takes_no_panel_s_place(size: tuple[int, int]) -> None:
    app = dashboard(with_readings())
    async with app.run_test(size=size) as pilot:
        await heard(pilot)
        now = reading(4, 20)
        said = _row(app, "sentence")
        for token, (_, value) in list(zip(now.tokens, now.outputs, strict=True))[-3:]:
            assert token in said
            assert number(value, 2) in said
        source(app).add(reading(4, 35))
        await heard(pilot)
        assert number(reading(4, 35).outputs[-1][1], 2) in _row(app, "sentence")
        await pilot.pause(0.1)
        panels = {panel.id for panel in app.screen.query(DashboardPanel) if panel.region}
        asked = {"title", "words", "bars", "loss", "sentence", "norms"}
        assert panels >= (asked if size[0] < 100 else {*asked, "metric", "epochs"})
        assert app.screen.query_one("#loss").region.height >= 6


@pytest.mark.parametrize(("size", "shown_there"), [((60, 20), False), ((80, 24), True)])
async def test_at_the_end_of_a_short_screen_the_results_take_the_place_of_the_sentence(
    size: tuple[int, int], shown_there: bool
) -> None:
    app = dashboard([*with_readings(), *ENDED[-2:]])
    async with app.run_test(size=size) as pilot:
        await heard(pilot)
        assert app.screen.query_one("#sentence").display == shown_there
        assert "loss now" in shown(app)


async def test_without_a_reading_there_is_no_panel_of_a_sentence() -> None:
    app = dashboard(DEGREES)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert not app.screen.query_one("#sentence").display
        assert "sentence" not in shown(app)


async def test_of_many_words_the_last_ones_are_shown_and_the_others_counted() -> None:
    many = tuple(f"word{n}" for n in range(60))
    rows = tuple((0.25, 0.75) for _ in many)
    long = SentenceReading(1, 1, 1, " ".join(many), many, rows)
    app = dashboard([BEGUN, long])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        said = _row(app, "sentence")
    assert "word59" in said
    assert re.search(r"‹ 5\d ", said)


@pytest.mark.parametrize("value", [math.nan, 0.0, 1.0])
async def test_a_prediction_without_a_value_has_neither_bar_nor_point(value: float) -> None:
    odd = SentenceReading(1, 1, 1, "\x1b[2Jgood", ("\x1b[2Jgood",), ((1 - value, value),))
    app = dashboard([BEGUN, reading(1, 0), odd])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        said = _row(app, "sentence")
    assert "\\x1b[2Jgood" in said
    assert ("●" in said) == math.isfinite(value)


async def test_a_narrow_screen_shows_one_view_after_the_other() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await heard(pilot)
        seen = []
        for _ in VIEWS:
            panels = {name: app.screen.query_one(f"#{name}") for name in VIEWS}
            seen.append([name for name, panel in panels.items() if panel.region and panel.display])
            await pilot.press("v")
            await pilot.pause(0.1)
    assert seen == [["loss"], ["metric"], ["epochs"]]


async def test_too_small_a_terminal_says_so_and_comes_back() -> None:
    app = dashboard()
    async with app.run_test(size=(50, 15)) as pilot:
        await heard(pilot)
        assert "60×20" in shown(app)
        assert "gradient" not in shown(app)
        await pilot.press("enter")
        assert source(app).asked == []
        await pilot.resize_terminal(120, 36)
        await pilot.pause(0.2)
        assert "gradient norms" in shown(app)


async def test_nothing_is_painted_when_nothing_is_said() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        painted = watched(app)
        await pilot.pause(0.5)
        assert painted == []
        source(app).add(stepped(4, 21))
        await pilot.pause(0.5)
        assert len(painted) == 1


async def test_a_burst_of_events_is_few_pictures() -> None:
    app = dashboard([BEGUN])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        painted = watched(app)
        source(app).add(*told(10, BATCHES))
        await heard(pilot)
        assert 1 <= len(painted) <= 12
        assert app.train_screen.state.progress.step == stepped(10, BATCHES)


async def test_validation_is_said() -> None:
    app = dashboard([*told(1, BATCHES), Evaluation(1, 2, "validation")])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert "validating 50 %" in shown(app)


async def test_text_from_files_cannot_steer_the_terminal() -> None:
    nasty = replace(BEGUN, data="\x1b[31mred", source="\x1b]0;x\x07")
    app = dashboard([Note("a\x1b[2Jb"), nasty, *ENDED[2:]])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert "\x1b" not in shown(app)
        assert "\\x1b[31mred" in shown(app)


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_ascii_is_ascii(ascii_only: bool) -> None:
    app = dashboard(ascii_only=ascii_only, lang="tr")
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert shown(app).isascii() == ascii_only
        assert ("dogrulama" in shown(app)) == ascii_only
        assert "do?rulama" not in shown(app)


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_every_letter_of_every_language_has_an_ascii_one(lang: str) -> None:
    for key, said in i18n.catalogue(lang).items():
        plain = said.translate(ASCII)
        assert len(plain) == len(said)
        assert plain.isascii(), key


async def test_an_error_is_also_told_in_the_unit_of_its_series() -> None:
    app = dashboard(DEGREES)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        rows = screen_text(app)  # type: ignore[arg-type]
    said = re.sub(r"\s+", " ", "\n".join(rows))
    assert "error so far 0.2700 (2.43 °C) at epoch 2" in said
    assert "published 0.2640" in said
    assert "published 0.2640 (" not in said  # its scale is not known
    assert "best 0.2700 (2.43 °C)" in said
    heads = next(row for row in rows if "val mae" in row)
    assert heads.split()[-3:] == ["mae", "°C", "seconds"]
    assert any(row.split()[-3:] == ["0.2700", "2.43", "30.0"] for row in rows)


async def test_the_degrees_of_a_terminal_without_the_sign_are_spelt() -> None:
    app = dashboard(DEGREES, ascii_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert "(2.43 degC)" in shown(app)
        assert shown(app).isascii()


@pytest.mark.parametrize("name", ["loss", "metric"])
async def test_the_epoch_axis_stands_still_from_the_start(name: str) -> None:
    axes = []
    for events in (told(2, 1), told(9, 20)):
        app = dashboard(events)
        async with app.run_test(size=SIZE) as pilot:
            await heard(pilot)
            panel = app.screen.query_one(f"#{name}", DashboardPanel)
            rows = [strip.text for strip in panel.strips()]
            axes.append(next(row for row in rows if row.strip().startswith("epoch")))
    assert axes[0] == axes[1]
    assert axes[0].split()[-1] == "10"


async def test_no_colour_is_no_colour() -> None:
    app = dashboard(colour=False)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        strips = [strip for panel in app.screen.query(DashboardPanel) for strip in panel.strips()]
    styles = [segment.style for strip in strips for segment in strip]
    assert len(styles) > 50
    assert all(style is None or (style.color is None and style.bgcolor is None) for style in styles)


async def test_language_and_theme_change_at_once() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("L")
        await pilot.pause(0.1)
        assert "dönem 4/10" in shown(app)
        await pilot.press("T")
        assert app.train_screen.state.theme.name == THEMES[1]


def test_every_action_has_words_and_the_footer_at_most_eight_keys() -> None:
    for name in DASHBOARD:
        assert i18n.known(f"dashboard_action.{name}")
    for narrow in (False, True):
        state = DashboardState(TrainingProgress(), ViewTheme("dark"), "x", narrow=narrow)
        names = {DEFAULT_KEYMAP[name].run for name in DASHBOARD}
        assert {action for _, action, _ in entries(state)} <= names
        assert len(entries(state)) <= 8


def test_every_text_of_the_dashboard_exists() -> None:
    folder = Path(__file__).parents[2] / "rnnviz/tui/dashboard"
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    asked = set(re.findall(r'"(dashboard[a-z_]*\.[a-z_0-9]+)"', code))
    assert len(asked) > 35
    assert asked <= set(i18n.catalogue("en"))


# -- leaving -----------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_leaving_asks_once_and_says_how_to_go_on(key: str) -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press(key)
        await pilot.pause(0.1)
        assert f"rnnviz train --resume {BEGUN.path}" in shown(app)
        assert source(app).asked == []
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "--resume" not in shown(app)
        assert app.is_running
        await pilot.press("y")  # has no meaning here
        assert source(app).asked == []


async def test_yes_stops_saves_and_gives_the_training_s_own_end() -> None:
    app = dashboard()
    end = RunFailed("Interrupted; saved.", 130)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("q", "q")
        assert source(app).asked == ["stop"]
        assert app.is_running
        source(app).add(end)
        await heard(pilot)
    assert app.return_value == end


async def test_pictures_that_take_long_do_not_queue_up_before_the_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = TrainScreen.show

    def slowly(self: TrainScreen, **changes: Any) -> None:
        time.sleep(0.3 if "progress" in changes else 0)
        show(self, **changes)

    monkeypatch.setattr(TrainScreen, "show", slowly)
    app = dashboard()
    most, over = 0, threading.Event()

    def train() -> None:
        batch = 20
        while not over.wait(0.02):
            batch += 1
            source(app).add(stepped(4, batch))

    async with app.run_test(size=SIZE) as pilot:
        training = threading.Thread(target=train)
        training.start()
        for _ in range(8):
            await pilot.pause(0.05)
            most = max(most, app.train_screen.message_queue_size)
        over.set()
        training.join()
    assert most < 6


async def test_a_second_ctrl_c_leaves_at_once() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("ctrl+c")
        await pilot.pause(0.1)
        assert app.is_running
        assert "Finishing this batch" in shown(app)
        await pilot.press("ctrl+c")
        assert source(app).asked == ["stop", "kill"]
    assert isinstance(app.return_value, RunFailed)
    assert app.return_value.exit_code == 130
    assert f"--resume {BEGUN.path}" in app.return_value.message


async def test_before_it_has_begun_it_is_stopped_too_and_not_killed() -> None:
    app = dashboard([Note("reading")])
    end = RunFailed("Interrupted while its data was prepared.", 130)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("q", "q")
        await pilot.pause(0.1)
        assert source(app).asked == ["stop"]
        assert "Stopping the preparation" in shown(app)
        source(app).add(end)
        await heard(pilot)
    assert app.return_value == end
    assert source(app).asked == ["stop"]


async def test_before_it_has_begun_a_second_ctrl_c_leaves_at_once() -> None:
    app = dashboard([Note("reading")])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("ctrl+c", "ctrl+c")
        # That it was killed is no news, and not the reason why it ended.
        screen = app.train_screen
        screen.on_progress_changed(
            ProgressChanged(replace(screen.state.progress, end=RunFailed("was killed", 1)))
        )
    assert source(app).asked == ["stop", "kill"]
    assert isinstance(app.return_value, RunFailed)
    assert app.return_value.exit_code == 130
    assert "--resume" not in app.return_value.message


async def test_what_fails_before_it_begins_is_left_to_the_command_line() -> None:
    end = RunFailed("Unknown recipe 'x'.", 2)
    app = dashboard([end])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.4)
    assert app.return_value == end


async def test_a_failure_stays_on_the_screen_until_it_is_left() -> None:
    end = RunFailed("The loss stopped being a number at epoch 4.", 1)
    app = dashboard([*told(), end])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert "stopped being a number" in shown(app)
        await pilot.press("q")
    assert app.return_value == end


async def test_the_end_shows_result_published_number_and_path() -> None:
    app = dashboard(ENDED)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        said = shown(app)
        for word in (
            "Finished",
            "0.871 at epoch 3",
            "published 0.893",
            "test 0.868",
            str(BEGUN.path),
        ):
            assert word in said, word
        await pilot.press("q")
    assert app.return_value == ENDED[-1]


async def test_a_used_up_budget_says_how_to_go_on() -> None:
    note = Note("The time is used up.\nTo resume: rnnviz train --resume /r")
    app = dashboard([*told(), note, RunFinished(Path("/r"), complete=False)])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        assert "To resume: rnnviz train --resume /r" in shown(app)


# -- the model as it is now --------------------------------------------------------------


async def test_s_steps_through_a_snapshot_and_leads_back() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("enter", "enter")
        assert source(app).asked == ["snapshot"]
        source(app).add(SnapshotReady(f"{BEGUN.path}/now.safetensors"))
        await heard(pilot)
        assert isinstance(app.screen, SnapshotScreen)
        query, *others = app.queries  # type: ignore[attr-defined]
        assert not any(isinstance(other, Query) for other in others)
        assert query.model == f"{BEGUN.path}/now.safetensors"
        assert query.text == BEGUN.example
        await pilot.press("right", "T", "enter")
        await pilot.press("escape", "escape")  # the message, the zoom
        assert isinstance(app.screen, SnapshotScreen)
        assert app.screen.view_state.cursor.t == 1
        source(app).add(stepped(4, 30))
        await pilot.press("escape")
        await heard(pilot)
        assert app.screen is app.train_screen
        assert "batch 30 of 40" in shown(app)
        assert app.train_screen.state.theme is app.view_theme


async def test_ctrl_c_in_the_stepper_stops_the_training() -> None:
    app = dashboard(ENDED[:-1])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("enter")
        source(app).add(SnapshotReady("now"))
        await heard(pilot)
        assert isinstance(app.screen, SnapshotScreen)
        await pilot.press("ctrl+c")
        await pilot.pause(0.1)
        assert app.screen is app.train_screen
        assert source(app).asked[-1] == "stop"


async def test_after_the_end_s_steps_through_the_best_weights() -> None:
    app = dashboard(ENDED)
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("enter")
        await heard(pilot)
        assert isinstance(app.screen, SnapshotScreen)
        assert app.queries[0].model == str(BEGUN.path)  # type: ignore[attr-defined]
        assert source(app).asked == []
        await pilot.press("q")
        await pilot.pause(0.1)
        assert app.screen is app.train_screen
        assert app.is_running


async def test_an_end_while_a_snapshot_is_awaited_steps_through_the_best() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("enter")
        source(app).add(RunFinished(BEGUN.path))
        await heard(pilot)
        assert isinstance(app.screen, SnapshotScreen)


@pytest.mark.parametrize("word", ["refuse", "break"])
async def test_a_text_that_cannot_be_read_is_a_message(word: str) -> None:
    app = dashboard([replace(BEGUN, example=word), *told()[2:]])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("enter")
        source(app).add(SnapshotReady("now"))
        await heard(pilot)
        assert app.screen is app.train_screen
        assert "did not work" in shown(app)
        await pilot.press("enter")  # it can be asked for again
        assert source(app).asked == ["snapshot", "snapshot"]


async def test_before_the_first_batch_there_is_no_model() -> None:
    app = dashboard([Note("reading")])
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "no model yet" in shown(app)
        assert source(app).asked == []


async def test_help_and_palette_know_every_action() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        named = {command.title for command in app.get_system_commands(app.screen)}
        assert i18n.text("dashboard_action.zoom_in", "en") in named
        await pilot.press("question_mark")
        await pilot.pause(0.2)
        assert "help on training" in shown(app)
        await pilot.press("q")
        assert app.screen is app.train_screen


async def test_a_key_of_the_key_bar_can_be_clicked() -> None:
    app = dashboard()
    async with app.run_test(size=SIZE) as pilot:
        await heard(pilot)
        await pilot.click("#keys", offset=(2, 0))
        assert source(app).asked == ["snapshot"]
