"""``history.jsonl`` read back: a line an epoch, and nothing in it is believed unchecked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnviz.errors import InvalidFileError
from rnnviz.files import read_limited, reading, reason

#: The most bytes of a history; a line has some 400.
LARGEST = 16_000_000


def read_history(path: Path) -> list[dict[str, Any]]:
    """The epochs of a file, in order: "epoch", "train", "valid", "seconds", "norms".

    What is null or not finite is NaN. A last line without its end, as a kill leaves it, does not
    count. InvalidFileError if the file is missing or another line is no epoch.
    """
    with reading(path, "history"):
        lines = whole_lines(path)
    return [read_line(path, number, line) for number, line in enumerate(lines, 1)]


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file that have their end, with it."""
    return [line + b"\n" for line in read_limited(path, LARGEST).split(b"\n")[:-1]]


def read_line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """The epoch of that number; InvalidFileError, with the line's number, if it is none."""
    try:
        found = json.loads(line.decode("utf-8"))
        epoch = found["epoch"]
        if type(epoch) is not int or epoch != number:
            raise ValueError(f"it is of epoch {epoch}")
        parts = {part: numbers(found[part]) for part in ("train", "valid")}
        norms = numbers(found.get("norms") or {})
        return {"epoch": epoch, **parts, "seconds": _number(found.get("seconds")), "norms": norms}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError,
            RecursionError) as error:  # fmt: skip
        said = f"{type(error).__name__}: {reason(error)}"
        raise InvalidFileError(f"{path}, line {number}, is no epoch ({said}).") from error


def numbers(found: Mapping[str, Any]) -> dict[str, float]:
    """Metrics by name; null or not finite is NaN. An error of Python for anything else."""
    return {name: _number(value) for name, value in found.items()}


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value) if math.isfinite(value) else math.nan
