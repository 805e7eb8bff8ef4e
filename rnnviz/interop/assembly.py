"""From the operations of a file to nets that can be stepped through."""

from __future__ import annotations

from dataclasses import dataclass

from rnnviz.arrays import Values
from rnnviz.engine.spec import ModelSpec
from rnnviz.interop.contents import ModelContents


@dataclass(frozen=True, eq=False)
class ImportableNet:
    """A net of a file, or the part of it that is one stack.

    ``name`` is that of its last recurrent layer, or "" for the whole net. ``operations`` are the
    names of those it consists of, ``missing`` says what of the file it does not compute (empty for
    the whole net), ``notes`` what was folded or left out without changing a number.
    """

    name: str
    spec: ModelSpec
    params: Values
    operations: tuple[str, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def importable_nets(contents: ModelContents) -> tuple[ImportableNet, ...]:
    """The nets of a file, the whole net or the longest part first; none where it is refused."""
    return ()
