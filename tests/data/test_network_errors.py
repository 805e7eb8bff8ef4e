"""Whatever is between here and a server is named, with what to type; what had come is kept."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from data.test_fetch import CONTENT, Server, inside, offer, server

from rnnviz.data import resuming_download
from rnnviz.data.fetch import fetch, part_file
from rnnviz.errors import RnnvizError

__all__ = ["server"]  # a fixture

FIRST = 100_000


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither proxies nor certificates of this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "curl_ca_bundle",
                 "requests_ca_bundle"):  # fmt: skip
        for each in (name, name.upper()):
            monkeypatch.delenv(each, raising=False)


Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Start a server that answers so; its address."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(answer: Answer, context: ssl.SSLContext | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            do_GET = answer

            def do_CONNECT(self) -> None:
                answer(self)

            def log_message(self, *args: object) -> None:
                """Be quiet."""

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((http, thread))
        return f"http://127.0.0.1:{http.server_port}"

    yield start
    for http, thread in running:
        http.shutdown()
        http.server_close()
        thread.join()


def status(number: int) -> Answer:
    return lambda it: it.send_error(number)


def page(it: BaseHTTPRequestHandler) -> None:
    """What a network sends that wants people to sign in."""
    body = b"<html>Welcome to the hotel</html>" * 9000
    it.send_response(200)
    it.send_header("Content-Type", "text/html; charset=utf-8")
    it.send_header("Content-Length", str(len(body)))
    it.end_headers()
    it.wfile.write(body)


def to(address: str) -> Answer:
    def answer(it: BaseHTTPRequestHandler) -> None:
        it.send_response(302)
        it.send_header("Location", address)
        it.send_header("Content-Length", "0")
        it.end_headers()

    return answer


def refused(tmp_path: Path) -> str:
    """The two lines in which a download is told to have failed; what had come is there."""
    part = part_file(tmp_path / "tiny/tiny.bin")
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(CONTENT[:FIRST])
    with pytest.raises(RnnvizError) as caught:
        fetch("tiny", tmp_path)
    assert caught.value.exit_code == 1
    said = str(caught.value)
    assert len(said.splitlines()) == 2, said
    assert "object at 0x" not in said
    assert inside(tmp_path) == ["tiny/tiny.bin.part"]
    assert part.read_bytes() == CONTENT[:FIRST]
    assert f"{FIRST:,} bytes are kept; the same command resumes the download." in said
    return said


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://127.0.0.1:9", ["The proxy http://127.0.0.1:9", "refused", "unset HTTP_PROXY"]),
        ("http://me:secret@127.0.0.1:9", ["http://…@127.0.0.1:9", "unset HTTP_PROXY"]),
        ("nonsense://x", ["HTTP_PROXY is not the address of a usable proxy", "unset HTTP_PROXY"]),
        ("http://[::1", ["HTTP_PROXY is not the address of a usable proxy", "unset HTTP_PROXY"]),
        ("http://", ["HTTP_PROXY is not the address of a usable proxy", "unset HTTP_PROXY"]),
        ("http://127.0.0.1:99999999", ["HTTP_PROXY", "unset HTTP_PROXY"]),
        ("socks5://127.0.0.1:9", ["HTTP_PROXY", "unset HTTP_PROXY"]),
        ("http://no-such-name.invalid:3128", ["The proxy http://no-such-name.invalid:3128"]),
    ],
)
def test_a_proxy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, words: list[str]
) -> None:
    offer(monkeypatch, "http://data.example.invalid/tiny.bin")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    said = refused(tmp_path)
    for word in words:
        assert word in said, said
    assert "secret" not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_asks_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], scheme: str
) -> None:
    offer(monkeypatch, f"{scheme}://data.example.invalid/tiny.bin")
    variable = f"{scheme}_proxy".upper()
    monkeypatch.setenv(variable, serve(status(407)))
    said = refused(tmp_path)
    assert "requires a name and a password" in said
    assert f"export {variable}=http://NAME:PASSWORD@HOST:PORT" in said


def test_a_proxy_that_lets_nothing_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    offer(monkeypatch, "https://data.example.invalid/tiny.bin")
    monkeypatch.setenv("HTTPS_PROXY", serve(status(403)))
    said = refused(tmp_path)
    assert "The proxy" in said
    assert "403" in said
    assert "unset HTTPS_PROXY" in said


@pytest.mark.parametrize("number", [403, 404, 410, 429, 500, 502, 503])
def test_a_refusal_is_told_with_its_number_and_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], number: int
) -> None:
    url = serve(status(number)) + "/tiny.bin"
    offer(monkeypatch, url)
    said = refused(tmp_path)
    assert f"{url} answered {number} " in said
    assert "put the file there yourself" in said


def test_a_redirect_is_told_with_both_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    there = serve(status(404)) + "/gone"
    url = serve(to(there)) + "/tiny.bin"
    offer(monkeypatch, url)
    assert f"{url} led to {there}, which answered 404" in refused(tmp_path)


@pytest.mark.parametrize("led", [False, True])
def test_a_page_to_sign_in_on_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], led: bool
) -> None:
    there = serve(page) + "/login"
    url = serve(to(there)) + "/tiny.bin" if led else there
    offer(monkeypatch, url)
    said = refused(tmp_path)
    assert "sent a web page" in said
    assert there in said
    assert "sign in" in said


def test_a_ring_of_redirects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    url = serve(to("/tiny.bin")) + "/tiny.bin"
    offer(monkeypatch, url)
    assert "redirects too many times" in refused(tmp_path)


def test_a_name_that_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "http://no-such-name.invalid/tiny.bin")
    assert "The name no-such-name.invalid is not found" in refused(tmp_path)


def test_a_server_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    done = threading.Event()
    monkeypatch.setattr(resuming_download, "_TIMEOUT", 0.2)
    offer(monkeypatch, serve(lambda it: done.wait(10)) + "/tiny.bin")
    assert "127.0.0.1 did not answer in time" in refused(tmp_path)
    done.set()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("there", [False, True])
def test_a_file_of_certificates_that_is_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[..., str],
    variable: str,
    there: bool,
) -> None:
    offer(monkeypatch, serve(page).replace("http:", "https:") + "/tiny.bin")
    bundle = tmp_path.parent / f"{tmp_path.name}-certificates.pem"
    if there:
        bundle.write_text("nothing of that kind")
    monkeypatch.setenv(variable, str(bundle))
    said = refused(tmp_path)
    assert f"{variable} is not a file of certificates: {bundle}" in said
    assert f"unset {variable}" in said


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_a_certificate_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    made = tmp_path.parent / f"{tmp_path.name}-own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out",
         f"{made}.crt"], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{made}.crt", str(made))
    url = serve(status(404), context).replace("http:", "https:") + "/tiny.bin"
    offer(monkeypatch, url)
    said = refused(tmp_path)
    assert "The certificate of 127.0.0.1 cannot be trusted" in said
    assert "export REQUESTS_CA_BUNDLE=FILE.pem" in said
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", f"{made}.crt")
    assert "answered 404" in refused(tmp_path)  # it is trusted now


def test_a_server_without_ranges_that_breaks_off_costs_nothing(
    server: Server, tmp_path: Path
) -> None:
    server.ranges, server.stop_after = False, FIRST // 2
    part = part_file(tmp_path / "tiny/tiny.bin")
    part.parent.mkdir()
    part.write_bytes(CONTENT[:FIRST])
    with pytest.raises(RnnvizError, match=f"{FIRST:,} bytes are kept"):
        fetch("tiny", tmp_path)
    assert part.read_bytes() == CONTENT[:FIRST]
    server.stop_after = None
    (path,) = fetch("tiny", tmp_path)
    assert path.read_bytes() == CONTENT


def test_a_server_that_does_not_know_a_range_is_asked_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    asked: list[str | None] = []

    def answer(it: BaseHTTPRequestHandler) -> None:
        asked.append(it.headers.get("Range"))
        if asked[-1]:
            it.send_error(416)
            return
        it.send_response(200)
        it.send_header("Content-Length", "no number")
        it.end_headers()
        it.wfile.write(CONTENT if len(asked) > 2 else CONTENT[: FIRST // 2])

    offer(monkeypatch, serve(answer) + "/tiny.bin")
    part = part_file(tmp_path / "tiny/tiny.bin")
    part.parent.mkdir()
    part.write_bytes(CONTENT[:FIRST])
    with pytest.raises(RnnvizError):
        fetch("tiny", tmp_path)  # half of it, and no length that would tell
    fetch("tiny", tmp_path)
    assert (tmp_path / "tiny/tiny.bin").read_bytes() == CONTENT
    assert asked[:2] == [f"bytes={FIRST}-", None]
