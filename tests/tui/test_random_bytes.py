"""Random keys, bytes, pastes and sizes: the screen goes on, and the terminal is given back.

``RNNVIZ_RANDOM_SECONDS=600`` makes it ten minutes, ``RNNVIZ_RANDOM_SEED`` repeats a run.
"""

from __future__ import annotations

import fcntl
import os
import random
import re
import signal
import struct
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest
from pseudo import Terminal

SECONDS = float(os.environ.get("RNNVIZ_RANDOM_SECONDS", "20"))
SEED = int(os.environ.get("RNNVIZ_RANDOM_SEED", "0"))
#: Events after which the screen has to answer.
ROUND = 40
#: Seconds in which it has to.
ANSWER = 90
MEMORY = 500 << 20
#: ctrl+s: while the app is stopped, the terminal itself takes it and shows nothing more.
STOPS_OUTPUT = b"\x13"

STEP = ("-m", "rnnviz", "step", "--debug")
COMMANDS = (
    (*STEP, "this movie was not good"),
    (*STEP, "this movie was not good", "--against", "this movie was good"),
    (*STEP, "-m", "agnews-bilstm", "oil prices rise again", "--view", "net"),
    (*STEP, "--units", "2", "1 0 -1"),
    (*STEP, "-m", "jena-gru"),
    (*STEP, "this movie was not good", "--lang", "tr", "--view", "backward"),
    ("-m", "rnnviz", "train", "sentiment-rnn", "--data", "sample",
     "--limit", "40", "--epochs", "9999"),
)  # fmt: skip
SEQUENCES = (
    *(b"\x1b[" + letter for letter in (b"A", b"B", b"C", b"D", b"H", b"F", b"Z")),
    *(b"\x1b[%d~" % number for number in (1, 2, 3, 5, 6, 15, 17, 20)),
    b"\x1bOP", b"\r", b"\t", b"\x7f", b"\x1b", b"\x1b\x1b", b"\x10", b"\x10not\r",
    b"\x1b[<0;5;5M", b"\x1b[<0;5;5m", b"\x1b[<64;9;9M", b"\x1b[<0;99999;99999M",
    b"\x1b[I", b"\x1b[O", b"\x1b[97;5u", b"\x1b[;;;u", b"\x1b[999999999999~",
    b"\x1b[", b"\x1b]0;x\x07", b"\x1bP", b"\x1b[?", b"\x1b[?2026;2$y",
)  # fmt: skip
SIZES = (
    (0, 0), (1, 1), (2, 400), (400, 100), (400, 1), (1, 100), (80, 24), (120, 36), (65535, 65535)
)  # fmt: skip
PASTES = (
    b"good", b"\n" * 50, b"x" * 5_000, "İyi değil 😀".encode(), b"\xff\xfe\x00", b"\x1b[31mred"
)  # fmt: skip


