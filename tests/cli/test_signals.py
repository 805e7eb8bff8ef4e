"""Every signal at every moment: the terminal is given back, the code is the shell's, no traceback.

What a training had reached is saved, and goes on to the same weights.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo import Terminal
from safetensors.numpy import load_file

STEP = ("-m", "rnnviz", "step", "this movie was not good")
SMALL = ("--data", "sample", "--limit", "20", "--units", "4")
TRAIN = ("-m", "rnnviz", "train", "sentiment-rnn", *SMALL, "--epochs", "10000")
ENDING = ("INT", "TERM", "HUP", "QUIT", "ABRT", "ALRM", "USR1", "USR2")


def ended(it: Terminal, most: float = 40) -> int:
    """The exit code, once it has ended; everything it wrote is read."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        it.read(0.05, 0.2)
        pid, status = os.waitpid(it.pid, os.WNOHANG)
        if pid:
            it.read(0.05, 0.2)
            return os.waitstatus_to_exitcode(status)
    os.kill(it.pid, signal.SIGKILL)
    os.waitpid(it.pid, 0)
    raise AssertionError(f"it goes on: {it.log[-300:]!r}")


def given_back(it: Terminal, before: list[object]) -> None:
    """The terminal is as it was, with its cursor, on its main screen."""
    assert termios.tcgetattr(it.fd) == before
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):
        assert it.log.rfind(off) >= it.log.rfind(on)
    for mode in (b"1000", b"1003", b"1004", b"1006", b"2004"):
        assert it.log.rfind(b"\x1b[?" + mode + b"l") >= it.log.rfind(b"\x1b[?" + mode + b"h")
    assert b"Traceback" not in it.log
    assert b"Exception ignored" not in it.log
    os.close(it.fd)


def starting(*args: str) -> Terminal:
    """Past the first lines of ours, and in the imports that follow."""
    code = (
        f"import sys\nsys.argv = ['rnnviz', *{args[2:]!r}]\n"
        "from rnnviz.__main__ import main\nprint('go', flush=True)\nmain()\n"
    )
    it = Terminal("-c", code)
    while b"go" not in it.log:
        it.read(0.0, 0.1)
    return it


def shown(it: Terminal, word: bytes, most: float = 60) -> Terminal:
    """The same, once the word has been written."""
    end = time.monotonic() + most
    while word not in it.log:
        assert time.monotonic() < end, it.log[-300:]
        it.read(0.02, 0.2)
    it.read(0.1, 0.4)
    return it


def open_(*args: str) -> Terminal:
    return shown(Terminal(*args), b"quit")


def typing(*args: str) -> Terminal:
    it = open_(*args)
    os.write(it.fd, b"t")
    shown(it, b"enter reads it")
    os.write(it.fd, b"not good")
    it.read(0.1, 0.5)
    return it


MOMENTS = [
    *((name, moment) for name in ENDING for moment in (starting, open_)),
    *((name, typing) for name in ("INT", "TERM", "HUP", "QUIT")),
]


@pytest.mark.parametrize(("name", "moment"), MOMENTS)
def test_a_signal_ends_the_stepper(name: str, moment: Callable[..., Terminal]) -> None:
    it = moment(*STEP)
    number = getattr(signal, f"SIG{name}")
    before = termios.tcgetattr(it.fd) if moment is starting else cooked()
    os.kill(it.pid, number)
    code = ended(it)
    assert code == 128 + number
    given_back(it, before)


