"""``rnnviz replay``, ``--record`` and ``--cast`` on the command line and in a terminal."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from pathlib import Path

import pyte
import pytest
from pseudo import Terminal
from tui.recorded_sessions import Filmed, small

from rnnviz import messages
from rnnviz.cli import run
from rnnviz.tui.replay.reader import read

KEYS = ("right", "right", "u", "escape", "t", "b", "a", "d", "enter", "L")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return asyncio.run(small(tmp_path_factory.mktemp("replay") / "class.jsonl", KEYS))


@pytest.fixture(autouse=True)
def own_folders(session: Filmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_language", "en")  # the session switches it, too
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


def test_lines_of_text(session: Filmed, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(session.path), "--plain", "--lang", "en"]) == 0
    english = capsys.readouterr().out.splitlines()
    assert "word 2 of 5, “movie”" in "\n".join(english)
    assert any("page: units" in line for line in english)
    assert any("lstm reads “bad”" in line for line in english)
    assert any("language tr" in line for line in english)
    assert run(["replay", str(session.path), "--plain", "--lang", "tr"]) == 0
    turkish = capsys.readouterr().out.splitlines()
    assert len(turkish) == len(english)
    assert any("2/5. sözcük, “movie”" in line for line in turkish)
    assert run(["replay", str(session.path), "--plain", "--at", "#4"]) == 0
    assert len(capsys.readouterr().out.splitlines()) < len(english)


def test_json(session: Filmed, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(session.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["model"]) == ("rnnviz.recording/1", "lstm")
    assert found["moments"] == session.recorder.count
    assert not found["cut"]
    kinds = [event["event"] for event in found["events"]]
    assert {"cursor", "page", "query", "view", "screen", "line", "size"} <= {*kinds}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--at", "#0"], 2, "events #1 to"),
        (["--at", "#999999999"], 2, "events #1 to"),
        (["--at", "9:99:99"], 2, "ends after"),
        (["--at", "soon"], 2, "expected seconds"),
        (["--speed", "0"], 2, "--speed"),
        (["--screenshot", "a.gif"], 2, "--screenshot writes"),
    ],
)
def test_what_is_typed_wrong(
    arguments: list[str], code: int, said: str, session: Filmed,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run(["replay", str(session.path), *arguments]) == code
    assert said in capsys.readouterr().err


def test_a_file_that_cannot_be_played(
    session: Filmed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "a.jsonl"
    damaged.write_bytes(session.path.read_bytes().replace(b'"dark"', b'"ansi"'))
    assert run(["replay", str(damaged), "--plain"]) == 4
    said = capsys.readouterr().err
    assert "line 1:" in said and "changed since it was recorded" in said
    damaged.write_bytes(session.path.read_bytes()[:-9])
    assert run(["replay", str(damaged), "--plain"]) == 0
    printed = capsys.readouterr()
    assert "as after a crash" in printed.err
    assert "as after a crash" in printed.out
    assert run(["replay", str(tmp_path / "none.jsonl")]) in (2, 4)
    assert "none.jsonl" in capsys.readouterr().err


def test_a_screenshot_of_a_moment(session: Filmed, tmp_path: Path) -> None:
    picture = tmp_path / "a.txt"
    n = session.recorder.count
    arguments = ["--at", f"#{n}", "--screenshot", str(picture)]
    assert run(["replay", str(session.path), *arguments]) == 0
    was = ["".join(text for text, _ in row).rstrip() for row in session.screens[-1]]
    assert picture.read_text("utf-8").splitlines() == "\n".join(was).rstrip("\n").splitlines()


def test_a_handout_of_the_sentence_that_is_shown_longest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 60.0, *range(61, 90)])
    keys = ("t", "b", "a", "d", "enter", "right", "z")
    session = asyncio.run(small(tmp_path / "a.jsonl", keys, clock=lambda: next(seconds)))
    recording = read(session.path)
    shown = {}
    for moment, after in itertools.pairwise(recording.moments):
        text = moment.view_state.trace.text
        shown[text] = shown.get(text, 0.0) + after.seconds - moment.seconds
    assert recording.longest.view_state.trace.text == max(shown, key=shown.__getitem__)
    page = tmp_path / "a.html"
    assert run(["handout", str(session.path), "-o", str(page), "-q"]) == 0
    assert f"{recording.longest.view_state.trace.text}" in page.read_text("utf-8")
    assert f"rnnviz handout {session.path} -o {page}" in page.read_text("utf-8")
    session.path.write_bytes(session.path.read_bytes().replace(b'"dark"', b'"ansi"'))
    assert run(["handout", str(session.path), "-o", str(page)]) == 4
    assert "line 1:" in capsys.readouterr().err
    assert run(["handout", str(page), "-o", str(page)]) == 2


def test_record_and_cast_need_a_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["step", "good"], ["lesson", "not"], ["step", "good", "--json"]):
        for option in ("--record", "--cast"):
            assert run([*command, option, str(tmp_path / "a")]) == 2
            assert "on a terminal" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# -- casts ----------------------------------------------------------------------------------------


def check_cast(path: Path) -> tuple[dict[str, object], list[list[object]]]:
    """The header and the events of a cast, checked by the rules of asciicast v2.

    https://docs.asciinema.org/manual/asciicast/v2/
    """
    lines = path.read_text("utf-8").splitlines()
    header = json.loads(lines[0])
    assert header["version"] == 2
    assert all(type(header[name]) is int and header[name] > 0 for name in ("width", "height"))
    assert type(header["timestamp"]) is int
    assert {type(header["title"]), *map(type, header["env"].values())} == {str}
    events, last = [], 0.0
    for line in lines[1:]:
        seconds, kind, data = json.loads(line)
        assert isinstance(seconds, float | int) and seconds >= last
        assert kind in ("o", "r")
        assert isinstance(data, str)
        last = seconds
        events.append([seconds, kind, data])
    return header, events


def last_screen(path: Path) -> list[str]:
    """What a terminal shows after the cast."""
    header, events = check_cast(path)
    screen = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(screen)
    for _, kind, data in events:
        if kind == "r":
            columns, rows = map(int, str(data).split("x"))
            screen.resize(rows, columns)
        elif "\x1b[?1049l" not in str(data):
            # pyte takes queries with > and $ for something else.
            stream.feed(str(data))
    return [line.rstrip() for line in screen.display]


def test_a_cast_of_a_recording_shows_its_screens(session: Filmed, tmp_path: Path) -> None:
    cast = tmp_path / "a.cast"
    assert run(["replay", str(session.path), "--cast", str(cast), "--speed", "2"]) == 0
    _, events = check_cast(cast)
    assert events[-1][0] == pytest.approx(read(session.path).seconds / 2, abs=0.01)
    was = ["".join(text for text, _ in row).rstrip() for row in session.screens[-1]]
    assert last_screen(cast) == was
    # It plays on any terminal: nothing shines through, and the cursor comes back.
    assert "\x1b[2J" in str(events[0][2]) and str(events[-1][2]).endswith("\x1b[?25h")
    # Nothing but casts is replaced.
    assert run(["replay", str(session.path), "--cast", str(cast)]) == 0
    cast.write_text("mine")
    assert run(["replay", str(session.path), "--cast", str(cast)]) == 2
    assert cast.read_text() == "mine"


def test_a_recording_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "no-such.jsonl"]) == 4
    assert "Make one: rnnviz step TEXT --record FILE" in capsys.readouterr().err


def test_in_a_terminal(tmp_path: Path) -> None:
    """Recorded and cast while it runs, then played back, steered and left: exit code 0."""
    recording, cast = tmp_path / "a.jsonl", tmp_path / "a.cast"
    terminal = Terminal("-m", "rnnviz", "step", "not good", "--record", str(recording),
                        "--cast", str(cast), width=100, height=30,
                        XDG_STATE_HOME=str(tmp_path))  # fmt: skip
    terminal.until(b"not")
    terminal.press(b"\x1b[C")
    before = terminal.press(b"b")
    assert before
    assert terminal.leave() == 0
    screen, _, said = terminal.log.rpartition(b"\x1b[?1049l")
    assert screen
    assert f"Recorded: {recording}. Replay it: rnnviz replay {recording}".encode() in said
    assert f"Recorded: {cast}. Replay it: asciinema play {cast}".encode() in said
    found = read(recording)
    assert not found.cut
    assert found.moments[0].size == (100, 30)
    header, events = check_cast(cast)
    assert (header["width"], header["height"]) == (100, 30)
    written = "".join(str(data) for _, kind, data in events if kind == "o")
    assert written.encode() == terminal.log.replace(b"\r\n", b"\n")[: len(written.encode())]
    assert any("good" in line for line in last_screen(cast))
    replay = Terminal("-m", "rnnviz", "replay", str(recording), width=80, height=24,
                      XDG_STATE_HOME=str(tmp_path))  # fmt: skip
    replay.until(b"F7")
    replay.press(b"\x1b[F")
    assert "●".encode() in replay.log
    replay.press(b"\x1b[20~")
    replay.press(b"u")
    replay.press(b"\x1b")
    assert replay.leave() == 0
    assert b"\x1b[?1049l" in replay.log[-300:]


def test_a_kill_loses_at_most_the_last_event(tmp_path: Path) -> None:
    recording = tmp_path / "a.jsonl"
    terminal = Terminal("-m", "rnnviz", "step", "not good", "--record", str(recording),
                        XDG_STATE_HOME=str(tmp_path))  # fmt: skip
    terminal.until(b"not")
    for _ in range(4):
        terminal.press(b"\x1b[B")
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    found = read(recording)
    units = [moment.view_state.cursor.unit for moment in found.moments]
    assert len({*units}) == 5
