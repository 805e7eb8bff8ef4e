"""``history.jsonl``: one line per epoch, appended while training and checked when read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rnnviz.display import json_text
from rnnviz.errors import InvalidFileError
from rnnviz.files import invalid_file_on_error, read_limited, reason, write_atomically
from rnnviz.messages import _
from rnnviz.progress import Epoch

#: The most bytes of a history; a line has some 400.
MAX_BYTES = 16_000_000


def read_history(path: Path) -> list[Epoch]:
    """The epochs of a file, in order.

    A last line without a line feed, left by a kill, is ignored. InvalidFileError if the file is
    missing or any other line is not the epoch of that number.
    """
    with invalid_file_on_error(path, _("history")):
        lines = _complete_lines(path)
    return [_parse(path, number, line) for number, line in enumerate(lines, 1)]


def append_epoch(path: Path, epoch: Epoch) -> None:
    """Add a line and flush it to disk."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json_text(epoch.to_json()) + "\n")
        file.flush()
        os.fsync(file.fileno())


def truncate_history(path: Path, epochs: int) -> None:
    """Keep the first ``epochs`` lines only; a missing file is empty.

    InvalidFileError if there are fewer, or one of them is not an epoch.
    """
    with invalid_file_on_error(path, _("history")):
        text = read_limited(path, MAX_BYTES) if path.exists() else None
        lines = _complete_lines(path)[:epochs] if text is not None else []
    for number, line in enumerate(lines, 1):
        _parse(path, number, line)
    if len(lines) < epochs:
        raise InvalidFileError(
            _("{path} has {count} epochs, last.safetensors knows {epochs}: lines are lost.").format(
                path=path, count=len(lines), epochs=epochs
            )
        )
    if b"".join(lines) != text:
        write_atomically(path, b"".join(lines))


def _complete_lines(path: Path) -> list[bytes]:
    """The lines that end in a line feed, with it."""
    return [line + b"\n" for line in read_limited(path, MAX_BYTES).split(b"\n")[:-1]]


def _parse(path: Path, number: int, line: bytes) -> Epoch:
    """The epoch of that number; InvalidFileError that names the line if it is anything else."""
    try:
        epoch = Epoch.from_json(json.loads(line.decode("utf-8")))
        if epoch.number != number:
            raise ValueError(_("it is of epoch {number}").format(number=epoch.number))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError,
            RecursionError) as error:  # fmt: skip
        why = f"{type(error).__name__}: {reason(error)}"
        raise InvalidFileError(
            _("{path}, line {number}, is not an epoch ({why}).").format(
                path=path, number=number, why=why
            )
        ) from error
    return epoch
