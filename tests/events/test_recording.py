"""Files of recordings: written line by line, and refused wherever they are not as written."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnviz import messages
from rnnviz.errors import InvalidFileError, UsageError
from rnnviz.events import CursorEvent
from rnnviz.events.recording import (
    LONGEST_LINE,
    RecordedLines,
    RecordingFull,
    RecordingWriter,
    _check,
)
from rnnviz.events.records import record_of
from rnnviz.tui.replay.reader import read
from tests.damage import VALUES
from tests.tui.recorded_sessions import small

Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("recording") / "a.jsonl"
    return asyncio.run(small(path)).path.read_bytes()


def records_of(data: bytes) -> Records:
    """The objects of the lines, without their checks."""
    found = [json.loads(line) for line in data.splitlines()]
    return [{k: v for k, v in record.items() if k != "check"} for record in found]


def forged(records: Records, path: Path) -> Path:
    """A file of these records whose checks are right."""
    before, lines = b"", []
    for record in records:
        body = json.dumps(record).encode()[:-1]
        before = _check(before, body)
        lines.append(body + b', "check": "' + before + b'"}\n')
    path.write_bytes(b"".join(lines))
    return path


def refused(path: Path) -> str:
    """The message of a file that cannot be read: the path, the line, and what to do."""
    with pytest.raises(InvalidFileError) as error:
        read(path)
    message = str(error.value)
    assert f"{path}, line " in message or str(path) in message
    assert "rnnviz step --record FILE" in message
    assert len(message) < 1000
    assert not any(ord(c) < 32 and c != "\n" for c in message)
    return message


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions switch the language of the messages, too."""
    monkeypatch.setattr(messages, "_language", "en")


# -- writing --------------------------------------------------------------------------------------


def test_what_is_written_is_read(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "a.jsonl")
    header = {"schema": "rnnviz.recording/1", "timestamp": 0.0}
    event = record_of(CursorEvent(2, "read", token="iyi değil\n"), 1.5)
    writer.write([header])
    writer.write([event])
    lines = RecordedLines(tmp_path / "a.jsonl")
    found = [{k: v for k, v in record.items() if k != "check"} for record in lines]
    assert found == [header, event]
    assert not lines.cut
    writer.close()


def test_a_recording_is_replaced_and_nothing_else(tmp_path: Path, recorded: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(recorded)
    RecordingWriter(path).close()
    assert path.read_bytes() == b""
    RecordingWriter(path).close()
    for content in (b"my notes\n", b'{"schema": "rnnviz.trace/1"}\n'):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="something else in it"):
            RecordingWriter(path)
        assert path.read_bytes() == content
    with pytest.raises(UsageError, match="not a regular file"):
        RecordingWriter(Path("/dev/null"))
    with pytest.raises(UsageError, match="folder"):
        RecordingWriter(tmp_path)
    with pytest.raises(UsageError, match="There is no folder"):
        RecordingWriter(tmp_path / "none" / "a.jsonl")


def test_a_line_that_is_too_long_is_not_written(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "a.jsonl")
    with pytest.raises(RecordingFull):
        writer.write([{"text": "x" * LONGEST_LINE}])
    assert (tmp_path / "a.jsonl").read_bytes() == b""
    writer.close()


# -- reading --------------------------------------------------------------------------------------


