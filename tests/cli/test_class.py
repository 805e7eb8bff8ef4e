"""``rnnviz class``: what it needs, what it says, and a class that loses no closed question."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import click
import pytest
from phone_hall import fields, reading_bodies
from pseudo import Terminal

from rnnviz import network_addresses
from rnnviz.cli import classroom, cli, run
from rnnviz.web import compiling
from rnnviz.web.server import FileServer

PACKAGE = Path(__file__).parent.parent.parent / "rnnviz"
ON = b"\x1b[6~"


def test_without_its_packages_one_line_says_how_to_get_them(tmp_path: Path) -> None:
    for name in ("aiohttp", "segno"):
        hidden = tmp_path / name
        hidden.mkdir()
        (hidden / f"{name}.py").write_text("raise ImportError")
        done = subprocess.run(
            [sys.executable, "-m", "rnnviz", "class", "not"], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": f"{hidden}:{PACKAGE.parent}", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 3 and "pip install 'rnnviz[class]'" in done.stderr
        assert done.stderr.count("\n") <= 2


def test_elsewhere_than_on_a_terminal_it_opens_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["class", "not"]) == 2
    assert "needs a terminal" in capsys.readouterr().err


def until_shown(terminal: Terminal, text: str, most: float = 30) -> None:
    end = time.monotonic() + most
    while text not in "\n".join(terminal.picture()):
        assert time.monotonic() < end, "\n".join(terminal.picture())
        terminal.read(0.1, 0.5)


async def vote(port: int, answer: str) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", cookie_jar=jar, trace_configs=[reading_bodies()]
    ) as phone:
        form: dict[str, str] = {}
        while not form:
            form = fields(await (await phone.get("/")).text())
        assert (await phone.post("/", data=form | {"answer": answer})).status == 200


def test_a_vote_on_the_command_and_a_kill_in_the_middle_of_the_next_one(tmp_path: Path) -> None:
    results = tmp_path / "class.jsonl"

    def begin() -> tuple[Terminal, int]:
        terminal = Terminal(
            "-m", "rnnviz", "class", "not", "--host", "127.0.0.1", "--results", str(results),
            "--port", "0", "--per-address", "9", XDG_STATE_HOME=str(tmp_path),
        )  # fmt: skip
        terminal.until(b"enter goes on")
        found = re.search(rb"http://127.0.0.1:(\d+)/", terminal.log)
        assert found is not None
        terminal.press(b"\r")
        return terminal, int(found[1])

    terminal, port = begin()
    terminal.press(ON)
    asyncio.run(vote(port, "0.3"))
    until_shown(terminal, "1 of")
    terminal.press(ON)
    assert "the class: .30" in "\n".join(terminal.picture())
    [record] = map(json.loads, results.read_text("utf-8").splitlines())
    assert (record["question"], record["answer"]) == ("not.guess", 0.3)
    assert record["correct"] is False
    terminal.press(ON)
    terminal.press(ON)
    asyncio.run(vote(port, "3"))  # the next question, still open
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)
    os.close(terminal.fd)
    # Begun again, it goes on at the question that was open.
    terminal, port = begin()
    asyncio.run(vote(port, "3"))
    until_shown(terminal, "1 of")
    terminal.press(ON)
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [line["question"] for line in lines] == ["not.guess", "not.good"]
    assert terminal.leave() == 0
    terminal.read(0.2, 2)
    assert "Answers:" in terminal.log.decode("utf-8", "replace")


@pytest.mark.parametrize("port", ["taken", "free"])
def test_a_class_without_answers_leaves_no_file(port: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = str(other.getsockname()[1]) if port == "taken" else "0"
        terminal = Terminal("-m", "rnnviz", "class", "not", "--host", "127.0.0.1", "--port", number,
                            XDG_STATE_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))  # fmt: skip
        terminal.until(b"Cannot listen" if port == "taken" else b"enter goes on")
        code = terminal.leave(b"\rq")
    assert code == (1 if port == "taken" else 0)
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_two_classes_of_one_second_have_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(time, "strftime", lambda form: "2026-01-01-100000")
    first, second = classroom._results_file(), classroom._results_file()
    assert first != second and first.parent == second.parent


@pytest.mark.parametrize(
    "addresses, host, expected",
    [
        ({"0.0.0.0": ["192.0.2.5"]}, "0.0.0.0", ("0.0.0.0", ["192.0.2.5"])),
        ({"::": ["2001:db8::5"]}, "0.0.0.0", ("::", ["2001:db8::5"])),  # no IPv4 at all
        ({}, "0.0.0.0", ("0.0.0.0", ["127.0.0.1"])),  # no network
        ({}, "::", ("::", ["::1"])), ({"::1": ["::1"]}, "[::1]", ("::1", ["::1"])),
    ],
)  # fmt: skip
def test_where_a_class_listens_and_is_found(
    addresses: dict[str, list[str]], host: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_addresses, "own_addresses", lambda host: addresses.get(host, []))
    assert classroom._own_hosts(host) == expected


def test_a_class_that_only_this_machine_finds_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert classroom._say_open(["127.0.0.1"], 8420) == ("http://127.0.0.1:8420/",)
    said = capsys.readouterr().err
    assert "Only this machine" in said and "Phones" not in said and "█" not in said
    classroom._say_open(["192.0.2.5", "127.0.0.1"], 8420)
    assert "Phones of this network" in capsys.readouterr().err


# -- who listens ----------------------------------------------------------------------------------


#: What opens a listening socket: functions and classes of the standard library, aiohttp and Dask.
OPENS = {
    "bind", "create_server", "start_server", "create_unix_server", "start_unix_server",
    "create_datagram_endpoint", "socketpair", "HTTPServer", "ThreadingHTTPServer", "TCPServer",
    "ThreadingTCPServer", "UDPServer", "UnixStreamServer", "WSGIServer", "SimpleXMLRPCServer",
    "Listener", "BaseManager", "SyncManager", "Manager", "TCPSite", "SockSite",
    "LocalCluster", "Scheduler", "Nanny",
}  # fmt: skip
#: The modules that do, and what they listen on.
LISTENING = {
    "classroom/server.py": "class, on the host that it is given",
    "events/sessions.py": "a Unix socket",
    "events/server.py": "the same Unix socket",
    "web/server.py": "serve, on loopback without --host",
    "web/compiling.py": "loopback, while the folder of serve is built",
}


def test_only_class_listens_beyond_loopback_without_being_told_so() -> None:
    """Addresses of all interfaces are in one command; every other server has loopback."""
    everywhere, listening = set(), set()
    for path in PACKAGE.rglob("*.py"):
        name, names = path.relative_to(PACKAGE).as_posix(), set[str]()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and node.value == "0.0.0.0":
                everywhere.add(name)
            if isinstance(node, ast.Call):
                names.add(getattr(node.func, "attr", getattr(node.func, "id", "")))
            if isinstance(node, ast.ClassDef):
                names |= {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
        if names & OPENS:
            listening.add(name)
    assert everywhere == {"cli/classroom.py", "network_addresses.py"}
    assert listening == LISTENING.keys()
    with compiling.CompilingServer(PACKAGE, "/token") as server:
        assert server.server_address[0] == "127.0.0.1"
    assert inspect.signature(FileServer.__init__).parameters["address"].default == "127.0.0.1"
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    hosts = {
        name: each.default
        for name, command in commands.items() if command is not None
        for each in command.params if each.name == "host"
    }  # fmt: skip
    assert hosts == {"class": "0.0.0.0", "serve": "127.0.0.1"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("lesson", "not"),
        ("lesson", "not", "--notes"),
        ("step", "not good"),
        ("class", "not", "--host", "127.0.0.1"),
    ],
)
def test_what_a_screen_listens_on(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The system's own list of listening sockets, of the process and its children."""
    if not sys.platform.startswith("linux"):
        pytest.skip("/proc")
    terminal = Terminal("-m", "rnnviz", *arguments, XDG_STATE_HOME=str(tmp_path),
                        XDG_DATA_HOME=str(tmp_path))  # fmt: skip
    terminal.read(1.5, 20)
    own = {terminal.pid, *children(terminal.pid)}
    sockets = {
        str(end.readlink()).partition("[")[2].rstrip("]")
        for pid in own for end in Path(f"/proc/{pid}/fd").iterdir()
        if end.is_symlink() and str(end.readlink()).startswith("socket:")
    }  # fmt: skip
    hosts = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text("utf-8").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in sockets:  # listening
                hosts.append(words[1].partition(":")[0])
    assert terminal.leave(b"\rq") == 0
    assert hosts == (["0100007F"] if arguments[0] == "class" else [])


def children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text("utf-8").split()):
            found += [child, *children(child)]
    return found
