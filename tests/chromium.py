"""A headless Chromium, driven through a pipe with the DevTools protocol."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import Any

from rnnviz.web.compiling import chromium


def installed() -> str | None:
    """The path of the browser; None where there is none."""
    found = chromium()
    return None if found is None else str(found)


class Chromium:
    """One page in a browser of its own; a context manager.

    ``requests`` are the addresses that it and its workers asked for, ``complaints`` what the
    console was told.
    """

    def __init__(self, profile: Path) -> None:
        program = installed()
        assert program is not None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        commands, self._commands = os.pipe()
        self._replies, replies = os.pipe()
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
            f"--user-data-dir={profile}", "--no-first-run", "--disable-background-networking",
            "about:blank",
        ]  # fmt: skip
        # The browser reads from descriptor 3 and writes to 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, replies)]
        null = os.open(os.devnull, os.O_RDWR)
        self._pid = os.posix_spawn(
            program, [program, *options], os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2),
                (os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4),
            ],
        )  # fmt: skip
        for descriptor in (commands, replies, null, *ends):
            os.close(descriptor)
        self._buffer, self._next, self._session = b"", 0, ""
        target = next(
            t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"
        )
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self._worker = ""
        # Without this, what a worker of the page asks for is not reported.
        self.call(
            "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True
        )
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *error: object) -> None:
        for descriptor in (self._commands, self._replies):
            os.close(descriptor)
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)

    def call(self, method: str, /, **params: Any) -> Any:
        """The result of a command; what happens meanwhile is kept."""
        return self._answer(self._send(self._session, method, params))

    def _send(self, session: str, method: str, params: dict[str, Any]) -> int:
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        return self._next

    def _answer(self, number: int) -> Any:
        while (reply := self._receive()).get("id") != number:
            pass
        assert "error" not in reply, reply
        return reply["result"]

    def wait_for(self, event: str) -> None:
        """Wait until an event comes."""
        while self._receive().get("method") != event:
            pass

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            read = os.read(self._replies, 1 << 16)
            assert read, "the browser has ended"
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            case "Target.attachedToTarget":
                self._worker = message["params"]["sessionId"]
                self._send(self._worker, "Network.enable", {"maxTotalBufferSize": 0})
                self._send(self._worker, "Runtime.runIfWaitingForDebugger", {})
            case "Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(message["params"]))
        return message

    def renderers(self) -> list[int]:
        """The processes of this browser that draw pages; others may run beside it."""
        parents, pages = {}, []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            if b"--type=renderer" in command:
                pages.append(int(folder.name))

        def is_own(process: int) -> bool:
            return process == self._pid or (process in parents and is_own(parents[process]))

        return list(filter(is_own, pages))

    def open(self, path: Path) -> None:
        """Open a file."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def value(self, expression: str, in_worker: bool = False) -> Any:
        """The value of an expression of JavaScript, or of its promise, as JSON.

        In the page, or in its newest worker.
        """
        session = self._worker if in_worker else self._session
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        found = self._answer(self._send(session, "Runtime.evaluate", params))
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key and let it go."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=8 * shift)
