"""A real process in a pseudo-terminal of our own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import warnings
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[1]
#: Any code that sets a colour, of the 16, the 256 or the 16 million.
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


class Terminal:
    """Python with these arguments, in a terminal of this size."""

    def __init__(self, *args: str, width: int = 120, height: int = 40, **environ: str) -> None:
        self.size = (width, height)
        self.began = time.monotonic()
        with warnings.catch_warnings():  # pytest-xdist has a thread of its own; this forks to exec
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # A shell or nohup ignores them for what runs in the background, and that is inherited.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            # pytest-xdist sets a size in the environment, which would count for more than ours.
            unset = {"NO_COLOR", "COLUMNS", "LINES"}
            env = {k: v for k, v in os.environ.items() if k not in unset}
            env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            env |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **environ}
            os.execve(sys.executable, [sys.executable, *args], env)
        self.log = b""

    def read(self, quiet: float, most: float) -> bytes:
        """What is written until it has been quiet that long after something came."""
        found, end, last = b"", time.monotonic() + most, time.monotonic()
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    data = os.read(self.fd, 1 << 16)
                except OSError:
                    break
                if not data:
                    break
                found, last = found + data, time.monotonic()
            elif found and time.monotonic() - last > quiet:
                break
        self.log += found
        return found

    def until(self, word: bytes, most: float = 30) -> bytes:
        """Read until a word has been written, and then all that comes with it."""
        found, end = b"", time.monotonic() + most
        while word not in found and time.monotonic() < end:
            found += self.read(0.1, 1)
        assert word in found, found[-300:]
        return found + self.read(0.5, 1.5)

    def press(self, keys: bytes, most: float = 3) -> bytes:
        os.write(self.fd, keys)
        return self.read(0.4, most)

    def leave(self, keys: bytes = b"q") -> int:
        """Quit; the exit code."""
        os.write(self.fd, keys)
        self.read(0.3, 5)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def picture(self) -> list[str]:
        """What a terminal would show after all that was written."""
        screen = pyte.Screen(*self.size)
        stream = pyte.Stream(screen)
        text = re.sub(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z]|\x1b\[[0-9;?]*\$p", b"", self.log)
        stream.feed(text.decode("utf-8", "replace"))
        return list(screen.display)
