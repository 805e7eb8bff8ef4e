"""Two processes in two terminals: one steers the other, and either may end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo import Terminal

from rnnviz.events import sessions

if not sessions.supported():
    pytest.skip("no Unix sockets here", allow_module_level=True)

ON, LEFT, RIGHT = b"\x1b[6~", b"\x1b[D", b"\x1b[C"


def lesson(state: Path, *args: str, **options: int) -> Terminal:
    return Terminal("-m", "rnnviz", "lesson", *args, XDG_STATE_HOME=str(state), **options)


def until(terminals: tuple[Terminal, ...], true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "\n".join(terminals[-1].picture())
        for each in terminals:
            each.read(0.05, 0.2)


def shows(terminal: Terminal, *words: str) -> Callable[[], bool]:
    def there() -> bool:
        text = "\n".join(terminal.picture())
        return all(word in text for word in words)

    return there


def test_one_terminal_steers_the_other_and_either_may_close(tmp_path: Path) -> None:
    shown = lesson(tmp_path, "not")
    notes = lesson(tmp_path, "not", "--notes", width=80, height=24)
    both = (shown, notes)
    until(both, shows(notes, "The class sees", "step 1 of"))
    # It steers: the lesson, and the cursor.
    os.write(notes.fd, ON)
    until(both, shows(shown, "step 2 of"))
    until(both, shows(notes, "step 2 of", "Expect hands near 0"))
    os.write(notes.fd, LEFT)
    until(both, shows(shown, "▐movie▌"))
    until(both, shows(notes, "“movie”"))
    # It follows: what is pressed over there.
    os.write(shown.fd, RIGHT)
    until(both, shows(notes, "“was”"))
    # Closing the notes leaves the lesson working.
    assert notes.leave() == 0
    os.close(notes.fd)
    os.write(shown.fd, LEFT)
    until((shown,), shows(shown, "▐movie▌"))
    # Notes of whatever is on, which go on when the lesson is closed, and find the next one.
    other = lesson(tmp_path, "--notes", width=80, height=24)
    until((shown, other), shows(other, "The class sees", "One small word"))
    assert shown.leave() == 0
    os.close(shown.fd)
    until((other,), shows(other, "No screen yet"))
    again = Terminal("-m", "rnnviz", "step", "not good", XDG_STATE_HOME=str(tmp_path))
    until((again, other), shows(other, "The class sees", "not good"))
    os.write(other.fd, RIGHT)
    until((again, other), shows(again, "▐good▌"))
    # A killed screen leaves a socket that nobody answers on; the notes wait all the same.
    os.kill(again.pid, 9)
    os.waitpid(again.pid, 0)
    until((other,), shows(other, "No screen yet"))
    assert other.leave() == 0
