"""The record of the stand-in: waits for the GPU, uploads, launches, and calls of CuPy."""

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
        "capture.py",
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
    """Waits and uploads, each with the line that caused it; launches; and names of CuPy used.

    ``launches`` are those of our kernels, ``array_kernels`` those of CuPy's: (name, line).
    """

    syncs: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[tuple[int, str]] = field(default_factory=list)
    launches: list[str] = field(default_factory=list)
    array_kernels: list[tuple[str, str]] = field(default_factory=list)
    used_names: set[str] = field(default_factory=set)
    calls: int = 0  # of CuPy: functions, methods, operators, indexing and our kernels

    def clear(self) -> None:
        """Remove all entries."""
        for entries in (
            self.syncs, self.uploads, self.launches, self.array_kernels, self.used_names,
        ):  # fmt: skip
            entries.clear()
        self.calls = 0

    @property
    def all_launches(self) -> int:
        """The number of kernels launched, ours and CuPy's."""
        return len(self.launches) + len(self.array_kernels)

    def array_kernel(self, name: str, count: int = 1) -> None:
        """Record that CuPy launches kernels of its own."""
        self.array_kernels += [(name, _caller())] * count

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
