"""What each key costs on a real terminal: bytes, milliseconds, CPU; and the first paint.

``python tests/tui/terminal_cost.py`` prints a table of the places that cost more than allowed,
``--all`` every place. Other programs slow this one down and nothing makes it faster: of several
rounds the best counts.
"""

from __future__ import annotations

import argparse
import os
import select
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from pseudo import Terminal  # noqa: E402

from rnnviz.tui.keymap import PAGE_KEYS  # noqa: E402

WORDS = "the film that was shown to us last night was not as good as the book had been but "
REVIEW = " ".join((WORDS * 18).split()[:300])
SENTENCE = "this movie was not good"
MODELS = {
    "sentiment-lstm": (SENTENCE,),
    "agnews-bilstm": ("-m", "agnews-bilstm", "Cup final goes to extra time"),
    "jena-gru": ("-m", "jena-gru"),
    "imdb-lstm": ("-m", "imdb-lstm", REVIEW),
    "hand": ("--units", "2", "1 0 -1 1"),
}
#: Milliseconds that nobody notices, by size; bytes that a slow line carries at once.
MOST_MS = {(80, 24): 16, (120, 36): 16, (200, 50): 30}
MOST_BYTES = 10 * 1024

#: Keys as the terminal sends them; the Kitty protocol's escape, after which Textual does not wait.
ESCAPE = b"\x1b[27u"
STEPS = {
    "→": b"\x1b[C", "←": b"\x1b[D", ".": b".", ",": b",", "↑": b"\x1b[A", "↓": b"\x1b[B",
}  # fmt: skip
ZOOM = {"enter": b"\r", "esc": ESCAPE}

EMPTY = """
import numpy
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("painted")
Empty().run()
"""
#: Questions of Textual to the terminal, and what a modern one answers.
SYNCHRONIZED = b"\x1b[?2026$p"


class MeasuredTerminal(Terminal):
    """A terminal that notes when the last byte came and how long the process computed."""

    def cpu(self) -> float:
        """CPU milliseconds of all threads since the start."""
        total = 0
        for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            total += int(path.read_text().split()[0])
        return total / 1e6

    def press_and_wait(self, keys: bytes, quiet: float = 0.05) -> tuple[int, float, float]:
        """Bytes, milliseconds to the last byte and CPU milliseconds of a key."""
        cpu, sent = self.cpu(), time.perf_counter()
        os.write(self.fd, keys)
        count, last, end = 0, sent, sent + 20
        seen, busy = cpu, sent  # when it last computed more than a waiting program does
        while time.perf_counter() < end:
            if select.select([self.fd], [], [], 0.01)[0]:
                data = os.read(self.fd, 1 << 16)
                last = time.perf_counter()
                self.log += data
                count += len(data)
                continue
            if (now := self.cpu()) - seen > 1:
                busy = time.perf_counter()
            seen = now
            if time.perf_counter() - max(last, busy) > quiet:
                break
        return count, (last - sent) * 1000, self.cpu() - cpu

    def start(self, word: bytes, quiet: float = 0.4) -> float:
        """Seconds to the word; then wait until nothing more comes."""
        while word not in self.log:
            if self.read(0, 30) == b"":
                raise SystemExit(f"{word!r} did not come: {self.log[-300:]!r}")
            if SYNCHRONIZED in self.log and b"2026;1" not in self.answered:
                self.answered = b"\x1b[?2026;1$y"
                os.write(self.fd, self.answered)
        took = time.monotonic() - self.began
        self.read(quiet, 5)
        return took

    answered = b""

    def kill(self) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@dataclass
class Cost:
    """All presses of one key at one place, round by round."""

    rounds: list[list[tuple[int, float, float]]] = field(default_factory=list)

    def bytes(self) -> int:
        return max(one[0] for r in self.rounds for one in r)

    def best(self, which: int) -> float:
        return min(statistics.median(one[which] for one in r) for r in self.rounds)

    def worst(self) -> float:
        return min(max(one[1] for one in r) for r in self.rounds)

    def row(self) -> str:
        return (
            f"{self.bytes():7,} B  {self.best(1):6.1f} ms  worst {self.worst():6.1f} ms"
            f"  CPU {self.best(2):6.1f} ms"
        )

    def exceeds(self, most: int) -> str:
        marks = ["bytes"] if self.bytes() > MOST_BYTES else []
        marks += ["ms"] if self.best(1) > most else []
        marks += ["CPU"] if self.best(2) > most else []
        return "+".join(marks)


