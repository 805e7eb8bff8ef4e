"""Snapshots of a run read back: of which moment each file is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from rnnviz.files import invalid_file_on_error, open_regular, parse_json
from rnnviz.lookup import snapshot_files
from rnnviz.model_files.weights import MAX_BYTES, check_header

#: In the metadata of each file, beside its step and its epoch.
SCHEMA = "rnnviz.snapshot/1"


@dataclass(frozen=True)
class Snapshot:
    """The weights of a run at one moment."""

    step: int  # optimizer updates done
    epoch: float  # epochs done: 1.5 is the middle of the second one
    path: Path


def read_snapshots(run: Path) -> list[Snapshot]:
    """The snapshots in a run directory, in the order of their steps.

    InvalidFileError if a file does not say of which moment it is.
    """
    return [_snapshot(step, path) for step, path in snapshot_files(run).items()]


def _snapshot(step: int, path: Path) -> Snapshot:
    with invalid_file_on_error(path, "snapshot"):
        check_header(path, MAX_BYTES)
        with open_regular(path, MAX_BYTES) as file:
            header = parse_json(file.read(int.from_bytes(file.read(8), "little")).decode("utf-8"))
        about = json.loads(header["__metadata__"]["snapshot"])
        if about["schema"] != SCHEMA or about["step"] != step:
            raise ValueError("it is that of another moment")
        epoch = about["epoch"]
        if not isinstance(epoch, int | float) or not 0 <= epoch < math.inf:
            raise ValueError(f"its epoch is {epoch!r}")
    return Snapshot(step, float(epoch), path)
