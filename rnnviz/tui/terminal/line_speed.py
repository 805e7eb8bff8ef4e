"""Whether the line to the terminal is slow: what the environment says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Set by sshd for what runs over its connections.
_SSH: Final = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
#: Terminals on serial lines, or none that moves a cursor.
_SLOW_TERMINALS: Final = ("vt52", "vt100", "vt102", "vt220", "vt320", "dumb", "tty")


def slow_line(environ: Mapping[str, str]) -> bool:
    """Whether it is a connection over ssh, or a terminal as there were on serial lines.

    What ssh has taken in may still be on its way: no clock of this machine shows that.
    """
    terminal = environ.get("TERM", "").partition("-")[0]
    return terminal in _SLOW_TERMINALS or any(environ.get(name) for name in _SSH)
