"""The record of the stand-in: waits for the GPU, uploads, and launches."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import rnnviz.engine.cuda.backend

_HERE = Path(__file__).parent
_TOOLS = {
    str(_HERE / name)
    for name in (
        "record.py",
        "cupy_cuda.py",
        "device_array.py",
        "cupy_namespace.py",
        "standin.py",
    )
}
#: Functions of the backend that are only wrappers: the record names their callers.
_WRAPPERS = {(rnnviz.engine.cuda.backend.__file__, name) for name in ("asarray", "host", "floats")}


@dataclass
class Record:
    """Waits and uploads, each with the line that caused it; launches; and names of CuPy used."""

    syncs: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[tuple[int, str]] = field(default_factory=list)
    launches: list[str] = field(default_factory=list)
    used_names: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Remove all entries."""
        for entries in (self.syncs, self.uploads, self.launches, self.used_names):
            entries.clear()

    def sync(self, what: str) -> None:
        """Record that the host waits for the GPU."""
        self.syncs.append((what, _caller()))

    def upload(self, nbytes: int) -> None:
        """Record a copy from the host to the GPU."""
        self.uploads.append((nbytes, _caller()))


record = Record()


def _caller() -> str:
    """The innermost line outside the stand-in, NumPy and wrappers: "updater.py:41 in flush"."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        tool = name in _TOOLS or (name, function) in _WRAPPERS
        if not tool and "numpy" not in Path(name).parts:
            break
        frame = frame.f_back
    code = frame.f_code
    return f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_name}"
