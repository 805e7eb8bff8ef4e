"""The addresses of this machine in its network, and a QR code of one for phones."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

#: Addresses to which no packet is sent: the system only says from which address it would.
_ELSEWHERE: Final = (
    (socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"),
)  # fmt: skip
#: Two modules, the upper and the lower one, as a character.
_MODULES: Final = {
    (False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█",
}  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_addresses(host: str) -> list[str]:
    """The addresses at which others reach a server on ``host``; "0.0.0.0" and "::" mean all."""
    if host not in ("0.0.0.0", "::", ""):
        return [host]
    found: list[str] = []
    for family, other in _ELSEWHERE:
        if family is socket.AF_INET6 and host != "::":
            continue
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((other, 9))
                found.append(probe.getsockname()[0])
        except OSError:  # no route: no network of this kind
            continue
    return [each for each in dict.fromkeys(found) if not is_loopback(each)]


def url(host: str, port: int, path: str = "/") -> str:
    """The address as a browser takes it."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{path}"


def qr_code(text: str) -> list[str] | None:
    """The lines of a QR code, black on white whatever the terminal; None without segno.

    A character is two modules, one above the other.
    """
    try:
        import segno
    except ImportError:
        return None
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    return [
        "\x1b[38;2;0;0;0;48;2;255;255;255m"
        + "".join(_MODULES[bool(a), bool(b)] for a, b in zip(*pair, strict=True))
        + "\x1b[0m"
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