def cooked() -> list[object]:
    """What a new terminal is set to."""
    ours, theirs = os.openpty()
    try:
        return termios.tcgetattr(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("name", "moment"),
    [*((n, open_) for n in ("TSTP", "STOP", "CONT", "WINCH", "PIPE")), ("TSTP", typing)],
)
def test_what_does_not_end_it_leaves_a_whole_screen(
    name: str, moment: Callable[..., Terminal]
) -> None:
    it = moment(*STEP)
    it.log = b""
    os.kill(it.pid, getattr(signal, f"SIG{name}"))
    if name in ("TSTP", "STOP"):
        _, status = os.waitpid(it.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        it.read(0.1, 1)
        if name == "TSTP":
            assert termios.tcgetattr(it.fd) == cooked()
            assert it.log.rfind(b"\x1b[?1049l") > it.log.rfind(b"\x1b[?1049h")
        it.log = b""
        os.kill(it.pid, signal.SIGCONT)
        shown(it, b"not good" if moment is typing else b"quit")
    it.read(0.1, 0.3)
    if moment is typing:
        os.write(it.fd, b"\x1b")
        it.read(0.3, 0.6)  # an escape is a key of its own only if nothing follows
    os.write(it.fd, b"q")
    assert ended(it) == 0
    given_back(it, cooked())


@pytest.mark.skipif(sys.platform != "linux", reason="sends a signal to one thread")
def test_a_signal_that_another_thread_is_given_is_answered() -> None:
    it = open_(*STEP)
    libc = ctypes.CDLL(None)
    other = next(
        int(task.name)
        for task in Path(f"/proc/{it.pid}/task").iterdir()
        if int(task.name) != it.pid
    )
    os.kill(it.pid, signal.SIGSTOP)
    os.waitpid(it.pid, os.WUNTRACED)
    it.read(0.1, 1)
    it.log = b""
    assert libc.tgkill(it.pid, other, signal.SIGCONT) == 0
    shown(it, b"quit")
    assert libc.tgkill(it.pid, other, signal.SIGTERM) == 0
    assert ended(it) == 128 + signal.SIGTERM
    given_back(it, cooked())


def test_ctrl_z_suspends_and_fg_paints_again() -> None:
    it = open_(*STEP)
    os.write(it.fd, b"\x1a")
    it.read(0.1, 1)
    _, status = os.waitpid(it.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert termios.tcgetattr(it.fd) == cooked()
    it.log = b""
    os.kill(it.pid, signal.SIGCONT)
    shown(it, b"quit")
    picture = "\n".join(it.picture())
    for word in ("this", "movie", "was", "not", "good"):
        assert word in picture
    os.write(it.fd, b"q")
    assert ended(it) == 0
    given_back(it, cooked())


def test_a_stepper_that_is_stuck_ends_all_the_same() -> None:
    code = (
        "import time\nfrom rnnviz.tui.app import termination\ntermination.GRACE = 1.0\n"
        "from rnnviz.tui.step.screen import StepScreen\n"
        "StepScreen.action_language = lambda self: time.sleep(60)\n"
        "import sys\nsys.argv = ['rnnviz', 'step', 'not good']\n"
        "from rnnviz.__main__ import main\nmain()\n"
    )
    it = open_("-c", code)
    os.write(it.fd, b"L")
    it.read(0.2, 0.6)
    os.kill(it.pid, signal.SIGTERM)
    assert ended(it) == 128 + signal.SIGTERM
    given_back(it, cooked())


def under_way(*args: str) -> Terminal:
    return shown(Terminal(*args), b"samples/s", 120)


def asking(*args: str) -> Terminal:
    it = under_way(*args)
    os.write(it.fd, b"q")
    return shown(it, b"Stop after this batch")


DASHBOARD = [
    *((name, starting) for name in ("INT", "TERM", "USR1")),
    *((name, under_way) for name in ("INT", "TERM", "HUP", "QUIT")),
    *((name, asking) for name in ("INT", "HUP")),
]


@pytest.mark.parametrize(("name", "moment"), DASHBOARD)
def test_a_signal_ends_the_dashboard_and_the_batch_is_saved(
    name: str, moment: Callable[..., Terminal], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    it = moment(*TRAIN, "--out", str(run))
    number = getattr(signal, f"SIG{name}")
    before = termios.tcgetattr(it.fd) if moment is starting else cooked()
    os.kill(it.pid, number)
    code = ended(it)
    assert code == 128 + number
    if moment is not starting:
        after = it.log[it.log.rindex(b"\x1b[?1049l") :]
        assert f"rnnviztrain--resume{run}" in re.sub(r"\s+", "", after.decode())
        assert (run / "last.safetensors").is_file()
    given_back(it, before)


def processes_of(run: Path) -> list[str]:
    """Every process that names this run, or whose parent did."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(run).encode() in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
@pytest.mark.parametrize("args", [STEP, TRAIN])
def test_a_closed_terminal_leaves_no_process(args: tuple[str, ...], tmp_path: Path) -> None:
    run = tmp_path / "run"
    more = ("--out", str(run)) if args is TRAIN else ()
    it = Terminal(*args, *more, MARK=str(run))
    shown(it, b"samples/s" if args is TRAIN else b"quit", 120)
    assert processes_of(run)
    os.close(it.fd)
    _, status = os.waitpid(it.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    end = time.monotonic() + 20
    while processes_of(run) and time.monotonic() < end:
        time.sleep(0.1)
    assert not processes_of(run)
    if args is TRAIN:
        assert (run / "last.safetensors").is_file()


def test_a_terminal_that_is_gone_ends_the_stepper_also_if_it_hears_no_signal() -> None:
    code = (
        "import signal, sys\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "sys.argv = ['rnnviz', 'step', 'not good']\n"
        "from rnnviz.__main__ import main\nmain()\n"
    )
    it = open_("-c", code)
    os.close(it.fd)
    _, status = os.waitpid(it.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP


def test_ctrl_c_in_the_dashboard_saves_and_a_second_one_does_not_wait(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    it = under_way(*TRAIN, "--out", str(first))
    os.write(it.fd, b"\x03")
    assert ended(it) == 130
    assert b"saved in" in it.log
    given_back(it, cooked())
    it = under_way(*TRAIN, "--out", str(second))
    os.write(it.fd, b"\x03\x03")
    assert ended(it) == 130
    assert b"saved" in it.log
    assert f"rnnviztrain--resume{second}" in re.sub(r"\s+", "", it.log.decode())
    given_back(it, cooked())


LINES = ("-m", "rnnviz", "train", "sentiment-rnn", *SMALL, "--epochs", "20", "--plain")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nobody interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    it = Terminal(*LINES, "--out", str(run))
    assert ended(it, 120) == 0
    os.close(it.fd)
    return run


@pytest.mark.parametrize("name", ["TERM", "HUP", "QUIT", "USR1"])
def test_a_training_in_lines_is_saved_and_goes_on_bit_for_bit(
    name: str, whole: Path, tmp_path: Path
) -> None:
    run, number = tmp_path / "run", getattr(signal, f"SIG{name}")
    it = shown(Terminal(*LINES, "--out", str(run)), b"epoch 1/20", 120)
    os.kill(it.pid, number)
    assert ended(it) == 128 + number
    assert f"rnnviztrain--resume{run}" in re.sub(r"\s+", "", it.log.decode())
    given_back(it, cooked())
    it = Terminal("-m", "rnnviz", "train", "--resume", str(run), "--plain")
    assert ended(it, 120) == 0
    os.close(it.fd)
    wanted, found = (load_file(out / "last.safetensors") for out in (whole, run))
    assert wanted.keys() == found.keys()
    assert all((wanted[name] == found[name]).all() for name in wanted)


def interrupted(it: Terminal, times: int, pause: float) -> int:
    """Press ctrl+c so often; the exit code."""
    for _ in range(times):
        try:
            os.write(it.fd, b"\x03")
        except OSError:
            break
        time.sleep(pause)
        if os.waitid(os.P_PID, it.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
    return ended(it)


BEGINS = (
    "import sys\nprint('go', flush=True)\nfrom rnnviz.__main__ import main\n"
    "sys.argv = ['rnnviz', 'step', '--plain', 'this movie was not good']\nmain()\n"
)


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.45, 0.6])
@pytest.mark.parametrize("times", [1, 200])
def test_ctrl_c_while_a_command_begins_prints_one_line_at_most(after: float, times: int) -> None:
    it = shown(Terminal("-c", BEGINS), b"go")
    time.sleep(after)
    code = interrupted(it, times, 0.004)
    said = it.log.replace(b"^C", b"").decode().split("go", 1)[1].strip()
    os.close(it.fd)
    if "Traceback" in said and "__main__.py" not in said:
        return  # it had not come to the first line yet
    assert "Traceback" not in said
    assert "Exception" not in said
    # It may have ended, and printed all it had to print, before.
    assert code in (0, 130)
    whole = said.startswith("Model: ")
    assert code == 0 or said == "" or whole or said.endswith("rnnviz: Interrupted.")


LOST = """
import os, signal
from rnnviz import signals
from rnnviz.cli import run
signals.end_in_order()
class Attribute:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGTERM)
{where}
raise SystemExit(run(['step', 'not good']))
"""
SWALLOWED = """
try:
    os.kill(os.getpid(), signal.SIGTERM)
except SystemExit:
    pass
"""
WRAPPED = """
from rnnviz.cli import cli
def main(*args, **options):
    class Owner:
        attribute = Attribute()
cli.main = main
"""
READING = """
from pathlib import Path
from rnnviz.cli import cli
from rnnviz.files.readers import invalid_file_on_error
def main(*args, **options):
    with invalid_file_on_error(Path('model.json'), 'model'):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except SystemExit:
            raise ValueError('damaged')
cli.main = main
"""


@pytest.mark.parametrize(
    "where", [SWALLOWED, WRAPPED, READING], ids=["swallowed", "wrapped", "reading"]
)
def test_a_signal_whose_exception_was_lost_ends_it_all_the_same(where: str) -> None:
    it = Terminal("-c", LOST.format(where=where))
    code = ended(it)
    assert code == 128 + signal.SIGTERM, it.log[-500:]
    assert b"Internal error" not in it.log
    given_back(it, cooked())


def test_a_signal_while_a_training_process_starts_is_answered_once_it_has_started() -> None:
    program = (
        "import os, signal, sys\n"
        "from multiprocessing import util\n"
        "from rnnviz import signals\n"
        "signals.end_in_order()\n"
        "start = util.spawnv_passfds\n"
        "def started(*args):\n"
        "    pid = start(*args)\n"
        "    os.kill(os.getpid(), int(sys.argv[1]))\n"
        "    print('deferred', flush=True)\n"
        "    return pid\n"
        "util.spawnv_passfds = started\n"
        "from rnnviz.background import TrainingProcess\n"
        "from rnnviz.runs import TrainingJob\n"
        "with TrainingProcess(TrainingJob('sentiment-rnn', data='sample')):\n"
        "    print('goes on', flush=True)\n"
    )
    # A Python that nobody keeps from it ends by SIGINT itself.
    for number, code in ((signal.SIGHUP, 128 + signal.SIGHUP), (signal.SIGINT, -signal.SIGINT)):
        it = Terminal("-c", program, str(int(number)))
        assert ended(it) == code
        assert b"deferred" in it.log
        assert b"goes on" not in it.log
        assert b"EOFError" not in it.log
        os.close(it.fd)
