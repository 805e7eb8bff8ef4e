"""Options that change nothing in what is read from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from rnnviz.errors import RnnvizError
from rnnviz.interop.contents import ImportOptions, ModelContents
from rnnviz.interop.detection import read_contents


def unused_options(path: Path, options: ImportOptions, contents: ModelContents) -> tuple[str, ...]:
    """The options, ``--reset-after``, that a file has nothing for.

    ``contents`` were read with ``options``. The file is read again without each option that is
    given: one is unused if operations, assumptions and refusal stay the same.
    """
    found = []
    for field in fields(options):
        if getattr(options, field.name) is None:
            continue
        try:
            without = read_contents(path, replace(options, **{field.name: None}))
        except (RnnvizError, OSError):  # it cannot be read without the option
            continue
        if _equal(_read(contents), _read(without)):
            found.append(f"--{field.name.replace('_', '-')}")
    return tuple(found)


def _read(contents: ModelContents) -> Any:
    operations = [
        (type(op), [getattr(op, each.name) for each in fields(op)]) for op in contents.operations
    ]
    return operations, contents.assumptions, contents.refusal


def _equal(a: Any, b: Any) -> bool:
    """Whether nested values are equal, arrays number by number."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, Sequence) and not isinstance(a, str):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)
