"""Downloads from a server on this machine that can be made to fail in every way."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import pytest
import requests

from rnnviz.data import catalogue, content_checks, resuming_download
from rnnviz.data.catalogue import DATA_SETS, DataSet, RemoteFile
from rnnviz.data.fetch import fetch, part_file
from rnnviz.data.jena_table import COLUMNS, TIME
from rnnviz.errors import InvalidFileError, MissingError, RnnvizError, UsageError

CONTENT = bytes(range(256)) * 2000


@dataclass
class Server:
    """What it has, how it answers, and what it was asked."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    status: int = 0  # answered instead of the content
    stop_after: int | None = None  # bytes of a body before the line goes dead
    asked: list[str | None] = field(default_factory=list)  # the Range of each request
    encodings: list[str | None] = field(default_factory=list)


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.headers.get("Range"))
            server.encodings.append(self.headers.get("Accept-Encoding"))
            size, start = len(server.content), 0
            if server.status:
                self.send_error(server.status)
                return
            if server.ranges and server.asked[-1]:
                start = int(server.asked[-1].removeprefix("bytes=").removesuffix("-"))
                if start >= size:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{size}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(size - start))
            self.end_headers()
            body = server.content[start:]
            self.wfile.write(body if server.stop_after is None else body[: server.stop_after])

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, with the data set "tiny" in the catalogue."""
    monkeypatch.setenv("NO_PROXY", "*")
    state = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler(state))
    state.url = f"http://127.0.0.1:{http.server_port}/tiny.bin"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    offer(monkeypatch, state.url)
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def offer(
    monkeypatch: pytest.MonkeyPatch, *urls: str, path: str = "tiny/tiny.bin", hashed: bool = True
) -> None:
    digest = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}" if hashed else None
    remote = RemoteFile(path, urls, len(CONTENT), digest)
    entry = DataSet("tiny", "Tiny", "For tests.", (remote,), "none", "None.", "Nobody.", "")
    monkeypatch.setitem(DATA_SETS, "tiny", entry)
    monkeypatch.setitem(catalogue._LOCAL_FILES, "tiny", lambda folder: catalogue.LocalFiles())


def inside(folder: Path) -> list[str]:
    """Every file in a folder, so that nothing is left unnoticed."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_file_is_fetched_checked_and_alone_in_its_folder(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    (path,) = fetch("tiny", tmp_path / "new", lambda *step: seen.append(step))
    assert path == tmp_path / "new/tiny/tiny.bin"
    assert path.read_bytes() == CONTENT
    assert inside(tmp_path) == ["new/tiny/tiny.bin"]
    assert path.stat().st_mode & 0o044  # not private, as a temporary file would be
    assert seen[0] == ("tiny.bin", 0, len(CONTENT))
    assert seen[-1] == ("tiny.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert server.encodings == ["identity"]


def test_what_is_here_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    fetch("tiny", tmp_path)
    fetch("tiny", tmp_path, offline=True)
    assert len(server.asked) == 1


def test_a_damaged_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    (path,) = fetch("tiny", tmp_path)
    path.write_bytes(CONTENT[:-1])
    fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT


def test_a_download_that_broke_off_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.stop_after = 100_000
    with pytest.raises(RnnvizError, match=r"was interrupted(.|\n)*resumes the download") as caught:
        fetch("tiny", tmp_path)
    assert caught.value.exit_code == 1
    assert inside(tmp_path) == ["tiny/tiny.bin.part"]
    kept = part_file(tmp_path / "tiny/tiny.bin").stat().st_size
    assert 0 < kept <= 100_000
    assert f"{kept:,} bytes are kept" in str(caught.value)
    server.stop_after = None
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT
    assert inside(tmp_path) == ["tiny/tiny.bin"]
    assert server.asked == [None, f"bytes={kept}-"]


def test_a_server_that_cannot_go_on_sends_everything_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    part = part_file(tmp_path / "tiny/tiny.bin")
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


@pytest.mark.parametrize(("extra", "requests"), [(b"", 1), (b"too much", 2)])
def test_a_part_that_is_whole_or_too_long(
    server: Server, tmp_path: Path, extra: bytes, requests: int
) -> None:
    part = part_file(tmp_path / "tiny/tiny.bin")
    part.parent.mkdir()
    part.write_bytes(CONTENT + extra)
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == requests


def test_wrong_content_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.content = b"<html>sign in to this network</html>"
    with pytest.raises(InvalidFileError, match=r"is not tiny\.bin: SHA256 hash") as caught:
        fetch("tiny", tmp_path)
    assert len(str(caught.value).splitlines()) == 2
    assert inside(tmp_path) == []


def test_a_part_of_another_file_does_not_survive(server: Server, tmp_path: Path) -> None:
    part = part_file(tmp_path / "tiny/tiny.bin")
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)
    with pytest.raises(InvalidFileError):
        fetch("tiny", tmp_path)
    assert inside(tmp_path) == []
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT


def test_a_short_body_is_noticed_even_if_the_library_does_not(tmp_path: Path) -> None:
    class Short:
        def __init__(self) -> None:
            self.headers = {"Content-Length": "10"}

        def iter_content(self, size: int) -> list[bytes]:
            return [b"123", b"456"]

    with pytest.raises(requests.ConnectionError, match="6 of 10 bytes"):
        resuming_download._store(Short(), tmp_path / "x.part", 0, lambda done, total: None)
    assert (tmp_path / "x.part").read_bytes() == b"123456"


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_is_told_with_its_number(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(RnnvizError, match=f"answered {status} ") as caught:
        fetch("tiny", tmp_path)
    assert caught.value.exit_code == 1
    assert inside(tmp_path) == []


def test_the_next_address_is_tried(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, "http://127.0.0.1:9/tiny.bin", server.url)
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT


def test_no_server_is_told_in_two_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    offer(monkeypatch, "http://127.0.0.1:9/tiny.bin")
    with pytest.raises(RnnvizError, match="refused") as caught:
        fetch("tiny", tmp_path)
    assert len(str(caught.value).splitlines()) == 2


def test_offline_names_the_address_and_touches_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=server.url):
        fetch("tiny", tmp_path / "new", offline=True)
    assert server.asked == []
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(part: Path) -> BinaryIO:
        return Path("/dev/full").open("wb")

    monkeypatch.setattr("rnnviz.data.resuming_download.open_part", full)
    with pytest.raises(RnnvizError, match="The disk is full") as caught:
        fetch("tiny", tmp_path)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "tiny/tiny.bin").exists()


