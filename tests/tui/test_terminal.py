"""A real process in a pseudo-terminal: what it writes, when, and how it leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from pseudo import COLOUR, Terminal

START = "from tui.small_models import app; import sys; sys.exit(app({options}).run())"


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    it = Terminal(
        "-c", START.format(options="t=1, trace=made(units=32)").replace("app;", "app, made;")
    )
    it.first = it.until(b"quit")  # type: ignore[attr-defined]
    yield it
    os.close(it.fd)


def test_one_paint_then_silence_then_small_steps(terminal: Terminal) -> None:
    first: bytes = terminal.first  # type: ignore[attr-defined]
    assert first.count("|∂L/∂x|".encode()) == 1
    assert terminal.read(0.1, 3) == b""
    for key in (b"\x1b[C", b"\x1b[C", b"\x1b[D", b",", b".", b"\x1b[B"):
        step = terminal.press(key)
        assert 0 < len(step) <= 10 * 1024, (key, len(step))
    assert terminal.read(0.1, 1) == b""
    assert any("▐was▌" in line for line in terminal.picture())
    assert terminal.leave() == 0


def test_the_terminal_is_given_back_on_quit(terminal: Terminal) -> None:
    assert b"\x1b[?1049h" in terminal.log
    assert terminal.leave() == 0
    assert b"\x1b[?1049l" in terminal.log
    assert b"\x1b[?25h" in terminal.log
    assert b"\x1b[?1000l" in terminal.log


def test_the_terminal_is_given_back_on_an_exception() -> None:
    code = (
        "from rnnviz.cli import run\n"
        "from rnnviz.tui.step.screen import StepScreen\n"
        "def broken(self): raise RuntimeError('on purpose')\n"
        "StepScreen.action_backward = broken\n"
        "raise SystemExit(run(['step', 'not good']))\n"
    )
    it = Terminal("-c", code)
    it.until(b"quit")
    assert it.leave(b"b") == 1
    assert b"\x1b[?1049l" in it.log
    assert b"\x1b[?25h" in it.log
    assert b"on purpose" in it.log
    os.close(it.fd)


@pytest.mark.parametrize("theme", ["dark", "ansi"])
def test_without_colour_no_colour_code_is_written(theme: str) -> None:
    options = f"t=1, colour=False, theme={theme!r}"
    it = Terminal("-c", START.format(options=options), NO_COLOR="1")
    it.until(b"quit")
    for key in (b"\x1b[C", b",", b"b", b"\r", b"?", b"\x1b", b"t", b"x", b"\x1b", b"T"):
        it.press(key, 1.5)
    assert not COLOUR.search(it.log), COLOUR.search(it.log)
    assert b"\x1b[0;1m" in it.log
    assert it.leave() == 0
    os.close(it.fd)


def test_an_empty_no_color_is_no_wish() -> None:
    it = Terminal("-c", START.format(options="t=1"), NO_COLOR="")
    it.until(b"quit")
    assert b"38;2;255;215;95" in it.log
    assert it.leave() == 0
    os.close(it.fd)


def test_the_line_for_typing_does_not_blink() -> None:
    it = Terminal("-c", START.format(options="t=1"))
    it.until(b"quit")
    it.press(b"t")
    assert it.read(0.1, 2) == b""
    it.press(b"\x1b")
    assert it.leave() == 0
    os.close(it.fd)
