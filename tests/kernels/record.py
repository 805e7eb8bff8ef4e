"""What a program did on the stand-in card: where it waited, what it sent and what it launched."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import rnnviz.engine.cuda.backend

_HERE = Path(__file__).parent
_TOOLS = {
    str(_HERE / name)
    for name in ("record.py", "card.py", "device_array.py", "names.py", "standin.py")
}
#: Whoever asks for these is who is meant.
_HANDED_ON = {(rnnviz.engine.cuda.backend.__file__, name) for name in ("asarray", "host", "floats")}


@dataclass
class Record:
    """Each wait and upload with the line that asked for it; ``asked`` are CuPy's names in use."""

    syncs: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[tuple[int, str]] = field(default_factory=list)
    launches: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Forget everything."""
        for kept in (self.syncs, self.uploads, self.launches, self.asked):
            kept.clear()

    def sync(self, what: str) -> None:
        """Note that the host waits for the card."""
        self.syncs.append((what, _caller()))

    def upload(self, nbytes: int) -> None:
        """Note that memory goes from the host to the card."""
        self.uploads.append((nbytes, _caller()))


record = Record()


def _caller() -> str:
    """The innermost line outside the stand-in, NumPy and what only hands on to them.

    As in "steps.py:41 in rest".
    """
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        tool = name in _TOOLS or (name, function) in _HANDED_ON
        if not tool and "numpy" not in Path(name).parts:
            break
        frame = frame.f_back
    code = frame.f_code
    return f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_name}"
