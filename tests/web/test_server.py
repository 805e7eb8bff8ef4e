"""The server of ``rnnviz serve``: what it hands out, what it refuses, what a client may take."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnviz.web import files as files_module
from rnnviz.web import server as server_module
from rnnviz.web.files import POLICY, StaticFolder, allowed_host
from rnnviz.web.server import MAX_HEAD, FileServer

SECRET = b"not for you"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_bytes(SECRET)
    folder = tmp_path / "site"
    (folder / "app-0123456789ab").mkdir(parents=True)
    (folder / "index.html").write_text("<p>first</p>")
    (folder / "app-0123456789ab" / "app.js").write_text("let x = 1;" * 500)
    (folder / "app-0123456789ab" / "app.js.gz").write_bytes(gzip.compress(b"let x = 1;" * 500))
    (folder / "table.csv.gz").write_bytes(b"as it is")
    (folder / "a b.txt").write_text("with a space")
    (folder / ".hidden").write_bytes(SECRET)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    return folder


@pytest.fixture
def serving(folder: Path) -> Iterator[FileServer]:
    with FileServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(
    server: FileServer, target: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.putrequest(
            method, target, skip_host="Host" in headers, skip_accept_encoding=True
        )
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def raw(server: FileServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        return answer


def test_files_have_their_type_length_policy_and_tag(serving: FileServer) -> None:
    status, headers, content = get(serving, "/")
    assert (status, content) == (200, b"<p>first</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Server"] == "rnnviz"
    assert get(serving, "/", If_None_Match=headers["ETag"])[0] == 304
    assert get(serving, "/", If_None_Match=f'"x", W/{headers["ETag"]}')[0] == 304
    assert get(serving, "/", If_None_Match='"x"')[0] == 200
    assert get(serving, "/index.html?step%20--lang%20tr")[0] == 200
    assert get(serving, "/a%20b.txt")[2] == b"with a space"


def test_what_is_written_while_it_runs_is_served(
    folder: Path, serving: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get(serving, "/reports/a.html")[0] == 404
    (folder / "reports").mkdir()
    (folder / "reports" / "a.html").write_text("<p>new</p>")
    (folder / "index.html").write_text("<p>another first</p>")
    (folder / "a b.txt").unlink()
    assert get(serving, "/reports/a.html")[0] == 404  # it was looked through a moment ago
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.0)
    status, headers, content = get(serving, "/reports/a.html")
    assert (status, content) == (200, b"<p>new</p>")
    assert headers["Content-Type"].startswith("text/html")
    assert get(serving, "/")[2] == b"<p>another first</p>"
    assert get(serving, "/a%20b.txt")[0] == 404
    for target in ("/link.txt", "/.hidden", "/up/secret.txt", "/../secret.txt"):
        assert get(serving, target)[0] == 404


def test_files_that_have_not_changed_are_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    static = StaticFolder(folder)
    read: list[str] = []
    stored = files_module._stored
    monkeypatch.setattr(
        files_module,
        "_stored",
        lambda path, version: (read.append(path.name), stored(path, version))[1],
    )
    (folder / "new.html").write_text("new")
    static.look_through()
    static.look_through()
    assert read == ["new.html"] and static.answer("/new.html", {}).status == 200


def test_scripts_in_a_page_may_run_as_they_were_written(folder: Path) -> None:
    script = "\nlet x = 'ğ';\n"
    (folder / "a.html").write_text(
        f"<p onclick='evil()'><script>{script}</script><script type='application/json'>1</script>"
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = StaticFolder(folder).answer("/a.html", {}).headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["script-src"] == f"'self' 'sha256-{digest}' 'wasm-unsafe-eval'"
    assert policy.replace(f" 'sha256-{digest}'", "") == POLICY


def test_the_policy_allows_no_eval_and_no_other_host() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert rules["connect-src"] == rules["worker-src"] == "'self'"
    assert "http" not in POLICY and "*" not in POLICY


def test_compressed_files_are_sent_to_those_who_take_them(serving: FileServer) -> None:
    target = "/app-0123456789ab/app.js"
    status, plain, content = get(serving, target)
    assert status == 200 and "Content-Encoding" not in plain
    status, packed, sent = get(serving, target, Accept_Encoding="deflate, gzip;q=0.5")
    assert packed["Content-Encoding"] == "gzip" and gzip.decompress(sent) == content
    assert packed["ETag"] != plain["ETag"] and packed["Vary"] == "Accept-Encoding"
    assert "immutable" in packed["Cache-Control"]
    status, alone, sent = get(serving, "/table.csv.gz", Accept_Encoding="gzip")
    assert (status, sent) == (200, b"as it is") and "Content-Encoding" not in alone
    for refusing in ("gzip;q=0", "br", "identity"):
        assert "Content-Encoding" not in get(serving, target, Accept_Encoding=refusing)[1]


def test_head_has_no_content(serving: FileServer) -> None:
    status, headers, content = get(serving, "/", method="HEAD")
    assert (status, headers["Content-Length"], content) == (200, "12", b"")


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/..\\secret.txt",
        "/%2e%2e%5csecret.txt", "/app-0123456789ab/../../secret.txt", "//etc/passwd",
        "/%2fetc%2fpasswd", "/etc/passwd", "/.hidden", "/%2ehidden", "/link.txt",
        "/up/secret.txt", "/up/", "/app-0123456789ab", "/app-0123456789ab/", "/nothing",
        "/index.html%00", "/index.html/", "/%c0%ae%c0%ae/secret.txt", "/%252e%252e/secret.txt",
        "/app-0123456789ab/app.js.gz", "/con", "/" + "a" * 5000,
    ],
)  # fmt: skip
def test_nothing_outside_the_folder_is_found(serving: FileServer, target: str) -> None:
    status, headers, content = get(serving, target)
    assert (status, content) == (404, b"") and headers["Content-Length"] == "0"


def test_the_absolute_form_of_a_target_is_not_followed(serving: FileServer) -> None:
    answer = raw(serving, b"GET http://example.org/index.html HTTP/1.1\r\nHost: localhost\r\n"
                          b"Connection: close\r\n\r\n")  # fmt: skip
    assert answer.startswith(b"HTTP/1.1 404")
    assert get(serving, "/file:///etc/passwd")[0] == 404


def test_a_file_that_becomes_a_link_is_not_followed_out(folder: Path, tmp_path: Path) -> None:
    static = StaticFolder(folder)
    (folder / "new.txt").symlink_to(tmp_path / "secret.txt")
    assert static.answer("/new.txt", {}).status == 404


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:99", "[::1]:80", "LocalHost."]
)
def test_hosts_of_loopback_are_answered(serving: FileServer, host: str) -> None:
    assert get(serving, "/", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "localhost:80:80",
     "localhost@evil.example", "[::1", "192.168.1.5", "0.0.0.0"],
)  # fmt: skip
def test_other_hosts_are_refused(serving: FileServer, host: str) -> None:
    assert get(serving, "/", Host=host)[0] == 421


def test_a_request_without_a_host_or_with_two_is_refused(serving: FileServer) -> None:
    close = b"Connection: close\r\n\r\n"
    assert raw(serving, b"GET / HTTP/1.1\r\n" + close).startswith(b"HTTP/1.1 421")
    two = b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n" + close
    assert raw(serving, two).startswith(b"HTTP/1.1 421")


def test_names_of_an_explicit_host_are_added() -> None:
    names = frozenset({"localhost", "192.168.1.5", "fe80::1"})
    assert allowed_host("192.168.1.5:8765", names) and allowed_host("[fe80::1]:8765", names)
    assert not allowed_host("192.168.1.6", names)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"])
def test_it_is_read_only(serving: FileServer, folder: Path, method: str) -> None:
    before = sorted(folder.rglob("*"))
    status, _, content = get(serving, "/index.html", method=method, Content_Length="3")
    assert status == 501 and content == b""
    assert sorted(folder.rglob("*")) == before


def test_what_follows_a_body_is_not_taken_for_a_request(serving: FileServer) -> None:
    smuggled = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n"
        b"GET /a%20b.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert raw(serving, smuggled).count(b"HTTP/1.1 ") == 1


def test_several_requests_share_a_connection(serving: FileServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"<p>first</p>"
    connection.close()


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00" * 10_000,
        b"a" * 1_000_000,
    ],
)  # fmt: skip
def test_huge_heads_are_cut_off(serving: FileServer, data: bytes) -> None:
    answer = b""
    try:
        answer = raw(serving, data)
    except ConnectionError:  # it has closed while this was still being sent
        pass
    assert b" 200 " not in answer
    assert get(serving, "/")[0] == 200
    assert MAX_HEAD < 20_000


def test_slow_clients_are_cut_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.4)
    with FileServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        slow = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        began = time.monotonic()
        assert silent.recv(10) == b""
        closed = False
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\n" * 100:
            try:
                slow.sendall(bytes([byte]))
            except OSError:
                closed = True
                break
            time.sleep(0.02)
        assert closed and time.monotonic() - began < 10
        silent.close()
        slow.close()
        server.shutdown()
        thread.join()


def test_a_client_that_reads_nothing_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "STALL_SECONDS", 0.3)
    (tmp_path / "large.bin").write_bytes(bytes(30_000_000))
    with FileServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(1)
        received = 0
        while part := client.recv(1 << 20):
            received += len(part)
        client.close()
        assert received < 30_000_000
        server.shutdown()
        thread.join()


def test_connections_beyond_the_limit_wait(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(server_module, "IDLE_SECONDS", 0.2)
    with FileServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
        assert get(server, "/")[0] == 200  # after idle ones were cut off
        for each in idle:
            each.close()
        server.shutdown()
        thread.join()


def test_it_listens_on_loopback_only(serving: FileServer) -> None:
    assert serving.server_address[0] == "127.0.0.1"
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    lines = [line for table in tables if table.is_file() for line in open_sockets(table)]
    listening = [line for line in lines if line[1] == serving.port]
    if not listening:
        pytest.skip("this system does not tell what listens")
    assert {address for address, _ in listening} == {"0100007F"}


def open_sockets(table: Path) -> list[tuple[str, int]]:
    """The address, in hexadecimal, and the port of every socket that listens."""
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    places = [row[1].partition(":") for row in rows if row[3] == "0A"]
    return [(address, int(port, 16)) for address, _, port in places]