Place = tuple[str, str, str]  # model, page, key


def opened(model: str, size: tuple[int, int]) -> MeasuredTerminal:
    it = MeasuredTerminal(
        "-m", "rnnviz", "step", "-q", *MODELS[model], width=size[0], height=size[1]
    )
    it.start(b"rnnviz")
    return it


def one_round(it: MeasuredTerminal, model: str, presses: int) -> Iterator[tuple[Place, list]]:
    """The keys on the panels, then every page: opened, stepped through, closed."""
    home = "" if model == "hand" else "panels"
    if model == "hand":
        it.press_and_wait(ESCAPE)
    it.press_and_wait(b"\x1b[H")
    for name, key in {**STEPS, **ZOOM}.items():
        count = 1 if name in ZOOM else presses
        yield (model, home or "panels", name), [it.press_and_wait(key) for _ in range(count)]
    for page, opens in PAGE_KEYS.items():
        it.press_and_wait(b"\x1b[H")
        yield (model, page, "open"), [it.press_and_wait(opens.encode())]
        for name, key in STEPS.items():
            yield (model, page, name), [it.press_and_wait(key) for _ in range(presses)]
        yield (model, page, "esc"), [it.press_and_wait(ESCAPE)]


def measure(model: str, size: tuple[int, int], rounds: int, presses: int) -> dict[Place, Cost]:
    costs: dict[Place, Cost] = {}
    it = opened(model, size)
    for _ in range(rounds):
        for place, taken in one_round(it, model, presses):
            costs.setdefault(place, Cost()).rounds.append(taken)
    it.kill()
    return costs


def first_paint(rounds: int) -> None:
    ours, empty = [], []
    for n in range(rounds):
        it = MeasuredTerminal("-m", "rnnviz", "step", SENTENCE, width=120, height=36)
        ours.append(it.start(b"rnnviz"))
        if n == 0:
            paints = it.log.count(b"sentiment-lstm")
            cpu, before = it.cpu(), len(it.log)
            it.read(5, 5)
            idle, cpu = len(it.log) - before, it.cpu() - cpu
            print(f"first paint: title written {paints}×, {before:,} bytes in all")
            print(f"idle: {idle} bytes in 5 s, CPU {cpu / 50:.2f} %")
        it.kill()
        it = MeasuredTerminal("-c", EMPTY, width=120, height=36)
        empty.append(it.start(b"painted"))
        it.kill()
    for kind, of in (("best", min), ("median", statistics.median)):
        a, b = of(ours), of(empty)
        print(f"first paint, {kind} of {rounds}: {a:.2f} s, empty app {b:.2f} s, ratio {a / b:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--size", action="append", help="120x36; several times for several")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--presses", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="print every place")
    parser.add_argument("--no-paint", action="store_true", help="leave out the first paint")
    args = parser.parse_args()
    if not args.no_paint:
        first_paint(max(5, args.rounds))
    for text in args.size or ["120x36", "200x50"]:
        width, height = map(int, text.split("x"))
        size = (width, height)
        most = MOST_MS.get(size, 30)
        found = []
        for model in args.model or MODELS:
            for place, cost in measure(model, size, args.rounds, args.presses).items():
                mark = cost.exceeds(most)
                found.append(mark)
                if mark or args.all:
                    print(f"{text}  {' '.join(place):32} {cost.row()}  {mark}", flush=True)
        counts = [sum(kind in mark for mark in found) for kind in ("bytes", "ms", "CPU")]
        print(
            f"{text}: of {len(found)} places {counts[0]} exceed {MOST_BYTES:,} bytes, "
            f"{counts[1]} {most} ms, {counts[2]} {most} ms of CPU"
        )


if __name__ == "__main__":
    main()
