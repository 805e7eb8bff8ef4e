"""Where phones find this machine: its addresses in the network, and the QR code of a link."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress

#: Addresses that a packet is never sent to: the system only says which of its own it would use.
_ROUTES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def own_addresses() -> list[str]:
    """The addresses of this machine, the one that leads out first; never that of loopback."""
    found: list[str] = []
    for family, beyond in _ROUTES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((beyond, 9))
            found.append(str(probe.getsockname()[0]))
    with suppress(OSError):
        for *_, address in socket.getaddrinfo(socket.gethostname(), None):
            found.append(str(address[0]))
    return [each for each in dict.fromkeys(found) if _is_reachable(each)]


def _is_reachable(address: str) -> bool:
    with suppress(ValueError):
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
    return False


def links(host: str, port: int) -> list[str]:
    """The links that lead to a server which listens at a host, the best one first."""
    if host in ("0.0.0.0", "::"):
        version = 4 if host == "0.0.0.0" else 6
        found = own_addresses()
        hosts = [a for a in found if version == 6 or ipaddress.ip_address(a).version == 4]
        hosts = hosts or ["127.0.0.1" if version == 4 else "::1"]
    else:
        hosts = [host]
    return [f"http://{f'[{each}]' if ':' in each else each}:{port}/" for each in hosts]


def qr_lines(link: str) -> list[str]:
    """The QR code of a link, two rows of it a line: "█" is light, as on a dark terminal.

    With the quiet zone of two modules that scanners need at least.
    """
    import segno

    rows: list[Sequence[int]] = [
        list(row) for row in segno.make(link, error="l", micro=False).matrix_iter(border=2)
    ]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    signs = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return [
        "".join(signs[bool(above), bool(below)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