def test_a_file_cut_at_any_byte_plays_up_to_there(tmp_path: Path, recorded: bytes) -> None:
    """Every byte of the end; others in steps."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(recorded)
    whole = read(path)
    ends = [n for n, byte in enumerate(recorded) if byte == 10]
    first = next(n for n, line in enumerate(recorded.splitlines()) if b'"moment": 0' in line)
    places = [*range(0, ends[first], 9601), *range(ends[first], len(recorded), 701)]
    places += [*range(len(recorded) - 90, len(recorded))]
    for n in places:
        path.write_bytes(recorded[:n])
        if n <= ends[first]:
            assert "line" in refused(path)
        else:
            found = read(path)
            complete = found.moments[-1].number
            assert [m.events for m in found.moments] == [
                m.events for m in whole.moments[: len(found.moments)]
            ]
            assert complete <= recorded[:n].count(b"\n")
            assert found.cut == (n - 1 not in ends or complete < recorded[:n].count(b"\n"))


def test_every_flipped_bit_is_found_and_its_line_named(tmp_path: Path, recorded: bytes) -> None:
    path, chance = tmp_path / "a.jsonl", random.Random(5)
    for _ in range(150):
        at = chance.randrange(len(recorded))
        damaged = bytearray(recorded)
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        line = recorded[:at].count(b"\n") + 1
        if damaged.endswith(b"\n"):
            message = refused(path)
            assert f"line {line}" in message or f"line {line + 1}" in message or line == 1
        else:
            assert read(path).cut


def test_lines_that_are_moved_removed_or_added_are_found(tmp_path: Path, recorded: bytes) -> None:
    path, lines = tmp_path / "a.jsonl", recorded.splitlines(keepends=True)
    last = len(lines) - 1
    for edited in (
        [*lines[:last], lines[last], lines[last]],
        [*lines[: last - 1], lines[last]],
        [*lines[: last - 1], lines[last], lines[last - 1]],
        [lines[0], *lines[2:]],
        [*lines, b"{}\n"],
        [line.replace(b'"right"', b'"left"').replace(b"dark", b"ansi") for line in lines],
    ):
        path.write_bytes(b"".join(edited))
        assert "was changed since it was recorded" in refused(path)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n", b"{", b"{}\n", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"\x00" * 5000,
        b'{"schema": "rnnviz.events/1", "timestamp": 0}\n', b"[" * 100_000,
        b'{"schema": "rnnviz.recording/1"', b'{"schema": "rnnviz.recording/2", "x": 1}\n',
        b"x" * (LONGEST_LINE + 10),
    ],
    ids=lambda content: repr(content[:30]),
)  # fmt: skip
def test_foreign_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    refused(path)


def test_a_pipe_and_a_device_are_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InvalidFileError, match="not a file"):
            read(path)


# -- forged files: the checks are right, the content is not ---------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value[:2])
    found = []
    for key, each in items:
        found.append((*path, key))
        if isinstance(each, dict | list):
            found += places(each, (*path, key))
    return found


def test_wrong_values_are_refused_or_harmless(tmp_path: Path, recorded: bytes) -> None:
    """Each kind of record, each of its places, with what does not belong there."""
    records, chance = records_of(recorded), random.Random(3)
    every = [(n, path) for n, record in enumerate(records) for path in places(record)]
    for n, path in chance.sample(every, 150):
        edited = copy.deepcopy(records)
        parent: Any = edited[n]
        for key in path[:-1]:
            parent = parent[key]
        name = chance.choice([*VALUES, "remove"])
        if name == "remove":
            del parent[path[-1]]
        else:
            parent[path[-1]] = VALUES[name]
        if name == "digits":
            continue  # JSON of Python cannot write it
        try:
            read(forged(edited, tmp_path / "a.jsonl"))
        except InvalidFileError as error:
            assert "line" in str(error)


def content(change: Callable[[dict[str, Any]], None], kind: str, records: Records) -> Records:
    edited = copy.deepcopy(records)
    change(next(record for record in edited if record.get("content") == kind))
    return edited


def test_arrays_that_lie_about_their_size(tmp_path: Path, recorded: bytes) -> None:
    bomb = base64.b64encode(zlib.compress(b"\0" * 50_000_000, 9)).decode()
    records = records_of(recorded)
    tracemalloc.start()
    began = time.monotonic()
    for fields in (
        {"shape": [10**9, 10**9]}, {"shape": [3], "packed": True, "data": bomb},
        {"shape": [250_000_000], "packed": True, "data": bomb}, {"shape": [-1]},
        {"shape": [[1]]}, {"dtype": "object"}, {"dtype": "<U1000000000"}, {"data": "###"},
        {"number": 10**400}, {"packed": True, "data": "AAAA"}, {"more": True},
    ):  # fmt: skip

        def change(record: dict[str, Any], fields: dict[str, Any] = fields) -> None:
            record.update(fields)

        refused(forged(content(change, "array", records), tmp_path / "a.jsonl"))
    assert time.monotonic() - began < 20
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_code_and_paths_in_a_recording_are_not_followed(tmp_path: Path, recorded: bytes) -> None:
    """Classes are named by a file only inside ``rnnviz.analysis``, and only dataclasses."""
    records = records_of(recorded)
    for tag in ("os.System", "os.path.join", "units.Array", "builtins.Exec", "..Query", 7, None,
                "interventions.LeaveOutQuestion", "query.Query", "units.np"):  # fmt: skip
        edited = copy.deepcopy(records)
        screen = next(r for r in edited if r.get("event") == "screen")
        screen["changes"]["answers"] = {"new": [[{"is": tag, "of": {}}, 1]], "gone": []}
        refused(forged(edited, tmp_path / "a.jsonl"))


def test_nothing_that_is_read_reaches_the_terminal_as_codes(
    tmp_path: Path, recorded: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    from rnnviz.cli import run

    edited = records_of(recorded)
    edited[0]["model"] = edited[0]["started"] = "\x1b[2J\x07\u202e"
    for record in edited:
        if record.get("event") == "cursor":
            record["token"] = "\x1b]0;x\x07"
    edited[0]["started"] = "2026-01-01T00:00:00"
    assert run(["replay", str(forged(edited, tmp_path / "a\x1b[2J.jsonl"))]) == 0
    assert not {c for c in capsys.readouterr().out if ord(c) < 32} - {"\n"}
