"""``rnnviz step`` on a terminal: how soon, how much, how quiet, and what it leaves behind."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time

import pytest
from pseudo import COLOUR, Terminal

STEP = ("-m", "rnnviz", "step")
LONG = "what a waste of time and money i never want to see anything like this terrible mess"
EMPTY = """
import numpy
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("painted")
Empty().run()
"""


def closed(terminal: Terminal, keys: bytes = b"q") -> int:
    code = terminal.leave(keys)
    os.close(terminal.fd)
    return code


def test_every_token_step_is_small_also_where_the_page_turns() -> None:
    it = Terminal(*STEP, LONG)
    first = it.until(b"quit")
    assert len(first) < 40 * 1024
    sizes = [len(it.press(b"\x1b[C")) for _ in LONG.split()[1:]]
    assert 0 < min(sizes)
    assert max(sizes) <= 10 * 1024, sizes
    assert it.read(0.1, 2) == b""  # idle: silence
    assert closed(it) == 0


@pytest.mark.parametrize(("environ", "args"), [({"NO_COLOR": "1"}, ()), ({}, ("--color", "never"))])
def test_no_colour_means_no_colour_codes(environ: dict[str, str], args: tuple[str, ...]) -> None:
    it = Terminal(*STEP, LONG, *args, **environ)
    it.until(b"quit")
    for key in (b"\x1b[C", b"\x1b[C", b",", b"\x1b[B", b"\r", b"3"):
        it.press(key, 1.5)
    assert not COLOUR.search(it.log)
    assert closed(it) == 0


@pytest.mark.parametrize(
    ("environ", "args"), [({"NO_COLOR": ""}, ()), ({"NO_COLOR": "1"}, ("--color", "always"))]
)
def test_an_empty_no_color_is_no_wish_and_an_option_is_a_stronger_one(
    environ: dict[str, str], args: tuple[str, ...]
) -> None:
    it = Terminal(*STEP, "not good", *args, **environ)
    it.until(b"quit")
    assert b"38;2;255;215;95" in it.log
    assert closed(it) == 0


MANY, SOME = re.compile(rb"[34]8;2;\d"), re.compile(rb"[34]8;5;\d")
FEW = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


@pytest.mark.parametrize(
    ("environ", "written", "never"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": ""}, SOME, MANY),
        ({"TERM": "xterm", "COLORTERM": ""}, FEW, re.compile(MANY.pattern + b"|" + SOME.pattern)),
        ({"TERM": "linux", "COLORTERM": ""}, FEW, re.compile(MANY.pattern + b"|" + SOME.pattern)),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, MANY, SOME),
    ],
    ids=["256", "16", "linux", "truecolor"],
)
def test_only_the_colours_that_the_terminal_has_are_written(
    environ: dict[str, str], written: re.Pattern[bytes], never: re.Pattern[bytes]
) -> None:
    it = Terminal(*STEP, "it was not good", **environ)
    it.until(b"quit")
    for key in (b"\x1b[C", b"\x1b[C", b",", b"b"):
        it.press(key, 1.5)
    assert written.search(it.log)
    assert not never.search(it.log)
    assert any("was" in line for line in it.picture())
    assert it.log.isascii() == (environ["TERM"] == "linux")
    assert closed(it) == 0


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
def test_the_sentence_and_the_keys_are_on_the_screen(size: tuple[int, int]) -> None:
    it = Terminal(*STEP, "this movie was not good", width=size[0], height=size[1])
    it.until(b"quit")
    picture = it.picture()
    assert len(picture) == size[1]
    for word in ("this", "movie", "was", "not", "good", "quit"):
        assert any(word in line for line in picture), word
    assert closed(it) == 0


def test_a_terminal_that_is_too_small_says_what_it_needs() -> None:
    it = Terminal(*STEP, "not good", width=50, height=12)
    it.until(b"60")
    assert closed(it) == 0


NASTY = (
    "a\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] 这部电影 e\u0301 🙂👩\u200d👩\u200d👧 \u202eabc"
)


def test_nasty_text_never_reaches_the_terminal_as_codes() -> None:
    it = Terminal(*STEP, NASTY)
    it.until(b"quit")
    for _ in range(8):
        it.press(b"\x1b[C", 1)
    assert b"\x1b[31m" not in it.log
    assert b"\x1b]0;title" not in it.log
    assert b"title\x07" not in it.log
    assert "\u202e".encode() not in it.log
    assert any("bold" in line for line in it.picture())
    assert closed(it) == 0


def test_a_text_from_a_pipe_leaves_the_keys_to_the_terminal() -> None:
    code = (
        "import os, subprocess, sys\n"
        "read, write = os.pipe()\n"
        "os.write(write, b'i loved it'); os.close(write)\n"
        "sys.exit(subprocess.call([sys.executable, '-m', 'rnnviz', 'step'], stdin=read))\n"
    )
    it = Terminal("-c", code)
    it.until(b"quit")
    assert any("loved" in line for line in it.picture())
    assert it.press(b"\x1b[C")
    assert closed(it) == 0


def seconds(*args: str, word: bytes) -> float:
    """From the start of the process to the word on the screen."""
    it = Terminal(*args)
    found = b""
    while word not in found:
        found += it.read(0, 5)
    took = time.monotonic() - it.began
    os.kill(it.pid, 9)
    os.waitpid(it.pid, 0)
    os.close(it.fd)
    return took


@pytest.mark.speed
def test_first_paint_is_within_twice_that_of_an_empty_app() -> None:
    ours, empty = [], []
    for _ in range(7):
        ours.append(seconds(*STEP, "this movie was not good", word=b"quit"))
        empty.append(seconds("-c", EMPTY, word=b"painted"))
    ratio = statistics.median(ours) / statistics.median(empty)
    print(f"first paint {statistics.median(ours):.2f} s, empty {statistics.median(empty):.2f} s")
    assert ratio <= 2, (ours, empty)


@pytest.mark.speed
def test_a_trace_of_twenty_words_takes_at_most_three_milliseconds() -> None:
    code = (
        "import os; os.environ['OPENBLAS_NUM_THREADS'] = '1'\n"
        "import time\nfrom rnnviz.query import Query\nfrom rnnviz.tracer import tracer\n"
        f"read, query = tracer(), Query({LONG + ' ever ever again'!r}, 'sentiment-lstm')\n"
        "assert len(read(query).tokens) == 20\n"
        "took = []\n"
        "for _ in range(200):\n"
        "    began = time.perf_counter(); read(query); took.append(time.perf_counter() - began)\n"
        "print(sorted(took)[100] * 1e3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"trace {float(done.stdout):.2f} ms")
    assert float(done.stdout) <= 3
