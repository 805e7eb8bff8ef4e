"""A client that means harm: run as a process of its own, on one core.

``python hostile_client.py PORT KIND SECONDS``; prints how many requests it has written, how many
connections it has made, and for how long. It keeps to no limit: it writes as fast as it can, and
connects again as soon as it is disconnected.
"""

from __future__ import annotations

import os
import socket
import sys
import time


def answers(token: str) -> bytes:
    """Four hundred answers in one write: forged tokens, forged questions, and its own token."""
    found = []
    for n in range(400):
        name = token if n % 2 else f"{n:050d}"
        body = f"token={name}&question=not.guess&vote=1&answer=.99&why=<script>alert({n})</script>"
        found.append(
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded"
            f"\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
    return "".join(found).encode()


def large(token: str) -> bytes:
    """One answer of a megabyte of markup."""
    body = f"token={token}&question=not.guess&vote=1&answer=1&why=" + "<img src=x>" * 95_000
    head = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def connected(port: int, address: str) -> socket.socket:
    """A connection from an address of loopback."""
    found = socket.socket()
    found.settimeout(1)
    found.bind((address, 0))
    found.connect(("127.0.0.1", port))
    return found


def token_of(port: int, address: str) -> str:
    """A token as any phone gets it."""
    with connected(port, address) as end:
        end.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b""
        while block := end.recv(1 << 16):
            answer += block
    return answer.decode().partition("rnnviz-class-")[2].partition("=")[2][:50]


def attack(port: int, kind: str, seconds: float) -> None:
    """Write until the time is over; what the system has taken counts as sent."""
    address = "127.9.0.1" if kind == "answers" else "127.9.0.2"
    token = token_of(port, address)
    data, each = (answers(token), 400) if kind == "answers" else (large(token), 1)
    end, begun, connections, sent = time.monotonic() + seconds, time.monotonic(), 0, 0.0
    while time.monotonic() < end:
        connections += 1
        try:
            with connected(port, address) as connection:
                sent += connection.send(data) / len(data) * each
        except OSError:
            continue
    print(round(sent), connections, time.monotonic() - begun, token[:18], flush=True)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    attack(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
