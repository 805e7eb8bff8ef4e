"""Reading files that others wrote: regular files only, of limited size, one kind of error."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnviz.errors import InvalidFileError, RnnvizError, system_reason
from rnnviz.messages import N_, _, translated

#: Largest JSON file in bytes. A vocabulary of 100,000 words takes two million; the parsed objects
#: take up to 25 times as much memory.
JSON_LIMIT = 10_000_000
#: Maximal nesting of objects and lists in a JSON file; this package writes at most six levels.
_MAX_DEPTH = 50
#: Maximal length of a reason in an error message; it may quote the file and contain its path.
_MAX_REASON = 400
#: Flags of ``os.open``: do not wait for a pipe's writer, do not become the controlling terminal,
#: do not pass the descriptor on to child processes, do not translate line ends.
_OPEN_FLAGS = ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")


def open_regular(path: Path, limit: int | None = None) -> io.BufferedReader:
    """Open a regular file for reading; never blocks on a pipe and never reads a device.

    Raises OSError as ``open`` does, and InvalidFileError for a pipe, a device, or a file of more
    than ``limit`` bytes.
    """
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in _OPEN_FLAGS)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            kind = _("a pipe") if stat.S_ISFIFO(status.st_mode) else _("a device")
            raise InvalidFileError(
                _(
                    "{path} is {kind}, not a file. Write its content to a file and name that."
                ).format(path=path, kind=kind)
            )
        if limit is not None and status.st_size > limit:
            raise _too_large(path, limit)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_limited(path: Path, limit: int) -> bytes:
    """Read a whole file of at most ``limit`` bytes; raises as ``open_regular`` does."""
    with open_regular(path, limit) as file:
        data = file.read(limit + 1)
    if len(data) > limit:  # it grew, or has no known size, as files in /proc
        raise _too_large(path, limit)
    return data


def _too_large(path: Path, limit: int) -> InvalidFileError:
    return InvalidFileError(
        _("{path} is larger than {size}, the limit for this file.").format(
            path=path, size=size_text(limit)
        )
    )


def size_text(count: int) -> str:
    """A number of bytes for a message: "12 MB" or "1,200 bytes"."""
    return (
        f"{count / 1e6:,.0f} MB" if count >= 1_000_000 else _("{count:,} bytes").format(count=count)
    )


@contextmanager
def invalid_file_on_error(path: Path, kind: str, remedy: str = "") -> Iterator[None]:
    """Convert exceptions raised while a file is read, checked or evaluated to InvalidFileError.

    A damaged file makes parsers raise nearly anything, from UnicodeDecodeError to MemoryError.
    ``kind`` says what the file should be ("trace"); ``remedy`` is a sentence added to the reason.
    RnnvizError, ImportError and NameError pass unchanged.
    """
    suffix = f" {remedy}" if remedy else ""
    try:
        yield
    except (RnnvizError, ImportError, NameError):
        raise
    except OSError as error:
        raise InvalidFileError(
            _("Cannot read {path}: {reason}.{suffix}").format(
                path=path, reason=system_reason(error), suffix=suffix
            )
        ) from error
    except Exception as error:
        raise InvalidFileError(
            _("{path} is not a usable {kind}: {reason}.{suffix}").format(
                path=path, kind=kind, reason=reason(error), suffix=suffix
            )
        ) from error


#: What Python's parsers say: ``reason`` translates it.
PARSER_MESSAGES = (
    N_("{what}: line {line} column {column} (char {place})"),
    N_("{what} (at line {line}, column {column})"),
    N_("{what} (at end of document)"),
    # json
    N_("Expecting value"),
    N_("Extra data"),
    N_("Expecting property name enclosed in double quotes"),
    N_("Expecting ',' delimiter"),
    N_("Expecting ':' delimiter"),
    N_("Unterminated string starting at"),
    N_("Invalid control character at"),
    N_("Illegal trailing comma before end of object"),
    N_("Illegal trailing comma before end of array"),
    # tomllib
    N_("Invalid statement"),
    N_("Invalid value"),
    N_("Unterminated string"),
    N_("Unclosed array"),
    N_("Cannot overwrite a value"),
    N_("Expected '=' after a key in a key/value pair"),
    N_("Expected newline or end of document after a statement"),
    # zipfile
    N_("File is not a zip file"),
)


def reason(error: BaseException) -> str:
    """An exception's message as one short line without its full stop."""
    if isinstance(error, MemoryError):
        return _("a part of it is too large or nested too deep")
    if isinstance(error, RecursionError):
        return _("it is nested too deep")
    if isinstance(error, UnicodeDecodeError):
        return _("it is not text in UTF-8")
    if isinstance(error, OSError) and error.strerror:
        return system_reason(error)
    text = translated(" ".join(str(error).split())) or type(error).__name__
    if isinstance(error, KeyError):
        text = _("{text} is missing").format(text=text)
    return (text if len(text) <= _MAX_REASON else f"{text[:_MAX_REASON]}…").rstrip(".")


def read_json(path: Path, limit: int = JSON_LIMIT) -> Any:
    """Parse a JSON file; raises InvalidFileError if it is unreadable, too large or not JSON."""
    with invalid_file_on_error(path, _("JSON file")):
        return parse_json(read_limited(path, limit).decode("utf-8"))


def parse_json(text: str) -> Any:
    """Parse JSON; raises ValueError, or RecursionError, if it is not JSON or nested too deep."""
    value = json.loads(text)
    level = [[value]]
    for _n in range(_MAX_DEPTH):
        level = [child for container in level for child in _containers_in(container)]
        if not level:
            return value
    raise ValueError(_("it is nested deeper than {depth}").format(depth=_MAX_DEPTH))


def _containers_in(value: Any) -> Iterable[Any]:
    """The objects and lists directly inside an object or a list."""
    children = value.values() if isinstance(value, dict) else value
    return [child for child in children if type(child) in (dict, list)]
