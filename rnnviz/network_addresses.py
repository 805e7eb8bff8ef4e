"""The addresses of this machine in its network, links to a server on it, and QR codes of them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from rnnviz.errors import UsageError
from rnnviz.messages import _

#: Hosts that mean every address of this machine, and the IP version of the addresses.
EVERY_ADDRESS: Final = {"0.0.0.0": 4, "::": 6}
#: Addresses that a packet is never sent to: the system only says which of its own it would use.
_ROUTES: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def listening_host(typed: str) -> str:
    """The host on which to listen as a user typed it: an address in its usual form, or a name.

    UsageError for an address of several machines, on which nobody finds a server.
    """
    host = typed.removeprefix("[").removesuffix("]")
    with suppress(OSError):  # older forms that systems take: "0", "127.1"
        host = socket.inet_ntoa(socket.inet_aton(host))
    with suppress(ValueError):
        parsed = ipaddress.ip_address(host)
        if parsed.is_multicast or str(parsed) == "255.255.255.255":
            raise UsageError(
                _(
                    "{host} is an address of many machines. Name one of this machine, or 0.0.0.0 "
                    "for all of them."
                ).format(host=typed)
            )
        return str(parsed)
    return host


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_addresses(host: str) -> list[str]:
    """The addresses at which other machines reach a server that listens on ``host``.

    For "0.0.0.0" those of IPv4 and for "::" all, that of the default route first, without those of
    loopback and of a single link; for another host the host itself.
    """
    version = EVERY_ADDRESS.get(host)
    if version is None:
        return [host]
    found: list[str] = []
    for family, beyond in _ROUTES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((beyond, 9))
            found.append(str(probe.getsockname()[0]))
    with suppress(OSError):
        for *_, address in socket.getaddrinfo(socket.gethostname(), None):
            found.append(str(address[0]))
    return [each for each in dict.fromkeys(found) if _is_reachable(each, version)]


def _is_reachable(address: str, version: int) -> bool:
    with suppress(ValueError):
        parsed = ipaddress.ip_address(address.partition("%")[0])
        is_local = parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified
        return parsed.version <= version and not is_local
    return False


def link(host: str, port: int, path: str = "/") -> str:
    """The address of a page as a browser takes it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def qr_lines(text: str) -> list[str]:
    """The QR code of a text, two rows of it a line: "█" is light, as on a dark terminal.

    With the quiet zone of two modules that scanners need at least. ImportError without segno.
    """
    import segno

    rows: list[Sequence[int]] = [
        list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)
    ]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    signs = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return [
        "".join(signs[bool(above), bool(below)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