@pytest.mark.parametrize("kind", ["link", "dangling link", "second name", "pipe", "folder"])
def test_nothing_is_written_through_what_stands_at_the_part(
    kind: str, server: Server, tmp_path: Path
) -> None:
    part, other = part_file(tmp_path / "tiny/tiny.bin"), tmp_path / "other"
    part.parent.mkdir()
    if kind == "folder":
        part.mkdir()
    elif kind == "pipe":
        os.mkfifo(part)
    else:
        if kind != "dangling link":
            other.write_bytes(b"mine")
        part.hardlink_to(other) if kind == "second name" else part.symlink_to(other)
    before = part.lstat()
    with pytest.raises(UsageError, match="Delete it"):
        fetch("tiny", tmp_path)
    assert not other.exists() if kind == "dangling link" else part.lstat().st_ino == before.st_ino
    assert not other.exists() or other.read_bytes() == b"mine"
    assert not (tmp_path / "tiny/tiny.bin").exists()


def test_a_link_is_written_through_and_a_mode_is_kept(server: Server, tmp_path: Path) -> None:
    """The file may lie on a larger disk, and be for its owner only."""
    elsewhere, path = tmp_path / "large", tmp_path / "tiny/tiny.bin"
    elsewhere.mkdir()
    path.parent.mkdir()
    target = elsewhere / "data.bin"
    target.write_bytes(b"damaged")
    target.chmod(0o600)
    path.symlink_to(target)
    assert fetch("tiny", tmp_path) == [path]
    assert path.is_symlink() and len(target.read_bytes()) > len(b"damaged")
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(elsewhere.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_not_replaced(kind: str, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "tiny/tiny.bin"
    path.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    before = path.lstat()
    with pytest.raises(UsageError, match=r"tiny\.bin is "):
        fetch("tiny", tmp_path)
    assert path.lstat().st_ino == before.st_ino and server.asked == []


def test_a_folder_that_cannot_be_written_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RnnvizError, match=r"Cannot write to .*\n.*--data DIR") as caught:
        fetch("tiny", tmp_path / "file")
    assert caught.value.exit_code == 1

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Permissions do not hold back root.
    monkeypatch.setattr("rnnviz.data.resuming_download.open_part", refuse)
    with pytest.raises(RnnvizError, match="Permission denied"):
        fetch("tiny", tmp_path)
    assert inside(tmp_path) == ["file"]


def test_an_interrupt_leaves_a_part_and_no_file(server: Server, tmp_path: Path) -> None:
    def stop(file: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("tiny", tmp_path, stop)
    assert inside(tmp_path) == ["tiny/tiny.bin.part"]
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT


def test_an_unknown_name_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'jena'"):
        fetch("jenna", tmp_path)


JENA = "jena/jena_climate_2009_2016.csv.zip"


def zipped(tmp_path: Path, rows: int) -> bytes:
    path = tmp_path / "served.zip"
    with zipfile.ZipFile(path, "w") as archive:
        values = ",1.5" * len(COLUMNS)
        table = [",".join([TIME, *COLUMNS])]
        table += [f"01.01.2009 00:{n:02}:00{values}" for n in range(rows)]
        archive.writestr("jena_climate_2009_2016.csv", "\n".join(table))
    return path.read_bytes()


def test_without_a_hash_the_rows_and_the_header_are_looked_at(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, server.url, path=JENA, hashed=False)
    monkeypatch.setattr(content_checks, "PUBLISHED_ROWS", 5)
    server.content = zipped(tmp_path, 4)
    data = tmp_path / "data"
    with pytest.raises(InvalidFileError, match="5 rows are needed, not 4"):
        fetch("tiny", data)
    assert inside(data) == []
    server.content = b"no zip"
    with pytest.raises(InvalidFileError, match="not a zip"):
        fetch("tiny", data)
    assert inside(data) == []
    server.content = zipped(tmp_path, 5)
    (path,) = fetch("tiny", data)
    assert inside(data) == [JENA]
    path.write_bytes(b"no zip")
    with pytest.raises(InvalidFileError, match=rf"not a zip(.|\n)*Delete {path}, then"):
        fetch("tiny", data)


def test_sst2_is_read_from_glues_archive_and_its_rows_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnviz.data.sst2 import read_sst2

    path = tmp_path / "sst2/SST-2.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("SST-2/train.tsv", "sentence\tlabel\ngood \t1\nbad \t0\n")
        archive.writestr("SST-2/dev.tsv", "sentence\tlabel\nfine\t1\n")
    assert read_sst2(tmp_path, "train") == [("good", 1), ("bad", 0)]
    assert read_sst2(tmp_path, "validation") == [("fine", 1)]
    monkeypatch.setattr(content_checks, "SST2_ROWS", {"train": 2, "validation": 1})
    content_checks.check_sst2(path)
    monkeypatch.setattr(content_checks, "SST2_ROWS", {"train": 2, "validation": 2})
    with pytest.raises(ValueError, match="validation must have 2 rows, not 1"):
        content_checks.check_sst2(path)