class Session:
    """One command in a terminal, and what is thrown at it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.args = self.random.choice(COMMANDS)
        folder.mkdir()
        homes = {f"XDG_{name}_HOME": str(folder) for name in ("DATA", "CACHE", "CONFIG", "STATE")}
        os.chdir(folder)
        homes["PYTHONFAULTHANDLER"] = "1"
        self.it = Terminal(*self.args, width=100, height=30, **homes)
        self.code: int | None = None
        self.events = 0
        self._wait_for_screen()

    def _wait_for_screen(self) -> None:
        end = time.monotonic() + 60
        while b"rnnviz" not in self.it.log:
            assert time.monotonic() < end, self.it.log[-300:]
            self.it.read(0.05, 0.2)

    def play(self, end: float) -> None:
        while time.monotonic() < end and not self._ended():
            for _ in range(ROUND):
                self._event()
                self.it.read(0, 0)
            self._answers()

    def _event(self) -> None:
        self.events += 1
        kind = self.random.random()
        if kind < 0.1:
            self._resize(*self.random.choice(SIZES))
        elif kind < 0.15:
            self._resize(self.random.randint(0, 400), self.random.randint(0, 100))
        elif kind < 0.2:
            self._write(b"\x1b[200~" + self.random.choice(PASTES) + b"\x1b[201~")
        elif kind < 0.25:
            data = self.random.randbytes(self.random.randint(1, 40))
            self._write(data.replace(STOPS_OUTPUT, b""))
        elif kind < 0.6:
            self._write(self.random.choice(SEQUENCES))
        elif kind < 0.61:
            self._write(b"\x1b[200~" + self.random.choice(PASTES))
        else:
            self._write(bytes([self.random.randint(32, 126)]))

    def _resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.it.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def _write(self, data: bytes) -> None:
        """Write all of it; what is not read meanwhile would block the other end, too."""
        end = time.monotonic() + ANSWER
        while data and not self._ended():
            assert time.monotonic() < end, "it no longer reads"
            os.set_blocking(self.it.fd, False)
            try:
                data = data[os.write(self.it.fd, data[:1024]) :]
            except BlockingIOError:
                self._cook()
            except OSError:
                return
            finally:
                os.set_blocking(self.it.fd, True)
            self.it.read(0, 0)

    def _cook(self) -> None:
        """A terminal whose line is never read, as while the process is stopped, takes no more."""
        self.it.read(0.01, 0.05)

    def _ended(self) -> bool:
        """Whether it has; one that stopped itself goes on."""
        if self.code is None:
            pid, status = os.waitpid(self.it.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                os.kill(self.it.pid, signal.SIGCONT)
            elif pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def _tracebacks(self) -> str:
        """Where all threads of the process are: faulthandler prints it as the process crashes."""
        state = Path(f"/proc/{self.it.pid}/status")
        status = state.read_text() if state.is_file() else ""
        before = len(self.it.log)
        os.kill(self.it.pid, signal.SIGSEGV)
        os.kill(self.it.pid, signal.SIGCONT)
        self.it.read(1, 5)
        return f"{self.it.log[max(0, before - 300) :]!r} {status}"

    def _answers(self) -> None:
        """A size that is not the last one makes it draw."""
        if self._ended():
            return
        self._memory()
        self.it.read(0.2, 2)
        end, sizes = time.monotonic() + ANSWER, [(90, 30), (100, 30)]
        while not self._ended():
            assert time.monotonic() < end, f"no answer: {self._tracebacks()}"
            self._resize(*sizes[0])
            sizes.reverse()
            if self.it.read(0.05, 1):
                return

    def _memory(self) -> None:
        try:
            status = Path(f"/proc/{self.it.pid}/status").read_text()
        except OSError:
            return
        if peak := re.search(r"VmHWM:\s+(\d+) kB", status):
            assert int(peak[1]) << 10 < MEMORY, f"{peak[1]} kB"

    def leave(self) -> None:
        """The end of a paste, out of every prompt, quit; yes, a training saves its batch."""
        end = time.monotonic() + ANSWER
        while not self._ended():
            assert time.monotonic() < end, f"it does not end: {self.it.log[-300:]!r}"
            for data in (b"\x1b[201~", b"\x1b", b"\x1b", b"\x11", b"y"):
                self._write(data)
                self.it.read(0.05, 0.3)
        self.it.read(0.1, 0.5)
        self._check()
        os.close(self.it.fd)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.it.pid, signal.SIGKILL)

    def _check(self) -> None:
        log = self.it.log
        # Where the app is stopped, begins or ends, ctrl+c and ctrl+\\ are signals.
        assert self.code in (0, 130, 131, -signal.SIGINT, -signal.SIGQUIT), (
            self.code, log[-300:],
        )  # fmt: skip
        for word in (b"Traceback", b"Internal error", b"Exception ignored", b"Warning:"):
            assert word not in log, log[-300:]
        for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):
            assert log.rfind(off) >= log.rfind(on), on
        ours, theirs = os.openpty()
        assert termios.tcgetattr(self.it.fd) == termios.tcgetattr(theirs)
        os.close(ours)
        os.close(theirs)


def test_random_bytes_neither_end_nor_hang_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    end, seed, events = time.monotonic() + SECONDS, SEED, 0
    while time.monotonic() < end:
        print(f"seed {seed}", flush=True)
        session = Session(seed, tmp_path / str(seed))
        try:
            session.play(min(end, time.monotonic() + 10))
            session.leave()
        except BaseException:
            print("\n".join(session.it.picture()))
            session.kill()
            print(f"seed {seed}: {session.args}, {session.events} events, code {session.code}")
            print(session.it.log.rpartition(b"\x1b[?1049l")[2][-8000:].decode(errors="replace"))
            raise
        events += session.events
        seed += 1
    print(f"{seed - SEED} sessions, {events} events")
    assert events > 0
