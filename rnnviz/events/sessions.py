"""Where the step screens of this machine listen: one Unix socket each, in a folder of the user.

A socket is named by the machine and the process, ``9f86d081-4711.socket``, since a home folder may
be shared between machines. The folder has mode 0700 and a socket 0600: nobody else can connect.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rnnviz.errors import MissingError, UsageError
from rnnviz.files import user_state_folder
from rnnviz.messages import _

#: Bytes of the longest path of a socket: 108 on Linux, 104 on macOS, with the zero at the end.
_LONGEST_PATH = 103
#: Seconds after which a socket that nobody listens on is removed: one may just be being made.
_STALE = 5.0


@dataclass(frozen=True)
class SessionSocket:
    """The socket of one screen."""

    path: Path
    began: float  # seconds since the epoch

    @property
    def session(self) -> str:
        """The name of the session: the number of its process."""
        return self.path.stem.partition("-")[2]


def supported() -> bool:
    """Whether this platform has Unix sockets; Windows has none in Python."""
    return hasattr(socket, "AF_UNIX")


def require_support() -> None:
    """Raise MissingError on a platform without Unix sockets."""
    if not supported():
        raise MissingError(
            _(
                "A second terminal needs Unix sockets, which Python does not have on this "
                "platform. Read the notes in this terminal instead: rnnviz lesson NAME"
            )
        )


def folders(state: Path | None = None) -> tuple[Path, ...]:
    """Where sockets may be: the folder of the user's state, and a short path where it is long.

    The short path belongs to one state folder, so that a screen is found from that one alone.
    """
    first = (user_state_folder() if state is None else state).absolute() / "screens"
    user = os.getuid() if hasattr(os, "getuid") else 0
    digest = zlib.crc32(os.fsencode(first))
    return first, Path(tempfile.gettempdir()) / f"rnnviz-{user}-{digest:08x}"


def listen(state: Path | None = None) -> tuple[socket.socket, SessionSocket]:
    """A new listening socket in the first folder that takes it; OSError if none does."""
    problem: OSError | None = None
    for folder in folders(state):
        try:
            _make_private(folder)
            return _bound(folder)
        except OSError as error:
            problem = error
    assert problem is not None
    raise problem


def found(state: Path | None = None) -> list[SessionSocket]:
    """The sockets of this machine, the newest first; nobody may listen on one any more."""
    sockets = [each for folder in folders(state) for each in _in_folder(folder)]
    return sorted(sockets, key=lambda each: (each.began, each.session), reverse=True)


def remove_if_stale(each: SessionSocket) -> None:
    """Remove a socket that refused a connection: its process has ended."""
    if time.time() - each.began > _STALE:
        with suppress(OSError):
            each.path.unlink()


def no_such_session(session: str, known: list[str]) -> UsageError:
    """The error of a name that no screen has."""
    names = ", ".join(known) if known else _("none")
    return UsageError(
        _("There is no session {session!r}. Sessions on this machine: {names}.").format(
            session=session, names=names
        )
    )


def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _in_folder(folder: Path) -> Iterator[SessionSocket]:
    if not _is_private(folder):
        return
    for path in folder.glob(f"{_machine()}-*.socket"):
        with suppress(OSError):
            status = path.lstat()
            if stat.S_ISSOCK(status.st_mode):
                yield SessionSocket(path, status.st_mtime)


def _make_private(folder: Path) -> None:
    """Make a folder that only this user may enter; PermissionError if it is not such a one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_private(folder):
        raise PermissionError(
            _("{folder} is not a folder of this user alone").format(folder=folder)
        )


def _is_private(folder: Path) -> bool:
    """Whether it is a folder, no link, of this user; others are kept out if they were not."""
    try:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            return False
        if status.st_mode & 0o077:
            folder.chmod(0o700)
    except (OSError, AttributeError):
        return False
    return True


def _bound(folder: Path) -> tuple[socket.socket, SessionSocket]:
    number = str(os.getpid())
    for n in range(100):
        path = folder / f"{_machine()}-{number}{f'.{n}' if n else ''}.socket"
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise OSError(_("{path} is too long for a socket").format(path=path))
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if not _is_free(path):
                listening.close()
                continue
            listening.bind(str(path))
            path.chmod(0o600)
            listening.listen(8)
            listening.setblocking(False)
        except BaseException:
            listening.close()
            raise
        return listening, SessionSocket(path, path.lstat().st_mtime)
    raise OSError(_("{folder} has a hundred sockets of this process").format(folder=folder))


def _is_free(path: Path) -> bool:
    """Whether a path can be bound; the socket of an ended process of this number is removed."""
    if not path.exists():
        return True
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        attempt.setblocking(False)
        try:
            attempt.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return True
        except OSError:
            return False
    return False
