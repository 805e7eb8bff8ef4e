"""Files of toy nets: the shipped examples, and reading and writing others."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from rnnviz.errors import UsageError, nearest
from rnnviz.files import invalid_file_on_error, read_limited, write_output
from rnnviz.messages import _
from rnnviz.toy_net import net_record
from rnnviz.toy_net.net_record import NetFile

#: Largest file in bytes, many times that of a net of eight units and eight inputs.
_MAX_BYTES = 200_000
_EXAMPLES = Path(__file__).parent / "examples"


@cache
def examples() -> tuple[str, ...]:
    """The names of the shipped nets."""
    return tuple(sorted(file.stem for file in _EXAMPLES.glob("*.toml")))


def open_net(name: str) -> NetFile:
    """Read a net from a file, or a shipped one by its name.

    Raises UsageError if there is none, InvalidFileError if the file does not describe a net.
    """
    if name in examples():
        return _read(_EXAMPLES / f"{name}.toml")
    path = Path(name)
    if not name or not _exists(path):
        raise UsageError(
            _(
                "No net {name} here.{hint}\nGive a file, or a net that is shipped: {examples}."
            ).format(
                name=_short(name),
                hint=nearest(name[:80], examples()),
                examples=", ".join(examples()),
            )
        )
    return _read(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> NetFile:
    remedy = _("\nOne to compare it with: rnnviz step --net {example} --save-net FILE.toml").format(
        example=examples()[0]
    )
    with invalid_file_on_error(path, _("net by hand"), remedy):
        return net_record.from_record(
            tomllib.loads(read_limited(path, _MAX_BYTES).decode("utf-8-sig"))
        )


def save_net(path: Path, net: NetFile) -> None:
    """Write a net to a file that :func:`open_net` reads; raises as ``write_output`` does."""
    write_output(path, net_record.to_toml(net_record.to_record(net)))


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")
