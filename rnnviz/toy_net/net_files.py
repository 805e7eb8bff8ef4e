"""Nets by hand in files: those that are shipped, those that people hand out, and writing one."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from rnnviz.errors import UsageError, nearest
from rnnviz.files import invalid_file_on_error, read_limited, write_output
from rnnviz.hand import document
from rnnviz.hand.document import NetFile

#: Many times what a net of eight units and eight inputs takes.
_LARGEST = 200_000
_EXAMPLES = Path(__file__).parent / "examples"


@cache
def examples() -> tuple[str, ...]:
    """The names of the shipped nets."""
    return tuple(sorted(file.stem for file in _EXAMPLES.glob("*.toml")))


def open_net(said: str) -> NetFile:
    """The net of a file, or a shipped one by its name.

    UsageError where there is none, InvalidFileError for what is not a net.
    """
    if said in examples():
        return _read(_EXAMPLES / f"{said}.toml")
    path = Path(said)
    if not said or not _exists(path):
        raise UsageError(
            f"No net {_short(said)} here.{nearest(said[:80], examples())}\n"
            f"Give a file, or a net that is shipped: {', '.join(examples())}."
        )
    return _read(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> NetFile:
    remedy = f"\nOne to compare it with: rnnviz step --net {examples()[0]} --save-net FILE.toml"
    with invalid_file_on_error(path, "net by hand", remedy):
        return document.read(tomllib.loads(read_limited(path, _LARGEST).decode("utf-8-sig")))


def save_net(path: Path, net: NetFile) -> None:
    """Write a net as a file that :func:`open_net` reads; OSError if that cannot be."""
    write_output(path, document.toml(document.written(net)))


def _short(said: str) -> str:
    return repr(said if len(said) <= 80 else said[:77] + "...")
