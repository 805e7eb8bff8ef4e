"""Addresses of this machine, links to it, and their QR codes."""

from __future__ import annotations

import pytest

from rnnviz.errors import UsageError
from rnnviz.network_addresses import is_loopback, link, listening_host, own_addresses, qr_lines


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "127.9.9.9"])
def test_what_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "rnnviz.example"])
def test_what_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(("typed", "host"), [
    ("0", "0.0.0.0"), ("127.1", "127.0.0.1"), ("[::1]", "::1"), ("0:0::0", "::"),
    ("192.168.1.5", "192.168.1.5"), ("rnnviz.example", "rnnviz.example"),
    ("fe80::1%2", "fe80::1%2"),
])  # fmt: skip
def test_a_host_is_taken_in_every_form(typed: str, host: str) -> None:
    assert listening_host(typed) == host


@pytest.mark.parametrize("typed", [
    "224.0.0.1", "239.1.2.3", "ff02::1", "[ff02::1]", "255.255.255.255",
])  # fmt: skip
def test_nobody_finds_a_server_on_an_address_of_many_machines(typed: str) -> None:
    with pytest.raises(UsageError, match=r"many machines.*0\.0\.0\.0"):
        listening_host(typed)


def test_the_addresses_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_addresses("192.168.1.5") == ["192.168.1.5"]
    assert not any(map(is_loopback, own_addresses("::")))
    found = ["127.0.1.1", "192.168.7.5", "fe80::1%eth0", "2001:db8::7", "192.168.7.5"]
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *_: [(0, 0, 0, "", (address, 0)) for address in found]
    )
    monkeypatch.setattr("rnnviz.network_addresses._ROUTES", ())
    assert own_addresses("0.0.0.0") == ["192.168.7.5"]
    assert own_addresses("::") == ["192.168.7.5", "2001:db8::7"]


def test_links() -> None:
    assert link("192.168.1.5", 8080) == "http://192.168.1.5:8080/"
    assert link("::1", 80, "/app.html?step") == "http://[::1]:80/app.html?step"


def test_a_qr_code_is_what_a_camera_sees() -> None:
    import segno

    text = "http://192.168.1.5:8080/"
    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    drawn = []  # light where there is a block
    for line in qr_lines(text):
        drawn.append([int(sign in " ▄") for sign in line])
        drawn.append([int(sign in " ▀") for sign in line])
    assert drawn[: len(rows)] == [[int(bool(each)) for each in row] for row in rows]
