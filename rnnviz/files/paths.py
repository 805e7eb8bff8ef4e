"""Paths: as users type them, checked before writing, and the folder of shipped files."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from rnnviz.errors import UsageError, system_reason
from rnnviz.messages import _

#: Error numbers of a path that no file can have, and of a full disk (Windows has no quotas).
UNUSABLE_NAME = (errno.ENAMETOOLONG, errno.ELOOP)
NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def assets() -> Path:
    """The folder of shipped files: in the installed package, or at the root of a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def user_state_folder() -> Path:
    """The folder for what an app remembers, such as the lines typed before; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_state_dir("rnnviz"))


def user_path(typed: str | Path) -> Path:
    """Expand ``~`` and ``~name`` in a path that a user typed; the path need not exist.

    Raises UsageError if there is no such user, or if no file system accepts the path.
    """
    try:
        path = Path(typed).expanduser()
        path.stat()
    except RuntimeError as error:
        raise UsageError(
            _("{path}: there is no home folder of that user.").format(path=str(typed)[:200])
        ) from error
    except ValueError as error:
        raise UsageError(
            _("{path!r} cannot be a path: {reason}.").format(path=str(typed)[:200], reason=error)
        ) from error
    except OSError as error:
        if error.errno in UNUSABLE_NAME:
            raise UsageError(
                _("{path} cannot be used: {reason}.").format(
                    path=str(typed)[:200], reason=system_reason(error)
                )
            ) from error
    return path


def require_writable(path: Path) -> os.stat_result | None:
    """Return the ``stat`` of a path that can be written to, following links; None if it is new.

    Raises UsageError where no file can be written whatever the disk holds: the folder does not
    exist, the path is a folder, a socket or a block device, its name is too long, or its links
    form a loop.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        folder = Path(os.path.realpath(path)).parent
        if not folder.is_dir():
            missing = shlex.quote(str(folder if path.is_symlink() else path.parent))
            raise UsageError(
                _("There is no folder {missing}. Make it first: mkdir -p {missing}").format(
                    missing=missing
                )
            ) from None
        return None
    except NotADirectoryError as error:
        raise UsageError(
            _("{folder} is a file, not a folder: {path} cannot be in it.").format(
                folder=path.parent, path=path
            )
        ) from error
    except ValueError as error:
        raise UsageError(
            _("{path} cannot be the name of a file: {reason}.").format(path=path, reason=error)
        ) from error
    except OSError as error:
        if error.errno in UNUSABLE_NAME:
            raise UsageError(
                _("{path} cannot be written: {reason}.").format(
                    path=path, reason=system_reason(error)
                )
            ) from error
        raise
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise UsageError(_("{path} is a folder. Name a file in it.").format(path=path))
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        kind = _("a socket") if stat.S_ISSOCK(mode) else _("a disk")
        raise UsageError(
            _("{path} is {kind}, which is not written to. Name a file.").format(
                path=path, kind=kind
            )
        )
    return status


def require_distinct(outputs: Mapping[str, Path], inputs: Iterable[Path] = ()) -> None:
    """Raise UsageError if an output is not writable, is also an input, or is named twice.

    ``outputs`` maps the option's name, used in messages, to its path. Devices and pipes may be
    named twice.
    """
    taken = [(_("what is read from {path}").format(path=path), path) for path in inputs]
    for name, path in outputs.items():
        require_writable(path)
        for use, other in taken:
            if _is_same_file(path, other):
                raise UsageError(
                    _("{name} {path} would replace {use}. Name another file.").format(
                        name=name, path=path, use=use
                    )
                )
        taken.append((_("what {name} writes").format(name=name), path))


def _is_same_file(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b) and a.is_file()
    except OSError:  # at least one of them does not exist
        return os.path.realpath(a) == os.path.realpath(b)
