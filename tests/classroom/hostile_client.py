"""A client that means harm: run as a process of its own, on one core.

``python hostile_client.py PORT KIND SECONDS``; prints how many requests it has written, how many
connections it has made, and for how long. It keeps to no limit: it writes as fast as it can, and
connects again as soon as it is disconnected.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

CONNECTIONS = 64


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


async def token_of(port: int, address: str) -> str:
    """A token as any phone gets it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    return answer.partition("rnnviz-class=")[2][:50]


async def attack(port: int, kind: str, seconds: float) -> None:
    """Write until the time is over."""
    address = "127.9.0.1" if kind == "answers" else "127.9.0.2"
    token = await token_of(port, address)
    data, each = (answers(token), 400) if kind == "answers" else (large(token), 1)
    end, sent, connected = time.monotonic() + seconds, 0, 0

    async def one() -> None:
        nonlocal sent, connected
        while time.monotonic() < end:
            connected += 1
            try:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, local_addr=(address, 0)
                )
            except OSError:
                await asyncio.sleep(0)
                continue
            try:
                while time.monotonic() < end:
                    writer.write(data)
                    async with asyncio.timeout(2):
                        await writer.drain()
                    sent += each
                    async with asyncio.timeout(0.005):
                        if not await reader.read(1 << 16):
                            break
            except (OSError, TimeoutError):
                await asyncio.sleep(0)
            finally:
                writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    print(sent, connected, seconds, token[:18], flush=True)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    asyncio.run(attack(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
